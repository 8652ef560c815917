"""The leak check: nothing of a query task's hidden tests, solution or answers may be in the library. It blocks the run.

It looks at what the library really holds, not at what was meant to be put in:

    origin     every pattern was made of a task of the store half
    prompt     no stored prompt is nearly that of a query task
    solution   no stored text holds a canonical solution of a query task, no stored code is one but for names
    call       no stored text holds a call of a hidden test
    value      no stored text holds an expected value of a hidden test, where the value is long enough to mean anything

A value that the pattern's own task shows itself is no leak; how many of those there were is counted.
"""

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from omniclaude_dagster.benchmark.expected import Expected
from omniclaude_dagster.benchmark.patterns_neighbours import MAX_JACCARD, call_texts, public_text
from omniclaude_dagster.benchmark.patterns_solutions import solution_keys
from omniclaude_dagster.benchmark.patterns_texts import code_key, jaccard, prose, squeezed, squeezed_value, tokens
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.patterns.model import Pattern

LeakKind = Literal["origin", "prompt", "solution", "call", "value"]
KINDS: tuple[LeakKind, ...] = ("origin", "prompt", "solution", "call", "value")
# Shorter values (7, true, "abc") stand in any text.
MIN_VALUE_CHARS = 12
# The beginning of a longer text is evidence enough.
_MAX_SEARCHED_CHARS = 400
_MIN_SOLUTION_CHARS = 20
_SHOWN_FINDINGS = 5
_MAX_SHOWN_CHARS = 80


class LeakFoundError(OmniClaudeError):
    """The library holds something of the tasks that it is to be measured with."""

    exit_code = 1


@dataclass(frozen=True)
class Leak:
    """One finding. `where` is the field of the pattern, `shown` the beginning of what was found there."""

    kind: LeakKind
    task: str
    pattern: str
    where: str
    shown: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.task} in {self.where} of pattern {self.pattern}: {self.shown}"


@dataclass(frozen=True)
class LeakReport:
    """What was looked at, and what was found. `own_values`: values that the pattern's own task shows itself."""

    leaks: tuple[Leak, ...]
    looked_at: Mapping[str, int] = field(default_factory=dict)
    own_values: int = 0

    def as_json(self) -> dict[str, Any]:
        """Counts, and the findings as lines."""
        found = Counter(leak.kind for leak in self.leaks)
        return {
            "is_clean": not self.leaks,
            "found": {kind: found[kind] for kind in KINDS},
            "findings": [str(leak) for leak in self.leaks[:_SHOWN_FINDINGS]],
            "looked_at": dict(self.looked_at),
            "values_shown_by_the_own_task": self.own_values,
        }

    def require_clean(self) -> None:
        """Raise LeakFoundError when anything was found."""
        if self.leaks:
            shown = "; ".join(map(str, self.leaks[:_SHOWN_FINDINGS]))
            raise LeakFoundError(
                f"the library holds {len(self.leaks)} things that the query tasks are judged by: {shown}.",
                cure="nothing is measured with such a library; take another --seed, or begin again with --fresh",
            )


@dataclass(frozen=True)
class HiddenTests:
    """A query task and the texts of what it is judged by, squeezed and cut. `value_count`: also of those too short."""

    task: BenchmarkTask
    calls: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    value_count: int = 0

    @classmethod
    def of(cls, task: BenchmarkTask, expected: Expected) -> "HiddenTests":
        """The texts of every call, and of every expected value that is long enough to be looked for."""
        numbers = range(len(expected.answers))
        values = {text for n in numbers if (text := squeezed_value(expected.value(n))) is not None}
        return cls(
            task,
            calls=frozenset(text[:_MAX_SEARCHED_CHARS] for text in call_texts(task)),
            values=frozenset(text[:_MAX_SEARCHED_CHARS] for text in values if len(text) >= MIN_VALUE_CHARS),
            value_count=len(values),
        )


@dataclass(frozen=True)
class _Text:
    pattern: Pattern
    where: str
    text: str


def check_leaks(
    patterns: Sequence[Pattern], *, origins: Mapping[str, BenchmarkTask], queries: Sequence[HiddenTests]
) -> LeakReport:
    """Look for every query task in every text of every pattern. `origins`: request id to task of the store half."""
    texts = [text for pattern in patterns for text in _texts(pattern)]
    own = {pattern.pattern_id: public_text(origins[p]) for pattern in patterns if (p := pattern.request_id) in origins}
    values, own_values = _value_leaks(texts, queries, own)
    leaks = [
        *_origin_leaks(patterns, origins, queries),
        *_prompt_leaks(patterns, queries),
        *_solution_leaks(patterns, texts, queries),
        *_call_leaks(texts, queries),
        *values,
    ]
    looked_at = {
        "patterns": len(patterns),
        "texts": len(texts),
        "characters": sum(len(text.text) for text in texts),
        "query_tasks": len(queries),
        "prompt_pairs": len(patterns) * len(queries),
        "solutions": len(queries),
        "hidden_calls": sum(len(query.calls) for query in queries),
        "expected_values": sum(len(query.values) for query in queries),
        "expected_values_too_short": sum(query.value_count - len(query.values) for query in queries),
    }
    return LeakReport(tuple(leaks), looked_at, own_values)


def _texts(pattern: Pattern) -> Iterator[_Text]:
    """Every text of a pattern, squeezed; documents also as compact JSON, in which every value is in one piece."""
    plain = {
        "name": pattern.name,
        "description": pattern.description,
        "code": pattern.code,
        "contract": pattern.contract,
        "contract values": _as_json(_document(pattern.contract)),
        "request": _as_json(pattern.request),
        "examples": _as_json(pattern.examples),
        "reuse conditions": "\n".join(pattern.reuse_conditions),
        **dict(pattern.models),
    }
    # A text in a text, such as the prompt in the request, has escaped line breaks, which are no whitespace.
    prompt = pattern.request.get("prompt")
    plain["prompt"] = prompt if isinstance(prompt, str) else ""
    yield from (_Text(pattern, where, squeezed(text)) for where, text in plain.items() if text)


def _document(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        # It is searched as text all the same.
        return None


def _as_json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, default=str)


def _origin_leaks(
    patterns: Sequence[Pattern], origins: Mapping[str, BenchmarkTask], queries: Sequence[HiddenTests]
) -> Iterator[Leak]:
    query_ids = {query.task.task_id for query in queries}
    for pattern in patterns:
        task = origins.get(pattern.request_id)
        if task is None:
            yield Leak("origin", "an unknown task", pattern.name, "request id", pattern.request_id[:_MAX_SHOWN_CHARS])
        elif task.task_id in query_ids:
            yield Leak("origin", task.task_id, pattern.name, "request id", pattern.request_id[:_MAX_SHOWN_CHARS])


def _prompt_leaks(patterns: Sequence[Pattern], queries: Sequence[HiddenTests]) -> Iterator[Leak]:
    asked = [(query.task.task_id, tokens(prose(query.task.prompt))) for query in queries]
    for pattern in patterns:
        stored = {"request": str(pattern.request.get("prompt") or ""), "description": pattern.description}
        for where, text in stored.items():
            words = tokens(prose(text))
            near = (task for task, others in asked if jaccard(words, others) >= MAX_JACCARD)
            yield from (Leak("prompt", task, pattern.name, where, prose(text)[:_MAX_SHOWN_CHARS]) for task in near)


def _solution_leaks(
    patterns: Sequence[Pattern], texts: Sequence[_Text], queries: Sequence[HiddenTests]
) -> Iterator[Leak]:
    keys = {key: p for p in patterns if (key := code_key(p.code, p.function)) is not None}
    for query in queries:
        task = query.task
        same = next((keys[key] for key in sorted(solution_keys(task)) if key in keys), None)
        if same is not None:
            yield Leak("solution", task.task_id, same.name, "code, but for names", f"def {same.function}")
        solution = squeezed(task.solution)
        if len(solution) >= _MIN_SOLUTION_CHARS:
            holding = (text for text in texts if solution in text.text)
            yield from (
                Leak("solution", task.task_id, text.pattern.name, text.where, f"def {task.entry_point}")
                for text in holding
            )


def _call_leaks(texts: Sequence[_Text], queries: Sequence[HiddenTests]) -> Iterator[Leak]:
    for query in queries:
        for text in texts:
            if f"{query.task.entry_point}[" not in text.text:
                continue
            found = next((call for call in sorted(query.calls) if _stands_in(call, text.text)), None)
            if found is not None:
                yield Leak("call", query.task.task_id, text.pattern.name, text.where, found[:_MAX_SHOWN_CHARS])


def _value_leaks(
    texts: Sequence[_Text], queries: Sequence[HiddenTests], own: Mapping[uuid.UUID, str]
) -> tuple[list[Leak], int]:
    """Leaks, and how many values stand only where the pattern's own task shows them."""
    whole = "\n".join(text.text for text in texts)
    leaks, excused = [], 0
    for query in queries:
        for value in sorted(value for value in query.values if value in whole):
            for text in _holding(value, texts):
                if _stands_in(value, own.get(text.pattern.pattern_id, "")):
                    excused += 1
                else:
                    shown = value[:_MAX_SHOWN_CHARS]
                    leaks.append(Leak("value", query.task.task_id, text.pattern.name, text.where, shown))
    return leaks, excused


def _holding(value: str, texts: Iterable[_Text]) -> Iterator[_Text]:
    return (text for text in texts if _stands_in(value, text.text))


def _stands_in(wanted: str, text: str) -> bool:
    """Whether it stands there as a whole: a number is not part of a longer one, a name of no longer name."""
    start = text.find(wanted)
    while start >= 0:
        before, after = text[start - 1 : start], text[start + len(wanted) : start + len(wanted) + 1]
        is_cut = len(wanted) >= _MAX_SEARCHED_CHARS
        if not (_joins(before, wanted[0]) or (_joins(wanted[-1], after) and not is_cut)):
            return True
        start = text.find(wanted, start + 1)
    return False


def _joins(left: str, right: str) -> bool:
    """Whether two neighbouring characters are one word or number."""
    return bool(left and right) and all(c.isalnum() or c in "_." for c in (left, right))
