"""Which generated models mention which: what a model's file imports, and which models wait for one another.

Models that mention each other in a circle import one another only for the type checker; the package of the models
completes them once all are there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omniclaude_dagster.node.blueprint import ModelSpec


@dataclass(frozen=True)
class ModelGraph:
    """Class name of each model -> the models it mentions."""

    mentions: Mapping[str, frozenset[str]]
    # Members of each circle of two or more models; a model that mentions itself alone is in none.
    circles: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, models: Sequence[ModelSpec]) -> "ModelGraph":
        """The graph of a node's models."""
        names = {model.class_name for model in models}
        mentions = {
            model.class_name: frozenset(name for f in model.fields for name in f.names if name in names)
            for model in models
        }
        reach = {name: _reachable(name, mentions) for name in mentions}
        circles = {
            frozenset(other for other in reach[name] if name in reach[other]) | {name}
            for name in mentions
            if any(other != name and name in reach[other] for other in reach[name])
        }
        return cls(mentions, tuple(sorted(circles, key=sorted)))

    def is_circular(self, model: str, other: str) -> bool:
        """Whether the two wait for one another."""
        return model != other and any({model, other} <= circle for circle in self.circles)

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Models that cannot be built while their file is imported, those that others wait for first."""
        waiting = {name for circle in self.circles for name in circle}
        found = sorted(waiting)
        grown = True
        while grown:
            more = sorted(n for n, others in self.mentions.items() if n not in waiting and others & waiting)
            waiting.update(more)
            found += more
            grown = bool(more)
        return tuple(found)


def _reachable(start: str, mentions: Mapping[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    todo = list(mentions[start])
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(mentions[name])
    return found
