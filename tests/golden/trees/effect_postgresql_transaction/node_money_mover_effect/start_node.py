"""Starts NodeMoneyMoverEffect: as a service until a signal, or for one JSON input with --input."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

if not __package__:
    # Started as a script: the folder above holds the package.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.event_bus.event_bus_inmemory import EventBusInmemory
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from pydantic import JsonValue, ValidationError

from node_money_mover_effect import NodeMoneyMoverEffect
from node_money_mover_effect.models import ModelMoneyMoverInput

LOGGER = logging.getLogger("node_money_mover_effect")


def main(argv: list[str] | None = None) -> int:
    """Exit 0 when all went well, 1 when the node refused the input, 2 for a wrong command line."""
    options = parse_options(argv)
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        return asyncio.run(run(options))
    except ModelOnexError as exc:
        sys.stderr.write(f"{exc.error_code}: {exc.message}\n")
        return 1
    except (ValidationError, json.JSONDecodeError) as exc:
        sys.stderr.write(f"wrong input: {exc}\n")
        return 2


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="EFFECT node for PostgreSQL transactions that moves money between accounts"
    )
    parser.add_argument("--input", help="JSON of one input; its result is printed and the node stops")
    parser.add_argument("--event-bus", choices=["none", "memory"], default="none", help="where events go")
    parser.add_argument("--log-level", choices=["DEBUG", "INFO", "WARNING", "ERROR"], default="WARNING")
    return parser.parse_args(argv)


async def run(options: argparse.Namespace) -> int:
    """Start the node, work, and stop it in order."""
    node = NodeMoneyMoverEffect(ModelONEXContainer())
    bus = EventBusInmemory(environment="local", group="node_money_mover_effect")
    if options.event_bus == "memory":
        await bus.start()
        node.announcer.bind(bus)
    await node.initialize()
    try:
        if options.input is not None:
            sys.stdout.write(json.dumps(await process_one(node, options.input), indent=2) + "\n")
        else:
            await serve_until_signal()
    finally:
        await node.cleanup()
        if options.event_bus == "memory":
            await bus.close()
    return 0


async def process_one(node: NodeMoneyMoverEffect, text: str) -> JsonValue:
    """Perform one operation."""
    data = ModelMoneyMoverInput.model_validate_json(text)
    request = ModelEffectInput(
        effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=data.model_dump(mode="json")
    )
    output = await node.process(request)
    result: JsonValue = output.result
    return result


async def serve_until_signal() -> None:
    """Wait for SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    LOGGER.info("started; stop with Ctrl-C")
    await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
