"""Two processes teach the library at once, and one is killed: nothing is lost, doubled or missed by a reader."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from omniclaude_dagster.patterns.model import PatternReuse
from omniclaude_dagster.records.repository import RecordsStore
from tests.support.generation_records import make_record
from tests.support.pattern_fakes import pattern_for

pytestmark = pytest.mark.integration
PROJECT = Path(__file__).parents[3]
EACH = 500
SHARED = EACH // 2


@pytest.fixture
def store(database_url, tmp_path):
    store = RecordsStore(database_url, tmp_path / "spool")
    yield store
    store.close()


def the_pattern(number: int, writer: str):
    """The same code for every writer, of a generation of its own."""
    return pattern_for(f"number {number}", correlation_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{writer} {number}"))


def the_record(number: int, writer: str):
    """A generation that taught the pattern, and was shown pattern 0."""
    pattern = the_pattern(number, writer)
    shown = PatternReuse(the_pattern(0, writer).pattern_id, "shown", 1, 0.5)
    return make_record(
        number,
        result={"correlation_id": str(pattern.correlation_id)},
        learned=pattern,
        reuses=(shown,) if number else (),
        stage_records=(),
        gate_results=(),
        model_calls=(),
    )


def _add(url, spool, writer, first):
    store = RecordsStore(url, Path(spool), busy_timeout_s=60)
    for number in range(first, first + EACH):
        store.add_pattern(the_pattern(number, writer), vector=None, embedding_model="")
    store.close()


def _write(url, spool, writer, first):
    store = RecordsStore(url, Path(spool), busy_timeout_s=60)
    for number in range(first, first + EACH):
        store.write(the_record(number, writer))
    store.close()


class Follower:
    """Reads changes as a catalogue does, and believes that it misses none."""

    def __init__(self, store: RecordsStore) -> None:
        self.store = store
        self.seen = 0
        self.known: dict[uuid.UUID, int] = {}

    def follow(self) -> None:
        told = self.store.pattern_revision()
        changes = self.store.pattern_changes(self.seen, limit=100, with_vectors=False)
        assert [c.revision for c in changes] == sorted({c.revision for c in changes})
        self.known |= {c.pattern_id: c.revision for c in changes}
        if len(changes) < 100:
            assert max([self.seen, *(c.revision for c in changes)]) >= told
        self.seen = max([self.seen, *(c.revision for c in changes)])


@pytest.mark.parametrize(("target", "shown"), [(_add, 0), (_write, 2 * EACH - 1)], ids=["patterns", "generations"])
def test_two_writers_lose_nothing_double_nothing_and_hide_nothing_from_a_reader(
    store, database_url, tmp_path, monkeypatch, target, shown
):
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    store.write(the_record(0, "one"))
    context = multiprocessing.get_context("spawn")
    spool = str(tmp_path / "spool")
    writers = [
        context.Process(target=target, args=(database_url, spool, name, first))
        for name, first in (("one", 0), ("two", SHARED))
    ]
    for writer in writers:
        writer.start()
    follower = Follower(store)
    while any(writer.is_alive() for writer in writers):
        follower.follow()
        time.sleep(0.01)
    assert [writer.exitcode for writer in writers] == [0, 0]
    for _ in range(20):
        follower.follow()
    found = store.pattern_changes(0, limit=10_000, with_vectors=False)
    assert len(found) == 2 * EACH - SHARED
    assert follower.known == {change.pattern_id: change.revision for change in found}
    # Every new pattern, every repetition and every time pattern 0 was shown is one change: no number is left out.
    assert store.pattern_revision() == len(found) + SHARED + shown
    stored = store.patterns([change.pattern_id for change in found])
    assert sum(s.usage_count for s in stored) == SHARED + shown
    assert {s.usage_count for s in stored} == ({0, 1, shown} if shown else {0, 1})
    assert len(store.reuse_rows()) == SHARED + shown
    assert (store.health().spooled_count, store.health().set_aside_count) == (0, 0)


WRITER = """
import sys
from pathlib import Path
from omniclaude_dagster.records.repository import RecordsStore
sys.path.insert(0, sys.argv[4])
from test_records_two_writers import the_record
store = RecordsStore(sys.argv[1], Path(sys.argv[2]))
for number in range(int(sys.argv[3]), 100_000):
    store.write(the_record(number, "one"))
    store.add_pattern(the_record(number, "two").learned, vector=None, embedding_model="")
    print(number, flush=True)
"""


def _kill_a_writer(url: str, spool: Path, first: int, after_s: float) -> int:
    """Run a writer, kill it with -9 in the middle; the number of the last pattern it saw acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(spool), str(first), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    last = int(process.stdout.readline())
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    return int(rest[-1]) if rest else last


def test_a_writer_killed_in_the_middle_loses_no_acknowledged_pattern_and_counts_none_twice(
    store, database_url, tmp_path
):
    first = 0
    for after_s in (0.011, 0.03):
        acknowledged = _kill_a_writer(database_url, tmp_path / "spool", first, after_s)
        ids = [the_pattern(number, "one").pattern_id for number in range(acknowledged + 1)]
        stored = store.patterns(ids)
        assert [s.pattern_id for s in stored] == ids
        # The one whose fate is unknown may have shown pattern 0 once more.
        assert stored[0].usage_count - (1 + acknowledged) in (0, 1)
        assert [s.usage_count for s in stored[1:]] == [1] * acknowledged
        # The next run repeats the one whose fate is unknown.
        first = acknowledged + 1
    uses = sum(s.usage_count for s in store.patterns([c.pattern_id for c in store.pattern_changes(0, limit=99_999)]))
    assert len(store.reuse_rows()) == uses
    assert store.pattern_revision() == uses + len(store.pattern_changes(0, limit=99_999))
