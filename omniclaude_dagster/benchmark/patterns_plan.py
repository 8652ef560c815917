"""What a run of `bench patterns` is to do, and where its files lie below the home folder.

`bench/patterns/library-<data>-<key>` is the library of one data set and seed, the same for all models;
`bench/patterns/<data>-<model>-<key>` holds the results, answers and nodes of one command.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.run import BenchmarkFolders, Plan
from omniclaude_dagster.settings import Settings


@dataclass(frozen=True)
class PatternsPlan(Plan):
    """As `bench code`, one sample a task and arm. `limit`: at most so many query tasks; the library stays whole."""

    limit: int | None = None
    # Vectors of another model rank otherwise.
    embedding_model: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the results depend on, but for the library itself."""
        kept = {name: value for name, value in super().settings.items() if name not in {"samples", "mutants"}}
        return {"benchmark": "patterns", **kept, "limit": self.limit, "embedding_model": self.embedding_model}

    @property
    def library_settings(self) -> dict[str, Any]:
        """Everything the library depends on."""
        names = ("benchmark", "data", "data_sha256", "seed", "embedding_model", "release")
        return {name: self.settings[name] for name in names}

    @property
    def library_name(self) -> str:
        """Folder of the library; a new release fills its own."""
        return f"library-{_plain(self.data.name)}-{_key(self.library_settings)}"


@dataclass(frozen=True)
class PatternsFolders:
    """Where a home folder keeps these benchmarks. `expected` is shared with `bench code`."""

    runs: BenchmarkFolders
    expected: Path

    @classmethod
    def of(cls, settings: Settings) -> "PatternsFolders":
        """Those of the settings' home."""
        shared = BenchmarkFolders.of(settings)
        return cls(BenchmarkFolders(shared.root / "patterns"), shared.expected)

    def library(self, plan: PatternsPlan) -> Path:
        """Home of the library: its database, its nodes, its ledger."""
        return self.runs.root / plan.library_name


def _key(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode()).hexdigest()[:8]


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in name.lower())[:40]
