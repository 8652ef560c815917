"""What the storage operation of InvoiceStore did."""

from pydantic import BaseModel, ConfigDict, Field


class ModelInvoiceStoreOutput(BaseModel):
    """What the storage operation of InvoiceStore did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(description="Name of the object.")
    size_bytes: int = Field(default=0, ge=0, description="Size of the object.")
    etag: str = Field(default="", description="The server's tag of this content.")
    sha256: str = Field(default="", description="Hash of the content, as far as it is known.")
    content: str = Field(default="", description="Text, or base64 of bytes.")
    is_base64: bool = Field(default=False, description="Whether content is base64 of bytes.")
    content_type: str = Field(default="", description="Media type.")
    keys: list[str] = Field(default_factory=list, description="Names that were listed, sorted.")
    is_truncated: bool = Field(default=False, description="Whether there are more names.")
    url: str = Field(default="", description="Address that gives the object to whoever knows it.")
    attempts: int = Field(default=1, ge=1, description="Times the operation was tried.")
