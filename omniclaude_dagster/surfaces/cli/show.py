"""`omniclaude show` and `omniclaude list`: generations of the past, from the records."""

import difflib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from omniclaude_dagster.errors import OmniClaudeError, RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import emit_json, output, plain, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from omniclaude_dagster.providers.model import ModelCall
    from omniclaude_dagster.records.repository import RecordsStore
    from omniclaude_dagster.request.model import GenerationRequest
    from omniclaude_dagster.settings import Settings
    from omniclaude_dagster.stages.model import GenerationResult

_COMPARED_IDS = 500
_SUGGESTIONS = 3
_MAX_RESULT_BYTES = 4 * 1024 * 1024


def show(
    request_id: Annotated[str, typer.Argument(help="As generate and list print it.")],
    *,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Show the latest generation of a request again."""
    del debug
    from omniclaude_dagster.settings import load_settings

    settings = load_settings()
    with open_records(settings) as records:
        result = _latest(records, settings, request_id)
        if result is None:
            raise _unknown(records, request_id)
        calls = _calls(records, request_id)
        result = _with_review(records, result)
    if json_output:
        emit_json(result.model_dump(mode="json"))
    else:
        from omniclaude_dagster.surfaces.cli.next_steps import next_steps
        from omniclaude_dagster.surfaces.cli.render import generation_view

        generation_view(output(), result, next_steps(result, _request(settings, request_id)), calls)
    return EXIT_DONE


def list_generations(
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1000, help="How many.")] = 20,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """List the latest generations, the newest first."""
    del debug
    from omniclaude_dagster.settings import load_settings

    with open_records(load_settings()) as records:
        results = records.recent(count)
    if json_output:
        for result in results:
            emit_json(result.model_dump(mode="json"))
    elif results:
        from omniclaude_dagster.surfaces.cli.render import recent_view

        recent_view(output(), results)
    else:
        say('nothing was generated yet; begin with: omniclaude generate "Create an EFFECT node for PostgreSQL writes"')
    return EXIT_DONE


@contextmanager
def open_records(settings: "Settings") -> Iterator["RecordsStore"]:
    """The system of record for one command."""
    from omniclaude_dagster.records.repository import RecordsStore

    store = RecordsStore(settings.records_url, settings.home_path / "spool")
    try:
        yield store
    finally:
        store.close()


def _latest(records: "RecordsStore", settings: "Settings", request_id: str) -> "GenerationResult | None":
    """From the records; while their database is away, from the result file that a run leaves."""
    try:
        found = records.latest(request_id)
    except OmniClaudeError as exc:
        kept = _kept_result(settings, request_id)
        if kept is None:
            raise
        say(f"warning: {plain(exc)} Shown is the result file.", style="yellow")
        return kept
    return found or _kept_result(settings, request_id)


def _calls(records: "RecordsStore", request_id: str) -> "tuple[ModelCall, ...]":
    """None while the records are away: the result file knows no calls."""
    with suppress(OmniClaudeError):
        return records.model_calls(request_id)
    return ()


def _with_review(records: "RecordsStore", result: "GenerationResult") -> "GenerationResult":
    """The result with what a person has decided since, if anything."""
    if not result.quorum:
        return result
    decision = None
    with suppress(OmniClaudeError):
        decision = records.quorum_decision(result.correlation_id)
    if decision is None or decision.reviewed_at is None:
        return result
    decided = {
        "review": decision.review,
        "review_note": decision.review_note,
        "reviewed_at": decision.reviewed_at.isoformat(),
        "review_command": "",
    }
    return result.model_copy(update={"quorum": {**result.quorum, **decided}})


def _kept_result(settings: "Settings", request_id: str) -> "GenerationResult | None":
    from omniclaude_dagster.request.files import read_limited
    from omniclaude_dagster.request.model import REQUEST_ID_PATTERN
    from omniclaude_dagster.stages.model import GenerationResult

    if not REQUEST_ID_PATTERN.match(request_id):
        return None
    path = settings.home_path / "results" / f"{request_id}.json"
    with suppress(FileNotFoundError, OmniClaudeError, ValueError, TypeError, KeyError):
        document = json.loads(read_limited(path, max_bytes=_MAX_RESULT_BYTES))
        return GenerationResult.model_validate(document["result"])
    return None


def _unknown(records: "RecordsStore", request_id: str) -> RequestError:
    known: list[str] = []
    with suppress(OmniClaudeError):
        known = list(dict.fromkeys(result.request_id for result in records.recent(_COMPARED_IDS)))
    close = difflib.get_close_matches(request_id, known, n=_SUGGESTIONS, cutoff=0.4)
    close += [other for other in known if request_id and request_id in other and other not in close]
    shown = plain(request_id)[:80]
    cure = f"did you mean {' or '.join(close[:_SUGGESTIONS])}?" if close else "omniclaude list shows what there is"
    return RequestError(f"there is no generation of a request {shown!r}.", cure=cure)


def _request(settings: "Settings", request_id: str) -> "GenerationRequest | None":
    from omniclaude_dagster.request.store import RequestStore

    with suppress(OmniClaudeError):
        accepted = RequestStore(settings.home_path).load(request_id)
        return accepted.request if accepted else None
    return None
