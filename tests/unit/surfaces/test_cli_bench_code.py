"""`bench code`: wrong command lines end with one message and a cure; figures are shown as they are."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from omniclaude_dagster.benchmark.ledger import RunHeader
from omniclaude_dagster.benchmark.row import SampleRow
from omniclaude_dagster.benchmark.summary import summary_of
from omniclaude_dagster.surfaces.cli.bench_code_view import summary_view
from omniclaude_dagster.surfaces.cli.bench_progress import BenchProgress
from tests.support.benchmark_tasks import DOUBLE, a_row, a_wrong_row, write_tasks
from tests.unit.surfaces.conftest import Cli


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_tasks(tmp_path / "one.jsonl", [DOUBLE]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is none of them"),
        (("--model", "a", "--chain", "b"), "--model and --chain"),
        (("--model", "a", "--solutions", "canonical"), "--model and --solutions"),
        (("--solutions", "canonical", "--replay"), "--replay repeats answers of models"),
        (("--solutions", "canonical", "--samples", "2"), "--samples and --temperature are for models"),
        (("--solutions", "wrong-ones"), "canonical-and-mutants"),
        (("--model", "no-such-model"), "there is no model 'no-such-model'; known models:"),
        (("--chain", "no-such-chain"), "there is no chain 'no-such-chain'"),
        (("--chain", "cheap-cloud", "--replay"), "there is no recorded run of chain cheap-cloud"),
        (("--model", "a", "--limit", "0"), "limit"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_a_cure(
    cli: Cli, data: str, arguments: tuple[str, ...], message: str
) -> None:
    done = cli("bench", "code", "--data", data, *arguments)
    assert done.exit_code == 2, done.stderr
    said = " ".join(done.stderr.split())
    assert message in said
    assert "cure:" in said
    assert "Traceback" not in said
    assert done.stdout == ""


def test_a_file_of_another_format_is_refused_by_line(cli: Cli, tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "other.jsonl", [{"question": 1}])
    done = cli("bench", "code", "--data", str(path), "--solutions", "canonical")
    assert done.exit_code == 2
    assert "line 1 is no task of HumanEval+ or MBPP+" in " ".join(done.stderr.split())


def shown(capsys: pytest.CaptureFixture[str], *rows: SampleRow) -> str:
    settings = {"subject": "model small\x1b[31m", "data": "two"}
    summary: dict[str, Any] = {**summary_of(rows, RunHeader("r", settings)), "results": "/out/results.jsonl"}
    summary_view(Console(width=100, markup=False), summary)
    return " ".join(capsys.readouterr().out.split())


def test_figures_are_shown_with_their_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, a_row("T/1"), a_wrong_row("T/2", reason="example 1 differs"))
    assert "pass@1, published nodes 50.0 % 9.4 to 90.5 % 1/2" in text
    assert "all bodies 1.000" in text
    assert "1 needs_review" in text
    assert "example N differs" in text
    assert "\x1b" not in text


def test_an_auroc_that_is_not_determined_is_said_so_and_not_shown_as_one_half(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = shown(capsys, a_row("T/1"))
    assert "all bodies - not determined: no wrong body 1/0" in text
    assert "0.500" not in text


def test_questions_without_a_recorded_answer_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "2 questions had no recorded answer" in shown(capsys, a_row("T/1", unrecorded_calls=2))
    assert "no recorded answer" not in shown(capsys, a_row("T/1"))


def test_progress_tells_how_far_it_is_and_that_an_ended_run_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        with BenchProgress(is_quiet=False) as progress:
            progress.begin([a_row("T/1")], total=3)
            progress.advance(a_wrong_row("T/2"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "2 of 3 samples are kept; the same command goes on" in capsys.readouterr().err


def test_the_last_sample_is_always_told_and_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for is_quiet in (False, True):
        with BenchProgress(is_quiet=is_quiet) as progress:
            progress.begin([], total=1)
            progress.advance(a_row("T/1"))
        assert ("1/1 samples, 100 % right" in capsys.readouterr().err) is not is_quiet
