"""Re-embedding by real processes on a real database: one killed in the middle, two at once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omniclaude_dagster.patterns.embedding import WordLlamaEmbedder
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import PatternQuery
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import MOMENT, LetterEmbedder, pattern_for

COUNT = 600
BATCH = 256


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordsStore]:
    """Patterns that another model has embedded."""
    store = RecordsStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", tmp_path / "spool")
    library = PatternLibrary(store, LetterEmbedder())
    for number in range(COUNT):
        library.add(pattern_for(f"Calculate the tax of order number {number}"))
    yield store
    store.close()


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.reembed_patterns", str(folder / "records.sqlite3"), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def waiting(store: RecordsStore) -> int:
    return len(store.patterns_to_embed(WordLlamaEmbedder().model_name, limit=COUNT + 1))


def test_a_killed_run_keeps_what_it_did_and_the_next_one_does_the_rest(store: RecordsStore, tmp_path: Path) -> None:
    first = started(tmp_path, "--wait")
    assert first.stdout is not None
    assert first.stdout.readline().split() == [str(BATCH), str(COUNT)]
    first.kill()
    first.communicate()
    assert waiting(store) == COUNT - BATCH

    library = PatternLibrary(store, WordLlamaEmbedder())
    query = PatternQuery("calculate the tax of an order", NodeKind.COMPUTE, now=MOMENT)
    found = library.find(query)
    assert found.offers
    assert found.degraded[0].startswith(f"{COUNT - BATCH} patterns wait")

    assert library.reembed() == COUNT - BATCH
    assert library.find(query).degraded == ()


def test_two_runs_at_once_leave_nothing_undone(store: RecordsStore, tmp_path: Path) -> None:
    runs = [started(tmp_path), started(tmp_path)]
    ends = [run.communicate(timeout=120)[0].splitlines()[-1].split() for run in runs]

    assert [run.returncode for run in runs] == [0, 0]
    assert sum(int(number) for _, number in ends) >= COUNT
    assert waiting(store) == 0
