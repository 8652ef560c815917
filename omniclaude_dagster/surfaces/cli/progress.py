"""Shows on stderr how far generations are: live on a terminal, plain lines elsewhere. Called from any thread."""

import itertools
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import notes, plain
from omniclaude_dagster.surfaces.cli.render import STYLES, duration

if TYPE_CHECKING:
    from omniclaude_dagster.stages.state import GenerationState


class StageProgress:
    """Give it to a run as `on_stage`; use as a context manager. `is_quiet` shows nothing."""

    def __init__(self, *, request_count: int, is_quiet: bool) -> None:
        from omniclaude_dagster.stages.model import STAGES

        self._request_count = request_count
        self._is_quiet = is_quiet
        self._console = notes()
        self._lock = threading.Lock()
        self._decided: set[str] = set()
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._following = {number: f"{after} {name}" for (number, _), (after, name) in itertools.pairwise(STAGES)}
        self._stage_count = len(STAGES)
        self._first = " ".join(STAGES[0])

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._is_quiet:
            self._bar = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
                console=self._console, transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task(self._title(self._first), total=self._request_count * self._stage_count)
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, state: "GenerationState") -> None:
        """One stage of one generation has ended."""
        if self._is_quiet or not state.stage_records:
            return
        with self._lock:
            record = state.stage_records[-1]
            is_news = state.is_decided and state.request_id not in self._decided
            if is_news:
                self._decided.add(state.request_id)
            if self._bar is not None:
                following = self._following.get(record.stage, "writing records")
                self._bar.update(self._task, advance=1, description=self._title(following))
            if self._request_count == 1 and (record.status != "skipped" or not state.is_decided):
                self._line(record.status, f"{record.stage} {record.name}", duration(record.latency_ms))
            elif self._request_count > 1 and is_news:
                self._line(str(state.status), state.request_id, f"{len(self._decided)}/{self._request_count}")

    def _title(self, stage: str) -> str:
        if self._request_count == 1:
            return stage
        return f"{len(self._decided)} of {self._request_count} requests"

    def _line(self, status: str, what: str, how_much: str) -> None:
        text = Text.assemble((f"{status:<12}", STYLES.get(status, "")), f" {plain(what)}  {how_much}")
        self._console.print(text, soft_wrap=True)
