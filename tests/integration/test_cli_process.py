"""The program in processes of its own: real generations in mode fast, exit codes, pipes, locales and signals."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from tests.support.cli import GATE_KEYS, PROGRAM, RESULT_KEYS, STAGE_KEYS, environment, objects_of, omniclaude

pytestmark = [pytest.mark.integration, pytest.mark.sandbox]

PROMPT = "Create EFFECT node for PostgreSQL writes"
GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
START_UP_LIMIT_S = 1.5


@pytest.fixture(scope="session", autouse=True)
def _sandbox_works() -> None:
    with BubblewrapSandbox(1) as sandbox:
        reason = sandbox.unavailable_reason()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_sentence_becomes_a_node_that_can_be_shown_again(home: Path, tmp_path: Path) -> None:
    done = omniclaude("generate", PROMPT, "--mode", "fast", "--output", "out", "--json", home=home)
    (found,) = objects_of(done.stdout)
    assert done.returncode == 0, done.stderr
    assert list(found) == RESULT_KEYS
    assert [list(stage) for stage in found["stages"]] == [STAGE_KEYS] * 9
    assert {tuple(gate) for gate in found["gates"]} == {tuple(GATE_KEYS)}
    node = Path(found["node"]["path"])
    assert node.parent == tmp_path / "out"
    assert (node / "node.py").is_file()
    assert "5 file_writing" in done.stderr
    assert "\x1b" not in done.stderr

    again = omniclaude("show", found["request_id"], "--json", home=home)
    assert (again.returncode, objects_of(again.stdout)) == (0, [found])
    shown = omniclaude("show", found["request_id"], home=home)
    assert shown.stdout.startswith("published")
    listed = omniclaude("list", "--json", home=home)
    assert [f["request_id"] for f in objects_of(listed.stdout)] == [found["request_id"]]

    judged = omniclaude("gates", str(node), "--json", home=home)
    assert judged.returncode == 0, judged.stdout


def test_the_three_commands_of_a_published_node_really_work(home: Path, tmp_path: Path) -> None:
    prompt = "Create a COMPUTE node that converts celsius to fahrenheit"
    done = omniclaude("generate", prompt, "--mode", "fast", "--output", "out put", home=home)
    assert done.returncode == 0, done.stderr
    commands = [line for line in done.stdout.partition("\nnext\n")[2].splitlines() if not line.startswith("  #")]
    assert len(commands) == 3
    printed = [
        subprocess.run(
            command, shell=True, capture_output=True, text=True, env=environment(home), cwd=tmp_path, timeout=120,
            check=True,
        ).stdout
        for command in commands
    ]  # fmt: skip
    assert isinstance(json.loads(printed[0]), dict)
    assert "passed" in printed[1]
    assert printed[2].startswith("published")


def test_lines_of_every_outcome_keep_their_order_and_the_good_ones_are_delivered(home: Path, tmp_path: Path) -> None:
    good = {"prompt": PROMPT, "mode": "fast"}
    unclear = {"prompt": "make something nice please", "mode": "fast"}
    rows = [json.dumps(good), "nonsense", json.dumps(unclear), json.dumps(good)]
    (tmp_path / "requests.jsonl").write_text("\n".join(rows))
    done = omniclaude("generate", "--requests", "requests.jsonl", "--json", home=home)
    found = objects_of(done.stdout)
    assert [f["status"] for f in found] == ["published", "failed", "blocked", "published"]
    assert found[0] == found[3]
    assert (done.returncode, found[1]["request_id"]) == (2, "line-2")
    assert Path(found[0]["node"]["path"], "node.py").is_file()


def test_a_blocked_request_ends_with_1_its_questions_and_no_traceback(home: Path) -> None:
    done = omniclaude("generate", "make something nice please", "--mode", "fast", home=home)
    assert done.returncode == 1
    assert done.stdout.startswith("blocked")
    assert "question: " in done.stdout
    assert "Traceback" not in done.stderr
    assert "Stack Trace" not in done.stderr


def test_a_name_that_would_leave_the_folder_is_blocked_by_a_gate(home: Path) -> None:
    done = omniclaude("generate", PROMPT, "--name", "../../x", "--mode", "fast", "--json", home=home)
    (found,) = objects_of(done.stdout)
    assert (done.returncode, found["status"], found["files"]) == (1, "blocked", [])
    assert {g["gate"] for g in found["gates"] if g["status"] == "fail"} == {"G3"}


def test_a_home_that_cannot_be_written_ends_with_3_and_a_cure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = omniclaude("generate", PROMPT, "--mode", "fast", "--json", home=tmp_path / "file" / "home", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: ")
    assert "cure:" in done.stderr
    assert "Traceback" not in done.stderr


def test_undecodable_bytes_on_the_command_line_end_with_2(home: Path) -> None:
    done = omniclaude("generate", b"Create an EFFECT node \xff\xfe", home=home)
    assert (done.returncode, done.stdout) == (2, "")
    assert "half of a surrogate pair" in done.stderr


def test_a_closed_stdin_cannot_agree(home: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *PROGRAM, "generate", PROMPT, "--interactive"],
        capture_output=True, text=True, env=environment(home), cwd=home.parent, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing was generated" in done.stderr


def test_a_reader_that_leaves_early_is_no_error_message(home: Path, tmp_path: Path) -> None:
    rows = [json.dumps({"prompt": f"Create a COMPUTE node called Thing{i} that adds numbers"}) for i in range(3000)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(rows))
    with subprocess.Popen(
        [*PROGRAM, "parse", "--jsonl", "prompts.jsonl"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(home), cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["name"] == "Thing0"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1", "NO_COLOR": "1", "COLUMNS": "40"},
    ],
)
def test_other_locales_print_everything(home: Path, locale: dict[str, str]) -> None:
    prompt = "Create a COMPUTE node called Summe that adds numbers für 日本語 \N{GRINNING FACE}"
    shown = omniclaude("parse", prompt, home=home, env=locale)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Summe" in shown.stdout
    (found,) = objects_of(omniclaude("parse", prompt, "--json", home=home, env=locale).stdout)
    assert found["name"] == "Summe"


def test_an_interrupt_during_a_run_ends_with_130_and_delivers_nothing(home: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "generate", PROMPT, "--mode", "fast", "--output", "out", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(home), cwd=tmp_path, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        # The first stage has ended: Dagster is at work and has taken the signal for itself.
        line = process.stderr.readline()
        assert "1 prompt_parsing" in line
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith("interrupted.\n")
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("arguments", [["--help"], ["parse", PROMPT, "--json"], ["generate", "--help"]])
def test_help_and_parse_start_without_dagster_and_the_core(home: Path, arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from omniclaude_dagster.surfaces.cli.main import app\n"
        f"code = app({arguments!r}, standalone_mode=False)\n"
        "heavy = {'dagster', 'omnibase_core', 'sqlalchemy', 'httpx', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else code)\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, env=environment(home), cwd=home.parent, timeout=60, check=False,
    )  # fmt: skip
    # The bar is 0.5 s on an idle machine (bench); here only a coarse guard, as tests share the machine.
    assert time.monotonic() - started < 6 * START_UP_LIMIT_S
    assert done.returncode == 0, done.stderr


def test_doctor_really_tries_every_part(home: Path, tmp_path: Path) -> None:
    empty = tmp_path / "catalog"
    empty.mkdir()
    done = omniclaude("doctor", "--json", home=home, env={"OMNICLAUDE_MODEL_CONFIGS": str(empty)})
    (found,) = objects_of(done.stdout)
    statuses = {check["part"]: check["status"] for check in found["checks"]}
    without_models = (statuses.pop("models"), statuses.pop("panel"))
    assert (done.returncode, *without_models) == (0, "degraded", "degraded"), found
    assert set(statuses.values()) == {"ok"}, found
    assert {"python", "omnibase-core", "sandbox", "records", "templates", "dagster", "home", "output"} <= set(statuses)


def test_golden_nodes_pass_and_a_broken_copy_does_not(home: Path, tmp_path: Path) -> None:
    if not GOLDEN.is_dir():
        pytest.skip("the golden nodes are not beside this checkout")
    source = GOLDEN.resolve() / "node_tax_compute"
    done = omniclaude("gates", str(source), "--json", home=home)
    (found,) = objects_of(done.stdout)
    assert (done.returncode, found["is_passed"]) == (0, True)
    assert list(found) == ["gates", "quality_score", "quality", "is_passed"]
    broken = tmp_path / source.name
    shutil.copytree(source, broken)
    (broken / "node.py").write_text((broken / "node.py").read_text() + "\nimport nothing_like_this\n")
    done = omniclaude("gates", str(broken), "--json", home=home)
    assert (done.returncode, objects_of(done.stdout)[0]["is_passed"]) == (1, False)


def test_without_a_sandbox_the_static_gates_are_printed_and_the_exit_code_is_3(home: Path, tmp_path: Path) -> None:
    if not GOLDEN.is_dir():
        pytest.skip("the golden nodes are not beside this checkout")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from omniclaude_dagster.sandbox import isolation\n"
        "isolation.find_bwrap = lambda: Path('/nonexistent/bwrap')\n"
        "from omniclaude_dagster.surfaces.cli.main import app\n"
        f"app(['gates', {str(GOLDEN.resolve() / 'node_tax_compute')!r}, '--json'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, env=environment(home), cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    (found,) = objects_of(done.stdout)
    statuses = {gate["gate"]: gate["status"] for gate in found["gates"]}
    assert done.returncode == 3, done.stderr
    assert (statuses["G9"], statuses["G14"]) == ("pass", "skipped")
    assert "omniclaude doctor" in done.stderr
