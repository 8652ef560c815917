"""An order of a shop, with its address and its items."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from ..checks import unique_items
from ..enums import EnumOrderPriority, EnumOrderStatus
from .model_address import ModelAddress
from .model_customer import ModelCustomer
from .model_order_item import ModelOrderItem


class ModelOrderInput(BaseModel):
    """An order of a shop, with its address and its items."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, serialize_by_alias=True)

    order_id: UUID = Field(
        validation_alias="orderId", serialization_alias="orderId", description="Identity of the order."
    )
    status: EnumOrderStatus = EnumOrderStatus.NEW
    priority: EnumOrderPriority | None = None
    placed_at: AwareDatetime | None = Field(default=None, validation_alias="placedAt", serialization_alias="placedAt")
    customer: ModelCustomer
    shipping_address: ModelAddress | None = Field(
        default=None, validation_alias="shippingAddress", serialization_alias="shippingAddress"
    )
    items: list[ModelOrderItem] = Field(min_length=1)
    tags: Annotated[list[Annotated[str, Field(min_length=1)]], AfterValidator(unique_items)] = Field(
        default_factory=list
    )
    class_: str | None = Field(default=None, validation_alias="class", serialization_alias="class", max_length=20)
