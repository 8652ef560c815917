"""What distinguishes nodes for one outside system. Everything a system needs is said once, in its module here.

The templates of a system carry its flavour in their names: `logic/effect_<flavour>`, `common/config_<flavour>`,
`tests/support_<flavour>` and `tests/part_<flavour>`.
What is asked for is found by words (`asked_operations`); a system that knows better brings its own `choose`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint
from omniclaude_dagster.request import naming

Import = tuple[str, str]


@dataclass(frozen=True)
class SystemModels:
    """Input and output model of a node for one system, and an input with which it is first executed.

    `extra_models` and `extra_enums` are those that the fields of the two mention.
    """

    input_model: ModelSpec
    output_model: ModelSpec
    sample: Mapping[str, Any]
    extra_models: tuple[ModelSpec, ...] = ()
    extra_enums: tuple[EnumSpec, ...] = ()


def _nothing(blueprint: NodeBlueprint) -> dict[str, Any]:
    del blueprint
    return {}


def _asked_or_all(said: frozenset[str], asked: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    del said
    return asked or known


@dataclass(frozen=True)
class System:
    """One outside system. `operation_words`: each operation of a node, and the words that ask for it.

    `side_effect` is the source of the expression that names what was done; `request` is in reach there.
    `opener` is the function of logic.py that opens a client or session for one operation; `client` is the class of
    client.py (see `extra_files`) that a node keeps from its first operation to its cleanup. A node takes another in
    the place of either.
    `choose(said, asked, known)` corrects the operations that the words alone ask for.
    `extra_files` are files of the node beside the usual ones, by their templates.
    """

    name: str
    flavour: str
    effect_type: str
    operation_prefix: str
    operation_words: Mapping[str, tuple[str, ...]]
    models: Callable[[PlanInput, EnumSpec], SystemModels]
    side_effect: str
    opener: str | None = None
    client: str | None = None
    requirements: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    client_imports: tuple[Import, ...] = ()
    is_idempotent: bool = False
    template_context: Callable[[NodeBlueprint], dict[str, Any]] = _nothing
    choose: Callable[[frozenset[str], tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = _asked_or_all
    extra_files: Mapping[str, str] = field(default_factory=dict)


def asked_operations(plan: PlanInput, system: System) -> tuple[str, ...]:
    """The operations the request asks for, in the order of the system's table; all or its usual ones for none.

    A word of the table may be several: `hash get` is asked for where both are said.
    """
    said = _said_words(plan)
    known = tuple(system.operation_words)
    if "crud" in said:
        return system.choose(said, known, known)
    asked = tuple(
        operation
        for operation, words in system.operation_words.items()
        if any(said.issuperset(word.split()) for word in words)
    )
    return system.choose(said, asked, known)


def _said_words(plan: PlanInput) -> frozenset[str]:
    text = plan.request.prompt.lower()
    said = set(re.findall(r"[a-z0-9]+", " ".join([text, *plan.parsed.operations]).replace("_", " ")))
    # "Create an EFFECT node" asks for a node, not for an insert.
    leading = re.match(r"\s*(?:please\s+)?([a-z]+)", text)
    if leading and leading[1] in {"create", "add", "write", "post"} and text.count(leading[1]) == 1:
        said.discard(leading[1])
    return frozenset(said)


def operation_field(enum: EnumSpec) -> FieldSpec:
    """The input field that says what to do; the first operation is its default."""
    return FieldSpec("operation", enum.class_name, "What to do.", f"{enum.class_name}.{member_name(enum.values[0])}")


def member_name(value: str) -> str:
    """Enum member for a value: `select` -> `SELECT`."""
    return naming.snake_case(value).upper() if not value.isupper() else value
