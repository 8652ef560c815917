"""Which query tasks are too close to a task of the store half to say anything, and how close the others are.

A library that holds nearly the same task helps with it, but that is memory and no skill. Such query tasks are left
out before anything runs, and counted by reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from omniclaude_dagster.benchmark.patterns_solutions import solution_keys
from omniclaude_dagster.benchmark.patterns_texts import jaccard, prose, squeezed, squeezed_value, tokens
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.patterns.model import Embedder, Vectors

MAX_JACCARD = 0.8
MAX_COSINE = 0.95

# same_words, same_meaning: the prompts are nearly the same. same_solution: the canonical solutions are, but for names.
# shared_test: the store task shows, or solves with, a call that is a hidden test of the query task.
LeftOutReason = Literal["same_words", "same_meaning", "same_solution", "shared_test"]


@dataclass(frozen=True)
class LeftOut:
    """A query task that is not measured, and the store task because of which it is not."""

    task: str
    reason: LeftOutReason
    store_task: str


@dataclass(frozen=True)
class Neighbourhood:
    """The query tasks that are measured, and those that are not.

    `nearest`: for each measured one the cosine similarity of its prompt to the most similar prompt of the store half.
    """

    tasks: tuple[BenchmarkTask, ...]
    left_out: tuple[LeftOut, ...]
    nearest: Mapping[str, float]
    embedding_model: str

    def as_json(self) -> dict[str, object]:
        """Counts by reason, and each task with its reason."""
        return {
            "measured": len(self.tasks),
            "left_out": len(self.left_out),
            "left_out_by_reason": dict(Counter(one.reason for one in self.left_out)),
            "left_out_tasks": [f"{one.task}: {one.reason} as {one.store_task}" for one in self.left_out],
            "embedding_model": self.embedding_model,
        }


def neighbourhood(
    store: Sequence[BenchmarkTask], query: Sequence[BenchmarkTask], *, embedder: Embedder
) -> Neighbourhood:
    """Compare every query task with every store task. Raises EmbeddingUnavailableError."""
    similarity = _similarities(store, query, embedder)
    compared = [_Compared.of(task) for task in store]
    kept: list[BenchmarkTask] = []
    left_out: list[LeftOut] = []
    nearest: dict[str, float] = {}
    for task, row in zip(query, similarity, strict=True):
        reason = _reason(_Compared.of(task), compared, row)
        if reason is None:
            kept.append(task)
            nearest[task.task_id] = round(float(row.max()), 4)
        else:
            left_out.append(reason)
    return Neighbourhood(tuple(kept), tuple(left_out), nearest, embedder.model_name)


def public_text(task: BenchmarkTask) -> str:
    """What a pattern made of a task may hold: its prompt and its solution, squeezed."""
    return squeezed(f"{task.prompt}\n{task.entry_point}\n{task.solution}")


def call_texts(task: BenchmarkTask) -> list[str]:
    """The hidden tests' calls, squeezed; those without a text are left out."""
    arguments = (squeezed_value(list(given)) for given in task.inputs)
    return [f"{task.entry_point}{text}" for text in arguments if text is not None]


@dataclass(frozen=True)
class _Compared:
    task: BenchmarkTask
    words: frozenset[str]
    keys: frozenset[str]

    @classmethod
    def of(cls, task: BenchmarkTask) -> "_Compared":
        return cls(task, tokens(prose(task.prompt)), solution_keys(task))


def _similarities(store: Sequence[BenchmarkTask], query: Sequence[BenchmarkTask], embedder: Embedder) -> Vectors:
    ours = embedder.embed([prose(task.prompt) for task in query])
    theirs = embedder.embed([prose(task.prompt) for task in store])
    return ours @ theirs.T


def _reason(query: _Compared, store: Sequence[_Compared], similarity: Vectors) -> LeftOut | None:
    for other, cosine in zip(store, similarity, strict=True):
        reason = _closeness(query, other, float(cosine))
        if reason is not None:
            return LeftOut(query.task.task_id, reason, other.task.task_id)
    return None


def _closeness(query: _Compared, other: _Compared, cosine: float) -> LeftOutReason | None:
    if jaccard(query.words, other.words) >= MAX_JACCARD:
        return "same_words"
    if cosine >= MAX_COSINE:
        return "same_meaning"
    if query.keys & other.keys:
        return "same_solution"
    if query.task.entry_point in other.task.prompt + other.task.solution:
        text = public_text(other.task)
        if any(call in text for call in call_texts(query.task)):
            return "shared_test"
    return None
