"""Models of NodeOrderFlowOrchestrator."""

from .model_order_flow_input import ModelOrderFlowInput
from .model_order_flow_output import ModelOrderFlowOutput

__all__ = [
    "ModelOrderFlowInput",
    "ModelOrderFlowOutput",
]
