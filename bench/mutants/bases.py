"""The good nodes that mutants are made from: the golden ones (../shared/golden) and one of each flavour we generate."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from omniclaude_dagster.node.bundle import NodeBundle, read_bundle
from omniclaude_dagster.request.model import Example
from tests.support.generated_nodes import bundle_for

GOLDEN = Path(__file__).resolve().parents[2] / ".." / "shared" / "golden"

# Golden nodes carry no tests and no logic.py: what they do stands in `process`.
GOLDEN_BASES: Mapping[str, str] = {
    "golden-compute": "node_tax_compute",
    "golden-effect": "node_user_writer_effect",
    "golden-reducer": "node_score_reducer",
    "golden-orchestrator": "node_order_flow_orchestrator",
}

GROSS = Example(input={"net": 100.0, "rate": 0.2}, output={"gross": 120.0})
ROUNDED = Example(input={"net": 0.1, "rate": 2.0}, output={"gross": 0.3})
FREE = Example(input={"net": 0.0, "rate": 0.2}, output={"gross": 0.0})
TOTALS = Example(input={"items": [{"value": 1.0}, {"value": 2.5}]}, output={"total": 3.5, "count": 2})
NOTHING = Example(input={"items": []}, output={"total": 0.0, "count": 0})


def _examples(*examples: Example) -> list[dict[str, Any]]:
    return [{"input": e.input, "output": e.output} for e in examples]


GENERATED_BASES: Mapping[str, Mapping[str, Any]] = {
    "pricing": {"prompt": "COMPUTE node for pricing calculation"},
    "vat": {
        "prompt": "COMPUTE node called Vat that adds VAT to an amount",
        "examples": _examples(GROSS, ROUNDED, FREE),
    },
    "sums": {"prompt": "REDUCER node called ValueSum that sums values", "examples": _examples(TOTALS, NOTHING)},
    "files": {"prompt": "EFFECT node called ReportFiles that writes, reads and lists report files on disk"},
    "http": {"prompt": "EFFECT node called OrderApi that fetches and posts orders over an HTTP API"},
    "rows": {"prompt": "EFFECT node called RowWriter that inserts and upserts rows into PostgreSQL"},
    "flow": {
        "prompt": "ORCHESTRATOR node called OrderFlow that coordinates validation, payment and notification steps"
    },
}


def has_golden() -> bool:
    """Whether ../shared/golden is beside this checkout."""
    return GOLDEN.is_dir()


@cache
def base_bundle(name: str) -> NodeBundle:
    """The good node of this name. Raises RequestError when it is golden and ../shared is absent."""
    if name in GOLDEN_BASES:
        return read_bundle(GOLDEN / GOLDEN_BASES[name])
    asked = dict(GENERATED_BASES[name])
    return bundle_for(asked.pop("prompt"), **asked)


def base_examples(name: str) -> tuple[Example, ...]:
    """The acceptance examples that the base was asked for with."""
    given = GENERATED_BASES.get(name, {}).get("examples", ())
    return tuple(Example.model_validate(example) for example in given)
