"""Generations with models replay to the same bytes from their records, in the real sandbox, with no model to ask."""

import asyncio
import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.pipeline import Platform, Replay
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import GenerationResult
from omniclaude_dagster.stages.recipe import RecordedGeneration
from tests.support.misbehaving_server import Fault, ScriptedModelServer

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with BubblewrapSandbox(2) as made:
        reason = made.unavailable_reason()
        if reason is not None:
            pytest.skip(reason)
        yield made


def answer(name: str, factor: str) -> str:
    return f"```python\ndef compute(data: Model{name}Input) -> Model{name}Output:\n    return {factor}\n```"


def right(name: str = "Doubler") -> str:
    return answer(name, f"Model{name}Output(doubled=data.n * 2)")


def wrong(name: str = "Doubler") -> str:
    return answer(name, f"Model{name}Output(doubled=data.n * 3)")


def raising(message: str) -> str:
    """An answer whose function fails with a message that no two processes agree on."""
    return answer("Doubler", f"(_ for _ in ()).throw(ValueError({message}))")


def accepted(name: str = "Doubler", **more: Any) -> AcceptedRequest:
    document = {
        "prompt": f"COMPUTE node called {name} that applies the zorbl rule to a reading",
        "examples": [{"input": {"n": n}, "output": {"doubled": n * 2}} for n in (2, 5, -1)],
        "mode": "balanced",
        **more,
    }
    return AcceptedRequest(f"request-{name.lower()}", GenerationRequest.model_validate(document))


def generate(home: Path, sandbox: Sandbox, server: ScriptedModelServer | None, *asked: AcceptedRequest) -> Any:
    address = server.base_url if server else ""
    settings = Settings.model_validate(
        {"home": home, "model_base_url": address, "pattern_holdout_share": 0, "panel": "local"}
    )
    with Platform(settings, sandbox=sandbox) as platform:
        return [asyncio.run(platform.generate(request)) for request in asked]


def recorded(home: Path, request_id: str) -> RecordedGeneration:
    with Platform(Settings.model_validate({"home": home, "model_base_url": ""})) as platform:
        found = platform.records.recorded_generation(request_id)
    assert found is not None
    return found


def replay(home: Path, sandbox: Sandbox, generation: RecordedGeneration, output: Path) -> Replay:
    """The replay of a generation in a process that knows no model."""
    settings = Settings.model_validate({"home": home, "model_base_url": ""})
    with Platform(settings, sandbox=sandbox) as platform:
        return asyncio.run(platform.replay(generation, output_dir=output))


def hashes_then(result: GenerationResult) -> dict[str, str]:
    return {Path(f["path"]).relative_to(result.node["path"]).as_posix(): f["sha256"] for f in result.files}


def hashes_below(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def assert_replays(home: Path, sandbox: Sandbox, result: GenerationResult, output: Path) -> Replay:
    done = replay(home, sandbox, recorded(home, result.request_id), output)
    assert done.unrecorded == ()
    assert (done.state.status, done.state.error) == (result.status, result.error)
    assert done.state.published is not None
    assert hashes_below(done.state.published.path) == hashes_then(result)
    assert str(done.state.correlation_id) == result.correlation_id
    return done


SCRIPTS: dict[str, tuple[list[Any], str, int]] = {
    "right at once": ([right()], "published", 1),
    "corrected once": ([wrong(), right()], "published", 2),
    "three tries, the same question twice": ([wrong(), wrong(), right()], "published", 3),
    "cut off, then right": ([Fault("finish_length"), right()], "published", 2),
    "prose, then right": (["I would rather not.", right()], "published", 2),
    "never right": ([wrong()] * 9, "needs_review", 3),
    "an error that names an address, then right": ([raising("f'{object()} {print}'"), right()], "published", 2),
    "an error that shows a set of words, then right": ([raising("str({*'abcdefgh'})"), right()], "published", 2),
    "a loop without end, then right": ([answer("Doubler", "any(iter(int, 1))"), right()], "published", 2),
    "host fails": ([Fault("server_error")] * 9, "needs_review", 1),
}


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_a_generation_with_a_model_replays_to_the_same_bytes(tmp_path: Path, sandbox: Sandbox, script: str) -> None:
    answers, status, call_count = SCRIPTS[script]
    with ScriptedModelServer(answers) as server:
        (result,) = generate(tmp_path / "home", sandbox, server, accepted())
    assert result.status == status, result.error
    assert len(recorded(tmp_path / "home", result.request_id).calls) == call_count
    done = assert_replays(tmp_path / "home", sandbox, result, tmp_path / "again")
    assert {call.provider for call in done.state.model_calls} == {"replay"}


def test_what_a_model_understood_of_the_prompt_replays_too(tmp_path: Path, sandbox: Sandbox) -> None:
    unclear = "Make something that applies the zorbl rule to a reading"
    name = "ZorblRuleApplier"
    with ScriptedModelServer([{"kind": "COMPUTE", "name": name}, wrong(name), right(name)]) as server:
        (result,) = generate(tmp_path / "home", sandbox, server, accepted(prompt=unclear))
    assert (result.status, result.node["name"]) == ("published", name)
    assert [(c.stage, c.verdict) for c in recorded(tmp_path / "home", result.request_id).calls][::2] == [
        ("1", None),
        ("3", "accepted"),
    ]
    assert_replays(tmp_path / "home", sandbox, result, tmp_path / "again")


def test_a_replay_leaves_no_record_and_touches_nothing_that_was_delivered(tmp_path: Path, sandbox: Sandbox) -> None:
    with ScriptedModelServer([right()]) as server:
        (result,) = generate(tmp_path / "home", sandbox, server, accepted())
    delivered = Path(result.node["path"])
    before = {p: p.stat().st_mtime_ns for p in delivered.rglob("*")}
    assert_replays(tmp_path / "home", sandbox, result, tmp_path / "again")
    assert {p: p.stat().st_mtime_ns for p in delivered.rglob("*")} == before
    with Platform(Settings.model_validate({"home": tmp_path / "home"})) as platform:
        assert [r.correlation_id for r in platform.records.recent(10)] == [result.correlation_id]


def test_a_replay_reuses_what_was_reused_then_and_nothing_that_came_later(tmp_path: Path, sandbox: Sandbox) -> None:
    home = tmp_path / "home"
    with ScriptedModelServer([right(), right("Third")]) as server:
        first, second = generate(home, sandbox, server, accepted(), accepted("Second"))
        assert server.chat_count == 1
        # Offered to neither of the two then; newer, so it would come first now.
        (third,) = generate(home, sandbox, server, accepted("Third"))
    assert [r.status for r in (first, second, third)] == ["published"] * 3
    assert [s.pattern.request_id for s in recorded(home, "request-doubler").patterns] == []
    assert [s.pattern.request_id for s in recorded(home, "request-second").patterns] == ["request-doubler"]
    for number, result in enumerate((first, second, third)):
        assert_replays(home, sandbox, result, tmp_path / f"again-{number}")


def ballot(score: float, verdict: str, *, factor: str = "") -> dict[str, Any]:
    edit = {"kind": "none"}
    if factor:
        edit = {"kind": "replace_logic", "source": answer("Doubler", factor), "reason": "plainer"}
    found = [{"file": "logic.py", "line": 9, "message": "it could be plainer"}]
    return {"deficiencies": found, "verdict": verdict, "score": score, "edit": edit}


REVIEWS: dict[str, tuple[dict[str, Any], str]] = {
    "approved": (ballot(0.95, "approve"), "published"),
    "approved with an edit that holds": (
        ballot(0.9, "approve", factor="ModelDoublerOutput(doubled=data.n + data.n)"),
        "published",
    ),
    "approved with an edit that is wrong": (
        ballot(0.9, "approve", factor="ModelDoublerOutput(doubled=data.n * 3)"),
        "published",
    ),
    "doubted, with an edit": (
        ballot(0.7, "revise", factor="ModelDoublerOutput(doubled=data.n + data.n)"),
        "needs_review",
    ),
}


@pytest.mark.parametrize("review", REVIEWS, ids=str)
def test_what_a_quorum_decided_replays_too(tmp_path: Path, sandbox: Sandbox, review: str) -> None:
    vote, status = REVIEWS[review]
    with ScriptedModelServer([right(), vote]) as server:
        (result,) = generate(tmp_path / "home", sandbox, server, accepted(mode="strict"))
    assert result.status == status, result.error
    logic = (Path(result.node["path"]) / "logic.py").read_text()
    assert ("data.n + data.n" in logic) == (review == "approved with an edit that holds")
    assert "* 3" not in logic
    done = assert_replays(tmp_path / "home", sandbox, result, tmp_path / "again")
    assert [c.stage for c in done.state.model_calls] == ["3", "5.5"]


def test_edits_that_were_merged_then_are_left_out_and_the_generated_bytes_come_again(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    home = tmp_path / "home"
    with ScriptedModelServer([right(), right()]) as server:
        (first,) = generate(home, sandbox, server, accepted())
        readme = Path(first.node["path"]) / "README.md"
        readme.write_text(readme.read_text() + "\nWritten by a person.\n")
        (second,) = generate(home, sandbox, server, accepted())
    assert "Written by a person." in readme.read_text()
    kept = recorded(home, second.request_id)
    assert str(kept.correlation_id) == second.correlation_id
    assert kept.recipe.merged["README.md"] != hashes_then(second)["README.md"]
    done = replay(home, sandbox, kept, tmp_path / "again")
    assert done.state.published is not None
    assert hashes_below(done.state.published.path) == dict(kept.recipe.merged)


def test_a_budget_ends_the_replay_where_it_ended_the_generation(tmp_path: Path, sandbox: Sandbox) -> None:
    """A budget of nothing lets no model be asked, whatever answers were recorded."""
    with ScriptedModelServer([right()]) as server:
        (result,) = generate(tmp_path / "home", sandbox, server, accepted(budget_usd=0.0))
        assert server.chat_count == 0
    assert result.status == "needs_review"
    assert_replays(tmp_path / "home", sandbox, result, tmp_path / "again")


def test_another_answer_gives_other_bytes_and_a_lost_one_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    home = tmp_path / "home"
    with ScriptedModelServer([right()]) as server:
        (result,) = generate(home, sandbox, server, accepted())
    kept = recorded(home, result.request_id)
    (call,) = kept.calls
    other = dataclasses.replace(call, reply_text=answer("Doubler", "ModelDoublerOutput(doubled=data.n + data.n)"))
    done = replay(home, sandbox, dataclasses.replace(kept, calls=(other,)), tmp_path / "other")
    assert done.state.published is not None
    now = hashes_below(done.state.published.path)
    assert sorted(path for path, sha256 in hashes_then(result).items() if now[path] != sha256) == [
        "logic.py",
        "node.manifest.yaml",
    ]
    lost = replay(home, sandbox, dataclasses.replace(kept, calls=()), tmp_path / "lost")
    assert lost.state.status == "needs_review"
    assert [(u.model, u.stage) for u in lost.unrecorded][:1] == [("scripted-model", "3")]
