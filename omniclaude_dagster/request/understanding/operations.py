"""What a node does, as short snake_case phrases: `write_records`, `send_email`."""

import re
from collections.abc import Sequence

from omniclaude_dagster.request.understanding import words
from omniclaude_dagster.request.understanding.clauses import VerbUse
from omniclaude_dagster.request.understanding.text import Token

MAX_OPERATIONS = 10
MAX_OPERATION_CHARS = 48
_NO_OPERATIONS = frozenset(
    "do use make build handle give show take need set start retry work figure roll look kick back hand keep tell ask "
    "step string tie wire bring say".split()
)
_NOT_SNAKE = re.compile(r"[^a-z0-9]+")


def snake_words(tokens: Sequence[Token], *, limit: int = 2) -> list[str]:
    """The last nouns of a phrase (its head and what stands before it), in ASCII snake_case parts."""
    parts: list[str] = []
    for token in tokens:
        if token.lower in words.GENERIC_NOUNS:
            continue
        part = _NOT_SNAKE.sub("_", token.lower).strip("_")
        if part and not part[0].isdigit():
            parts.append(part)
    return parts[-limit:]


def operation_phrase(use: VerbUse) -> str | None:
    """`writes incoming order records to ...` -> `write_order_records`; None when the use says too little."""
    lemma = use.verb.lemma
    objects = snake_words(use.objects) or (snake_words(use.target) if use.use == "verb" else [])
    if lemma in _NO_OPERATIONS or (not objects and use.use != "verb"):
        return None
    if lemma == "create" and not objects:
        return None
    return "_".join([lemma.replace("-", "_"), *objects])[:MAX_OPERATION_CHARS].rstrip("_")


def operations(uses: Sequence[VerbUse]) -> tuple[str, ...]:
    """At most MAX_OPERATIONS phrases in the order of the prompt, each once."""
    found: dict[str, None] = {}
    for use in uses:
        phrase = operation_phrase(use)
        if phrase is not None:
            found.setdefault(phrase)
    return tuple(found)[:MAX_OPERATIONS]
