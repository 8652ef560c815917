"""Embedding models that call everything similar: the bounds on relevance hold for them too."""

from collections.abc import Sequence

import numpy as np
import pytest

from omniclaude_dagster.patterns.calibration import above, baseline_of
from omniclaude_dagster.patterns.embedding import WordLlamaEmbedder
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import Embedder, PatternQuery, Vectors
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import MOMENT, LetterEmbedder, MemoryPatternStore, pattern_for

TEXTS = [
    "Calculate the sales tax of an order",
    "Calculate the tax of the order",
    "Send a welcome mail to a new customer",
    "Sort a list of numbers",
    "Count the vowels in a string",
    "Store users in PostgreSQL",
]
REQUESTS = ["compute the tax of an order", "mail to customers", "draw a molecule", "sort numbers", "merge GPS tracks"]


class CrowdedEmbedder:
    """The built-in model with something that all texts share: no two are less similar than `least`."""

    def __init__(self, least: float) -> None:
        self._inner = WordLlamaEmbedder()
        self._least = least

    @property
    def model_name(self) -> str:
        return f"crowded {self._least}"

    @property
    def dimension(self) -> int:
        return self._inner.dimension + 1

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = self._inner.embed(texts) * np.sqrt(1 - self._least)
        shared = np.full((len(texts), 1), np.sqrt(self._least))
        return np.hstack([rows, shared]).astype(np.float32)


def offers(embedder: Embedder, request: str) -> list[tuple[str, float]]:
    store = MemoryPatternStore()
    library = PatternLibrary(store, embedder)
    for text in TEXTS:
        library.add(pattern_for(text, name="node", inputs={"data": "str"}, outputs={"result": "str"}))
    found = library.find(PatternQuery(request, NodeKind.COMPUTE, now=MOMENT))
    return [(offer.pattern.description, offer.score) for offer in found.offers]


@pytest.mark.parametrize("request_text", REQUESTS)
@pytest.mark.parametrize("least", [0.4, 0.75])
def test_what_is_offered_does_not_depend_on_how_crowded_the_model_s_space_is(least: float, request_text: str) -> None:
    plain, crowded = offers(WordLlamaEmbedder(), request_text), offers(CrowdedEmbedder(least), request_text)

    assert [text for text, _ in crowded] == [text for text, _ in plain]
    assert [score for _, score in crowded] == pytest.approx([score for _, score in plain], abs=0.01)


@pytest.mark.parametrize("least", [0.0, 0.4, 0.75])
def test_the_baseline_is_what_unrelated_texts_have(least: float) -> None:
    found = baseline_of(CrowdedEmbedder(least))

    assert found == pytest.approx(least + (1 - least) * baseline_of(WordLlamaEmbedder()), abs=0.002)


def test_a_model_that_tells_nothing_apart_or_nothing_at_all_has_a_bounded_baseline() -> None:
    class Constant(LetterEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            return np.ones((len(texts), 26), dtype=np.float32) / np.sqrt(np.float32(26))

    class Empty(LetterEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            return np.zeros((len(texts), 26), dtype=np.float32)

    assert baseline_of(Constant()) == 0.9
    assert baseline_of(Empty()) == 0.0


def test_above_the_baseline_unrelated_is_nothing_and_equal_is_one() -> None:
    assert above(0.5, np.array([1.0, 0.75, 0.5, 0.2])).tolist() == [1.0, 0.5, 0.0, 0.0]
