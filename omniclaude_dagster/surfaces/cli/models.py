"""`omniclaude models`: every configured model, really asked whether it answers."""

from dataclasses import asdict

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, output
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption


def models(*, json_output: JsonOption = False, debug: DebugOption = False) -> int:
    """List the configured models: where they are, whether they answer and why not, and what they cost."""
    del debug
    import asyncio

    from omniclaude_dagster.providers.gateway import build_gateway
    from omniclaude_dagster.providers.model import ModelStatus
    from omniclaude_dagster.settings import load_settings

    async def ask() -> tuple[ModelStatus, ...]:
        gateway = build_gateway(load_settings())
        try:
            return await gateway.status()
        finally:
            await gateway.close()

    with notes().status("asking the models ..."):
        statuses = asyncio.run(ask())
    if json_output:
        emit_json([asdict(status) for status in statuses])
    else:
        from omniclaude_dagster.surfaces.cli.render import models_view

        models_view(output(), statuses)
    return EXIT_DONE
