"""Results on disk: a torn line is dropped, a kill loses nothing else, other settings are never mixed in."""

from pathlib import Path

import pytest

from omniclaude_dagster.benchmark.ledger import RunHeader, header_path, open_ledger, read_rows
from omniclaude_dagster.errors import ConflictError, RequestError
from tests.support.benchmark_tasks import a_row

HEADER = RunHeader("run-1", {"data": "x", "samples": 1, "asked": ("a", "b")})


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A results file with two rows."""
    path = tmp_path / "run" / "results.jsonl"
    with open_ledger(path, HEADER, is_fresh=False) as ledger:
        ledger.append(a_row("T/1"))
        ledger.append(a_row("T/2"))
    return path


def test_a_run_goes_on_with_its_own_id_after_its_last_complete_line(begun: Path) -> None:
    with begun.open("ab") as file:
        file.write(b'{"task": "T/3", "sam')
    with open_ledger(begun, RunHeader("run-2", HEADER.settings), is_fresh=False) as ledger:
        assert ledger.header.run_id == "run-1"
        assert [row.task for row in ledger.rows] == ["T/1", "T/2"]
        ledger.append(a_row("T/3"))
    assert [row.task for row in read_rows(begun)] == ["T/1", "T/2", "T/3"]


def test_a_file_that_a_kill_left_with_nothing_but_a_torn_line_begins_again(begun: Path) -> None:
    begun.write_bytes(b'{"task": ')
    with open_ledger(begun, HEADER, is_fresh=False) as ledger:
        assert ledger.rows == []
    assert begun.read_bytes() == b""


def test_other_settings_are_refused_and_named_with_the_cure(begun: Path) -> None:
    other = RunHeader("run-2", {**HEADER.settings, "samples": 2})
    with (
        pytest.raises(ConflictError, match=r"samples 1 \(now 2\)") as caught,
        open_ledger(begun, other, is_fresh=False),
    ):
        pass
    assert "--fresh" in caught.value.cure
    assert len(read_rows(begun)) == 2


def test_fresh_replaces_results_of_other_settings(begun: Path) -> None:
    other = RunHeader("run-2", {"data": "y"})
    with open_ledger(begun, other, is_fresh=True) as ledger:
        assert (ledger.rows, ledger.header.run_id) == ([], "run-2")
    assert begun.read_bytes() == b""


def test_a_file_that_is_no_results_file_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"mine": true}\n')
    with pytest.raises(ConflictError, match="not known"), open_ledger(path, HEADER, is_fresh=False):
        pass
    assert path.read_text() == '{"mine": true}\n'


def test_a_damaged_line_in_the_middle_is_named(begun: Path) -> None:
    lines = begun.read_bytes().splitlines(keepends=True)
    begun.write_bytes(lines[0] + b"{}\n" + lines[1])
    with pytest.raises(RequestError, match="line 2 is no benchmark result"), open_ledger(begun, HEADER, is_fresh=False):
        pass


def test_damaged_settings_are_refused(begun: Path) -> None:
    header_path(begun).write_text("{")
    with pytest.raises(RequestError, match="cannot be read"), open_ledger(begun, HEADER, is_fresh=False):
        pass


def test_two_processes_do_not_write_one_file(begun: Path) -> None:
    with (
        open_ledger(begun, HEADER, is_fresh=False),
        pytest.raises(ConflictError, match="another process"),
        open_ledger(begun, HEADER, is_fresh=False),
    ):
        pass


def test_a_sample_that_was_written_twice_counts_once(begun: Path) -> None:
    begun.write_bytes(begun.read_bytes() * 2)
    assert len(read_rows(begun)) == 2
