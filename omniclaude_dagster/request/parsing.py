"""JSON and YAML read strictly: what two readers could understand differently is refused.

No duplicate keys, no NaN, no aliases, anchors, merges or tags, bounded depth and numbers. Turns text into plain
data; knows no schema.
"""

import json
from typing import Any, NoReturn

import yaml

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.text_rules import MAX_DEPTH, MAX_INTEGER_DIGITS

# libyaml where the platform has it: the same events and nodes, 10 times as fast.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"


def parse_json(text: str) -> Any:
    """Data of a JSON text. Raises RequestError with line and column."""
    try:
        return json.loads(
            text, object_pairs_hook=_unique_object, parse_constant=_refuse_constant, parse_int=_bounded_integer
        )
    except json.JSONDecodeError as exc:
        raise RequestError(
            f"not valid JSON: {exc.msg} in line {exc.lineno}, column {exc.colno}.", cure="correct it there"
        ) from None
    except RecursionError:
        raise RequestError(f"the JSON text {_TOO_DEEP}.", cure="flatten it") from None


def parse_yaml(text: str) -> Any:
    """Data of a YAML text with one document. Dates stay text. Raises RequestError with line and column."""
    try:
        _refuse_hidden_structure(text)
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader that refuses more
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = exc.problem or exc.context or "cannot be read"
        raise RequestError(f"not valid YAML: {problem}{where}.", cure="correct it there") from None
    except (yaml.YAMLError, ValueError) as exc:
        first_line = str(exc).partition("\n")[0]
        raise RequestError(f"not valid YAML: {first_line}.", cure="correct it or write JSON") from None
    except RecursionError:
        raise RequestError(f"the YAML text {_TOO_DEEP}.", cure="flatten it") from None


def _unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RequestError(f"the key {key[:80]!r} occurs twice in one object.", cure="keep one of them")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise RequestError(f"{name} is not a JSON number.", cure="write a finite number or null")


def _bounded_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise RequestError(
            f"a whole number has {len(digits.lstrip('-')):,} digits; at most {MAX_INTEGER_DIGITS} are accepted.",
            cure="write it as text, in quotes",
        )
    return int(digits)


def _refuse_hidden_structure(text: str) -> None:
    """Look at the events alone, before anything is built: a bomb of aliases needs no memory here."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise RequestError("YAML anchors and aliases are not accepted.", cure="write the value out in each place")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise RequestError(f"the YAML tag {tag[:60]!r} is not accepted.", cure="remove it")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH + 1:
            raise RequestError(f"the YAML text {_TOO_DEEP}.", cure="flatten it")


class _StrictLoader(_Loader):  # type: ignore[misc]
    """Refuses duplicate and merge keys; leaves dates as text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own contract: a class attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in _Loader.yaml_implicit_resolvers.items()
    }


def _construct_unique_mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key_node.start_mark)
        key = loader.construct_object(key_node)
        if key in found:
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} occurs twice", problem_mark=key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _construct_unique_mapping)
