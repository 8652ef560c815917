"""One item that ScoreBoard reduces."""

from pydantic import BaseModel, ConfigDict


class ModelScoreBoardInput(BaseModel):
    """One item that ScoreBoard reduces."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    player: str
    score: float
