"""Stage 1: understand the prompt, by rules first and by a model where rules leave something open."""

import logging
import re
from dataclasses import replace

from omniclaude_dagster.providers.errors import ProviderError
from omniclaude_dagster.providers.model import ChatRequest, Message, ModelCall
from omniclaude_dagster.request import naming
from omniclaude_dagster.request.model import ParsedRequest
from omniclaude_dagster.request.understanding import model_prompt, understand
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome

logger = logging.getLogger(__name__)

# Below this confidence a model is asked too.
ASK_MODEL_BELOW = 0.75
_MAX_TOKENS = 96
_ADDRESSED_TO_US = re.compile(
    r"\b(ignore|disregard|forget|override)\b.{0,40}\b(rules?|instructions?|gates?|prompts?|guidelines)\b"
    r"|\b(skip|disable|bypass|turn off)\b.{0,30}\b(gates?|checks?|sandbox|validation|review)\b"
    r"|\b(print|reveal|show|dump|read|send)\b.{0,30}\b(environment variables?|env vars?|os\.environ|secrets?|api keys?"
    r"|system prompt|/etc/\w+)",
    re.IGNORECASE | re.DOTALL,
)


async def parse_prompt(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Fill `state.parsed`. A model that fails is recorded and the rules' answer stands."""
    request = state.request
    parsed = understand(request.prompt, node_kind=request.node_kind, name=request.name, domain=request.domain)
    if request.name is not None and naming.name_problem(request.name):
        # A name a person gave is judged as it is (gate G3), never silently mended.
        parsed = replace(parsed, name=request.name, class_name=None)
    notes = [f"rules: confidence {parsed.confidence:.2f}"]
    if _ADDRESSED_TO_US.search(request.prompt):
        logger.warning("audit: request %s carries instructions to the platform; treated as data", state.request_id)
        notes.append("audit: the prompt carries instructions to the platform; they are data and change nothing")
    calls: tuple[ModelCall, ...] = ()
    if state.may_ask_models and parsed.confidence < ASK_MODEL_BELOW:
        parsed, calls, note = await _ask_model(parsed, state, gateways)
        notes.append(note)
    return StageOutcome(
        state=replace(state, parsed=parsed),
        message="; ".join(notes),
        calls=calls,
        quality_score=round(parsed.confidence, 4),
        attempts=max(1, sum(c.attempts for c in calls)),
    )


async def _ask_model(
    parsed: ParsedRequest, state: GenerationState, gateways: Gateways
) -> tuple[ParsedRequest, tuple[ModelCall, ...], str]:
    if state.is_budget_spent():
        return parsed, (), "the request's budget is spent, the rules' answer stands"
    candidates = gateways.chain_for("prompt_parsing").models
    if not candidates:
        return parsed, (), "no model is configured, the rules' answer stands"
    messages = [Message(role, content) for role, content in model_prompt.messages_for(state.request.prompt)]
    request = ChatRequest(
        stage="1",
        messages=messages,
        correlation_id=state.correlation_id,
        max_tokens=_MAX_TOKENS,
        json_schema=model_prompt.kind_and_name_schema(),
        deadline_s=gateways.model_deadline_s,
    )
    try:
        reply = await gateways.models.chat(request, model=candidates[0])
    except ProviderError as exc:
        calls = (exc.call,) if exc.call else ()
        return parsed, calls, f"{candidates[0]} failed ({exc.kind}), the rules' answer stands"
    merged = model_prompt.merge(parsed, reply.data, model=reply.call.model)
    return merged, (reply.call,), f"{candidates[0]} asked: confidence {merged.confidence:.2f}"
