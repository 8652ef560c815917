"""Models of NodeCreatePetEffect."""

from .model_create_pet_config import ModelCreatePetConfig
from .model_create_pet_input import ModelCreatePetInput
from .model_create_pet_output import ModelCreatePetOutput
from .model_new_pet import ModelNewPet
from .model_owner import ModelOwner

__all__ = [
    "ModelCreatePetConfig",
    "ModelCreatePetInput",
    "ModelCreatePetOutput",
    "ModelNewPet",
    "ModelOwner",
]
