"""Calls of generated EFFECT nodes through their public door, and what their refusals must not say."""

import asyncio
import traceback
from collections.abc import Mapping
from typing import Any

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput

from tests.support.generated_nodes import ImportedNode


def perform(imported: ImportedNode, config: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """One operation of a node with these settings: initialised, performed, cleaned up."""

    async def scenario() -> Any:
        node = imported.node_class(ModelONEXContainer(), imported.model("Config")(**config))
        await node.initialize()
        request = ModelEffectInput(effect_type=EnumEffectType.API_CALL, operation_data=dict(values))
        try:
            return (await node.process(request)).result
        finally:
            await node.cleanup()

    result = asyncio.run(scenario())
    assert isinstance(result, dict)
    return result


def refused(
    imported: ImportedNode,
    config: Mapping[str, Any],
    values: Mapping[str, Any],
    code: EnumCoreErrorCode,
    *,
    secret: str = "",
) -> str:
    """The message of an operation that must fail with this code; `secret` must stand nowhere in the failure."""
    with pytest.raises(ModelOnexError) as failure:
        perform(imported, config, values)
    assert failure.value.error_code == code, failure.value
    if secret:
        assert_unspoken(secret, failure.value)
    return failure.value.message


def assert_unspoken(secret: str, error: BaseException) -> None:
    """The secret stands neither in the error nor in what it was raised from, as a log would show it."""
    assert secret not in "".join(traceback.format_exception(error))
    assert secret not in repr(getattr(error, "context", ""))
