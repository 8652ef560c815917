"""Files of votes: written by a run, read for a replay, refused by line; and what a live panel gives."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from omniclaude_dagster.benchmark.quorum_row import RecordedBallot
from omniclaude_dagster.benchmark.quorum_votes import (
    LivePanel,
    RecordedVotes,
    ballots_of,
    read_votes,
    write_votes_file,
)
from omniclaude_dagster.errors import OutsideError, RequestError
from omniclaude_dagster.providers.errors import ModelConnectionError, ModelTimeoutError
from omniclaude_dagster.quorum.model import Deficiency, ProposedEdit
from tests.support import quorum_fakes
from tests.support.quorum_fakes import NamedModels
from tests.support.quorum_votes import absent, always_high, cases_of, panel_of, perfect, quorum_case, recorded


def test_what_a_run_writes_is_read_back_ballot_by_ballot(tmp_path: Path) -> None:
    rows, panel = cases_of({"perfect": perfect, "absent": absent}, count=4)
    edit = ProposedEdit("set_field_constraint", model="M", field="f", constraint="ge", value=0.5, proposed_by="m")
    rich = RecordedBallot(
        seat="perfect", score=0.25, verdict="reject", deficiencies=(Deficiency("logic.py", 3, "wrong"),), edit=edit
    )
    rows = [rows[0].model_copy(update={"ballots": (rich, recorded("absent", None))}), *rows[1:]]
    path = tmp_path / "votes.jsonl"
    write_votes_file(path, rows)
    read = read_votes(path, panel)
    assert {case: tuple(map(_bare, votes)) for case, votes in read.votes.items()} == {
        row.case: tuple(map(_bare, row.ballots)) for row in rows
    }
    assert read.votes["case/0"][0].edit == edit


def _bare(ballot: RecordedBallot) -> dict[str, object]:
    return {name: getattr(ballot, name) for name in RecordedBallot.model_fields}


def write_lines(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no votes"),
        (["{"], "line 1 is no vote"),
        ([{"case": "a", "seat": "perfect", "score": 2}], "line 1 is no vote: score"),
        ([{"case": "a", "seat": "perfect"}], "a ballot has a score, or a reason"),
        ([{"case": "a", "seat": "perfect", "score": 1, "colour": "red"}], "colour"),
        ([{"case": "a", "seat": "perfect", "score": 1}] * 2, "line 2: seat perfect votes twice about a"),
        ([{"case": "a", "seat": "nobody", "score": 1}], "votes of nobody, which the panel test does not have"),
        (['{"case": "a", "seat": "perfect", "score": NaN}'], "line 1 is no vote"),
    ],
)
def test_a_file_that_is_no_votes_is_refused_with_line_and_cure(
    tmp_path: Path, lines: Sequence[object], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        read_votes(write_lines(tmp_path / "v.jsonl", *lines), panel_of("perfect"))
    assert caught.value.cure


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read: No such file"):
        read_votes(tmp_path / "none.jsonl", panel_of("perfect"))


def test_recorded_votes_count_with_the_weights_of_now_and_missing_seats_abstain() -> None:
    panel = panel_of("b", "a", weights=[3.0, 1.0])
    ballots = ballots_of((recorded("a", 0.5),), panel)
    assert [(b.seat, b.weight, b.score, b.abstained_because) for b in ballots] == [
        ("b", 3.0, None, "no recorded vote"),
        ("a", 1.0, 0.5, ""),
    ]


def test_the_votes_of_another_case_are_nobodys() -> None:
    votes = RecordedVotes({"a": (recorded("x", 1.0),)})
    assert asyncio.run(votes.ballots(quorum_case("b"), uuid.uuid4())) is None


def live(models: NamedModels, *, has_facts: bool = True) -> tuple[RecordedBallot, ...]:
    panel = quorum_fakes.panel_of(("one", 1.0, ["m"]))
    voter = LivePanel(panel, models, deadline_s=5.0, has_facts=has_facts)
    return asyncio.run(voter.ballots(quorum_case("a"), uuid.uuid4()))


def test_a_live_vote_is_kept_with_its_model_and_its_price() -> None:
    (ballot,) = live(NamedModels({"m": quorum_fakes.answer(0.9)}))
    assert (ballot.seat, ballot.model, ballot.score, ballot.verdict) == ("one", "m", 0.9, "approve")
    assert ballot.cost_nanousd == quorum_fakes.CALL_COST


def test_a_model_that_is_too_late_or_talks_nonsense_abstains_and_is_measured() -> None:
    (late,) = live(NamedModels({"m": ModelTimeoutError("too late.")}))
    assert late.score is None
    assert "too late" in late.abstained_because
    (nonsense,) = live(NamedModels({"m": "no JSON"}))
    assert "malformed answer" in nonsense.abstained_because


def test_a_host_that_is_away_is_no_measurement() -> None:
    with pytest.raises(OutsideError, match="no seat of the panel test can be asked") as caught:
        live(NamedModels({"m": ModelConnectionError("nobody listens.")}))
    assert "omniclaude quorum panel" in caught.value.cure


def test_a_panel_that_asks_nobody_is_no_measurement() -> None:
    panel = panel_of("a")
    voter = LivePanel(panel, NamedModels({}, usable=()), deadline_s=1.0)
    with pytest.raises(OutsideError, match="a: a is left out"):
        asyncio.run(voter.ballots(quorum_case("a"), uuid.uuid4()))


def test_without_facts_a_seat_sees_nothing_that_the_gates_found() -> None:
    facts = quorum_fakes.facts_with(0.9, examples=(1, 3), G13="fail")
    gates = (quorum_fakes.gate_result("G13", "fail", "a peculiar message"),)
    case = replace(quorum_case("a"), candidate=quorum_fakes.tax_candidate(gates=gates, facts=facts))
    texts = []
    for has_facts in (True, False):
        models = NamedModels({"m": quorum_fakes.answer(0.9)})
        voter = LivePanel(quorum_fakes.panel_of(("one", 1.0, ["m"])), models, 5.0, has_facts)
        asyncio.run(voter.ballots(case, uuid.uuid4()))
        texts.append("".join(message.content for message in models.asked[0][1].messages))
    assert "a peculiar message" in texts[0]
    assert "1 of 3" in texts[0]
    assert "a peculiar message" not in texts[1]
    assert "1 of 3" not in texts[1]


def test_high_scores_survive_the_file(tmp_path: Path) -> None:
    rows, panel = cases_of({"high": always_high}, count=2)
    write_votes_file(tmp_path / "v.jsonl", rows)
    assert {b.score for votes in read_votes(tmp_path / "v.jsonl", panel).votes.values() for b in votes} == {0.9}
