"""One line of the results of `bench patterns`: one task in one arm, and what came of the patterns found for it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from omniclaude_dagster.benchmark.row import SampleRow
from omniclaude_dagster.patterns.model import ReuseRole

# The number of the sample says which arm it is, so that a task has each arm once.
Arm = Literal["without", "with"]
ARMS: tuple[Arm, ...] = ("without", "with")


class PatternNote(BaseModel):
    """A pattern that stage 1.5 found. `meaning`: similarity of the texts' meaning as the ranking counts it.

    `is_shown`: a model saw it; its role does not tell, because one whose body was tried before is "rejected".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    store_task: str
    role: ReuseRole
    rank: int = Field(ge=1)
    score: float
    meaning: float | None = None
    is_shown: bool = False


class ArmRow(SampleRow):
    """One task in one arm. `nearest`: cosine similarity of its prompt to the nearest prompt of the store half."""

    nearest: float
    # Where the node's body came from: a pattern, a model, a template; scaffold where there is none.
    origin: str = ""
    patterns: tuple[PatternNote, ...] = ()

    @property
    def arm(self) -> Arm:
        """Which arm it is."""
        return ARMS[self.sample]

    @property
    def is_reused(self) -> bool:
        """Whether the body is a pattern's."""
        return any(note.role == "reused" for note in self.patterns)

    @property
    def is_shown(self) -> bool:
        """Whether a model saw a pattern."""
        return any(note.is_shown for note in self.patterns)
