"""What became of the mail of WelcomeMailSender."""

from pydantic import BaseModel, ConfigDict, Field


class ModelWelcomeMailSenderOutput(BaseModel):
    """What became of the mail of WelcomeMailSender."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    message_id: str = Field(description="Message-ID; the same key gives the same one.")
    accepted: list[str] = Field(default_factory=list, description="Recipients for whom the server took the mail.")
    refused: dict[str, str] = Field(default_factory=dict, description="Recipients the server refused, and its words.")
    attempts: int = Field(default=1, ge=1, description="Sessions that were opened.")
