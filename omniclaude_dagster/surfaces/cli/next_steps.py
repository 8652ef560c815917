"""What a person can do after a generation: commands to copy, fitted to the outcome. Prints nothing."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omniclaude_dagster.surfaces.cli.console import plain

if TYPE_CHECKING:
    from omniclaude_dagster.request.model import GenerationRequest
    from omniclaude_dagster.stages.model import GenerationResult

_MAX_README_BYTES = 65_536
_MAX_SHOWN_PROMPT_CHARS = 200
_SAMPLE_LINE = re.compile(r"^python start_node\.py --input '(.+)'$", re.MULTILINE)
# Gates that judge the request itself: answering the questions helps.
_REQUEST_GATES = frozenset({"G1", "G2", "G3"})


@dataclass(frozen=True)
class NextStep:
    """A command and what it is for; without a command it is an advice."""

    purpose: str
    command: str = ""


def next_steps(result: "GenerationResult", request: "GenerationRequest | None" = None) -> tuple[NextStep, ...]:
    """Three commands to try, and the open questions of a blocked request."""
    steps = {
        "published": _published,
        "needs_review": _needs_review,
        "blocked": _blocked,
        "failed": _failed,
    }[result.status]
    return tuple(steps(result, request))


def _published(result: "GenerationResult", _request: object) -> Iterator[NextStep]:
    path = Path(str(result.node.get("path")))
    yield _start(path, kind=result.node.get("kind"))
    yield _own_tests(path)
    yield _show(result)


def _needs_review(result: "GenerationResult", _request: object) -> Iterator[NextStep]:
    path = Path(str(result.node.get("path")))
    if _awaits_person(result):
        yield from _review(result)
        yield _own_tests(path)
        return
    if _is_reviewed(result):
        yield _decision(result)
        yield _own_tests(path)
        yield _show(result)
        return
    if (path / "REVIEW.md").is_file():
        yield NextStep("what is missing, and where to fill it in", f"cat {_quoted(path / 'REVIEW.md')}")
    elif any(gate["status"] == "skipped" for gate in result.gates):
        yield NextStep("why the node could not be executed here", f"{_omniclaude()} doctor")
    else:
        yield _show(result)
    yield _own_tests(path)
    yield NextStep("judge the node again after you have filled it in", f"{_omniclaude()} gates {_quoted(path)}")


def _blocked(result: "GenerationResult", request: "GenerationRequest | None") -> Iterator[NextStep]:
    if _awaits_person(result):
        yield from _review(result)
        yield _show(result)
        return
    if _is_reviewed(result):
        yield _decision(result)
        yield _show(result)
        return
    failed = {gate["gate"] for gate in result.gates if gate["status"] == "fail"}
    if request is not None and failed & _REQUEST_GATES:
        yield from _questions(request)
    prompt = _shown_prompt(request)
    if failed & _REQUEST_GATES or not failed:
        yield NextStep("answer the questions one by one", f"{_omniclaude()} generate {prompt}--interactive")
        yield NextStep(
            "or say it on the command line",
            f"{_omniclaude()} generate {prompt or 'PROMPT '}{_hints(result.node)}",
        )
    else:
        yield NextStep("say more, or correct what was understood", f"{_omniclaude()} generate {prompt}--interactive")
        yield NextStep("what is understood of the prompt", f"{_omniclaude()} parse {prompt or 'PROMPT'}".rstrip())
    yield _show(result)


def _failed(result: "GenerationResult", request: "GenerationRequest | None") -> Iterator[NextStep]:
    yield NextStep("which part failed, and what to do", f"{_omniclaude()} doctor")
    yield NextStep("what happened in each stage", f"{_omniclaude()} show {_quoted(result.request_id)}")
    mode = f"--mode {request.mode.value}" if request is not None else ""
    yield NextStep("try again", f"{_omniclaude()} generate {_shown_prompt(request) or 'PROMPT '}{mode}".rstrip())


def _awaits_person(result: "GenerationResult") -> bool:
    return bool(result.quorum and result.quorum.get("review_command"))


def _is_reviewed(result: "GenerationResult") -> bool:
    return bool(result.quorum and result.quorum.get("reviewed_at"))


def _decision(result: "GenerationResult") -> NextStep:
    return NextStep("what a person decided, and on what", f"{_omniclaude()} review show {_quoted(result.request_id)}")


def _review(result: "GenerationResult") -> Iterator[NextStep]:
    request_id = _quoted(result.request_id)
    yield NextStep("what the quorum found, and what it suggests", f"{_omniclaude()} review show {request_id}")
    yield NextStep("decide it", f"{_omniclaude()} review accept {request_id}")


def _questions(request: "GenerationRequest") -> Iterator[NextStep]:
    from omniclaude_dagster.request.understanding import understand

    parsed = understand(request.prompt, node_kind=request.node_kind, name=request.name, domain=request.domain)
    for question in parsed.questions:
        yield NextStep(f"question: {question}")


def _hints(node: Mapping[str, object]) -> str:
    kind, name = node.get("kind"), node.get("name")
    shown_name = str(name) if name and re.fullmatch(r"[A-Z][A-Za-z0-9]{0,63}", str(name), re.ASCII) else "UserWriter"
    return f"--kind {kind or 'EFFECT'} --name {shown_name}"


def _start(path: Path, *, kind: object) -> NextStep:
    if kind == "ORCHESTRATOR":
        return NextStep(
            "how to register the handlers of its steps, then start it", f"cat {_quoted(path / 'README.md')}"
        )
    readme = _readme(path)
    sample = _sample_input(readme)
    arguments = f"--input {shlex.quote(sample)}" if sample else "--help"
    needs = " (set the variables under Environment in README.md first)" if "## Environment" in readme else ""
    return NextStep(
        f"start the node with its sample input{needs}", f"{_python()} {_quoted(path / 'start_node.py')} {arguments}"
    )


def _sample_input(readme: str) -> str | None:
    """The sample as JSON on one line; quoted anew, because values of a request may be part of it."""
    found = _SAMPLE_LINE.search(readme)
    if found is None:
        return None
    try:
        return json.dumps(json.loads(found[1]))
    except (ValueError, RecursionError):
        return None


def _own_tests(path: Path) -> NextStep:
    return NextStep(
        "run its own tests",
        f"{_python()} -m pytest --import-mode=importlib -p no:cacheprovider {_quoted(path / 'tests')}",
    )


def _show(result: "GenerationResult") -> NextStep:
    return NextStep("see this again", f"{_omniclaude()} show {_quoted(result.request_id)}")


def _readme(path: Path) -> str:
    try:
        with (path / "README.md").open("rb") as stream:
            return stream.read(_MAX_README_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _shown_prompt(request: "GenerationRequest | None") -> str:
    if request is not None and request.contract is not None:
        return "--contract FILE "
    if request is None or len(request.prompt) > _MAX_SHOWN_PROMPT_CHARS:
        return ""
    return f"{shlex.quote(plain(request.prompt))} "


def _quoted(value: Path | str) -> str:
    return shlex.quote(str(value))


def _python() -> str:
    """The interpreter that has everything a node needs, as short as it can be named from here."""
    return _program("python")


def _omniclaude() -> str:
    return _program("omniclaude")


def _program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    on_path = shutil.which(name)
    if on_path is not None and Path(on_path) == beside:
        return name
    if not beside.exists():
        return name
    here = Path.cwd()
    return _quoted(beside.relative_to(here) if beside.is_relative_to(here) else beside)
