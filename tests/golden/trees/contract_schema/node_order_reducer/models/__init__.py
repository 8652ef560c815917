"""Models of NodeOrderReducer."""

from .model_address import ModelAddress
from .model_customer import ModelCustomer
from .model_order_input import ModelOrderInput
from .model_order_item import ModelOrderItem
from .model_order_output import ModelOrderOutput

__all__ = [
    "ModelAddress",
    "ModelCustomer",
    "ModelOrderInput",
    "ModelOrderItem",
    "ModelOrderOutput",
]
