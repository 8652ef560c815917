"""What the arms may touch: settings of their own, and a library that neither changes its mind nor hides a gap."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from omniclaude_dagster.benchmark.patterns_platforms import FrozenLibrary, isolated
from omniclaude_dagster.errors import OutsideError
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import PatternQuery
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.settings import Settings
from tests.support.pattern_fakes import MOMENT, LetterEmbedder, MemoryPatternStore, pattern_for

TASK = "Count the vowels of a sentence."


@pytest.fixture
def store() -> MemoryPatternStore:
    return MemoryPatternStore([pattern_for(TASK)])


@pytest.fixture
def library(store: MemoryPatternStore) -> Iterator[PatternLibrary]:
    found = PatternLibrary(store, LetterEmbedder())
    found.reembed()
    yield found
    found.close()


def test_nothing_of_the_users_records_or_index_is_touched(tmp_path: Path) -> None:
    theirs = Settings(
        home=tmp_path / "theirs",
        database_url=SecretStr("postgresql+psycopg2://db/records"),
        pattern_index="qdrant",
        qdrant_url="http://127.0.0.1:6333",
        pattern_holdout_share=0.1,
        model_name="small",
    )
    ours = isolated(theirs, tmp_path / "ours")
    assert ours.records_url == f"sqlite:///{tmp_path / 'ours' / 'records.sqlite3'}"
    assert (ours.pattern_index, ours.qdrant_url, ours.pattern_holdout_share) == ("embedded", None, 0.0)
    assert ours.model_name == "small"


def test_a_later_search_finds_the_same_with_the_same_score(library: PatternLibrary) -> None:
    frozen = FrozenLibrary(library, moment=MOMENT)
    now, later = (
        frozen.find(PatternQuery(TASK, NodeKind.COMPUTE, now=moment))
        for moment in (datetime.now(UTC), MOMENT + timedelta(days=3650))
    )
    assert [offer.score for offer in now.offers] == [offer.score for offer in later.offers]
    assert len(now.offers) == 1
    unfrozen = library.find(PatternQuery(TASK, NodeKind.COMPUTE, now=MOMENT + timedelta(days=3650)))
    assert unfrozen.offers[0].score < now.offers[0].score
    frozen.require_whole()


def test_a_library_that_is_not_whole_measures_nothing(library: PatternLibrary, store: MemoryPatternStore) -> None:
    frozen = FrozenLibrary(library, moment=MOMENT)
    store.is_away = True
    assert frozen.find(PatternQuery(TASK, NodeKind.COMPUTE)).offers == ()
    with pytest.raises(OutsideError, match="the pattern library was not whole"):
        frozen.require_whole()
