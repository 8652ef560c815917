"""Dagster's own folder: made with our `dagster.yaml` when there is none, and opened."""

import logging
import logging.handlers
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
import yaml
from alembic.util import CommandError
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClassData
from sqlalchemy.exc import SQLAlchemyError

from omniclaude_dagster.atomic_files import file_lock, storage_error, write_atomically
from omniclaude_dagster.errors import OutsideError
from omniclaude_dagster.settings import Settings

DAGSTER_YAML = """\
# Written once by omniclaude; yours to change, it is never replaced.
telemetry:
  enabled: false
nux:
  enabled: false

run_queue:
  # A run works on many requests at the same time; a second one keeps a long run from holding up short ones.
  max_concurrent_runs: 2
  dequeue_interval_seconds: 1

run_monitoring:
  enabled: true
  poll_interval_seconds: 10
  start_timeout_seconds: 180
  cancel_timeout_seconds: 60
  # A run whose process and daemon were both killed stays "started" for this long at most.
  max_runtime_seconds: 7200
  free_slots_after_run_end_seconds: 10

sensors:
  use_threads: true
  num_workers: 2

python_logs:
  managed_python_loggers: [omniclaude_dagster]
  python_log_level: WARNING

retention:
  sensor:
    purge_after_days: {skipped: 1, failure: 14, success: -1}
"""
_LOG_BYTES = 2_000_000
_OPENING_S = 60.0

# Capturing output would start two processes a step and take the terminal from the command line.
_HERE: Mapping[str, object] = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


def prepare_home(settings: Settings) -> Path:
    """Make the folders that a person and Dagster use. Returns the instance's folder. Raises StorageError."""
    folder = settings.dagster_home_path
    try:
        for needed in (folder, settings.inbox_path, settings.artifacts_path):
            needed.mkdir(parents=True, exist_ok=True)
        if not (folder / "dagster.yaml").exists():
            write_atomically(folder / "dagster.yaml", DAGSTER_YAML.encode())
    except OSError as exc:
        raise storage_error(f"the home folder {settings.home_path} cannot be used", exc) from exc
    return folder


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance that the UI shows as well, opened for runs in this very process. Raises OutsideError."""
    folder = prepare_home(settings)
    try:
        # Two processes that make the databases of a fresh folder at once leave them unusable for good.
        with file_lock(folder / ".opening.lock", wait_s=_OPENING_S) as is_alone:
            if not is_alone:
                raise OutsideError(f"another process has been opening {folder} for long.", cure="try again")
            instance = _opened(str(folder))
    except (dg.DagsterError, SQLAlchemyError, yaml.YAMLError) as exc:
        raise OutsideError(
            f"Dagster's instance in {folder} cannot be used: {exc}", cure=f"correct or delete {folder}/dagster.yaml"
        ) from exc
    except CommandError as exc:
        raise OutsideError(
            f"Dagster's databases in {folder} are damaged: {exc}",
            cure="move its folders history and schedules away: they are made anew, and only the UI forgets past runs",
        ) from exc
    except OSError as exc:
        raise storage_error(f"Dagster's folder {folder} cannot be used", exc) from exc
    with instance:
        yield instance


def _opened(folder: str) -> dg.DagsterInstance:
    ref = InstanceRef.from_dir(folder, overrides=_HERE)
    standard = ref.event_storage_data
    if standard is not None and standard.class_name == "SqliteEventLogStorage":
        ref = InstanceRef.from_dir(folder, overrides={**_HERE, **_pooled(standard)})
    return dg.DagsterInstance.from_ref(ref)


def _pooled(standard: ConfigurableClassData) -> Mapping[str, object]:
    return {
        "event_log_storage": {
            "module": "omniclaude_dagster.defs.event_storage",
            "class": "PooledSqliteEventLogStorage",
            "config": dict(standard.config_dict),
        }
    }


@contextmanager
def file_logger(settings: Settings) -> Iterator[dg.LoggerDefinition]:
    """In place of Dagster's console logger: warnings go to `logs/dagster.log`, nothing to the terminal."""
    path = settings.home_path / "logs" / "dagster.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.Logger("omniclaude.dagster", logging.WARNING)
    logger.addHandler(handler)
    with closing(handler):
        yield dg.LoggerDefinition(lambda _context: logger, description="Warnings to a file.")
