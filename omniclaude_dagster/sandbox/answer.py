"""Turns what came out of a child into a `SandboxOutcome`. Every byte read here was written by untrusted code."""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from omniclaude_dagster.sandbox.model import SandboxLimits, SandboxOutcome, SandboxStatus

MAX_RESULT_BYTES = 8 * 1024**2
_SIGKILL, _SIGXCPU = 9, 24
_EXIT_NOT_CONFINED = 71
_LONE_SURROGATE = re.compile(rb"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")
_MAX_MESSAGE_CHARACTERS = 2000

KilledFor = Literal["timeout", "output_limit", "result_limit", "forged", "files"]


@dataclass(frozen=True)
class Ending:
    """How the child ended, as its fork server saw it."""

    exit_code: int
    max_rss_bytes: int
    cpu_s: float


@dataclass
class Record:
    """What the supervisor collected about one job. `ending` is None when the worker itself ended."""

    nonce: bytes
    limits: SandboxLimits
    result: bytearray = field(default_factory=bytearray)
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    killed_for: KilledFor | None = None
    ending: Ending | None = None
    duration_ms: float = 0.0

    @property
    def is_forged(self) -> bool:
        """Whether the result so far does not begin as only the harness could begin it."""
        return bytes(self.result[: len(self.nonce)]) != self.nonce[: len(self.result)]

    def outcome(self) -> SandboxOutcome:
        """Judge the job."""
        status, message, result = self._verdict()
        return SandboxOutcome(
            status=status,
            message=message[:_MAX_MESSAGE_CHARACTERS],
            result=result,
            stdout=self.stdout.decode("utf-8", "replace"),
            stderr=self.stderr.decode("utf-8", "replace"),
            duration_ms=self.duration_ms,
        )

    def _verdict(self) -> tuple[SandboxStatus, str, Any]:
        if self.killed_for is not None:
            return self._verdict_when_killed(self.killed_for)
        if self.is_forged:
            return "forged", "the result channel carried something the harness did not write", None
        if self.ending is None:
            return "crashed", "the sandbox worker ended while it ran the code", None
        if len(self.result) > len(self.nonce) and self.ending.exit_code in {0, 1}:
            return self._read_frame(bytes(self.result[len(self.nonce) :]))
        return self._verdict_without_result(self.ending)

    def _verdict_when_killed(self, killed_for: KilledFor) -> tuple[SandboxStatus, str, Any]:
        limits = self.limits
        match killed_for:
            case "timeout":
                return "timeout", f"the code did not end within {limits.wall_s:g} s", None
            case "output_limit":
                return "output_limit", f"the code printed more than {limits.output_bytes} bytes", None
            case "result_limit":
                return "output_limit", f"the code's result is larger than {MAX_RESULT_BYTES} bytes", None
            case "files":
                return "output_limit", "the code made too many files", None
            case "forged":
                return "forged", "the result channel carried something the harness did not write", None

    def _verdict_without_result(self, ending: Ending) -> tuple[SandboxStatus, str, Any]:
        signal = -ending.exit_code
        if signal in {_SIGXCPU, _SIGKILL} and ending.cpu_s >= self.limits.cpu_s - 0.5:
            return "timeout", f"the code used more than {self.limits.cpu_s} s of processor time", None
        if signal == _SIGKILL or (signal > 0 and ending.max_rss_bytes >= 0.9 * self.limits.memory_bytes):
            return "memory_limit", f"the code needs more than {self.limits.memory_bytes} bytes of memory", None
        if ending.exit_code == _EXIT_NOT_CONFINED:
            return "crashed", "the job could not be prepared, nothing was executed", None
        how = f"was ended by signal {signal}" if signal > 0 else f"ended with exit status {ending.exit_code}"
        return "crashed", f"the process {how} without a result", None

    def _read_frame(self, frame: bytes) -> tuple[SandboxStatus, str, Any]:
        kind, body = frame[:1], frame[1:]
        if kind == b"R":
            return "ok", "", body
        size = int.from_bytes(body[:8], "big")
        if kind != b"J" or len(body) < 8 or len(body) - 8 > size:
            return "forged", "the result channel carried something the harness did not write", None
        if len(body) - 8 < size:
            return "crashed", "the process ended in the middle of its result", None
        try:
            message = strict_json(body[8:])
        except ValueError as exc:
            return "crashed", f"the result is not valid JSON: {exc}", None
        return self._read_message(message)

    def _read_message(self, message: Any) -> tuple[SandboxStatus, str, Any]:
        match message:
            case {"status": "ok", "result": result}:
                return "ok", "", result
            case {"status": "error", "message": str(text)}:
                return "error", text, None
            case {"status": "memory_limit"}:
                return "memory_limit", f"the code needs more than {self.limits.memory_bytes} bytes of memory", None
        return "forged", "the result has an unknown form", None


def strict_json(data: bytes) -> Any:
    """Parse JSON without NaN, infinities, duplicate keys or lone surrogates. Raises ValueError."""
    if _LONE_SURROGATE.search(data):
        raise ValueError("an escaped surrogate")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice")
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is out of range")
    return value
