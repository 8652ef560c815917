"""What generated code imports from omnibase-core, per core version: a table (profiles.yaml), not literals in templates.

A test imports every entry from the installed core, and `make check-profiles` every other one from its own, so drift
between releases is a red test, not a broken node.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.request.model import NodeKind

DEFAULT_CORE_VERSION = "0.47.57"

Import = tuple[str, str]


@dataclass(frozen=True)
class Subcontract:
    """One of the six subcontracts: the contract's field, the model that validates it, the kinds that have it."""

    field: str
    model: Import
    kinds: frozenset[NodeKind]


@dataclass(frozen=True)
class CoreProfile:
    """Import paths, contract classes and field names of one core version."""

    version: str
    version_field: str
    node_types: dict[NodeKind, str]
    contract_classes: dict[NodeKind, Import]
    common_imports: tuple[Import, ...]
    kind_imports: dict[NodeKind, tuple[Import, ...]]
    subcontracts: tuple[Subcontract, ...]

    def imports_for(self, kind: NodeKind) -> tuple[Import, ...]:
        """Every `(module, symbol)` a node of this kind imports from the framework."""
        return (*self.common_imports, *self.kind_imports[kind], self.contract_classes[kind])

    def module_of(self, symbol: str) -> str:
        """Module to import `symbol` from. Raises ConfigurationError for a symbol the profile does not know."""
        for kind in NodeKind:
            for module, known in self.imports_for(kind):
                if known == symbol:
                    return module
        raise ConfigurationError(f"core profile {self.version} does not know {symbol}.")


def core_profile(version: str = DEFAULT_CORE_VERSION) -> CoreProfile:
    """The profile of a core version. Raises ConfigurationError naming the known versions."""
    try:
        return _profiles()[version]
    except KeyError:
        known = ", ".join(core_versions())
        raise ConfigurationError(f"no core profile for omnibase-core {version}.", cure=f"use one of {known}") from None


def core_versions() -> tuple[str, ...]:
    """Every version in the table."""
    return tuple(sorted(_profiles()))


@lru_cache(maxsize=1)
def _profiles() -> dict[str, CoreProfile]:
    table = yaml.safe_load(Path(__file__).with_name("profiles.yaml").read_text(encoding="utf-8"))
    return {version: _profile(version, entry) for version, entry in table.items()}


def _profile(version: str, entry: dict[str, Any]) -> CoreProfile:
    return CoreProfile(
        version=version,
        version_field=entry["version_field"],
        node_types={kind: kind.value + entry["node_type_suffix"] for kind in NodeKind},
        contract_classes={
            kind: (entry["contracts_module"], f"ModelContract{kind.value.capitalize()}") for kind in NodeKind
        },
        common_imports=_imports(entry["common"]),
        kind_imports={kind: _imports(entry["kinds"][kind.value]) for kind in NodeKind},
        subcontracts=tuple(
            Subcontract(field, (known["module"], known["model"]), frozenset(map(NodeKind, known["kinds"])))
            for field, known in entry["subcontracts"].items()
        ),
    )


def _imports(modules: dict[str, str]) -> tuple[Import, ...]:
    return tuple((module, symbol) for symbol, module in modules.items())
