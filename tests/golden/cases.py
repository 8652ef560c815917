"""The nodes whose every byte is kept under trees/: the four kinds, and each way a kind can turn out.

The name of a case is the name of its folder. Each case is a request as a person writes it, or a contract of
tests/data/contracts (`contract_file`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.contract.given import contract_from_file
from omniclaude_dagster.request.intake import request_from_mapping
from tests.support.generated_nodes import blueprint_for, bundle_for

TREES = Path(__file__).parent / "trees"
CONTRACTS = Path(__file__).parents[1] / "data" / "contracts"

CASES: Mapping[str, Mapping[str, Any]] = {
    "compute": {"prompt": "COMPUTE node for pricing calculation"},
    "contract_operation": {"contract_file": "petstore.openapi.yaml#/paths/~1pets/post"},
    "contract_schema": {"contract_file": "order.schema.json", "node_kind": "REDUCER"},
    "contract_tree": {"contract_file": "category_tree.schema.json", "node_kind": "ORCHESTRATOR"},
    "effect_elasticsearch": {
        "prompt": "EFFECT node called ProductIndex that indexes, reads, searches, deletes and bulk imports products in "
        "Elasticsearch"
    },
    "compute_function": {
        "prompt": "def add_fee(amount: float, fee: float = 0.0) -> float:\n"
        '    """Add the fee to the amount.\n\n    >>> add_fee(10.0, 2.5)\n    12.5\n    """\n'
    },
    "compute_arithmetic": {
        "prompt": "COMPUTE node called LineTotal that multiplies the price by the quantity within 5 ms",
        "examples": [
            {"input": {"price": 2.5, "quantity": 4}, "output": {"total": 10.0}},
            {"input": {"price": 1.2, "quantity": 0}, "output": {"total": 0.0}},
        ],
    },
    "effect_files": {
        "prompt": "EFFECT node called ReportFiles that writes, reads, lists and deletes report files on disk"
    },
    "effect_http": {"prompt": "EFFECT node called OrderApi that fetches and posts orders over an HTTP API"},
    "effect_kafka": {
        "prompt": "EFFECT node called OrderEvents that produces and consumes order events in the Kafka topic "
        "orders.created with order_id (uuid), amount (float)"
    },
    "effect_mongodb": {
        "prompt": "EFFECT node called DocumentStore that inserts, upserts, updates, deletes and finds documents in "
        "MongoDB"
    },
    "effect_postgresql_transaction": {
        "prompt": "EFFECT node for PostgreSQL transactions that moves money between accounts"
    },
    "effect_postgresql_typed": {
        "prompt": "EFFECT node called UserStore that inserts, updates, upserts, deletes and reads users in PostgreSQL "
        "with user_id (uuid), email (string), age (integer), is_active (boolean), created_at (datetime)"
    },
    "effect_redis": {"prompt": "Create EFFECT node for Redis cache operations"},
    "effect_s3": {
        "prompt": "EFFECT node called InvoiceStore that uploads, downloads, inspects, lists, shares and deletes "
        "invoices in S3"
    },
    "effect_smtp": {"prompt": "sends welcome mails over SMTP"},
    "orchestrator_declared": {
        "prompt": "ORCHESTRATOR node called OrderFlow that coordinates validation, payment, and notification steps"
    },
    "orchestrator_dynamic": {"prompt": "Create ORCHESTRATOR node for multi-step workflow coordination"},
    "orchestrator_parallel": {
        "prompt": "ORCHESTRATOR node called MediaFanOut that runs the steps resize, compress, and upload in parallel"
    },
    "reducer": {
        "prompt": "REDUCER node called ScoreBoard that sums scores of players",
        "examples": [
            {
                "input": {"items": [{"player": "ada", "score": 1.5}, {"player": "bob", "score": 2}]},
                "output": {"total": 3.5, "count": 2, "total_by_player": {"ada": 1.5, "bob": 2}},
            }
        ],
    },
    "reducer_deduplicating": {
        "prompt": "REDUCER node called EventFilter that deduplicates events by event_id (string) with payload (string)"
    },
    "reducer_state_machine": {
        "prompt": "REDUCER node called OrderState that keeps the order status: pending -> paid -> shipped, "
        "paid -> refunded, at least 200 events per second"
    },
    "scaffold": {"prompt": "Create EFFECT node for RabbitMQ message publishing"},
}


def asked(case: str) -> dict[str, Any]:
    """The request of a case, with the contract that it may name."""
    request = dict(CASES[case])
    if "contract_file" in request:
        contract = contract_from_file(str(CONTRACTS / request.pop("contract_file")))
        request = request_from_mapping({"contract": contract, **request}).model_dump(exclude_unset=True)
        request.pop("mode", None)
    return request


def blueprint_of(case: str) -> NodeBlueprint:
    """The blueprint of a case."""
    request = asked(case)
    return blueprint_for(request.pop("prompt"), **request)


def rendered(case: str) -> NodeBundle:
    """The bundle of a case as it is rendered now."""
    request = asked(case)
    return bundle_for(request.pop("prompt"), **request)


def tree_of(case: str) -> dict[str, bytes]:
    """The files of a case as they are kept, `<package>/<path>` to bytes."""
    root = TREES / case
    files = (p for p in sorted(root.rglob("*")) if p.is_file() and "__pycache__" not in p.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def files_of(bundle: NodeBundle) -> dict[str, bytes]:
    """The files of a bundle in the same shape."""
    return {f"{bundle.package_name}/{path}": content for path, content in bundle.files.items()}
