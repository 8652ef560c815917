"""A stand-in for a Qdrant server on loopback: its REST interface, as far as the index uses it, over local mode.

There is no Qdrant server as a package. The double takes the real client library's requests, answers in the real
server's form, and demands what the server demands: a key, an index of the payload before it orders by it.

    with QdrantDouble(api_key="secret") as server:
        QdrantIndex(url=server.url, api_key="secret", ...)
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from qdrant_client import QdrantClient, models

type Answer = tuple[int, Any]


class QdrantDouble:
    """Listens on a free port. `requests`: method, path and headers of each request, in order."""

    def __init__(self, *, api_key: str = "") -> None:
        self.api_key = api_key
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.client = QdrantClient(":memory:", force_disable_check_same_thread=True)
        self._indexed: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()
        self.client.close()

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        """What the server says: status and result, or an error's text."""
        _, _, name, *rest = path.split("/")
        action: Callable[[str, dict[str, Any]], Any] | None = {
            "GET exists": self._exists,
            "PUT ": self._create,
            "GET ": self._info,
            "PUT index": self._index,
            "PUT points": self._upsert,
            "POST points": self._retrieve,
            "POST points/delete": self._delete,
            "POST points/query": self._query,
            "POST points/scroll": self._scroll,
            "POST points/count": self._count,
        }.get(f"{method} {'/'.join(rest)}")
        if action is None:
            return 404, "no such path"
        with self._lock:
            if not self.client.collection_exists(name) and action not in (self._exists, self._create):
                return 404, f"Collection `{name}` doesn't exist!"
            return action(name, body)

    def _exists(self, name: str, _body: dict[str, Any]) -> Answer:
        return 200, {"exists": self.client.collection_exists(name)}

    def _create(self, name: str, body: dict[str, Any]) -> Answer:
        if self.client.collection_exists(name):
            return 409, f"Collection `{name}` already exists!"
        self.client.create_collection(name, vectors_config=models.VectorParams.model_validate(body["vectors"]))
        return 200, True

    def _info(self, name: str, _body: dict[str, Any]) -> Answer:
        info = self.client.get_collection(name).model_dump(mode="json")
        indexed = self._indexed.get(name, {})
        return 200, info | {"payload_schema": {f: {"data_type": s, "points": 0} for f, s in indexed.items()}}

    def _index(self, name: str, body: dict[str, Any]) -> Answer:
        self._indexed.setdefault(name, {})[body["field_name"]] = body["field_schema"]
        return 200, _DONE

    def _upsert(self, name: str, body: dict[str, Any]) -> Answer:
        self.client.upsert(name, [models.PointStruct.model_validate(point) for point in body["points"]])
        return 200, _DONE

    def _retrieve(self, name: str, body: dict[str, Any]) -> Answer:
        found = self.client.retrieve(name, body["ids"], with_payload=body["with_payload"], with_vectors=True)
        return 200, [point.model_dump(mode="json") for point in found]

    def _delete(self, name: str, body: dict[str, Any]) -> Answer:
        self.client.delete(name, models.FilterSelector.model_validate(body))
        return 200, _DONE

    def _query(self, name: str, body: dict[str, Any]) -> Answer:
        if not body["params"]["exact"]:
            return 400, "the double answers exact searches only"
        selected = models.Filter.model_validate(body["filter"])
        found = self.client.query_points(
            name, query=body["query"]["nearest"], query_filter=selected, limit=body["limit"]
        )
        return 200, {"points": [point.model_dump(mode="json", exclude={"payload"}) for point in found.points]}

    def _scroll(self, name: str, body: dict[str, Any]) -> Answer:
        order = models.OrderBy.model_validate(body["order_by"])
        if self._indexed.get(name, {}).get(order.key) != "integer":
            return 400, f"No range index for `order_by` key: `{order.key}`."
        points, _ = self.client.scroll(name, limit=body["limit"], order_by=order)
        return 200, {"points": [point.model_dump(mode="json") for point in points], "next_page_offset": None}

    def _count(self, name: str, _body: dict[str, Any]) -> Answer:
        return 200, {"count": int(self.client.count(name).count)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_PUT(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = urlsplit(self.path).path
                double.requests.append((self.command, path, {k.lower(): v for k, v in self.headers.items()}))
                if self.headers.get("api-key", "") != double.api_key:
                    self._say(403, f"Forbidden: {self.headers.get('api-key')} is not the key")
                    return
                self._say(*double.answer(self.command, path, json.loads(content or b"{}")))

            def _say(self, status: int, result: Any) -> None:
                told = {"result": result, "status": "ok"} if status == 200 else {"status": {"error": result}}
                data = json.dumps(told | {"time": 0.0}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        return Handler


_DONE = {"operation_id": 1, "status": "completed"}
