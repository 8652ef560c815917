"""Gives the raw output of trusted tools that replaced the child (ruff) the shape of a task's result."""

from dataclasses import replace
from typing import Any

from omniclaude_dagster.sandbox.answer import strict_json
from omniclaude_dagster.sandbox.isolation import JOB_FOLDER
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxOutcome


def finish(job: SandboxJob, outcome: SandboxOutcome) -> SandboxOutcome:
    """Shape the result of a tool; results of Python tasks pass unchanged."""
    if not isinstance(outcome.result, bytes):
        return outcome
    if job.task != "lint":
        return replace(outcome, status="forged", message="a tool's answer came from a task that is none", result=None)
    try:
        return replace(outcome, result=_lint_issues(strict_json(outcome.result)))
    except (ValueError, KeyError, TypeError) as exc:
        return replace(outcome, status="crashed", message=f"the tool's answer cannot be read: {exc}", result=None)


def _lint_issues(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "file": str(issue["filename"]).removeprefix(f"{JOB_FOLDER}/"),
            "line": int(issue["location"]["row"]),
            "code": str(issue["code"] or "syntax"),
            "message": str(issue["message"]),
        }
        for issue in found
    ]
