"""What is retired and why: each rule with a pattern that breaks it and one that just does not."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.patterns.model import ROLES, StoredPattern
from omniclaude_dagster.patterns.pruning import RULES, to_retire
from omniclaude_dagster.patterns.ranking import WEIGHTS
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import pattern_for

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
CORE = "0.47.57"
_KEPT = ("status", "usage_count", "success_rate", "average_quality_score", "consecutive_failures", "last_used")


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def a_stored(name: str = "one", **changes: Any) -> StoredPattern:
    """A fresh and proven pattern that breaks no rule, but for the changes."""
    kept = {key: changes.pop(key) for key in list(changes) if key in _KEPT}
    values: dict[str, Any] = {"core_version": CORE, "created_at": days_ago(10), "name": name}
    return StoredPattern(pattern_for(f"Scales {name}.", **(values | changes)), **kept)


def rules_of(*patterns: StoredPattern) -> list[tuple[str, str]]:
    return [(pruning.name, pruning.rule) for pruning in to_retire(patterns, core_version=CORE, now=NOW)]


# What breaks each rule, and what comes close and does not.
OLD = {"created_at": days_ago(300)}
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "broken_code": ({"code": "def scale_value(:\n"}, [{"code": "def scale_value():\n    return '\\d'\n"}]),
    "superseded": (
        {"core_version": "0.46.9"},
        [
            {"core_version": "0.47.1"},
            {"core_version": "0.46.9", "usage_count": 1, "last_used": days_ago(1)},
        ],
    ),
    "low_success": (
        {"usage_count": 5, "success_rate": 0.49},
        [{"usage_count": 4, "success_rate": 0.0}, {"usage_count": 5, "success_rate": 0.5}],
    ),
    "low_quality": (
        {"usage_count": 5, "average_quality_score": 0.9499},
        [
            {"usage_count": 4, "average_quality_score": 0.5},
            {"usage_count": 5, "average_quality_score": 0.95},
            {"quality_score": 0.95},
        ],
    ),
    "age": (
        {"created_at": days_ago(181)},
        [
            {"created_at": days_ago(179)},
            {"created_at": days_ago(999), "usage_count": 1, "last_used": days_ago(179)},
        ],
    ),
}


def three_better() -> list[StoredPattern]:
    """Three of the same kind that are not to be retired and take the places of the best."""
    return [a_stored(f"better {n}", usage_count=5 + n, last_used=days_ago(1)) for n in range(3)]


def test_every_rule_of_the_table_is_tried() -> None:
    assert set(CASES) == {rule.name for rule in RULES}


def rows_of_the_page(after: str) -> dict[str, str]:
    """Rows of a table in docs/patterns.md: what stands in backquotes first, and the rest."""
    page = (Path(__file__).parents[3] / "docs" / "patterns.md").read_text(encoding="utf-8")
    table = page.partition(after)[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, flags=re.MULTILINE))


def test_the_page_for_people_gives_the_weights_and_the_roles() -> None:
    weights = {name: float(rest.partition(" ")[0]) for name, rest in rows_of_the_page("| share |").items()}
    assert weights == dict(WEIGHTS)
    assert list(rows_of_the_page("| role |")) == list(ROLES)


def test_the_page_for_people_says_what_the_table_says() -> None:
    rows = rows_of_the_page("| rule |")
    assert list(rows) == [rule.name for rule in RULES]
    for rule in RULES:
        figures = [*rule.thresholds.values(), *([rule.spares_best] if rule.spares_best else [])]
        missing = [figure for figure in figures if f" {figure:g}" not in rows[rule.name]]
        assert not missing, (rule.name, missing)


@pytest.mark.parametrize("rule", CASES)
def test_a_pattern_that_breaks_the_rule_is_retired_for_it(rule: str) -> None:
    assert rules_of(a_stored(**CASES[rule][0]), *three_better()) == [("one", rule)]


@pytest.mark.parametrize(
    ("rule", "changes"), [(rule, near) for rule, (_, all_near) in CASES.items() for near in all_near]
)
def test_a_pattern_that_only_comes_close_is_kept(rule: str, changes: dict[str, Any]) -> None:
    assert rules_of(a_stored(**changes), *three_better()) == []


def test_the_reason_is_a_sentence_with_the_figures() -> None:
    patterns = [
        a_stored("old core", core_version="0.46.9"),
        a_stored("failing", usage_count=7, success_rate=0.25),
        a_stored("poor", quality_score=0.9),
        a_stored("idle", created_at=days_ago(200), node_kind=NodeKind.EFFECT),
        *(a_stored(f"kept {n}", node_kind=NodeKind.EFFECT) for n in range(3)),
    ]
    reasons = {found.name: found.reason for found in to_retire(patterns, core_version=CORE, now=NOW)}
    assert reasons == {
        "old core": "made for omnibase-core 0.46.9, today's is 0.47.57; not used with success since",
        "failing": "success rate 0.25 after 7 uses; at least 0.5 is wanted",
        "poor": "quality 0.9000; at least 0.95 is wanted",
        "idle": "neither made nor used in the last 200 days; 180 are allowed, except for the best of a kind",
    }


def test_a_use_before_todays_core_does_not_save_an_old_pattern() -> None:
    begun = a_stored("first of today's core", created_at=days_ago(5))
    used = {"core_version": "0.46.9", "usage_count": 3}
    assert rules_of(begun, a_stored(last_used=days_ago(6), **used)) == [("one", "superseded")]
    assert rules_of(begun, a_stored(last_used=days_ago(4), **used)) == []


def test_a_failed_use_does_not_save_an_old_pattern() -> None:
    used = {"core_version": "0.46.9", "usage_count": 3, "last_used": days_ago(1)}
    assert rules_of(a_stored(consecutive_failures=1, **used)) == [("one", "superseded")]


def test_an_import_does_not_say_when_todays_core_began() -> None:
    brought = a_stored("brought", source="import", created_at=days_ago(5))
    assert rules_of(brought, a_stored(core_version="0.46.9", usage_count=1, last_used=days_ago(6))) == []


def test_the_three_best_of_a_kind_and_its_systems_never_grow_too_old() -> None:
    ranked = [a_stored(f"rate {n}", success_rate=n / 10, **OLD) for n in range(5, 10)]
    assert rules_of(*ranked) == [("rate 5", "age"), ("rate 6", "age")]


def test_each_kind_and_each_set_of_systems_has_its_own_best() -> None:
    groups: list[dict[str, Any]] = [
        {"node_kind": NodeKind.EFFECT, "systems": ("kafka", "postgresql")},
        {"node_kind": NodeKind.EFFECT, "systems": ("postgresql",)},
        {"node_kind": NodeKind.COMPUTE},
    ]
    old = [a_stored(f"{place} {n}", **group, **OLD) for place, group in enumerate(groups) for n in range(3)]
    assert rules_of(*old) == []
    other_order = a_stored(
        "fourth", node_kind=NodeKind.EFFECT, systems=("postgresql", "kafka"), success_rate=0.9, **OLD
    )
    assert rules_of(*old, other_order) == [("fourth", "age")]


def test_what_another_rule_retires_or_quarantine_holds_takes_no_place_of_the_best() -> None:
    failing = [a_stored(f"failing {n}", usage_count=9, success_rate=0.1, **OLD) for n in range(3)]
    held = [a_stored(f"held {n}", status="quarantined", **OLD) for n in range(3)]
    kept = [a_stored(f"kept {n}", success_rate=0.6, **OLD) for n in range(3)]
    found = rules_of(*failing, *held, *kept)
    assert [name for name, _ in found] == [stored.pattern.name for stored in (*failing, *held)]


def test_the_first_broken_rule_is_the_reason() -> None:
    wrong = a_stored(code="(", core_version="0.1.0", usage_count=9, success_rate=0.0, quality_score=0.1, **OLD)
    assert rules_of(wrong) == [("one", "broken_code")]


def test_what_is_retired_already_is_left_alone() -> None:
    assert rules_of(a_stored(code="(", status="retired")) == []


@pytest.mark.parametrize("code", ["\0", "(" * 5000, "x = " + "-" * 200_000 + "1", "\udcff"])
def test_code_that_hurts_the_parser_is_broken_code(code: str) -> None:
    assert rules_of(a_stored(code=code)) == [("one", "broken_code")]


def test_patterns_are_read_once_so_that_they_can_be_streamed() -> None:
    (found,) = to_retire(iter([a_stored(code="(")]), core_version=CORE, now=NOW)
    assert found.rule == "broken_code"
    assert to_retire(iter([]), core_version=CORE, now=NOW) == ()
