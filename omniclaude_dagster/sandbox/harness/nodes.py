"""Finds a candidate's node class, kind, input model and contract, and builds what each kind's `process` takes."""

import importlib
import inspect
import os
from uuid import uuid4

import yaml
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.enums.enum_reducer_types import EnumReductionType
from omnibase_core.enums.enum_workflow_execution import EnumExecutionMode
from omnibase_core.models import contracts
from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.contracts.model_workflow_step import ModelWorkflowStep
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from omnibase_core.models.orchestrator.model_orchestrator_input import ModelOrchestratorInput
from omnibase_core.models.reducer.model_reducer_input import ModelReducerInput
from omnibase_core.nodes.node_compute import NodeCompute
from omnibase_core.nodes.node_effect import NodeEffect
from omnibase_core.nodes.node_orchestrator import NodeOrchestrator
from omnibase_core.nodes.node_reducer import NodeReducer
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

BASES = {"EFFECT": NodeEffect, "COMPUTE": NodeCompute, "REDUCER": NodeReducer, "ORCHESTRATOR": NodeOrchestrator}
CONTRACTS = {
    "EFFECT": contracts.ModelContractEffect,
    "COMPUTE": contracts.ModelContractCompute,
    "REDUCER": contracts.ModelContractReducer,
    "ORCHESTRATOR": contracts.ModelContractOrchestrator,
}
MAX_CONTRACT_BYTES = 1024**2


def find_class(module, class_name, kind):
    """The node class of `module`. Raises LookupError when it is missing or not unique."""
    if class_name is not None:
        found = getattr(module, class_name, None)
        if not inspect.isclass(found):
            raise LookupError(f"node.py defines no class {class_name}")
        return found
    wanted = tuple(BASES.values()) if kind is None else (BASES[kind],)
    found = [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and name.startswith("Node")
        and issubclass(value, wanted)
    ]
    if len(found) != 1:
        names = ", ".join(sorted(value.__name__ for value in found)) or "none"
        raise LookupError(f"node.py must define exactly one node class, found: {names}")
    return found[0]


def kind_of(node_class, kind):
    """The kind of a node class. Raises TypeError when it is none, or not the one asked for."""
    for name, base in BASES.items():
        if issubclass(node_class, base):
            if kind not in (None, name):
                raise TypeError(f"{node_class.__name__} is a {name} node, expected {kind}")
            return name
    raise TypeError(f"{node_class.__name__} derives from none of the framework's node classes")


def load_contract(package, workdir):
    """contract.yaml as raw data. Raises ValueError when it is no mapping."""
    path = os.path.join(workdir, package, "contract.yaml")
    if os.path.getsize(path) > MAX_CONTRACT_BYTES:
        raise ValueError("contract.yaml is too large")
    with open(path, encoding="utf-8") as file:
        data = yaml.safe_load(file)
    if not isinstance(data, dict):
        raise ValueError("contract.yaml is not a mapping")  # noqa: TRY004
    return data


def input_model(node_class, contract):
    """The candidate's input model: the first type argument of its framework base, else the contract's input_model."""
    for cls in node_class.__mro__:
        for base in getattr(cls, "__orig_bases__", ()):
            arguments = getattr(base, "__args__", ())
            if arguments and inspect.isclass(arguments[0]) and issubclass(arguments[0], BaseModel):
                return arguments[0]
    path = contract.get("input_model")
    if not isinstance(path, str) or "." not in path:
        raise LookupError("neither a type argument nor the contract names an input model")
    module_name, name = path.rsplit(".", 1)
    model = getattr(importlib.import_module(module_name), name)
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        raise TypeError(f"{path} is not a Pydantic model")
    return model


def output_problem(contract, answer):
    """Why the contract's output model refuses what the candidate gave as its result, or None."""
    path = contract.get("output_model")
    if not isinstance(path, str) or "." not in path:
        return None
    module_name, name = path.rsplit(".", 1)
    model = getattr(importlib.import_module(module_name), name)
    values = answer.model_dump() if isinstance(answer, BaseModel) else answer
    try:
        model.model_validate_json(to_json(values), by_alias=True, by_name=True)
    except ValidationError as exc:
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()[:3])
    return None


def framework_input(kind, node, model, sample, contract):
    """What `process` of this kind takes, built from one sample."""
    if kind == "COMPUTE":
        return ModelComputeInput(data=model(**sample))
    if kind == "EFFECT":
        return ModelEffectInput(
            effect_type=effect_type(contract), operation_data=sample, retry_enabled=False, timeout_ms=10_000
        )
    if kind == "REDUCER":
        items = sample["items"] if isinstance(sample.get("items"), list) else [sample]
        return ModelReducerInput(data=[model(**item) for item in items], reduction_type=EnumReductionType.AGGREGATE)
    build = getattr(node, "build_input", None)
    if build is not None:
        return build(data=sample) if "data" in inspect.signature(build).parameters else build()
    only = ModelWorkflowStep(step_id=uuid4(), step_name="sample", step_type="compute")
    return ModelOrchestratorInput(workflow_id=uuid4(), steps=[only], execution_mode=EnumExecutionMode.SEQUENTIAL)


def effect_type(contract):
    """The effect type that the contract's first operation speaks of."""
    operations = contract.get("io_operations")
    first = operations[0] if isinstance(operations, list) and operations else {}
    name = str(first.get("operation_type", "")) if isinstance(first, dict) else ""
    if name.startswith(("api", "http")):
        return EnumEffectType.API_CALL
    if name.startswith("file"):
        return EnumEffectType.FILE_OPERATION
    return EnumEffectType.DATABASE_OPERATION
