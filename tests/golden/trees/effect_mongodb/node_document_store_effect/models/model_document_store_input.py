"""One database operation of DocumentStore."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumDocumentStoreOperation


class ModelDocumentStoreInput(BaseModel):
    """One database operation of DocumentStore."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    collection: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,119}$", description="Collection to work on.")
    operation: EnumDocumentStoreOperation = Field(default=EnumDocumentStoreOperation.INSERT, description="What to do.")
    document: dict[str, JsonValue] = Field(default_factory=dict, description="Document, or the fields an update sets.")
    match: dict[str, JsonValue] = Field(default_factory=dict, description="Fields that select documents, by equality.")
    limit: int = Field(default=100, ge=1, le=10000, description="Most documents a find returns.")
