"""What generated code imports from omnibase-core, per core version: a table, not literals in templates.

A test imports every entry from the installed core, so drift between releases is a red test, not a broken node.
"""

from dataclasses import dataclass

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.request.model import NodeKind

DEFAULT_CORE_VERSION = "0.47.57"

Import = tuple[str, str]

_COMMON: tuple[Import, ...] = (
    ("omnibase_core.mixins.mixin_health_check", "MixinHealthCheck"),
    ("omnibase_core.models.container.model_onex_container", "ModelONEXContainer"),
    ("omnibase_core.enums.enum_core_error_code", "EnumCoreErrorCode"),
    ("omnibase_core.errors.model_onex_error", "ModelOnexError"),
    ("omnibase_core.models.discovery.model_nodeintrospectionevent", "ModelNodeIntrospectionEvent"),
    ("omnibase_core.models.node_metadata.model_node_capability", "ModelNodeCapability"),
    ("omnibase_core.models.primitives.model_semver", "ModelSemVer"),
)


@dataclass(frozen=True)
class CoreProfile:
    """Import paths, contract classes and field names of one core version."""

    version: str
    version_field: str
    node_types: dict[NodeKind, str]
    contract_classes: dict[NodeKind, Import]
    kind_imports: dict[NodeKind, tuple[Import, ...]]

    def imports_for(self, kind: NodeKind) -> tuple[Import, ...]:
        """Every `(module, symbol)` a node of this kind imports from the framework."""
        return (*_COMMON, *self.kind_imports[kind], self.contract_classes[kind])

    def module_of(self, symbol: str) -> str:
        """Module to import `symbol` from. Raises ConfigurationError for a symbol the profile does not know."""
        for kind in NodeKind:
            for module, known in self.imports_for(kind):
                if known == symbol:
                    return module
        raise ConfigurationError(f"core profile {self.version} does not know {symbol}.")


_PROFILES: dict[str, CoreProfile] = {
    "0.47.57": CoreProfile(
        version="0.47.57",
        version_field="contract_version",
        node_types={kind: f"{kind.value}_GENERIC" for kind in NodeKind},
        contract_classes={
            kind: ("omnibase_core.models.contracts", f"ModelContract{kind.value.capitalize()}") for kind in NodeKind
        },
        kind_imports={
            NodeKind.EFFECT: (
                ("omnibase_core.nodes.node_effect", "NodeEffect"),
                ("omnibase_core.models.effect.model_effect_input", "ModelEffectInput"),
                ("omnibase_core.models.effect.model_effect_output", "ModelEffectOutput"),
                ("omnibase_core.enums.enum_effect_types", "EnumEffectType"),
                ("omnibase_core.enums.enum_effect_types", "EnumTransactionState"),
            ),
            NodeKind.COMPUTE: (
                ("omnibase_core.nodes.node_compute", "NodeCompute"),
                ("omnibase_core.models.compute.model_compute_input", "ModelComputeInput"),
                ("omnibase_core.models.compute.model_compute_output", "ModelComputeOutput"),
            ),
            NodeKind.REDUCER: (
                ("omnibase_core.nodes.node_reducer", "NodeReducer"),
                ("omnibase_core.models.reducer.model_reducer_input", "ModelReducerInput"),
                ("omnibase_core.models.reducer.model_reducer_output", "ModelReducerOutput"),
                ("omnibase_core.models.reducer.model_intent", "ModelIntent"),
                ("omnibase_core.models.reducer.payloads.model_payload_log_event", "ModelPayloadLogEvent"),
                ("omnibase_core.models.projectors.model_projection_intent", "ModelProjectionIntent"),
                ("omnibase_core.enums.enum_reducer_types", "EnumReductionType"),
            ),
            NodeKind.ORCHESTRATOR: (
                ("omnibase_core.nodes.node_orchestrator", "NodeOrchestrator"),
                ("omnibase_core.models.orchestrator.model_orchestrator_input", "ModelOrchestratorInput"),
                ("omnibase_core.models.orchestrator.model_orchestrator_output", "ModelOrchestratorOutput"),
                ("omnibase_core.models.contracts.model_workflow_step", "ModelWorkflowStep"),
                (
                    "omnibase_core.models.contracts.subcontracts.model_workflow_definition",
                    "ModelWorkflowDefinition",
                ),
                ("omnibase_core.models.common.model_schema_value", "ModelSchemaValue"),
                # Not omnibase_core.nodes.EnumExecutionMode: ModelOrchestratorInput rejects that one.
                ("omnibase_core.enums.enum_workflow_execution", "EnumExecutionMode"),
            ),
        },
    ),
}


def core_profile(version: str = DEFAULT_CORE_VERSION) -> CoreProfile:
    """The profile of a core version. Raises ConfigurationError naming the known versions."""
    try:
        return _PROFILES[version]
    except KeyError:
        known = ", ".join(sorted(_PROFILES))
        raise ConfigurationError(f"no core profile for omnibase-core {version}.", cure=f"use one of {known}") from None


def core_versions() -> tuple[str, ...]:
    """Every version in the table."""
    return tuple(sorted(_PROFILES))
