"""Values of Species."""

from enum import StrEnum


class EnumSpecies(StrEnum):
    """Values of Species."""

    DOG = "dog"
    CAT = "cat"
    SEA_HORSE = "sea horse"
