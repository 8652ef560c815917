"""What to do about each complaint about a contract. Words only; judging is done in `check.py`."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omniclaude_dagster.contracts.check.located import Path
from omniclaude_dagster.request.model import NodeKind

_SEMVER = "{major: 1, minor: 0, patch: 0}"
_MISSING = {
    "name": "add `name: node_<what_it_is_called>_<kind>`",
    "contract_version": f"add `contract_version: {_SEMVER}`",
    "description": "add `description:` with one sentence that says what the node does",
    "node_type": "add `node_type: {kind}_GENERIC`",
    "input_model": "add `input_model: <package>.models.<module>.<Class>`",
    "output_model": "add `output_model: <package>.models.<module>.<Class>`",
}
# Names of other dialects and older cores, and what this one calls them.
_RENAMED = {
    "version": "it is called {version_field} now",
    "contract_name": "it is called name",
    "node_name": "it is called name",
    "metadata": "use description, tags or annotations",
    "subcontracts": "write each subcontract under its own field: state_machine, event_type, aggregation, ...",
    "effect_operations": "use io_operations; effect_operations belongs to the framework's run-time dialect",
    "effect_subcontract": "use io_operations; effect_subcontract belongs to the framework's run-time dialect",
    "definitions": "put the fields into the models that input_model and output_model name",
    "fsm": "it is called state_machine",
    "actions": "use io_operations, reduction_operations or workflow_coordination",
}
_RUNTIME_KEYS = ("handler", "descriptor", "terminal_event")
_SCHEMA_KEYS = ("$schema", "openapi", "swagger", "properties", "$defs", "$ref")
_CONTRACT_KEYS = frozenset({"node_type", "contract_version", "input_model", "output_model"})
_BY_TYPE = {
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "string_type": "write text; put it in quotes if it looks like a number",
    "string_too_short": "write something here",
    "list_type": "write a list: one `- item` a line",
    "dict_type": "write a mapping: `key: value`",
    "too_short": "add an item",
    "extra_forbidden": "remove it, or correct its name",
}


@dataclass(frozen=True)
class ForeignDialect:
    """A document that is a contract of another kind altogether."""

    key: str
    message: str
    cure: str


def foreign_dialect(document: Mapping[str, Any]) -> ForeignDialect | None:
    """Recognise a schema, and the run-time handler dialect, which the contract models do not know."""
    schema = next((key for key in _SCHEMA_KEYS if key in document), None)
    if schema is not None and not _CONTRACT_KEYS.intersection(document):
        return ForeignDialect(
            schema,
            f"`{schema}` belongs to a JSON Schema or an OpenAPI document; this is no contract.yaml",
            "a node is built from it by: omniclaude generate --contract FILE",
        )
    key = next((key for key in _RUNTIME_KEYS if key in document), None)
    if key is None or "input_model" in document:
        return None
    return ForeignDialect(
        key,
        f"`{key}` belongs to the framework's run-time handler dialect, which its contract models do not accept",
        "describe the node with node_type, input_model and output_model instead",
    )


def for_missing(name: str, kind: NodeKind) -> str:
    """What to add for a required field."""
    return _MISSING.get(name, f"add `{name}:`").replace("{kind}", kind.value)


def for_unknown_key(key: str, known: tuple[str, ...], version_field: str) -> str:
    """What an unknown field was probably meant to be."""
    if key in _RENAMED:
        return _RENAMED[key].replace("{version_field}", version_field)
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close else "remove it"


def for_error(kind: str, message: str, place: Path, given: Any) -> tuple[str, str]:
    """`(message, cure)` for a complaint of Pydantic."""
    last = str(place[-1]) if place else ""
    if kind == "missing":
        cure = f"add `{last}: {_SEMVER}`" if last.endswith("version") else f"add `{last}:`"
        return f"{last} is missing", cure
    if last.endswith("version") and not isinstance(given, Mapping):
        return f"a version is a mapping, not {_shown(given)}", f"write {_SEMVER}"
    shown = f"{message[0].lower()}{message[1:]}" if message else kind
    is_plain = isinstance(given, str | int | float | bool)
    return (f"{shown}, not {_shown(given)}" if is_plain else shown), _BY_TYPE.get(kind, "")


def for_message(message: str) -> str:
    """The cure for a complaint in the core's own words; empty where the words say it."""
    lower = message.lower()
    if "weights must sum" in lower:
        return "make the weights of all factors sum to 1.0"
    if "performance requirement" in lower:
        return "add `performance: {single_operation_max_ms: 1000}`"
    if "not found in states" in lower:
        return "add the state to states, or correct its name"
    if "does not follow onex patterns" in lower:
        return "set dependency_type: protocol (with `protocol` in the name), service, module, external or environment"
    if "name too short" in lower:
        return "use a name of at least 2 characters"
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
