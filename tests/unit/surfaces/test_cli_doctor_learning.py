"""What `omniclaude doctor` says of the panel and the pattern library.

The share of the panel that it names is the one that a vote would have.
"""

import asyncio
import random
import uuid
from pathlib import Path

import numpy as np
import pytest

from omniclaude_dagster.providers.errors import ModelConnectionError
from omniclaude_dagster.quorum.model import Seat
from omniclaude_dagster.quorum.voting import ask_panel
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.settings import load_settings
from omniclaude_dagster.surfaces.cli import doctor_checks
from omniclaude_dagster.surfaces.cli.doctor_learning import check_panel, check_patterns, voters_of
from tests.support.cli import objects_of
from tests.support.misbehaving_server import ScriptedModelServer
from tests.support.pattern_fakes import pattern_for
from tests.support.quorum_fakes import NamedModels, answer, panel_of, tax_candidate
from tests.unit.surfaces.conftest import Cli

MODELS = ("a", "b", "c", "d")


def test_the_named_voters_are_those_that_really_vote() -> None:
    generator = random.Random(7)
    candidate = tax_candidate()
    for _ in range(60):
        seats = [
            (f"seat-{n}", generator.choice([1.0, 1.5, 2.0]), generator.sample(MODELS, generator.randint(1, 3)))
            for n in range(generator.randint(1, 4))
        ]
        alive = {model for model in MODELS if generator.random() < 0.6}
        panel = panel_of(*seats)
        gateway = NamedModels({m: answer() if m in alive else ModelConnectionError("away") for m in MODELS})
        ballots = asyncio.run(ask_panel(panel, candidate, gateway, correlation_id=uuid.uuid4(), deadline_s=5.0))
        voted = {ballot.seat for ballot in ballots if ballot.is_vote}
        assert voters_of(panel.seats, answering=alive) == voted, (seats, alive)


def test_a_model_counts_for_one_seat_only() -> None:
    seats = (Seat("light", 1.0, ("a",)), Seat("heavy", 2.0, ("a", "b")))
    assert voters_of(seats, answering={"a"}) == {"heavy"}
    assert voters_of(seats, answering={"a", "b"}) == {"heavy"}
    assert voters_of(seats, answering=()) == frozenset()


def test_without_any_model_the_panel_is_degraded_harmless_and_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for vendor in ("ANTHROPIC", "DEEPSEEK", "GEMINI", "MISTRAL", "OPENAI", "TOGETHER", "ZAI"):
        monkeypatch.delenv(f"{vendor}_API_KEY", raising=False)
    found = check_panel(load_settings())
    assert (found.status, found.is_harmless) == ("degraded", True)
    assert "panel default: 0 of 5 seats can vote now, 0% of the weight; 60% are needed" in found.detail
    assert "codestral" in found.detail
    assert "mode strict blocks" in found.cure


def test_a_host_that_answers_can_vote_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModelServer() as server:
        monkeypatch.setenv("OMNICLAUDE_MODEL_BASE_URL", server.base_url)
        monkeypatch.setenv("OMNICLAUDE_PANEL", "local")
        found = check_panel(load_settings())
    assert (found.status, found.cure) == ("ok", "")
    assert "panel local: 1 of 1 seats can vote now, 100% of the weight" in found.detail


def test_a_host_that_does_not_answer_cannot_vote(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNICLAUDE_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OMNICLAUDE_PANEL", "local")
    found = check_panel(load_settings())
    assert found.status == "degraded"
    assert "without local (default)" in found.detail


def add_pattern(home: Path, *, embedding_model: str) -> None:
    store = RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")
    vector = np.ones(4, dtype=np.float32) / 2 if embedding_model else None
    store.add_pattern(pattern_for("adds tax to a price"), vector=vector, embedding_model=embedding_model)
    store.close()


def test_an_empty_library_works(home: Path) -> None:
    found = check_patterns(load_settings())
    assert (found.status, found.cure) == ("ok", "")
    assert found.detail.startswith("0 active patterns, found by embedded with wordllama")


@pytest.mark.parametrize("embedding_model", ["", "another-model"])
def test_patterns_without_a_vector_of_this_model_are_counted(home: Path, embedding_model: str) -> None:
    add_pattern(home, embedding_model=embedding_model)
    found = check_patterns(load_settings())
    assert (found.status, found.is_harmless, found.cure) == ("degraded", True, "omniclaude patterns reembed")
    assert "1 active patterns" in found.detail
    assert "1 wait" in found.detail


AWAY = {
    "OMNICLAUDE_EMBEDDINGS_BASE_URL": "OMNICLAUDE_EMBEDDINGS_BASE_URL",
    "OMNICLAUDE_QDRANT_URL": "OMNICLAUDE_PATTERN_INDEX=embedded",
}


@pytest.mark.parametrize("variable", AWAY)
def test_a_configured_part_that_does_not_answer_is_no_harmless_matter(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9/v1" if "EMBED" in variable else "http://127.0.0.1:9")
    monkeypatch.setenv("OMNICLAUDE_EMBEDDINGS_MODEL", "tiny")
    found = check_patterns(load_settings())
    assert (found.status, found.is_harmless) == ("degraded", False)
    assert AWAY[variable] in found.cure


def test_records_that_are_away_are_named_with_where_to_look(home: Path) -> None:
    (home / "records.sqlite3").mkdir(parents=True)
    found = check_patterns(load_settings())
    assert (found.status, found.is_harmless) == ("degraded", False)
    assert "the records are away" in found.detail
    assert "the part records" in found.cure


def test_doctor_tries_both(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = tuple(check for check in doctor_checks.CHECKS if check[0] in {"panel", "patterns"})
    monkeypatch.setattr(doctor_checks, "CHECKS", chosen)
    (found,) = objects_of(cli("doctor", "--json").stdout)
    assert [check["part"] for check in found["checks"]] == ["panel", "patterns"]
