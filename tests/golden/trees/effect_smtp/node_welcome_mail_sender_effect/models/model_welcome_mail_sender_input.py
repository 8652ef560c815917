"""One mail of WelcomeMailSender."""

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumWelcomeMailSenderOperation


class ModelWelcomeMailSenderInput(BaseModel):
    """One mail of WelcomeMailSender."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: list[str] = Field(min_length=1, max_length=50, description="Addresses of the recipients.")
    subject: str = Field(min_length=1, max_length=500, pattern=r"^[^\r\n\x00]+$", description="Subject line.")
    text: str = Field(description="The mail as plain text.")
    html: str = Field(default="", description="The same as HTML, if there is one.")
    cc: list[str] = Field(default_factory=list, max_length=50, description="Addresses of further recipients.")
    reply_to: str = Field(default="", max_length=254, description="Where answers go, if not to the sender.")
    idempotency_key: str = Field(
        default="", max_length=200, description="What makes this mail the same mail when it is sent again."
    )
    operation: EnumWelcomeMailSenderOperation = Field(
        default=EnumWelcomeMailSenderOperation.SEND, description="What to do."
    )
