"""What the database operation of DocumentStore did."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumDocumentStoreOperation


class ModelDocumentStoreOutput(BaseModel):
    """What the database operation of DocumentStore did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: EnumDocumentStoreOperation = Field(description="What was done.")
    count: int = Field(ge=0, description="Documents written, matched, deleted or found.")
    document_id: str = Field(default="", description="Id of the document that was written.")
    documents: list[dict[str, JsonValue]] = Field(default_factory=list, description="Documents that were found.")
    attempts: int = Field(default=1, ge=1, description="Times the operation was tried.")
