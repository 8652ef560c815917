"""One storage operation of InvoiceStore."""

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumInvoiceStoreOperation


class ModelInvoiceStoreInput(BaseModel):
    """One storage operation of InvoiceStore."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(
        default="", max_length=1024, description="Name of the object; for a list, what the names begin with."
    )
    operation: EnumInvoiceStoreOperation = Field(default=EnumInvoiceStoreOperation.PUT, description="What to do.")
    content: str = Field(default="", description="What to store: text, or base64 of bytes.")
    is_base64: bool = Field(default=False, description="Whether content is base64 of bytes, not text.")
    content_type: str = Field(
        default="application/octet-stream",
        pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?[A-Za-z0-9=._-]+)*$",
        description="Media type.",
    )
    only_if_absent: bool = Field(default=False, description="Never replace an object with other content.")
    start_after: str = Field(default="", max_length=1024, description="The last name of the list before this one.")
    limit: int = Field(default=100, ge=1, le=1000, description="Most names a list returns.")
    expires_s: int = Field(default=900, ge=1, le=604800, description="Seconds for which the address works.")
