"""What outlives a run: results by request, open launches, and which requests a run was started for. Plain files.

Starts nothing and knows no Dagster. All files are written atomically below the home folder:
`results/<request_id>.json`, `launches/<request_id>.json` (open ones only), `launched/<request_id>.json` (the last
one that came to its end), `batches/<batch_id>.json`.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from omniclaude_dagster.atomic_files import remove_abandoned, storage_error, write_atomically
from omniclaude_dagster.errors import UnsafePathError
from omniclaude_dagster.request.model import REQUEST_ID_PATTERN, AcceptedRequest
from omniclaude_dagster.stages.model import GenerationResult

MAX_ATTEMPTS = 2
_CORRELATION_SPACE = uuid.UUID("8f0a4a0e-6a0e-5b6e-9d55-0d3a4f7b2c11")
_BATCH_ID_CHARS = 16


@dataclass(frozen=True)
class Launch:
    """A request that is to be generated and has no result yet.

    `attempt` counts from 1 for each content; `serial` counts all launches of the request, so that run keys are new.
    `batch_id` is None while no run was asked for.
    """

    request_id: str
    content_hash: str
    attempt: int = 1
    serial: int = 1
    batch_id: str | None = None

    @property
    def run_key(self) -> str:
        """`request_id:content_hash`; a resumed or returning content adds its serial, as run keys are used up."""
        key = f"{self.request_id}:{self.content_hash}"
        return key if self.serial == 1 else f"{key}:{self.serial}"


@dataclass(frozen=True)
class Batch:
    """The requests that one run was started for. Its id follows from them: the same launches, the same run."""

    launches: tuple[Launch, ...]

    @property
    def batch_id(self) -> str:
        """Hash of all run keys."""
        keys = "\n".join(sorted(launch.run_key for launch in self.launches))
        return hashlib.sha256(keys.encode()).hexdigest()[:_BATCH_ID_CHARS]

    @property
    def run_key(self) -> str:
        """What Dagster launches once."""
        return self.launches[0].run_key if len(self.launches) == 1 else f"batch:{self.batch_id}"


class Ledger:
    """The files. Safe for several processes: each file is replaced as a whole, the last writer wins."""

    def __init__(self, home: Path) -> None:
        self._results = home / "results"
        self._launches = home / "launches"
        self._launched = home / "launched"
        self._batches = home / "batches"

    def result(self, request_id: str, content_hash: str) -> GenerationResult | None:
        """The result of exactly this content, or None. A damaged file counts as none."""
        document = _read(self._file(self._results, request_id))
        if document.get("content_hash") != content_hash:
            return None
        try:
            return GenerationResult.model_validate(document.get("result"))
        except ValidationError:
            return None

    def newest_result(self, request_id: str) -> GenerationResult | None:
        """The result of whichever content the request had last, or None."""
        content_hash = _read(self._file(self._results, request_id)).get("content_hash")
        return self.result(request_id, str(content_hash)) if content_hash else None

    def keep_result(self, result: GenerationResult, *, content_hash: str) -> None:
        """Keep a final result and close the launch. Raises StorageError."""
        document = {"content_hash": content_hash, "result": result.model_dump(mode="json")}
        _write(self._file(self._results, result.request_id), document)
        launch = self.launch(result.request_id)
        if launch is not None and launch.content_hash == content_hash:
            self.close(launch)

    def plan(self, accepted: AcceptedRequest) -> Launch:
        """Note that a request is to be generated; asking again before its run exists changes nothing."""
        known = self._last(accepted.request_id)
        if known is None:
            launch = Launch(accepted.request_id, accepted.content_hash)
        elif known.content_hash == accepted.content_hash and self.launch(accepted.request_id) == known:
            return known
        else:
            launch = Launch(accepted.request_id, accepted.content_hash, serial=known.serial + 1)
        self._save(launch)
        return launch

    def plan_again(self, launch: Launch) -> Launch:
        """The next attempt of an interrupted launch."""
        again = replace(launch, attempt=launch.attempt + 1, serial=launch.serial + 1, batch_id=None)
        self._save(again)
        return again

    def start_batch(self, launches: Iterable[Launch]) -> Batch:
        """Note which run the launches belong to, before that run is asked for."""
        batch = Batch(tuple(launches))
        self._save_batch(batch.batch_id, {launch.request_id: launch.content_hash for launch in batch.launches})
        for launch in batch.launches:
            self._save(replace(launch, batch_id=batch.batch_id))
        return batch

    def note_batch(self, batch_id: str, requests: Iterable[AcceptedRequest]) -> None:
        """Note the requests of a run that is started right here and is never resumed."""
        self._save_batch(batch_id, {accepted.request_id: accepted.content_hash for accepted in requests})

    def batch(self, batch_id: str) -> Mapping[str, str] | None:
        """Request ids and content hashes of a batch, or None."""
        document = _read(self._file(self._batches, batch_id))
        requests = document.get("requests")
        return requests if isinstance(requests, dict) else None

    def launch(self, request_id: str) -> Launch | None:
        """The open launch of a request, or None."""
        return _launch(_read(self._file(self._launches, request_id)))

    def open_launches(self) -> Iterator[Launch]:
        """All launches without a result, by request id."""
        for path in sorted(self._launches.glob("*.json")):
            if REQUEST_ID_PATTERN.match(path.stem):
                launch = self.launch(path.stem)
                if launch is not None:
                    yield launch

    def close(self, launch: Launch) -> None:
        """The launch needs no further run. Its serial is kept. Raises StorageError."""
        _write(self._file(self._launched, launch.request_id), vars(launch))
        self._file(self._launches, launch.request_id).unlink(missing_ok=True)

    def remove_abandoned(self) -> None:
        """Remove temporary files of killed writers."""
        for folder in (self._results, self._launches, self._launched, self._batches):
            remove_abandoned(folder)

    def _last(self, request_id: str) -> Launch | None:
        return self.launch(request_id) or _launch(_read(self._file(self._launched, request_id)))

    def _save(self, launch: Launch) -> None:
        _write(self._file(self._launches, launch.request_id), vars(launch))

    def _save_batch(self, batch_id: str, requests: Mapping[str, str]) -> None:
        _write(self._file(self._batches, batch_id), {"requests": requests, "planned_at": datetime.now(UTC).isoformat()})

    @staticmethod
    def _file(folder: Path, name: str) -> Path:
        if not REQUEST_ID_PATTERN.match(name):
            raise UnsafePathError(f"{name[:80]!r} cannot be a file name here.", cure="use a request id")
        return folder / f"{name}.json"


def correlation_of(run_id: str, request_id: str) -> uuid.UUID:
    """The correlation id of a request's generation in a run: who finds it in the records knows it was finished."""
    return uuid.uuid5(_CORRELATION_SPACE, f"{run_id}/{request_id}")


def _launch(document: Mapping[str, Any]) -> Launch | None:
    try:
        return Launch(
            request_id=str(document["request_id"]),
            content_hash=str(document["content_hash"]),
            attempt=int(document["attempt"]),
            serial=int(document["serial"]),
            batch_id=document["batch_id"],
        )
    except (KeyError, TypeError, ValueError):
        return None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    try:
        write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass"))
    except OSError as exc:
        raise storage_error(f"{path.name} cannot be kept in {path.parent}", exc) from exc
