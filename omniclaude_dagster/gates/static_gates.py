"""The parts of G9 to G12 and G-SEC that only read: one function a gate, no execution."""

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.contract_rules import contract_findings
from omniclaude_dagster.gates.import_rules import import_findings
from omniclaude_dagster.gates.manifest_rules import manifest_findings
from omniclaude_dagster.gates.model_rules import model_findings
from omniclaude_dagster.gates.naming_rules import naming_findings
from omniclaude_dagster.gates.pasted_text import pasted_text_findings
from omniclaude_dagster.gates.security_rules import security_findings, warning_findings
from omniclaude_dagster.gates.suppressions import silenced_security
from omniclaude_dagster.gates.verdict import Verdict


def check_syntax(ctx: NodeContext) -> Verdict:
    """G9: every file is what it looks like and can be parsed."""
    parsed = ctx.parsed
    return Verdict.of(
        parsed.findings, passed=f"{len(parsed.python)} Python and {len(parsed.documents)} YAML files parse"
    )


def check_naming(ctx: NodeContext) -> Verdict:
    """G10: names, places and the shape of the node's class follow ONEX; nothing was pasted where it does not belong."""
    findings = [*naming_findings(ctx), *pasted_text_findings(ctx)]
    return Verdict.of(findings, passed=f"{ctx.node_class} in {ctx.package}")


def check_imports(ctx: NodeContext) -> Verdict:
    """G11, static part: imports of the package itself resolve, those of others name what is installed."""
    return Verdict.of(import_findings(ctx), passed="imports name what exists")


def check_models(ctx: NodeContext) -> Verdict:
    """G12, static part: the models' source, the contract against the framework's own model, and the manifest."""
    findings = [*model_findings(ctx), *contract_findings(ctx), *manifest_findings(ctx)]
    return Verdict.of(findings, passed="models and contract are well formed")


def check_security(ctx: NodeContext) -> Verdict:
    """G-SEC, static part: nothing the code says it does is forbidden to it."""
    verdict = Verdict.of([*security_findings(ctx), *silenced_security(ctx)], passed="nothing forbidden is used")
    if verdict.status != "pass":
        return verdict
    return Verdict.of(warning_findings(ctx), passed=verdict.message, status="warn")
