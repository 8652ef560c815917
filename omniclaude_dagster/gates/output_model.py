"""Which fields a node's answer must have, read from the output model that its contract names.

Inputs to try a node with, where a request brought none, are made in the sandbox from the input model itself.
"""

import ast
from collections.abc import Mapping

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.symbols import dotted

MAX_MODEL_DEPTH = 6


def output_fields(ctx: NodeContext) -> frozenset[str] | None:
    """Field names of the contract's output model, its parents in the bundle included; None when not known."""
    path = ctx.contract.get("output_model") if isinstance(ctx.contract, dict) else None
    classes = _classes(ctx)
    node = classes.get(path.rpartition(".")[2]) if isinstance(path, str) else None
    return frozenset(_field_names(node, classes, MAX_MODEL_DEPTH)) if node else None


def _classes(ctx: NodeContext) -> dict[str, ast.ClassDef]:
    return {n.name: n for s in ctx.parsed.product for n in s.tree.body if isinstance(n, ast.ClassDef)}


def _field_names(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef], depth: int) -> set[str]:
    names = {
        _json_name(s)
        for s in node.body
        if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name) and not s.target.id.startswith("_")
    } - {"model_config"}
    for base in node.bases:
        parent = classes.get((dotted(base) or "").rpartition(".")[2])
        if parent and depth:
            names |= _field_names(parent, classes, depth - 1)
    return names


def _json_name(statement: ast.AnnAssign) -> str:
    """The field's name in JSON: its serialization alias where it has one."""
    keywords = statement.value.keywords if isinstance(statement.value, ast.Call) else []
    for keyword in keywords:
        if keyword.arg == "serialization_alias" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return statement.target.id if isinstance(statement.target, ast.Name) else ""
