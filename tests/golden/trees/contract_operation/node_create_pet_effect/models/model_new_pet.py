"""NewPet of the contract."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field, StrictFloat

from ..enums import EnumSpecies
from .model_owner import ModelOwner


class ModelNewPet(BaseModel):
    """NewPet of the contract."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_by_name=True, serialize_by_alias=True)

    name: str = Field(min_length=1)
    species: EnumSpecies
    born_on: date | None = Field(default=None, validation_alias="bornOn", serialization_alias="bornOn")
    weight_kg: StrictFloat | None = Field(
        default=None, validation_alias="weightKg", serialization_alias="weightKg", gt=0
    )
    tag: str | None = None
    owner: ModelOwner | None = None
