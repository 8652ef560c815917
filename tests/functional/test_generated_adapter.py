"""EFFECT nodes for systems without a template are complete but for one class, and take a written one in its place."""

import ast
import asyncio
from pathlib import Path
from typing import Any

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput

from omniclaude_dagster.artifact.rendering import render_bundle
from tests.support.generated_nodes import ImportedNode, blueprint_for, imported_node

QUEUE = "Create EFFECT node for RabbitMQ message publishing"
SAFE = "EFFECT node called Mover that copies files from S3 to PostgreSQL, idempotent"


class WrittenAdapter:
    """What a person writes, with faults first."""

    def __init__(self, answer: Any, *faults: Exception, pause_s: float = 0) -> None:
        self.answer = answer
        self.faults = list(faults)
        self.pause_s = pause_s
        self.calls = 0

    async def perform(self, request: Any) -> Any:
        self.calls += 1
        await asyncio.sleep(self.pause_s)
        if self.faults:
            raise self.faults.pop(0)
        return self.answer(result={"got": request.payload})

    async def close(self) -> None:
        """Nothing is open."""


def perform(imported: ImportedNode, adapter: Any, **config: Any) -> Any:
    async def scenario() -> Any:
        settings = imported.model("Config")(**config)
        node = imported.node_class(ModelONEXContainer(), settings, adapter=adapter)
        await node.initialize()
        try:
            values = {"payload": {"id": 1}}
            request = ModelEffectInput(effect_type=EnumEffectType.API_CALL, operation_data=values)
            return (await node.process(request)).result
        finally:
            await node.cleanup()

    return asyncio.run(scenario())


def test_a_written_adapter_does_the_work(tmp_path: Path) -> None:
    with imported_node(tmp_path, QUEUE) as imported:
        adapter = WrittenAdapter(imported.model("Output"))
        assert perform(imported, adapter) == {"result": {"got": {"id": 1}}}


def test_without_one_the_node_says_what_is_missing(tmp_path: Path) -> None:
    with imported_node(tmp_path, QUEUE) as imported, pytest.raises(ModelOnexError, match=r"see REVIEW\.md") as failure:
        perform(imported, None)
    assert failure.value.error_code == EnumCoreErrorCode.METHOD_NOT_IMPLEMENTED


def test_only_an_operation_that_is_called_idempotent_is_repeated(tmp_path: Path) -> None:
    with imported_node(tmp_path, SAFE) as imported:
        safe = WrittenAdapter(imported.model("Output"), ConnectionResetError(), ConnectionResetError())
        assert perform(imported, safe, retry_pause_s=0)
        refused = WrittenAdapter(imported.model("Output"), PermissionError())
        with pytest.raises(ModelOnexError):
            perform(imported, refused, retry_pause_s=0)
    with imported_node(tmp_path, QUEUE) as imported:
        once = WrittenAdapter(imported.model("Output"), ConnectionResetError())
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, once)
    assert (safe.calls, refused.calls, once.calls) == (3, 1, 1)
    assert failure.value.error_code == EnumCoreErrorCode.NETWORK_ERROR


def test_an_adapter_that_does_not_return_is_stopped(tmp_path: Path) -> None:
    with imported_node(tmp_path, QUEUE) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, WrittenAdapter(imported.model("Output"), pause_s=60), deadline_s=0.05)
    assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR


def test_the_text_of_an_unknown_fault_is_not_repeated(tmp_path: Path) -> None:
    with imported_node(tmp_path, QUEUE) as imported, pytest.raises(ModelOnexError, match="ValueError") as failure:
        perform(imported, WrittenAdapter(imported.model("Output"), ValueError("amqp://u:pa55@h")))
    assert "pa55" not in str(failure.value)


def test_the_review_says_what_to_write_and_shows_it() -> None:
    review = render_bundle(blueprint_for(QUEUE)).files["REVIEW.md"].decode()
    assert "aio-pika" in review
    assert 'os.environ["RABBITMQ_URL"]' in review
    example = review.partition("```python\n")[2].partition("```")[0]
    (written,) = ast.parse(example).body
    assert isinstance(written, ast.ClassDef)
    methods = {m.name for m in written.body if isinstance(m, ast.AsyncFunctionDef)}
    assert (written.name, methods) == ("Adapter", {"perform", "close"})


@pytest.mark.parametrize("prompt", [QUEUE, SAFE])
def test_only_the_adapter_is_open(prompt: str) -> None:
    files = render_bundle(blueprint_for(prompt)).files
    open_files = [path for path, content in files.items() if b"METHOD_NOT_IMPLEMENTED" in content]
    assert sorted(open_files) == ["REVIEW.md", "adapter.py"]
