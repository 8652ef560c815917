"""References inside one self-contained schema: what each leads to, which names are only aliases, what is recursive.

Recursion through an object or a list is legal and stays a reference; a chain of references and `allOf` that leads back
to itself describes nothing and is refused. Other files were resolved when the request came in.
"""

from collections.abc import Iterator
from typing import Any

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.contract.pointers import followed, near_matches, tokens_of
from omniclaude_dagster.request.contract.schema_walk import children

_MAX_CHAIN = 64


class References:
    """Looks up `#/...` in one document and refuses what cannot be followed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def target(self, reference: str) -> Any:
        """The schema a reference leads to. Raises RequestError with near matches."""
        if not reference.startswith("#") or (reference[1:] and not reference.startswith("#/")):
            raise RequestError(
                f"the reference {reference[:120]!r} leaves the contract.", cure="give the contract with --contract FILE"
            )
        tokens = tokens_of(reference[1:])
        try:
            return followed(self._document, tokens)
        except LookupError as exc:
            near = near_matches(tokens[-1], list(self._document.get("$defs", {}))) if tokens else ()
            hint = f"did you mean {', '.join(near)}" if near else "define it"
            raise RequestError(
                f"the reference {reference[:120]!r} leads nowhere: {exc.args[0]}.", cure=f"{hint}?" if near else hint
            ) from None

    def check(self) -> None:
        """Every reference leads somewhere and none is an alias of itself. Raises RequestError."""
        done: set[str] = set()
        for reference in self._all():
            if reference not in done:
                self._check_chain(reference, (), done)

    def _all(self) -> Iterator[str]:
        todo: list[Any] = [self._document]
        while todo:
            schema = todo.pop()
            if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
                yield schema["$ref"]
            todo.extend(part for _, part in children(schema))

    def _check_chain(self, reference: str, chain: tuple[str, ...], done: set[str]) -> None:
        if reference in chain:
            loop = (*chain[chain.index(reference) :], reference)
            shown = " -> ".join(name_of(r) for r in loop)
            raise RequestError(f"references lead in a circle: {shown}.", cure="let one of them describe a type")
        if reference in done:
            return
        if len(chain) >= _MAX_CHAIN:
            raise RequestError(f"a chain of more than {_MAX_CHAIN} references.", cure="refer to the type itself")
        for following in _aliased(self.target(reference)):
            self._check_chain(following, (*chain, reference), done)
        done.add(reference)


def name_of(reference: str) -> str:
    """`#/$defs/Order` -> `Order`."""
    tokens = tokens_of(reference.removeprefix("#"))
    return tokens[-1] if tokens else "#"


def _aliased(schema: Any) -> Iterator[str]:
    """References that a schema is, not those that a part of it has."""
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("$ref"), str):
        yield schema["$ref"]
    for keyword in ("allOf", "anyOf", "oneOf"):
        parts = schema.get(keyword)
        for part in parts if isinstance(parts, list) else ():
            yield from _aliased(part)
