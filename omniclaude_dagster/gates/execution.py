"""Asks the sandbox about a node and reads its answers: the only place that knows the shape of the harness's results.

Everything that comes back was written next to untrusted code, so every answer is validated; one that does not have
its shape counts as a failed execution. Each question is asked once per node, whoever asks first.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.import_rules import outside_imports
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits, SandboxOutcome

TYPECHECK_LIMITS = SandboxLimits(wall_s=60.0, cpu_s=60)
TESTS_LIMITS = SandboxLimits(wall_s=30.0, cpu_s=30)
MAX_MESSAGE_CHARS = 500


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Place(_Answer):
    """A finding of a tool at a place. `code` is the tool's own name of the rule."""

    file: str = Field("", max_length=1024)
    line: int = 0
    message: str = Field("", max_length=20_000)
    code: str | None = None

    def shown(self, package: str) -> str:
        """One line: file, line, message, rule."""
        rule = f" [{self.code}]" if self.code else ""
        return f"{self.file.removeprefix(f'{package}/')}:{self.line}: {self.message[:MAX_MESSAGE_CHARS]}{rule}"


class Unresolved(_Answer):
    """An import that failed in the sandbox."""

    module: str
    symbol: str | None = None
    file: str = ""
    line: int = 0
    reason: str = ""


class ResolvedImports(_Answer):
    """Answer of `resolve_imports`."""

    unresolved: list[Unresolved]


class InspectedField(_Answer):
    """A field of a model as Pydantic built it."""

    name: str
    annotation: str = ""
    has_default: bool = False
    is_any: bool = False
    is_mutable_default: bool = False


class InspectedModel(_Answer):
    """A model as Pydantic built it."""

    name: str
    file: str = ""
    is_frozen: bool = False
    extra: str | None = None
    is_json_schema_ok: bool
    json_schema_error: str | None = None
    fields: list[InspectedField] = []


class BrokenModule(_Answer):
    """A module of models that cannot be imported."""

    file: str = ""
    line: int | None = None
    error: str = ""


class InspectedModels(_Answer):
    """Answer of `inspect_models`."""

    models: list[InspectedModel]
    errors: list[BrokenModule] = []


class Step(_Answer):
    """One step of a node's life."""

    ok: bool = False
    error: str | None = None


class Processed(_Answer):
    """What `process` did with one sample."""

    input: JsonValue = None
    outcome: str
    output: JsonValue = None
    output_error: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    message: str | None = None
    duration_ms: float = 0.0


class Executed(_Answer):
    """Answer of `execute_node`."""

    imported: Step = Field(alias="import")
    instantiate: Step = Step()
    initialize: Step = Step()
    introspection: Step = Step()
    contract: Step = Step()
    sample: Step = Step()
    processed: list[Processed] = []
    cleanup: Step = Step()

    @property
    def steps(self) -> tuple[tuple[str, Step], ...]:
        """The steps around `process`, in order."""
        return (
            ("import", self.imported),
            ("instantiate", self.instantiate),
            ("initialize", self.initialize),
            ("introspection", self.introspection),
            ("contract", self.contract),
            ("sample", self.sample),
            ("cleanup", self.cleanup),
        )


class FailedTest(_Answer):
    """One failed test."""

    test: str = ""
    message: str = ""


class OwnTests(_Answer):
    """Answer of `run_tests`."""

    passed: int = Field(0, ge=0)
    failed: int = Field(0, ge=0)
    errors: int = Field(0, ge=0)
    skipped: int = Field(0, ge=0)
    failures: list[FailedTest] = []

    @property
    def total(self) -> int:
        """Every test that should have passed."""
        return self.passed + self.failed + self.errors


class Typechecked(_Answer):
    """Answer of `typecheck`."""

    errors: list[Place]


class Linted(_Answer):
    """Answer of `lint`."""

    issues: list[Place]


class OnexValidation(_Answer):
    """One validation of the framework's suite."""

    is_valid: bool
    messages: list[str] = []


class OnexValidated(_Answer):
    """Answer of `onex_validate`."""

    is_clean: bool
    validations: dict[str, OnexValidation] = {}

    @property
    def messages(self) -> list[str]:
        """What is not clean: the messages of every failed validation, or its name where it gave none."""
        failed = {name: v for name, v in self.validations.items() if not v.is_valid}
        return [m for name, v in failed.items() for m in (v.messages or [f"{name} failed"])]


@dataclass(frozen=True)
class Reply[T: BaseModel]:
    """An answer, or why there is none. `is_unavailable`: nothing was executed, because nothing can be contained."""

    value: T | None
    problem: str = ""
    is_unavailable: bool = False


def resolve_imports(ctx: NodeContext) -> Reply[ResolvedImports]:
    """Import every module and symbol that the node imports from outside itself."""
    wanted = [[n.module, n.symbol, n.file, n.line] for n in outside_imports(ctx)]
    return _ask(ctx, "resolve_imports", ResolvedImports, {"imports": wanted}, key="unresolved")


def inspect_models(ctx: NodeContext) -> Reply[InspectedModels]:
    """Build the node's models."""
    return _ask(ctx, "inspect_models", InspectedModels, {}, key="models")


def execute_node(ctx: NodeContext) -> Reply[Executed]:
    """Import, instantiate and initialise the node, process every sample, clean up."""
    arguments = {
        "class_name": ctx.node_class,
        "kind": ctx.node_kind.value if ctx.node_kind else None,
        "samples": processed_inputs(ctx),
        "support_module": ctx.support,
    }
    limits = SandboxLimits(wall_s=ctx.execution_limit_s, cpu_s=max(1, math.ceil(ctx.execution_limit_s)))
    return _ask(ctx, "execute_node", Executed, arguments, limits=limits)


def processed_inputs(ctx: NodeContext) -> list[dict[str, Any] | None]:
    """The inputs `execute_node` is given, in order: examples, then samples; for COMPUTE all of them a second time.

    The second time shows whether the answer depends on the input alone. Other kinds may keep state. Without examples
    and samples there is one None, for which the sandbox makes an input from the node's input model.
    """
    inputs: list[dict[str, Any] | None] = [dict(example.input) for example in ctx.examples]
    inputs += [dict(sample) for sample in ctx.samples]
    inputs = inputs or [None]
    return inputs * 2 if ctx.node_kind is NodeKind.COMPUTE else inputs


def run_tests(ctx: NodeContext) -> Reply[OwnTests]:
    """Run the node's own tests."""
    return _ask(ctx, "run_tests", OwnTests, {}, limits=TESTS_LIMITS)


def run_tests_sabotaged(ctx: NodeContext, files: Mapping[str, bytes]) -> Reply[OwnTests]:
    """Run the node's own tests on other files than the node's, until the first one fails."""
    arguments = {"stops_at_first_failure": True}
    return _ask(ctx, "run_tests", OwnTests, arguments, limits=TESTS_LIMITS, files=files, name="run_tests_sabotaged")


def typecheck(ctx: NodeContext) -> Reply[Typechecked]:
    """Type-check strictly (mypy), with the framework's types."""
    return _ask(ctx, "typecheck", Typechecked, {}, key="errors", limits=TYPECHECK_LIMITS)


def lint(ctx: NodeContext) -> Reply[Linted]:
    """Ruff, with its security rules."""
    return _ask(ctx, "lint", Linted, {}, key="issues")


def onex_validate(ctx: NodeContext) -> Reply[OnexValidated]:
    """The framework's own validator."""
    return _ask(ctx, "onex_validate", OnexValidated, {}, limits=TYPECHECK_LIMITS)


def known[T: BaseModel](ctx: NodeContext, task: str, shape: type[T]) -> T | None:
    """The answer to a question that was asked before; None when it was not asked or not answered."""
    reply = ctx.shared.known(f"task:{task}")
    value = reply.value if isinstance(reply, Reply) else None
    return value if isinstance(value, shape) else None


def _ask[T: BaseModel](
    ctx: NodeContext,
    task: str,
    shape: type[T],
    arguments: dict[str, Any],
    *,
    key: str = "",
    limits: SandboxLimits | None = None,
    files: Mapping[str, bytes] | None = None,
    name: str = "",
) -> Reply[T]:
    def run() -> Reply[T]:
        job = SandboxJob(
            task=task,
            files=ctx.folder_files if files is None else files,
            arguments={"package": ctx.package, **arguments},
            limits=limits or SandboxLimits(),
        )
        return _read(task, ctx.sandbox.run(job), shape, key)

    return ctx.shared.once(f"task:{name or task}", run)


def _read[T: BaseModel](task: str, outcome: SandboxOutcome, shape: type[T], key: str) -> Reply[T]:
    if outcome.status == "unavailable":
        return Reply(None, f"not executed: {outcome.message}", is_unavailable=True)
    if outcome.status != "ok":
        return Reply(None, f"{task} ended with {outcome.status}: {outcome.message[:MAX_MESSAGE_CHARS]}")
    # Tools may answer with the bare list.
    raw = {key: outcome.result} if key and isinstance(outcome.result, list) else outcome.result
    try:
        return Reply(shape.model_validate(raw))
    except ValidationError as exc:
        places = ", ".join(".".join(str(p) for p in e["loc"]) or "the whole" for e in exc.errors()[:3])
        return Reply(None, f"{task} gave an answer without its shape ({places})")
