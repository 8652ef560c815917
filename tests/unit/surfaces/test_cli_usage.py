"""Wrong command lines, failures and interrupts: one message with cause and cure, the right exit code, no traceback."""

import pytest

from omniclaude_dagster.errors import (
    ConfigurationError,
    GateBlockedError,
    OmniClaudeError,
    RecordsUnavailableError,
    RequestError,
    SandboxUnavailableError,
    StorageError,
)
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.stages.model import GenerationResult
from tests.support.cli import FakeRun
from tests.unit.surfaces.conftest import Cli

GOOD = "Create an EFFECT node for PostgreSQL writes"

WRONG = {
    "no command": (),
    "unknown command": ("generat",),
    "unknown option": ("generate", GOOD, "--fast"),
    "two prompts": ("generate", GOOD, GOOD),
    "wrong mode": ("generate", GOOD, "--mode", "slow"),
    "wrong kind": ("generate", GOOD, "--kind", "WIDGET"),
    "no source": ("generate",),
    "prompt and file": ("generate", GOOD, "--request", "a.yaml"),
    "file and lines": ("generate", "--request", "a.yaml", "--requests", "b.jsonl"),
    "interactive lines": ("generate", "--interactive", "--requests", "b.jsonl"),
    "missing file": ("generate", "--request", "nothing.yaml"),
    "missing lines": ("generate", "--requests", "nothing.jsonl"),
    "parse without prompt": ("parse",),
    "parse with both": ("parse", GOOD, "--jsonl", "b.jsonl"),
    "gates without folder": ("gates",),
    "gates of nothing": ("gates", "nothing"),
    "list of zero": ("list", "-n", "0"),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_command_line_ends_with_2_and_nothing_on_stdout(
    cli: Cli, run: FakeRun, arguments: tuple[str, ...]
) -> None:
    done = cli(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert run.batches == []
    if arguments:
        assert done.stderr.startswith("error: ")
        assert "\ncure:  " in done.stderr


PROMPTS = {
    "empty": "",
    "blank": "  \n ",
    "too short": "hi",
    "one megabyte": "word " * 200_000,
    "nul": "Create an EFFECT\0 node",
    "escape": "Create an \x1b[31mEFFECT node",
    "right to left": "Create an EFFECT \u202enode for files",
    "undecodable bytes": "Create an EFFECT node \udcff",
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_a_prompt_that_is_no_text_is_refused_before_anything_runs(cli: Cli, run: FakeRun, prompt: str) -> None:
    done = cli("generate", prompt, "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: the prompt ")
    assert "\x1b" not in done.stderr
    assert run.batches == []


def test_an_unknown_setting_is_named_with_the_known_ones(
    cli: Cli, run: FakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNICLAUDE_MODLE_NAME", "x")
    for command in (["generate", GOOD], ["models"], ["doctor"], ["list"], ["show", "x"]):
        done = cli(*command)
        assert done.exit_code == 2
        assert "OMNICLAUDE_MODLE_NAME" in done.stderr
        assert "OMNICLAUDE_MODEL_NAME" in done.stderr
    assert run.batches == []


FAILURES = [
    (RequestError("wrong.", cure="mend it"), 2),
    (ConfigurationError("wrong.", cure="mend it"), 2),
    (GateBlockedError("wrong.", cure="mend it"), 1),
    (RecordsUnavailableError("wrong.", cure="mend it"), 3),
    (SandboxUnavailableError("wrong.", cure="mend it"), 3),
    (StorageError("wrong.", cure="mend it"), 3),
]


@pytest.mark.parametrize(("failure", "code"), FAILURES, ids=[type(f).__name__ for f, _ in FAILURES])
def test_every_failure_gives_its_exit_code_cause_and_cure(
    cli: Cli, run: FakeRun, failure: OmniClaudeError, code: int
) -> None:
    run.answer = raiser(failure)
    done = cli("generate", GOOD, "--json")
    assert (done.exit_code, done.stdout) == (code, "")
    assert "error: wrong.\ncure:  mend it\n" in done.stderr


def test_a_defect_is_one_line_without_debug_and_a_traceback_with_it(cli: Cli, run: FakeRun) -> None:
    run.answer = raiser(KeyError("boom\x1b[2J"))
    done = cli("generate", GOOD)
    assert done.exit_code == 3
    assert "internal error: KeyError" in done.stderr
    assert "run again with --debug" in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    for arguments in (["generate", GOOD, "--debug"], ["--debug", "generate", GOOD]):
        done = cli(*arguments)
        assert done.exit_code == 3
        assert "Traceback" in done.stderr
    assert "Traceback" not in cli("generate", GOOD).stderr


def test_an_interrupt_ends_with_130_and_no_traceback(cli: Cli, run: FakeRun) -> None:
    run.answer = raiser(KeyboardInterrupt())
    done = cli("generate", GOOD)
    assert (done.exit_code, done.stdout) == (130, "")
    assert "interrupted." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_is_printed(cli: Cli, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert done.exit_code == 0
    assert done.stdout.startswith("omniclaude ")


def test_help_names_every_command_and_exit_code(cli: Cli) -> None:
    done = cli("--help")
    assert done.exit_code == 0
    for word in ("generate", "parse", "gates", "models", "doctor", "show", "list", "Exit codes"):
        assert word in done.stdout


def raiser(failure: BaseException) -> "Answer":
    return Answer(failure)


class Answer:
    """An answer that is an exception."""

    def __init__(self, failure: BaseException) -> None:
        self._failure = failure

    def __call__(self, accepted: AcceptedRequest) -> GenerationResult:
        raise self._failure
