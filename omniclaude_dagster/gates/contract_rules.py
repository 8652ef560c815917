"""G12: contract.yaml against the framework's own contract model, and against the bundle it describes.

A contract is data, so the real `ModelContract<Kind>` validates it in this process.
"""

from collections.abc import Iterator

from omniclaude_dagster.contracts.builder import ContractError, validate_contract
from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.onex_rules import NODE_TYPES
from omniclaude_dagster.gates.source import Finding
from omniclaude_dagster.gates.symbols import bound_names

_FILE = "contract.yaml"


def contract_findings(ctx: NodeContext) -> Iterator[Finding]:
    """Everything wrong with the contract."""
    contract = ctx.contract
    if _FILE not in ctx.bundle.files:
        yield Finding(_FILE, 0, "the file is missing")
        return
    if not isinstance(contract, dict):
        yield Finding(_FILE, 0, "is not a mapping")
        return
    kind = ctx.node_kind
    if kind is None:
        yield Finding(_FILE, 0, "the kind of the node is not known, so its contract cannot be judged")
        return
    if NODE_TYPES.get(str(contract.get("node_type"))) is not kind:
        yield Finding(_FILE, 0, f"node_type {str(contract.get('node_type'))[:60]!r} is not {kind.value}")
    try:
        validate_contract(contract, kind)
    except ContractError as exc:
        yield Finding(_FILE, 0, exc.message)
    for key in ("input_model", "output_model"):
        problem = _model_path_problem(ctx, contract.get(key))
        if problem:
            yield Finding(_FILE, 0, f"{key} {problem}")


def _model_path_problem(ctx: NodeContext, path: object) -> str | None:
    """Why `pkg.models.module.Class` does not name a class of this bundle, or None."""
    if not isinstance(path, str) or path.count(".") < 2:
        return f"{str(path)[:80]!r} is not the dotted path of a class"
    package, _, rest = path.partition(".")
    module, _, symbol = rest.rpartition(".")
    if package != ctx.package:
        return f"{path[:120]!r} is not in the package {ctx.package}"
    source = ctx.parsed.by_module(module)
    if source is None or symbol not in bound_names(source):
        return f"{path[:120]!r} does not exist in the bundle"
    return None
