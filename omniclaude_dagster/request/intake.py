"""From a file, a mapping or lines of JSON to a GenerationRequest, or a RequestError with cause and cure.

Files are untrusted: their size is known before they are read, links are not followed, and text is decoded
strictly. What characters may occur is in `text_rules.py`, strict JSON and YAML in `parsing.py`; where files come
from and go to is in `inbox.py`.
"""

import codecs
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.model import REQUEST_ID_PATTERN, GenerationRequest
from omniclaude_dagster.request.parsing import parse_json, parse_yaml
from omniclaude_dagster.request.text_rules import check_prompt, data_problem, text_problem

MAX_FILE_BYTES = 256 * 1024
MAX_JSONL_BYTES = 64 * 1024 * 1024
REQUEST_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".txt", ".md", ".prompt"})

_MAX_ID_CHARS = 63
_HASH_CHARS = 8
_SLUG_CHARS = 40
_MAX_NAMED_PROBLEMS = 5
_WRONG_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_request_file(path: Path) -> GenerationRequest:
    """The request in a .yaml, .yml or .json file; of a .txt, .md or .prompt file the text is the prompt.

    Raises RequestError; a file that is gone raises FileNotFoundError.
    """
    suffix = path.suffix.lower()
    if suffix not in REQUEST_SUFFIXES:
        raise RequestError(
            f"{path.name[:120]!r} is no request file.", cure=f"name it *{', *'.join(sorted(REQUEST_SUFFIXES))}"
        )
    text = _decoded(read_limited(path, max_bytes=MAX_FILE_BYTES))
    if suffix == ".json":
        return request_from_mapping(parse_json(text))
    if suffix in {".yaml", ".yml"}:
        problem = text_problem(text)
        if problem:
            raise RequestError(f"the file {problem}.", cure="remove that character")
        return request_from_mapping(parse_yaml(text))
    return request_from_mapping({"prompt": text.strip(" \t\r\n")})


def request_from_mapping(data: object) -> GenerationRequest:
    """A request from parsed data. Raises RequestError that names each wrong field by its path."""
    if not isinstance(data, Mapping):
        raise RequestError(
            f"a request is a mapping with the key 'prompt', not {_kind_of(data)}.",
            cure="write `prompt: ...`, or use a .txt file that holds the prompt alone",
        )
    problem = data_problem(dict(data))
    if problem:
        raise RequestError(f"{problem}.", cure="correct that value")
    known = list(GenerationRequest.model_fields)
    unknown = sorted(set(data) - set(known))
    if unknown:
        shown = ", ".join(repr(key[:60]) for key in unknown[:_MAX_NAMED_PROBLEMS])
        raise RequestError(f"unknown key {shown}.", cure=f"known keys are {', '.join(known)}")
    prompt = data.get("prompt")
    if isinstance(prompt, str):
        check_prompt(prompt)
    try:
        return GenerationRequest.model_validate(dict(data))
    except ValidationError as exc:
        details = exc.errors(include_url=False, include_context=False)
        shown = "; ".join(_described(detail) for detail in details[:_MAX_NAMED_PROBLEMS])
        raise RequestError(f"{shown}.", cure="correct the named fields") from None


def jsonl_entries(path: Path) -> Iterator[tuple[int, GenerationRequest | RequestError]]:
    """Line number and request, or what is wrong with it, of each line that is not blank."""
    content = read_limited(path, max_bytes=MAX_JSONL_BYTES)
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield number, _request_from_line(line, number=number)


def requests_from_jsonl(path: Path) -> tuple[GenerationRequest, ...]:
    """All requests of a file with one JSON object a line. Raises RequestError naming the wrong lines."""
    entries = list(jsonl_entries(path))
    problems = [entry for _, entry in entries if isinstance(entry, RequestError)]
    if problems:
        shown = "; ".join(problem.message.rstrip(".") for problem in problems[:_MAX_NAMED_PROBLEMS])
        more = len(problems) - _MAX_NAMED_PROBLEMS
        rest = f"; and {more} more" if more > 0 else ""
        raise RequestError(f"{shown}{rest}.", cure=problems[0].cure)
    if not entries:
        raise RequestError(f"{path.name} holds no request.", cure="write one JSON object a line")
    return tuple(entry for _, entry in entries if isinstance(entry, GenerationRequest))


def request_id_for_file(path: Path) -> str:
    """The file's name without its ending; a name that cannot be an id is simplified and gets a hash of itself."""
    name = path.stem
    # Dagster writes ranges of partitions as `first...last`.
    if REQUEST_ID_PATTERN.match(name) and ".." not in name:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:_HASH_CHARS]
    return f"{_slug(name, keep='_.') or 'request'}-{digest}"


def request_id_for_prompt(request: GenerationRequest) -> str:
    """The first words of the prompt and eight digits of the content's hash: equal requests have equal ids."""
    return f"{_slug(request.prompt.lower()) or 'request'}-{request.content_hash()[:_HASH_CHARS]}"


def read_limited(path: Path, *, max_bytes: int) -> bytes:
    """The bytes of a plain file, not through a link and not more than `max_bytes`.

    Raises RequestError; FileNotFoundError when there is none.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as exc:
        is_link = exc.errno == errno.ELOOP
        reason = "it is a symbolic link" if is_link else exc.strerror or "unknown reason"
        cure = "put the file itself there" if is_link else "make it a plain, readable file"
        raise RequestError(f"{path.name[:120]!r} cannot be read: {reason}.", cure=cure) from None
    info = os.fstat(handle)
    if not stat.S_ISREG(info.st_mode):
        os.close(handle)
        raise RequestError(f"{path.name[:120]!r} is not a plain file.", cure="put a plain file there")
    with os.fdopen(handle, "rb") as stream:
        content = stream.read(max_bytes + 1) if info.st_size <= max_bytes else b""
    size = max(info.st_size, len(content))
    if size > max_bytes:
        raise RequestError(
            f"{path.name[:120]!r} is too large (413): {size:,} bytes; at most {max_bytes:,} are accepted.",
            cure="shorten it",
        )
    return content


def _request_from_line(line: bytes, *, number: int) -> GenerationRequest | RequestError:
    try:
        if len(line) > MAX_FILE_BYTES:
            raise RequestError(  # noqa: TRY301 - one place adds the line number
                f"too large (413): {len(line):,} bytes; at most {MAX_FILE_BYTES:,} are accepted.", cure="shorten it"
            )
        return request_from_mapping(parse_json(_decoded(line)))
    except RequestError as exc:
        return RequestError(f"line {number}: {exc.message}", cure=exc.cure)


def _decoded(content: bytes) -> str:
    if not content.removeprefix(codecs.BOM_UTF8).strip():
        raise RequestError("the file is empty.", cure="say in a sentence what the node does")
    encoding = next((name for bom, name in _WRONG_BOMS if content.startswith(bom)), None)
    if encoding is None and b"\0" in content[:4]:
        encoding = "UTF-16 or binary"
    if encoding:
        raise RequestError(f"the file is {encoding}, not UTF-8.", cure="save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RequestError(
            f"the file is not UTF-8: byte 0x{content[exc.start]:02x} at position {exc.start}.", cure="save it as UTF-8"
        ) from None


def _kind_of(data: object) -> str:
    names: dict[type[Any], str] = {list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(data), f"a {type(data).__name__}")


def _described(detail: ErrorDetails) -> str:
    path = ""
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    message = detail["msg"].removeprefix("Value error, ")
    given = detail["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float) and len(repr(given)) <= 60 else ""
    if detail["type"] in {"missing", "value_error", "extra_forbidden"}:
        shown = ""
    return f"{path[:120] or 'the request'}: {message}{shown}"


def _slug(text: str, *, keep: str = "") -> str:
    plain = re.sub(rf"[^A-Za-z0-9{re.escape(keep)}]+", "-", text[:400])
    plain = re.sub(r"\.{2,}", ".", plain).strip("-_.")
    if len(plain) > _SLUG_CHARS:
        cut = plain[: _SLUG_CHARS + 1].rfind("-")
        plain = plain[: cut if cut > 0 else _SLUG_CHARS]
    return plain[: _MAX_ID_CHARS - _HASH_CHARS - 1].strip("-_.")
