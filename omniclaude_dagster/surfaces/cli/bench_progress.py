"""Shows on stderr how far a benchmark is: live on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from omniclaude_dagster.surfaces.cli.console import notes, plain

_LINE_EVERY_S = 15.0


class ShownRow(Protocol):
    """What is shown of a result."""

    @property
    def task(self) -> str:
        """What it is about."""
        ...

    @property
    def status(self) -> str:
        """What became of it."""
        ...

    @property
    def is_body_right(self) -> bool:
        """Whether it counts as right."""
        ...


class BenchProgress:
    """Give it to a run as `progress`; use as a context manager. `is_quiet` shows nothing."""

    def __init__(self, *, is_quiet: bool, unit: str = "samples") -> None:
        self._is_quiet = is_quiet
        self._unit = unit
        self._console = notes()
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._total = self._kept = self._done = self._passed = 0
        self._started = self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
        if kind is not None and self._done < self._total and not self._is_quiet:
            self._console.print(
                f"{self._done} of {self._total} {self._unit} are kept; the same command goes on from there"
            )

    def begin(self, rows: Sequence[ShownRow], *, total: int) -> None:
        """The run goes on after these rows."""
        self._total, self._kept = total, len(rows)
        self._done, self._passed = len(rows), sum(row.is_body_right for row in rows)
        self._started = self._said = time.monotonic()
        if self._console.is_terminal and not self._is_quiet:
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                TextColumn("{task.fields[left]}"), console=self._console, transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task(self._unit, total=total, completed=self._done, left="")
            self._bar.start()

    def advance(self, row: ShownRow) -> None:
        """One more sample was taken."""
        self._done += 1
        self._passed += row.is_body_right
        if self._is_quiet:
            return
        rate = f"{100 * self._passed / self._done:.0f} % right"
        left = f"about {_clock(self._left_s())} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, description=rate, left=left)
        elif time.monotonic() - self._said >= _LINE_EVERY_S or self._done == self._total:
            self._said = time.monotonic()
            self._console.print(
                f"{self._done}/{self._total} {self._unit}, {rate}, {left} (last: {plain(row.task)} {row.status})",
                soft_wrap=True,
            )

    def _left_s(self) -> float:
        taken = self._done - self._kept
        return (time.monotonic() - self._started) / taken * (self._total - self._done)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
