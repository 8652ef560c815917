"""Fields a person names for the node's data: `net (float)`, `user_id: UUID`, `takes x and y`, `a list of integers`.

Conservative on purpose: a word becomes a field only where the prompt marks it as one.
"""

import re

from omniclaude_dagster.request.model import FieldHint
from omniclaude_dagster.request.understanding import words
from omniclaude_dagster.request.understanding.text import Text

MAX_FIELDS = 20
# What people call a type -> the name a FieldHint carries (JSON-schema words, with a format after the slash).
_TYPES = {
    "str": "string", "string": "string", "text": "string", "strings": "string",
    "int": "integer", "integer": "integer", "integers": "integer", "ints": "integer", "long": "integer",
    "float": "number", "floats": "number", "number": "number", "numbers": "number", "double": "number",
    "decimal": "string/decimal", "bool": "boolean", "boolean": "boolean", "flag": "boolean",
    "uuid": "string/uuid", "date": "string/date", "datetime": "string/date-time", "timestamp": "string/date-time",
    "time": "string/time", "bytes": "string/binary", "email": "string/email", "url": "string/uri",
    "dict": "object", "object": "object", "json": "object", "mapping": "object",
    "list": "array", "array": "array", "tuple": "array",
}  # fmt: skip
_TYPE_WORD = "|".join(sorted(_TYPES, key=len, reverse=True))
_TYPE = rf"(?:(?:list|array|set)(?:\[| of )(?:{_TYPE_WORD})\]?|(?:{_TYPE_WORD}))(?![\w])(?:\s?\|\s?None)?"
_ANNOTATED = re.compile(rf"\b([a-z_][a-z0-9_]{{0,40}})[`\"']?\s{{0,2}}:\s{{0,2}}({_TYPE})", re.IGNORECASE)
_BRACKETED = re.compile(
    rf"\b([a-z_][a-z0-9_]{{0,40}})[`\"']?\s{{0,2}}\(\s{{0,2}}(?:an? )?({_TYPE})\s{{0,2}}\)", re.IGNORECASE
)
_WORDED = re.compile(
    rf"\b(?:an?|the) ({_TYPE_WORD}) (?:called |named )?[`\"']([a-z_][a-z0-9_]{{0,40}})[`\"']", re.IGNORECASE
)
_GIVEN_LIST = re.compile(
    rf"\b(?:given|takes?|from|of) (?:an?|the) (?:list|array|sequence|set) of ({_TYPE_WORD})\b", re.IGNORECASE
)
_FIELD_LIST = re.compile(
    r"\b(?:with (?:the )?(?:fields?|parameters?|inputs?|arguments?|columns?)|"
    r"(?:fields?|parameters?|inputs?|columns?) ?:|(?<=[;,.] )(?:fields|parameters|inputs|columns)(?= )|"
    r"takes (?:in )?|given |accepts )\s{0,3}([^\n.;]{1,300})",
    re.IGNORECASE,
)
_LIST_ITEM = re.compile(r"\A[`\"']?([a-z_][a-z0-9_]{0,40})[`\"']?(?:\s{0,2}[(:].{0,40})?\Z", re.IGNORECASE)
_ITEM_SPLIT = re.compile(r",\s{0,3}and |,| and ")
_BRACKET_CONTENT = re.compile(r"\([^()]{0,60}\)")
_CUT_LIST = re.compile(
    r" (?:and (?:returns?|gives?|outputs?|computes?|calculates?|applies|produces)|as|from|to|in|for|that|which|then)\b",
    re.IGNORECASE,
)
# Types that are also good names of fields.
_ALSO_NAMES = frozenset("email date url timestamp time text number flag".split())
_NOT_FIELDS = words.STOP_WORDS | words.GENERIC_NOUNS | words.FILLERS | (frozenset(_TYPES) - _ALSO_NAMES) | frozenset(
    "name: domain type kind node description requirements result output input list is mode note returns".split()
)  # fmt: skip


def field_hints(text: Text) -> tuple[FieldHint, ...]:
    """The fields in the order of the prompt, at most MAX_FIELDS; `type` is a JSON-schema word or None."""
    clean = text.clean
    found: list[tuple[int, str, str | None]] = []
    for pattern, name_group, type_group in ((_ANNOTATED, 1, 2), (_BRACKETED, 1, 2), (_WORDED, 2, 1)):
        found.extend(
            (match.start(name_group), match[name_group], _type_name(match[type_group]))
            for match in pattern.finditer(clean)
        )
    for match in _FIELD_LIST.finditer(clean):
        names = _listed_names(match[0], match[1])
        found.extend((max(match.start(), clean.find(name, match.start(1))), name, None) for name in names)
    found.extend(
        (match.start(), "values", f"array<{_TYPES[match[1].lower()]}>") for match in _GIVEN_LIST.finditer(clean)
    )
    return _unique(found)


def is_type_word(word: str) -> bool:
    """Whether a word (with or without marks after it) is the name of a type: `str`, `uuid`, `list[int]`."""
    return re.split(r"[^A-Za-z0-9]", word, maxsplit=1)[0].lower() in _TYPES


def _type_name(written: str) -> str:
    lowered = written.lower().split("|")[0].strip()
    container = re.match(r"(?:list|array|set)(?:\[| of )(\w+)", lowered)
    if container:
        return f"array<{_TYPES.get(container[1], 'string')}>"
    return _TYPES[lowered]


def _listed_names(whole: str, listed: str) -> list[str]:
    """Names of a list; `given`, `takes` and `accepts` need two short names, since people also write sentences there."""
    is_marked = whole.lower().startswith(("with", "field", "parameter", "input", "column"))
    head = _CUT_LIST.split(listed.lstrip(": "))[0]
    items = [item.strip() for item in _ITEM_SPLIT.split(head)]
    names: list[str] = []
    for item in items:
        plain = _BRACKET_CONTENT.sub("", item).strip()
        match = _LIST_ITEM.match(plain)
        if match is None or match[1].lower() in _NOT_FIELDS:
            if not is_marked:
                return []
            continue
        names.append(match[1])
    return names if is_marked or len(names) >= 2 else []


def _unique(found: list[tuple[int, str, str | None]]) -> tuple[FieldHint, ...]:
    types: dict[str, str | None] = {}
    for _, name, kind in sorted(found, key=lambda item: item[0]):
        lower = name.lower()
        if lower in _NOT_FIELDS or not any(c.isalpha() for c in lower):
            continue
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
        types[snake] = types.get(snake) or kind
    return tuple(FieldHint(name, kind) for name, kind in list(types.items())[:MAX_FIELDS])
