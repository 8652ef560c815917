"""The good nodes that mutants are made from: golden ones, written by hand, and one of each flavour we generate.

Golden nodes come with no package: without a folder given they are looked for in ../shared/golden beside the checkout.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.node_mutants.rendering import bundle_for
from omniclaude_dagster.node.bundle import NodeBundle, read_bundle
from omniclaude_dagster.request.contract.given import contract_from_file
from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import Example
from omniclaude_dagster.settings import project_data_path

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


def golden_folder() -> Path:
    """Where golden nodes are looked for when nobody names a folder."""
    return project_data_path().parent / "shared" / "golden"


def has_golden(folder: Path | None = None) -> bool:
    """Whether every golden node is there."""
    root = folder or golden_folder()
    return all((root / package).is_dir() for package in GOLDEN_BASES.values())


@cache
def base_request(name: str, golden: Path | None = None) -> Mapping[str, Any]:
    """What the base was asked for with: `prompt` and other fields of a request; of a golden one, its contract."""
    if name not in GOLDEN_BASES:
        return GENERATED_BASES[name]
    given = contract_from_file(str((golden or golden_folder()) / GOLDEN_BASES[name] / "contract.yaml"))
    asked = request_from_mapping({"contract": given}).model_dump(exclude_unset=True)
    return {key: value for key, value in asked.items() if key != "mode"}


@cache
def base_bundle(name: str, golden: Path | None = None) -> NodeBundle:
    """The good node of this name. Raises RequestError when it is golden and its folder is absent."""
    if name in GOLDEN_BASES:
        return read_bundle((golden or golden_folder()) / GOLDEN_BASES[name])
    asked = dict(GENERATED_BASES[name])
    return bundle_for(asked.pop("prompt"), **asked)


def base_examples(name: str) -> tuple[Example, ...]:
    """The acceptance examples that the base was asked for with."""
    given = GENERATED_BASES.get(name, {}).get("examples", ())
    return tuple(Example.model_validate(example) for example in given)
