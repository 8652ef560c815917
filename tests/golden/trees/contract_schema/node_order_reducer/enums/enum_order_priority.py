"""Values of priority."""

from enum import IntEnum


class EnumOrderPriority(IntEnum):
    """Values of priority."""

    VALUE_1 = 1
    VALUE_2 = 2
    VALUE_3 = 3
