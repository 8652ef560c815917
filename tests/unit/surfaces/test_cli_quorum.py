"""`quorum panel` and `quorum weights`: who could answer, what weights follow from the records, and clear refusals."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from omniclaude_dagster.benchmark.quorum_records import vote_rows
from omniclaude_dagster.providers.model import ModelStatus
from omniclaude_dagster.quorum.model import Panel, Seat
from omniclaude_dagster.quorum.weights import MIN_OUTCOMES
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.surfaces.cli.quorum import _seating
from tests.support.misbehaving_server import MODEL_ID, ScriptedModelServer
from tests.support.quorum_votes import Rule, always_high, by_turns, cases_of, panel_of, perfect
from tests.unit.surfaces.conftest import Cli

SEATS = ("gemini-flash", "codestral", "deepseek-lite", "llama-3.1", "deepseek-full")
WEIGHTS = (1.0, 1.5, 2.0, 1.2, 1.8)


def remember(home: Path, rules: dict[str, Rule], *, count: int = 4 * MIN_OUTCOMES, panel: str = "default") -> None:
    """Votes of these seats about known truth, in the records of the home."""
    voted = panel_of(*SEATS, weights=WEIGHTS)
    rows, _ = cases_of(rules, count=count, panel=voted)
    named = Panel(panel, voted.seats)
    with contextlib.closing(RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")) as records:
        records.write_votes(vote_rows(rows, run_id="run", panel=named))


@pytest.fixture
def kept(home: Path) -> Path:
    home.mkdir()
    return home


def test_weights_are_proposed_beside_the_present_ones_and_nothing_is_changed(cli: Cli, kept: Path) -> None:
    remember(kept, {"codestral": perfect, "llama-3.1": by_turns, "gemini-flash": always_high})
    done = cli("quorum", "weights", "--from-records", "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    seats = {seat["seat"]: seat for seat in document["seats"]}
    assert list(seats) == list(SEATS)
    assert seats["llama-3.1"]["proposed_weight"] == seats["gemini-flash"]["proposed_weight"] == 0.0
    # What three seats have together goes to the one that is worth something.
    assert seats["codestral"]["proposed_weight"] == pytest.approx(1.5 + 1.2 + 1.0)
    assert seats["codestral"]["present_weight"] == 1.5
    assert (seats["codestral"]["auroc"], seats["codestral"]["accuracy"]) == (1.0, 1.0)
    assert seats["deepseek-full"]["proposed_weight"] == 1.8
    assert "keeps its weight" in seats["deepseek-full"]["note"]
    lines = yaml.safe_load("\n".join(document["yaml"]))
    assert {line["name"]: line["weight"] for line in lines} == {
        "codestral": 3.7, "deepseek-lite": 2.0, "deepseek-full": 1.8,
    }  # fmt: skip
    assert lines[0]["model"] == "codestral"
    assert lines[0]["fallbacks"]


def test_weights_for_a_person_say_why_and_how_to_apply_them(cli: Cli, kept: Path) -> None:
    remember(kept, {"codestral": perfect, "llama-3.1": by_turns})
    done = cli("quorum", "weights", "--from-records")
    text = " ".join(done.stdout.split())
    assert done.exit_code == 0, done.stderr
    assert "nothing is changed" in text
    assert "# llama-3.1: no better than chance so far; leave it out" in text
    assert "- {name: codestral, model: codestral, weight: 2.70" in text


def test_without_known_votes_it_says_what_to_run_first(cli: Cli, kept: Path) -> None:
    remember(kept, {"codestral": perfect}, panel="another")
    for command in (("quorum", "weights", "--from-records"), ("bench", "quorum", "--from-records")):
        done = cli(*command)
        said = " ".join(done.stderr.split())
        assert done.exit_code == 2
        assert "hold no votes of the panel default with known truth" in said
        assert "cure: run `omniclaude bench quorum`" in said
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("quorum", "weights"), "from the records only"),
        (("quorum", "weights", "--from-records", "--panel", "nobodys"), "there is no panel 'nobodys'"),
        (("quorum", "panel", "--panel", "nobodys"), "there is no panel 'nobodys'"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_a_cure(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    done = cli(*arguments)
    said = " ".join(done.stderr.split())
    assert done.exit_code == 2
    assert message in said
    assert "cure:" in said


def test_a_panel_that_nobody_answers_for_ends_with_1_and_says_why(cli: Cli, home: Path) -> None:
    done = cli("quorum", "panel", "--panel", "local", "--json")
    assert done.exit_code == 1, done.stderr
    document = json.loads(done.stdout)
    assert (document["participation"], document["is_reached"]) == (0.0, False)
    assert "OMNICLAUDE_MODEL_BASE_URL is not set" in document["seats"][0]["why_not"]
    assert "cure: omniclaude models names" in cli("quorum", "panel", "--panel", "local").stdout


def test_a_panel_whose_model_answers_ends_with_0_and_names_it(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedModelServer() as server:
        monkeypatch.setenv("OMNICLAUDE_MODEL_BASE_URL", server.base_url)
        done = cli("quorum", "panel", "--panel", "local")
        assert done.exit_code == 0, done.stderr
        assert server.chat_count == 0
    text = " ".join(done.stdout.split())
    assert f"local 1 {MODEL_ID}" in text
    assert "participation 100% of weight 1 (needs 60%): enough" in text
    assert "cure:" not in text


def seating(panel: Panel, *reachable: str, own: str | None = None) -> dict[str, Any]:
    statuses = {name: ModelStatus(name, "p", True, (), True, "ready", 0.0, 0.0, None) for name in reachable}
    return _seating(panel, reachable, statuses, own=own)


def test_a_model_votes_for_the_heavier_seat_and_the_other_goes_on() -> None:
    panel = Panel("p", (Seat("light", 1.0, ("m", "n")), Seat("heavy", 2.0, ("m",))), is_as_given=True)
    found = seating(panel, "m", "n")
    assert [seat["answers_now"] for seat in found["seats"]] == ["n", "m"]
    alone = seating(panel, "m")
    assert [seat["answers_now"] for seat in alone["seats"]] == [None, "m"]
    assert "m votes for another seat" in alone["seats"][0]["why_not"]
    assert (alone["participation"], alone["is_reached"]) == (0.6667, True)


def test_default_is_whatever_the_configured_host_serves_and_counts_once() -> None:
    panel = Panel("p", (Seat("a", 1.0, ("default",)), Seat("b", 1.0, ("real",))), is_as_given=True)
    found = seating(panel, "real", own="real")
    assert [seat["answers_now"] for seat in found["seats"]] == ["real", None]
    assert not found["is_reached"]


def test_a_panel_without_seats_reaches_nothing() -> None:
    assert not seating(Panel("p", ()))["is_reached"]
