"""Test doubles of NodeDocumentStoreEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from collections.abc import Mapping

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import JsonValue, SecretStr

from ..logic import Document, ProtocolSession
from ..models import ModelDocumentStoreConfig
from ..node import NodeDocumentStoreEffect


class MemorySession:
    """Keeps documents in memory; the first calls can be made to fail with `failures`."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.failures: list[Exception] = []
        self.is_closed = False

    def _matching(self, match: Mapping[str, JsonValue]) -> list[Document]:
        if self.failures:
            raise self.failures.pop(0)
        return [document for document in self.documents if match.items() <= document.items()]

    async def insert(self, collection: str, document: Document) -> None:
        """Store a new document, and fail afterwards when that is asked for: as a lost connection does."""
        if any(known["_id"] == document["_id"] for known in self.documents):
            raise ModelOnexError(message="exists", error_code=EnumCoreErrorCode.INVALID_STATE)
        self.documents.append(document)
        self._matching({})

    async def replace(self, collection: str, match: Document, document: Document) -> str:
        """Replace one document, or store it."""
        found = self._matching(match)
        if found:
            self.documents.remove(found[0])
        self.documents.append({**match, **document})
        return "" if found else "new"

    async def update(self, collection: str, match: Document, values: Document) -> int:
        """Set fields."""
        found = self._matching(match)
        for document in found:
            document.update(values)
        return len(found)

    async def delete(self, collection: str, match: Document) -> int:
        """Remove documents."""
        found = self._matching(match)
        self.documents = [document for document in self.documents if document not in found]
        return len(found)

    async def find(self, collection: str, match: Document, limit: int) -> list[Document]:
        """Documents that match."""
        return self._matching(match)[:limit]

    async def close(self) -> None:
        """Record that the session was closed."""
        self.is_closed = True


def prepare(node: NodeDocumentStoreEffect) -> MemorySession:
    """Put a session in memory in the place of a server."""
    session = MemorySession()

    async def open_memory(config: ModelDocumentStoreConfig) -> ProtocolSession:
        return session

    node.config = ModelDocumentStoreConfig(uri=SecretStr("mongodb://localhost"), database="examples", retry_pause_s=0)
    node.open_session = open_memory
    return session
