"""One call of OrderApi."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumOrderApiOperation


class ModelOrderApiInput(BaseModel):
    """One call of OrderApi."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(pattern=r"^/[^\s?#]*$", description="Path below the base address.")
    operation: EnumOrderApiOperation = Field(default=EnumOrderApiOperation.GET, description="What to do.")
    query: dict[str, str] = Field(default_factory=dict, description="Query parameters.")
    headers: dict[str, str] = Field(default_factory=dict, description="Additional headers.")
    body: JsonValue = Field(default=None, description="JSON body, if the call has one.")
    idempotency_key: str = Field(
        default="", max_length=255, description="Makes a repeated call the same one, for an API that knows this header."
    )
