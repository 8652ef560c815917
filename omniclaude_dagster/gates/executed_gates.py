"""What only executing can show: the sandbox's part of G11, G12 and G-SEC, and all of G13, G14 and G-EXEC."""

from collections.abc import Callable, Iterator

from pydantic import BaseModel

from omniclaude_dagster.gates import execution, sabotage
from omniclaude_dagster.gates.acceptance import example_problems, output_problems, sample_problems
from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.execution import Place, Reply
from omniclaude_dagster.gates.purity_rules import purity_findings
from omniclaude_dagster.gates.security_data import DEFECTIVE_LINT, TOLERATED_LINT, TOLERATED_RUFF_SECURITY
from omniclaude_dagster.gates.source import TESTS_FOLDER, Finding
from omniclaude_dagster.gates.suppressions import silenced_types
from omniclaude_dagster.gates.verdict import Verdict


def resolve_imports(ctx: NodeContext) -> Verdict:
    """G11: every imported module imports and has the symbol."""
    reply = execution.resolve_imports(ctx)
    if reply.value is None:
        return _unanswered(reply)
    problems = [
        Finding(u.file, u.line, f"{u.module}{f'.{u.symbol}' if u.symbol else ''} does not import: {u.reason}")
        for u in reply.value.unresolved
    ]
    return Verdict.of(problems, passed="every import resolves")


def build_models(ctx: NodeContext) -> Verdict:
    """G12: Pydantic builds every model, none takes Any or a mutable default, each has a JSON schema."""
    reply = execution.inspect_models(ctx)
    if reply.value is None:
        return _unanswered(reply)
    problems = [
        str(Finding(e.file.removeprefix(f"{ctx.package}/"), e.line or 0, e.error[:300])) for e in reply.value.errors
    ]
    for model in reply.value.models:
        if not model.is_json_schema_ok:
            problems.append(f"{model.name} has no JSON schema: {(model.json_schema_error or '')[:200]}")
        for field in model.fields:
            if field.is_any:
                problems.append(f"{model.name}.{field.name} is typed Any")
            if field.is_mutable_default:
                problems.append(f"{model.name}.{field.name} has a mutable default")
    if not reply.value.models and not problems:
        problems.append("no model was found in models/")
    return Verdict.of(problems, passed=f"{len(reply.value.models)} models were built")


def lint_security(ctx: NodeContext) -> Verdict:
    """G-SEC: ruff's security rules, as far as they are more than taste."""
    reply = execution.lint(ctx)
    if reply.value is None:
        return _unanswered(reply)
    problems = [issue.shown(ctx.package) for issue in security_issues(ctx, reply.value.issues)]
    return Verdict.of(problems, passed="nothing forbidden is used; ruff agrees")


def check_types(ctx: NodeContext) -> Verdict:
    """G13: mypy --strict is clean, nothing hides from it, and ruff finds no defect.

    Other lint and the framework's validator are reported, and only lower the quality.
    """
    reply = execution.typecheck(ctx)
    if reply.value is None:
        return _unanswered(reply)
    problems = [*map(str, silenced_types(ctx)), *(e.shown(ctx.package) for e in reply.value.errors), *_defects(ctx)]
    verdict = Verdict.of(problems, passed="mypy --strict is clean")
    if verdict.status != "pass":
        return verdict
    return Verdict.of(_style_problems(ctx), passed="mypy --strict, ruff and onex validate are clean", status="warn")


def run_node(ctx: NodeContext) -> Verdict:
    """G14: the node imports, instantiates, initialises, processes samples and cleans up; a pure one does no more."""
    reply = execution.execute_node(ctx)
    if reply.value is None:
        return _unanswered(reply)
    problems = [f"{name}: {step.error or 'failed'}" for name, step in reply.value.steps if not step.ok]
    if not problems:
        problems.extend(sample_problems(ctx, reply.value))
        problems.extend(output_problems(ctx, reply.value))
    problems.extend(map(str, purity_findings(ctx)))
    return Verdict.of(problems, passed=f"processed {len(reply.value.processed)} inputs")


def accept_node(ctx: NodeContext) -> Verdict:
    """G-EXEC: acceptance examples, determinism, and the node's own tests, which must notice a broken node."""
    executed = execution.execute_node(ctx)
    if executed.value is None:
        return _unanswered(executed)
    problems = [p for outcome in example_problems(ctx, executed.value) for p in outcome.problems]
    passed = f"{len(ctx.examples)} examples"
    if has_tests(ctx):
        tests = execution.run_tests(ctx)
        if tests.value is None:
            return _unanswered(tests) if not problems else Verdict.of([*problems, tests.problem], passed="")
        problems.extend(_test_problems(tests.value))
        if not problems and not are_tests_proven(ctx):
            problems.append("the node's tests also pass when the node is broken on purpose, so they prove nothing")
        passed += f" and {tests.value.passed} tests"
    return Verdict.of(problems, passed=f"{passed} pass")


def are_tests_proven(ctx: NodeContext) -> bool:
    """Whether a test notices when the node is broken on purpose; True where nothing of it can be broken."""
    files = sabotage.sabotaged_files(ctx)
    if files is None:
        return True
    tried = execution.run_tests_sabotaged(ctx, files)
    # Tests that do not end, or end the process, have noticed too.
    return tried.value is None or is_noticed(tried.value)


def is_noticed(tests: execution.OwnTests) -> bool:
    """Whether any test of a node that was broken on purpose did not pass."""
    return bool(tests.failed or tests.errors)


def has_tests(ctx: NodeContext) -> bool:
    """Whether the node carries tests of its own; then they must exist and pass."""
    return any(path.startswith(TESTS_FOLDER) for path in ctx.bundle.files)


def prefetched(ctx: NodeContext) -> tuple[Callable[[], object], ...]:
    """Questions that a gate of the compilation phase asks second; asked early they run beside the first ones."""
    asked: tuple[Callable[[], object], ...] = (lambda: execution.onex_validate(ctx), lambda: execution.lint(ctx))
    return (*asked, lambda: execution.run_tests(ctx)) if has_tests(ctx) else asked


def security_issues(ctx: NodeContext, issues: list[Place]) -> list[Place]:
    """Ruff's security findings in the node itself, without those that are a matter of taste."""
    tests = f"{ctx.package}/{TESTS_FOLDER}"
    return [
        issue
        for issue in issues
        if (issue.code or "").startswith("S")
        and (issue.code or "")[1:2].isdigit()
        and issue.code not in TOLERATED_RUFF_SECURITY
        and not issue.file.startswith((tests, TESTS_FOLDER))
    ]


def style_issues(ctx: NodeContext, issues: list[Place]) -> list[Place]:
    """Lint findings that count: not those that are wrong for the file they are in."""
    return [i for i in issues if (i.file.removeprefix(f"{ctx.package}/"), i.code) not in TOLERATED_LINT]


def _defects(ctx: NodeContext) -> Iterator[str]:
    """Lint of the node itself that is no matter of style."""
    lint = execution.lint(ctx)
    if lint.value is not None:
        for issue in lint.value.issues:
            path = issue.file.removeprefix(f"{ctx.package}/")
            if issue.code in DEFECTIVE_LINT and not path.startswith(TESTS_FOLDER):
                yield issue.shown(ctx.package)


def _style_problems(ctx: NodeContext) -> Iterator[str]:
    lint = execution.lint(ctx)
    if lint.value is None:
        yield f"ruff: {lint.problem}"
    else:
        yield from (issue.shown(ctx.package) for issue in style_issues(ctx, lint.value.issues))
    validated = execution.onex_validate(ctx)
    if validated.value is None:
        yield f"onex validate: {validated.problem}"
    elif not validated.value.is_clean:
        yield from (f"onex validate: {m[:200]}" for m in validated.value.messages or ["not clean"])


def _test_problems(tests: execution.OwnTests) -> list[str]:
    if tests.total == 0:
        return ["the node has a tests folder but no tests"]
    failures = [f"{f.test}: {f.message[:200]}" for f in tests.failures]
    if tests.failed or tests.errors:
        return failures or [f"{tests.failed} tests failed, {tests.errors} could not run"]
    return [] if tests.passed else ["no test ran"]


def _unanswered[T: BaseModel](reply: Reply[T]) -> Verdict:
    return Verdict("skipped" if reply.is_unavailable else "fail", reply.problem)
