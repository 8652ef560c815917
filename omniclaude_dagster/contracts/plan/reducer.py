"""Plans REDUCER nodes: the item they reduce, the state they give, and how each output field is reduced."""

from dataclasses import replace
from typing import Any

from omniclaude_dagster.contracts import type_mapper
from omniclaude_dagster.contracts.plan.common import (
    PlanInput,
    fields_from_examples,
    fields_from_hints,
    sample_from_fields,
)
from omniclaude_dagster.contracts.plan.state_machine import plan_state_machine
from omniclaude_dagster.node.blueprint import FieldSpec, Logic, ModelSpec, NodeBlueprint
from omniclaude_dagster.request.model import Example

_DEFAULT_ITEM = (
    FieldSpec("key", "str", "What the value belongs to."),
    FieldSpec("value", "float", "What is aggregated."),
)
_NUMERIC = ("int", "float")
_DEDUPLICATING = frozenset({"deduplicate", "deduplicates", "dedupe", "deduplication", "unique", "duplicates"})


def plan_reducer(plan: PlanInput) -> NodeBlueprint:
    """Blueprint of a REDUCER node; output fields nobody can derive make its logic a scaffold."""
    machine = plan_state_machine(plan)
    if machine is not None:
        return machine
    examples = tuple(as_items_example(e) for e in plan.examples)
    rows = [row for e in examples for row in _items(e)]
    item = plan.given_fields("Input") or fields_from_examples(rows) or fields_from_hints(plan.parsed) or _DEFAULT_ITEM
    shown = plan.given_fields("Output") or fields_from_examples(
        [e.output for e in examples if e.output is not None], has_fraction_beside=_has_float(item)
    )
    is_deduplicating = bool(_DEDUPLICATING.intersection(plan.request.prompt.lower().split()))
    output = shown or _default_output(item, is_deduplicating=is_deduplicating, item_class=plan.model_class("Input"))
    reductions = {f.name: _reduction(f, item, item_class=plan.model_class("Input")) for f in output}
    unknown = [name for name, source in reductions.items() if source is None]
    sample_items = _items(examples[0]) if examples else _sample_items(item)
    blueprint = plan.blueprint(
        operations=("aggregate",),
        input_model=ModelSpec(plan.model_class("Input"), f"One item that {plan.stem} reduces.", item),
        output_model=ModelSpec(plan.model_class("Output"), f"State that {plan.stem} reduces to.", output),
        logic=_logic(plan, reductions, unknown),
        flavour="pure",
        sample_input={"items": sample_items},
    )
    return replace(blueprint, examples=examples)


def as_items_example(example: Example) -> Example:
    """The same example with its items under `items`, whichever way a person wrote them."""
    values = list(example.input.values())
    if len(values) == 1 and isinstance(values[0], list):
        name = next(iter(example.input))
        rows = [row if isinstance(row, dict) else {type_mapper.type_singular(name): row} for row in values[0]]
        return example.model_copy(update={"input": {"items": rows}})
    return example.model_copy(update={"input": {"items": [example.input]}})


def _items(example: Example) -> list[dict[str, Any]]:
    items = example.input["items"]
    return [dict(row) for row in items if isinstance(row, dict)] if isinstance(items, list) else []


def _has_float(fields: tuple[FieldSpec, ...]) -> bool:
    return any("float" in f.type for f in fields)


def _sample_items(item: tuple[FieldSpec, ...]) -> list[dict[str, Any]]:
    first = sample_from_fields(item)
    second = {name: value + 1 if type(value) in (int, float) else value for name, value in first.items()}
    return [first, second]


def _default_output(item: tuple[FieldSpec, ...], *, is_deduplicating: bool, item_class: str) -> tuple[FieldSpec, ...]:
    if is_deduplicating:
        return (
            FieldSpec("items", f"list[{item_class}]", "Distinct items; the last of each key wins."),
            FieldSpec("count", "int", "How many are left.", constraints={"ge": 0}),
        )
    fields = [FieldSpec("count", "int", "How many items were reduced.", constraints={"ge": 0})]
    number, key = _number(item), _key(item)
    if number:
        fields += [
            FieldSpec("total", "float", f"Sum of {number}."),
            FieldSpec("average", "float", f"Mean of {number}; 0 without items."),
            FieldSpec("minimum", "float | None", f"Smallest {number}.", "None"),
            FieldSpec("maximum", "float | None", f"Largest {number}.", "None"),
        ]
    if number and key:
        fields.append(FieldSpec("totals", "dict[str, float]", f"Sum of {number} for each {key}.", "dict"))
    elif key:
        fields.append(FieldSpec("counts", "dict[str, int]", f"Items for each {key}.", "dict"))
    return tuple(fields)


def _number(item: tuple[FieldSpec, ...], *, like: str = "") -> str | None:
    numbers = [f.name for f in item if f.type in _NUMERIC]
    named = [n for n in numbers if n in like]
    return next(iter(named or numbers), None)


def _key(item: tuple[FieldSpec, ...], *, like: str = "") -> str | None:
    keys = [f.name for f in item if f.type in {"str", "UUID"}]
    named = [k for k in keys if k in like]
    return next(iter(named or keys), None)


def _reduction(field: FieldSpec, item: tuple[FieldSpec, ...], *, item_class: str) -> str | None:
    """Source of the expression that gives one output field, or None when its name says nothing known."""
    if field.type.startswith("dict["):
        return _grouped(field, item)
    if field.type == f"list[{item_class}]":
        key = _key(item)
        return f"list({{item.{key}: item for item in items}}.values())" if key else None
    if field.type not in {"int", "float", "float | None", "int | None"}:
        return None
    return _scalar(field, item)


def _scalar(field: FieldSpec, item: tuple[FieldSpec, ...]) -> str | None:
    words = set(field.name.split("_"))
    number = _number(item, like=field.name)
    key = _key(item, like=field.name)
    if words & {"unique", "distinct"}:
        target = key or number
        return f"len({{item.{target} for item in items}})" if target else None
    if words & {"count", "n", "size", "length"} or field.name in {"items", "total_items", "number"}:
        counts_deduplicated = field.description.startswith("How many are left")
        return f"len({{item.{key} for item in items}})" if counts_deduplicated and key else "len(items)"
    if number is None:
        return None
    values = f"item.{number} for item in items"
    if words & {"total", "sum"} or field.name == number:
        return f"sum({values})" if field.type == "int" else f"fsum({values})"
    if words & {"average", "avg", "mean"}:
        return f"fsum({values}) / len(items) if items else 0.0"
    for name, function in (("min", "min"), ("minimum", "min"), ("lowest", "min"), ("max", "max"), ("maximum", "max"),
                           ("highest", "max"), ("largest", "max"), ("smallest", "min")):  # fmt: skip
        if name in words:
            empty = "None" if field.type.endswith("None") else "0"
            return f"{function}(({values}), default={empty})"
    return None


def _grouped(field: FieldSpec, item: tuple[FieldSpec, ...]) -> str | None:
    key = _key(item, like=field.name)
    number = _number(item, like=field.name)
    if key is None:
        return None
    group = f"str(item.{key})" if any(f.name == key and f.type == "UUID" for f in item) else f"item.{key}"
    if "count" in field.name or number is None:
        return f"dict(Counter({group} for item in items))"
    return f"grouped_total(({group}, item.{number}) for item in items)"


_GROUPED_TOTAL = '''def grouped_total(pairs: Iterable[tuple[str, float]]) -> dict[str, {number}]:
    """Sum of the second member for each first one."""
    totals: dict[str, {number}] = {{}}
    for key, value in pairs:
        totals[key] = totals.get(key, 0) + {cast}
    return totals


'''


def _logic(plan: PlanInput, reductions: dict[str, str | None], unknown: list[str]) -> Logic:
    if unknown:
        return Logic("scaffold", plan.function_name, detail=f"nobody said how to reduce to {', '.join(unknown)}")
    arguments = "".join(f"        {name}={source},\n" for name, source in reductions.items())
    used = " ".join(source or "" for source in reductions.values())
    imports = ["from collections.abc import Sequence"]
    helper = ""
    if "grouped_total(" in used:
        imports = ["from collections.abc import Iterable, Sequence"]
        helper = _GROUPED_TOTAL.format(number="float", cast="value")
    if "Counter(" in used:
        imports.insert(0, "from collections import Counter")
    if "fsum(" in used:
        imports.append("from math import fsum")
    head = f"def {plan.function_name}(items: Sequence[{plan.model_class('Input')}]) -> {plan.model_class('Output')}:"
    doc = '    """Reduce the items to one state."""'
    body = f"    return {plan.model_class('Output')}(\n{arguments}    )\n"
    source = "\n".join(imports) + f"\n\n\n{helper}{head}\n{doc}\n{body}"
    return Logic("template", plan.function_name, source=source, detail="reductions by field name")
