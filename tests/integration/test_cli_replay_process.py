"""`omniclaude generate --replay` in processes of its own: the model's host is gone, the bytes are the same."""

import json
from pathlib import Path

import pytest

from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from tests.support.cli import objects_of, omniclaude
from tests.support.misbehaving_server import ScriptedModelServer

pytestmark = [pytest.mark.integration, pytest.mark.sandbox]

# No template knows this rule, so a model writes the body.
REQUEST = {
    "prompt": "COMPUTE node called Doubler that applies the zorbl rule to a reading",
    "examples": [{"input": {"n": n}, "output": {"doubled": n * 2}} for n in (2, 5, -1)],
    "mode": "balanced",
}


def answer(factor: int) -> str:
    return f"def compute(data: ModelDoublerInput) -> ModelDoublerOutput:\n    return data.n * {factor}\n"


@pytest.fixture(scope="module", autouse=True)
def _sandbox_works() -> None:
    with BubblewrapSandbox(1) as sandbox:
        reason = sandbox.unavailable_reason()
    if reason is not None:
        pytest.skip(reason)


def test_a_generation_is_done_again_to_the_byte_after_its_models_host_has_gone(tmp_path: Path) -> None:
    home, request = tmp_path / "home", tmp_path / "doubler.json"
    request.write_text(json.dumps(REQUEST))
    with ScriptedModelServer([answer(3), answer(2)]) as server:
        done = omniclaude(
            "generate", "--request", str(request), "--output", "out", "--json",
            home=home, env={"OMNICLAUDE_MODEL_BASE_URL": server.base_url, "PYTHONHASHSEED": "1"},
        )  # fmt: skip
        assert server.chat_count == 2
    (result,) = objects_of(done.stdout)
    assert result["status"] == "published", done.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    again = omniclaude(
        "generate", "--replay", "doubler", "--output", "again", "--json",
        home=home, cwd=elsewhere, env={"PYTHONHASHSEED": "70007"},
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    (report,) = objects_of(again.stdout)
    assert (report["is_identical"], report["model_call_count"]) == (True, 2)
    node = elsewhere / "again" / "node_doubler_compute"
    assert report["path"] == str(node)
    for file in result["files"]:
        then = Path(file["path"])
        assert (node / then.relative_to(result["node"]["path"])).read_bytes() == then.read_bytes()
    shown = omniclaude("show", "doubler", home=home).stdout
    assert "accepted" in shown
    assert "doubled" in shown

    # Somebody edits the records: the replay says so and shows what it gave.
    import sqlite3

    with sqlite3.connect(home / "records.sqlite3") as connection:
        connection.execute("UPDATE model_calls SET reply_text = replace(reply_text, 'data.n * 2', '2 * data.n')")
    connection.close()
    other = omniclaude("generate", "--replay", "doubler", home=home, cwd=elsewhere)
    assert other.returncode == 1
    assert "logic.py: differs" in other.stdout
    assert "likely cause: " in other.stderr
    assert "Traceback" not in other.stderr
