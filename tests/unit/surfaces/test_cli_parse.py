"""`omniclaude parse`: exact keys, questions instead of guesses, one line out for one line in."""

import json
from pathlib import Path

import pytest

from tests.support.cli import objects_of
from tests.unit.surfaces.conftest import Cli

KEYS = [
    "node_kind", "name", "class_name", "domain", "operations", "external_systems", "features", "confidence",
    "questions",
]  # fmt: skip
PROMPT = "Create EFFECT node for PostgreSQL writes"


def test_json_has_exactly_the_promised_keys(cli: Cli) -> None:
    done = cli("parse", PROMPT, "--json")
    (found,) = objects_of(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert list(found) == KEYS
    assert (found["node_kind"], found["external_systems"]) == ("EFFECT", ["PostgreSQL"])


def test_a_person_sees_a_table_and_the_questions(cli: Cli) -> None:
    done = cli("parse", "make something nice please")
    assert done.exit_code == 0
    assert "not understood" in done.stdout
    assert "What should the node be called" in done.stdout


def test_a_prompt_too_short_to_generate_from_is_answered_with_questions(cli: Cli) -> None:
    (found,) = objects_of(cli("parse", "node", "--json").stdout)
    assert found["node_kind"] is None
    assert found["questions"]


def test_one_line_comes_out_for_each_line_in_order(cli: Cli, tmp_path: Path) -> None:
    prompts = [f"Create a COMPUTE node called Thing{number} that adds numbers" for number in range(30)]
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": p, "label": {"x": [1]}}) + "\n" for p in prompts))
    done = cli("parse", "--jsonl", str(file))
    assert done.exit_code == 0
    assert [found["name"] for found in objects_of(done.stdout)] == [f"Thing{number}" for number in range(30)]


BAD_LINES = {
    "not JSON": b"nonsense",
    "no prompt": b'{"text": "Create an EFFECT node"}',
    "prompt is no text": b'{"prompt": 7}',
    "a list": b'["Create an EFFECT node"]',
    "empty prompt": b'{"prompt": "  "}',
    "too long": b'{"prompt": "' + b"x" * 30_000 + b'"}',
    "not UTF-8": b'{"prompt": "\xff\xfe an EFFECT node"}',
    "half a surrogate": b'{"prompt": "Create an EFFECT node \\ud800"}',
    "control character": b'{"prompt": "Create an EFFECT \\u001b[31m node"}',
    "duplicate key": b'{"prompt": "Create an EFFECT node", "prompt": "b"}',
    "deep": b'{"prompt": ' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_an_error_in_its_place_and_the_others_go_on(cli: Cli, tmp_path: Path, line: bytes) -> None:
    good = json.dumps({"prompt": PROMPT}).encode()
    file = tmp_path / "prompts.jsonl"
    file.write_bytes(b"\n".join([good, line, good]) + b"\n")
    done = cli("parse", "--jsonl", str(file), "--json")
    first, bad, last = objects_of(done.stdout)
    assert done.exit_code == 2
    assert list(bad) == ["error"]
    assert bad["error"].startswith("line 2: ")
    assert first == last
    assert list(first) == KEYS


def test_a_byte_order_mark_and_windows_line_ends_are_fine(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps({"prompt": PROMPT}).encode() + b"\r\n\r\n")
    done = cli("parse", "--jsonl", str(file))
    assert (done.exit_code, len(objects_of(done.stdout))) == (0, 1)


def test_a_missing_empty_or_wrong_file_ends_with_2(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    for name in ("missing.jsonl", "empty.jsonl", "."):
        done = cli("parse", "--jsonl", str(tmp_path / name))
        assert (done.exit_code, done.stdout) == (2, "")
        assert "cure:" in done.stderr


def test_every_prompt_of_the_development_set_gets_an_answer(cli: Cli) -> None:
    file = Path(__file__).parents[3] / ".." / "shared" / "data" / "prompts_dev.jsonl"
    if not file.is_file():
        pytest.skip("the development prompts are not beside this checkout")
    done = cli("parse", "--jsonl", str(file.resolve()))
    assert done.exit_code == 0
    assert len(objects_of(done.stdout)) == len(file.read_text().splitlines())
