"""Formatting: one style for all files, each text once, and nothing that ruff cannot read is lost."""

import pytest

from omniclaude_dagster.artifact import formatting
from omniclaude_dagster.artifact.formatting import MAX_REMEMBERED, forget_formatted, format_python
from omniclaude_dagster.errors import PermanentError


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    forget_formatted()


def test_python_is_formatted_and_all_else_stays() -> None:
    files = {"a/b.py": "x = {  'a':1 }\n", "README.md": "x = {  'a':1 }\n", "c.py": "y=1\n"}
    assert format_python(files) == {**files, "a/b.py": 'x = {"a": 1}\n', "c.py": "y = 1\n"}


def test_what_ruff_cannot_read_stays_as_it_is() -> None:
    assert format_python({"a.py": "x = = 1\n", "b.py": "y=1\n"}) == {"a.py": "x = = 1\n", "b.py": "y = 1\n"}


def test_names_do_not_collide_or_lead_out() -> None:
    files = {"a/m.py": "a=1\n", "b/m.py": "b=1\n", "../../m.py": "c=1\n"}
    assert format_python(files) == {"a/m.py": "a = 1\n", "b/m.py": "b = 1\n", "../../m.py": "c = 1\n"}


def test_a_text_is_formatted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = format_python({"a.py": "x=1\n", "b.py": "y=1\n"})
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert format_python({"a.py": "x=1\n", "b.py": "y=1\n"}) == first
    assert format_python({"other.py": "x=1\n"}) == {"other.py": "x = 1\n"}


def test_only_so_much_is_remembered() -> None:
    format_python({f"f{n}.py": f"x={n}\n" for n in range(MAX_REMEMBERED + 20)})
    assert len(formatting._memory._texts) == MAX_REMEMBERED
    long = f"x = {'1 + ' * 20_000}1\n"
    format_python({"long.py": long})
    assert long not in formatting._memory._texts


def test_what_ruff_complained_about_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    format_python({"a.py": "x = = 1\n", "b.py": "y=1\n"})
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(PermanentError):
        format_python({"b.py": "y=1\n"})


def test_a_missing_program_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(PermanentError, match="make setup"):
        format_python({"a.py": "x=1\n"})


def test_without_a_folder_in_memory_the_system_s_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert format_python({"a.py": "x=1\n"}) == {"a.py": "x = 1\n"}
