"""From a file, a mapping or lines of JSON to a GenerationRequest, or a RequestError with cause and cure.

Files are untrusted: their size is known before they are read, links are not followed, and text is decoded
strictly. What characters may occur is in `text_rules.py`, strict JSON and YAML in `parsing.py`; where files come
from and go to is in `inbox.py`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.contract.given import contract_from_file, contract_from_value, facts_of, prompt_of
from omniclaude_dagster.request.files import decoded, read_limited
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


def read_request_file(path: Path) -> GenerationRequest:
    """The request in a .yaml, .yml or .json file; of a .txt, .md or .prompt file the text is the prompt.

    Raises RequestError; a file that is gone raises FileNotFoundError.
    """
    suffix = path.suffix.lower()
    if suffix not in REQUEST_SUFFIXES:
        raise RequestError(
            f"{path.name[:120]!r} is no request file.", cure=f"name it *{', *'.join(sorted(REQUEST_SUFFIXES))}"
        )
    text = decoded(read_limited(path, max_bytes=MAX_FILE_BYTES))
    if suffix == ".json":
        return request_from_mapping(_with_contract_file(parse_json(text), path.parent))
    if suffix in {".yaml", ".yml"}:
        problem = text_problem(text)
        if problem:
            raise RequestError(f"the file {problem}.", cure="remove that character")
        return request_from_mapping(_with_contract_file(parse_yaml(text), path.parent))
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
    if "contract_file" in data:
        raise RequestError("contract_file is for request files only.", cure="write the contract under `contract`")
    unknown = sorted(set(data) - set(known))
    if unknown:
        shown = ", ".join(repr(key[:60]) for key in unknown[:_MAX_NAMED_PROBLEMS])
        raise RequestError(f"unknown key {shown}.", cure=f"known keys are {', '.join(known)}")
    if data.get("contract") is not None:
        data = with_contract(data)
    prompt = data.get("prompt")
    if isinstance(prompt, str):
        check_prompt(prompt)
    try:
        return GenerationRequest.model_validate(dict(data))
    except ValidationError as exc:
        details = exc.errors(include_url=False, include_context=False)
        shown = "; ".join(_described(detail) for detail in details[:_MAX_NAMED_PROBLEMS])
        raise RequestError(f"{shown}.", cure="correct the named fields") from None


def with_contract(data: Mapping[str, Any]) -> dict[str, Any]:
    """Request data whose contract is self-contained, and says prompt, kind and name where the request does not."""
    contract = contract_from_value(data["contract"])
    facts = facts_of(contract)
    asked = data.get("node_kind")
    if facts.kind and asked is not None and str(asked).upper() != facts.kind.value:
        raise RequestError(
            f"the contract is of a node of kind {facts.kind.value}, the request asks for {str(asked)[:40]}.",
            cure="leave the kind out, or change the contract",
        )
    said = {"prompt": prompt_of(facts), "node_kind": facts.kind and facts.kind.value, "name": facts.name}
    given = {key: value for key, value in data.items() if value is not None}
    return {**{key: value for key, value in said.items() if value is not None}, **given, "contract": contract}


def _with_contract_file(data: object, folder: Path) -> object:
    """The request with the contract its `contract_file` names, relative to the request's own folder."""
    if not isinstance(data, dict) or "contract_file" not in data:
        return data
    named = data["contract_file"]
    if not isinstance(named, str) or Path(named.partition("#")[0]).is_absolute() or ".." in Path(named).parts:
        raise RequestError(
            "contract_file names no file below the folder of the request.", cure="put the contract beside the request"
        )
    if data.get("contract") is not None:
        raise RequestError("give only one of contract and contract_file.", cure="remove one of them")
    rest = {key: value for key, value in data.items() if key != "contract_file"}
    return {**rest, "contract": contract_from_file(named, base=folder)}


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


def _request_from_line(line: bytes, *, number: int) -> GenerationRequest | RequestError:
    try:
        if len(line) > MAX_FILE_BYTES:
            raise RequestError(  # noqa: TRY301 - one place adds the line number
                f"too large (413): {len(line):,} bytes; at most {MAX_FILE_BYTES:,} are accepted.", cure="shorten it"
            )
        return request_from_mapping(parse_json(decoded(line)))
    except RequestError as exc:
        return RequestError(f"line {number}: {exc.message}", cure=exc.cure)


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
