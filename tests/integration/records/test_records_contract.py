"""What the records promise, on both databases alike."""

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, select, text

from omniclaude_dagster.records import migrate
from omniclaude_dagster.records.engine import make_engine, parse_url
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.records.schema import TABLES, Generation, ModelPerformance
from tests.support.generation_records import NOON, make_record

pytestmark = pytest.mark.integration
PROJECT = Path(__file__).parents[3]


@pytest.fixture
def store(database_url, tmp_path):
    store = RecordsStore(database_url, tmp_path / "spool")
    yield store
    store.close()


@pytest.fixture
def engine(database_url):
    engine = make_engine(parse_url(database_url), busy_timeout_s=10)
    yield engine
    engine.dispose()


def counts(engine):
    """Rows of every table of a generation that has some."""
    with engine.connect() as connection:
        found = {t: connection.execute(text(f"SELECT count(*) FROM {t}")).scalar() for t in TABLES}
    return {table: count for table, count in found.items() if count}


def one(engine, sql):
    with engine.connect() as connection:
        return connection.execute(text(sql)).one()


def test_a_generation_is_written_with_all_its_rows_and_read_back_equal(store, engine):
    record = make_record()
    store.write(record)
    assert store.latest("request-0") == record.result
    assert counts(engine) == {"generations": 1, "model_performance": 9, "gate_results": 2, "model_calls": 1}


def test_writing_the_same_generation_again_changes_nothing_even_with_other_stage_ids(store, engine):
    store.write(make_record())
    before = counts(engine)
    store.write(make_record())
    again = tuple(dataclasses.replace(s, stage_run_id=uuid.uuid4()) for s in make_record().stage_records)
    store.write(make_record(stage_records=again))
    assert counts(engine) == before


def test_the_requirements_columns_of_model_performance_can_be_queried_by_name(store, engine):
    store.write(make_record())
    row = one(
        engine,
        "SELECT id, correlation_id, stage, model_name, tokens_input, tokens_output, latency_ms, cost_usd, "
        "quality_score, success, timestamp FROM model_performance WHERE stage = '3'",
    )
    assert (row.model_name, row.tokens_input, row.tokens_output) == ("smollm2-135m", 100, 20)
    assert row.cost_usd == pytest.approx(1.250000001, abs=1e-12)
    assert row.quality_score == pytest.approx(0.9512, abs=1e-9)
    assert bool(row.success) is True


def test_times_are_utc_and_aware(store):
    store.write(make_record())
    with store.database.engine.connect() as connection:
        times = connection.scalars(select(ModelPerformance.timestamp)).all()
    assert set(times) == {NOON}
    assert times[0].utcoffset().total_seconds() == 0


def test_text_that_no_database_takes_is_stored_readably(store):
    nasty = "a\0b \ud800 \U0001f600 עברית '; DROP TABLE generations; --"
    record = make_record(prompt=nasty, logic={"body\0": [nasty, float("nan")]}, result={"error": nasty})
    store.write(record)
    with store.database.engine.connect() as connection:
        row = connection.execute(select(Generation.__table__)).one()
    assert row.logic["body\ufffd"][1] is None
    assert row.prompt == store.latest("request-0").error == "a\ufffdb ? \U0001f600 עברית '; DROP TABLE generations; --"
    assert store.health().set_aside_count == 0


def test_latest_and_recent_go_by_the_time_of_finishing(store):
    for number in (2, 0, 1):
        store.write(make_record(number, result={"request_id": "same"}))
    assert store.latest("same").correlation_id == make_record(2).result.correlation_id
    assert [r.correlation_id for r in store.recent(2)] == [make_record(n).result.correlation_id for n in (2, 1)]
    assert store.latest("never seen\0") is None


@pytest.mark.parametrize(
    "change",
    [
        {"cost_nanousd": -1},
        {"cost_nanousd": 2**70},
        {"result": {"quality_score": 1.5}},
        {"result": {"quality_score": float("nan")}},
        {"result": {"quality": {"imports": float("inf")}}},
        {"stage_records": (dataclasses.replace(make_record().stage_records[0], tokens_input=-5),)},
    ],
    ids=[
        "negative cost",
        "cost beyond 64 bits",
        "quality above one",
        "quality no number",
        "endless part",
        "negative tokens",
    ],
)
def test_a_record_that_breaks_a_rule_is_set_aside_whole_and_blocks_nobody(store, engine, change):
    store.write(make_record(1, **change))
    store.write(make_record(2))
    assert counts(engine) == {"generations": 1, "model_performance": 9, "gate_results": 2, "model_calls": 1}
    health = store.health()
    assert (health.spooled_count, health.set_aside_count) == (0, 1)


def test_the_migrations_make_exactly_the_schema_of_the_code(store, engine):
    store.migrate()
    with engine.connect() as connection:
        options = {"version_table": migrate.VERSION_TABLE, "compare_type": False}
        difference = compare_metadata(MigrationContext.configure(connection, opts=options), Generation.metadata)
    assert difference == []
    indexed = {tuple(i["column_names"]) for i in inspect(engine).get_indexes("model_performance")}
    assert {("model_name", "stage"), ("timestamp",), ("correlation_id",)} <= indexed


def test_migrations_go_down_and_up_again_around_data_and_leave_foreign_tables_alone(store, engine):
    store.write(make_record())
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('of dagster')"))
    migrate.downgrade(engine, revision="base")
    assert not set(TABLES) & set(inspect(engine).get_table_names())
    assert one(engine, "SELECT version_num FROM alembic_version") == ("of dagster",)
    store.write(make_record(1))
    assert counts(engine)["generations"] == 1


def test_a_database_of_a_newer_release_is_left_alone_and_records_wait(store, engine):
    store.migrate()
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = 'r9999'"))
    fresh = RecordsStore(store.database.url.render_as_string(hide_password=False), store._spool._folder)
    fresh.write(make_record())
    health = fresh.health()
    fresh.close()
    assert not health.is_connected
    assert "newer release" in health.message
    assert health.spooled_count == 1


def _write_many(url, spool, first, count):
    store = RecordsStore(url, Path(spool))
    for number in range(first, first + count):
        store.write(make_record(number))
    store.close()


def _in_processes(target, *argument_lists):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=a) for a in argument_lists]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [p.exitcode for p in processes] == [0] * len(processes)


def test_two_processes_migrate_and_write_the_same_records_at_once_without_loss_or_doubles(
    database_url, tmp_path, engine, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    spool = str(tmp_path / "spool")
    _in_processes(_write_many, (database_url, spool, 0, 15), (database_url, spool, 5, 15))
    store = RecordsStore(database_url, tmp_path / "spool")
    assert store.health().spooled_count == 0
    store.close()
    assert counts(engine) == {"generations": 20, "model_performance": 180, "gate_results": 40, "model_calls": 20}


def _migrate_at(url, spool, moment):
    store = RecordsStore(url, Path(spool))
    time.sleep(max(0.0, moment - time.time()))
    store.migrate()
    store.close()


def test_three_processes_that_migrate_at_the_same_moment_all_succeed(database_url, tmp_path, engine):
    moment = time.time() + 4
    _in_processes(_migrate_at, *[(database_url, str(tmp_path / "spool"), moment)] * 3)
    assert migrate.current_revision(engine) == migrate.head_revision()


WRITER = """
import sys
from pathlib import Path
from tests.support.generation_records import make_record
from omniclaude_dagster.records.repository import RecordsStore
store = RecordsStore(sys.argv[1], Path(sys.argv[2]))
for number in range(int(sys.argv[3]), 100_000):
    store.write(make_record(number))
    print(number, flush=True)
"""


def _kill_a_writer(url, spool, first, after_s):
    """Run a writer, kill it with -9 in the middle; the number of the last record it saw acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(spool), str(first)],
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


def test_a_writer_killed_in_the_middle_leaves_whole_generations_and_every_acknowledged_one(
    database_url, tmp_path, engine
):
    first = 0
    for after_s in (0.011, 0.023, 0.037):
        acknowledged = _kill_a_writer(database_url, tmp_path / "spool", first, after_s)
        found = counts(engine)
        assert found["generations"] in (acknowledged + 1, acknowledged + 2)
        assert found["model_performance"] == 9 * found["generations"]
        assert found["gate_results"] == 2 * found["generations"]
        # The next run repeats the generation whose fate is unknown.
        first = acknowledged + 1


REPLAYER = """
import os, sys
from pathlib import Path
from omniclaude_dagster.records.repository import RecordsStore
real, count = Path.unlink, 0
def unlink(self, **kwargs):
    global count
    count += self.suffix == ".json"
    if count == 5:
        os._exit(9)
    real(self, **kwargs)
Path.unlink = unlink
RecordsStore(sys.argv[1], Path(sys.argv[2])).replay_spool()
"""


def test_a_replay_killed_between_delivering_and_forgetting_doubles_nothing(database_url, tmp_path, engine):
    away = RecordsStore("postgresql://nobody@127.0.0.1:1/none", tmp_path / "spool")
    for number in range(12):
        away.write(make_record(number))
    away.close()
    killed = subprocess.run([sys.executable, "-c", REPLAYER, database_url, str(tmp_path / "spool")], check=False)
    assert killed.returncode == 9
    assert counts(engine)["generations"] == 5
    store = RecordsStore(database_url, tmp_path / "spool")
    assert store.health().spooled_count == 8
    store.write(make_record(12))
    assert store.health().spooled_count == 0
    store.close()
    assert counts(engine) == {"generations": 13, "model_performance": 117, "gate_results": 26, "model_calls": 13}


def test_tables_dropped_behind_the_stores_back_are_made_again(store, engine):
    store.write(make_record())
    migrate.downgrade(engine, revision="base")
    store.write(make_record(1))
    assert store.latest("request-1") is not None
    assert store.health().spooled_count == 0


def test_create_engine_reads_the_url_as_people_write_it(database_url):
    url = parse_url(database_url)
    assert url.drivername in {"sqlite", "postgresql+psycopg2"}
    create_engine(url).dispose()
