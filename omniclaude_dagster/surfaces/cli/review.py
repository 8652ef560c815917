"""`omniclaude review`: what the quorum left to a person, and what the person decides. How it looks: `review_view`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, output, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from omniclaude_dagster.records.learned import QuorumDecisionRow, VoteRow
    from omniclaude_dagster.reviewing.decisions import ReviewOutcome
    from omniclaude_dagster.settings import Settings
    from omniclaude_dagster.stages.model import GenerationResult

# More than a person reads; `--json` of a whole history is the records' matter.
_LISTED = 200

review = typer.Typer(
    name="review",
    help="Decide what the quorum left to a person: suggested edits, and nodes that it blocked.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
RequestArgument = Annotated[
    str, typer.Argument(metavar="REQUEST", help="Request id or correlation id, or the beginning of one.")
]
NoteOption = Annotated[str, typer.Option("--note", help="Why; it is kept with the decision.")]


@review.command("list")
def list_reviews(
    *,
    is_all: Annotated[bool, typer.Option("--all", help="Also what is decided, or needed no decision.")] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """List what waits for a decision, the newest first."""
    del debug
    from omniclaude_dagster.settings import load_settings
    from omniclaude_dagster.surfaces.cli.show import open_records

    with open_records(load_settings()) as records:
        decisions = records.quorum_decisions(review=None if is_all else "open", limit=_LISTED)
    documents = [summary_of(decision) for decision in decisions]
    if json_output:
        for document in documents:
            emit_json(document)
        return EXIT_DONE
    if not documents:
        say("the quorum has decided nothing yet" if is_all else "nothing waits for a decision; see --all")
        return EXIT_DONE
    from omniclaude_dagster.surfaces.cli.review_view import reviews_view

    reviews_view(output(), documents)
    if len(documents) == _LISTED:
        say(f"only the newest {_LISTED} are shown")
    return EXIT_DONE


@review.command("show")
def show_review(
    request: RequestArgument,
    *,
    is_whole_diff: Annotated[
        bool, typer.Option("--diff", help="Show everything that accepting would change, and nothing else.")
    ] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Show the votes, what an edit would change, and what accepting would do."""
    del debug
    from omniclaude_dagster.reviewing.decisions import find_decision
    from omniclaude_dagster.settings import load_settings
    from omniclaude_dagster.surfaces.cli.show import open_records

    settings = load_settings()
    with open_records(settings) as records:
        decision = find_decision(records, request)
        votes = records.quorum_votes_of(decision.correlation_id)
        latest = records.latest(decision.request_id)
    document = document_of(decision, votes) | _accepting(decision, settings, latest)
    if json_output:
        emit_json(document)
        return EXIT_DONE
    from omniclaude_dagster.surfaces.cli.review_view import diff_view, review_view

    if is_whole_diff:
        diff_view(output(), document["accepting_diff"] or document["diff"])
    else:
        review_view(output(), document)
    return EXIT_DONE


@review.command("accept")
def accept_review(
    request: RequestArgument, *, note: NoteOption = "", json_output: JsonOption = False, debug: DebugOption = False
) -> int:
    """Judge the node that waits by all gates once more and deliver it; exit code 1 when a gate fails."""
    del debug
    return _decide(request, note=note, is_accepted=True, json_output=json_output)


@review.command("refuse")
def refuse_review(
    request: RequestArgument, *, note: NoteOption = "", json_output: JsonOption = False, debug: DebugOption = False
) -> int:
    """Close the review; no file is changed."""
    del debug
    return _decide(request, note=note, is_accepted=False, json_output=json_output)


def summary_of(decision: "QuorumDecisionRow") -> dict[str, Any]:
    """A decision without votes, edits and files."""
    return {
        "request_id": decision.request_id,
        "correlation_id": str(decision.correlation_id),
        "package_name": decision.package_name,
        "decision": decision.decision,
        "score": decision.score,
        "participation": decision.participation,
        "dispersion": decision.dispersion,
        "reason": decision.reason,
        "panel": decision.panel,
        "timestamp": decision.timestamp.isoformat(),
        "review": decision.review,
        "review_note": decision.review_note,
        "reviewed_at": decision.reviewed_at.isoformat() if decision.reviewed_at else None,
        "file_count": len(decision.files),
    }


def document_of(decision: "QuorumDecisionRow", votes: "Iterable[VoteRow]") -> dict[str, Any]:
    """Everything about a decision but the text of the files."""
    return {
        **summary_of(decision),
        "output_dir": decision.output_dir,
        "votes": [_vote(vote) for vote in votes],
        "edits": list(decision.edits),
        "diff": decision.diff,
        "files": sorted(decision.files),
    }


def _accepting(
    decision: "QuorumDecisionRow", settings: "Settings", latest: "GenerationResult | None"
) -> dict[str, str]:
    """What accepting would change in the output folder as it is now, or why it would not go well."""
    from omniclaude_dagster.reviewing.decisions import demand_not_overtaken
    from omniclaude_dagster.reviewing.waiting import accepting_diff

    diff, problem = "", ""
    if decision.review == "open":
        try:
            demand_not_overtaken(decision, latest)
            diff = accepting_diff(decision, state_dir=settings.home_path) if decision.files else ""
        except OmniClaudeError as exc:
            problem = str(exc)
    return {"accepting_diff": diff, "accepting_problem": problem}


def _vote(vote: "VoteRow") -> dict[str, Any]:
    return {
        "seat": vote.seat,
        "model": vote.model,
        "weight": vote.weight,
        "score": vote.score,
        "verdict": vote.verdict,
        "abstained_because": vote.abstained_because,
        "deficiencies": list(vote.deficiencies),
        "edit": dict(vote.edit),
    }


def _decide(request: str, *, note: str, is_accepted: bool, json_output: bool) -> int:
    from omniclaude_dagster.pipeline import Platform
    from omniclaude_dagster.reviewing.decisions import Reviews
    from omniclaude_dagster.settings import load_settings

    settings = load_settings()
    with Platform(settings) as platform:
        reviews = Reviews(platform.records, platform.requests, platform.sandbox, state_dir=settings.home_path)
        if is_accepted:
            with notes().status("judging the node ..."):
                outcome = reviews.accept(request, note=note)
        else:
            outcome = reviews.refuse(request, note=note)
    _print(outcome, json_output=json_output)
    return EXIT_NOT_PUBLISHED if outcome.review == "open" else EXIT_DONE


def _print(outcome: "ReviewOutcome", *, json_output: bool) -> None:
    if json_output:
        emit_json(outcome.as_json())
        return
    from omniclaude_dagster.surfaces.cli.review_view import outcome_view

    outcome_view(output(), outcome.as_json())
