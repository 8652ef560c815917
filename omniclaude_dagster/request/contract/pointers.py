"""JSON pointers: reading one, following it, writing it, and saying what was probably meant."""

import difflib
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

_MAX_SUGGESTIONS = 3


def tokens_of(pointer: str) -> tuple[str, ...]:
    """`/paths/~1orders/post` -> `("paths", "/orders", "post")`. Raises ValueError when it does not start with `/`."""
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise ValueError(pointer)
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in unquote(pointer)[1:].split("/"))


def pointer_of(tokens: Sequence[str]) -> str:
    """The pointer that `tokens_of` reads back."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def followed(document: Any, tokens: Sequence[str]) -> Any:
    """What stands there. Raises LookupError that says how far the pointer leads and what is there instead."""
    current = document
    for position, token in enumerate(tokens):
        if isinstance(current, dict) and token in current:
            current = current[token]
        elif isinstance(current, list) and token.isdecimal() and int(token) < len(current):
            current = current[int(token)]
        else:
            raise LookupError(_missing(current, tokens, position))
    return current


def near_matches(wanted: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names most like the wanted one, the best first."""
    folded = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(wanted.lower(), list(folded)[:2000], n=_MAX_SUGGESTIONS, cutoff=0.5)
    return tuple(folded[name] for name in close)


def _missing(current: Any, tokens: Sequence[str], position: int) -> str:
    where = pointer_of(tokens[:position]) or "the top"
    if not isinstance(current, dict):
        return f"{where} holds no object with {tokens[position][:80]!r}"
    near = near_matches(tokens[position], list(current))
    hint = f"; near: {', '.join(near)}" if near else f"; there: {', '.join(list(current)[:8])[:200]}" if current else ""
    return f"{where} has no {tokens[position][:80]!r}{hint}"
