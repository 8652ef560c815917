"""The vector index in a Qdrant server, through its client library; local mode (a folder, or memory) serves one process.

Derived data: the store fills it, and can always fill it again. Every search is exact: Qdrant compares all vectors and
uses no graph. Vectors have length 1, so the dot product is the cosine, and nothing is changed on the way in.

What it has been told already outlives the process: `seen_revision`. A collection belongs to one library and one
embedding model; its name says so, and another model or another database makes a new one.
"""

import contextlib
import hashlib
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

import numpy as np

from omniclaude_dagster.errors import ConfigurationError, IndexUnavailableError
from omniclaude_dagster.patterns.model import PatternChange, Vectors
from omniclaude_dagster.patterns.qdrant_worker import BoundedTransport, Worker, failures
from omniclaude_dagster.patterns.similarity import is_usable
from omniclaude_dagster.providers.hosts import checked_base_url
from omniclaude_dagster.providers.redaction import Redactor
from omniclaude_dagster.request.model import NodeKind

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient, models

MEMORY = ":memory:"
DEADLINE_S = 10.0
# A request of so many numbers has about 3 MB; a server takes 32 MB.
_NUMBERS_AT_ONCE = 250_000
_IDS_AT_ONCE = 1_000
_DECIMALS = 6
_INDEXED = {"kind": "keyword", "systems": "keyword", "revision": "integer"}
_CURE = "start Qdrant, or correct OMNICLAUDE_QDRANT_URL and OMNICLAUDE_QDRANT_API_KEY"


class QdrantIndex:
    """Implements VectorIndex and LastingIndex. Safe for threads; connects on first use.

    `url`: of a server; `path`: a folder, or MEMORY, for local mode. `library`: gives the id of the library that is
    indexed (`RecordsStore.library_id`), asked on first use, so that two databases can share a server. `deadline_s`
    bounds every call, whatever the server does meanwhile. Raises ConfigurationError for an address that is none.
    """

    name = "qdrant"
    needs_vectors = True

    def __init__(
        self,
        *,
        url: str | None = None,
        api_key: str | None = None,
        path: str | None = None,
        embedding_model: str,
        dimension: int,
        library: Callable[[], uuid.UUID] | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        if (url is None) == (path is None):
            raise ConfigurationError("an index in Qdrant needs a server or a folder.", cure="set OMNICLAUDE_QDRANT_URL")
        self._url = None if url is None else _checked(url)
        self._key = api_key.strip() if api_key else ""
        self._path = path
        self._embedding_model = embedding_model
        self._dimension = dimension
        self._library = library
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._client: AsyncQdrantClient | None = None
        self._collection = ""

    def __repr__(self) -> str:
        return f"QdrantIndex({self._embedding_model!r} at {self._url or self._path})"

    def seen_revision(self) -> int:
        """Every change up to this one has been applied, by any process; 0 for an empty index.

        To be asked again after every IndexUnavailableError. Higher than the library's own revision only where the
        database was replaced by an older one: then start again from 0.
        """
        return self._run(self._seen_revision)

    def count(self) -> int:
        """Number of patterns in the index."""

        async def count(client: "AsyncQdrantClient") -> int:
            return (await client.count(self._collection, exact=True)).count

        return self._run(count)

    def apply(self, changes: Sequence[PatternChange]) -> None:
        """Take over changes, as one read of the store gave them. Doing it again, or late, does no harm."""
        if not changes:
            return
        comparable = [change for change in changes if self._is_comparable(change)]
        kept = {change.pattern_id for change in comparable}
        gone = [change.pattern_id for change in changes if change.pattern_id not in kept]
        for ids in batched(gone, _IDS_AT_ONCE):
            self._run(partial(self._delete, ids=ids, up_to=changes[-1].revision))
        for portion in batched(comparable, max(1, _NUMBERS_AT_ONCE // self._dimension)):
            self._run(partial(self._upsert, changes=portion))

    def nearest(
        self, vector: Vectors, *, node_kind: NodeKind, systems: tuple[str, ...], limit: int
    ) -> list[tuple[uuid.UUID, float]]:
        """Ids and cosines of the nearest, best first, equal ones by id. Raises IndexUnavailableError."""
        if limit < 1 or not is_usable(vector, dimension=self._dimension):
            return []
        asked = limit + 1
        while True:
            found = self._run(partial(self._search, vector=vector, node_kind=node_kind, systems=systems, limit=asked))
            # Qdrant chooses among equals as it likes: all that equal the last one are asked for.
            if len(found) < asked or found[-1][1] < found[limit - 1][1]:
                return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]
            asked *= 2

    def vectors(self, pattern_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Vectors]:
        """The vectors of those ids that the index holds. Raises IndexUnavailableError."""
        found: dict[uuid.UUID, Vectors] = {}
        for ids in batched(dict.fromkeys(pattern_ids), _IDS_AT_ONCE):
            found |= self._run(partial(self._retrieve, ids=ids))
        return found

    def close(self) -> None:
        """Let go of connections. A later call connects again."""
        with self._lock:
            worker, client = self._worker, self._client
            self._worker = self._client = None
        if worker is not None:
            if client is not None:
                # A farewell that fails is nobody's matter.
                with contextlib.suppress(*failures()):
                    worker.run(client.close(), deadline_s=self._deadline_s)
            worker.stop()

    def _is_comparable(self, change: PatternChange) -> bool:
        is_ours = change.status == "active" and change.embedding_model == self._embedding_model
        return is_ours and change.vector is not None and is_usable(change.vector, dimension=self._dimension)

    def _run[T](self, call: "Callable[[AsyncQdrantClient], Coroutine[Any, Any, T]]") -> T:
        with self._lock:
            worker = self._worker = self._worker or Worker()
        library = self._library() if self._library and not self._collection else None
        # Before the clock starts: this imports the client library, which takes a second.
        away = failures()

        async def called() -> T:
            return await call(await self._ready_client(library))

        try:
            return worker.run(called(), deadline_s=self._deadline_s)
        except away as exc:
            # It may come back without what it was told: `seen_revision` is then asked again, and makes it anew.
            self._collection = ""
            raise IndexUnavailableError(f"Qdrant does not answer: {self._reason(exc)}.", cure=_CURE) from None

    async def _ready_client(self, library: uuid.UUID | None) -> "AsyncQdrantClient":
        """Only ever called in the worker's thread."""
        if self._client is None:
            self._client = self._new_client()
        if not self._collection:
            name = collection_name(self._embedding_model, self._dimension, library)
            await _make_collection(self._client, name, dimension=self._dimension, is_server=self._url is not None)
            self._collection = name
        return self._client

    def _new_client(self) -> "AsyncQdrantClient":
        from qdrant_client import AsyncQdrantClient

        if self._url is None:
            return AsyncQdrantClient(location=self._path if self._path == MEMORY else None, path=_folder(self._path))
        # The key as a header: the client library warns of plain http, which `checked_base_url` judges better.
        headers = {"Accept-Encoding": "identity"} | ({"api-key": self._key} if self._key else {})
        return AsyncQdrantClient(
            url=self._url,
            headers=headers,
            timeout=int(np.ceil(self._deadline_s)),
            check_compatibility=False,
            transport=BoundedTransport(),
            trust_env=False,
        )

    async def _seen_revision(self, client: "AsyncQdrantClient") -> int:
        from qdrant_client import models

        order = models.OrderBy(key="revision", direction=models.Direction.DESC)
        points, _ = await client.scroll(self._collection, limit=1, order_by=order, with_payload=["revision"])
        return max((int((point.payload or {})["revision"]) for point in points), default=0)

    async def _upsert(self, client: "AsyncQdrantClient", changes: Sequence[PatternChange]) -> None:
        from qdrant_client import models

        points = [
            models.PointStruct(
                id=str(change.pattern_id),
                vector=change.vector.tolist() if change.vector is not None else [],
                payload={
                    "kind": change.node_kind.value,
                    "systems": list(change.systems),
                    "revision": change.revision,
                },
            )
            for change in changes
        ]
        await client.upsert(self._collection, points, wait=True)

    async def _delete(self, client: "AsyncQdrantClient", ids: Sequence[uuid.UUID], *, up_to: int) -> None:
        """Only what is not newer: another process may have told of later changes already."""
        from qdrant_client import models

        is_old = models.FieldCondition(key="revision", range=models.Range(lte=up_to))
        selected = models.Filter(must=[models.HasIdCondition(has_id=list(map(str, ids))), is_old])
        await client.delete(self._collection, models.FilterSelector(filter=selected), wait=True)

    async def _search(
        self, client: "AsyncQdrantClient", vector: Vectors, node_kind: NodeKind, systems: tuple[str, ...], limit: int
    ) -> list[tuple[uuid.UUID, float]]:
        from qdrant_client import models

        answer = await client.query_points(
            self._collection,
            query=vector.tolist(),
            query_filter=models.Filter(must=list(_conditions(node_kind, systems))),
            # Local mode is always exact, and warns of being told so.
            search_params=models.SearchParams(exact=True) if self._url is not None else None,
            limit=limit,
            with_payload=False,
        )
        return [(uuid.UUID(str(point.id)), round(point.score, _DECIMALS)) for point in answer.points]

    async def _retrieve(self, client: "AsyncQdrantClient", ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Vectors]:
        points = await client.retrieve(self._collection, list(map(str, ids)), with_payload=False, with_vectors=True)
        return {uuid.UUID(str(point.id)): np.asarray(point.vector, dtype=np.float32) for point in points}

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, TimeoutError):
            return f"no answer within {self._deadline_s:g} s"
        words = Redactor([self._key] if self._key else []).clean(str(exc), max_chars=300)
        return (words or type(exc).__name__).rstrip(".")


def collection_name(embedding_model: str, dimension: int, library: uuid.UUID | None) -> str:
    """Another one for each embedding model, length of vectors and library."""
    digest = hashlib.sha256(f"{embedding_model}\0{dimension}\0{library or ''}".encode()).hexdigest()
    return f"omniclaude_patterns_{digest[:12]}"


async def _make_collection(client: "AsyncQdrantClient", name: str, *, dimension: int, is_server: bool) -> None:
    from qdrant_client import models
    from qdrant_client.http.exceptions import UnexpectedResponse

    if not await client.collection_exists(name):
        try:
            await client.create_collection(
                name, vectors_config=models.VectorParams(size=dimension, distance=models.Distance.DOT)
            )
        except UnexpectedResponse:
            # Another process may have been faster.
            if not await client.collection_exists(name):
                raise
    # Local mode knows no indexes of payload. A server needs that of the revision to order by it.
    known = (await client.get_collection(name)).payload_schema if is_server else _INDEXED
    for field in _INDEXED.keys() - known.keys():
        schema = models.PayloadSchemaType(_INDEXED[field])
        await client.create_payload_index(name, field_name=field, field_schema=schema, wait=True)


def _conditions(node_kind: NodeKind, systems: tuple[str, ...]) -> Iterator["models.FieldCondition"]:
    from qdrant_client import models

    yield models.FieldCondition(key="kind", match=models.MatchValue(value=node_kind.value))
    for system in systems:
        yield models.FieldCondition(key="systems", match=models.MatchValue(value=system))


def _checked(url: str) -> str:
    try:
        return checked_base_url(url)
    except ValueError as exc:
        raise ConfigurationError(f"OMNICLAUDE_QDRANT_URL: {exc}.", cure="correct the address") from None


def _folder(path: str | None) -> str | None:
    return None if path == MEMORY else path
