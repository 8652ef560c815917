"""What each field of a pattern may hold. Every refusal is a RequestError that names the field and what it accepts."""

import keyword
import math
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.gates.source import parse_python
from omniclaude_dagster.patterns.model import Pattern
from omniclaude_dagster.request.model import MAX_PROMPT_CHARS, REQUEST_ID_PATTERN
from omniclaude_dagster.request.text_rules import data_problem, text_problem

MAX_CODE_BYTES = 64 * 1024
_MAX_NAME_CHARS = 128
_MAX_LINE_CHARS = 500
_MAX_FILE_CHARS = 64 * 1024
_MAX_FIELDS = 100
_MAX_FILES = 20
_MAX_EXAMPLES = 100
_MAX_LISTED = 20
_DOMAIN = re.compile(r"\A(?:[a-z][a-z0-9_]{0,62})?\Z")
_MODEL_PATH = re.compile(r"\A(?:[A-Za-z0-9_]{1,128}/){0,4}[A-Za-z0-9_]{1,128}\.py\Z", re.ASCII)


def check_content(pattern: Pattern) -> None:
    """Check every field that a caller gives; the code last."""
    line("name", pattern.name, max_chars=_MAX_NAME_CHARS, is_needed=True)
    text("description", pattern.description, max_chars=MAX_PROMPT_CHARS, is_needed=True)
    if not _DOMAIN.match(pattern.domain):
        raise refusal("domain", f"is {pattern.domain[:80]!r}", "give a lower-case name of at most 63 characters")
    lines("systems", pattern.systems, max_chars=64)
    for field in ("function", "input_class", "output_class"):
        identifier(field, getattr(pattern, field))
    for field in ("inputs", "outputs"):
        types(field, getattr(pattern, field))
    text("contract", pattern.contract, max_chars=_MAX_FILE_CHARS)
    _check_models(pattern.models)
    data("request", pattern.request)
    if len(pattern.examples) > _MAX_EXAMPLES:
        raise refusal("examples", f"has {len(pattern.examples)} entries", f"give at most {_MAX_EXAMPLES}")
    data("examples", list(pattern.examples))
    _check_origin(pattern)
    lines("reuse_conditions", pattern.reuse_conditions, max_chars=_MAX_LINE_CHARS)
    _check_code(pattern)


def refusal(field: str, problem: str, cure: str) -> RequestError:
    """The error for a field."""
    return RequestError(f"the pattern's {field} {problem}.", cure=cure)


def one_of(field: str, value: object, accepted: Collection[str]) -> None:
    """A word of a list."""
    if value not in accepted:
        raise refusal(field, f"is {str(value)[:80]!r}", f"give one of {', '.join(sorted(accepted))}")


def text(field: str, value: object, *, max_chars: int, is_needed: bool = False) -> None:
    """Plain text: no control characters but tabs and line ends, nothing that hides from a reader."""
    if not isinstance(value, str):
        raise refusal(field, f"is a {type(value).__name__}", "give text")
    if len(value) > max_chars:
        raise refusal(field, f"has {len(value):,} characters", f"give at most {max_chars:,}")
    if is_needed and not value.strip():
        raise refusal(field, "is empty", "say something")
    problem = text_problem(value)
    if problem:
        raise refusal(field, problem, "remove that character")


def line(field: str, value: object, *, max_chars: int, is_needed: bool = False) -> None:
    """Plain text of one line."""
    text(field, value, max_chars=max_chars, is_needed=is_needed)
    if not isinstance(value, str) or len(value.splitlines()) > 1 or "\t" in value:
        raise refusal(field, "holds a tab or a line end", "write it on one line")


def lines(field: str, values: Sequence[object], *, max_chars: int) -> None:
    """A short list of lines."""
    if len(values) > _MAX_LISTED:
        raise refusal(field, f"has {len(values)} entries", f"give at most {_MAX_LISTED}")
    for value in values:
        line(field, value, max_chars=max_chars, is_needed=True)


def identifier(field: str, value: object) -> None:
    """A name in Python, in plain ASCII."""
    line(field, value, max_chars=_MAX_NAME_CHARS, is_needed=True)
    name = str(value)
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise refusal(field, f"is {name[:80]!r}", "give a name as Python has it, in ASCII")


def types(field: str, values: Mapping[Any, Any]) -> None:
    """Names of fields with their types."""
    if len(values) > _MAX_FIELDS:
        raise refusal(field, f"has {len(values)} entries", f"give at most {_MAX_FIELDS}")
    for name, type_ in values.items():
        line(field, name, max_chars=_MAX_NAME_CHARS, is_needed=True)
        line(f"{field}.{name}", type_, max_chars=_MAX_LINE_CHARS, is_needed=True)


def data(field: str, value: object) -> None:
    """JSON of bounded depth, with finite numbers and plain text."""
    problem = data_problem(value)
    if problem:
        raise refusal(field, f"is no plain JSON: {problem}", "correct that value")


def _check_models(models: Mapping[Any, Any]) -> None:
    if len(models) > _MAX_FILES:
        raise refusal("models", f"has {len(models)} files", f"give at most {_MAX_FILES}")
    for path, content in models.items():
        if not isinstance(path, str) or not _MODEL_PATH.match(path):
            raise refusal("models", f"names the file {str(path)[:80]!r}", "give paths such as models/model_user.py")
        text(f"models[{path}]", content, max_chars=_MAX_FILE_CHARS)


def _check_origin(pattern: Pattern) -> None:
    """Where it came from and how good it was."""
    score = pattern.quality_score
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score) or not 0 <= score <= 1:
        raise refusal("quality_score", f"is {score!r}", "give a number from 0 to 1")
    lines("models_used", pattern.models_used, max_chars=_MAX_NAME_CHARS)
    line("core_version", pattern.core_version, max_chars=64)
    if not isinstance(pattern.request_id, str) or not REQUEST_ID_PATTERN.match(pattern.request_id):
        raise refusal(
            "request_id", f"is {str(pattern.request_id)[:80]!r}", "give at most 63 letters, digits, '_', '.' or '-'"
        )
    if not isinstance(pattern.correlation_id, uuid.UUID):
        raise refusal("correlation_id", f"is a {type(pattern.correlation_id).__name__}", "give a UUID")
    if not isinstance(pattern.created_at, datetime) or pattern.created_at.tzinfo is None:
        raise refusal("created_at", "has no time zone", "give a time with its zone")


def _check_code(pattern: Pattern) -> None:
    text("code", pattern.code, max_chars=MAX_CODE_BYTES, is_needed=True)
    content = pattern.code.encode()
    if len(content) > MAX_CODE_BYTES:
        raise refusal("code", f"has {len(content):,} bytes", f"give at most {MAX_CODE_BYTES:,}")
    source, findings = parse_python("code", content)
    if source is None:
        raise refusal("code", f"cannot be read: {findings[0]}", "give Python that can be parsed")
