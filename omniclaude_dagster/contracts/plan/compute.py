"""Plans COMPUTE nodes: their models from examples, named fields or a known computation of the catalog."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from omniclaude_dagster.contracts import type_mapper
from omniclaude_dagster.contracts.plan.arithmetic import Arithmetic, arithmetic
from omniclaude_dagster.contracts.plan.common import (
    PlanInput,
    fields_from_examples,
    fields_from_hints,
    sample_from_fields,
)
from omniclaude_dagster.contracts.plan.signature import plan_signature, without_signature
from omniclaude_dagster.node.blueprint import FieldSpec, Logic, ModelSpec, NodeBlueprint
from omniclaude_dagster.settings import project_data_path


@dataclass(frozen=True)
class KnownComputation:
    """One entry of templates/compute/catalog.yaml."""

    id: str
    title: str
    words: tuple[frozenset[str], ...]
    inputs: tuple[FieldSpec, ...]
    outputs: tuple[FieldSpec, ...]
    imports: tuple[str, ...]
    body: str
    sample: Mapping[str, Any]
    # Whether it answers every valid input; otherwise it may refuse one with ValueError or ArithmeticError.
    is_total: bool

    def source(self, *, function: str, input_class: str, output_class: str) -> str:
        """The function as source."""
        imports = "".join(f"{line}\n" for line in self.imports)
        body = self.body.replace("OUTPUT(", f"{output_class}(").rstrip()
        indented = "\n".join(f"    {line}" if line else "" for line in body.splitlines())
        head = f"def {function}(data: {input_class}) -> {output_class}:"
        return f'{imports}\n\n{head}\n    """{self.title}"""\n{indented}\n'


def plan_compute(plan: PlanInput) -> NodeBlueprint:
    """Blueprint of a COMPUTE node; its logic is a scaffold when the catalog knows no such computation."""
    spelled = plan_signature(plan)
    if spelled is not None:
        return spelled
    plan = without_signature(plan)
    shown_outputs = [e.output for e in plan.examples if e.output is not None]
    known, plain = None if plan.given else find_computation(plan), None
    if known and not plan.examples:
        inputs, outputs, sample = known.inputs, known.outputs, dict(known.sample)
    elif known:
        inputs, outputs, sample = known.inputs, known.outputs, dict(plan.examples[0].input)
    else:
        fraction = any(type_mapper.has_fraction(row) for e in plan.examples for row in (e.input, e.output))
        inputs = plan.given_fields("Input") or (
            fields_from_examples([e.input for e in plan.examples]) or fields_from_hints(plan.parsed)
        )
        fraction = fraction or any("float" in f.type for f in inputs)
        outputs = plan.given_fields("Output") or fields_from_examples(shown_outputs, has_fraction_beside=fraction)
        sample = dict(plan.examples[0].input) if plan.examples else sample_from_fields(inputs)
        plain = arithmetic(_spoken_text(plan), inputs=inputs, outputs=outputs, examples=plan.examples_by_field)
        if plain and plain.gives_fraction and not plan.given_fields("Output"):
            outputs = tuple(replace(f, type="float") for f in outputs)
    input_fields = inputs or (FieldSpec("payload", "dict[str, JsonValue]", "What is computed on.", "dict"),)
    output_fields = outputs or (FieldSpec("result", "JsonValue", "What was computed."),)
    return plan.blueprint(
        operations=(plan.function_name,),
        input_model=ModelSpec(plan.model_class("Input"), f"Input of {plan.stem}.", input_fields),
        output_model=ModelSpec(plan.model_class("Output"), f"Result of {plan.stem}.", output_fields),
        logic=_plain_logic(plan, plain, outputs[0].name) if plain else _logic(plan, known),
        flavour="pure",
        sample_input=sample,
    )


def _plain_logic(plan: PlanInput, plain: Arithmetic, result: str) -> Logic:
    output_class = plan.model_class("Output")
    head = f"def {plan.function_name}(data: {plan.model_class('Input')}) -> {output_class}:"
    body = f"    return {output_class}({result}={plain.expression})"
    source = f'{head}\n    """{plan.function_name.replace("_", " ").capitalize()}."""\n{body}\n'
    return Logic(
        "template", plan.function_name, source=source, detail=f"arithmetic: {plain.expression}", is_total=plain.is_total
    )


def _logic(plan: PlanInput, known: KnownComputation | None) -> Logic:
    if known is None:
        why = "no known computation fits the request" if plan.examples else (
            "no known computation fits the request, and it has no examples a model's answer could be checked with"
        )  # fmt: skip
        return Logic("scaffold", plan.function_name, detail=why)
    source = known.source(
        function=plan.function_name,
        input_class=plan.model_class("Input"),
        output_class=plan.model_class("Output"),
    )
    detail = f"known computation: {known.id}"
    return Logic("template", plan.function_name, source=source, detail=detail, is_total=known.is_total)


def find_computation(plan: PlanInput) -> KnownComputation | None:
    """The catalog's computation the prompt asks for, whose fields fit the examples and the fields it names."""
    said = frozenset(_stemmed(w) for w in re.findall(r"[a-z0-9]+", _spoken_text(plan)))
    asked_inputs = {n for e in plan.examples for n in e.input} or {h.name for h in plan.parsed.fields}
    asked_outputs = {n for e in plan.examples if e.output is not None for n in e.output}
    best: tuple[int, KnownComputation] | None = None
    for known in known_computations():
        names = {f.name for f in known.inputs}
        if not asked_inputs <= names or not asked_outputs <= {f.name for f in known.outputs}:
            continue
        if any(f.default is None and f.name not in e.input for e in plan.examples for f in known.inputs):
            continue
        score = max((len(words) for words in known.words if words <= said), default=0)
        if score and (best is None or score > best[0]):
            best = (score, known)
    return best[1] if best else None


def _spoken_text(plan: PlanInput) -> str:
    spaced_name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plan.name)
    return f"{plan.request.prompt} {spaced_name}".lower()


def _stemmed(word: str) -> str:
    for ending in ("izations", "ization", "ations", "ation", "ators", "ator", "ating", "ates", "ated", "ate", "ings",
                   "ing", "ers", "er", "ies", "es", "ed", "e", "s", "y"):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=1)
def known_computations() -> tuple[KnownComputation, ...]:
    """The catalog, read once."""
    path: Path = project_data_path() / "templates" / "compute" / "catalog.yaml"
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(
        KnownComputation(
            id=entry["id"],
            title=entry["title"],
            words=tuple(frozenset(_stemmed(w) for w in words.split()) for words in entry["words"]),
            inputs=tuple(_field(f) for f in entry["inputs"]),
            outputs=tuple(_field(f) for f in entry["outputs"]),
            imports=tuple(entry.get("imports", ())),
            body=entry["body"],
            sample=entry["sample"],
            is_total=entry["is_total"],
        )
        for entry in entries
    )


def _field(entry: dict[str, Any]) -> FieldSpec:
    return FieldSpec(
        name=entry["name"],
        type=entry["type"],
        description=entry.get("description", ""),
        default=entry.get("default"),
        constraints=entry.get("constraints", {}),
    )
