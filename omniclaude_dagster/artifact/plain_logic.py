"""logic.py and the call in node.py of a node around a plain function (`NodeBlueprint.signature`).

The head of the function (parameters, annotations, docstring) always comes from the blueprint, whoever wrote its body.
"""

import ast
from collections.abc import Iterable
from typing import Any

from omniclaude_dagster.artifact.imports import grouped
from omniclaude_dagster.artifact.unparsing import unparsed
from omniclaude_dagster.contracts.annotations import ANY_JSON, NUMBER, function_type, members_of
from omniclaude_dagster.node.blueprint import FieldSpec, NodeBlueprint, SignatureSpec

_KNOWN = {
    "Any": "typing",
    "UUID": "uuid",
    "datetime": "datetime",
    "date": "datetime",
    "Decimal": "decimal",
}
_ORDERED = frozenset({"str", "int", NUMBER, "bool", "date", "datetime", "UUID", "Decimal"})


def function_head(blueprint: NodeBlueprint, signature: SignatureSpec) -> str:
    """`def has_close(numbers: list[float], limit: float = 0.5) -> bool:`."""
    fields = _fields(blueprint, signature)
    defaults = [None if _is_made_anew(f.default) else f.default for f in fields]
    first = next((n for n, default in enumerate(defaults) if default is not None), len(defaults))
    # Python wants a default for every parameter after one with a default; a made one cannot be written here.
    has_gap = any(default is None for default in defaults[first:])
    parts = [
        f"{f.alias or f.name}: {annotation}" + (f" = {default}" if default is not None and not has_gap else "")
        for f, annotation, default in zip(fields, argument_types(blueprint, signature), defaults, strict=True)
    ]
    return f"def {signature.function}({', '.join(parts)}) -> {result_type(blueprint, signature)}:"


def argument_types(blueprint: NodeBlueprint, signature: SignatureSpec) -> list[str]:
    """Annotations of the parameters. Where members were only shown, the function takes any: none was asked for."""
    narrow = signature.annotations or tuple(function_type(f.type) for f in _fields(blueprint, signature))
    return [
        _any(function_type(f.type)) if ANY_JSON in f.type else type_
        for f, type_ in zip(_fields(blueprint, signature), narrow, strict=True)
    ]


def result_type(blueprint: NodeBlueprint, signature: SignatureSpec) -> str:
    """The annotation of the result: as written, or as wide as the output model."""
    if members_of(signature.returns)[0] in {"set", "frozenset"}:
        return _any(signature.returns)
    return _any(function_type(blueprint.output_model.fields[0].type))


def function_call(blueprint: NodeBlueprint, signature: SignatureSpec) -> str:
    """The function called field by field, its result in the output model; `data` holds the input model."""
    call = f"{signature.function}({', '.join(_arguments(blueprint, signature))})"
    container, members = members_of(signature.returns)
    if container in {"set", "frozenset"}:
        call = f"sorted({call})" if members[0] in _ORDERED else f"sorted({call}, key=repr)"
    elif is_made_json(blueprint, signature):
        call = f"to_jsonable_python({call})"
    output = blueprint.output_model
    return f"{output.class_name}({output.fields[0].name}={call})"


def is_made_json(blueprint: NodeBlueprint, signature: SignatureSpec) -> bool:
    """Whether the result may hold tuples where the output model takes any JSON value."""
    is_set = members_of(signature.returns)[0] in {"set", "frozenset"}
    return ANY_JSON in blueprint.output_model.fields[0].type and not is_set


def is_cast(blueprint: NodeBlueprint, signature: SignatureSpec) -> bool:
    """Whether a field is wider than what the function says it takes."""
    return any(argument.startswith("cast(") for argument in _arguments(blueprint, signature))


def _arguments(blueprint: NodeBlueprint, signature: SignatureSpec) -> list[str]:
    types = argument_types(blueprint, signature)
    return [
        f"data.{f.name}" if type_ in {_any(f.type), function_type(_any(f.type))} else f'cast("{type_}", data.{f.name})'
        for f, type_ in zip(_fields(blueprint, signature), types, strict=True)
    ]


def plain_module_body(blueprint: NodeBlueprint, signature: SignatureSpec, source: str) -> str:
    """The function with the helpers and imports it came with; its head and its docstring are the blueprint's.

    Raises SyntaxError when the source cannot be parsed.
    """
    module = ast.parse(source)
    template = _head_node(blueprint, signature)
    kept = [node for node in module.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    for node in kept:
        if isinstance(node, ast.FunctionDef) and node.name == signature.function:
            node.args, node.returns, node.decorator_list = _named_as(template, node), template.returns, []
            has_docstring = ast.get_docstring(node) is not None
            node.body = [template.body[0], *(node.body[1:] if has_docstring else node.body)]
    imported = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    used = {node.id for statement in kept for node in ast.walk(statement) if isinstance(node, ast.Name)}
    bound = {alias.asname or alias.name for node in imported for alias in node.names}
    missing = sorted((used & _KNOWN.keys()) - bound)
    imported += [ast.ImportFrom(_KNOWN[name], [ast.alias(name)], 0) for name in missing]
    lines = grouped([only for node in imported if (only := _only_used(node, used)) is not None])
    groups = ["\n".join(group) for group in lines if group]
    return "\n\n".join(groups) + ("\n\n\n" if groups else "\n") + unparsed(kept) + "\n"


def _named_as(template: ast.FunctionDef, written: ast.FunctionDef) -> ast.arguments:
    """The asked parameters under the names that the body uses: node.py calls the function by place."""
    names = [argument.arg for argument in (*written.args.posonlyargs, *written.args.args)]
    asked = template.args.args
    if len(names) != len(asked):
        return template.args
    renamed = [ast.arg(name, argument.annotation) for name, argument in zip(names, asked, strict=True)]
    return ast.arguments([], renamed, None, [], [], None, template.args.defaults)


def scaffold_source(blueprint: NodeBlueprint, signature: SignatureSpec) -> tuple[list[str], str]:
    """Import lines and head with docstring of a function whose body is still to be written."""
    node = _head_node(blueprint, signature)
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    imported = [f"from {_KNOWN[name]} import {name}" for name in sorted(used & _KNOWN.keys())]
    return imported, ast.unparse(node)


def template_context(blueprint: NodeBlueprint) -> dict[str, Any]:
    """What the templates of node.py and of a scaffold's logic.py need to know of the plain function."""
    signature = blueprint.signature
    if signature is None:
        return {
            "plain_call": "",
            "is_cast": False,
            "is_made_json": False,
            "plain_head": "",
            "plain_imports": [],
            "plain_names": [],
        }
    imported, head = scaffold_source(blueprint, signature)
    return {
        "plain_call": function_call(blueprint, signature),
        "is_made_json": is_made_json(blueprint, signature),
        "is_cast": is_cast(blueprint, signature),
        "plain_head": head,
        "plain_imports": imported,
        "plain_names": [f.alias or f.name for f in _fields(blueprint, signature)],
    }


def _head_node(blueprint: NodeBlueprint, signature: SignatureSpec) -> ast.FunctionDef:
    node = ast.parse(f"{function_head(blueprint, signature)}\n    ...").body[0]
    if not isinstance(node, ast.FunctionDef):
        raise TypeError("the signature is no function")
    text = signature.docstring.strip() or f"Compute {signature.function.replace('_', ' ').strip()}."
    lines = text.replace("\n", "\n    ") + ("\n    " if "\n" in text else "")
    node.body = [ast.Expr(ast.Constant(lines))]
    return ast.fix_missing_locations(node)


def _only_used(node: ast.Import | ast.ImportFrom, used: Iterable[str]) -> ast.Import | ast.ImportFrom | None:
    names = [a for a in node.names if (a.asname or a.name.partition(".")[0]) in used]
    if not names:
        return None
    return ast.Import(names) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, names, node.level)


def _fields(blueprint: NodeBlueprint, signature: SignatureSpec) -> list[FieldSpec]:
    by_name = {f.name: f for f in blueprint.input_model.fields}
    return [by_name[name] for name in signature.parameters]


def _is_made_anew(default: str | None) -> bool:
    return default in {"list", "dict", "set"} or (default or "").startswith("lambda")


def _any(type_: str) -> str:
    """JSON's union of everything cannot be computed with; a function says `Any` there, a model never does."""
    return type_.replace(ANY_JSON, "Any")
