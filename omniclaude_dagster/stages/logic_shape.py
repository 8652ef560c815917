"""The signature that a body is written below, and making an answer fit it.

There are two shapes:

a node function      `def double(data: ModelDoublerInput) -> ModelDoublerOutput`, ours to choose: an answer that takes
                     the fields themselves, or returns the plain value of the only field, is mended
a plain function     `def double(n: int) -> int`, as the request spells it out (`NodeBlueprint.signature`): an answer
                     must take exactly these parameters, only annotations and the docstring are ours, and the
                     renderer writes the same head (`artifact/plain_logic.py`)
"""

import ast
import inspect
from collections.abc import Iterator

from omniclaude_dagster.artifact.plain_logic import function_head
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.stages.logic_select import NotAllowedError


def signature(blueprint: NodeBlueprint) -> str:
    """The line a body is written below."""
    if blueprint.signature is not None:
        return function_head(blueprint, blueprint.signature)
    inputs, outputs = blueprint.input_model.class_name, blueprint.output_model.class_name
    parameter = f"items: list[{inputs}]" if blueprint.kind.value == "REDUCER" else f"data: {inputs}"
    return f"def {blueprint.logic.function}({parameter}) -> {outputs}:"


def fit(function: ast.FunctionDef, blueprint: NodeBlueprint) -> None:
    """Give the function the asked signature. Raises NotAllowedError when it cannot have it."""
    template = ast.parse(signature(blueprint) + "\n    ...").body[0]
    if not isinstance(template, ast.FunctionDef):
        raise TypeError("the signature is no function")
    if blueprint.signature is not None:
        _check_parameters(function, template)
    else:
        _take_one_parameter(function, template, blueprint)
        _wrap_returns(function, blueprint)
    function.args = template.args
    function.returns = template.returns
    function.decorator_list = []
    function.type_params = []
    _set_docstring(function, blueprint)


def _check_parameters(function: ast.FunctionDef, template: ast.FunctionDef) -> None:
    given, asked = function.args, [argument.arg for argument in template.args.args]
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    if names != asked or given.vararg or given.kwarg or given.kwonlyargs:
        raise NotAllowedError(
            f"{function.name} must take exactly ({', '.join(asked)}), not ({ast.unparse(given)[:200]})"
        )


def _take_one_parameter(function: ast.FunctionDef, template: ast.FunctionDef, blueprint: NodeBlueprint) -> None:
    given = [argument.arg for argument in function.args.args]
    parameter = template.args.args[0]
    fields = {f.name for f in blueprint.input_model.fields}
    if given and given != [parameter.arg] and fields.issuperset(given):
        # Small models like to take the fields themselves: read them from the one parameter first.
        unpacked = [ast.parse(f"{name} = {parameter.arg}.{name}").body[0] for name in given]
        start = 1 if ast.get_docstring(function) is not None else 0
        function.body[start:start] = unpacked
    elif len(given) == 1:
        parameter.arg = given[0]


def _wrap_returns(function: ast.FunctionDef, blueprint: NodeBlueprint) -> None:
    """Where the answer never builds the output model, its plain result becomes the model's only field."""
    output = blueprint.output_model
    body = (n for statement in function.body for n in ast.walk(statement))
    builds_model = any(isinstance(n, ast.Name) and n.id == output.class_name for n in body)
    if builds_model or len(output.fields) != 1:
        return
    for node in own_returns(function):
        if node.value is not None:
            keyword = ast.keyword(output.fields[0].name, node.value)
            node.value = ast.Call(ast.Name(output.class_name, ast.Load()), [], [keyword])


def own_returns(function: ast.FunctionDef) -> Iterator[ast.Return]:
    """The returns of the function itself, not of those inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def _set_docstring(function: ast.FunctionDef, blueprint: NodeBlueprint) -> None:
    """The request's own docstring, where it has one; else the answer's; else the function's name in words."""
    asked = inspect.cleandoc(blueprint.signature.docstring) if blueprint.signature else ""
    has_own = ast.get_docstring(function) is not None
    if has_own and not asked:
        return
    title = blueprint.logic.function.replace("_", " ").strip().capitalize() + "."
    text = asked.replace("\n", "\n    ") if asked else title
    lines = text + ("\n    " if "\n" in text else "")
    function.body[: 1 if has_own else 0] = [ast.Expr(ast.Constant(lines))]
