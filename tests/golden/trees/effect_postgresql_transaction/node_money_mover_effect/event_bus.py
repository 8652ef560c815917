"""Announces NodeMoneyMoverEffect on an event bus; without one the node works alone."""

from __future__ import annotations

import json
import logging
from typing import Protocol
from uuid import UUID

from omnibase_core.models.discovery.model_nodeintrospectionevent import ModelNodeIntrospectionEvent
from omnibase_core.models.node_metadata.model_node_capability import ModelNodeCapability
from omnibase_core.models.primitives.model_semver import ModelSemVer
from pydantic import JsonValue

LOGGER = logging.getLogger(__name__)
INTROSPECTION_TOPIC = "onex.evt.platform.node-introspection.v1"
PUBLISH_TOPICS: tuple[str, ...] = ("onex.evt.money-mover.performed.v1",)


class ProtocolEventPublisher(Protocol):
    """What the node needs of a bus; the framework's in-memory bus has it."""

    async def publish(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Publish one message."""
        ...


class NodeAnnouncer:
    """Publishes the node's introspection and its events; a bus that fails never stops the node."""

    def __init__(self) -> None:
        self._publisher: ProtocolEventPublisher | None = None

    @property
    def is_bound(self) -> bool:
        """True while events go somewhere."""
        return self._publisher is not None

    def bind(self, publisher: ProtocolEventPublisher) -> None:
        """Send events to this publisher from now on."""
        self._publisher = publisher

    def unbind(self) -> None:
        """Stop sending events."""
        self._publisher = None

    async def announce(self, node_id: UUID) -> bool:
        """Publish the introspection event; False when there is no bus or it failed."""
        event = ModelNodeIntrospectionEvent(
            node_id=node_id,
            node_name="node_money_mover_effect",
            version=ModelSemVer(major=1, minor=0, patch=0),
            node_type="effect",
            capabilities=ModelNodeCapability(
                value="money_mover",
                description="EFFECT node for PostgreSQL transactions that moves money between accounts",
                version_introduced=ModelSemVer(major=1, minor=0, patch=0),
            ),
            tags=["data_services", "effect"],
        )
        return await self._publish(INTROSPECTION_TOPIC, str(node_id), event.model_dump_json().encode())

    async def publish_event(self, key: str, payload: dict[str, JsonValue]) -> bool:
        """Publish a result on the node's own topics; False when there is no bus or it failed."""
        value = json.dumps(payload).encode()
        return all([await self._publish(topic, key, value) for topic in PUBLISH_TOPICS])

    async def _publish(self, topic: str, key: str, value: bytes) -> bool:
        if self._publisher is None:
            return False
        try:
            await self._publisher.publish(topic, key.encode(), value)
        except Exception as exc:  # noqa: BLE001  (any bus may be bound; the node goes on without it)
            LOGGER.warning("event bus: %s could not be published: %s", topic, exc)
            return False
        return True
