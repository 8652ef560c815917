"""One item that EventFilter reduces."""

from pydantic import BaseModel, ConfigDict


class ModelEventFilterInput(BaseModel):
    """One item that EventFilter reduces."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: str
    payload: str
