"""The folder in which request files are dropped: what is accepted, waits, is a duplicate, or is rejected.

Order of every acceptance: the content is kept (`requests/`), it is noted as pending (`pending/`), the file moves
to `processed/`. A crash between any two steps loses nothing and doubles nothing: the next scan offers the same
request id and content hash again, hence the same Dagster run key. A pending request is offered until its run is
known. Starts no run and knows no Dagster: whether one runs is asked through `state_of`.
"""

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from omniclaude_dagster.atomic_files import file_lock, remove_abandoned, storage_error, write_atomically
from omniclaude_dagster.errors import ConflictError, RequestError, StorageError
from omniclaude_dagster.request.intake import read_request_file, request_id_for_file
from omniclaude_dagster.request.model import REQUEST_ID_PATTERN, AcceptedRequest
from omniclaude_dagster.request.store import RequestStore

RequestState = Literal["unknown", "running", "finished"]
StateOf = Callable[[str, str], RequestState]
"""State of the run for (request_id, content_hash); "running" includes queued."""

_IGNORED_SUFFIXES = (".tmp", ".part", ".crdownload", ".swp", "~", ".reason.txt")
_MAX_LISTED = 10_000
_LOOKED_AT_PER_ACCEPTED = 4


@dataclass(frozen=True)
class FiledAway:
    """A file that became no run, where it went, and why."""

    name: str
    moved_to: Path
    reason: str


@dataclass(frozen=True)
class InboxScan:
    """What one look at the inbox gave. `skip_reason` says why it is incomplete, with a cure, or is None."""

    accepted: tuple[AcceptedRequest, ...] = ()
    rejected: tuple[FiledAway, ...] = ()
    duplicates: tuple[FiledAway, ...] = ()
    waiting: tuple[str, ...] = ()
    skip_reason: str | None = None


@dataclass
class _Tally:
    """What the scan under way has found so far."""

    accepted: dict[str, AcceptedRequest] = field(default_factory=dict)
    rejected: list[FiledAway] = field(default_factory=list)
    duplicates: list[FiledAway] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @property
    def done_count(self) -> int:
        return len(self.accepted) + len(self.rejected) + len(self.duplicates)

    def result(self, *, skip_reason: str | None = None) -> InboxScan:
        return InboxScan(
            tuple(self.accepted.values()),
            tuple(self.rejected),
            tuple(self.duplicates),
            tuple(self.waiting),
            skip_reason,
        )


class Inbox:
    """Scans `folder`; keeps state in `state_dir`. Two processes may scan: the second skips its turn.

    A file counts as complete when it has not changed for `stable_after_s`; one that cannot be understood waits
    until it is `give_up_after_s` old, because it may still be growing.
    """

    def __init__(
        self, folder: Path, state_dir: Path, *, stable_after_s: float = 1.0, give_up_after_s: float = 10.0
    ) -> None:
        self._folder = folder
        self._pending = state_dir / "pending"
        self._lock = state_dir / "locks" / ".inbox.lock"
        self._store = RequestStore(state_dir)
        self._stable_after_s = stable_after_s
        self._give_up_after_s = give_up_after_s
        # Sizes and times of files whose own times say nothing, with the moment of our first look.
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}
        self._swept_at_start: tuple[Path, ...] = (
            self._pending,
            state_dir / "requests",
            folder / "processed",
            folder / "rejected",
        )

    def scan(self, limit: int = 50, *, state_of: StateOf) -> InboxScan:
        """Look once, and deal with up to `limit` requests. Never raises for a bad file, folder or disk."""
        tally = _Tally()
        try:
            with file_lock(self._lock) as is_mine:
                if not is_mine:
                    return InboxScan(skip_reason="another process is looking at the inbox right now")
                self._sweep_once()
                self._offer_pending(tally, limit, state_of)
                self._scan_folder(tally, limit, state_of)
        except StorageError as exc:
            return tally.result(skip_reason=str(exc))
        except OSError as exc:
            return tally.result(skip_reason=str(storage_error(f"the inbox {self._folder} cannot be used", exc)))
        return tally.result()

    def _sweep_once(self) -> None:
        for folder in self._swept_at_start:
            remove_abandoned(folder)
        self._swept_at_start = ()

    def _offer_pending(self, tally: _Tally, limit: int, state_of: StateOf) -> None:
        """Requests whose file is in `processed/` but whose run nobody has seen yet."""
        for marker in islice(self._markers(), limit):
            request_id = marker.stem
            note = _read_note(marker)
            accepted = self._load_or_none(request_id)
            is_current = accepted is not None and accepted.content_hash == note.get("content_hash")
            if accepted is None or not is_current or state_of(request_id, accepted.content_hash) != "unknown":
                marker.unlink(missing_ok=True)
                continue
            tally.accepted[request_id] = accepted

    def _markers(self) -> Iterator[Path]:
        if not self._pending.is_dir():
            return
        for path in sorted(self._pending.iterdir()):
            if path.suffix == ".json" and REQUEST_ID_PATTERN.match(path.stem):
                yield path

    def _scan_folder(self, tally: _Tally, limit: int, state_of: StateOf) -> None:
        names = self._candidate_names()
        self._seen = {name: look for name, look in self._seen.items() if name in names}
        for name in islice(sorted(names), _LOOKED_AT_PER_ACCEPTED * limit):
            if tally.done_count >= limit:
                return
            try:
                self._handle(name, tally, state_of)
            except FileNotFoundError:
                continue

    def _candidate_names(self) -> set[str]:
        """Names that may be requests, at most 10,000. The kernel gives the type with the name: no stat."""
        try:
            listing = os.scandir(self._folder)
        except FileNotFoundError:
            raise StorageError(
                f"the inbox {self._folder} does not exist.", cure=f"create it: mkdir -p {self._folder}"
            ) from None
        with listing as entries:
            wanted = (
                entry.name
                for entry in entries
                if not entry.name.startswith(".")
                and not entry.name.endswith(_IGNORED_SUFFIXES)
                and not entry.is_dir(follow_symlinks=False)
            )
            return set(islice(wanted, _MAX_LISTED))

    def _handle(self, name: str, tally: _Tally, state_of: StateOf) -> None:
        path = self._folder / name
        before = path.lstat()
        if not self._is_stable(name, before):
            tally.waiting.append(name)
            return
        try:
            request = read_request_file(path)
        except RequestError as exc:
            if self._is_young(before):
                tally.waiting.append(name)
                return
            self._reject(path, exc, tally)
            return
        if _fingerprint(path.lstat()) != _fingerprint(before):
            tally.waiting.append(name)
            return
        accepted = AcceptedRequest(request_id_for_file(path), request, "inbox")
        try:
            self._decide(path, accepted, tally, state_of)
        except ConflictError as exc:
            self._reject(path, exc, tally)

    def _decide(self, path: Path, accepted: AcceptedRequest, tally: _Tally, state_of: StateOf) -> None:
        """Accept, or file away as a duplicate, or raise ConflictError."""
        request_id = accepted.request_id
        known = tally.accepted.get(request_id) or self._load_or_none(request_id)
        note = _read_note(self._marker(request_id))
        is_pending = bool(note) or request_id in tally.accepted
        if known is None:
            self._accept(path, accepted, tally)
            return
        state = state_of(request_id, known.content_hash)
        if known.content_hash == accepted.content_hash:
            if is_pending and note.get("file") == path.name:
                self._file_away(path, "processed")  # kept before a crash, not moved
            elif is_pending or state != "unknown":
                reason = f"duplicate of {request_id}: the same content was accepted before and is not run twice."
                tally.duplicates.append(self._file_away(path, "processed", reason=reason))
            else:
                self._accept(path, accepted, tally)
        elif is_pending or state == "running":
            raise ConflictError(
                f"the request {request_id} is under way with other content (409).",
                cure="wait until it has finished, or give the file another name",
            )
        else:
            self._accept(path, accepted, tally)

    def _accept(self, path: Path, accepted: AcceptedRequest, tally: _Tally) -> None:
        self._store.save(accepted)
        note = {"content_hash": accepted.content_hash, "file": path.name}
        write_atomically(self._marker(accepted.request_id), json.dumps(note).encode("utf-8", "surrogateescape"))
        tally.accepted[accepted.request_id] = accepted
        self._file_away(path, "processed")

    def _reject(self, path: Path, error: RequestError, tally: _Tally) -> None:
        tally.rejected.append(self._file_away(path, "rejected", reason=str(error)))

    def _file_away(self, path: Path, folder_name: str, *, reason: str = "") -> FiledAway:
        """Move a file, beside it the reason. Never replaces an earlier file: a number is added to the name."""
        folder = self._folder / folder_name
        folder.mkdir(exist_ok=True)
        target = _free_name(folder, path.name)
        if reason:
            # Before the move: a crash in between repeats both, and never leaves a file without its reason.
            write_atomically(_reason_path(target), f"{reason}\n".encode("utf-8", "replace"))
        path.rename(target)
        return FiledAway(path.name, target, reason)

    def _is_stable(self, name: str, info: os.stat_result) -> bool:
        if abs(time.time() - info.st_mtime) >= self._stable_after_s:
            return True
        fingerprint = (info.st_size, info.st_mtime_ns)
        first = self._seen.get(name)
        if first is None or first[0] != fingerprint:
            self._seen[name] = (fingerprint, time.monotonic())
            return False
        return time.monotonic() - first[1] >= self._stable_after_s

    def _is_young(self, info: os.stat_result) -> bool:
        is_plain = stat.S_ISREG(info.st_mode)
        return is_plain and abs(time.time() - info.st_mtime) < self._give_up_after_s

    def _load_or_none(self, request_id: str) -> AcceptedRequest | None:
        """A damaged file counts as none: the request that is here replaces it."""
        try:
            return self._store.load(request_id)
        except StorageError:
            return None

    def _marker(self, request_id: str) -> Path:
        return self._pending / f"{request_id}.json"


def _fingerprint(info: os.stat_result) -> tuple[int, int, int]:
    return (info.st_ino, info.st_size, info.st_mtime_ns)


def _read_note(marker: Path) -> dict[str, str]:
    try:
        note = json.loads(marker.read_bytes())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _reason_path(target: Path) -> Path:
    """`name.reason.txt`, shortened where the file system would refuse the length."""
    return target.with_name(f"{_cut(target.name, 230)}.reason.txt")


def _free_name(folder: Path, name: str) -> Path:
    target = folder / name
    number = 1
    while os.path.lexists(target):
        target = folder / f"{_cut(Path(name).stem, 200)}.{number}{_cut(Path(name).suffix, 20)}"
        number += 1
    return target


def _cut(name: str, max_bytes: int) -> str:
    """At most `max_bytes` bytes of a name, whole characters."""
    encoded = os.fsencode(name)[:max_bytes]
    return os.fsdecode(encoded).encode("utf-8", "ignore").decode() if len(os.fsencode(name)) > max_bytes else name
