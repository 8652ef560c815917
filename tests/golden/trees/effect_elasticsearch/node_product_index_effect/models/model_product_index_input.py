"""One operation of ProductIndex on an index."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumProductIndexOperation


class ModelProductIndexInput(BaseModel):
    """One operation of ProductIndex on an index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,199}$", description="Index to work on.")
    operation: EnumProductIndexOperation = Field(default=EnumProductIndexOperation.INDEX, description="What to do.")
    document_id: str = Field(
        default="", max_length=512, description="Id of the document; an index operation makes one up."
    )
    document: dict[str, JsonValue] = Field(default_factory=dict, description="Document to store.")
    only_if_absent: bool = Field(default=False, description="Never replace a document with another.")
    documents: dict[str, dict[str, JsonValue]] = Field(
        default_factory=dict, max_length=10000, description="Documents to store, by id."
    )
    is_searchable_at_once: bool = Field(default=False, description="Wait until searches see the change.")
    match: dict[str, str] = Field(default_factory=dict, description="Words to look for, by field.")
    term: dict[str, str | int | float | bool] = Field(default_factory=dict, description="Exact values, by field.")
    limit: int = Field(default=10, ge=1, le=1000, description="Most documents a search returns.")
