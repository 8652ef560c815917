"""`omniclaude patterns` in processes of its own: a real generation's pattern travels; kills, signals, pipes, rivals."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omniclaude_dagster.patterns.exchange import export_patterns
from omniclaude_dagster.patterns.making import make_pattern
from omniclaude_dagster.patterns.model import Pattern
from omniclaude_dagster.providers.redaction import Redactor
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from tests.support.cli import PROGRAM, environment, objects_of, omniclaude
from tests.support.pattern_fakes import pattern_for

pytestmark = pytest.mark.integration

_FOLLOWS = ("pattern_id", "content_hash", "code_fingerprint")
_DEADLINE_S = 120.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def patterns(count: int) -> list[Pattern]:
    """Small ones, so that a test needs no minutes."""
    drafts = (pattern_for(f"Number {n}.", created_at=datetime.now(UTC) - timedelta(days=1)) for n in range(count))
    return [make_pattern(**{name: value for name, value in vars(d).items() if name not in _FOLLOWS}) for d in drafts]


def a_file(path: Path, count: int) -> Path:
    assert not [done for done in export_patterns(path, patterns(count), redactor=Redactor()) if done.problem]
    return path


def records_of(home: Path) -> RecordsStore:
    return RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")


def started(*arguments: str, home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(home), cwd=home.parent,
        # Where the tests themselves run in the background, SIGINT is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.sandbox
def test_a_generation_becomes_a_pattern_that_travels_and_goes(home: Path, tmp_path: Path) -> None:
    with BubblewrapSandbox(1) as sandbox:
        reason = sandbox.unavailable_reason()
    if reason is not None:
        pytest.skip(reason)
    done = omniclaude("generate", "Create EFFECT node for PostgreSQL writes", "--mode", "fast", "--json", home=home)
    (generated,) = objects_of(done.stdout)
    assert done.returncode == 0, done.stderr

    (listed,) = objects_of(omniclaude("patterns", "list", "--json", home=home).stdout)
    assert (listed["name"], listed["node_kind"], listed["status"]) == (generated["node"]["name"], "EFFECT", "active")
    (whole,) = objects_of(omniclaude("patterns", "show", listed["pattern_id"][:8], "--json", home=home).stdout)
    assert whole["request_id"] == generated["request_id"]
    assert whole["code"] == (Path(generated["node"]["path"]) / "logic.py").read_text()

    exported = omniclaude("patterns", "export", "library.jsonl.gz", home=home)
    assert exported.returncode == 0, exported.stderr
    other = tmp_path / "other"
    imported = omniclaude("patterns", "import", "library.jsonl.gz", home=other)
    assert imported.returncode == 0, imported.stderr
    (there,) = objects_of(omniclaude("patterns", "show", listed["pattern_id"], "--json", home=other).stdout)
    assert there["content_hash"] == whole["content_hash"]
    assert {key for key in whole if whole[key] != there[key]} <= {"source", "history"}

    (stats,) = objects_of(omniclaude("patterns", "stats", "--json", home=other).stdout)
    assert (stats["counts"]["active"], stats["health"]["waiting_count"]) == (1, 0)
    for command in (("retire", listed["pattern_id"]), ("forget", listed["pattern_id"], "--yes")):
        assert omniclaude("patterns", *command, home=other).returncode == 0
    assert omniclaude("patterns", "show", listed["pattern_id"], home=other).returncode == 2


def test_an_export_that_is_killed_leaves_the_old_file(home: Path, tmp_path: Path) -> None:
    store = records_of(home)
    for pattern in patterns(400):
        store.add_pattern(pattern, vector=None, embedding_model="")
    store.close()
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "library.jsonl").write_text("old")
    process = started("patterns", "export", str(folder / "library.jsonl"), home=home)
    wait_until(lambda: any(path.stat().st_size for path in folder.glob(".*.tmp")), process)
    process.kill()
    process.communicate()
    assert (folder / "library.jsonl").read_text() == "old"
    again = omniclaude("patterns", "export", str(folder / "library.jsonl"), home=home)
    assert again.returncode == 0
    assert len((folder / "library.jsonl").read_text().splitlines()) == 400


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_is_ended_goes_on_where_it_was(home: Path, tmp_path: Path, number: signal.Signals) -> None:
    file = a_file(tmp_path / "many.jsonl", 300)
    process = started("patterns", "import", str(file), "--json", home=home)
    assert process.stdout is not None
    for _ in range(20):
        assert json.loads(process.stdout.readline())["outcome"] == "new"
    process.send_signal(number)
    _, stderr = process.communicate(timeout=_DEADLINE_S)
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in stderr
    again = omniclaude("patterns", "import", str(file), home=home)
    assert again.returncode == 0, again.stderr
    assert records_of(home).pattern_counts()["active"] == 300


def test_two_imports_at_once_lose_nothing_and_double_nothing(home: Path, tmp_path: Path) -> None:
    file = a_file(tmp_path / "many.jsonl", 80)
    rivals = [started("patterns", "import", str(file), "--json", home=home) for _ in range(2)]
    outcomes = []
    for rival in rivals:
        stdout, stderr = rival.communicate(timeout=_DEADLINE_S)
        assert rival.returncode == 0, stderr
        outcomes += [found["outcome"] for found in objects_of(stdout)]
    assert sorted(outcomes) == ["duplicate"] * 80 + ["new"] * 80
    assert records_of(home).pattern_counts()["active"] == 80


def test_a_reader_that_has_gone_is_no_failure(home: Path) -> None:
    store = records_of(home)
    for pattern in patterns(300):
        store.add_pattern(pattern, vector=None, embedding_model="")
    store.close()
    process = started("patterns", "list", "--json", "-n", "300", home=home)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    stderr = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=_DEADLINE_S), stderr) == (141, "")


@pytest.mark.parametrize("arguments", [["patterns", "--help"], ["patterns", "list", "--help"]])
def test_help_loads_nothing_heavy(home: Path, arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from omniclaude_dagster.surfaces.cli.main import app\n"
        f"code = app({arguments!r}, standalone_mode=False)\n"
        "heavy = {'numpy', 'sqlalchemy', 'pydantic', 'httpx', 'qdrant_client', 'wordllama'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, env=environment(home), cwd=home.parent, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
