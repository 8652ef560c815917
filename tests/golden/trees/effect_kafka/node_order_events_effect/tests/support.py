"""Test doubles of NodeOrderEventsEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..logic import Record
from ..models import ModelOrderEventsConfig
from ..node import NodeOrderEventsEffect


class RecordingKafka:
    """A topic in memory: what is produced is kept, and handed over until it is committed."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.committed = 0
        self.handed_over = 0
        self.is_closed = False

    async def produce(self, config: ModelOrderEventsConfig, record: Record) -> tuple[int, int]:
        """Keep one message."""
        self.records.append(record)
        return 0, len(self.records) - 1

    async def consume(self, config: ModelOrderEventsConfig, topic: str, limit: int, wait_s: float) -> list[Record]:
        """Hand over what is not committed."""
        batch = self.records[self.committed : self.committed + limit]
        self.handed_over = len(batch)
        return batch

    async def commit(self, config: ModelOrderEventsConfig, topic: str) -> int:
        """Move behind the last batch."""
        count, self.handed_over = self.handed_over, 0
        self.committed += count
        return count

    async def close(self) -> None:
        """Remember that the node let go of it."""
        self.is_closed = True


def prepare(node: NodeOrderEventsEffect) -> RecordingKafka:
    """Put a topic in memory in the place of the brokers."""
    kafka = RecordingKafka()
    node.config = ModelOrderEventsConfig(bootstrap_servers="localhost:9092")
    node.client = kafka
    return kafka
