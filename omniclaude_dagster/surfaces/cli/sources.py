"""From a command line to accepted requests: a prompt, a file or lines of a file, with the options on top."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omniclaude_dagster.errors import OmniClaudeError, RequestError
from omniclaude_dagster.request.intake import (
    jsonl_entries,
    read_request_file,
    request_from_mapping,
    request_id_for_file,
    request_id_for_prompt,
)
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.request.text_rules import check_prompt, text_problem


@dataclass(frozen=True)
class Overrides:
    """Options that win over what a file says; None where the option was not given."""

    mode: str | None = None
    node_kind: str | None = None
    name: str | None = None
    domain: str | None = None
    output_dir: str | None = None

    def on(self, request: GenerationRequest) -> GenerationRequest:
        """The request with these options. Raises RequestError naming a wrong one."""
        given = self.given()
        if not given:
            return request
        return request_from_mapping({**request.model_dump(mode="json", exclude_none=True), **given})

    def given(self) -> Mapping[str, Any]:
        """Only what was given, by the request's keys."""
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Line:
    """One line of a file with many requests: accepted, or what is wrong with it."""

    number: int
    accepted: AcceptedRequest | None = None
    problem: str = ""


def from_prompt(prompt: str, overrides: Overrides) -> AcceptedRequest:
    """The request of a sentence. Raises RequestError."""
    check_prompt(prompt)
    request = request_from_mapping({"prompt": prompt, **overrides.given()})
    return AcceptedRequest(request_id_for_prompt(request), request, "cli")


def from_request(request: GenerationRequest) -> AcceptedRequest:
    """The request with an identity of its own."""
    return AcceptedRequest(request_id_for_prompt(request), request, "cli")


def from_file(path: Path, overrides: Overrides) -> AcceptedRequest:
    """The request of a file; its name is the request's id, as in the inbox. Raises RequestError."""
    _refuse_folder(path)
    try:
        request = read_request_file(path)
    except FileNotFoundError:
        raise RequestError(f"there is no file {path}.", cure="name an existing request file") from None
    except RequestError as exc:
        raise _placed(exc, path) from None
    return AcceptedRequest(request_id_for_file(path), overrides.on(request), "cli")


def from_lines(path: Path, overrides: Overrides) -> tuple[Line, ...]:
    """Every line of a file; a wrong line stays its own problem. Raises RequestError for the file as a whole."""
    _refuse_folder(path)
    try:
        entries = list(jsonl_entries(path))
    except FileNotFoundError:
        raise RequestError(f"there is no file {path}.", cure="name a file with one JSON request a line") from None
    if not entries:
        raise RequestError(f"{path} holds no request.", cure='write one JSON object a line: {"prompt": "..."}')
    lines = tuple(_line(number, entry, overrides) for number, entry in entries)
    return _apart(lines)


def checked_output(path: Path) -> str:
    """The folder of `--output`, absolute, after really writing to it. Raises RequestError with the cure."""
    from omniclaude_dagster.artifact.store import check_writable

    # Before normpath, which some versions of Python end at a NUL.
    if text_problem(str(path)):
        raise RequestError(f"--output {path} {text_problem(str(path))}.", cure="remove that character")
    # normpath, not resolve: a symbolic link must be seen and refused, not followed.
    absolute = os.path.normpath(path.expanduser().absolute())
    try:
        problem = check_writable(Path(absolute))
    except (OmniClaudeError, OSError, ValueError) as exc:
        problem = str(exc)
    if problem:
        raise RequestError(f"--output {absolute}: {problem}", cure="name a writable folder, or one that can be made")
    return absolute


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise RequestError(f"{path} is a folder.", cure="name a file; a folder of request files belongs in the inbox")


def _line(number: int, entry: GenerationRequest | RequestError, overrides: Overrides) -> Line:
    if isinstance(entry, RequestError):
        return Line(number, problem=str(entry))
    try:
        return Line(number, from_request(overrides.on(entry)))
    except RequestError as exc:
        return Line(number, problem=f"line {number}: {exc}")


def _apart(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Requests of one output folder whose nodes would have the same name get a folder each."""
    places = {
        line.accepted.request_id: (line.accepted.request.output_dir, _package_of(line.accepted))
        for line in lines
        if line.accepted and line.accepted.request.output_dir
    }
    counts = Counter(place for place in places.values() if place[1])

    def moved(line: Line) -> Line:
        place = places.get(line.accepted.request_id) if line.accepted else None
        if line.accepted is None or place is None or counts[place] < 2:
            return line
        own = str(Path(str(place[0])) / line.accepted.request_id)
        return replace(
            line, accepted=replace(line.accepted, request=line.accepted.request.model_copy(update={"output_dir": own}))
        )

    return tuple(moved(line) for line in lines)


def _package_of(accepted: AcceptedRequest) -> str:
    from omniclaude_dagster.request.naming import package_name
    from omniclaude_dagster.request.understanding import understand

    request = accepted.request
    parsed = understand(request.prompt, node_kind=request.node_kind, name=request.name, domain=request.domain)
    return package_name(parsed.name, parsed.node_kind) if parsed.name and parsed.node_kind else ""


def _placed(exc: RequestError, path: Path) -> RequestError:
    message = exc.message if path.name in exc.message else f"{path}: {exc.message}"
    return RequestError(message, cure=exc.cure)
