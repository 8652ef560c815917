"""Small nodes of all four kinds that pass every gate, and a sandbox that answers what a test tells it to."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxOutcome

GOLDEN_FOLDER = Path(__file__).parents[2] / ".." / "shared" / "golden"

PACKAGES = {
    NodeKind.COMPUTE: "node_tax_compute",
    NodeKind.EFFECT: "node_note_effect",
    NodeKind.REDUCER: "node_score_reducer",
    NodeKind.ORCHESTRATOR: "node_order_flow_orchestrator",
}

_MODEL = '''"""{doc}"""

from pydantic import BaseModel, ConfigDict


class {name}(BaseModel):
    """{doc}"""

    model_config = ConfigDict(extra="forbid", frozen=True)

{fields}
'''

_CONTRACT = """name: {package}
contract_version: {{major: 1, minor: 0, patch: 0}}
node_type: {kind}_GENERIC
description: A node to try the gates with.
input_model: {package}.models.{input_module}.{input_class}
output_model: {package}.models.{output_module}.{output_class}
performance: {{single_operation_max_ms: 50}}
"""

_COMPUTE = '''"""Adds tax to a net price."""

from __future__ import annotations

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.mixins.mixin_health_check import MixinHealthCheck
from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.compute.model_compute_output import ModelComputeOutput
from omnibase_core.nodes.node_compute import NodeCompute

from .models import ModelTaxInput, ModelTaxOutput


class NodeTaxCompute(NodeCompute[ModelTaxInput, ModelTaxOutput], MixinHealthCheck):
    """Adds tax."""

    async def process(self, input_data: ModelComputeInput[ModelTaxInput]) -> ModelComputeOutput[ModelTaxOutput]:
        """Compute the gross price."""
        if input_data.data.net < 0:
            raise ModelOnexError(message="net is negative", error_code=EnumCoreErrorCode.VALIDATION_ERROR)
        result = ModelTaxOutput(gross=input_data.data.net * (1 + input_data.data.rate))
        return ModelComputeOutput(
            result=result,
            operation_id=input_data.operation_id,
            computation_type=input_data.computation_type,
            processing_time_ms=0.0,
        )
'''

_EFFECT = '''"""Keeps notes."""

from __future__ import annotations

from time import perf_counter

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumTransactionState
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.mixins.mixin_health_check import MixinHealthCheck
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from omnibase_core.models.effect.model_effect_output import ModelEffectOutput
from omnibase_core.nodes.node_effect import NodeEffect
from pydantic import ValidationError

from .models import ModelNoteInput, ModelNoteOutput


class NodeNoteEffect(NodeEffect, MixinHealthCheck):
    """Keeps notes."""

    def __init__(self, container: ModelONEXContainer) -> None:
        super().__init__(container)
        self._notes: list[str] = []

    async def process(self, input_data: ModelEffectInput) -> ModelEffectOutput:
        """Keep one note."""
        start = perf_counter()
        raw = input_data.operation_data
        try:
            request = ModelNoteInput.model_validate(raw if isinstance(raw, dict) else raw.model_dump())
        except ValidationError as exc:
            raise ModelOnexError(message="invalid note", error_code=EnumCoreErrorCode.VALIDATION_ERROR) from exc
        self._notes.append(request.text)
        output = ModelNoteOutput(notes_kept=1)
        return ModelEffectOutput(
            result=output.model_dump(mode="json"),
            operation_id=input_data.operation_id,
            effect_type=input_data.effect_type,
            transaction_state=EnumTransactionState.COMMITTED,
            processing_time_ms=(perf_counter() - start) * 1000,
            side_effects_applied=["note"],
        )
'''

_REDUCER = '''"""Sums scores."""

from __future__ import annotations

from omnibase_core.mixins.mixin_health_check import MixinHealthCheck
from omnibase_core.models.projectors.model_projection_intent import ModelProjectionIntent
from omnibase_core.models.reducer.model_reducer_input import ModelReducerInput
from omnibase_core.models.reducer.model_reducer_output import ModelReducerOutput
from omnibase_core.nodes.node_reducer import NodeReducer

from .models import ModelScoreItem, ModelScoreTotal


class NodeScoreReducer(NodeReducer[ModelScoreItem, ModelScoreTotal], MixinHealthCheck):
    """Sums scores."""

    async def process(
        self,
        input_data: ModelReducerInput[ModelScoreItem],
        projection_intents: tuple[ModelProjectionIntent, ...] = (),
    ) -> ModelReducerOutput[ModelScoreTotal]:
        """Sum one batch."""
        total = ModelScoreTotal(total=sum(i.score for i in input_data.data), count=len(input_data.data))
        return ModelReducerOutput(
            result=total,
            operation_id=input_data.operation_id,
            reduction_type=input_data.reduction_type,
            processing_time_ms=0.0,
            items_processed=total.count,
        )
'''

_ORCHESTRATOR = '''"""Coordinates an order."""

from __future__ import annotations

from omnibase_core.mixins.mixin_health_check import MixinHealthCheck
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.contracts.subcontracts.model_workflow_definition import ModelWorkflowDefinition
from omnibase_core.nodes.node_orchestrator import NodeOrchestrator

_V = {"major": 1, "minor": 0, "patch": 0}
WORKFLOW = ModelWorkflowDefinition.model_validate(
    {
        "version": _V,
        "workflow_metadata": {
            "version": _V,
            "workflow_name": "order_flow",
            "workflow_version": _V,
            "execution_mode": "sequential",
            "description": "fetch then price",
        },
        "execution_graph": {"version": _V, "nodes": []},
        "coordination_rules": {"version": _V},
    }
)


class NodeOrderFlowOrchestrator(NodeOrchestrator, MixinHealthCheck):
    """Coordinates an order."""

    def __init__(self, container: ModelONEXContainer) -> None:
        super().__init__(container)
        self.workflow_definition = WORKFLOW
'''

# Kind: source of node.py, and the two models as (class, fields).
_NODES: dict[NodeKind, tuple[str, tuple[str, str], tuple[str, str]]] = {
    NodeKind.COMPUTE: (_COMPUTE, ("ModelTaxInput", "net: float\nrate: float"), ("ModelTaxOutput", "gross: float")),
    NodeKind.EFFECT: (_EFFECT, ("ModelNoteInput", "text: str"), ("ModelNoteOutput", "notes_kept: int")),
    NodeKind.REDUCER: (
        _REDUCER,
        ("ModelScoreItem", "score: float"),
        ("ModelScoreTotal", "total: float\ncount: int"),
    ),
    NodeKind.ORCHESTRATOR: (
        _ORCHESTRATOR,
        ("ModelOrderFlowInput", "order: str"),
        ("ModelOrderFlowOutput", "status: str"),
    ),
}


def reference_bundle(kind: NodeKind) -> NodeBundle:
    """A correct node of this kind."""
    source, *models = _NODES[kind]
    package = PACKAGES[kind]
    node_class = source.split("class ")[-1].split("(")[0]
    modules = [_module_of(name) for name, _ in models]
    files = {
        "__init__.py": f'"""A node."""\n\nfrom .node import {node_class}\n\n__all__ = ["{node_class}"]\n',
        "node.py": source,
        "contract.yaml": _CONTRACT.format(
            package=package,
            kind=kind.value,
            input_module=modules[0],
            input_class=models[0][0],
            output_module=modules[1],
            output_class=models[1][0],
        ),
        "models/__init__.py": '"""Models."""\n\n'
        + "".join(f"from .{m} import {name}\n" for m, (name, _) in zip(modules, models, strict=True))
        + f"\n__all__ = [{', '.join(repr(name).replace(chr(39), chr(34)) for name, _ in models)}]\n",
    }
    for module, (name, fields) in zip(modules, models, strict=True):
        body = "\n".join(f"    {line}" for line in fields.split("\n"))
        files[f"models/{module}.py"] = _MODEL.format(name=name, doc="Values.", fields=body)
    return NodeBundle(package, {path: text.encode() for path, text in files.items()})


def _module_of(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def edited(bundle: NodeBundle, path: str, old: str, new: str) -> NodeBundle:
    """The bundle with `old` replaced by `new` in one file; `old` must be there."""
    text = bundle.files[path].decode()
    assert old in text, f"{old!r} is not in {path}"
    return bundle.with_files({path: text.replace(old, new).encode()})


def golden_folders() -> list[Path]:
    """The golden nodes, or an empty list where ../shared is absent."""
    return sorted(GOLDEN_FOLDER.resolve().glob("node_*")) if GOLDEN_FOLDER.is_dir() else []


class NoSandbox:
    """A sandbox that cannot contain anything: it must never be given a job."""

    def run(self, job: SandboxJob) -> SandboxOutcome:
        raise AssertionError(f"{job.task} must not be executed")

    def unavailable_reason(self) -> str | None:
        return "no namespaces here. Cure: run on Linux"

    def close(self) -> None:
        return None


Answer = SandboxOutcome | Callable[[SandboxJob], SandboxOutcome]


class ScriptedSandbox:
    """Answers each task as told; tasks that are not told answer as a perfect node would."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.jobs: list[SandboxJob] = []
        self._lock = threading.Lock()

    def run(self, job: SandboxJob) -> SandboxOutcome:
        with self._lock:
            self.jobs.append(job)
        task = question_of(job)
        answer = self.answers.get(task, PERFECT.get(task))
        answer = answer(job) if callable(answer) else answer
        return answer if isinstance(answer, SandboxOutcome) else SandboxOutcome("ok", result=answer)

    def unavailable_reason(self) -> str | None:
        return None

    def close(self) -> None:
        return None

    @property
    def tasks(self) -> list[str]:
        return [question_of(job) for job in self.jobs]


def question_of(job: SandboxJob) -> str:
    """What a job asks: its task, or `run_tests_sabotaged` for the tests of a node that was broken on purpose."""
    return f"{job.task}_sabotaged" if job.arguments.get("stops_at_first_failure") else job.task


def executed(*, output: Any = None, **changes: Any) -> Callable[[SandboxJob], dict[str, Any]]:
    """An answer of `execute_node` in which every sample is answered with `output`, and steps are as in `changes`."""

    def answer(job: SandboxJob) -> dict[str, Any]:
        steps = ("import", "instantiate", "initialize", "introspection", "contract", "sample", "cleanup")
        result: dict[str, Any] = {name: {"ok": True, "error": None} for name in steps}
        result["processed"] = [returned(sample, output or {"gross": 120.0}) for sample in job.arguments["samples"]]
        return {**result, **changes}

    return answer


def returned(sample: Any, output: Any) -> dict[str, Any]:
    """What the sandbox says of an input that was processed."""
    shown = {"net": 1.0} if sample is None else sample
    return {"input": shown, "outcome": "returned", "output": output, "duration_ms": 1.0}


def raised(sample: Any, error_type: str, error_code: str | None = None, message: str = "no") -> dict[str, Any]:
    """What the sandbox says of an input at which the node raised."""
    shown = {"input": sample, "outcome": "raised", "error_type": error_type, "error_code": error_code}
    return {**shown, "message": message, "duration_ms": 1.0}


PERFECT: dict[str, Any] = {
    "resolve_imports": [],
    "inspect_models": {
        "models": [{"name": "ModelX", "file": "models/model_x.py", "is_json_schema_ok": True, "fields": []}],
        "errors": [],
    },
    "execute_node": executed(),
    "run_tests": {"passed": 3, "failed": 0, "errors": 0, "skipped": 0, "failures": []},
    "run_tests_sabotaged": {"passed": 0, "failed": 1, "errors": 0, "skipped": 0, "failures": []},
    "typecheck": [],
    "lint": [],
    "onex_validate": {"is_clean": True, "validations": {}},
}


def node_context(bundle: NodeBundle, sandbox: Any = None, **changes: Any) -> NodeContext:
    """A context to judge a bundle in; without a sandbox nothing can be executed."""
    return NodeContext(bundle=bundle, sandbox=sandbox or NoSandbox(), **changes)
