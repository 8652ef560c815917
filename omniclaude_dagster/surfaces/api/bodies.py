"""Reads the body of a request: bounded in size and time, and strictly JSON. Knows no schema.

What two readers could understand differently is refused: duplicate keys, NaN, numbers beyond all bounds, bytes that
are not UTF-8. So is text that hides what a person would read (`request/text_rules.py`).
"""

import asyncio
import math
from typing import Any

from starlette.requests import ClientDisconnect, Request

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.parsing import parse_json
from omniclaude_dagster.request.text_rules import text_problem
from omniclaude_dagster.surfaces.api.config import KIB, ServiceConfig
from omniclaude_dagster.surfaces.api.problems import ProblemError, of_body, pointer_to

# Values nest at most so deep: a body of ours needs 8, the rest is a request or an example in it.
MAX_DEPTH = 32
MAX_VALUES = 50_000
_MAX_INTEGER_BITS = 333  # 100 decimal digits
# What takes longer to parse than a thread hop costs.
_PARSED_ASIDE = 32 * KIB

type _Path = tuple[str | int, ...]


def check_head(request: Request, *, config: ServiceConfig) -> None:
    """Refuse what can be refused before the body is read. Raises ProblemError 413 and 415."""
    headers = request.headers
    kind, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != "application/json" or charset not in {"", "utf-8"}:
        raise ProblemError("not-json", "the body must be application/json in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError("not-json", "the body must not be compressed.")
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > config.max_body_bytes:
        raise _too_large(config)


async def read_body(request: Request, *, config: ServiceConfig) -> bytes:
    """The whole body. Raises ProblemError 408 and 413, and ClientDisconnect when nobody is there any more."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(config.body_deadline_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > config.max_body_bytes:
                    raise _too_large(config)
                chunks.append(chunk)
    except TimeoutError:
        raise ProblemError("too-slow", f"the body was not complete after {config.body_deadline_s:g} seconds.") from None
    return b"".join(chunks)


async def read_json(request: Request, *, config: ServiceConfig) -> Any:
    """The data of the body. Raises ProblemError 408, 413, 415 and 422, and ClientDisconnect."""
    check_head(request, config=config)
    body = await read_body(request, config=config)
    if len(body) > _PARSED_ASIDE:
        return await asyncio.to_thread(parsed, body)
    return parsed(body)


def parsed(body: bytes) -> Any:
    """Strictly read JSON. Raises ProblemError 422 with a pointer where there is one."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise of_body(f"byte {exc.start} is not UTF-8") from None
    try:
        data = parse_json(text)
    except RequestError as exc:
        raise of_body(str(exc)) from None
    problem = first_problem(data)
    if problem is not None:
        raise of_body(problem[1], pointer=pointer_to(problem[0]))
    return data


def first_problem(data: object) -> tuple[_Path, str] | None:
    """Where something is wrong with parsed data of any shape, and what; None when nothing is.

    Looks at depth, number of values, characters and numbers; walks without recursion, so that depth cannot hurt.
    """
    todo: list[tuple[_Path, object]] = [((), data)]
    seen = 0
    while todo:
        path, value = todo.pop()
        seen += 1
        if seen > MAX_VALUES:
            return (), f"holds more than {MAX_VALUES:,} values"
        if len(path) > MAX_DEPTH:
            return path[:MAX_DEPTH], f"is nested deeper than {MAX_DEPTH} levels"
        problem = _value_problem(value)
        if problem:
            return path, problem
        if isinstance(value, dict):
            key_problem = next((p for p in map(text_problem, value) if p), None)
            if key_problem:
                return path, f"a key {key_problem}"
            todo.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            todo.extend(((*path, index), item) for index, item in enumerate(value))
    return None


def _value_problem(value: object) -> str | None:
    if isinstance(value, str):
        return text_problem(value)
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a finite number"
    if isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
        return "is a whole number of more than 100 digits"
    return None


def _too_large(config: ServiceConfig) -> ProblemError:
    return ProblemError("too-large", f"at most {config.max_body_bytes:,} bytes are accepted.")


__all__ = ["ClientDisconnect", "check_head", "first_problem", "parsed", "read_body", "read_json"]
