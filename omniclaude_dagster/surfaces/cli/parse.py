"""`omniclaude parse`: what stage 1 understands of a prompt, by rules alone. Generates nothing, asks no model."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_USAGE
from omniclaude_dagster.surfaces.cli.console import emit_json, output
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption, PromptArgument

if TYPE_CHECKING:
    from omniclaude_dagster.request.model import ParsedRequest


def parse(
    prompt: PromptArgument = None,
    *,
    jsonl: Annotated[
        Path | None, typer.Option("--jsonl", help="One object with `prompt` a line; one result a line comes out.")
    ] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Show what is understood of a prompt: kind, name, domain, operations, systems, and open questions."""
    del debug
    if (prompt is None) == (jsonl is None):
        raise RequestError("give either a prompt or --jsonl FILE.", cure='omniclaude parse "Create an EFFECT node ..."')
    if jsonl is not None:
        return _parse_lines(jsonl)
    parsed = understood(prompt or "")
    if json_output:
        emit_json(parsed.as_json())
    else:
        from omniclaude_dagster.surfaces.cli.render import parsed_view

        parsed_view(output(), parsed)
    return EXIT_DONE


def understood(prompt: str) -> "ParsedRequest":
    """What the rules read in a prompt. Raises RequestError for text that cannot be a prompt.

    A prompt that is too short to generate from is still understood: as questions.
    """
    from omniclaude_dagster.request.model import MIN_PROMPT_CHARS
    from omniclaude_dagster.request.text_rules import check_prompt, text_problem
    from omniclaude_dagster.request.understanding import understand

    if 0 < len(prompt.strip()) < MIN_PROMPT_CHARS:
        problem = text_problem(prompt)
        if problem:
            raise RequestError(f"the prompt {problem}.", cure="remove that character")
    else:
        check_prompt(prompt)
    return understand(prompt)


def _parse_lines(path: Path) -> int:
    code = EXIT_DONE
    for result in _results(path):
        if "error" in result:
            code = EXIT_USAGE
        emit_json(result)
    return code


def _results(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in _lines(path):
        try:
            yield understood(_prompt_of(line)).as_json()
        except RequestError as exc:
            yield {"error": f"line {number}: {exc}"}


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    from omniclaude_dagster.request.files import read_limited
    from omniclaude_dagster.request.intake import MAX_JSONL_BYTES

    try:
        content = read_limited(path, max_bytes=MAX_JSONL_BYTES)
    except FileNotFoundError:
        raise RequestError(f"there is no file {path}.", cure="name a file with one JSON object a line") from None
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    if not lines:
        raise RequestError(f"{path} holds no line.", cure='write one object a line: {"prompt": "..."}')
    yield from lines


def _prompt_of(line: bytes) -> str:
    from omniclaude_dagster.request.parsing import parse_json

    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RequestError(f"not UTF-8 at byte {exc.start}.", cure="save the file as UTF-8") from None
    data = parse_json(text)
    prompt = data.get("prompt") if isinstance(data, dict) else None
    if not isinstance(prompt, str):
        raise RequestError("not an object with a text under the key 'prompt'.", cure='write {"prompt": "..."}')
    return prompt
