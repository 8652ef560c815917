"""What may be asked of the service: one strict model a request. Checks types and sizes; meaning is checked below."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from omniclaude_dagster.patterns.model import MIN_QUALITY, PatternType
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.surfaces.api import samples
from omniclaude_dagster.surfaces.api.config import KIB
from omniclaude_dagster.surfaces.api.texts import (
    COST_USD_SCHEMA,
    MAX_COST_NANOUSD,
    WHOLE,
    Body,
    CostUsd,
    FieldTypes,
    PlainLine,
    PlainName,
    PromptText,
    Systems,
    Timestamp,
    UuidText,
    nanousd_of,
)

MAX_LIMIT = 50
MAX_REPORTS = 1000
_MAX_FILE_CHARS = 64 * KIB
_MAX_EXAMPLES = 100
_MAX_TOKENS = 10**9
_MAX_LATENCY_MS = 10**9

_Kind = Annotated[NodeKind, Field(strict=False)]
_FileText = Annotated[str, StringConstraints(max_length=_MAX_FILE_CHARS)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Stage = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
_Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
_Domain = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]{0,62})?$")]
_NanoUsd = Annotated[int, Field(ge=0, le=MAX_COST_NANOUSD), WHOLE]
_NANOUSD_SCHEMA: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": MAX_COST_NANOUSD}
_Origin = Literal["template", "earlier_generation", "model", "person"]


def _without_default(schema: dict[str, Any]) -> None:
    """A field that may be missing but not be null."""
    schema.pop("default", None)


class PatternSearch(Body):
    """Which patterns fit a task. `systems`: a pattern must use all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [samples.SEARCH]})

    text: PromptText
    node_kind: _Kind
    systems: Systems = Field([])
    inputs: FieldTypes = Field({})
    outputs: FieldTypes = Field({})
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE] = 5


class AssistRequest(Body):
    """A request in plain words, before it is generated. What is given beside the prompt wins over it."""

    model_config = ConfigDict(json_schema_extra={"examples": [samples.ASSIST]})

    prompt: PromptText
    node_kind: _Kind | None = None
    name: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]{0,63}$")] | None = None
    domain: _Domain | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE] = 5


class NewPattern(Body):
    """A generation that was published and executed, with the code that solved it.

    `code` is Python source that holds `function`; equal code is the same pattern, whoever stores it.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [samples.PATTERN]})

    name: PlainName
    description: PromptText
    node_kind: _Kind
    domain: _Domain
    systems: Systems = Field([])
    function: PlainName
    code: Annotated[_FileText, Field(min_length=1)]
    inputs: FieldTypes
    outputs: FieldTypes
    input_class: PlainName
    output_class: PlainName
    contract: _FileText
    models: Annotated[dict[PlainLine, _FileText], Field(max_length=20)]
    request: Annotated[dict[str, JsonValue], Field(max_length=50)]
    examples: Annotated[list[dict[str, JsonValue]], Field(max_length=_MAX_EXAMPLES)] = Field([])
    origin: _Origin
    quality_score: Annotated[float, Field(le=1, json_schema_extra={"minimum": MIN_QUALITY})]
    models_used: Annotated[list[PlainName], Field(max_length=20)] = Field([])
    core_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,6}){1,3}$")]
    request_id: _Label
    correlation_id: UuidText
    pattern_type: PatternType | None = None
    reuse_conditions: Annotated[list[PlainLine], Field(max_length=20)] | None = None

    @field_validator("quality_score")
    @classmethod
    def _is_proven(cls, value: float) -> float:
        if value < MIN_QUALITY:
            raise PydanticCustomError(
                "quality_too_low", "the library stores only patterns of quality {least} or more", {"least": MIN_QUALITY}
            )
        return value


class Report(Body):
    """One run of a model that the caller measured. Exactly one of `cost_usd` and `cost_nanousd` is given."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["cost_usd"]}, {"required": ["cost_nanousd"]}]})

    id: UuidText = Field(description="The caller's own: the same id counts once.")
    correlation_id: UuidText
    stage: _Stage
    model_name: PlainName
    tokens_input: Annotated[int, Field(ge=0, le=_MAX_TOKENS), WHOLE]
    tokens_output: Annotated[int, Field(ge=0, le=_MAX_TOKENS), WHOLE]
    latency_ms: Annotated[float, Field(ge=0, le=_MAX_LATENCY_MS)]
    cost_usd: Annotated[CostUsd | None, WithJsonSchema(COST_USD_SCHEMA)] = Field(
        None, json_schema_extra=_without_default
    )
    cost_nanousd: Annotated[_NanoUsd | None, WithJsonSchema(_NANOUSD_SCHEMA)] = Field(
        None, json_schema_extra=_without_default
    )
    quality_score: _Share | None = None
    success: bool
    timestamp: Timestamp | None = Field(None, description="When it ran; without it, when it is stored.")

    @model_validator(mode="before")
    @classmethod
    def _has_one_cost(cls, data: Any) -> Any:
        if isinstance(data, dict):
            # Null is none of both: the types below take it only as their default.
            given = [name for name in ("cost_usd", "cost_nanousd") if name in data]
            if len(given) != 1 or data[given[0]] is None:
                raise PydanticCustomError("one_cost", "give exactly one of cost_usd and cost_nanousd")
        return data

    @property
    def nanousd(self) -> int:
        """The cost, exact."""
        return self.cost_nanousd if self.cost_usd is None else nanousd_of(self.cost_usd)  # type: ignore[return-value]


class Reports(Body):
    """A batch of measured runs; stored as a whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [samples.REPORTS]})

    rows: Annotated[list[Report], Field(min_length=1, max_length=MAX_REPORTS)]
