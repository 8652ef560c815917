"""Test doubles of NodeRedisCacheEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from pydantic import SecretStr

from ..logic import Reply
from ..models import ModelRedisCacheConfig
from ..node import NodeRedisCacheEffect


class RecordingRedis:
    """Keeps every command and gives the answer that was put down for its name."""

    def __init__(self) -> None:
        self.commands: list[tuple[str | int, ...]] = []
        self.sent_once: list[str | int] = []
        self.replies: dict[str | int, Reply] = {"SET": 1, "DEL": 1, "EXISTS": 1, "EXPIRE": 1, "INCRBY": 1, "RPUSH": 1}

    async def execute(self, config: ModelRedisCacheConfig, /, *command: str | int, is_repeatable: bool = True) -> Reply:
        """Record one command."""
        self.commands.append(command)
        if not is_repeatable:
            self.sent_once.append(command[0])
        return self.replies.get(command[0])

    async def close(self) -> None:
        """Forget what was recorded."""
        self.commands.clear()


def prepare(node: NodeRedisCacheEffect) -> RecordingRedis:
    """Put a recording client in the place of a server."""
    redis = RecordingRedis()
    node.config = ModelRedisCacheConfig(url=SecretStr("redis://localhost/0"), retry_pause_s=0)
    node.client = redis
    return redis
