"""Generated PostgreSQL nodes do several steps in one transaction: all of them or none, also under fire."""

import asyncio
from typing import Any

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput

from tests.support.generated_nodes import ImportedNode
from tests.support.postgresql_nodes import TRANSFER, balances, behind, perform, rows, transfer
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("postgresql")]

LEDGER = "EFFECT node called Ledger that writes and reads entries in PostgreSQL in one transaction"


def test_money_moves_from_one_account_to_another(node: Any, dsn: str) -> None:
    with node(TRANSFER) as imported:
        result = perform(imported, dsn, transfer())
    assert (result["operation"], result["step_rows"]) == ("transaction", [1, 1])
    assert balances(dsn) == [89.75, 10.75]


@pytest.mark.parametrize("change", [{"amount": "100.01"}, {"target": 9}, {"source": 9}])
def test_a_transfer_that_cannot_be_done_whole_is_not_done_at_all(change: dict[str, Any], node: Any, dsn: str) -> None:
    with node(TRANSFER) as imported, pytest.raises(ModelOnexError, match="touched 0 rows instead of 1") as failure:
        perform(imported, dsn, transfer(**change))
    assert failure.value.error_code == EnumCoreErrorCode.INVALID_STATE
    assert balances(dsn) == [100, 0.5]


def test_a_refused_step_undoes_the_steps_before_it(node: Any, dsn: str) -> None:
    broken = {"operation": "insert", "table": "accounts", "values": {"id": 1, "balance": 5}}
    with node(TRANSFER) as imported, pytest.raises(ModelOnexError, match="duplicate key"):
        perform(imported, dsn, {"steps": [*transfer()["steps"], broken]})
    assert balances(dsn) == [100, 0.5]


@pytest.mark.parametrize("level", ["READ_COMMITTED", "SERIALIZABLE"])
def test_transfers_in_both_directions_at_once_lose_nothing(level: str, node: Any, dsn: str) -> None:
    """They deadlock or are refused as not serializable; each is tried again until all are done."""

    async def scenario(imported: ImportedNode) -> list[Any]:
        config = imported.model("Config")(dsn=dsn, retry_pause_s=0.02, max_attempts=10, isolation_level=level)
        node = imported.node_class(ModelONEXContainer(), config)
        there, back = transfer("1"), transfer("0.10", source=2, target=1)
        requests = [
            ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=values)
            for values in [there, back] * 4
        ]
        return await asyncio.gather(*[node.process(request) for request in requests])

    with node(TRANSFER) as imported:
        assert len(asyncio.run(scenario(imported))) == 8
    assert balances(dsn) == [96.4, 4.1]


def test_a_transaction_that_breaks_before_its_commit_is_done_again_once(
    node: Any, dsn: str, postgres_server: Any
) -> None:
    fault = {"mode": "cut", "on": b"UPDATE", "first_connections": 1}
    with FaultyTcp(postgres_server.port, **fault) as proxy, node(TRANSFER) as imported:
        perform(imported, behind(proxy, dsn, postgres_server.port), transfer())
    assert (balances(dsn), proxy.cut_count) == ([89.75, 10.75], 1)


def test_a_transaction_whose_commit_is_not_answered_is_not_repeated(node: Any, dsn: str, postgres_server: Any) -> None:
    fault = {"mode": "cut", "on": b"COMMIT\0", "first_connections": 1}
    with FaultyTcp(postgres_server.port, **fault) as proxy, node(TRANSFER) as imported:
        address = behind(proxy, dsn, postgres_server.port)
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, transfer())
    assert failure.value.error_code == EnumCoreErrorCode.DATABASE_CONNECTION_ERROR
    assert balances(dsn) == [89.75, 10.75]


def test_a_node_with_transactions_still_does_single_operations(node: Any, dsn: str) -> None:
    insert = {"operation": "insert", "table": "records", "values": {"id": 1, "name": "a", "data": {"k": [1]}}}
    with node(LEDGER) as imported:
        perform(imported, dsn, insert)
        read = {"operation": "select", "table": "accounts", "match": {"id": 2}}
        result = perform(imported, dsn, {"operation": "transaction", "steps": [*transfer()["steps"], read]})
        with pytest.raises(ModelOnexError, match="table is missing"):
            perform(imported, dsn, {"operation": "select"})
    assert [row["balance"] for row in result["rows"]] == ["10.75"]
    assert rows(dsn, "SELECT * FROM records") == [insert["values"]]


def test_columns_that_are_not_given_beside_transactions_are_left_to_the_database(node: Any, dsn: str) -> None:
    typed = "EFFECT node called Book that upserts records in PostgreSQL atomically with id (integer), name (string)"
    with node(typed) as imported:
        upsert = {"operation": "upsert", "table": "records", "conflict_columns": ["id"]}
        perform(imported, dsn, {**upsert, "id": 1, "name": "a"})
        perform(imported, dsn, {**upsert, "id": 1, "name": "b"})
        perform(imported, dsn, {**upsert, "id": 2})
        with pytest.raises(ModelOnexError, match="at least one column"):
            perform(imported, dsn, upsert)
    assert rows(dsn, "SELECT id, name FROM records ORDER BY id") == [{"id": 1, "name": "b"}, {"id": 2, "name": None}]
