"""Generated PostgreSQL nodes work on a real PostgreSQL: rows are really there, and every failure has a clear name."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from tests.support.postgresql_nodes import CRUD, WRITER, perform, rows

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("postgresql")]

TYPED = (
    "EFFECT node called UserStore that inserts, updates, upserts, deletes and reads users in PostgreSQL with "
    "user_id (uuid), email (string), age (integer), is_active (boolean), created_at (datetime)"
)
LATEST = (
    "EFFECT node called LatestRecords that reads the newest records from PostgreSQL with pagination, "
    "selected columns only"
)
HOSTILE = "x'); DROP TABLE records; --"
USER_ID = "00000000-0000-4000-8000-00000000000a"


def user(**changes: Any) -> dict[str, Any]:
    values = {
        "table": "users",
        "operation": "insert",
        "user_id": USER_ID,
        "email": "ada@example.org",
        "age": 36,
        "is_active": True,
        "created_at": "2026-01-02T03:04:05+00:00",
    }
    return {**values, **changes}


def test_the_writer_writes_a_row_that_is_really_there(node: Any, dsn: str) -> None:
    values = {"table": "records", "values": {"id": 1, "name": "Ada", "data": {"tags": ["a", None, 1.5]}}}
    with node(WRITER) as imported:
        result = perform(imported, dsn, values)
    assert (result["operation"], result["rows_affected"]) == ("insert", 1)
    assert rows(dsn, "SELECT * FROM records") == [{"id": 1, "name": "Ada", "data": {"tags": ["a", None, 1.5]}}]


def test_the_connection_string_of_the_environment_is_used(node: Any, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_DSN", dsn)
    with node(WRITER) as imported:
        assert imported.model("Config").from_environment().dsn.get_secret_value() == dsn


def test_a_crud_node_writes_reads_updates_and_deletes(node: Any, dsn: str) -> None:
    with node(CRUD) as imported:
        for number, name in ((1, "a"), (2, "b"), (3, "c")):
            perform(imported, dsn, {"table": "records", "operation": "insert", "values": {"id": number, "name": name}})
        updated = perform(
            imported, dsn, {"table": "records", "operation": "update", "values": {"name": "B"}, "match": {"id": 2}}
        )
        deleted = perform(imported, dsn, {"table": "records", "operation": "delete", "match": {"id": 1}})
        read = perform(imported, dsn, {"table": "records", "operation": "select", "match": {"name": "B"}})
        everything = perform(imported, dsn, {"table": "public.records", "operation": "select", "limit": 1})
        absent = perform(imported, dsn, {"table": "records", "operation": "select", "match": {"data": None, "id": 99}})
    assert (updated["rows_affected"], deleted["rows_affected"]) == (1, 1)
    assert read["rows"] == [{"id": 2, "name": "B", "data": None}]
    assert len(everything["rows"]) == 1
    assert absent["rows"] == []
    assert [r["id"] for r in rows(dsn, "SELECT id FROM records ORDER BY id")] == [2, 3]


def test_an_upsert_done_twice_leaves_one_row_with_the_later_values(node: Any, dsn: str) -> None:
    upsert = {"table": "records", "operation": "upsert", "conflict_columns": ["id"]}
    with node(CRUD) as imported:
        for name in ("first", "second", "second"):
            perform(imported, dsn, {**upsert, "values": {"id": 7, "name": name}})
        perform(imported, dsn, {**upsert, "values": {"id": 7}})
        with pytest.raises(ModelOnexError, match="conflict_columns"):
            perform(imported, dsn, {**upsert, "conflict_columns": [], "values": {"id": 7}})
    assert rows(dsn, "SELECT id, name FROM records") == [{"id": 7, "name": "second"}]


def test_typed_columns_arrive_with_their_types_and_come_back(node: Any, dsn: str) -> None:
    with node(TYPED) as imported:
        perform(imported, dsn, user())
        perform(imported, dsn, user(operation="upsert", age=37))
        perform(imported, dsn, user(operation="upsert", age=37))
        read = perform(imported, dsn, user(operation="select", match={"user_id": USER_ID}))
    (row,) = rows(dsn, "SELECT * FROM users")
    assert row == {
        "user_id": uuid.UUID(USER_ID),
        "email": "ada@example.org",
        "age": 37,
        "is_active": True,
        "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    assert read["rows"][0]["user_id"] == USER_ID
    assert datetime.fromisoformat(read["rows"][0]["created_at"]) == row["created_at"]


def test_typed_columns_update_and_delete_only_what_matches(node: Any, dsn: str) -> None:
    other = "00000000-0000-4000-8000-00000000000b"
    with node(TYPED) as imported:
        perform(imported, dsn, user())
        perform(imported, dsn, user(user_id=other, email="bob@example.org"))
        changed = perform(imported, dsn, user(operation="update", age=1, match={"user_id": USER_ID}))
        gone = perform(imported, dsn, user(operation="delete", match={"email": "bob@example.org"}))
    assert (changed["rows_affected"], gone["rows_affected"]) == (1, 1)
    assert rows(dsn, "SELECT email, age FROM users") == [{"email": "ada@example.org", "age": 1}]


@pytest.mark.parametrize("field", [{"age": "many"}, {"user_id": "no uuid"}, {"is_active": 7}, {"unknown": 1}])
def test_a_value_of_the_wrong_type_is_refused_before_the_server_is_asked(field: dict[str, Any], node: Any) -> None:
    with node(TYPED) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, "postgresql://nobody@127.0.0.1:9/none", user(**field))
    assert failure.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def test_hostile_values_are_bound_and_stay_values(node: Any, dsn: str) -> None:
    texts = [HOSTILE, "%s %(x)s {}", "'; --", '"', "\\", "\u202e\U0001f680", "$$ $1", "line\nline"]
    with node(CRUD) as imported:
        for number, text in enumerate(texts):
            values = {"id": number, "name": text, "data": {text: text}}
            perform(imported, dsn, {"table": "records", "operation": "insert", "values": values})
            read = perform(imported, dsn, {"table": "records", "operation": "select", "match": {"name": text}})
            assert read["rows"] == [values]
    assert [r["name"] for r in rows(dsn, "SELECT name FROM records ORDER BY id")] == texts


def test_hostile_column_names_are_quoted_and_only_found_missing(node: Any, dsn: str) -> None:
    with node(CRUD) as imported:
        for values in (
            {"operation": "insert", "values": {HOSTILE: 1}},
            {"operation": "insert", "values": {'id") VALUES (1); DROP TABLE records; --': 1}},
            {"operation": "update", "values": {"name": "x"}, "match": {'id" = 1 OR 1=1 --': 1}},
            {"operation": "delete", "match": {"1=1; --": 1}},
            {
                "operation": "upsert",
                "values": {"id": 1},
                "conflict_columns": ['id") DO NOTHING; DROP TABLE records; --'],
            },
        ):
            with pytest.raises(ModelOnexError) as failure:
                perform(imported, dsn, {"table": "records", **values})
            assert failure.value.error_code == EnumCoreErrorCode.DATABASE_OPERATION_ERROR
            assert "does not exist" in str(failure.value)
    assert rows(dsn, "SELECT * FROM records") == []


@pytest.mark.parametrize(
    "table", ["records; DROP TABLE records", 'rec"ords', "a.b.c", "", " records", "1x", "records\n"]
)
def test_a_table_name_that_is_none_is_refused(table: str, node: Any, dsn: str) -> None:
    with node(WRITER) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, dsn, {"table": table, "values": {"id": 1}})
    assert failure.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR
    assert rows(dsn, "SELECT * FROM records") == []


def test_an_update_or_delete_without_match_never_touches_a_whole_table(node: Any, dsn: str) -> None:
    with node(CRUD) as imported:
        perform(imported, dsn, {"table": "records", "operation": "insert", "values": {"id": 1, "name": "kept"}})
        with pytest.raises(ModelOnexError, match="never empties"):
            perform(imported, dsn, {"table": "records", "operation": "delete"})
        with pytest.raises(ModelOnexError, match="never changes"):
            perform(imported, dsn, {"table": "records", "operation": "update", "values": {"name": "x"}})
    assert rows(dsn, "SELECT name FROM records") == [{"name": "kept"}]


@pytest.mark.parametrize(
    ("values", "sqlstate"),
    [
        ({"table": "no_such_table", "values": {"id": 1}}, "42P01"),
        ({"table": "records", "values": {"id": None}}, "23502"),
        ({"table": "records", "values": {"id": "no number"}}, "22P02"),
    ],
)
def test_what_the_server_refuses_keeps_its_words_and_state(
    values: dict[str, Any], sqlstate: str, node: Any, dsn: str
) -> None:
    with node(WRITER) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, dsn, values)
    assert failure.value.error_code == EnumCoreErrorCode.DATABASE_OPERATION_ERROR
    assert sqlstate in repr(failure.value.context)


def test_a_row_that_is_there_already_is_refused_and_stays_as_it_was(node: Any, dsn: str) -> None:
    with node(WRITER) as imported:
        perform(imported, dsn, {"table": "records", "values": {"id": 1, "name": "first"}})
        with pytest.raises(ModelOnexError, match="duplicate key"):
            perform(imported, dsn, {"table": "records", "values": {"id": 1, "name": "second"}})
    assert rows(dsn, "SELECT name FROM records") == [{"name": "first"}]


def test_a_statement_that_takes_too_long_is_a_timeout_and_writes_nothing(node: Any, dsn: str) -> None:
    with psycopg.connect(dsn) as blocker:
        blocker.execute("LOCK TABLE records")
        started = time.monotonic()
        with node(WRITER) as imported, pytest.raises(ModelOnexError) as failure:
            perform(imported, dsn, {"table": "records", "values": {"id": 1}}, statement_timeout_ms=200)
        assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR
        assert time.monotonic() - started < 5
    assert rows(dsn, "SELECT * FROM records") == []


def test_rows_are_read_by_columns_in_order_and_by_pages(node: Any, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO records SELECT n, 'name' || n % 2 FROM generate_series(1, 6) AS n")
    page = {"table": "records", "columns": ["id"], "order_by": ["name", "-id"], "limit": 2}
    with node(LATEST) as imported:
        found = [row["id"] for n in (0, 2, 4) for row in perform(imported, dsn, {**page, "offset": n})["rows"]]
        with pytest.raises(ModelOnexError, match="does not exist"):
            perform(imported, dsn, {**page, "order_by": ["id; DROP TABLE records"]})
    assert found == [6, 4, 2, 5, 3, 1]


def test_no_connection_is_left_open(node: Any, dsn: str) -> None:
    with node(WRITER) as imported:
        for number in range(5):
            perform(imported, dsn, {"table": "records", "values": {"id": number}})
        with pytest.raises(ModelOnexError):
            perform(imported, dsn, {"table": "no_such_table", "values": {"id": 1}})
    deadline = time.monotonic() + 5
    open_now = (
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    while rows(dsn, open_now)[0]["n"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert rows(dsn, open_now)[0]["n"] == 0
