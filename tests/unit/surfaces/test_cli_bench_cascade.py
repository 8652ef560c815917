"""`omniclaude bench cascade`: what a person sees, exact JSON, and mistakes with a cure."""

import json
from pathlib import Path

import pytest

from tests.unit.surfaces.conftest import Cli

CSV = "task_id,cheap-1b,dear-70b\nt1,50,80\nt2,90,100\nt3,10,60\n"


@pytest.fixture
def outcomes(tmp_path: Path) -> str:
    path = tmp_path / "outcomes.csv"
    path.write_text(CSV, encoding="utf-8")
    return str(path)


def test_a_person_sees_both_ways_of_computing_each_model_alone_and_the_verdict(cli: Cli, outcomes: str) -> None:
    done = cli("bench", "cascade", "--outcomes", outcomes, "--chain", "cheap,dear")
    assert done.exit_code == 0, done.stderr
    for words in ("80.0 %", "50.0 %", "exact", "simulated", "agree", "wins against dear-70b alone", "no cost ratio"):
        assert words in done.stdout


def test_json_is_one_object_and_repeats_with_the_seed(cli: Cli, outcomes: str) -> None:
    asked = ("bench", "cascade", "--outcomes", outcomes, "--chain", "cheap,dear", "--json", "--seed", "5")
    first, second = cli(*asked), cli(*asked)
    assert (first.exit_code, first.stderr, first.stdout) == (0, "", second.stdout)
    found = json.loads(first.stdout)
    assert found["chain"] == ["cheap-1b", "dear-70b"]
    assert found["exact"]["pass_rate"] == pytest.approx((0.9 + 1.0 + 0.64) / 3)
    assert found["simulated"]["agrees_with_exact"] is True
    assert cli(*asked[:-1], "6").stdout != first.stdout


def test_a_blind_verifier_loses_and_the_command_still_succeeds(cli: Cli, outcomes: str) -> None:
    done = cli("bench", "cascade", "--outcomes", outcomes, "--chain", "cheap,dear", "--sensitivity", "0")
    assert done.exit_code == 0
    assert "loses against" in done.stdout


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("--chain", "cheap"), "at least two"),
        (("--chain", "cheap,nobody"), "cheap-1b, dear-70b"),
        (("--chain", "1b,70b", "--sensitivity", "1.5"), "1.5"),
        (("--chain", "1b,70b", "--tries", "5"), "5"),
        ((), "--chain"),
    ],
)
def test_a_mistake_is_a_usage_error_that_says_what_is_wrong(
    more: tuple[str, ...], problem: str, cli: Cli, outcomes: str
) -> None:
    done = cli("bench", "cascade", "--outcomes", outcomes, *more)
    assert (done.exit_code, done.stdout) == (2, "")
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_is_named(cli: Cli) -> None:
    done = cli("bench", "cascade", "--outcomes", "nowhere.csv", "--chain", "a,b")
    assert done.exit_code == 2
    assert "nowhere.csv" in done.stderr
