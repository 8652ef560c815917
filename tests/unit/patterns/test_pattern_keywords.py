"""BM25 against the formula written out plainly, and that its scores depend on what is in and not on its history."""

import math
from collections import Counter

import numpy as np
import pytest

from omniclaude_dagster.patterns import keywords
from omniclaude_dagster.patterns.keywords import KeywordIndex

TEXTS = [
    "tax order",
    "tax tax rate customer",
    "mail customer welcome",
    "order order order stock shipping payment warehouse",
    "sensor temperature",
]


def index_of(texts: list[str]) -> KeywordIndex:
    index = KeywordIndex()
    for text in texts:
        index.append(text.split())
    return index


def plain_scores(texts: list[str], query: list[str]) -> list[float]:
    """The formula as the book has it, with the two documented changes."""
    counts = [Counter(text.split()) for text in texts]
    average = sum(c.total() for c in counts) / len(counts)

    def rarity(term: str) -> float:
        rows = sum(term in c for c in counts)
        return math.log(1 + (len(counts) + 1_000 - rows + 0.5) / (rows + 0.5))

    def score(c: Counter[str]) -> float:
        damping = 1.2 * (1 - 0.75 + 0.75 * c.total() / average)
        return sum(rarity(t) * 2.2 * c[t] / (c[t] + damping) for t in query if t in c)

    best = sum(rarity(term) for term in query)
    return [min(1.0, score(c) / best) for c in counts]


@pytest.mark.parametrize("query", [["tax"], ["tax", "order"], ["customer", "mail", "unknown"], ["order", "sensor"]])
def test_scores_are_those_of_the_formula(query: list[str]) -> None:
    assert index_of(TEXTS).scores(query) == pytest.approx(plain_scores(TEXTS, query), abs=1e-12)


def test_a_repeated_word_of_the_query_counts_once() -> None:
    index = index_of(TEXTS)

    assert index.scores(["tax", "tax", "rate"]).tolist() == index.scores(["tax", "rate"]).tolist()


def test_scores_lie_between_nothing_and_one() -> None:
    scores = index_of(TEXTS).scores(["order", "tax"])

    assert scores.min() == 0.0
    assert 0.0 < scores.max() <= 1.0


def test_nothing_is_found_for_unknown_words_or_none() -> None:
    index = index_of(TEXTS)

    assert not index.scores(["volcano"]).any()
    assert not index.scores([]).any()
    assert len(KeywordIndex().scores(["tax"])) == 0


def test_a_row_that_was_taken_out_counts_in_no_other_score() -> None:
    index = index_of([*TEXTS, "tax tax tax refund"])
    index.take_out(len(TEXTS), "tax tax tax refund".split())

    assert index.scores(["tax", "order"])[: len(TEXTS)].tolist() == index_of(TEXTS).scores(["tax", "order"]).tolist()


def test_a_row_taken_out_and_in_again_leaves_no_trace() -> None:
    index = index_of(TEXTS)
    before = index.scores(["tax", "order"])
    index.take_out(1, TEXTS[1].split())
    index.take_in(1, TEXTS[1].split())

    assert index.scores(["tax", "order"]).tolist() == before.tolist()


def test_order_of_arrival_changes_no_score() -> None:
    scores = index_of(TEXTS).scores(["tax", "customer", "order"])
    reverse = index_of(TEXTS[::-1]).scores(["tax", "customer", "order"])

    assert scores.tolist() == reverse[::-1].tolist()


def test_rows_can_be_added_after_a_search() -> None:
    index = index_of(TEXTS)
    kept = index.scores(["tax"])
    index.append(["tax"])

    assert len(index.scores(["tax"])) == len(kept) + 1


def test_a_long_query_is_judged_by_its_rarest_words() -> None:
    index = index_of([*TEXTS, *["common"] * 200])
    filler = [f"unknown{number}" for number in range(keywords._MAX_QUERY_TERMS)]

    assert not index.scores([*filler, "common"]).any()


def test_a_word_that_occurs_very_often_is_counted_up_to_255() -> None:
    index = KeywordIndex()
    index.append(["tax"] * 300)
    index.append(["tax"] * 255)

    assert np.isfinite(index.scores(["tax"])).all()
    assert index.scores(["tax"])[0] == pytest.approx(1.0)
