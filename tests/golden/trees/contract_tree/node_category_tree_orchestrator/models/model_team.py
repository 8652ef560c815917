"""Team of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from .model_person import ModelPerson


class ModelTeam(BaseModel):
    """Team of the contract."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    title: str | None = None
    lead: ModelPerson | None = None
