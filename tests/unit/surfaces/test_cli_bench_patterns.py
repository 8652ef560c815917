"""`bench patterns`: wrong command lines end with one message and a cure, before anything is filled or asked."""

from pathlib import Path

import pytest

from tests.support.benchmark_tasks import DOUBLE, SQUARE, write_tasks
from tests.unit.surfaces.conftest import Cli


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_tasks(tmp_path / "two.jsonl", [DOUBLE, SQUARE]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one of --model and --chain; there is none of them"),
        (("--model", "a", "--chain", "b"), "there is both"),
        (("--model", "no-such-model"), "there is no model 'no-such-model'; known models:"),
        (("--chain", "no-such-chain"), "there is no chain 'no-such-chain'"),
        (("--chain", "cheap-cloud", "--replay"), "there is no recorded run of chain cheap-cloud"),
        (("--model", "a", "--limit", "0"), "limit"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_a_cure(
    cli: Cli, data: str, arguments: tuple[str, ...], message: str
) -> None:
    done = cli("bench", "patterns", "--data", data, *arguments)
    assert done.exit_code == 2, done.stderr
    said = " ".join(done.stderr.split())
    assert message in said
    assert "cure:" in said
    assert "Traceback" not in said
    assert done.stdout == ""


def test_one_task_is_too_few_to_be_split(cli: Cli, tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "one.jsonl", [DOUBLE])
    done = cli("bench", "patterns", "--data", str(path), "--model", "default")
    assert done.exit_code == 2
    assert "cannot be split into two halves" in " ".join(done.stderr.split())
