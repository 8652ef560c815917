"""What the operation of ProductIndex did."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumProductIndexOperation


class ModelProductIndexOutput(BaseModel):
    """What the operation of ProductIndex did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: EnumProductIndexOperation = Field(description="What was done.")
    count: int = Field(ge=0, description="Documents written, deleted or found.")
    document_id: str = Field(default="", description="Id of the document.")
    document: dict[str, JsonValue] = Field(default_factory=dict, description="Document that was read.")
    documents: dict[str, dict[str, JsonValue]] = Field(
        default_factory=dict, description="Found documents by id, best first."
    )
    total: int = Field(default=0, ge=0, description="Documents the search matches.")
    failures: dict[str, str] = Field(default_factory=dict, description="Documents that were not stored, and why.")
    attempts: int = Field(default=1, ge=1, description="Requests that were sent.")
