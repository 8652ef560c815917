"""What the API answered to CreatePet."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelCreatePetOutput(BaseModel):
    """What the API answered to CreatePet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status_code: int = Field(ge=100, le=599, description="HTTP status.")
    body: JsonValue = Field(default=None, description="Decoded JSON, or the text.")
    attempts: int = Field(default=1, ge=1, description="Requests that were sent.")
