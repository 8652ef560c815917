"""What ONEX asks of names, places and import paths, as data (omnibase-core 0.47.57; see contracts/profile.py)."""

import re

from omniclaude_dagster.request.model import NodeKind

NODE_FOLDER_PATTERN = re.compile(r"\Anode_[a-z0-9_]+_(effect|compute|reducer|orchestrator)\Z", re.ASCII)
MODEL_CLASS_PATTERN = re.compile(r"\AModel[A-Z][A-Za-z0-9]*\Z", re.ASCII)
ENUM_CLASS_PATTERN = re.compile(r"\AEnum[A-Z][A-Za-z0-9]*\Z", re.ASCII)

# Base classes of a node: `module.symbol` to kind.
NODE_BASES: dict[str, NodeKind] = {
    path: kind
    for kind in NodeKind
    for path in (
        f"omnibase_core.nodes.Node{kind.value.capitalize()}",
        f"omnibase_core.nodes.node_{kind.value.lower()}.Node{kind.value.capitalize()}",
        f"omnibase_core.nodes.node_service_{kind.value.lower()}.ModelService{kind.value.capitalize()}",
    )
}

# Kinds that must bring their own `process`; the orchestrator may inherit the stock one.
KINDS_WITH_OWN_PROCESS = frozenset({NodeKind.COMPUTE, NodeKind.EFFECT, NodeKind.REDUCER})
PROCESS_PARAMETERS: dict[NodeKind, tuple[str, ...]] = {
    NodeKind.COMPUTE: ("self", "input_data"),
    NodeKind.EFFECT: ("self", "input_data"),
    NodeKind.REDUCER: ("self", "input_data", "projection_intents"),
    NodeKind.ORCHESTRATOR: ("self", "input_data"),
}

# Spellings of `node_type` that the framework normalises to one kind.
NODE_TYPES: dict[str, NodeKind] = {
    spelling: kind
    for kind in NodeKind
    for spelling in (kind.value, f"{kind.value}_GENERIC", kind.value.lower(), f"{kind.value.lower()}_generic")
}

# Module paths of older cores, or never valid, that models and old code still write; and what to write instead.
MOVED_MODULES: dict[str, str] = {
    "omnibase_core.core": "omnibase_core.nodes and omnibase_core.models",
    "omnibase_core.primitives": "omnibase_core.models.primitives",
    "omnibase_core.errors.error_codes": "omnibase_core.enums.enum_core_error_code",
    "omnibase_core.logging.structured": "omnibase_core.logging.logging_structured",
    "omnibase_core.models.services": "omnibase_core.nodes.node_service_effect (and _compute, _reducer, _orchestrator)",
    "omniarchon": "nothing: it is not a published package",
    "omninode_bridge": "nothing: it is not a published package",
}
_WORKFLOW_ENUM = "omnibase_core.enums.enum_workflow_execution (the other one is rejected by ModelOrchestratorInput)"
MOVED_SYMBOLS: dict[tuple[str, str], str] = {
    ("omnibase_core", "ModelONEXContainer"): "omnibase_core.models.container.model_onex_container",
    ("omnibase_core", "NodeEffect"): "omnibase_core.nodes.node_effect",
    ("omnibase_core", "NodeCompute"): "omnibase_core.nodes.node_compute",
    ("omnibase_core", "NodeReducer"): "omnibase_core.nodes.node_reducer",
    ("omnibase_core", "NodeOrchestrator"): "omnibase_core.nodes.node_orchestrator",
    (
        "omnibase_core.nodes",
        "EnumExecutionMode",
    ): _WORKFLOW_ENUM,
    ("omnibase_core.enums.enum_orchestrator_types", "EnumExecutionMode"): _WORKFLOW_ENUM,
}
