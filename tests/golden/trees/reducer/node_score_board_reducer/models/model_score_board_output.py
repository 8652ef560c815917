"""State that ScoreBoard reduces to."""

from pydantic import BaseModel, ConfigDict


class ModelScoreBoardOutput(BaseModel):
    """State that ScoreBoard reduces to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    total: float
    count: int
    total_by_player: dict[str, float]
