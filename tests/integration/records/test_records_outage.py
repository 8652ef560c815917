"""The database goes away, in every way, and comes back."""

import dataclasses
import threading
import time
import uuid

import psycopg
import pytest
from sqlalchemy import text

from omniclaude_dagster.errors import RecordsUnavailableError, StorageError
from omniclaude_dagster.records.engine import make_engine, parse_url
from omniclaude_dagster.records.repository import RecordsStore
from tests.support.generation_records import make_record
from tests.support.pattern_fakes import pattern_for
from tests.support.tcp_faults import FaultyTcp

pytestmark = pytest.mark.integration


@pytest.fixture
def dsn(postgres_server):
    yield postgres_server.new_database(f"outage_{uuid.uuid4().hex}")
    if not postgres_server.is_running:
        postgres_server.start()


@pytest.fixture
def make_store(tmp_path):
    stores = []

    def make(url, **options):
        stores.append(RecordsStore(url, tmp_path / "spool", **options))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def written(dsn, sql="SELECT request_id FROM generations ORDER BY finished_at"):
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute(sql)]


def test_records_of_a_run_that_starts_without_a_database_arrive_in_order_later(postgres_server, dsn, make_store):
    postgres_server.stop()
    store = make_store(dsn)
    for number in range(3):
        store.write(make_record(number))
    health = store.health()
    assert not health.is_connected
    assert health.spooled_count == 3
    assert health.oldest_spooled_age_s < 60
    assert store.latest("request-1") == make_record(1).result
    with pytest.raises(RecordsUnavailableError):
        store.recent(3)
    postgres_server.start()
    assert store.replay_spool() == 3
    assert written(dsn) == ["request-0", "request-1", "request-2"]
    assert written(dsn, "SELECT count(*) FROM model_performance") == [27]


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
def test_a_database_that_leaves_mid_run_and_returns_gets_every_record_once(postgres_server, dsn, make_store, is_killed):
    store = make_store(dsn)
    store.write(make_record(0))
    postgres_server.stop(is_killed=is_killed)
    store.write(make_record(1))
    store.write(make_record(2))
    assert store.health().spooled_count == 2
    postgres_server.start()
    store.write(make_record(3))
    assert written(dsn) == [f"request-{n}" for n in range(4)]
    assert store.health().spooled_count == 0
    assert store.health().is_connected


def test_a_restart_between_two_writes_is_not_noticed(postgres_server, dsn, make_store):
    store = make_store(dsn)
    store.write(make_record(0))
    postgres_server.stop()
    postgres_server.start()
    store.write(make_record(1))
    assert written(dsn) == ["request-0", "request-1"]


def test_connections_cut_by_the_server_are_made_again(dsn, make_store):
    store = make_store(dsn)
    store.write(make_record(0))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    store.write(make_record(1))
    assert written(dsn) == ["request-0", "request-1"]


def test_a_read_only_database_spools_and_health_says_so(dsn, make_store):
    store = make_store(dsn)
    store.migrate()
    store.close()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            psycopg.sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(
                psycopg.sql.Identifier(connection.info.dbname)
            )
        )
    store.write(make_record(0))
    health = store.health()
    assert not health.is_connected
    assert "read-only" in health.message
    assert health.spooled_count == 1


def test_the_password_is_in_no_message(make_store):
    for url in (
        "postgresql://someone:hunter%402secret@127.0.0.1:1/none",
        "postgresql://someone@127.0.0.1:1/none?password=hunter%402secret",
    ):
        store = make_store(url)
        with pytest.raises(RecordsUnavailableError) as caught:
            store.migrate()
        seen = f"{caught.value} {caught.value.__cause__} {store.health().message}"
        assert "hunter" not in seen
        assert "127.0.0.1" in seen


def test_two_stores_replay_the_same_spool_at_once_and_double_nothing(postgres_server, dsn, make_store):
    postgres_server.stop()
    first = make_store(dsn)
    for number in range(20):
        first.write(make_record(number))
    second = make_store(dsn)
    postgres_server.start()
    threads = [threading.Thread(target=s.replay_spool) for s in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written(dsn) == [f"request-{n}" for n in range(20)]
    assert written(dsn, "SELECT count(*) FROM gate_results") == [40]
    assert first.health().spooled_count == 0


def test_a_locked_table_makes_records_wait_and_not_fail(dsn, make_store):
    store = make_store(dsn)
    store.migrate()
    engine = make_engine(parse_url(dsn), busy_timeout_s=1)

    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE generations IN ACCESS EXCLUSIVE MODE"))
        thread = threading.Thread(target=store.write, args=(make_record(0),))
        thread.start()
        thread.join(1)
        assert thread.is_alive()
    thread.join(20)
    engine.dispose()
    assert written(dsn) == ["request-0"]


def test_neither_database_nor_spool_is_the_only_way_to_an_error(postgres_server, dsn, make_store):
    postgres_server.stop()
    store = make_store(dsn, max_spooled=2)
    store.write(make_record(0))
    store.write(make_record(1))
    with pytest.raises(StorageError, match="2 records wait"):
        store.write(make_record(2))
    assert store.health().spooled_count == 2


def test_a_host_that_swallows_packets_is_not_waited_for_at_every_search(make_store):
    with FaultyTcp(mode="silent") as silent:
        store = make_store(f"postgresql://someone@{silent.address}/none?connect_timeout=2")
        with pytest.raises(RecordsUnavailableError):
            store.pattern_revision()
        started = time.monotonic()
        with pytest.raises(RecordsUnavailableError, match="a moment ago"):
            store.pattern_revision()
    assert time.monotonic() - started < 0.5


def test_who_waited_for_a_lock_sees_what_the_other_did_whatever_the_database_s_default(dsn, make_store):
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            psycopg.sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'").format(
                psycopg.sql.Identifier(connection.info.dbname)
            )
        )
    stores = [make_store(dsn) for _ in range(3)]
    stores[0].migrate()
    patterns = [pattern_for(f"number {n}") for n in range(40)]

    def add_all(store: RecordsStore) -> None:
        for pattern in patterns:
            own = dataclasses.replace(pattern, correlation_id=uuid.uuid4())
            store.add_pattern(own, vector=None, embedding_model="")

    threads = [threading.Thread(target=add_all, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = stores[0].patterns([pattern.pattern_id for pattern in patterns])
    assert [stored.usage_count for stored in found] == [2] * 40
    assert stores[0].pattern_revision() == 120
