"""Test doubles of NodeInvoiceStoreEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from hashlib import sha256

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from ..logic import ProtocolBucket, StoredObject
from ..models import ModelInvoiceStoreConfig
from ..node import NodeInvoiceStoreEffect


class MemoryBucket:
    """Keeps objects in memory; the first calls can be made to fail with `failures`."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {"example.txt": b"example"}
        self.failures: list[Exception] = []
        self.is_closed = False

    def _begin(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def _stored(self, key: str) -> StoredObject:
        self._begin()
        if key not in self.objects:
            raise ModelOnexError(message=f"{key} does not exist", error_code=EnumCoreErrorCode.NOT_FOUND)
        content = self.objects[key]
        return StoredObject(len(content), "tag", sha256(content).hexdigest(), "text/plain", content)

    def put(self, key: str, content: bytes, content_type: str, *, only_if_absent: bool) -> StoredObject:
        """Store an object."""
        self._begin()
        if only_if_absent and key in self.objects:
            raise ModelOnexError(message=f"{key} exists", error_code=EnumCoreErrorCode.INVALID_STATE)
        self.objects[key] = content
        return self._stored(key)

    def get(self, key: str) -> StoredObject:
        """Read an object."""
        return self._stored(key)

    def head(self, key: str) -> StoredObject:
        """Describe an object."""
        return self._stored(key)

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._begin()
        self.objects.pop(key, None)

    def list_keys(self, prefix: str, start_after: str, limit: int) -> tuple[list[str], bool]:
        """Names in order."""
        self._begin()
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > start_after)
        return keys[:limit], len(keys) > limit

    def presign(self, key: str, expires_s: int) -> str:
        """Make an address up."""
        self._begin()
        return f"memory:{key}?expires={expires_s}"

    def close(self) -> None:
        """Record that the bucket was closed."""
        self.is_closed = True


def prepare(node: NodeInvoiceStoreEffect) -> MemoryBucket:
    """Put a bucket in memory in the place of a server."""
    bucket = MemoryBucket()

    async def open_memory(config: ModelInvoiceStoreConfig) -> ProtocolBucket:
        return bucket

    node.config = ModelInvoiceStoreConfig(bucket="examples", retry_pause_s=0, max_bytes=1000)
    node.open_bucket = open_memory
    return bucket
