"""Okapi BM25 over the words of patterns, kept up to date one pattern at a time.

k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009). Two
things differ from the book, so that scores of a small library can be compared with those of a large one: a word's
rarity is judged as if there were 1,000 patterns more, and a score is divided by that of a pattern of average length
that holds every word of the query once. Not here: which words count (`words.py`).
"""

import math
from array import array
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.patterns.columns import Column

K1 = 1.2
B = 0.75
_PRIOR_PATTERNS = 1_000
# A posting is one number of 32 bits: the row, and below it how often the word occurs there.
_COUNT_BITS = 8
_MAX_COUNT = (1 << _COUNT_BITS) - 1
MAX_ROWS = 1 << (32 - _COUNT_BITS)
_MAX_TERMS = 512
_MAX_QUERY_TERMS = 64


class KeywordIndex:
    """Words to rows. Not locked: its owner is.

    A row that is taken out keeps its postings and counts no longer: the caller does not ask for it, and may take it in
    again. So every score depends on the rows that are in, and not on what happened before.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._postings: list[array[int]] = []
        # For each term: in how many of the rows that are in it occurs.
        self._row_counts: array[int] = array("I")
        self._lengths = Column(np.uint32)
        self._rows_in = 0
        self._length_in = 0

    def append(self, terms: Sequence[str]) -> None:
        """One more row, taken in. Words beyond the first 512 of a text are left out."""
        row = len(self._lengths)
        if row >= MAX_ROWS:
            raise OverflowError(f"at most {MAX_ROWS} patterns of one kind")
        counted = Counter(terms[:_MAX_TERMS])
        self._lengths.append(counted.total())
        for term, count in counted.items():
            number = self._numbers.setdefault(term, len(self._postings))
            if number == len(self._postings):
                self._postings.append(array("I"))
                self._row_counts.append(0)
            self._postings[number].append(row << _COUNT_BITS | min(count, _MAX_COUNT))
        self._count(row, counted, +1)

    def take_in(self, row: int, terms: Sequence[str]) -> None:
        """A row that was taken out counts again. `terms`: as they were appended."""
        self._count(row, set(terms[:_MAX_TERMS]), +1)

    def take_out(self, row: int, terms: Sequence[str]) -> None:
        """A row counts no longer. `terms`: as they were appended."""
        self._count(row, set(terms[:_MAX_TERMS]), -1)

    def scores(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """A number in [0, 1] for every row: 1 says that all words of the query are there."""
        found = np.zeros(len(self._lengths), dtype=np.float64)
        weights = self._weights(terms)
        if not weights or not self._rows_in:
            return found
        average = max(self._length_in / self._rows_in, 1.0)
        damping = K1 * (1 - B + B * self._lengths.view / average)
        for term, weight in weights:
            number = self._numbers.get(term)
            if number is None:
                continue
            postings = np.frombuffer(self._postings[number], dtype=np.uint32)
            rows, counts = postings >> _COUNT_BITS, (postings & _MAX_COUNT).astype(np.float64)
            found[rows] += weight * (K1 + 1) * counts / (counts + damping[rows])
        best = sum(weight for _, weight in weights)
        return np.minimum(found / best, 1.0)

    def _weights(self, terms: Sequence[str]) -> list[tuple[str, float]]:
        """The query's rarest words with their weights, each once. A word that no pattern has weighs most."""
        weighed = [(term, self._rarity(term)) for term in dict.fromkeys(terms)]
        return sorted(weighed, key=lambda pair: (-pair[1], pair[0]))[:_MAX_QUERY_TERMS]

    def _rarity(self, term: str) -> float:
        number = self._numbers.get(term)
        rows = self._row_counts[number] if number is not None else 0
        return math.log(1 + (self._rows_in + _PRIOR_PATTERNS - rows + 0.5) / (rows + 0.5))

    def _count(self, row: int, terms: Counter[str] | set[str], sign: int) -> None:
        self._rows_in += sign
        self._length_in += sign * int(self._lengths[row])
        for term in terms:
            self._row_counts[self._numbers[term]] += sign
