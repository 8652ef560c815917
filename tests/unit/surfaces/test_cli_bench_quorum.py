"""`bench quorum`: wrong command lines end with one message and a cure; figures are shown as they are."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from omniclaude_dagster.benchmark.quorum_records import vote_rows
from omniclaude_dagster.benchmark.quorum_row import CaseRow
from omniclaude_dagster.benchmark.quorum_summary import summary_of
from omniclaude_dagster.quorum.model import Panel
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.surfaces.cli.bench_quorum_view import summary_view
from tests.support.quorum_votes import Rule, absent, by_turns, cases_of, inverted, panel_of, perfect
from tests.unit.surfaces.conftest import Cli


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from-records", "--votes", "v.jsonl"), "--from-records executes no cases"),
        (("--from-records", "--data", "d.jsonl"), "--from-records executes no cases"),
        (("--panel", "nobodys"), "there is no panel 'nobodys'"),
        (("--votes", "none.jsonl"), "none.jsonl cannot be read"),
        (("--data", "none.jsonl"), "there is no file none.jsonl"),
        (("--cases", "1"), "cases"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_a_cure(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    done = cli("bench", "quorum", *arguments)
    said = " ".join(done.stderr.split())
    assert done.exit_code == 2, said
    assert message in said
    assert "cure:" in said
    assert "Traceback" not in said
    assert done.stdout == ""


def test_known_votes_in_the_records_are_judged_without_asking_anybody(cli: Cli, home: Path) -> None:
    home.mkdir()
    panel = Panel("local", panel_of("local").seats)
    rows, _ = cases_of({"local": perfect}, panel=panel)
    with contextlib.closing(RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")) as records:
        records.write_votes(vote_rows(rows, run_id="run", panel=panel))
    done = cli("bench", "quorum", "--from-records", "--panel", "local", "--json")
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["settings"] == {"data": "records", "panel": "local"}
    assert summary["groups"]["all cases"]["panel"]["auroc"]["value"] == 1.0
    assert cli("bench", "quorum", "--from-records", "--panel", "local").exit_code == 0


def shown(
    capsys: pytest.CaptureFixture[str], rules: dict[str, Rule], *, rows: list[CaseRow] | None = None, width: int = 120
) -> str:
    made, panel = cases_of(rules)
    summary: dict[str, Any] = {
        "settings": {"data": "two\x1b[31m", "facts": False},
        "results": "/out/results.jsonl",
        "votes": "/out/votes.jsonl",
        **summary_of(made if rows is None else rows, panel),
    }
    summary_view(Console(width=width, markup=False), summary)
    return " ".join(capsys.readouterr().out.split())


def test_seats_panel_and_baselines_stand_in_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, {"good": perfect, "never": absent}, width=160)
    assert "good 1 40 100.0 % 100.0 % 0.000 [0.00, 0.00] 1.000" in text
    assert "never 1 0 - - - - -" in text
    assert "always approve 40 50.0 % 50.0 %" in text
    assert "never abstained 40 x: timed out" in text
    assert "seats see no facts of the gates" in text
    assert "votes: /out/votes.jsonl" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (perfect, "+50.0 points (95 % interval"),
        (perfect, ": better right ones: 0 blocked"),
        (by_turns, "+0.0 points (95 % interval"),
        (by_turns, ": no difference shown right ones: 10 blocked"),
        (inverted, ": worse right ones: 20 blocked"),
        (absent, "change by stage 5.5: nothing is published"),
    ],
)
def test_what_stage_5_5_changes_is_said_in_words(capsys: pytest.CaptureFixture[str], rule: Rule, words: str) -> None:
    assert words in shown(capsys, {"seat": rule})


def test_cases_without_votes_and_slots_without_cases_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    rows, _ = cases_of({"seat": perfect}, count=4)
    unusable = CaseRow(case="t", slot="t", slot_cases=0, unusable="no visible example proves it")
    rows = [rows[0].model_copy(update={"has_votes": False}), *rows[1:], unusable]
    text = shown(capsys, {"seat": perfect}, rows=rows)
    assert "1 cases have no recorded votes" in text
    assert "not used: 1 x no visible example proves it" in text


def test_no_case_at_all_is_shown_without_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert "0 cases, 0 right, 0 wrong" in shown(capsys, {"seat": perfect}, rows=[])
