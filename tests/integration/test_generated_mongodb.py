"""Generated MongoDB nodes work through the real driver on a server of our own that speaks MongoDB's wire protocol.

No MongoDB can be installed here. What the server is and is not stands in `tests/support/mongo_double.py`.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import bson
import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode as Code

from tests.support.effect_calls import perform, refused
from tests.support.generated_nodes import ImportedNode, imported_node
from tests.support.mongo_double import MongoDouble
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("mongo-double")]

STORE = "EFFECT node called DocumentStore that inserts, upserts, updates, deletes and finds documents in MongoDB"
WRITER = "stores documents in MongoDB"
PASSWORD, WRONG = "r1ght-pa55", "wr0ng-s3cret"
Made = Callable[[str], AbstractContextManager[ImportedNode]]


@pytest.fixture
def server() -> Iterator[MongoDouble]:
    with MongoDouble() as running:
        yield running


@pytest.fixture
def locked() -> Iterator[MongoDouble]:
    with MongoDouble(user="node", password=PASSWORD) as running:
        yield running


@pytest.fixture
def node(tmp_path: Path) -> Made:
    return lambda prompt: imported_node(tmp_path, prompt)


def settings(port: int, *, account: str = "", **changes: Any) -> dict[str, Any]:
    values = {"uri": f"mongodb://{account}127.0.0.1:{port}", "database": "shop", "retry_pause_s": 0, "timeout_s": 5}
    return {**values, **changes}


def insert(**document: Any) -> dict[str, Any]:
    return {"collection": "customers", "operation": "insert", "document": document}


def names(server: MongoDouble) -> list[Any]:
    return [document.get("name") for document in server.collections["customers"].values()]


def test_the_writer_of_a_plain_sentence_stores_a_document(node: Made, server: MongoDouble) -> None:
    document = {"name": "Ada", "tags": ["a", None, 1.5], "address": {"city": "London"}}
    with node(WRITER) as imported:
        result = perform(imported, settings(server.port), {"collection": "customers", "document": document})
    (stored,) = server.collections["customers"].values()
    assert stored == {"_id": result["document_id"], **document}
    assert result["attempts"] == 1


def test_every_operation_does_its_work(node: Made, server: MongoDouble) -> None:
    config = settings(server.port)
    customers = {"collection": "customers"}
    with node(STORE) as imported:
        for number in range(4):
            perform(imported, config, insert(_id=str(number), name=f"n{number}", group=number % 2))
        updated = perform(
            imported, config, {**customers, "operation": "update", "match": {"group": 1}, "document": {"name": "odd"}}
        )
        deleted = perform(imported, config, {**customers, "operation": "delete", "match": {"_id": "0"}})
        found = perform(imported, config, {**customers, "operation": "find", "match": {"group": 1}, "limit": 1})
        for name in ("first", "second", "second"):
            new = perform(
                imported, config, {**customers, "operation": "upsert", "document": {"_id": "9", "name": name}}
            )
        other = perform(
            imported,
            config,
            {**customers, "operation": "upsert", "match": {"email": "a@b.c"}, "document": {"email": "a@b.c"}},
        )
        everything = perform(imported, config, {**customers, "operation": "find"})
    assert (updated["count"], deleted["count"], new["document_id"]) == (2, 1, "9")
    assert found["documents"] == [{"_id": "1", "name": "odd", "group": 1}]
    assert names(server) == ["odd", "n2", "odd", "second", None]
    assert everything["count"] == 5
    assert bson.ObjectId.is_valid(other["document_id"])


def test_what_json_has_no_type_for_is_read_as_extended_json(node: Made, server: MongoDouble) -> None:
    key = bson.ObjectId()
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    server.collections["customers"] = {
        key: {"_id": key, "at": when, "price": bson.Decimal128(Decimal("1.10")), "data": b"\xff"}
    }
    with node(STORE) as imported:
        result = perform(imported, settings(server.port), {"collection": "customers", "operation": "find"})
    (document,) = result["documents"]
    assert document["_id"] == {"$oid": str(key)}
    assert document["at"] == {"$date": "2026-01-02T03:04:05Z"}
    assert document["price"] == {"$numberDecimal": "1.10"}


def test_the_same_insert_may_be_done_twice_and_another_document_is_kept(node: Made, server: MongoDouble) -> None:
    config = settings(server.port)
    with node(STORE) as imported:
        for _ in range(2):
            perform(imported, config, insert(_id="1", name="Ada"))
        refused(imported, config, insert(_id="1", name="Bob"), Code.INVALID_STATE)
    assert names(server) == ["Ada"]


def test_an_insert_whose_answer_was_lost_leaves_one_document(node: Made, server: MongoDouble) -> None:
    with FaultyTcp(server.port, mode="cut", on=b"insert\0", first_connections=3) as proxy, node(WRITER) as imported:
        result = perform(imported, settings(proxy.port, max_attempts=5), insert(name="Ada"))
        assert proxy.cut_count >= 1
    assert names(server) == ["Ada"]
    assert result["attempts"] >= 2


@pytest.mark.parametrize("match", [{"$where": "sleep(1)"}, {"name": {"$ne": None}}, {"a": [{"$gt": ""}]}, {"x\0y": 1}])
def test_operators_never_reach_the_server(match: dict[str, Any], node: Made, server: MongoDouble) -> None:
    with node(STORE) as imported:
        for operation in ("find", "delete", "update", "upsert"):
            values = {"collection": "customers", "operation": operation, "match": match, "document": {"name": "x"}}
            said = refused(imported, settings(server.port), values, Code.VALIDATION_ERROR)
            assert "operators are not accepted" in said
        refused(imported, settings(server.port), insert(**match), Code.VALIDATION_ERROR)
    assert server.commands == []


def test_nothing_is_emptied_or_changed_as_a_whole(node: Made, server: MongoDouble) -> None:
    config = settings(server.port)
    with node(STORE) as imported:
        for operation in ("delete", "update", "upsert"):
            values = {"collection": "customers", "operation": operation, "document": {"name": "x"}}
            refused(imported, config, values, Code.VALIDATION_ERROR)
        for collection in ("system$x", "", "a b", "customers\0"):
            refused(imported, config, {"collection": collection, "operation": "find"}, Code.VALIDATION_ERROR)
    assert server.commands == []


def test_a_number_that_mongodb_cannot_hold_is_refused(node: Made, server: MongoDouble) -> None:
    with node(WRITER) as imported:
        refused(imported, settings(server.port), insert(big=2**70), Code.VALIDATION_ERROR)


def test_more_than_the_limit_of_bytes_is_not_read(node: Made, server: MongoDouble) -> None:
    config = settings(server.port, max_result_bytes=500)
    with node(STORE) as imported:
        for number in range(10):
            perform(imported, config, insert(_id=str(number), name="x" * 100))
        said = refused(imported, config, {"collection": "customers", "operation": "find"}, Code.RESOURCE_ERROR)
        small = perform(imported, config, {"collection": "customers", "operation": "find", "limit": 2})
    assert "ask for fewer" in said
    assert small["count"] == 2


def test_an_account_is_signed_in(node: Made, locked: MongoDouble) -> None:
    with node(WRITER) as imported:
        perform(imported, settings(locked.port, account=f"node:{PASSWORD}@"), insert(name="Ada"))
    assert names(locked) == ["Ada"]


@pytest.mark.parametrize("account", [f"node:{WRONG}@", f"nobody:{WRONG}@", ""])
def test_wrong_credentials_are_refused_and_not_tried_again(account: str, node: Made, locked: MongoDouble) -> None:
    with node(WRITER) as imported:
        config = settings(locked.port, account=account)
        said = refused(imported, config, insert(name="Ada"), Code.AUTHENTICATION_ERROR, secret=WRONG)
    assert "MONGODB_URI" in said
    assert locked.logins == (1 if account else 0)
    assert locked.collections.get("customers", {}) == {}


def test_a_server_that_is_away_is_a_connection_error_without_the_password(node: Made) -> None:
    with FaultyTcp(mode="refuse") as away, node(WRITER) as imported:
        config = settings(away.port, account=f"node:{PASSWORD}@", timeout_s=0.5)
        said = refused(imported, config, insert(name="Ada"), Code.DATABASE_CONNECTION_ERROR, secret=PASSWORD)
    assert "MONGODB_URI" in said


def test_a_server_that_never_answers_is_a_timeout(node: Made) -> None:
    with FaultyTcp(mode="silent") as silent, node(WRITER) as imported:
        refused(imported, settings(silent.port, timeout_s=0.4), insert(name="Ada"), Code.TIMEOUT_ERROR)
        late = settings(silent.port, timeout_s=5, deadline_s=0.3)
        assert "within 0.3 s" in refused(imported, late, insert(name="Ada"), Code.TIMEOUT_ERROR)


def test_a_connection_that_is_always_lost_ends_after_bounded_attempts(node: Made, server: MongoDouble) -> None:
    with (
        FaultyTcp(server.port, mode="cut", on=b"insert\0", is_request_lost=True) as proxy,
        node(WRITER) as imported,
    ):
        said = refused(imported, settings(proxy.port), insert(name="Ada"), Code.NETWORK_ERROR)
    assert "tried 3 times" in said
    assert "insert" not in server.commands


@pytest.mark.parametrize("uri", ["postgresql://x", f"mongodb://user:{WRONG}@@host", "mongodb://"])
def test_a_connection_string_that_is_none_is_named_without_being_repeated(uri: str, node: Made) -> None:
    with node(WRITER) as imported:
        refused(imported, settings(1, uri=uri), insert(name="Ada"), Code.CONFIGURATION_ERROR, secret=WRONG)


def test_settings_come_from_the_environment(node: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with node(WRITER) as imported:
        config = imported.model("Config")
        monkeypatch.delenv("MONGODB_URI", raising=False)
        monkeypatch.delenv("MONGODB_DATABASE", raising=False)
        with pytest.raises(Exception, match="MONGODB_DATABASE, MONGODB_URI is not set"):
            config.from_environment()
        monkeypatch.setenv("MONGODB_URI", f"mongodb://u:{WRONG}@h")
        monkeypatch.setenv("MONGODB_DATABASE", "shop")
        assert WRONG not in repr(config.from_environment())


def test_a_client_that_is_not_installed_is_named_with_its_cure(node: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymongo", None)
    with node(WRITER) as imported:
        said = refused(imported, settings(1), insert(name="Ada"), Code.DEPENDENCY_UNAVAILABLE)
    assert "pip install 'pymongo" in said
