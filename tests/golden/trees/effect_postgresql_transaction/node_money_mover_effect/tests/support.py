"""Test doubles of NodeMoneyMoverEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr

from ..logic import ProtocolSession, Rows, Statement
from ..models import ModelMoneyMoverConfig
from ..node import NodeMoneyMoverEffect


class RecordingSession:
    """Keeps every statement it is given and reports one row for each; first it fails as often as it is told."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.faults: list[Exception] = []
        self.is_closed = False

    @property
    def texts(self) -> list[str]:
        """The SQL that was run."""
        return [statement.sql.as_string(None) for statement in self.statements]

    async def run(self, statements: Sequence[Statement]) -> list[tuple[int, Rows]]:
        """Record the statements."""
        if self.faults:
            raise self.faults.pop(0)
        self.statements += statements
        return [(1, [{"id": 1}] if text.startswith("SELECT") else []) for text in self.texts[-len(statements) :]]

    async def close(self) -> None:
        """Record that the session was closed."""
        self.is_closed = True


def prepare(node: NodeMoneyMoverEffect) -> RecordingSession:
    """Put a recording session in the place of a server."""
    session = RecordingSession()

    async def open_recording(config: ModelMoneyMoverConfig) -> ProtocolSession:
        return session

    node.config = ModelMoneyMoverConfig(dsn=SecretStr("postgresql://localhost/none"), retry_pause_s=0)
    node.open_session = open_recording
    return session
