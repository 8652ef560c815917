# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeDocumentStoreEffect: documents of a MongoDB collection, selected by equality.

No operator of the query language comes from a request. Each operation gives the same documents when it is done
twice, so that an operation whose connection was lost is tried again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import JsonValue

from .enums import EnumDocumentStoreOperation
from .models import ModelDocumentStoreConfig, ModelDocumentStoreInput, ModelDocumentStoreOutput

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient

type Document = dict[str, JsonValue]

_PASSING = frozenset({EnumCoreErrorCode.NETWORK_ERROR})
_REFUSED_CREDENTIALS = frozenset({13, 18, 8000})
_TOO_SLOW = frozenset({50, 262})


class ProtocolSession(Protocol):
    """An open session on a database; tests put their own in its place."""

    async def insert(self, collection: str, document: Document) -> None:
        """Store a new document; one whose id is taken is an INVALID_STATE failure."""
        ...

    async def replace(self, collection: str, match: Document, document: Document) -> str:
        """Put a document in the place of the one that matches, or store it; gives the id of a new one."""
        ...

    async def update(self, collection: str, match: Document, values: Document) -> int:
        """Set fields of every document that matches; gives their number."""
        ...

    async def delete(self, collection: str, match: Document) -> int:
        """Remove every document that matches; gives their number."""
        ...

    async def find(self, collection: str, match: Document, limit: int) -> list[Document]:
        """Documents that match, as JSON."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


OpenSession = Callable[[ModelDocumentStoreConfig], Awaitable[ProtocolSession]]


class MongoSession:
    """A session on a real server."""

    def __init__(self, client: AsyncMongoClient[dict[str, object]], config: ModelDocumentStoreConfig) -> None:
        self._client = client
        self._database = client[config.database]
        self._max_bytes = config.max_result_bytes

    async def insert(self, collection: str, document: Document) -> None:
        """Store a new document."""
        with _translated():
            await self._database[collection].insert_one(dict(document))

    async def replace(self, collection: str, match: Document, document: Document) -> str:
        """Replace one document, or store it."""
        with _translated():
            result = await self._database[collection].replace_one(match, document, upsert=True)
        return "" if result.upserted_id is None else str(result.upserted_id)

    async def update(self, collection: str, match: Document, values: Document) -> int:
        """Set fields of every document that matches."""
        with _translated():
            return (await self._database[collection].update_many(match, {"$set": values})).matched_count

    async def delete(self, collection: str, match: Document) -> int:
        """Remove every document that matches."""
        with _translated():
            return (await self._database[collection].delete_many(match)).deleted_count

    async def find(self, collection: str, match: Document, limit: int) -> list[Document]:
        """Read documents until the limit; what JSON has no type for becomes MongoDB's extended JSON."""
        from bson.json_util import RELAXED_JSON_OPTIONS, dumps

        documents: list[Document] = []
        size_bytes = 0
        with _translated():
            async with self._database[collection].find(match, limit=limit) as cursor:
                async for document in cursor:
                    text = dumps(document, json_options=RELAXED_JSON_OPTIONS)
                    size_bytes += len(text)
                    if size_bytes > self._max_bytes:
                        raise _failed(
                            f"the documents have more than {self._max_bytes} bytes; ask for fewer with limit",
                            EnumCoreErrorCode.RESOURCE_ERROR,
                        )
                    documents.append(json.loads(text))
        return documents

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


async def open_session(config: ModelDocumentStoreConfig) -> ProtocolSession:
    """A client of the configured server; it connects with the first operation."""
    try:
        from pymongo import AsyncMongoClient
    except ImportError as exc:
        raise _failed(
            "pymongo is not installed; run: pip install 'pymongo>=4.15,<5'",
            EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE,
        ) from exc
    timeout_ms = round(config.timeout_s * 1000)
    with _translated():
        client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
            config.uri.get_secret_value(),
            timeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            serverSelectionTimeoutMS=timeout_ms,
            # Repeating is this module's business; the driver's own way needs a replica set.
            retryWrites=False,
            retryReads=False,
        )
    return MongoSession(client, config)


async def perform(
    request: ModelDocumentStoreInput, config: ModelDocumentStoreConfig, *, open_session: OpenSession = open_session
) -> ModelDocumentStoreOutput:
    """Carry out one operation; raises ModelOnexError when it cannot be done in time."""
    operation = _OPERATIONS[request.operation](request)
    try:
        async with asyncio.timeout(config.deadline_s):
            session = await open_session(config)
            try:
                result, attempts = await _repeated(lambda: operation(session), config)
            finally:
                await session.close()
    except TimeoutError as exc:
        raise _failed(
            f"{request.operation.value} was not done within {config.deadline_s} s", EnumCoreErrorCode.TIMEOUT_ERROR
        ) from exc
    return result.model_copy(update={"attempts": attempts})


async def _repeated[Result](
    call: Callable[[], Awaitable[Result]], config: ModelDocumentStoreConfig
) -> tuple[Result, int]:
    """The result and the attempts it took; only failures that can pass are tried again, after growing pauses."""
    attempt = 1
    while True:
        try:
            return await call(), attempt
        except ModelOnexError as exc:
            if exc.error_code not in _PASSING:
                raise
            if attempt == config.max_attempts:
                raise ModelOnexError(
                    message=f"{exc.message} (tried {attempt} times)", error_code=exc.error_code
                ) from exc
        await asyncio.sleep(config.retry_pause_s * 2 ** (attempt - 1))
        attempt += 1


Operation = Callable[[ProtocolSession], Awaitable[ModelDocumentStoreOutput]]


def _insert(request: ModelDocumentStoreInput) -> Operation:
    # The id is made here, once: when a lost connection makes the insert start again, it finds its own document.
    document: Document = {"_id": uuid4().hex, **_plain(request.document, "document")}

    async def run(session: ProtocolSession) -> ModelDocumentStoreOutput:
        try:
            await session.insert(request.collection, document)
        except ModelOnexError as exc:
            if exc.error_code != EnumCoreErrorCode.INVALID_STATE:
                raise
            if document not in await session.find(request.collection, {"_id": document["_id"]}, 1):
                raise
        return ModelDocumentStoreOutput(operation=request.operation, count=1, document_id=str(document["_id"]))

    return run


def _upsert(request: ModelDocumentStoreInput) -> Operation:
    document = _plain(request.document, "document")
    match = _plain(request.match, "match") or ({"_id": document["_id"]} if "_id" in document else {})
    if not match:
        raise _invalid("an upsert needs match, or a document with an _id")

    async def run(session: ProtocolSession) -> ModelDocumentStoreOutput:
        new_id = await session.replace(request.collection, match, document)
        known_id = str(document.get("_id", match.get("_id", "")))
        return ModelDocumentStoreOutput(operation=request.operation, count=1, document_id=new_id or known_id)

    return run


def _update(request: ModelDocumentStoreInput) -> Operation:
    values = _plain(request.document, "document")
    match = _plain(request.match, "match")
    if not match:
        raise _invalid("an update needs match: it never changes a whole collection")
    if not values:
        raise _invalid("an update needs a document with the fields to set")

    async def run(session: ProtocolSession) -> ModelDocumentStoreOutput:
        count = await session.update(request.collection, match, values)
        return ModelDocumentStoreOutput(operation=request.operation, count=count)

    return run


def _delete(request: ModelDocumentStoreInput) -> Operation:
    match = _plain(request.match, "match")
    if not match:
        raise _invalid("a delete needs match: it never empties a whole collection")

    async def run(session: ProtocolSession) -> ModelDocumentStoreOutput:
        count = await session.delete(request.collection, match)
        return ModelDocumentStoreOutput(operation=request.operation, count=count)

    return run


def _find(request: ModelDocumentStoreInput) -> Operation:
    match = _plain(request.match, "match")

    async def run(session: ProtocolSession) -> ModelDocumentStoreOutput:
        documents = await session.find(request.collection, match, request.limit)
        return ModelDocumentStoreOutput(operation=request.operation, count=len(documents), documents=documents)

    return run


_OPERATIONS: dict[EnumDocumentStoreOperation, Callable[[ModelDocumentStoreInput], Operation]] = {
    EnumDocumentStoreOperation.INSERT: _insert,
    EnumDocumentStoreOperation.UPSERT: _upsert,
    EnumDocumentStoreOperation.UPDATE: _update,
    EnumDocumentStoreOperation.DELETE: _delete,
    EnumDocumentStoreOperation.FIND: _find,
}


def _plain(values: Document, place: str) -> Document:
    """The same values; a name that MongoDB would take for an operator (`$where`) is refused, however deep it is."""
    waiting: list[JsonValue] = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for name in value:
                if name.startswith("$") or "\0" in name:
                    raise _invalid(f"{place} must not contain the name {name!r}: operators are not accepted")
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return values


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what pymongo raises into ModelOnexError. `from None`: its messages may repeat the connection string."""
    from bson.errors import BSONError
    from pymongo import errors

    try:
        yield
    except errors.DuplicateKeyError:
        raise _failed("a document with this key exists already", EnumCoreErrorCode.INVALID_STATE) from None
    except errors.OperationFailure as exc:
        raise _refused(exc.code or 0, str((exc.details or {}).get("errmsg", ""))) from None
    except errors.ServerSelectionTimeoutError as exc:
        if "timed out" in str(exc):
            raise _failed("the server does not answer", EnumCoreErrorCode.TIMEOUT_ERROR) from None
        raise _failed(
            "the server cannot be reached; check MONGODB_URI", EnumCoreErrorCode.DATABASE_CONNECTION_ERROR
        ) from None
    except (errors.NetworkTimeout, errors.WaitQueueTimeoutError):
        raise _failed("the server did not answer in time", EnumCoreErrorCode.TIMEOUT_ERROR) from None
    except errors.ConnectionFailure:
        raise _failed("the connection was lost", EnumCoreErrorCode.NETWORK_ERROR) from None
    except errors.ConfigurationError:
        raise _failed("MONGODB_URI is not a connection string", EnumCoreErrorCode.CONFIGURATION_ERROR) from None
    except (errors.PyMongoError, BSONError, OverflowError) as exc:
        raise _invalid(f"MongoDB cannot take this: {exc}") from None


def _refused(code: int, words: str) -> ModelOnexError:
    """What a refusal of the server means."""
    if code in _REFUSED_CREDENTIALS:
        return _failed("the server refused the credentials; check MONGODB_URI", EnumCoreErrorCode.AUTHENTICATION_ERROR)
    if code in _TOO_SLOW:
        return _failed("the operation took longer than its limit", EnumCoreErrorCode.TIMEOUT_ERROR)
    return _failed(f"the server refused the operation ({code}): {words}", EnumCoreErrorCode.DATABASE_OPERATION_ERROR)


def _invalid(message: str) -> ModelOnexError:
    return _failed(message, EnumCoreErrorCode.VALIDATION_ERROR)


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
