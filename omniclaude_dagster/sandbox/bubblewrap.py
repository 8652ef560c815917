"""`BubblewrapSandbox`: a pool of warm workers behind the `Sandbox` protocol."""

import os
import re
import threading
import weakref
from pathlib import Path, PurePosixPath
from typing import Self

from omniclaude_dagster.errors import SandboxUnavailableError
from omniclaude_dagster.sandbox.isolation import HARNESS_PATH, new_enclosure
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxOutcome
from omniclaude_dagster.sandbox.tools import finish
from omniclaude_dagster.sandbox.type_cache import CACHE_NAME, cache_folder, ensure_cache
from omniclaude_dagster.sandbox.worker import Worker, WorkerDiedError
from omniclaude_dagster.settings import load_settings

_MAX_JOB_BYTES = 32 * 1024**2
_MAX_JOBS_PER_WORKER = 1000
_TASK_NAME = re.compile(r"\A[a-z][a-z0-9_]{0,40}\Z")
_pools: "weakref.WeakSet[BubblewrapSandbox]" = weakref.WeakSet()
_is_fork_hook_set = False


class BubblewrapSandbox:
    """Runs each job in a fresh process inside a warm sandbox. Safe to call from several threads.

    `workers` bounds both the sandboxes kept and the jobs run at the same time; they start when first needed
    (about two seconds each). `bwrap` names another bubblewrap program than the installed one; `cache_path` is
    where the type checker's cache lives (default: the user's cache folder), built by the first type check.
    """

    def __init__(self, workers: int = 2, *, bwrap: Path | None = None, cache_path: Path | None = None) -> None:
        if workers < 1:
            raise ValueError("at least one worker is needed")
        self._bwrap = bwrap
        self._workers = workers
        self._cache_base = cache_path
        self._cache: Path | None = None
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._is_closed = False
        self._reset()
        _pools.add(self)
        _let_forks_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def run(self, job: SandboxJob) -> SandboxOutcome:
        """Run one job to its end, waiting for a free worker. Raises ValueError for a job that names unsafe files."""
        _check(job)
        with self._free:
            try:
                if job.task == "typecheck":
                    self.prepare_typecheck()
                worker = self._take(must_have_cache=job.task == "typecheck")
            except SandboxUnavailableError as exc:
                return SandboxOutcome(status="unavailable", message=str(exc))
            return self._run_on(worker, job)

    def unavailable_reason(self) -> str | None:
        """Why nothing can be executed here, with the cure; None when a worker has really started."""
        with self._free:
            try:
                worker = self._take()
            except SandboxUnavailableError as exc:
                return str(exc)
            self._give_back(worker)
        return None

    def prepare_typecheck(self) -> None:
        """Build the type checker's cache unless it exists: about a minute, once per machine and set of versions.

        Raises SandboxUnavailableError.
        """
        with self._cache_lock:
            if self._cache is None:
                self._cache = ensure_cache(self._cache_path(), bwrap=self._bwrap)

    def close(self) -> None:
        """End all workers; a job under way ends as "crashed", a later one is "unavailable". Safe to call twice."""
        with self._lock:
            self._is_closed = True
            workers, self._idle, busy = self._idle, [], set(self._busy)
        for worker in workers:
            worker.close()
        for worker in busy:
            worker.kill()

    def _cache_path(self) -> Path:
        return self._cache_base or load_settings().cache_path

    def _known_cache(self) -> Path | None:
        """The type checker's cache if it is complete: a worker that starts with it need not be replaced later."""
        with self._cache_lock:
            if self._cache is None:
                folder = cache_folder(self._cache_path())
                self._cache = folder if folder.is_dir() else None
            return self._cache

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._cache_lock = threading.Lock()
        self._free = threading.BoundedSemaphore(self._workers)
        self._idle, self._busy = [], set()

    def _forget_in_fork(self) -> None:
        """In a forked child: the workers belong to the parent, whose death must still end them."""
        for worker in (*self._idle, *self._busy):
            worker.forget()
        self._reset()

    def _take(self, *, must_have_cache: bool = False) -> Worker:
        with self._lock:
            if self._is_closed:
                raise SandboxUnavailableError("the sandbox was closed.", cure="make a new one")
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive() and (worker.has_cache or not must_have_cache):
                    self._busy.add(worker)
                    return worker
                worker.close()
        cache = self._known_cache()
        worker = Worker(new_enclosure(self._bwrap, cached={cache: CACHE_NAME} if cache is not None else {}))
        with self._lock:
            self._busy.add(worker)
        return worker

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
            if not self._is_closed and worker.jobs_done < _MAX_JOBS_PER_WORKER:
                self._idle.append(worker)
                return
        worker.close()

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
        worker.close()

    def _run_on(self, worker: Worker, job: SandboxJob) -> SandboxOutcome:
        is_reusable = False
        try:
            if job.task == "typecheck":
                worker.prepare_types()
            record, is_reusable = worker.run(job)
        except WorkerDiedError:
            return SandboxOutcome(status="crashed", message="the sandbox worker ended before it ran the code")
        finally:
            (self._give_back if is_reusable else self._discard)(worker)
        return finish(job, record.outcome())


def _check(job: SandboxJob) -> None:
    """Refuse what the caller must never ask for: the harness trusts names and sizes."""
    if not _TASK_NAME.match(job.task) or not (HARNESS_PATH / "tasks" / f"{job.task}.py").is_file():
        raise ValueError(f"there is no sandbox task named {job.task!r}")
    if sum(len(content) for content in job.files.values()) > _MAX_JOB_BYTES:
        raise ValueError("the files of a sandbox job are too large")
    for name in job.files:
        path = PurePosixPath(name)
        is_safe = name and not path.is_absolute() and ".." not in path.parts and "\0" not in name
        if not is_safe or str(path) != name or len(name.encode("utf-8", "replace")) > 1000:
            raise ValueError(f"unsafe file name in a sandbox job: {name[:100]!r}")


def _let_forks_go() -> None:
    global _is_fork_hook_set
    if not _is_fork_hook_set:
        _is_fork_hook_set = True
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for pool in list(_pools):
        pool._forget_in_fork()
