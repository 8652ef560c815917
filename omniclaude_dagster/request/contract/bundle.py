"""References across documents: from a place in one file to a single schema that needs nothing beside itself.

Every reached target becomes an entry of `$defs`, and every reference points there; a reference to the place itself
becomes `#`. What the references mean (recursion, aliases) is read in `contracts/references.py`.
"""

import re
from collections import deque
from typing import Any

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.contract.dialect import in_2020
from omniclaude_dagster.request.contract.documents import Document, DocumentFolder, Location, anchor_address, joined
from omniclaude_dagster.request.contract.pointers import followed, pointer_of, tokens_of
from omniclaude_dagster.request.contract.schema_walk import with_children

MAX_TARGETS = 1_000
MAX_REFERENCES = 20_000
_KEPT_DEFINITIONS = ("Input", "Output", "input", "output")


class Bundle:
    """Collects the targets of references while schemas are rewritten."""

    def __init__(self, folder: DocumentFolder) -> None:
        self._folder = folder
        self._names: dict[Location, str] = {}
        self._waiting: deque[Location] = deque()
        self._root: Location | None = None
        self._references = 0

    def rooted(self, root: Location) -> dict[str, Any]:
        """The schema at a place with everything it refers to. Raises RequestError."""
        self._root = root
        schema = self.schema(root)
        if not isinstance(schema, dict):
            raise RequestError(f"{_shown(root)} is no JSON Schema.", cure="point to an object with `properties`")
        schema = {k: v for k, v in schema.items() if k not in {"$defs", "definitions"}}
        kept = self._kept_definitions(root)
        return {**schema, **self.definitions(kept)}

    def schema(self, place: Location) -> Any:
        """One schema with its references renamed."""
        document = self._folder.load(place.document)
        try:
            found = followed(document.data, place.tokens)
        except LookupError as exc:
            raise _no_target(document, place, exc) from None
        return in_2020(self.rewritten(found, place))

    def rewritten(self, schema: Any, place: Location) -> Any:
        """A copy of a schema that stands somewhere, with its references renamed and their targets remembered."""
        if not isinstance(schema, dict):
            return schema
        copy = {k: v for k, v in schema.items() if k not in {"$defs", "definitions"}}
        place = self._nearest(schema, place)
        changed = with_children(copy, lambda part: self.rewritten(part, place))
        for keyword in ("$ref", "$dynamicRef"):
            if isinstance(schema.get(keyword), str):
                changed.pop(keyword)
                changed["$ref"] = self.renamed(schema[keyword], place)
        mapping = self._discriminator(schema, place)
        return {**changed, **mapping}

    def renamed(self, reference: str, place: Location) -> str:
        """The reference as it is written in the bundle."""
        self._references += 1
        if self._references > MAX_REFERENCES:
            raise RequestError(f"the contract holds more than {MAX_REFERENCES:,} references.", cure="split it up")
        target = self._target(reference, place)
        if target == self._root:
            return "#"
        return "#/$defs/" + self._name(target).replace("~", "~0").replace("/", "~1")

    def looked_up(self, reference: str, place: Location) -> tuple[Any, Location]:
        """What a reference that is no schema's leads to, and where that stands. Raises RequestError."""
        target = self._target(reference, place)
        document = self._folder.load(target.document)
        try:
            return followed(document.data, target.tokens), target
        except LookupError as exc:
            raise _no_target(document, target, exc) from None

    def definitions(self, kept: dict[str, Location] | None = None) -> dict[str, Any]:
        """`$defs` with every target that was met, and those they lead to."""
        found: dict[str, Any] = {name: self._kept(place, name) for name, place in (kept or {}).items()}
        while self._waiting:
            place = self._waiting.popleft()
            found[self._names[place]] = self.schema(place)
        return {"$defs": found} if found else {}

    def _nearest(self, schema: dict[str, Any], place: Location) -> Location:
        """An `$id` inside a schema changes what the references below it are relative to."""
        identity = schema.get("$id")
        if not isinstance(identity, str):
            return place
        base, _ = self._folder.load(place.document).base_of(place.tokens)
        return self._folder.place_of(joined(base, identity).rstrip("#")) or place

    def _kept(self, place: Location, name: str) -> Any:
        self._names.setdefault(place, name)
        if place in self._waiting:
            self._waiting.remove(place)
        return self.schema(place)

    def _kept_definitions(self, root: Location) -> dict[str, Location]:
        """`$defs.Input` and `$defs.Output` are said to be the node's models, whether or not they are referred to."""
        data = followed(self._folder.load(root.document).data, root.tokens)
        return {
            name: Location(root.document, (*root.tokens, keyword, name))
            for keyword in ("$defs", "definitions")
            for name in _KEPT_DEFINITIONS
            if isinstance(data.get(keyword), dict) and name in data[keyword]
        }

    def _target(self, reference: str, place: Location) -> Location:
        document = self._folder.load(place.document)
        base, base_tokens = document.base_of(place.tokens)
        address, _, fragment = reference.partition("#")
        if not address:
            return self._in_document(document, base, base_tokens, fragment, reference)
        known = self._folder.place_of(joined(base, address))
        if known is None:
            name = self._folder.sibling(place.document, address)
            known = Location(self._folder.load(name).name)
        other = self._folder.load(known.document)
        return self._in_document(other, other.base_of(known.tokens)[0], known.tokens, fragment, reference)

    def _in_document(
        self, document: Document, base: str, base_tokens: tuple[str, ...], fragment: str, reference: str
    ) -> Location:
        if fragment == "" or fragment.startswith("/"):
            return Location(document.name, (*base_tokens, *tokens_of(fragment)))
        place = self._folder.place_of(anchor_address(base, document.name, fragment))
        if place is None:
            anchors = sorted(a.rpartition("#")[2] for a in document.addresses if "#" in a)
            there = f"anchors there: {', '.join(anchors[:8])}" if anchors else "it has no anchors"
            raise RequestError(
                f"the reference {reference[:120]!r} names no anchor of {document.name or 'the contract'}; {there}.",
                cure="correct the reference",
            )
        return place

    def _name(self, target: Location) -> str:
        if target not in self._names:
            if len(self._names) >= MAX_TARGETS:
                raise RequestError(
                    f"the contract refers to more than {MAX_TARGETS:,} definitions.",
                    cure="point to a smaller part of it: FILE#/components/schemas/NAME",
                )
            last = target.tokens[-1] if target.tokens else target.document.rpartition("/")[2].partition(".")[0]
            wanted = re.sub(r"[^A-Za-z0-9_.-]+", "_", last).strip("_") or "definition"
            taken = set(self._names.values())
            name, number = wanted, 2
            while name in taken:
                name, number = f"{wanted}_{number}", number + 1
            self._names[target] = name
            self._waiting.append(target)
        return self._names[target]

    def _discriminator(self, schema: dict[str, Any], place: Location) -> dict[str, Any]:
        """OpenAPI's mapping holds references, or names of schemas that stand beside each other."""
        given = schema.get("discriminator")
        mapping = given.get("mapping") if isinstance(given, dict) else None
        if not isinstance(given, dict) or not isinstance(mapping, dict):
            return {}
        renamed = {}
        for value, target in mapping.items():
            if isinstance(target, str):
                is_name = "/" not in target and "#" not in target and "." not in target
                renamed[value] = self.renamed(f"#/components/schemas/{target}" if is_name else target, place)
        return {"discriminator": {**given, "mapping": renamed}}


def _no_target(document: Document, place: Location, exc: LookupError) -> RequestError:
    name = document.name or "the contract"
    return RequestError(
        f"{name} has nothing at {pointer_of(place.tokens)[:200]!r}: {exc.args[0]}.", cure="correct the pointer"
    )


def _shown(place: Location) -> str:
    return f"{place.document}#{pointer_of(place.tokens)}"[:200]
