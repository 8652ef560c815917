"""Import lines of generated files, in the order a Python reader expects, from the core profile."""

import ast
from collections.abc import Iterable

from omniclaude_dagster.contracts.profile import CoreProfile
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import NodeKind

_NODE_SYMBOLS: dict[NodeKind, tuple[str, ...]] = {
    NodeKind.EFFECT: (
        "EnumCoreErrorCode",
        "EnumTransactionState",
        "ModelOnexError",
        "MixinHealthCheck",
        "ModelONEXContainer",
        "ModelEffectInput",
        "ModelEffectOutput",
        "NodeEffect",
    ),
    NodeKind.COMPUTE: ("MixinHealthCheck", "ModelComputeInput", "ModelComputeOutput", "NodeCompute"),
    NodeKind.REDUCER: (
        "MixinHealthCheck",
        "ModelProjectionIntent",
        "ModelIntent",
        "ModelReducerInput",
        "ModelReducerOutput",
        "ModelPayloadLogEvent",
        "NodeReducer",
    ),
    NodeKind.ORCHESTRATOR: (
        "EnumExecutionMode",
        "MixinHealthCheck",
        "ModelONEXContainer",
        "ModelSchemaValue",
        "ModelWorkflowStep",
        "ModelWorkflowDefinition",
        "ModelOrchestratorInput",
        "ModelOrchestratorOutput",
        "NodeOrchestrator",
    ),
}
_INPUT_SYMBOLS: dict[NodeKind, tuple[str, ...]] = {
    NodeKind.EFFECT: ("EnumEffectType", "ModelEffectInput"),
    NodeKind.COMPUTE: ("ModelComputeInput",),
    NodeKind.REDUCER: ("EnumReductionType", "ModelReducerInput"),
    NodeKind.ORCHESTRATOR: (),
}


def node_symbols(blueprint: NodeBlueprint) -> tuple[str, ...]:
    """What node.py imports from the framework."""
    symbols = _NODE_SYMBOLS[blueprint.kind]
    if blueprint.kind in {NodeKind.COMPUTE, NodeKind.REDUCER} and blueprint.event_bus is not None:
        symbols = (*symbols, "ModelONEXContainer")
    if blueprint.kind is NodeKind.ORCHESTRATOR and not blueprint.steps:
        symbols = (*symbols, "EnumCoreErrorCode", "ModelOnexError")
    return symbols


def start_symbols(kind: NodeKind) -> tuple[str, ...]:
    """What start_node.py imports from the framework."""
    return ("ModelONEXContainer", "ModelOnexError", *_INPUT_SYMBOLS[kind])


def test_symbols(blueprint: NodeBlueprint) -> tuple[str, ...]:
    """What tests/test_node.py imports from the framework."""
    symbols = {"ModelONEXContainer", *_INPUT_SYMBOLS[blueprint.kind]}
    if blueprint.is_scaffold or blueprint.kind in {NodeKind.EFFECT, NodeKind.ORCHESTRATOR}:
        symbols.add("ModelOnexError")
    if blueprint.kind is NodeKind.EFFECT:
        symbols.add("EnumCoreErrorCode")
    return tuple(symbols)


def lines(profile: CoreProfile, symbols: Iterable[str]) -> list[str]:
    """One `from module import a, b` line a module, sorted."""
    by_module: dict[str, list[str]] = {}
    for symbol in symbols:
        by_module.setdefault(profile.module_of(symbol), []).append(symbol)
    return [f"from {module} import {', '.join(sorted(set(by_module[module])))}" for module in sorted(by_module)]


def pure_module_body(source: str, *, model_names: list[str]) -> str:
    """Imports of a logic source first, then the models' import, then its functions as they were written.

    `source` is parsed; SyntaxError when it cannot be. Comments between statements are kept, because the text
    from the first statement that is no import on is taken as it stands.
    """
    module = ast.parse(source)
    imported = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [node for node in module.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    first_line = min((_first_line(node) for node in others), default=1)
    text = "\n".join(source.splitlines()[first_line - 1 :]).strip("\n")
    standard, third_party = grouped(imported)
    groups = ["\n".join(group) for group in (standard, third_party) if group]
    groups.append(f"from .models import {', '.join(model_names)}")
    return "\n\n".join(groups) + f"\n\n\n{text}\n"


def _first_line(node: ast.stmt) -> int:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return node.lineno


def grouped(imported: list[ast.Import | ast.ImportFrom]) -> tuple[list[str], list[str]]:
    """Import lines of the standard library, and of third parties, each sorted."""
    standard: list[str] = []
    third_party: list[str] = []
    for node in imported:
        root = (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        target = third_party if root.split(".")[0] in {"pydantic", "omnibase_core"} else standard
        line = ast.unparse(node)
        if line not in target:
            target.append(line)
    plain_first = [
        sorted(group, key=lambda line: (not line.startswith("import "), line)) for group in (standard, third_party)
    ]
    return plain_first[0], plain_first[1]
