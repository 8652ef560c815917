"""The one assembly of everything that Dagster knows; the UI, the command line and the tests use it."""

from collections.abc import Mapping

import dagster as dg

from omniclaude_dagster.defs.generation import generate_nodes, generated_node
from omniclaude_dagster.defs.inbox import request_inbox
from omniclaude_dagster.defs.launchpad import submit_request
from omniclaude_dagster.defs.resources import model_resources
from omniclaude_dagster.settings import Settings, load_settings


def build_defs(
    *,
    settings: Settings | None = None,
    resource_overrides: Mapping[str, object] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """Everything, with some resources replaced. Raises ConfigurationError for a wrong setting or model catalog."""
    overrides = dict(resource_overrides or {})
    settings = settings or load_settings()
    given = {} if "platform" in overrides else model_resources(settings)
    return dg.Definitions(
        assets=[generated_node],
        jobs=[generate_nodes, submit_request],
        sensors=[request_inbox],
        # State passes from op to op in memory: whole, typed and without files.
        resources={"io_manager": dg.mem_io_manager, **given, **overrides},
        executor=dg.in_process_executor,
        loggers=loggers,
    )
