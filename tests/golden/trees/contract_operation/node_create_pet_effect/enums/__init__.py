"""Enumerations of NodeCreatePetEffect."""

from .enum_create_pet_operation import EnumCreatePetOperation
from .enum_species import EnumSpecies

__all__ = [
    "EnumCreatePetOperation",
    "EnumSpecies",
]
