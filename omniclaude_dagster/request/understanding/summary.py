"""The task of a request in one sentence: what a docstring says, and what a model is asked."""

import re
import textwrap

_ASKS_FOR_NODE = re.compile(
    r"^\s*(?:please\s+)?(?:(?:i|we)\s+(?:need|want)\s+|(?:can|could)\s+you\s+)?"
    r"(?:(?:create|generate|build|make|implement|write|add|develop|design)\s+)?(?:me\s+)?(?:an?\s+|the\s+)?(?:new\s+)?"
    r"(?:onex\s+)?(?:effect|compute|reducer|orchestrator)?\s*node:?\s*(?:,?\s*(?:called|named)\s+[`'\"]?\w+[`'\"]?,?)?"
    r"\s*(?:that|which|to|for|:|-)?\s+",
    re.IGNORECASE,
)
_MAX_CHARS = 600


def task_sentence(description: str) -> str:
    """The task alone: of `Create a COMPUTE node called Bmi that computes an index` it is `Computes an index.`."""
    task = _ASKS_FOR_NODE.sub("", description).strip() or description
    plain = textwrap.shorten(task.replace('"""', "'''"), width=_MAX_CHARS, placeholder="...")
    return plain[:1].upper() + plain[1:].rstrip(".") + "."
