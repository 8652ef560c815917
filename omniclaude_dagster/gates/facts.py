"""Collects the executed facts that the quality score is made of, from the gates' results and the sandbox's answers."""

from collections.abc import Iterable

from omniclaude_dagster.gates import execution
from omniclaude_dagster.gates.acceptance import example_problems, samples_processed
from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.executed_gates import has_tests, is_noticed, security_issues, style_issues
from omniclaude_dagster.gates.execution import known
from omniclaude_dagster.gates.quality import QualityFacts
from omniclaude_dagster.gates.report import GateResult


def quality_facts(ctx: NodeContext, results: Iterable[GateResult]) -> QualityFacts:
    """What is known after the gates ran. Asks the sandbox nothing more: what was not executed stays unknown."""
    statuses = {r.gate: r.status for r in results}
    executed = known(ctx, "execute_node", execution.Executed)
    lint = known(ctx, "lint", execution.Linted)
    resolved = known(ctx, "resolve_imports", execution.ResolvedImports)
    types = known(ctx, "typecheck", execution.Typechecked)
    onex = known(ctx, "onex_validate", execution.OnexValidated)
    tests = known(ctx, "run_tests", execution.OwnTests)
    sabotaged = known(ctx, "run_tests_sabotaged", execution.OwnTests)
    good, sent = samples_processed(ctx, executed) if executed else (0, 0)
    outcomes = example_problems(ctx, executed) if executed else ()
    return QualityFacts(
        is_contract_valid=statuses.get("G12") in {"pass", "warn"} and (executed is None or executed.contract.ok),
        unresolved_imports=len(resolved.unresolved) if resolved else None,
        type_errors=len(types.errors) if types else None,
        lint_issues=len(style_issues(ctx, lint.issues)) if lint else None,
        onex_messages=len(onex.messages) if onex else None,
        is_imported=bool(executed and executed.imported.ok),
        is_instantiated=bool(executed and executed.instantiate.ok),
        is_initialized=bool(executed and executed.initialize.ok),
        samples_processed=good,
        samples_total=sent,
        examples_passed=sum(not outcome.problems for outcome in outcomes),
        examples_total=len(ctx.examples) or None,
        tests_passed=tests.passed if tests else 0,
        tests_total=(tests.total if tests else 0) if has_tests(ctx) else None,
        are_tests_proven=sabotaged is None or is_noticed(sabotaged),
        security_findings=len(security_issues(ctx, lint.issues)) if lint else None,
    )
