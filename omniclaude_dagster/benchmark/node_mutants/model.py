"""What a mutant is: a good node, one thing that is broken in it, and the gate that should notice.

Holds no mutants; those are the modules `*_faults.py`, joined in `corpus.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from omniclaude_dagster.benchmark.node_mutants.bases import GOLDEN_BASES
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import Example

Edit = Callable[[NodeBundle], NodeBundle]
# The gate of what never becomes a bundle: reading the folder refuses it.
READER = "reader"


@dataclass(frozen=True)
class Mutant:
    """One broken node. `gate` is the one that must fail; that others fail too, or instead, does not count.

    `is_as_generated`: judged as stage 4 judges a node that was rendered a moment ago, not as a folder that a person
    may have edited since. `on_disk` breaks the written folder, for what a bundle cannot hold.
    """

    id: str
    family: str
    base: str
    breaks: str
    gate: str
    edit: Edit
    examples: tuple[Example, ...] = ()
    is_as_generated: bool = False
    on_disk: Callable[[Path], None] | None = None

    @property
    def is_golden(self) -> bool:
        """Whether it is made from a golden node, which exists only beside ../shared."""
        return self.base in GOLDEN_BASES


@dataclass(frozen=True)
class Fault:
    """One way to break nodes, applied to each of `bases`."""

    name: str
    breaks: str
    gate: str
    bases: Sequence[str]
    edit: Edit
    examples: tuple[Example, ...] = ()
    is_as_generated: bool = False
    on_disk: Callable[[Path], None] | None = None

    def mutants(self, family: str) -> list[Mutant]:
        """One mutant a base."""
        return [
            Mutant(
                id=f"{family}/{self.name}/{base}",
                family=family,
                base=base,
                breaks=self.breaks,
                gate=self.gate,
                edit=self.edit,
                examples=self.examples,
                is_as_generated=self.is_as_generated,
                on_disk=self.on_disk,
            )
            for base in self.bases
        ]
