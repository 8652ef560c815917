"""What to do next fits the outcome, and what is shown can be pasted into a shell."""

import shlex
from pathlib import Path
from typing import Any

from omniclaude_dagster.request.model import GenerationRequest
from omniclaude_dagster.surfaces.cli.next_steps import next_steps
from tests.support.cli import a_result

SAMPLE = '{"name": "it\'s; rm -rf $HOME"}'


def node_folder(tmp_path: Path, **files: str) -> dict[str, Any]:
    path = tmp_path / "out put" / "node_x_effect"
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return {"kind": "EFFECT", "name": "X", "class_name": "NodeXEffect", "domain": "d", "path": str(path)}


def commands(*arguments: Any) -> list[list[str]]:
    return [shlex.split(step.command) for step in next_steps(*arguments) if step.command]


def test_a_published_node_is_started_with_its_sample_and_tested(tmp_path: Path) -> None:
    node = node_folder(tmp_path, README_md=f"x\npython start_node.py --input '{SAMPLE}'\n## Environment\n")
    result = a_result(node=node)
    start, tests, show = commands(result)
    assert start[1:] == [f"{node['path']}/start_node.py", "--input", SAMPLE]
    assert tests[1:3] == ["-m", "pytest"]
    assert tests[-1] == f"{node['path']}/tests"
    assert show[1:] == ["show", "a-request"]
    assert "Environment" in next_steps(result)[0].purpose


def test_a_node_without_a_readable_sample_is_started_with_help(tmp_path: Path) -> None:
    node = node_folder(tmp_path, README_md="python start_node.py --input 'no json'")
    assert commands(a_result(node=node))[0][-1] == "--help"


def test_a_scaffold_leads_to_its_review_file(tmp_path: Path) -> None:
    node = node_folder(tmp_path, REVIEW_md="fill in")
    review, _, gates = commands(a_result("r", "needs_review", node=node))
    assert review == ["cat", f"{node['path']}/REVIEW.md"]
    assert gates[1:] == ["gates", node["path"]]


def test_a_node_that_could_not_be_executed_leads_to_the_doctor(tmp_path: Path) -> None:
    skipped = [{"gate": "G14", "status": "skipped", "message": "no sandbox"}]
    result = a_result("r", "needs_review", node=node_folder(tmp_path), gates=skipped)
    assert commands(result)[0][1:] == ["doctor"]


def test_an_unclear_request_gets_its_questions_and_ways_to_answer() -> None:
    request = GenerationRequest(prompt="make something nice, it's for $USER")
    gates = [{"gate": "G1", "status": "fail", "message": "not understood"}]
    result = a_result("r", "blocked", node={"kind": None, "name": None}, gates=gates)
    steps = next_steps(result, request)
    assert any("What should the node be called" in step.purpose for step in steps)
    interactive, hinted, _ = commands(result, request)
    assert interactive[1:] == ["generate", request.prompt, "--interactive"]
    assert hinted[2:] == [request.prompt, "--kind", "EFFECT", "--name", "UserWriter"]


def test_an_unclear_request_with_a_contract_is_told_to_give_it_again() -> None:
    request = GenerationRequest(prompt="Node called Order built from the given contract", contract={"type": "object"})
    gates = [{"gate": "G1", "status": "fail", "message": "not understood: node kind."}]
    hinted = commands(a_result("r", "blocked", gates=gates), request)[1]
    assert hinted[2:4] == ["--contract", "FILE"]
    assert request.prompt not in hinted


def test_a_hostile_name_is_not_repeated_in_a_command() -> None:
    gates = [{"gate": "G3", "status": "fail", "message": "bad"}]
    result = a_result("r", "blocked", node={"kind": "EFFECT", "name": "$(reboot)"}, gates=gates)
    assert "$(reboot)" not in "".join(step.command for step in next_steps(result))


def test_a_failed_outside_part_leads_to_the_doctor_first() -> None:
    assert commands(a_result("r", "failed"))[0][1:] == ["doctor"]
