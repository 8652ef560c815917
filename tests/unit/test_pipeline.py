"""The assembly: what a platform owns it closes, what it was lent it leaves; and nothing is lost on the way."""

from pathlib import Path

import pytest

from omniclaude_dagster.defs.session import GenerationSession
from omniclaude_dagster.errors import StorageError
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import GenerationRecord
from tests.support.reference_nodes import ScriptedSandbox


class ClosableSandbox(ScriptedSandbox):
    """Remembers that it was closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_a_platform_leaves_open_what_it_was_lent(tmp_path: Path) -> None:
    sandbox = ClosableSandbox({})
    with Platform(Settings(home=tmp_path), sandbox=sandbox) as platform:
        assert platform.sandbox is sandbox
    assert not sandbox.is_closed


def test_a_result_that_could_not_be_recorded_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(record: GenerationRecord) -> None:
        raise StorageError(f"no room for {record.result.request_id}.", cure="free disk space")

    request = GenerationRequest.model_validate({"prompt": "make something", "mode": "fast"})
    with Platform(Settings(home=tmp_path), sandbox=ClosableSandbox({})) as platform:
        monkeypatch.setattr(platform.records, "write", refuse)
        platform.requests.save(AcceptedRequest("r1", request))
        session = GenerationSession(platform)
        done = session.finish(session.open(["r1"], run_id="run"))
        session.close()
    assert "no room for r1" in done.problems["r1"]
    assert "not recorded: no room for r1" in str(session.results["r1"].error)
