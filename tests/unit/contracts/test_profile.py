"""The table of what generated code imports, proven against the installed core."""

import importlib
from dataclasses import replace
from importlib.metadata import version

import pytest

from omniclaude_dagster.artifact import imports
from omniclaude_dagster.contracts.profile import DEFAULT_CORE_VERSION, CoreProfile, core_profile, core_versions
from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.request.model import NodeKind
from tests.support.generated_nodes import blueprint_for


def unresolved(profile: CoreProfile) -> list[str]:
    """Entries of the table that the installed core does not have."""
    missing = []
    for module, symbol in sorted({pair for kind in NodeKind for pair in profile.imports_for(kind)}):
        try:
            getattr(importlib.import_module(module), symbol)
        except (ImportError, AttributeError) as exc:
            missing.append(f"{module}.{symbol}: {exc}")
    return missing


def test_every_entry_imports_from_the_installed_core() -> None:
    assert version("omnibase-core") == DEFAULT_CORE_VERSION
    assert unresolved(core_profile()) == []


@pytest.mark.parametrize(
    "wrong",
    [("omnibase_core.nodes.node_effect", "NodeEfect"), ("omnibase_core.core.node_effect", "NodeEffect")],
)
def test_a_wrong_entry_is_noticed(wrong: tuple[str, str]) -> None:
    real = core_profile()
    kinds = {**real.kind_imports, NodeKind.EFFECT: (wrong, *real.kind_imports[NodeKind.EFFECT])}
    broken = replace(real, kind_imports=kinds)
    assert len(unresolved(broken)) == 1


def test_an_unknown_core_version_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=DEFAULT_CORE_VERSION):
        core_profile("0.1.0")
    assert DEFAULT_CORE_VERSION in core_versions()
    assert len(core_versions()) > 1


def test_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="NodeTeapot"):
        core_profile().module_of("NodeTeapot")


def test_two_modules_never_offer_one_symbol() -> None:
    """`module_of` could give either; the orchestrator's EnumExecutionMode exists twice in the core."""
    modules: dict[str, set[str]] = {}
    for kind in NodeKind:
        for module, symbol in core_profile().imports_for(kind):
            modules.setdefault(symbol, set()).add(module)
    assert {symbol: found for symbol, found in modules.items() if len(found) > 1} == {}


def test_import_lines_are_one_a_module_and_sorted() -> None:
    lines = imports.lines(
        core_profile(), ["EnumTransactionState", "ModelOnexError", "EnumEffectType", "EnumEffectType"]
    )
    assert lines == [
        "from omnibase_core.enums.enum_effect_types import EnumEffectType, EnumTransactionState",
        "from omnibase_core.errors.model_onex_error import ModelOnexError",
    ]


def test_a_logic_source_gets_its_imports_sorted_and_the_models_import_after_them() -> None:
    source = (
        "from __future__ import annotations\nfrom pydantic import JsonValue\nimport re\nfrom math import fsum\n"
        "import re\n\n# kept\n@cache\ndef f(x):\n    return x\n"
    )
    body = imports.pure_module_body(source, model_names=["ModelA", "ModelB"])
    head, _, rest = body.partition("\n\n\n")
    assert head.split("\n\n") == [
        "import re\nfrom math import fsum",
        "from pydantic import JsonValue",
        "from .models import ModelA, ModelB",
    ]
    assert rest == "@cache\ndef f(x):\n    return x\n"


def test_a_logic_source_that_is_no_python_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        imports.pure_module_body("def f(:", model_names=["ModelA"])


def test_every_kind_imports_only_what_the_profile_knows() -> None:
    for prompt in (
        "Create EFFECT node for PostgreSQL writes",
        "COMPUTE node for pricing calculation",
        "REDUCER node for data aggregation",
        "Create ORCHESTRATOR node for multi-step workflow coordination",
    ):
        blueprint = blueprint_for(prompt)
        symbols = [
            *imports.node_symbols(blueprint),
            *imports.start_symbols(blueprint.kind),
            *imports.test_symbols(blueprint),
        ]
        assert len(imports.lines(core_profile(), symbols)) > 3
