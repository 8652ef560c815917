"""What a schema says that the generated models do not check: collected with its place, and shown."""

from collections.abc import Callable
from typing import Any

MAX_NOTES = 60
MAX_NOTE_CHARS = 240

_UNCHECKED = frozenset(
    "if not contains dependentSchemas dependentRequired unevaluatedItems contentMediaType contentSchema $dynamicRef "
    "readOnly writeOnly".split()
)
_KNOWN = _UNCHECKED | frozenset(
    "$ref $defs definitions type properties patternProperties additionalProperties required propertyNames "
    "minProperties maxProperties items prefixItems minItems maxItems uniqueItems minContains maxContains then else "
    "minLength maxLength pattern format contentEncoding minimum maximum exclusiveMinimum exclusiveMaximum multipleOf "
    "enum const anyOf oneOf allOf discriminator unevaluatedProperties title description default examples deprecated "
    "externalDocs xml name tags".split()
)


class Notes:
    """Notes of one contract; one that repeats itself is kept once."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}

    def add(self, path: str, text: str) -> None:
        """Note something about a place."""
        self._notes[f"{path or 'contract'}: {text}"[:MAX_NOTE_CHARS]] = None

    def at(self, path: str) -> Callable[[str], None]:
        """A function that notes something about this place."""
        return lambda text: self.add(path, text)

    def about_keywords(self, schema: dict[str, Any], path: str) -> None:
        """Note every keyword that no model checks, and every one nobody knows."""
        for keyword, value in schema.items():
            if keyword in _UNCHECKED and value is not False:
                self.add(path, f"{keyword} is not checked")
            elif keyword not in _KNOWN and not keyword.startswith("x-"):
                self.add(path, f"the keyword {keyword[:40]!r} is unknown and has no effect")

    @property
    def all(self) -> tuple[str, ...]:
        """The notes; the last one counts those that did not fit."""
        notes = tuple(self._notes)
        if len(notes) <= MAX_NOTES:
            return notes
        return (*notes[: MAX_NOTES - 1], f"and {len(notes) - MAX_NOTES + 1} more")
