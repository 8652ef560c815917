"""A small server that speaks MongoDB's wire protocol, because no real one can be installed here.

Real in it: the framing (OP_MSG with document sequences, OP_QUERY of the first greeting), BSON, SCRAM-SHA-256, and the
documented answers of the commands below, so that the real driver works on it. Not real: storage (a dict), the query
language (equality only), indexes (`_id` only), cursors (one batch), replica sets.
"""

import base64
import hashlib
import hmac
import os
import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import bson

_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_ITERATIONS = 4096
_OPEN_TO_ALL = frozenset({"hello", "ismaster", "isMaster", "saslStart", "saslContinue", "ping", "endSessions"})
Document = dict[str, Any]


class MongoDouble:
    """Serves in threads of this process; `collections` is what is stored, `commands` what was asked.

    With an account, nothing but a greeting works without a SCRAM login as it.
    """

    def __init__(self, *, user: str = "", password: str = "") -> None:
        self.user = user
        self.password = password
        self.collections: dict[str, dict[Any, Document]] = {}
        self.commands: list[str] = []
        self.logins = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.double = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """Port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    double: MongoDouble


class _Handler(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        session = _Session(self.server.double)
        try:
            while header := self._read(16):
                length, request_id, _, code = struct.unpack("<iiii", header)
                body = self._read(length - 16)
                self.request.sendall(_answer(session, request_id, code, body))
        except (OSError, EOFError):
            return

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk: bytes = self.request.recv(size - len(data))
            if not chunk:
                raise EOFError
            data += chunk
        return data


def _answer(session: "_Session", request_id: int, code: int, body: bytes) -> bytes:
    if code == _OP_QUERY:
        end = body.index(b"\0", 4)
        reply = session.run(bson.decode(body[end + 9 :]))
        content = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(reply)
        return struct.pack("<iiii", 16 + len(content), 0, request_id, _OP_REPLY) + content
    if code != _OP_MSG:
        raise EOFError
    reply = session.run(_command(body))
    content = struct.pack("<I", 0) + b"\0" + bson.encode(reply)
    return struct.pack("<iiii", 16 + len(content), 0, request_id, _OP_MSG) + content


def _command(body: bytes) -> Document:
    """The command of an OP_MSG: its body section, and its document sequences under their names."""
    command: Document = {}
    position = 4
    while position < len(body):
        kind = body[position]
        size = struct.unpack_from("<i", body, position + 1)[0]
        section = body[position + 1 : position + 1 + size]
        if kind == 0:
            command = {**bson.decode(section), **command}
        else:
            end = section.index(b"\0", 4)
            command[section[4:end].decode()] = bson.decode_all(section[end + 1 :])
        position += 1 + size
    return command


class _Session:
    """What one connection has said so far."""

    def __init__(self, double: MongoDouble) -> None:
        self._double = double
        self._is_known = not double.user
        self._scram: _Scram | None = None

    def run(self, command: Document) -> Document:
        name = next(name for name in command if name in _COMMANDS or not name.startswith("$"))
        self._double.commands.append(name)
        if name in {"saslStart", "saslContinue"}:
            return self._login(name, bytes(command["payload"]).decode())
        if not self._is_known and name not in _OPEN_TO_ALL:
            return _error(13, "Unauthorized", f"Command {name} requires authentication")
        work = _COMMANDS.get(name)
        if work is None:
            return _error(59, "CommandNotFound", f"no such command: '{name}'")
        documents = self._double.collections.setdefault(str(command[name]), {})
        return {**work(documents, command), "ok": 1.0}

    def _login(self, step: str, payload: str) -> Document:
        refusal = _error(18, "AuthenticationFailed", "Authentication failed.")
        if step == "saslStart":
            self._double.logins += 1
            self._scram = _Scram(self._double.user, self._double.password)
            return {"conversationId": 1, "done": False, "payload": self._scram.first(payload).encode(), "ok": 1.0}
        proof = self._scram.final(payload) if self._scram else None
        if proof is None:
            return refusal
        self._is_known = True
        return {"conversationId": 1, "done": True, "payload": proof.encode(), "ok": 1.0}


class _Scram:
    """The server's half of one SCRAM-SHA-256 exchange (RFC 7677)."""

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._salt = os.urandom(16)
        self._salted = hashlib.pbkdf2_hmac("sha256", password.encode(), self._salt, _ITERATIONS)
        self._messages: list[str] = []
        self._is_user_known = False

    def first(self, payload: str) -> str:
        bare = payload.removeprefix("n,,")
        parts = _parts(bare)
        self._is_user_known = parts["n"] == self._user
        nonce = parts["r"] + base64.b64encode(os.urandom(18)).decode()
        answer = f"r={nonce},s={base64.b64encode(self._salt).decode()},i={_ITERATIONS}"
        self._messages = [bare, answer]
        return answer

    def final(self, payload: str) -> str | None:
        """The server's proof, or None when the client's is wrong."""
        without_proof, _, proof = payload.rpartition(",p=")
        message = ",".join([*self._messages, without_proof]).encode()
        client_key = _hmac(self._salted, b"Client Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), message)
        expected = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        if not self._is_user_known or not hmac.compare_digest(expected, base64.b64decode(proof)):
            return None
        return "v=" + base64.b64encode(_hmac(_hmac(self._salted, b"Server Key"), message)).decode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, "sha256").digest()


def _parts(text: str) -> dict[str, str]:
    return {part[0]: part[2:] for part in text.split(",")}


def _error(code: int, name: str, message: str) -> Document:
    return {"ok": 0.0, "errmsg": message, "code": code, "codeName": name}


def _hello(documents: dict[Any, Document], command: Document) -> Document:
    answer = {
        "helloOk": True,
        "ismaster": True,
        "isWritablePrimary": True,
        "maxBsonObjectSize": 16 * 1024**2,
        "maxMessageSizeBytes": 48_000_000,
        "maxWriteBatchSize": 100_000,
        "minWireVersion": 0,
        "maxWireVersion": 21,
        "readOnly": False,
    }
    return answer | ({"saslSupportedMechs": ["SCRAM-SHA-256"]} if "saslSupportedMechs" in command else {})


def _insert(documents: dict[Any, Document], command: Document) -> Document:
    errors = []
    for index, document in enumerate(command["documents"]):
        if document["_id"] in documents:
            message = f"E11000 duplicate key error index: _id_ dup key: {{ _id: {document['_id']!r} }}"
            errors.append({"index": index, "code": 11000, "errmsg": message, "keyValue": {"_id": document["_id"]}})
            continue
        documents[document["_id"]] = document
    return {"n": len(command["documents"]) - len(errors)} | ({"writeErrors": errors} if errors else {})


def _update(documents: dict[Any, Document], command: Document) -> Document:
    matched, upserted = 0, []
    for index, update in enumerate(command["updates"]):
        found = [d for d in documents.values() if _matches(d, update["q"])][: None if update.get("multi") else 1]
        matched += len(found)
        for document in found:
            documents[document["_id"]] = _changed(document, update["u"])
        if not found and update.get("upsert"):
            new = _changed(dict(update["q"]), update["u"])
            new.setdefault("_id", bson.ObjectId())
            documents[new["_id"]] = new
            upserted.append({"index": index, "_id": new["_id"]})
    answer = {"n": matched + len(upserted), "nModified": matched}
    return answer | ({"upserted": upserted} if upserted else {})


def _changed(document: Document, change: Mapping[str, Any]) -> Document:
    if "$set" in change:
        return {**document, **change["$set"]}
    kept = {"_id": document["_id"]} if "_id" in document else {}
    return {**kept, **change}


def _delete(documents: dict[Any, Document], command: Document) -> Document:
    ids = [d["_id"] for q in command["deletes"] for d in documents.values() if _matches(d, q["q"])]
    for key in ids:
        documents.pop(key, None)
    return {"n": len(ids)}


def _find(documents: dict[Any, Document], command: Document) -> Document:
    found = [d for d in documents.values() if _matches(d, command.get("filter", {}))]
    limit = command.get("limit") or None
    return {"cursor": {"id": 0, "ns": f"{command['$db']}.{command['find']}", "firstBatch": found[:limit]}}


def _matches(document: Document, query: Mapping[str, Any]) -> bool:
    return all(name in document and document[name] == value for name, value in query.items())


_COMMANDS: dict[str, Callable[[dict[Any, Document], Document], Document]] = {
    "hello": _hello,
    "ismaster": _hello,
    "isMaster": _hello,
    "ping": lambda documents, command: {},
    "endSessions": lambda documents, command: {},
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "find": _find,
}
