"""Imports that the fork server does once. Only trusted, installed packages; no candidate code."""

import importlib

MODULES = """
    asyncio json uuid datetime decimal yaml pydantic httpx
    omnibase_core.nodes.node_effect omnibase_core.nodes.node_compute omnibase_core.nodes.node_reducer
    omnibase_core.nodes.node_orchestrator omnibase_core.mixins.mixin_health_check
    omnibase_core.models.container.model_onex_container omnibase_core.models.contracts
    omnibase_core.models.contracts.subcontracts.model_workflow_definition
    omnibase_core.models.contracts.model_workflow_step
    omnibase_core.models.reducer.payloads.model_payload_log_event
    omnibase_core.models.projectors.model_projection_intent
    omnibase_core.errors omnibase_core.enums.enum_effect_types omnibase_core.enums.enum_reducer_types
    omnibase_core.enums.enum_workflow_execution omnibase_core.enums.enum_core_error_code
    child nodes synthesis report pytest _pytest.assertion.rewrite mypy.api mypy.build mypy.main
    omnibase_core.services.service_validation_suite
    tasks.execute_node tasks.inspect_models tasks.lint tasks.onex_validate tasks.python tasks.resolve_imports
    tasks.run_tests tasks.typecheck tasks.build_type_cache typechecker
"""


def import_all():
    for name in MODULES.split():
        importlib.import_module(name)
