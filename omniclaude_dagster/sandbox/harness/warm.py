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
    omnibase_core.event_bus.event_bus_inmemory omnibase_core.models.discovery.model_nodeintrospectionevent
    omnibase_core.models.node_metadata.model_node_capability
    psycopg psycopg.rows psycopg.sql psycopg.types.json
    omnibase_core.container.container_service_registry omnibase_core.models.services.model_external_service_config
    omnibase_core.services.service_compute_cache omnibase_core.services.service_parallel_executor
    omnibase_core.services.service_timing omnibase_core.models.contracts.model_yaml_contract
    omnibase_core.errors.model_onex_error_data
    omnibase_core.errors omnibase_core.enums.enum_effect_types omnibase_core.enums.enum_reducer_types
    omnibase_core.enums.enum_workflow_execution omnibase_core.enums.enum_core_error_code
    pdb _pytest._argcomplete _pytest.helpconfig _pytest.pastebin _pytest.setuponly _pytest.setupplan _pytest.skipping
    _pytest.threadexception _pytest.tracemalloc _pytest.unittest _pytest.unraisableexception _pytest.warnings
    hypothesis hypothesis.strategies hypothesis.internal.conjecture.engine
    child nodes synthesis report pytest _pytest.assertion.rewrite mypy.api mypy.build mypy.main
    omnibase_core.services.service_validation_suite
    tasks.execute_node tasks.inspect_models tasks.lint tasks.onex_validate tasks.python tasks.resolve_imports
    tasks.run_tests tasks.typecheck tasks.build_type_cache typechecker prepared_types tasks.judge_function typed_values
"""


def import_all():
    for name in MODULES.split():
        importlib.import_module(name)
