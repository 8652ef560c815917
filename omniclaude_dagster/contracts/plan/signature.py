"""Plans COMPUTE nodes around a plain function that the request spells out or shows by its calls.

Its parameters become the input model, its result the output model's only field `result`. What logic.py and node.py
look like then is `artifact/plain_logic.py`'s matter.
"""

import ast
import keyword
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from omniclaude_dagster.contracts import annotations, type_mapper
from omniclaude_dagster.contracts.annotations import ANY_JSON, NUMBER, members_of, split_union
from omniclaude_dagster.contracts.plan.arithmetic import arithmetic
from omniclaude_dagster.contracts.plan.common import PlanInput, checked_field_name
from omniclaude_dagster.contracts.plan.docstring import function_docstring
from omniclaude_dagster.contracts.shown_types import widened
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import FieldSpec, Logic, ModelSpec, NodeBlueprint, SignatureSpec
from omniclaude_dagster.request.model import Example, ParameterHint, SignatureHint

RESULT = "result"
_MAX_DEFAULT_CHARS = 200
_NUMBER = re.compile(r"\A-?\d{1,15}(?:\.\d{1,15})?\Z")
_OPEN = "the request says which function is wanted; its body is still to be written"


def plan_signature(plan: PlanInput) -> NodeBlueprint | None:
    """Blueprint of the node around the request's function; None without one, or when given examples do not fit it."""
    hint = plan.parsed.signature
    if hint is None or not _fits(hint, plan.request.examples):
        return None
    fields, narrow, result = parameter_fields(hint), _narrow_types(hint), result_field(hint)
    logic = plain_arithmetic(plan, hint)
    if logic is not None:
        # Plain arithmetic takes every number, also where only whole ones were shown.
        fields = tuple(replace(f, type=_numbers(f.type)) for f in fields)
        narrow = tuple(annotations.function_type(f.type) for f in fields)
    docstring = function_docstring(
        hint,
        plan.examples,
        fallback=plan.parsed.description,
        gives_fraction=bool(logic and " / " in (logic.source or "")),
    )
    returns = annotations.function_type(_result_type(hint))
    signature = SignatureSpec(hint.function, tuple(f.name for f in fields), returns, docstring, narrow)
    blueprint = plan.blueprint(
        operations=(hint.function,),
        input_model=ModelSpec(plan.model_class("Input"), f"Parameters of {hint.function}.", _required_first(fields)),
        output_model=ModelSpec(plan.model_class("Output"), f"Result of {hint.function}.", (result,)),
        logic=logic or Logic("scaffold", hint.function, detail=_OPEN),
        flavour="pure",
        sample_input=_sample(plan, fields),
    )
    return replace(blueprint, operations=(hint.function,), signature=signature)


def without_signature(plan: PlanInput) -> PlanInput:
    """The request without a function whose parameters its examples do not know."""
    if plan.parsed.signature is None:
        return plan
    return replace(plan, parsed=replace(plan.parsed, signature=None, examples=()))


def _fits(hint: SignatureHint, given: Sequence[Example]) -> bool:
    names = {p.name for p in hint.parameters}
    needed = {p.name for p in hint.parameters if p.default is None}
    return all(needed <= set(e.input) <= names and (e.output is None or set(e.output) == {RESULT}) for e in given)


def parameter_fields(hint: SignatureHint) -> tuple[FieldSpec, ...]:
    """One field a parameter, in order. A name that no field can have keeps its own name as the field's alias."""
    fields: list[FieldSpec] = []
    for parameter in hint.parameters:
        others = {p.name for p in hint.parameters} - {parameter.name}
        name = _field_name(parameter.name, taken={f.name for f in fields} | others)
        type_, default = _type_of(parameter), _default(parameter.default)
        if default == "None" and "None" not in split_union(type_) and type_ != ANY_JSON:
            type_ = f"{type_} | None"
        fields.append(FieldSpec(name, type_, default=default, alias=parameter.name if name != parameter.name else None))
    return tuple(fields)


def result_field(hint: SignatureHint) -> FieldSpec:
    """The output model's only field. A set is a list in order there: JSON knows no sets."""
    type_ = _result_type(hint)
    if hint.is_result_shown:
        type_ = widened(type_)
    container, members = members_of(type_)
    return FieldSpec(RESULT, f"list[{members[0]}]" if container in {"set", "frozenset"} else type_)


def _result_type(hint: SignatureHint) -> str:
    return _typed(hint.returns)


def _type_of(parameter: ParameterHint) -> str:
    type_ = _typed(parameter.annotation)
    return widened(type_) if parameter.is_shown else type_


def _narrow_types(hint: SignatureHint) -> tuple[str, ...]:
    return tuple(_narrow(parameter) for parameter in hint.parameters)


def _narrow(parameter: ParameterHint) -> str:
    """The function's own annotation: as written, or the narrowest that holds what was shown."""
    type_ = annotations.function_type(_typed(parameter.annotation))
    if parameter.default == "None" and "None" not in split_union(type_) and type_ != ANY_JSON:
        return f"{type_} | None"
    return type_


def _typed(annotation: str | None) -> str:
    """A type the person made up (a class, a callable) is any JSON value."""
    try:
        return annotations.field_type(annotation) if annotation else ANY_JSON
    except annotations.AnnotationError:
        return ANY_JSON


def _field_name(parameter: str, *, taken: set[str]) -> str:
    plain = re.sub(r"\W", "", parameter, flags=re.ASCII).strip("_").lower() or "value"
    plain = f"p_{plain}" if not plain[0].isalpha() or plain.startswith("model_") else plain
    candidates = (parameter, plain, *(f"{plain}_{n}" for n in ("", *range(2, 30))))
    for candidate in candidates:
        try:
            name = checked_field_name(candidate)
        except RequestError:
            continue
        if (name not in taken and not keyword.issoftkeyword(name)) or name in {"type", "match", "case"}:
            return name
    raise RequestError(f"the parameter {parameter[:80]!r} cannot be a field.", cure="give it another name")


def _default(source: str | None) -> str | None:
    """The default as the model's source: immutable literals as they are, others made anew each time."""
    if source is None or len(source) > _MAX_DEFAULT_CHARS:
        return None
    try:
        value = ast.literal_eval(source)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    if isinstance(value, list | dict | set):
        return type(value).__name__ if not value and not isinstance(value, set) else f"lambda: {value!r}"
    return repr(value)


def _required_first(fields: tuple[FieldSpec, ...]) -> tuple[FieldSpec, ...]:
    return tuple(sorted(fields, key=lambda f: f.default is not None))


def plain_arithmetic(plan: PlanInput, hint: SignatureHint) -> Logic | None:
    """The body where the words name an operation on numbers that the examples confirm."""
    types = [type_.replace("int | float", "float") for type_ in _narrow_types(hint)]
    inputs = [FieldSpec(p.name, type_) for p, type_ in zip(hint.parameters, types, strict=True)]
    outputs = [FieldSpec(RESULT, annotations.function_type(_result_type(hint)))]
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", f"{plan.request.prompt} {plan.name}").lower()
    plain = arithmetic(
        spaced, inputs=inputs, outputs=outputs, examples=[_with_defaults(e, hint) for e in plan.examples]
    )
    if plain is None or (plain.gives_fraction and hint.returns == "int" and not hint.is_result_shown):
        return None
    expression = re.sub(r"\bdata\.(?=\w)", "", plain.expression)
    names = ", ".join(p.name for p in hint.parameters)
    source = f"def {hint.function}({names}):\n    return {expression}\n"
    detail = f"arithmetic: {expression}"
    return Logic("template", hint.function, source=source, detail=detail, is_total=plain.is_total)


def _with_defaults(example: Example, hint: SignatureHint) -> Example:
    """The example with what its call leaves out."""
    left_out = {p.name: p.default for p in hint.parameters if p.default is not None and p.name not in example.input}
    known = {name: ast.literal_eval(default) for name, default in left_out.items() if _NUMBER.match(default)}
    return example.model_copy(update={"input": {**example.input, **known}})


def _numbers(type_: str) -> str:
    return {f"list[{ANY_JSON}]": f"list[{NUMBER}]"}.get(type_, type_)


def _sample(plan: PlanInput, fields: Sequence[FieldSpec]) -> dict[str, Any]:
    """The first example that is answered, else a value for each parameter."""
    answered = next((e for e in plan.examples if e.raises is None), None)
    if answered is not None:
        return dict(answered.input)
    return {f.alias or f.name: sample_of(f.type) for f in fields if f.default is None}


def sample_of(type_source: str) -> Any:
    """A JSON value that the type accepts."""
    first = split_union(type_source)[0]
    container, members = members_of(first)
    if container == "dict":
        return {"1" if members[0] == "int" else "key": sample_of(members[1])}
    if container == "tuple":
        return [sample_of(member) for member in members if member not in {"...", "()"}]
    if container:
        return [1, 2] if members[0] == ANY_JSON else [sample_of(members[0])]
    return {"None": None, "Decimal": "2.5", "bytes": "example"}.get(first, type_mapper.sample_for(first))
