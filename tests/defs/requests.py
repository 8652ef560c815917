"""Requests of the tests, and a sandbox for tests in which nothing has to be executed."""

from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxOutcome


def accepted(
    request_id: str, prompt: str = "Create EFFECT node for PostgreSQL writes", **fields: object
) -> AcceptedRequest:
    """A request in mode fast."""
    request = request_from_mapping({"prompt": prompt, "mode": "fast", **fields})
    return AcceptedRequest(request_id, request, "cli")


class NoSandbox:
    """A machine on which nothing can be contained: a case of its own, and quick."""

    def run(self, job: SandboxJob) -> SandboxOutcome:
        return SandboxOutcome(status="unavailable", message=f"{job.task}: no sandbox in this test")

    def unavailable_reason(self) -> str | None:
        return "no sandbox in this test"

    def close(self) -> None:
        return None
