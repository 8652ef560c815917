"""One database operation of UserStore."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumUserStoreOperation


class ModelUserStoreInput(BaseModel):
    """One database operation of UserStore."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(
        default="users",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$",
        description="Table, with its schema if it is not on the search path.",
    )
    user_id: UUID
    email: str
    age: int
    is_active: bool
    created_at: datetime
    operation: EnumUserStoreOperation = Field(default=EnumUserStoreOperation.INSERT, description="What to do.")
    match: dict[str, JsonValue] = Field(default_factory=dict, description="Columns that select the rows, by equality.")
    conflict_columns: list[str] = Field(
        default_factory=lambda: ["user_id"], description="Columns that make an upsert's row unique."
    )
    limit: int = Field(default=100, ge=1, le=10000, description="Most rows a select returns.")
