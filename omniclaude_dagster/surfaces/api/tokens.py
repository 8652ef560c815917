"""Who may use the HTTP service: bearer tokens in one file of the home folder. Only their SHA-256 is kept.

A token is 256 random bits, so its hash needs no salt and no slow function: nobody can try them all. The file is
refused when anybody but its owner could read or change it. Knows no HTTP.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from omniclaude_dagster.atomic_files import file_lock, storage_error, write_atomically
from omniclaude_dagster.errors import ConfigurationError, ConflictError, RequestError, StorageError

Scope = Literal["read", "write"]
SCOPES: tuple[Scope, ...] = ("read", "write")
TOKENS_FILE = "service_tokens.json"
TOKEN_PATTERN = re.compile(r"\Aomc_[A-Za-z0-9_-]{43}\Z")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
_RANDOM_BYTES = 32
_MAX_TOKENS = 100
_MAX_FILE_BYTES = 256 * 1024
_LOCK_WAIT_S = 5.0
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

# Inode, size and times of the file: another content has another stamp.
type _Stamp = tuple[int, int, int, int]


class TokenEntry(BaseModel):
    """What is known of a token; never the token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=_NAME)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(SCOPES))]
    created_at: AwareDatetime
    last4: Annotated[str, StringConstraints(min_length=4, max_length=4)]


class _TokensFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: Annotated[tuple[TokenEntry, ...], Field(max_length=_MAX_TOKENS)] = ()


@dataclass(frozen=True)
class NewToken:
    """A token that was just made. `token` is shown once and kept nowhere."""

    entry: TokenEntry
    token: str


class TokenFile:
    """The tokens of one home folder. Safe for threads and processes."""

    def __init__(self, home_path: Path) -> None:
        self.path = home_path / TOKENS_FILE
        self._lock_path = home_path / "locks" / f"{TOKENS_FILE}.lock"
        self._guard = threading.Lock()
        self._known: tuple[_Stamp | None, tuple[TokenEntry, ...]] | None = None

    def entries(self) -> tuple[TokenEntry, ...]:
        """The tokens as they are now; none when there is no file.

        Raises ConfigurationError when the file is damaged or open to others, StorageError when it cannot be read.
        """
        stamp = self._stamp()
        known = self._known
        if known is not None and known[0] == stamp:
            return known[1]
        with self._guard:
            stamp, entries = self._read()
            self._known = (stamp, entries)
        return entries

    def find(self, token: str) -> TokenEntry | None:
        """The entry of a token, or None. Takes as long whether there is one or not. Raises as `entries` does."""
        given = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        found = None
        for entry in self.entries():
            if hmac.compare_digest(entry.sha256, given):
                found = entry
        return found

    def add(self, name: str, *, scopes: Iterable[Scope]) -> NewToken:
        """Make a token. Raises RequestError for a wrong name or no scope, ConflictError for a name that is taken."""
        token = f"omc_{secrets.token_urlsafe(_RANDOM_BYTES)}"
        wanted = tuple(scope for scope in SCOPES if scope in set(scopes))
        if not re.match(_NAME, name) or name.endswith("\n"):
            raise RequestError(f"{name[:80]!r} cannot be a token's name.", cure="use up to 63 of A-Z a-z 0-9 _ . -")
        if not wanted:
            raise RequestError(
                "a token without a scope can do nothing.", cure="give --scope read, --scope write, or both"
            )
        entry = TokenEntry(
            name=name,
            sha256=hashlib.sha256(token.encode()).hexdigest(),
            scopes=wanted,
            created_at=datetime.now(UTC).replace(microsecond=0),
            last4=token[-4:],
        )
        self._change(lambda entries: _with(entries, entry))
        return NewToken(entry, token)

    def revoke(self, name: str) -> TokenEntry:
        """Remove a token; a running service refuses it from its next request on. Raises RequestError if unknown."""
        removed: list[TokenEntry] = []

        def without(entries: tuple[TokenEntry, ...]) -> tuple[TokenEntry, ...]:
            removed.extend(entry for entry in entries if entry.name == name)
            if not removed:
                known = ", ".join(entry.name for entry in entries) or "none"
                raise RequestError(f"there is no token {name[:80]!r}.", cure=f"there are: {known}")
            return tuple(entry for entry in entries if entry.name != name)

        self._change(without)
        return removed[0]

    def _change(self, change: Callable[[tuple[TokenEntry, ...]], tuple[TokenEntry, ...]]) -> None:
        with self._locked():
            _, entries = self._read()
            content = _TokensFile(tokens=change(entries)).model_dump_json(indent=1)
            try:
                write_atomically(self.path, content.encode(), mode=0o600)
            except OSError as exc:
                raise storage_error(f"the tokens cannot be kept in {self.path}", exc) from exc

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with file_lock(self._lock_path, wait_s=_LOCK_WAIT_S) as is_mine:
                if not is_mine:
                    raise ConflictError("another process is changing the tokens.", cure="try again in a moment")
                yield
        except OSError as exc:
            raise storage_error(f"the tokens in {self.path} cannot be locked", exc) from exc

    def _stamp(self) -> _Stamp | None:
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise storage_error(f"the tokens in {self.path} cannot be read", exc) from exc
        return _stamp_of(found)

    def _read(self) -> tuple[_Stamp | None, tuple[TokenEntry, ...]]:
        """Stamp and content of one and the same file."""
        try:
            # Without waiting: a pipe in the place of the file would block.
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None, ()
        except OSError as exc:
            raise storage_error(f"the tokens in {self.path} cannot be read", exc) from exc
        try:
            found = os.fstat(handle)
            self._check(found)
            content = os.read(handle, _MAX_FILE_BYTES)
        finally:
            os.close(handle)
        try:
            entries = _TokensFile.model_validate_json(content).tokens
        except ValidationError:
            # The error itself would quote the file.
            raise ConfigurationError(
                f"the tokens in {self.path} are damaged.", cure="delete the file and make new tokens"
            ) from None
        return _stamp_of(found), entries

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise ConfigurationError(f"{self.path} is not a file.", cure="remove it and make new tokens")
        if found.st_mode & _OTHERS:
            raise ConfigurationError(
                f"{self.path} can be read or changed by others (mode {stat.S_IMODE(found.st_mode):o}).",
                cure=f"chmod 600 {self.path}",
            )
        if found.st_uid not in {os.geteuid(), 0}:
            raise ConfigurationError(
                f"{self.path} belongs to another user.", cure=f"chown it, or remove it: {self.path}"
            )


def _with(entries: tuple[TokenEntry, ...], entry: TokenEntry) -> tuple[TokenEntry, ...]:
    if any(known.name == entry.name for known in entries):
        raise ConflictError(f"there is a token {entry.name!r} already.", cure="revoke it first, or choose another name")
    if len(entries) >= _MAX_TOKENS:
        raise RequestError(f"there are {_MAX_TOKENS} tokens already.", cure="revoke some that nobody uses")
    return (*entries, entry)


def _stamp_of(found: os.stat_result) -> _Stamp:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def require_tokens(tokens: TokenFile) -> None:
    """Refuse to serve nobody. Raises ConfigurationError with the cure, and as `TokenFile.entries` does."""
    try:
        entries = tokens.entries()
    except StorageError as exc:
        raise ConfigurationError(exc.message, cure=exc.cure) from exc
    if not entries:
        raise ConfigurationError(
            "the service has no token, so nobody could use it.",
            cure="omniclaude serve token add NAME --scope read --scope write",
        )
