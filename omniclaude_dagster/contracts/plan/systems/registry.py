"""Every outside system that has templates. A new one is a module here, its four templates, and a line below."""

from collections.abc import Iterable

from omniclaude_dagster.contracts.plan.systems.adapter import ADAPTER, CLIENTS
from omniclaude_dagster.contracts.plan.systems.elasticsearch import ELASTICSEARCH
from omniclaude_dagster.contracts.plan.systems.files import FILES
from omniclaude_dagster.contracts.plan.systems.http_api import HTTP_API
from omniclaude_dagster.contracts.plan.systems.kafka import KAFKA
from omniclaude_dagster.contracts.plan.systems.model import Import, System
from omniclaude_dagster.contracts.plan.systems.mongodb import MONGODB
from omniclaude_dagster.contracts.plan.systems.postgresql import POSTGRESQL
from omniclaude_dagster.contracts.plan.systems.redis import REDIS
from omniclaude_dagster.contracts.plan.systems.s3 import S3
from omniclaude_dagster.contracts.plan.systems.smtp import SMTP

SYSTEMS: tuple[System, ...] = (
    POSTGRESQL,
    HTTP_API,
    FILES,
    S3,
    SMTP,
    MONGODB,
    ELASTICSEARCH,
    REDIS,
    KAFKA,
)
_BY_NAME = {system.name: system for system in SYSTEMS}
_BY_FLAVOUR = {system.flavour: system for system in (*SYSTEMS, ADAPTER)}


def system_named(name: str) -> System | None:
    """The system the parser calls `name` (`PostgreSQL`), or None."""
    return _BY_NAME.get(name)


def system_of_flavour(flavour: str) -> System | None:
    """The system of a blueprint's flavour (`postgresql`), or None for nodes without one."""
    return _BY_FLAVOUR.get(flavour)


def client_imports(names: Iterable[str]) -> tuple[Import, ...]:
    """`(module, symbol)` pairs that nodes for these systems need beside the framework (gate G4)."""
    return tuple(pair for name in names if name in _BY_NAME for pair in _BY_NAME[name].client_imports)


def client_packages() -> frozenset[str]:
    """Top-level packages of all clients: what an EFFECT node may import beside the framework (gate G-SEC).

    Those that a person's adapter is advised to use are among them.
    """
    own = {module.split(".")[0] for system in SYSTEMS for module, _ in system.client_imports}
    return frozenset(own | {client.package for client in CLIENTS.values()})
