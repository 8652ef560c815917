"""One call of CreatePet."""

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumCreatePetOperation
from .model_new_pet import ModelNewPet


class ModelCreatePetInput(BaseModel):
    """One call of CreatePet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body: ModelNewPet = Field(description="Body of the call.")
    path: str = Field(default="/pets", pattern=r"^/pets$", description="Path of the call: /pets")
    operation: EnumCreatePetOperation = Field(default=EnumCreatePetOperation.POST, description="What to do.")
    query: dict[str, str] = Field(default_factory=dict, description="Query parameters.")
    headers: dict[str, str] = Field(default_factory=dict, description="Additional headers.")
    idempotency_key: str = Field(
        default="", max_length=255, description="Makes a repeated call the same one, for an API that knows this header."
    )
