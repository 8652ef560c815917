"""What the UI shows of a quorum and of patterns; what a model wrote stays text."""

from typing import Any

import dagster as dg
import pytest
from markdown_it import MarkdownIt

from omniclaude_dagster.defs.report import metadata_of
from tests.support.cli import a_result


def a_quorum(**changes: Any) -> dict[str, Any]:
    votes = [
        {"seat": "codestral", "model": "codestral", "weight": 1.5, "score": 0.7, "verdict": "revise",
         "abstained_because": "", "deficiencies": []},
        {"seat": "llama-3.1", "model": "", "weight": 1.2, "score": None, "verdict": None,
         "abstained_because": "no model is configured", "deficiencies": []},
    ]  # fmt: skip
    fields = {
        "panel": "default",
        "decision": "suggest",
        "score": 0.7,
        "participation": 0.625,
        "dispersion": 0.1,
        "reason": "0.70 is below 0.80",
        "votes": votes,
        "applied_diff": "",
        "suggested_diff": "--- a/logic.py\n+++ b/logic.py\n@@ -1 +1 @@\n-old\n+new\n",
        "review_command": "omniclaude review show a-request",
    }
    return {**fields, **changes}


def text_of(shown: dict[str, dg.MetadataValue], name: str) -> str:
    value = shown[name].value
    assert isinstance(value, str)
    return value


def test_a_quorum_is_shown_with_votes_diff_and_command() -> None:
    shown = metadata_of(a_result(status="needs_review", quorum=a_quorum()))
    assert text_of(shown, "quorum") == (
        "suggest: score 0.70, 62% of the weight present, dispersion 0.10, panel default; 0.70 is below 0.80"
    )
    votes = text_of(shown, "quorum_votes").splitlines()
    assert votes[2] == "| codestral | codestral | 1.5 | 0.70 | revise |"
    assert votes[3] == "| llama-3.1 |  | 1.2 | none | abstained: no model is configured |"
    assert text_of(shown, "suggested_diff").startswith("```diff\n--- a/logic.py\n")
    assert text_of(shown, "review_command") == "omniclaude review show a-request"
    assert "applied_diff" not in shown


def test_without_quorum_and_patterns_nothing_is_shown_of_them() -> None:
    assert not {"quorum", "quorum_votes", "suggested_diff", "patterns"} & metadata_of(a_result()).keys()


def test_no_votes_are_shown_as_none_and_not_as_zero() -> None:
    quorum = a_quorum(score=None, dispersion=None, participation=0.0, votes=[], suggested_diff="", review_command="")
    shown = metadata_of(a_result(status="blocked", quorum=quorum))
    assert "score none, 0% of the weight present, dispersion none" in text_of(shown, "quorum")
    assert "review_command" not in shown


@pytest.mark.parametrize("evil", ["```\n<script>alert(1)</script>", "`````\n# a heading", "~~~\n[x](javascript:y)"])
def test_no_diff_can_end_its_block(evil: str) -> None:
    shown = metadata_of(a_result(quorum=a_quorum(suggested_diff=f"+one\n{evil}\n+two\n")))
    tokens = MarkdownIt().parse(text_of(shown, "suggested_diff"))
    assert [token.type for token in tokens] == ["fence"]
    assert evil in tokens[0].content


def test_marks_that_turn_text_round_are_visible() -> None:
    shown = metadata_of(a_result(quorum=a_quorum(suggested_diff="+a \u202e b\x1b[2J\tc")))
    assert "+a \\u202e b\\x1b[2J\tc" in text_of(shown, "suggested_diff")


def test_a_diff_without_end_is_cut_and_says_so() -> None:
    shown = text_of(metadata_of(a_result(quorum=a_quorum(suggested_diff="+x\n" * 20_000))), "suggested_diff")
    assert len(shown) < 21_000
    assert "cut here" in shown


def test_a_vote_cannot_break_its_table() -> None:
    vote = {**a_quorum()["votes"][1], "abstained_because": "late | <b>x</b>\n| a | b |"}
    rows = text_of(metadata_of(a_result(quorum=a_quorum(votes=[vote]))), "quorum_votes").splitlines()
    assert len(rows) == 3
    assert "late \\| \\<b\\>x\\</b\\> \\| a \\| b \\|" in rows[2]


def test_patterns_are_shown_with_what_became_of_them() -> None:
    pattern = {"pattern_id": "1234", "name": "Doubler*", "role": "reused", "rank": 1, "score": 0.91234,
               "reasons": ["same fields", "meaning 0.90"]}  # fmt: skip
    rows = text_of(metadata_of(a_result(patterns=[pattern])), "patterns").splitlines()
    assert rows[2] == "| 1 | Doubler\\* | reused | 0.91 | same fields; meaning 0.90 | 1234 |"
