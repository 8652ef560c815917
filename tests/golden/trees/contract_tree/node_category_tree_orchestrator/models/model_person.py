"""Person of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from .model_team import ModelTeam


class ModelPerson(BaseModel):
    """Person of the contract."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    teams: list[ModelTeam] | None = None
