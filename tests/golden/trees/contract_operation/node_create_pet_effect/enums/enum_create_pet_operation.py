"""Operations of CreatePet."""

from enum import StrEnum


class EnumCreatePetOperation(StrEnum):
    """Operations of CreatePet."""

    POST = "POST"
