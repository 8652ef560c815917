"""Models of NodeCategoryTreeOrchestrator."""

from .model_category_tree_input import ModelCategoryTreeInput
from .model_category_tree_output import ModelCategoryTreeOutput
from .model_category_tree_step import ModelCategoryTreeStep
from .model_person import ModelPerson
from .model_team import ModelTeam

ModelPerson.model_rebuild()
ModelTeam.model_rebuild()
ModelCategoryTreeInput.model_rebuild()

__all__ = [
    "ModelCategoryTreeInput",
    "ModelCategoryTreeOutput",
    "ModelCategoryTreeStep",
    "ModelPerson",
    "ModelTeam",
]
