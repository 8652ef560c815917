"""`omniclaude patterns stats` and `reembed`: the figures are those of the records, and doubt is said."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.patterns.holdout import is_held_out
from omniclaude_dagster.patterns.model import Pattern, PatternReuse
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.request.model import NodeKind
from tests.support.cli import objects_of
from tests.support.generation_records import make_record
from tests.support.pattern_fakes import pattern_for
from tests.unit.surfaces.conftest import Cli

NOW = datetime.now(UTC)


@pytest.fixture
def store(home: Path) -> Iterator[RecordsStore]:
    found = RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")
    yield found
    found.close()


def add(store: RecordsStore, description: str = "Scales a value.", **changes: Any) -> Pattern:
    pattern = pattern_for(description, **({"created_at": NOW - timedelta(days=1)} | changes))
    store.add_pattern(pattern, vector=None, embedding_model="")
    return pattern


def met(store: RecordsStore, number: int, pattern: Pattern, *, share: float = 0.1, days_ago: float = 0) -> None:
    """A generation that met the pattern, on the side that the hold-out puts its request on."""
    held = is_held_out(f"request-{number}", share=share)
    at = NOW - timedelta(days=days_ago, minutes=1000 - number)
    result = {"quality_score": 0.9 + number % 9 / 100}
    reuse = PatternReuse(pattern.pattern_id, "held_out" if held else "shown", 1, 0.5)
    store.write(make_record(number, reuses=(reuse,), result=result, started_at=at, finished_at=at))


def stats_of(cli: Cli, *options: str) -> dict[str, Any]:
    done = cli("patterns", "stats", "--json", *options)
    assert done.exit_code == 0, done.stderr
    (found,) = objects_of(done.stdout)
    return found


def shown(cli: Cli, *options: str) -> str:
    done = cli("patterns", "stats", *options)
    assert done.exit_code == 0, done.stderr
    return " ".join(done.stdout.split())


def test_counts_are_by_status_kind_and_systems(cli: Cli, store: RecordsStore) -> None:
    add(store, "One.")
    add(store, "Two.", node_kind=NodeKind.EFFECT, systems=("redis", "kafka"))
    add(store, "Three.", node_kind=NodeKind.EFFECT, systems=("kafka", "redis"))
    bad = add(store, "Four.", name="the_bad_one")
    store.set_pattern_status([bad.pattern_id], "quarantined", reason="two nodes failed")
    found = stats_of(cli)
    assert found["counts"] == {"active": 3, "quarantined": 1, "retired": 0}
    assert found["by_kind"] == {"EFFECT": 2, "COMPUTE": 1}
    assert found["by_systems"] == {"kafka + redis": 2, "none": 1}
    assert [one["status_reason"] for one in found["quarantined"]] == ["two nodes failed"]
    assert found["database_bytes"] > 0
    text = shown(cli)
    for words in ("4: 3 active, 1 quarantined", "2 EFFECT, 1 COMPUTE", "2 kafka + redis", "two nodes failed", "MiB"):
        assert words in text


def test_the_parts_say_how_they_are(cli: Cli, store: RecordsStore) -> None:
    add(store)
    found = stats_of(cli)
    assert "embedded" in str(found["health"])
    assert "wordllama" in str(found["health"])
    text = shown(cli)
    assert "embedded" in text
    assert "wordllama" in text


def test_what_is_used_most_comes_first(cli: Cli, store: RecordsStore) -> None:
    often, once, never = (add(store, f"{word}.", name=word) for word in ("often", "once", "never"))
    for number in range(200, 203):
        met(store, number, often, share=0)
    met(store, 203, once, share=0)
    found = stats_of(cli)
    assert [(one["name"], one["usage_count"]) for one in found["top_used"]] == [("often", 3), ("once", 1)]
    assert found["by_role"] == {"shown": 4}
    assert never.name not in [one["name"] for one in found["top_used"]]


def test_few_requests_give_no_interval_and_say_so(cli: Cli, store: RecordsStore) -> None:
    pattern = add(store)
    for number in range(12):
        met(store, number, pattern)
    measures = stats_of(cli)["uplift"]["overall"]["measures"]
    assert all(measure["difference"] is None for measure in measures.values())
    assert "too few" in shown(cli)


def test_enough_requests_give_differences_with_intervals(
    cli: Cli, store: RecordsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNICLAUDE_PATTERN_HOLDOUT_SHARE", "0.4")
    pattern = add(store)
    for number in range(120):
        met(store, number, pattern, share=0.4)
    found = stats_of(cli)["uplift"]
    assert found["generation_count"] == 120
    assert found["overall"]["offered_count"] + found["overall"]["held_out_count"] == 120
    assert set(found["overall"]["measures"]["quality"]["difference"]) == {"value", "low", "high"}
    assert found["by_kind"]["EFFECT"]["offered_count"] == found["overall"]["offered_count"]
    assert not found["sample_ratio"]["is_suspicious"]
    text = shown(cli)
    for words in ("points", "100.0 %", "as it should be", "no spread"):
        assert words in text


def test_a_share_that_was_changed_is_warned_of(cli: Cli, store: RecordsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = add(store)
    for number in range(60):
        met(store, number, pattern, share=0.5)
    monkeypatch.setenv("OMNICLAUDE_PATTERN_HOLDOUT_SHARE", "0.05")
    text = shown(cli)
    assert "warning: 5 % should be held out" in text
    assert "the share was changed" in text


def test_days_leave_older_generations_out(cli: Cli, store: RecordsStore) -> None:
    pattern = add(store)
    met(store, 1, pattern, days_ago=20)
    met(store, 2, pattern)
    assert stats_of(cli)["uplift"]["generation_count"] == 2
    assert stats_of(cli, "--days", "10")["uplift"]["generation_count"] == 1


def test_reembed_gives_every_pattern_its_vector_once(cli: Cli, store: RecordsStore) -> None:
    patterns = [add(store, f"Number {number}.") for number in range(3)]
    done = cli("patterns", "reembed", "--json")
    (found,) = objects_of(done.stdout)
    assert (done.exit_code, found["embedded"]) == (0, 3)
    stored = store.patterns([pattern.pattern_id for pattern in patterns])
    assert {one.embedding_model for one in stored} == {found["embedding_model"]}
    again = cli("patterns", "reembed")
    assert again.exit_code == 0
    assert "every pattern has its vector" in again.stderr


def test_reembed_with_the_host_away_ends_with_3_and_can_go_on(
    cli: Cli, store: RecordsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store)
    monkeypatch.setenv("OMNICLAUDE_EMBEDDINGS_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OMNICLAUDE_EMBEDDINGS_MODEL", "m")
    done = cli("patterns", "reembed")
    assert done.exit_code == 3
    assert "cure:" in done.stderr
    monkeypatch.delenv("OMNICLAUDE_EMBEDDINGS_BASE_URL")
    monkeypatch.delenv("OMNICLAUDE_EMBEDDINGS_MODEL")
    assert objects_of(cli("patterns", "reembed", "--json").stdout)[0]["embedded"] == 1
