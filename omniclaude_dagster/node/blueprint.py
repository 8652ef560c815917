"""The one typed model of a node, from which contract, code, tests and documents are all rendered.

Nothing here renders or reads; text that came from a person or a model is stored as data and escaped by the
renderer. `Logic.source` is the only code in it, and it lands in `logic.py` only.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from omniclaude_dagster.request import naming
from omniclaude_dagster.request.model import ContractHints, Example, NodeKind
from omniclaude_dagster.request.understanding.summary import task_sentence

LogicOrigin = Literal["template", "pattern", "model", "person", "scaffold"]


@dataclass(frozen=True)
class FieldSpec:
    """One field of a generated model. `type` and `default` are Python source made by `contracts.type_mapper`."""

    name: str
    type: str
    description: str = ""
    default: str | None = None
    constraints: Mapping[str, int | float | str] = field(default_factory=dict)
    # Name in JSON where that is no Python name.
    alias: str | None = None

    @property
    def imports(self) -> tuple[tuple[str, str], ...]:
        """`(module, symbol)` pairs that type and default need."""
        words = self.names
        return tuple((_MODULES[w], w) for w in sorted(words) if w in _MODULES)

    @property
    def names(self) -> frozenset[str]:
        """Every name in type and default."""
        factory = "" if self.default in {"dict", "list"} else self.default or ""
        return names_in(self.type) | names_in(factory)

    @property
    def enums(self) -> tuple[str, ...]:
        """Generated enums the type mentions."""
        return tuple(w for w in sorted(self.names) if w.startswith("Enum"))


@dataclass(frozen=True)
class ModelSpec:
    """A generated Pydantic model, one per file."""

    class_name: str
    description: str
    fields: tuple[FieldSpec, ...]
    # What happens to keys that no field names: refused, or left out where a schema allows more than it says.
    extra: Literal["forbid", "ignore"] = "forbid"
    # Engine of the fields' patterns where Pydantic's own cannot read one.
    regex_engine: Literal["rust-regex", "python-re"] = "rust-regex"

    @property
    def module(self) -> str:
        """`ModelUserWriterInput` -> `model_user_writer_input`."""
        return naming.snake_case(self.class_name)


@dataclass(frozen=True)
class EnumSpec:
    """A generated enum, one per file. `members` are the names of the values where those were chosen for them.

    The values of an IntEnum are the digits of its numbers.
    """

    class_name: str
    description: str
    values: tuple[str, ...]
    members: tuple[str, ...] = ()
    base: Literal["StrEnum", "IntEnum"] = "StrEnum"

    @property
    def module(self) -> str:
        """`EnumUserWriterOperation` -> `enum_user_writer_operation`."""
        return naming.snake_case(self.class_name)


@dataclass(frozen=True)
class Logic:
    """The body of a node's work: where it came from, and its source when it is not a template's.

    `open_point`: what a person must still look at before the node counts as published; empty for nothing.
    `is_total`: known to answer every valid input, so that its property test allows no refusal.
    """

    origin: LogicOrigin
    function: str
    source: str | None = None
    template: str | None = None
    model: str | None = None
    detail: str = ""
    open_point: str = ""
    is_total: bool = False


@dataclass(frozen=True)
class SignatureSpec:
    """A plain function the request spells out; logic.py holds it, and a node calls it field by field.

    `parameters` are fields of the input model, in the function's order; the result is the output model's only field.
    """

    function: str
    parameters: tuple[str, ...]
    returns: str
    docstring: str = ""
    # Annotation of each parameter of the function; a field can be wider where values were only shown.
    annotations: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepSpec:
    """One step of an orchestrator and the names of the steps it waits for."""

    name: str
    step_type: str
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventBusSpec:
    """Topics of a node (stage 4.5)."""

    publish_topics: tuple[str, ...]
    subscribe_topics: tuple[str, ...]
    introspection_topic: str


@dataclass(frozen=True)
class NodeBlueprint:
    """Everything known about one node before it becomes files."""

    request_id: str
    kind: NodeKind
    name: str
    domain: str
    description: str
    operations: tuple[str, ...]
    external_systems: tuple[str, ...]
    features: tuple[str, ...]
    input_model: ModelSpec
    output_model: ModelSpec
    logic: Logic
    flavour: str
    sample_input: Mapping[str, Any]
    extra_models: tuple[ModelSpec, ...] = ()
    enums: tuple[EnumSpec, ...] = ()
    examples: tuple[Example, ...] = ()
    steps: tuple[StepSpec, ...] = ()
    event_bus: EventBusSpec | None = None
    requirements: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    operation_values: tuple[str, ...] = ()
    signature: SignatureSpec | None = None
    contract_hints: ContractHints = field(default_factory=ContractHints)
    # The request as JSON that can be given again (`request.json` of the node).
    request_json: str = ""
    # Sections of the contract a person gave; they win over what is inferred.
    given_contract: Mapping[str, Any] | None = None
    # What the given contract says and the generated models do not check.
    contract_notes: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name without its kind."""
        return naming.stem(self.name, self.kind)

    @property
    def snake(self) -> str:
        """The stem in snake case."""
        return naming.snake_case(self.stem)

    @property
    def class_name(self) -> str:
        """Class of the node."""
        return naming.class_name(self.name, self.kind)

    @property
    def package_name(self) -> str:
        """Package of the node."""
        return naming.package_name(self.name, self.kind)

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """Every model, the input first."""
        return (self.input_model, self.output_model, *self.extra_models)

    @property
    def summary(self) -> str:
        """What the node does, in a sentence."""
        return task_sentence(self.description)

    @property
    def is_scaffold(self) -> bool:
        """True when no body could be filled in."""
        return self.logic.origin == "scaffold"

    @property
    def unfilled_operation(self) -> str:
        """The operation a scaffold leaves open."""
        return self.operations[0] if self.operations else self.logic.function

    def with_logic(self, logic: Logic) -> "NodeBlueprint":
        """The same node with another body."""
        return replace(self, logic=logic)

    def with_event_bus(self, event_bus: EventBusSpec) -> "NodeBlueprint":
        """The same node with its topics."""
        return replace(self, event_bus=event_bus)


# Where the names that types are written with come from.
_MODULES = {
    **dict.fromkeys(("Annotated", "Literal"), "typing"),
    **dict.fromkeys(("date", "datetime", "time", "timedelta"), "datetime"),
    **dict.fromkeys(("IPv4Address", "IPv6Address"), "ipaddress"),
    "Decimal": "decimal",
    "UUID": "uuid",
    **dict.fromkeys(
        ("AfterValidator", "AwareDatetime", "Base64Bytes", "Field", "JsonValue", "SecretStr", "StrictBool",
         "StrictFloat", "StrictInt"), "pydantic"),
}  # fmt: skip


@lru_cache(maxsize=4096)
def names_in(source: str) -> frozenset[str]:
    """Every name in a Python expression; what stands inside text is none."""
    if not source:
        return frozenset()
    return frozenset(node.id for node in ast.walk(ast.parse(source, mode="eval")) if isinstance(node, ast.Name))
