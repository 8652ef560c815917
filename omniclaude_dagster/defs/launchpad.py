"""The job `submit_request`: its launchpad configuration is a request, so that the UI alone is enough."""

from typing import Any

import dagster as dg
from pydantic import Field

from omniclaude_dagster.defs.partitions import NODE_ASSET, REQUESTS
from omniclaude_dagster.defs.session import GenerationSession
from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.request.intake import request_from_mapping, request_id_for_prompt
from omniclaude_dagster.request.model import AcceptedRequest


class RequestConfig(dg.Config):
    """A request. Everything but the prompt may be left out."""

    prompt: str
    mode: str = "balanced"
    node_kind: str | None = None
    name: str | None = None
    domain: str | None = None
    examples: list[dict[str, Any]] = Field(default_factory=list)
    budget_usd: float | None = None
    output_dir: str | None = None
    project: dict[str, str] | None = None
    session_id: str | None = None

    def accepted(self) -> AcceptedRequest:
        """The request, checked like any other. Raises RequestError."""
        given = {key: value for key, value in self.model_dump().items() if value not in (None, [])}
        request = request_from_mapping(given)
        return AcceptedRequest(request_id_for_prompt(request), request, "launchpad")


@dg.op(description="Check a request, register its partition and hand it to the sensor, which starts the generation.")
def accept_launchpad_request(
    context: dg.OpExecutionContext, config: RequestConfig, platform: dg.ResourceParam[GenerationSession]
) -> None:
    """The sensor request_inbox asks for the run at its next tick: one way in for all requests, one claim on each."""
    try:
        accepted = config.accepted()
        done = platform.ledger.result(accepted.request_id, accepted.content_hash)
        if done is None:
            platform.platform.requests.save(accepted)
            context.instance.add_dynamic_partitions(REQUESTS.name or "", [accepted.request_id])
            platform.ledger.plan(accepted)
    except OmniClaudeError as exc:
        raise dg.Failure(str(exc), allow_retries=False) from exc
    what = "the sensor request_inbox starts it within seconds" if done is None else f"generated before: {done.status}"
    context.log.info(f"{accepted.request_id}: {what}")
    context.log_event(
        dg.AssetObservation(
            NODE_ASSET,
            partition=accepted.request_id,
            metadata={
                "request_id": accepted.request_id,
                "what_happens": what,
                "watch": dg.MetadataValue.url(f"/assets/{NODE_ASSET.to_user_string()}?partition={accepted.request_id}"),
                "asset": dg.MetadataValue.asset(NODE_ASSET),
            },
        )
    )


@dg.job(
    description="Write a request in the launchpad and launch: it becomes a partition of generated_node.",
    executor_def=dg.in_process_executor,
)
def submit_request() -> None:
    """Launchpad: ops: accept_launchpad_request: config: prompt: ..."""
    accept_launchpad_request()
