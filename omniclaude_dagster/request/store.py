"""Accepted requests on disk, by id, and the claim that lets one process work on one of them.

The inbox and the command line put requests here; the Dagster ops read them by partition key.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from omniclaude_dagster.atomic_files import file_lock, storage_error, write_atomically
from omniclaude_dagster.errors import ConflictError, RequestError, StorageError, UnsafePathError
from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import REQUEST_ID_PATTERN, AcceptedRequest

_SOURCES = ("inbox", "cli", "launchpad", "library")
_HEX = re.compile(r"\A[0-9a-f]{64}\Z")


class RequestStore:
    """`state_dir/requests/<request_id>.json`: the newest accepted content of each request."""

    def __init__(self, state_dir: Path) -> None:
        self._requests = state_dir / "requests"
        self._locks = state_dir / "locks"

    def save(self, accepted: AcceptedRequest) -> None:
        """Keep a request, replacing an earlier content of the same id. Raises StorageError."""
        path = self._path(accepted.request_id)
        document = {
            "request_id": accepted.request_id,
            "content_hash": accepted.content_hash,
            "source": accepted.source,
            "accepted_at": datetime.now(UTC).isoformat(),
            "request": accepted.request.model_dump(mode="json", exclude_none=True),
        }
        try:
            write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1).encode())
        except OSError as exc:
            raise storage_error(f"the request {accepted.request_id} cannot be kept in {path.parent}", exc) from exc

    def load(self, request_id: str) -> AcceptedRequest | None:
        """The request with this id, or None. Raises StorageError when its file is damaged or unreadable."""
        path = self._path(request_id)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise storage_error(f"the request {request_id} cannot be read", exc) from exc
        try:
            document = json.loads(content)
            accepted = AcceptedRequest(request_id, request_from_mapping(document["request"]), document["source"])
            is_intact = (
                document["source"] in _SOURCES
                and document["request_id"] == request_id
                and _HEX.match(document["content_hash"]) is not None
                and document["content_hash"] == accepted.content_hash
            )
        except (ValueError, KeyError, TypeError, RecursionError, RequestError):
            is_intact = False
        if not is_intact:
            raise StorageError(f"the kept request {request_id} is damaged.", cure=f"submit it again, or delete {path}")
        return accepted

    @contextlib.contextmanager
    def claim(self, request_id: str) -> Iterator[None]:
        """Work on a request alone. Raises ConflictError while another live process or thread does.

        The kernel ends the claim when its process dies, so a killed run never blocks the next.
        """
        self._path(request_id)
        with contextlib.ExitStack() as stack:
            try:
                is_mine = stack.enter_context(file_lock(self._locks / f"{request_id}.lock"))
            except OSError as exc:
                raise storage_error(f"the request {request_id} cannot be claimed", exc) from exc
            if not is_mine:
                raise ConflictError(
                    f"the request {request_id} is being worked on by another process (409).",
                    cure="wait until it has finished",
                )
            yield

    def _path(self, request_id: str) -> Path:
        if not REQUEST_ID_PATTERN.match(request_id):
            raise UnsafePathError(
                f"{request_id[:80]!r} cannot be a request id.", cure="use up to 63 of the characters A-Z a-z 0-9 _ . -"
            )
        return self._requests / f"{request_id}.json"
