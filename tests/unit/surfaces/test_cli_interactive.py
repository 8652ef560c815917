"""`generate --interactive` over a pipe: questions, corrections, consent; nothing is generated without consent."""

import pytest

from omniclaude_dagster.request.model import NodeKind
from tests.support.cli import FakeRun, objects_of
from tests.unit.surfaces.conftest import Cli

CLEAR = "Create an EFFECT node called UserWriter that writes users to PostgreSQL"


def test_a_clear_prompt_needs_only_consent(cli: Cli, run: FakeRun) -> None:
    done = cli("generate", "--interactive", "--json", stdin=f"{CLEAR}\n\n")
    assert done.exit_code == 0
    assert len(objects_of(done.stdout)) == 1
    assert "UserWriter" in done.stderr
    assert [accepted.request.prompt for accepted in run.requests] == [CLEAR]


def test_what_is_missing_is_asked_for(cli: Cli, run: FakeRun) -> None:
    answers = ["make something nice please", "", "comp", "price adder", ""]
    done = cli("generate", "-i", stdin="\n".join(answers) + "\n")
    request = run.requests[0].request
    assert done.exit_code == 0
    assert (request.node_kind, request.name) == (NodeKind.COMPUTE, "PriceAdder")
    assert "What should the node be called" in done.stderr


def test_a_wrong_answer_is_asked_again(cli: Cli, run: FakeRun) -> None:
    answers = ["hi", "make something nice please", "", "widget", "effect", "../x", "os", "FileKeeper", "y"]
    cli("generate", "-i", stdin="\n".join(answers) + "\n")
    request = run.requests[0].request
    assert (request.node_kind, request.name) == (NodeKind.EFFECT, "FileKeeper")


CORRECTIONS = {
    "kind": ("k\nreducer\n", lambda r: r.node_kind is NodeKind.REDUCER),
    "name": ("n\nOrderWriter\n", lambda r: r.name == "OrderWriter"),
    "domain": ("d\nshop_orders\n", lambda r: r.domain == "shop_orders"),
    "operations": ("o\ndelete users\n", lambda r: r.prompt == f"{CLEAR}. It must delete users."),
    "systems": ("s\nRedis\n", lambda r: r.prompt == f"{CLEAR}. It works with Redis."),
    "fields": ("f\nuser_id: integer\n", lambda r: r.prompt == f"{CLEAR}. Fields: user_id: integer."),
    "steps": ("t\nvalidate, store\n", lambda r: r.prompt == f"{CLEAR}. Steps: validate, store."),
    "prompt": ("p\nCreate an EFFECT node that reads files\n", lambda r: r.prompt.endswith("reads files")),
    "nothing": ("x\n", lambda r: r.prompt == CLEAR),
    "wrong domain": ("d\nNot A Domain!\n", lambda r: r.domain is None),
}


@pytest.mark.parametrize(("typed", "is_taken"), CORRECTIONS.values(), ids=CORRECTIONS.keys())
def test_each_part_can_be_corrected_before_consent(cli: Cli, run: FakeRun, typed: str, is_taken: object) -> None:
    assert callable(is_taken)
    done = cli("generate", CLEAR, "-i", stdin=f"{typed}\n")
    assert done.exit_code == 0
    assert is_taken(run.requests[0].request)


def test_a_correction_is_shown_before_it_is_agreed_on(cli: Cli, run: FakeRun) -> None:
    done = cli("generate", CLEAR, "-i", stdin="s\nRedis\n\n")
    before, after = done.stderr.split("External systems")
    assert "Redis" not in before
    assert "Redis" in after


@pytest.mark.parametrize("stdin", ["", f"{CLEAR}\n", f"{CLEAR}\nn\n", "q\n"])
def test_without_consent_nothing_is_generated(cli: Cli, run: FakeRun, stdin: str) -> None:
    arguments = [CLEAR] if stdin == "q\n" else []
    done = cli("generate", *arguments, "-i", stdin=stdin)
    assert (done.exit_code, done.stdout, run.batches) == (2, "", [])
    assert "nothing was generated" in done.stderr


def test_endless_wrong_answers_come_to_an_end(cli: Cli, run: FakeRun) -> None:
    done = cli("generate", CLEAR, "-i", stdin="z\n" * 1000)
    assert (done.exit_code, run.batches) == (2, [])


def test_what_is_typed_cannot_speak_to_the_terminal(cli: Cli, run: FakeRun) -> None:
    done = cli("generate", CLEAR, "-i", stdin="\x1b[2J\nd\n\x1b]0;x\x07\n\n")
    assert "\x1b" not in done.stderr
    assert run.requests[0].request.domain is None
