"""What the tests of generated PostgreSQL nodes share: asking the node, asking the server without it, the sentences."""

import asyncio
from typing import Any

import psycopg
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from psycopg.rows import dict_row

from tests.support.generated_nodes import ImportedNode
from tests.support.tcp_faults import FaultyTcp

WRITER = "Create EFFECT node for PostgreSQL writes"
CRUD = "Generate a new PostgreSQL CRUD Effect node"
TRANSFER = "EFFECT node for PostgreSQL transactions that moves money between accounts"


def make_tables(dsn: str) -> None:
    """`records`, `users` with typed columns, and `accounts` with some money."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE records (id int PRIMARY KEY, name text, data jsonb)")
        connection.execute(
            "CREATE TABLE users (user_id uuid PRIMARY KEY, email text NOT NULL, age int CHECK (age >= 0),"
            " is_active boolean, created_at timestamptz)"
        )
        connection.execute("CREATE TABLE accounts (id int PRIMARY KEY, balance numeric(12,2) NOT NULL)")
        connection.execute("INSERT INTO accounts VALUES (1, 100), (2, 0.50)")


def rows(dsn: str, statement: str) -> list[dict[str, Any]]:
    """Ask the server without the node."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload,no-any-return]


def perform(imported: ImportedNode, dsn: str, values: dict[str, Any], **config: Any) -> dict[str, Any]:
    """One operation through the node's public door."""

    async def scenario() -> Any:
        settings = imported.model("Config")(dsn=dsn, retry_pause_s=0, **config)
        node = imported.node_class(ModelONEXContainer(), settings)
        await node.initialize()
        request = ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=values)
        try:
            return (await node.process(request)).result
        finally:
            await node.cleanup()

    result = asyncio.run(scenario())
    assert isinstance(result, dict)
    return result


def behind(proxy: FaultyTcp, dsn: str, port: int) -> str:
    """The same database, by way of the proxy."""
    return f"{dsn.replace(f':{port}/', f':{proxy.port}/')}?sslmode=disable"


def transfer(amount: str = "10.25", *, source: int = 1, target: int = 2) -> dict[str, Any]:
    """Money from one account to another: both steps or none, never more than there is."""
    step = {"operation": "update", "table": "accounts", "expected_rows": 1}
    taken = {**step, "match": {"id": source}, "add": {"balance": f"-{amount}"}, "at_least": {"balance": amount}}
    return {"steps": [taken, {**step, "match": {"id": target}, "add": {"balance": amount}}]}


def balances(dsn: str) -> list[float]:
    """The money on the accounts."""
    return [float(row["balance"]) for row in rows(dsn, "SELECT balance FROM accounts ORDER BY id")]
