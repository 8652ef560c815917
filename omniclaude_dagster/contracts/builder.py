"""The contract of a node: blueprint -> the real contract model -> YAML -> reloaded and validated again.

The YAML is what is written; it is dumped from the validated model, so it cannot drift from what the core accepts.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from omniclaude_dagster.contracts.profile import CoreProfile, Import, core_profile
from omniclaude_dagster.contracts.sections import subcontracts
from omniclaude_dagster.contracts.sections.common import performance, tags, version
from omniclaude_dagster.contracts.sections.kinds import SECTIONS
from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.documents import yaml_data, yaml_text
from omniclaude_dagster.request.model import NodeKind


class ContractError(OmniClaudeError):
    """The real contract model refuses the contract; the message holds its first complaints."""

    exit_code = 1


def contract_yaml(blueprint: NodeBlueprint, *, profile: CoreProfile | None = None) -> str:
    """YAML of the node's contract. Raises ContractError when the core's own model refuses it."""
    chosen = profile or core_profile()
    document = contract_document(blueprint, profile=chosen)
    validate_contract(document, blueprint.kind, profile=chosen)
    text = yaml_text(document)
    validate_contract(yaml_data(text), blueprint.kind, profile=chosen)
    return text


def validate_contract(document: Any, kind: NodeKind, *, profile: CoreProfile | None = None) -> BaseModel:
    """The contract as the core's own model, each subcontract judged by its own. Raises ContractError with reasons."""
    chosen = profile or core_profile()
    for known in chosen.subcontracts:
        if isinstance(document, Mapping) and kind in known.kinds and document.get(known.field) is not None:
            _validated(document[known.field], known.model)
    return _validated(document, chosen.contract_classes[kind])


def _validated(document: Any, model: Import) -> BaseModel:
    module, symbol = model
    model_class = getattr(importlib.import_module(module), symbol)
    # The core's validators raise both kinds, and its own is not a ValueError.
    from omnibase_core.errors.model_onex_error import ModelOnexError

    try:
        contract: BaseModel = model_class.model_validate(document)
    except ValidationError as exc:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()[:5])
        raise ContractError(f"{symbol} refuses the contract: {reasons}.") from None
    except ModelOnexError as exc:
        raise ContractError(f"{symbol} refuses the contract: {str(exc)[:500]}") from None
    return contract


def contract_document(blueprint: NodeBlueprint, *, profile: CoreProfile) -> dict[str, Any]:
    """The contract as plain data, dialect A: what is inferred, and over it what a person gave."""
    package = blueprint.package_name
    document: dict[str, Any] = {
        "name": package,
        profile.version_field: version(),
        "node_version": version(),
        "node_type": profile.node_types[blueprint.kind],
        "description": blueprint.description,
        "input_model": f"{package}.models.{blueprint.input_model.module}.{blueprint.input_model.class_name}",
        "output_model": f"{package}.models.{blueprint.output_model.module}.{blueprint.output_model.class_name}",
        "tags": tags(blueprint),
        "performance": performance(blueprint),
    }
    if blueprint.event_bus is not None:
        document["event_bus"] = {
            "version": version(),
            "publish_topics": list(blueprint.event_bus.publish_topics),
            "subscribe_topics": list(blueprint.event_bus.subscribe_topics),
        }
    document |= SECTIONS[blueprint.kind](blueprint)
    for name, build in _WANTED_SUBCONTRACTS.items():
        section = build(blueprint) if blueprint.kind in _kinds_of(name, profile) else None
        if section is not None:
            document[name] = section
    return document | dict(blueprint.given_contract or {})


_WANTED_SUBCONTRACTS = {"caching": subcontracts.caching, "routing": subcontracts.routing}


def _kinds_of(field: str, profile: CoreProfile) -> frozenset[NodeKind]:
    return next(known.kinds for known in profile.subcontracts if known.field == field)
