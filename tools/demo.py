"""`make demo`: four real requests become four nodes, through the inbox and Dagster, with a real local model.

Starts the local model server (unless OMNICLAUDE_MODEL_BASE_URL names a host) and Dagster side by side, drops one
request a node kind into the inbox, shows which stage each run is in, and ends what it started. Where no model can be
had it says so and runs mode fast. Exit 0 when every request was delivered, 1 when one was not, 3 when a part failed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from rich.console import Console
from rich.live import Live
from rich.table import Table

from omniclaude_dagster.defs.ledger import Ledger
from omniclaude_dagster.defs.watching import has_unfinished_runs, running_stage
from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.request.intake import read_request_file
from omniclaude_dagster.settings import Settings, load_settings
from omniclaude_dagster.stages.model import STAGES, GenerationResult
from omniclaude_dagster.surfaces.cli.next_steps import next_steps
from omniclaude_dagster.surfaces.cli.render import generation_view, many_view, next_view
from tools.local_model_common import MODEL_NAME, Layout, LocalModelError, cache_folder
from tools.local_model_server import choose_port, is_our_process, read_state, start, stop
from tools.local_model_setup import set_up

REQUESTS = Path(__file__).resolve().parents[1] / "examples" / "requests"
DEADLINE_S = 420.0
_POLL_S = 0.5


@dataclass(frozen=True)
class Model:
    """Where models are asked; None in both means mode fast."""

    base_url: str | None
    name: str | None
    reason: str = ""


def main() -> int:
    """Run the demo."""
    console = Console(stderr=True)
    started = time.monotonic()
    try:
        settings = load_settings()
        with contextlib.ExitStack() as stack:
            results = _run(settings, console, stack)
    except OmniClaudeError as exc:
        console.print(str(exc), style="red", markup=False)
        return exc.exit_code
    _show(results, elapsed_s=time.monotonic() - started)
    return 0 if all(r.status in {"published", "needs_review"} for r in results) else 1


def _run(settings: Settings, console: Console, stack: contextlib.ExitStack) -> list[GenerationResult]:
    model = stack.enter_context(_model(settings, console))
    # No comparison group: the second demo shall show that the first one was learned from.
    environment = {**os.environ, "OMNICLAUDE_HOME": str(settings.home_path), "OMNICLAUDE_PATTERN_HOLDOUT_SHARE": "0"}
    if model.base_url and model.name:
        environment |= {"OMNICLAUDE_MODEL_BASE_URL": model.base_url, "OMNICLAUDE_MODEL_NAME": model.name}
    dagster = stack.enter_context(_dagster(settings, environment, console))
    ready = model.wait() if isinstance(model, StartingModel) else model
    if ready.reason:
        console.print(f"demo: {ready.reason}", style="yellow", markup=False)
    dropped = _drop_requests(settings, is_fast=ready.base_url is None)
    console.print(f"demo: dropped {len(dropped)} request files into {settings.inbox_path}", markup=False)
    return _wait_for(dropped, settings, console, dagster=dagster)


@dataclass(frozen=True)
class StartingModel(Model):
    """A local model that is still starting; Dagster starts meanwhile."""

    future: "Future[None] | None" = None

    def wait(self) -> Model:
        """The model once it answers, or none with the reason."""
        try:
            if self.future is not None:
                self.future.result()
        except (LocalModelError, OSError, subprocess.SubprocessError) as exc:
            return Model(None, None, f"no local model: {exc} Running mode fast, which needs none.")
        return Model(self.base_url, self.name)


@contextlib.contextmanager
def _model(settings: Settings, console: Console) -> Iterator[Model]:
    if settings.model_base_url:
        console.print(f"demo: using the model at {settings.model_base_url}", markup=False)
        yield Model(settings.model_base_url, settings.model_name or "")
        return
    layout = Layout(cache_folder(os.environ))
    try:
        set_up(layout)
    except (LocalModelError, OSError, subprocess.SubprocessError) as exc:
        yield Model(None, None, f"no local model: {exc} Running mode fast, which needs none.")
        return
    known = read_state(layout.default_state)
    is_running = known is not None and is_our_process(known)
    port = known.port if known is not None and is_running else choose_port(None)
    with ThreadPoolExecutor(1) as pool:
        future: Future[None] = pool.submit(lambda: _started(layout, port))
        try:
            yield StartingModel(f"http://127.0.0.1:{port}/v1", MODEL_NAME, future=future)
        finally:
            if not is_running:
                with contextlib.suppress(Exception):
                    future.result()
                stop(layout.default_state)


def _started(layout: Layout, port: int) -> None:
    start(layout, layout.default_state, port=port)


@contextlib.contextmanager
def _dagster(settings: Settings, environment: Mapping[str, str], console: Console) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster as `make dev` starts it, on a free port, until the demo ends."""
    log_path = settings.home_path / "demo.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    port = choose_port(None)
    console.print(f"demo: starting Dagster on http://127.0.0.1:{port} (log: {log_path})", markup=False)
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.dev", "--port", str(port)],
            env=dict(environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _drop_requests(settings: Settings, *, is_fast: bool) -> dict[str, Path]:
    """Copies of the example requests under new names: the same file is never launched twice. Id to source."""
    suffix = datetime.now(UTC).strftime("%m%d-%H%M%S")
    settings.inbox_path.mkdir(parents=True, exist_ok=True)
    dropped = {}
    for source in sorted(p for p in REQUESTS.iterdir() if p.suffix in {".yaml", ".json", ".txt"}):
        request_id = f"{source.stem}-{suffix}"
        target = settings.inbox_path / f"{request_id}{source.suffix}"
        hidden = settings.inbox_path / f".{target.name}.tmp"
        if is_fast:
            request = read_request_file(source).model_dump(mode="json", exclude_none=True)
            target = target.with_suffix(".yaml")
            hidden.write_text(yaml.safe_dump({**request, "mode": "fast"}), encoding="utf-8")
        else:
            shutil.copyfile(source, hidden)
        # A rename is atomic: the sensor never sees half a file.
        hidden.replace(target)
        dropped[request_id] = source
    return dropped


def _wait_for(
    dropped: Mapping[str, Path], settings: Settings, console: Console, *, dagster: subprocess.Popen[bytes]
) -> list[GenerationResult]:
    """Poll until every request has a result; shows where each one is."""
    started = time.monotonic()
    results: dict[str, GenerationResult] = {}
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while len(results) < len(dropped):
            elapsed_s = time.monotonic() - started
            # Exit code 2: a `make dev` serves this home folder already, and takes the requests.
            if dagster.poll() not in {None, 2}:
                raise OmniClaudeError(
                    "Dagster ended early.", cure=f"look into {settings.home_path / 'demo.log'}, then run `make dev`"
                )
            if elapsed_s > DEADLINE_S:
                missing = ", ".join(sorted(set(dropped) - set(results)))
                raise OmniClaudeError(
                    f"no result for {missing} after {DEADLINE_S:.0f} s.",
                    cure=f"look into {settings.home_path / 'demo.log'}, then run `omniclaude doctor`",
                )
            for request_id in dropped:
                result = _result(settings, request_id)
                if result is not None and request_id not in results:
                    results[request_id] = result
                    if not console.is_terminal:
                        console.print(f"demo: {request_id}: {result.status} after {elapsed_s:.0f} s", markup=False)
            live.update(_progress(dropped, results, settings, elapsed_s=elapsed_s))
            time.sleep(_POLL_S)
    while has_unfinished_runs(settings) and time.monotonic() - started < DEADLINE_S:
        time.sleep(_POLL_S)
    return [results[request_id] for request_id in dropped]


def _result(settings: Settings, request_id: str) -> GenerationResult | None:
    return Ledger(settings.home_path).newest_result(request_id)


def _progress(
    dropped: Mapping[str, Path], results: Mapping[str, GenerationResult], settings: Settings, *, elapsed_s: float
) -> Table:
    names = dict(STAGES)
    stage = running_stage(settings) if len(results) < len(dropped) else None
    table = Table(title=f"{elapsed_s:.0f} s", title_justify="left")
    table.add_column("request")
    table.add_column("where it is")
    for request_id in dropped:
        if request_id in results:
            where: str = results[request_id].status
        elif any(path.stem == request_id for path in settings.inbox_path.iterdir() if path.is_file()):
            where = "in the inbox; the sensor looks every few seconds"
        else:
            where = f"stage {stage} {names[stage].replace('_', ' ')}" if stage else "accepted, the run is starting"
        table.add_row(request_id, where)
    return table


def _show(results: list[GenerationResult], *, elapsed_s: float) -> None:
    console = Console()
    by_model = sorted(results, key=lambda r: not any(s["model"] for s in r.stages))
    generation_view(console, by_model[0], ())
    many_view(console, results)
    console.print(f"{len(results)} requests in {elapsed_s:.0f} s", style="bold")
    delivered = [r for r in results if r.status == "published"] or results
    next_view(console, next_steps(delivered[0]))


if __name__ == "__main__":
    sys.exit(main())
