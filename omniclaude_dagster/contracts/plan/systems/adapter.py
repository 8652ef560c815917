"""Systems without templates, and several at once: the node is complete but for one class, its adapter.

The clients named here are advice in REVIEW.md, and what the filled-in adapter may import; nothing installs them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput, sample_from_fields
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels
from omniclaude_dagster.node.blueprint import EnumSpec, NodeBlueprint

FLAVOUR = "adapter"


@dataclass(frozen=True)
class Client:
    """A well-kept client library: the name it is installed by, and the package that is imported."""

    requirement: str
    package: str


CLIENTS: Mapping[str, Client] = {
    "MySQL": Client("asyncmy", "asyncmy"),
    "SQLite": Client("aiosqlite", "aiosqlite"),
    "Memcached": Client("aiomcache", "aiomcache"),
    "RabbitMQ": Client("aio-pika", "aio_pika"),
    "NATS": Client("nats-py", "nats"),
    "MQTT": Client("aiomqtt", "aiomqtt"),
    "GCS": Client("gcloud-aio-storage", "gcloud"),
    "gRPC": Client("grpcio", "grpc"),
    "WebSocket": Client("websockets", "websockets"),
    "IMAP": Client("aioimaplib", "aioimaplib"),
    "DynamoDB": Client("aioboto3", "aioboto3"),
    "Cassandra": Client("cassandra-driver", "cassandra"),
    "Neo4j": Client("neo4j", "neo4j"),
    "ClickHouse": Client("clickhouse-connect", "clickhouse_connect"),
    "BigQuery": Client("google-cloud-bigquery", "google"),
    "Snowflake": Client("snowflake-connector-python", "snowflake"),
    "Qdrant": Client("qdrant-client", "qdrant_client"),
    "Consul": Client("py-consul", "consul"),
    "Vault": Client("hvac", "hvac"),
    "LDAP": Client("ldap3", "ldap3"),
    "SFTP": Client("asyncssh", "asyncssh"),
    "SSH": Client("asyncssh", "asyncssh"),
}


def _no_models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    raise LookupError(f"{plan.name}: the models of an adapter follow from the request, not from {enum.class_name}")


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    names = blueprint.external_systems
    return {
        "client_module": "adapter",
        "client_name": "adapter",
        "is_idempotent": "idempotent" in blueprint.features,
        "outside": ", ".join(names) or "the outside system",
        "clients": [(name, CLIENTS[name].requirement) for name in names if name in CLIENTS],
        "adapter_variable": f"{re.sub(r'[^A-Z0-9]+', '_', (names or ('',))[0].upper()).strip('_') or 'SERVICE'}_URL",
        "answer_sample": sample_from_fields(blueprint.output_model.fields),
        "support_names": ["WorkingAdapter", "prepare"],
        "side_effect": json.dumps(blueprint.unfilled_operation),
    }


ADAPTER = System(
    name="",
    flavour=FLAVOUR,
    effect_type="API_CALL",
    operation_prefix="adapter",
    operation_words={},
    models=_no_models,
    side_effect="",
    client="Adapter",
    environment={"ADAPTER_DEADLINE_S": "longest time of one operation in seconds; default: 30"},
    template_context=_context,
    extra_files={"adapter.py": "logic/adapter.py.jinja2"},
)
