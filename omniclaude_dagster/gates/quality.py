"""The quality score: a weighted sum of graded sub-scores, each from something that was executed.

A model's opinion of its own work is not part of it. What was not executed scores 0: an unproven node is not a good
node. A node without acceptance examples has nothing to show for `examples`; that weight is then shared among the
other parts in proportion to theirs, so that it is neither a present nor a penalty. The same holds for `tests` of a
node that carries none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# Share of each part; sums to 1. What the node does (execution, examples, tests) weighs two thirds. The reasons for each
# are in docs/quality.md, whose table a test compares with this one.
WEIGHTS: Mapping[str, float] = {
    "contract_valid": 0.09,
    "imports": 0.05,
    "types": 0.09,
    "lint": 0.03,
    "onex_validate": 0.03,
    "execution": 0.17,
    "examples": 0.34,
    "tests": 0.15,
    "security": 0.05,
}
# Each further finding halves what is left of the part.
_DECAY = 0.5
# Lint is about style: ten findings halve the part.
_LINT_FINDINGS_PER_HALVING = 10
# What is wrong once is wrong: with any example or test failed, those that pass count half.
_SHARE_WHEN_WRONG = 0.5
# Parts of `execution`, in the order in which they build on one another.
_EXECUTION_SHARES: Mapping[str, float] = {"import": 0.1, "instantiate": 0.2, "initialize": 0.2, "process": 0.5}


@dataclass(frozen=True)
class QualityFacts:
    """What was found by executing. None means: not executed; for `examples_total` and `tests_total`: none exist.

    `are_tests_proven`: False when the tests also pass with the node broken on purpose.
    """

    is_contract_valid: bool | None = None
    unresolved_imports: int | None = None
    type_errors: int | None = None
    lint_issues: int | None = None
    onex_messages: int | None = None
    is_imported: bool = False
    is_instantiated: bool = False
    is_initialized: bool = False
    samples_processed: int = 0
    samples_total: int = 0
    examples_passed: int = 0
    examples_total: int | None = None
    tests_passed: int = 0
    tests_total: int | None = None
    are_tests_proven: bool = True
    security_findings: int | None = None


@dataclass(frozen=True)
class Quality:
    """The score in [0, 1] and the sub-scores it is made of; a part that does not apply is left out."""

    score: float
    parts: Mapping[str, float]


def quality_of(facts: QualityFacts) -> Quality:
    """Score executed facts. Pure."""
    parts: dict[str, float | None] = {
        "contract_valid": float(bool(facts.is_contract_valid)),
        "imports": _decayed(facts.unresolved_imports),
        "types": _decayed(facts.type_errors),
        "lint": _decayed(facts.lint_issues, per_halving=_LINT_FINDINGS_PER_HALVING),
        "onex_validate": _decayed(facts.onex_messages),
        "execution": _execution(facts),
        "examples": _share(facts.examples_passed, facts.examples_total),
        "tests": _tests(facts),
        "security": _decayed(facts.security_findings),
    }
    applicable = {name: value for name, value in parts.items() if value is not None}
    total = sum(WEIGHTS[name] for name in applicable)
    score = sum(WEIGHTS[name] * value for name, value in applicable.items()) / total
    return Quality(round(min(1.0, max(0.0, score)), 6), {name: round(v, 6) for name, v in applicable.items()})


def _decayed(findings: int | None, *, per_halving: int = 1) -> float:
    return 0.0 if findings is None else _DECAY ** (findings / per_halving)


def _tests(facts: QualityFacts) -> float | None:
    share = _share(facts.tests_passed, facts.tests_total)
    return share if share is None or facts.are_tests_proven else 0.0


def _share(passed: int, total: int | None) -> float | None:
    """1 when all passed, half the share that passed otherwise; None when there are none to pass."""
    if total is None:
        return None
    if total == 0:
        return 0.0
    return 1.0 if passed == total else _SHARE_WHEN_WRONG * passed / total


def _execution(facts: QualityFacts) -> float:
    steps = {
        "import": float(facts.is_imported),
        "instantiate": float(facts.is_instantiated),
        "initialize": float(facts.is_initialized),
        "process": facts.samples_processed / facts.samples_total if facts.samples_total else 0.0,
    }
    return sum(_EXECUTION_SHARES[name] * value for name, value in steps.items())
