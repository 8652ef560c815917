"""`bench patterns` on ten small tasks: real pipeline, real library, real sandbox; a scripted model that learns from
what it is shown. Its answers lie in tests/data/bench_patterns.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.benchmark.ledger import read_rows
from omniclaude_dagster.benchmark.patterns_leaks import HiddenTests, LeakFoundError, check_leaks
from omniclaude_dagster.benchmark.patterns_neighbours import call_texts
from omniclaude_dagster.benchmark.patterns_plan import PatternsFolders, PatternsPlan
from omniclaude_dagster.benchmark.patterns_platforms import isolated
from omniclaude_dagster.benchmark.patterns_row import ArmRow
from omniclaude_dagster.benchmark.patterns_run import Measurement, embedding_model_of
from omniclaude_dagster.benchmark.patterns_split import halves_of
from omniclaude_dagster.benchmark.patterns_store import open_library
from omniclaude_dagster.benchmark.row import SampleRow
from omniclaude_dagster.benchmark.subject import Subject
from omniclaude_dagster.benchmark.tasks import read_data_set
from omniclaude_dagster.errors import OutsideError, RequestError
from omniclaude_dagster.patterns.embedding import build_embedder
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings
from tests.support.misbehaving_server import MODEL_ID, RecordedRequest, ScriptedModelServer
from tests.support.pattern_fakes import pattern_for

pytestmark = [pytest.mark.sandbox, pytest.mark.integration]

DATA = Path(__file__).resolve().parents[1] / "data" / "bench_patterns"
ANSWERS: dict[str, dict[str, str]] = json.loads((DATA / "answers.json").read_text(encoding="utf-8"))
# Puts one task of each related pair into either half.
SEED = 13


def answer(request: RecordedRequest) -> str:
    """What the file says for the asked function: one answer alone, another after a worked example."""
    messages = request.body["messages"]
    question = next(m["content"] for m in messages[::-1] if "Complete this function" in m["content"])
    name = next(name for name in ANSWERS if f"def {name}(" in question)
    before = messages[: [m["content"] for m in messages].index(question)]
    is_shown = any(m["role"] == "assistant" for m in before)
    return f"```python\n{ANSWERS[name]['after_examples' if is_shown else 'alone']}```"


@dataclass
class Told:
    """Remembers the phases of a run and their rows, and can end it."""

    ends_after: int | None = None
    rows: dict[str, list[SampleRow]] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    _phase: str = ""

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator["Told"]:
        self._phase = name
        self.rows[name] = []
        yield self

    def begin(self, rows: Sequence[SampleRow], *, total: int) -> None:
        del total
        self.kept[self._phase] = len(rows)

    def advance(self, row: SampleRow) -> None:
        self.rows[self._phase].append(row)
        if sum(map(len, self.rows.values())) == self.ends_after:
            raise InterruptedError("enough")


def settings_of(home: Path, server: ScriptedModelServer | None = None) -> Settings:
    address = server.base_url if server else ""
    return Settings.model_validate({"home": home, "model_base_url": address, "max_concurrency": 2})


def plan_of(settings: Settings, **changes: Any) -> PatternsPlan:
    plan = PatternsPlan(
        data=read_data_set(DATA / "tasks.jsonl"),
        subject=Subject("model", MODEL_ID),
        seed=SEED,
        embedding_model=embedding_model_of(settings),
    )
    return replace(plan, **changes)


def figures(report: dict[str, Any]) -> dict[str, Any]:
    """What must not differ between a run and its replay."""
    names = ("pairs", "passed", "visible_examples", "by_similarity", "by_use", "patterns", "status", "origin", "calls")
    measured = {name: found for name, found in report["measured"].items() if name != "generation_s"}
    return {**{name: report[name] for name in names}, "measured": measured, "leak_check": report["leak_check"]}


@pytest.fixture(scope="module")
def measured(sandbox: BubblewrapSandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Told]:
    """One whole run against the scripted model: its home, its report, what it told."""
    home, told = tmp_path_factory.mktemp("measured") / "home", Told()
    with ScriptedModelServer(default=answer) as server:
        settings = settings_of(home, server)
        report = Measurement(plan_of(settings), settings, told.phase, sandbox=sandbox).carry_out()
    return home, report, told


type Measured = tuple[Path, dict[str, Any], Told]


@pytest.fixture
def home(measured: Measured, tmp_path: Path) -> Path:
    """A copy of the home that the run left."""
    return shutil.copytree(measured[0], tmp_path / "home", symlinks=True)


def rows_by_task(told: Told) -> dict[tuple[str, str], ArmRow]:
    rows = [row for row in told.rows["with and without the library"] if isinstance(row, ArmRow)]
    return {(row.task, row.arm): row for row in rows}


def test_worked_examples_of_the_library_change_what_a_model_answers(measured: Measured) -> None:
    _, report, told = measured
    rows = rows_by_task(told)
    for task in ("Mbpp/9002", "Mbpp/9004"):
        assert rows[(task, "with")].is_passed
        assert rows[(task, "with")].is_shown
        assert not rows[(task, "without")].is_passed
        assert rows[(task, "without")].patterns == ()
    # Rounded nowhere: refused by the visible example. Clamped on one side: published, and wrong.
    assert rows[("Mbpp/9002", "without")].status == "needs_review"
    assert rows[("Mbpp/9004", "without")].status == "published"
    found = report["passed"]["hidden_tests_published"]
    assert (report["pairs"], found["only_with"], found["only_without"]) == (4, 2, 1)
    assert report["by_use"]["shown"]["only_with"] == 2
    assert report["measured"]["model_calls"]["difference"]["value"] < 0


def test_a_body_that_is_reused_and_wrong_counts_against_the_library(measured: Measured) -> None:
    _, report, told = measured
    row = rows_by_task(told)[("Mbpp/9006", "with")]
    # Doubling and squaring agree on the one visible example.
    assert (row.origin, row.status, row.is_passed, row.is_reused) == ("pattern", "published", False, True)
    assert [note.store_task for note in row.patterns if note.role == "reused"] == ["Mbpp/9005"]
    assert report["by_use"]["reused"]["published_but_wrong_with"] == 1
    assert rows_by_task(told)[("Mbpp/9006", "without")].is_passed


def test_the_store_half_goes_through_the_pipeline_and_near_duplicates_are_left_out(measured: Measured) -> None:
    home, report, told = measured
    assert report["library"]["patterns"] == report["library"]["published_of_high_quality"] == 5
    assert report["split"]["left_out_tasks"] == ["Mbpp/9008: same_words as Mbpp/9007"]
    assert {row.task for row in told.rows["filling the library"]} == {
        "Mbpp/9001", "Mbpp/9003", "Mbpp/9005", "Mbpp/9007", "Mbpp/9010"
    }  # fmt: skip
    check = report["leak_check"]
    assert check["is_clean"]
    assert (check["looked_at"]["patterns"], check["looked_at"]["hidden_calls"]) == (5, 16)
    # Nothing of it is in the user's own records, and no query task was learned from.
    assert not list(home.glob("records.sqlite3*"))


def test_recorded_answers_give_the_same_figures_and_nobody_is_asked(
    measured: Measured, home: Path, sandbox: BubblewrapSandbox
) -> None:
    settings = settings_of(home)
    plan = replace(plan_of(settings), is_replay=True)
    again = Measurement(plan, settings, Told().phase, sandbox=sandbox).carry_out()
    assert figures(again) == figures(measured[1])
    assert again["unrecorded_calls"] == 0
    assert again["run_id"] != measured[1]["run_id"]


def test_a_run_that_was_ended_goes_on_where_it_stopped(
    measured: Measured, sandbox: BubblewrapSandbox, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    told: list[Told] = []
    with ScriptedModelServer(default=answer) as server:
        settings = settings_of(home, server)
        for ends_after in (2, 7, None):
            told.append(Told(ends_after))
            measurement = Measurement(plan_of(settings), settings, told[-1].phase, sandbox=sandbox)
            with pytest.raises(InterruptedError) if ends_after else contextlib.nullcontext():
                report = measurement.carry_out()
    assert "with and without the library" not in told[0].rows
    assert told[1].kept["filling the library"] >= 2
    assert told[2].kept["filling the library"] == 5
    assert told[2].kept["with and without the library"] >= 1
    assert sum(len(one.rows.get("filling the library", ())) for one in told) == 5
    # The stored requests name the folder of their nodes, which is another one here.
    assert {**figures(report), "leak_check": None} == {**figures(measured[1]), "leak_check": None}


def test_a_planted_leak_blocks_the_run_before_a_model_is_asked(home: Path, sandbox: BubblewrapSandbox) -> None:
    settings = settings_of(home)
    plan = replace(plan_of(settings), limit=1)
    query = next(task for task in plan.data.tasks if task.task_id == "Mbpp/9002")
    library = isolated(settings, PatternsFolders.of(settings).library(plan))
    records = RecordsStore(library.records_url, library.home_path / "spool")
    with contextlib.closing(records):
        leaked = pattern_for("Keep a number small.", code=query.solution, function=query.entry_point)
        records.add_pattern(leaked, vector=None, embedding_model="")
    with ScriptedModelServer(default=answer) as server:
        settings = settings_of(home, server)
        with pytest.raises(LeakFoundError, match="solution: Mbpp/9002"):
            Measurement(plan, settings, Told().phase, is_fresh=False, sandbox=sandbox).carry_out()
        assert server.chat_count == 0
        # Begun again, the library holds what the solutions made of it, and nothing else.
        report = Measurement(plan, settings, Told().phase, is_fresh=True, sandbox=sandbox).carry_out()
    assert report["leak_check"]["is_clean"]
    assert report["library"]["patterns"] == 5


def test_every_stored_task_would_be_found_in_several_ways_if_it_were_asked(home: Path) -> None:
    settings = settings_of(home)
    plan = plan_of(settings)
    library = isolated(settings, PatternsFolders.of(settings).library(plan))
    store = halves_of(plan.data.tasks, seed=SEED).store
    rows = read_rows(library.home_path / "results.jsonl")
    asked = [HiddenTests(task, calls=frozenset(call_texts(task))) for task in store]
    with open_library(library, rows, store, embedder=build_embedder(settings)) as filled:
        patterns = [one.pattern for one in filled.patterns]
        report = check_leaks(patterns, origins=filled.origins, queries=asked)
    found = {(leak.kind, leak.task) for leak in report.leaks}
    kinds = ("origin", "prompt", "solution", "call")
    assert found == {(kind, task.task_id) for kind in kinds for task in store}


def test_a_silent_host_is_told_before_the_library_is_filled(tmp_path: Path) -> None:
    settings, told = settings_of(tmp_path / "home"), Told()
    plan = replace(plan_of(settings), subject=Subject("model", "smollm2-135m"))
    with pytest.raises(OutsideError, match="smollm2-135m cannot be asked"):
        Measurement(plan, settings, told.phase).carry_out()
    assert told.rows == {}


def test_a_replay_without_a_run_is_refused(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    plan = replace(plan_of(settings), is_replay=True)
    with pytest.raises(RequestError, match="no recorded run"):
        Measurement(plan, settings, Told().phase).carry_out()
