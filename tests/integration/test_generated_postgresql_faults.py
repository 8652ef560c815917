"""Generated PostgreSQL nodes when the server is away, refuses, is slow or is cut off: every fault has a name."""

import sys
import time
from typing import Any

import psycopg
import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from tests.support.effect_calls import assert_unspoken
from tests.support.postgresql_nodes import CRUD, WRITER, behind, perform, rows
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("postgresql")]


@pytest.fixture
def locked_dsn(postgres_server: Any, dsn: str) -> str:
    """The address of an account that needs a password, with a wrong one."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        (path,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        rules = "('host all locked 127.0.0.1/32 scram-sha-256'), ('host all all 127.0.0.1/32 trust')"
        connection.execute(f"COPY (VALUES {rules}) TO '{path}'")  # type: ignore[call-overload]
        connection.execute("SELECT pg_reload_conf()")
        exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'locked'").fetchone()
        if not exists:
            connection.execute("CREATE ROLE locked LOGIN PASSWORD 'the-right-one'")
    deadline = time.monotonic() + 5
    address = dsn.replace("postgres@", "locked:wr0ng-s3cret@")
    while time.monotonic() < deadline:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            return address
        time.sleep(0.05)
    pytest.fail("the server does not ask for the password")


def test_wrong_credentials_are_refused_once_and_stay_unspoken(node: Any, locked_dsn: str, postgres_server: Any) -> None:
    with FaultyTcp(postgres_server.port) as proxy, node(WRITER) as imported:
        address = locked_dsn.replace(f":{postgres_server.port}/", f":{proxy.port}/")
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, {"table": "records", "values": {"id": 1}}, max_attempts=5)
    assert failure.value.error_code == EnumCoreErrorCode.AUTHENTICATION_ERROR
    assert "POSTGRES_DSN" in str(failure.value)
    assert proxy.connection_count == 1
    assert_unspoken("wr0ng-s3cret", failure.value)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("postgres@", "nobody_known:s3cr3t-pw@"), EnumCoreErrorCode.AUTHENTICATION_ERROR),
        (("/node_", "/no_such_database_"), EnumCoreErrorCode.DATABASE_CONNECTION_ERROR),
    ],
)
def test_an_unknown_account_or_database_is_not_tried_again(
    change: tuple[str, str], code: EnumCoreErrorCode, node: Any, dsn: str, postgres_server: Any
) -> None:
    with FaultyTcp(postgres_server.port) as proxy, node(WRITER) as imported:
        address = dsn.replace(*change).replace(f":{postgres_server.port}/", f":{proxy.port}/")
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, {"table": "records", "values": {"id": 1}})
    assert (failure.value.error_code, proxy.connection_count) == (code, 1)
    assert_unspoken("s3cr3t-pw", failure.value)


def test_a_server_that_is_away_is_a_clear_error_without_the_password(node: Any) -> None:
    started = time.monotonic()
    with FaultyTcp(mode="refuse") as away, node(WRITER) as imported:
        address = f"postgresql://u:{'pa55' + '-word'}@{away.address}/none"
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, {"table": "records", "values": {"id": 1}})
    assert failure.value.error_code == EnumCoreErrorCode.DATABASE_CONNECTION_ERROR
    assert "cannot be reached" in str(failure.value)
    assert time.monotonic() - started < 20
    assert_unspoken("pa55-word", failure.value)


@pytest.mark.parametrize("attempts", [1, 4])
def test_attempts_to_connect_are_bounded(attempts: int, node: Any, postgres_server: Any) -> None:
    with FaultyTcp(postgres_server.port, mode="cut") as proxy, node(WRITER) as imported:
        address = f"postgresql://postgres@{proxy.address}/postgres?sslmode=disable"
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, {"table": "records", "values": {"id": 1}}, max_attempts=attempts)
    assert failure.value.error_code == EnumCoreErrorCode.DATABASE_CONNECTION_ERROR
    assert proxy.connection_count == attempts


def test_a_server_that_never_answers_is_a_timeout(node: Any) -> None:
    started = time.monotonic()
    with FaultyTcp(mode="silent") as silent, node(WRITER) as imported:
        address = f"postgresql://postgres@{silent.address}/postgres"
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, {"table": "records", "values": {"id": 1}}, connect_timeout_s=1, max_attempts=1)
    assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR
    assert "did not answer" in str(failure.value)
    assert time.monotonic() - started < 15


def test_all_attempts_together_keep_the_deadline(node: Any) -> None:
    started = time.monotonic()
    with FaultyTcp(mode="silent") as silent, node(WRITER) as imported:
        address = f"postgresql://postgres@{silent.address}/postgres"
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, {"table": "records", "values": {"id": 1}}, connect_timeout_s=60, deadline_s=0.5)
    assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR
    assert time.monotonic() - started < 30


def test_an_upsert_whose_answer_is_lost_is_done_again_and_is_there_once(
    node: Any, dsn: str, postgres_server: Any
) -> None:
    values = {"table": "records", "operation": "upsert", "conflict_columns": ["id"], "values": {"id": 1, "name": "a"}}
    fault = {"mode": "cut", "on": b"INSERT INTO", "first_connections": 1}
    with FaultyTcp(postgres_server.port, **fault) as proxy, node(CRUD) as imported:
        result = perform(imported, behind(proxy, dsn, postgres_server.port), values)
    assert (result["rows_affected"], proxy.cut_count, proxy.connection_count) == (1, 1, 2)
    assert rows(dsn, "SELECT id, name FROM records") == [{"id": 1, "name": "a"}]


def test_an_insert_whose_answer_is_lost_is_not_repeated(node: Any, dsn: str, postgres_server: Any) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE entries (name text)")
    values = {"table": "entries", "operation": "insert", "values": {"name": "once"}}
    fault = {"mode": "cut", "on": b"INSERT INTO", "first_connections": 1}
    with FaultyTcp(postgres_server.port, **fault) as proxy, node(CRUD) as imported:
        address = behind(proxy, dsn, postgres_server.port)
        with pytest.raises(ModelOnexError, match="connection to PostgreSQL broke") as failure:
            perform(imported, address, values)
    assert failure.value.error_code == EnumCoreErrorCode.DATABASE_CONNECTION_ERROR
    assert rows(dsn, "SELECT name FROM entries") == [{"name": "once"}]


def test_a_string_that_is_no_connection_string_is_a_matter_of_configuration(node: Any) -> None:
    with node(WRITER) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, "host='unfinished password=s3cr3t", {"table": "records", "values": {"id": 1}})
    assert failure.value.error_code == EnumCoreErrorCode.CONFIGURATION_ERROR


def test_the_node_imports_without_its_client_and_says_what_is_missing(
    node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with node(WRITER) as imported, pytest.raises(ModelOnexError, match="pip install 'psycopg") as failure:
        perform(imported, "postgresql://127.0.0.1:9/none", {"table": "records", "values": {"id": 1}})
    assert failure.value.error_code == EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE


def test_a_server_that_returns_between_two_operations_is_used_again(node: Any, dsn: str, postgres_server: Any) -> None:
    with node(WRITER) as imported:
        perform(imported, dsn, {"table": "records", "values": {"id": 1}})
        postgres_server.stop()
        try:
            with pytest.raises(ModelOnexError) as failure:
                perform(imported, dsn, {"table": "records", "values": {"id": 2}}, max_attempts=2)
        finally:
            postgres_server.start()
        assert failure.value.error_code == EnumCoreErrorCode.DATABASE_CONNECTION_ERROR
        perform(imported, dsn, {"table": "records", "values": {"id": 3}})
    assert [r["id"] for r in rows(dsn, "SELECT id FROM records ORDER BY id")] == [1, 3]
