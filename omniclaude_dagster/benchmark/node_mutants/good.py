"""Good nodes, which no gate may fail: golden ones, and what we generate for requests of every kind and flavour.

A scaffold is none: it refuses its open operation by name, so it does not run (G14) until a person fills it in.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.node_mutants.bases import (
    GENERATED_BASES,
    GOLDEN_BASES,
    base_bundle,
    base_request,
    has_golden,
)
from omniclaude_dagster.benchmark.node_mutants.rendering import bundle_for
from omniclaude_dagster.benchmark.node_mutants.wishes import WISHES
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import Example

# Requests in other words, systems and shapes than those of the workload and of the golden trees.
MORE: tuple[Mapping[str, Any], ...] = (
    {"prompt": "Create EFFECT node for PostgreSQL writes"},
    {"prompt": "EFFECT node called AuditLog that inserts audit rows into PostgreSQL with actor (string)"},
    {"prompt": "EFFECT node called StockReader that selects products by sku (string) from PostgreSQL"},
    {"prompt": "EFFECT node called UserSweep that deletes users from PostgreSQL with user_id (uuid)"},
    {"prompt": "I need an effect that calls the weather REST API with GET requests"},
    {"prompt": "EFFECT node called TicketApi that creates, updates and deletes tickets over an HTTP API"},
    {"prompt": "EFFECT node called NoteFiles that appends notes to a file on disk"},
    {"prompt": "EFFECT node called Exports that reads and deletes exported files"},
    {
        "prompt": "COMPUTE node called FullName that joins the first name and the last name with a space",
        "examples": [
            {"input": {"first_name": "Ada", "last_name": "Lovelace"}, "output": {"full_name": "Ada Lovelace"}}
        ],
    },
    {
        "prompt": "COMPUTE node called TaxAdder that adds tax to a price",
        "examples": [{"input": {"net": 10.0, "rate": 0.5}, "output": {"gross": 15.0}}],
    },
    {"prompt": "COMPUTE node called Words for word count of a text"},
    {"prompt": "Create COMPUTE node for pricing calculation in the shop domain"},
    {
        "prompt": "COMPUTE node called Area that multiplies width by height",
        "examples": [{"input": {"width": 2.0, "height": 3.0}, "output": {"area": 6.0}}],
    },
    {
        "prompt": "COMPUTE node called NetPrice that subtracts the discount from the price",
        "examples": [{"input": {"price": 10.0, "discount": 3.0}, "output": {"result": 7.0}}],
    },
    {"prompt": "REDUCER node called Visits that counts visits per page"},
    {
        "prompt": "REDUCER node called Average that averages the values of measurements",
        "examples": [{"input": {"items": [{"value": 1.0}, {"value": 3.0}]}, "output": {"mean": 2.0}}],
    },
    {"prompt": "REDUCER node called Extremes that keeps the minimum and maximum of readings"},
    {"prompt": "REDUCER node called Unique that deduplicates events"},
    {"prompt": "aggregate scores per player"},
    {"prompt": "REDUCER node called Revenue that sums amounts per customer"},
    {"prompt": "ORCHESTRATOR node called Release that builds, then tests, then deploys"},
    {"prompt": "ORCHESTRATOR node called Onboarding that coordinates account creation, mail and training steps"},
    {"prompt": "ORCHESTRATOR node for multi-step order fulfilment"},
    {"prompt": "orchestrate fetching, cleaning and loading of data"},
)


@dataclass(frozen=True)
class Good:
    """A node that should pass everything, with the request that it was asked for with."""

    name: str
    bundle: NodeBundle
    request: Mapping[str, Any]
    examples: tuple[Example, ...] = ()
    is_as_generated: bool = True


@cache
def good_nodes(golden: Path | None = None) -> tuple[Good, ...]:
    """Every good node, each package once; golden ones only where their folder is."""
    return each_once((*_golden(golden), *_generated()))


def each_once(nodes: Iterable[Good]) -> tuple[Good, ...]:
    """The nodes without those that equal an earlier one byte for byte."""
    found: dict[str, Good] = {}
    for node in nodes:
        found.setdefault(node.bundle.sha256, node)
    return tuple(found.values())


def complete(bundle: NodeBundle, asked: Mapping[str, Any]) -> Iterator[Good]:
    """A rendered node as a good one, with the examples of its request; nothing of a scaffold."""
    if "REVIEW.md" not in bundle.files:
        examples = tuple(Example.model_validate(example) for example in asked.get("examples", ()))
        yield Good(bundle.package_name, bundle, asked, examples)


def _golden(folder: Path | None) -> Iterator[Good]:
    for name, package in GOLDEN_BASES.items() if has_golden(folder) else ():
        yield Good(package, base_bundle(name, folder), base_request(name, folder), is_as_generated=False)


def _generated() -> Iterator[Good]:
    wished = [{"prompt": wish.prompt.format(n=n), "examples": wish.examples} for n, wish in enumerate(WISHES, start=1)]
    for asked in (*GENERATED_BASES.values(), *wished, *MORE):
        more = {key: value for key, value in asked.items() if key != "prompt"}
        yield from complete(bundle_for(asked["prompt"], **more), asked)
