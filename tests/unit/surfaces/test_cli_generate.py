"""`omniclaude generate`: what is asked of the run, what is printed of its results, and the exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.request.model import AcceptedRequest, Mode, NodeKind
from omniclaude_dagster.stages.model import GenerationResult, GenerationStatus
from tests.support.cli import RESULT_KEYS, FakeRun, a_result, objects_of
from tests.unit.surfaces.conftest import Cli

PROMPT = "Create an EFFECT node for PostgreSQL writes"
OUTCOMES: dict[GenerationStatus, int] = {"published": 0, "needs_review": 1, "blocked": 1, "failed": 3}

Lines = Callable[..., Path]


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    def write(*rows: dict[str, Any] | str) -> Path:
        file = tmp_path / "requests.jsonl"
        file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
        return file

    return write


@pytest.mark.parametrize(("status", "code"), OUTCOMES.items())
def test_json_is_one_object_and_the_exit_code_tells_the_outcome(
    cli: Cli, run: FakeRun, status: GenerationStatus, code: int
) -> None:
    run.answer = lambda accepted: a_result(accepted.request_id, status)
    done = cli("generate", PROMPT, "--json")
    (found,) = objects_of(done.stdout)
    assert done.exit_code == code
    assert list(found) == RESULT_KEYS
    assert found["status"] == status


@pytest.mark.parametrize("status", OUTCOMES)
def test_a_person_sees_the_outcome_and_what_to_do_next(cli: Cli, run: FakeRun, status: GenerationStatus) -> None:
    run.answer = lambda accepted: a_result(accepted.request_id, status)
    done = cli("generate", PROMPT)
    assert done.stdout.startswith(status)
    assert "\nnext\n" in done.stdout
    assert done.stdout.count("\n  # ") >= 3


def test_quiet_prints_only_outcome_request_and_path(cli: Cli, run: FakeRun) -> None:
    done = cli("generate", PROMPT, "--quiet")
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == ""


def test_options_become_the_request(cli: Cli, run: FakeRun, tmp_path: Path) -> None:
    cli("generate", PROMPT, "--mode", "FAST", "--kind", "compute", "--name", "Adder", "--domain", "maths", "-o", "out")
    (accepted,) = run.requests
    request = accepted.request
    assert (request.mode, request.node_kind, request.name, request.domain) == (
        Mode.FAST,
        NodeKind.COMPUTE,
        "Adder",
        "maths",
    )
    assert request.output_dir == str(tmp_path / "out")
    assert accepted.source == "cli"


def test_options_win_over_the_file_and_the_rest_of_it_is_kept(cli: Cli, run: FakeRun, tmp_path: Path) -> None:
    examples = [{"input": {"a": 1}, "output": {"b": 2}}]
    document = {"prompt": PROMPT, "mode": "strict", "name": "Old", "examples": examples}
    (tmp_path / "my-request.json").write_text(json.dumps(document))
    cli("generate", "--request", "my-request.json", "--name", "New")
    (accepted,) = run.requests
    assert accepted.request_id == "my-request"
    assert (accepted.request.name, accepted.request.mode) == ("New", Mode.STRICT)
    assert accepted.request.examples[0].output == {"b": 2}


FILES = {
    "wrong.docx": b"x",
    "list.json": b"[1]",
    "unknown_key.yaml": b"prompt: Create an EFFECT node\nfoo: 1\n",
    "wrong_type.yaml": b"prompt: [1]\n",
    "half.json": b'{"prompt": "Create an EFF',
    "utf16.txt": "Create an EFFECT node for files".encode("utf-16"),
    "latin1.txt": "Erzeuge für mich einen EFFECT".encode("latin-1"),
    "empty.txt": b"",
    "huge.txt": b"x" * 300_000,
    "infinite.json": b'{"prompt": "Create an EFFECT node", "budget_usd": Infinity}',
    "tag.yaml": b"prompt: !!python/object/apply:os.system ['true']\n",
}


@pytest.mark.parametrize(("name", "content"), FILES.items(), ids=FILES.keys())
def test_a_file_that_is_no_request_ends_with_2_cause_and_cure(
    cli: Cli, run: FakeRun, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    done = cli("generate", "--request", name, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "\ncure:  " in done.stderr
    assert run.batches == []


@pytest.mark.parametrize("option", ["--request", "--requests"])
def test_a_folder_or_a_link_in_the_place_of_a_file_is_refused(
    cli: Cli, run: FakeRun, tmp_path: Path, option: str
) -> None:
    (tmp_path / "link.yaml").symlink_to("/etc/hostname")
    for name in (".", "link.yaml"):
        done = cli("generate", option, name)
        assert (done.exit_code, done.stdout) == (2, "")
    assert run.batches == []


def test_output_may_be_missing_but_no_file_no_link_and_not_read_only(cli: Cli, run: FakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for wrong in ("file", "file/below", "link", "link/below", "/proc/nodes"):
        done = cli("generate", PROMPT, "--output", wrong)
        assert done.exit_code == 2, wrong
        assert "--output" in done.stderr
    assert run.batches == []
    assert cli("generate", PROMPT, "--output", "new/deep").exit_code == 0


def test_many_requests_run_in_one_run_and_results_keep_the_order(cli: Cli, run: FakeRun, lines: Lines) -> None:
    prompts = [f"Create an EFFECT node called Writer{number} for files" for number in range(40)]

    def answer(accepted: AcceptedRequest) -> GenerationResult:
        return a_result(accepted.request_id, node={"name": accepted.request.prompt})

    run.answer = answer
    done = cli("generate", "--requests", str(lines(*({"prompt": p} for p in prompts))), "--json")
    assert done.exit_code == 0
    assert [found["node"]["name"] for found in objects_of(done.stdout)] == prompts
    assert [len(batch) for batch in run.batches] == [40]


def test_a_bad_line_is_a_failed_result_in_its_place(cli: Cli, run: FakeRun, lines: Lines) -> None:
    good = {"prompt": PROMPT}
    done = cli("generate", "--requests", str(lines(good, "nonsense", "", {"prompt": "x" * 30_000}, good)), "--json")
    found = objects_of(done.stdout)
    assert done.exit_code == 2
    assert [f["request_id"] for f in found[1:3]] == ["line-2", "line-4"]
    assert [f["status"] for f in found] == ["published", "failed", "failed", "published"]
    assert list(found[1]) == RESULT_KEYS
    assert "line 2" in found[1]["error"]
    assert "Cure:" in found[1]["error"]
    assert (found[1]["node"]["kind"], found[1]["stages"], found[1]["gates"], found[1]["files"]) == (None, [], [], [])


def test_identical_lines_run_once_and_give_the_result_twice(cli: Cli, run: FakeRun, lines: Lines) -> None:
    file = lines({"prompt": PROMPT, "mode": "fast"}, {"mode": "fast", "prompt": PROMPT})
    done = cli("generate", "--requests", str(file), "--json")
    first, second = objects_of(done.stdout)
    assert first == second
    assert len(run.requests) == 1
    assert "line 2 repeats line 1" in done.stderr


def test_only_bad_lines_start_no_run(cli: Cli, run: FakeRun, lines: Lines) -> None:
    done = cli("generate", "--requests", str(lines("a", "b")), "--json")
    assert (done.exit_code, len(objects_of(done.stdout)), run.batches) == (2, 2, [])


WORST = [
    (["published", "published"], "", 0),
    (["published", "needs_review"], "", 1),
    (["published", "blocked"], "nonsense", 2),
    (["failed", "blocked"], "nonsense", 3),
]


@pytest.mark.parametrize(("statuses", "bad_line", "code"), WORST)
def test_the_worst_line_gives_the_exit_code(
    cli: Cli, run: FakeRun, lines: Lines, statuses: list[GenerationStatus], bad_line: str, code: int
) -> None:
    rows = [{"prompt": f"Create an EFFECT node called Writer{i} for files"} for i in range(len(statuses))]
    waiting = iter(statuses)
    run.answer = lambda accepted: a_result(accepted.request_id, next(waiting))
    assert cli("generate", "--requests", str(lines(*rows, bad_line)), "--json").exit_code == code
    waiting = iter(statuses)
    assert cli("generate", "--requests", str(lines(*rows, bad_line))).exit_code == code


def test_nodes_of_one_name_get_folders_of_their_own_below_output(
    cli: Cli, run: FakeRun, lines: Lines, tmp_path: Path
) -> None:
    alike = [{"prompt": f"Create an EFFECT node called UserWriter for {what}"} for what in ("PostgreSQL", "files")]
    other = {"prompt": "Create an EFFECT node called OrderWriter for files"}
    cli("generate", "--requests", str(lines(*alike, other)), "--output", "out")
    folders = [accepted.request.output_dir for accepted in run.requests]
    out = tmp_path / "out"
    assert folders == [str(out / run.requests[0].request_id), str(out / run.requests[1].request_id), str(out)]


def test_nodes_of_one_name_are_kept_apart_in_folders_that_the_lines_name(
    cli: Cli, run: FakeRun, lines: Lines, tmp_path: Path
) -> None:
    prompts = [f"Create an EFFECT node called UserWriter for {what}" for what in ("PostgreSQL", "files", "Redis")]
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    cli("generate", "--requests", str(lines(*(
        {"prompt": prompt, "output_dir": folder} for prompt, folder in zip(prompts, (here, here, there), strict=True)
    ))))  # fmt: skip
    folders = [accepted.request.output_dir for accepted in run.requests]
    assert folders == [f"{here}/{run.requests[0].request_id}", f"{here}/{run.requests[1].request_id}", there]


def test_what_a_library_prints_during_the_run_does_not_reach_stdout(cli: Cli, run: FakeRun) -> None:
    def chatty(accepted: AcceptedRequest) -> GenerationResult:
        print("a library says hello")  # noqa: T201
        return a_result(accepted.request_id)

    run.answer = chatty
    done = cli("generate", PROMPT, "--json")
    assert len(objects_of(done.stdout)) == 1
    assert "a library says hello" in done.stderr


WRONG_CONFIGURATION = {
    "a panel that is not there": ({"PANEL": "nosuch"}, "there is no panel 'nosuch'"),
    "an index without its address": ({"PATTERN_INDEX": "qdrant"}, "no address of a Qdrant server"),
    "embeddings without a model": ({"EMBEDDINGS_BASE_URL": "http://127.0.0.1:9/v1"}, "OMNICLAUDE_EMBEDDINGS_MODEL"),
    "a public host without TLS": ({"MODEL_BASE_URL": "http://models.example/v1"}, "https"),
    "a catalog that is not there": ({"MODEL_CONFIGS": "nowhere"}, "nowhere"),
}


@pytest.mark.parametrize("case", WRONG_CONFIGURATION, ids=str)
def test_a_wrong_configuration_ends_with_2_and_a_cure_before_a_run_exists(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    changes, says = WRONG_CONFIGURATION[case]
    for name, value in changes.items():
        monkeypatch.setenv(f"OMNICLAUDE_{name}", value)
    done = cli("generate", PROMPT, "--mode", "fast", "--json")
    assert (done.exit_code, done.stdout) == (2, ""), done.stderr
    assert says in done.stderr
    assert "cure:" in done.stderr
    assert not (home / "dagster").exists()
