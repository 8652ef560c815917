"""Test doubles of NodeUserStoreEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from psycopg import sql
from pydantic import JsonValue, SecretStr

from ..logic import ProtocolSession
from ..models import ModelUserStoreConfig
from ..node import NodeUserStoreEffect


class RecordingSession:
    """Keeps every statement it is given and reports one row."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, list[object]]] = []
        self.is_closed = False

    async def run(self, statement: sql.Composed, parameters: list[object]) -> tuple[int, list[dict[str, JsonValue]]]:
        """Record the statement."""
        text = statement.as_string(None)
        self.statements.append((text, parameters))
        return 1, [{"id": 1}] if text.startswith("SELECT") else []

    async def close(self) -> None:
        """Record that the session was closed."""
        self.is_closed = True


def prepare(node: NodeUserStoreEffect) -> RecordingSession:
    """Put a recording session in the place of a server."""
    session = RecordingSession()

    async def open_recording(config: ModelUserStoreConfig) -> ProtocolSession:
        return session

    node.config = ModelUserStoreConfig(dsn=SecretStr("postgresql://localhost/none"))
    node.open_session = open_recording
    return session
