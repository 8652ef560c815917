"""Tests of NodeWelcomeMailSenderEffect; they need no server and run with plain pytest."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from pydantic import ValidationError

from ..models import ModelWelcomeMailSenderInput
from ..node import NodeWelcomeMailSenderEffect
from .support import MemorySession, parsed, prepare

SAMPLE: dict[str, Any] = {"to": ["ada@example.org"], "subject": "Welcome", "text": "Hello Ada."}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelWelcomeMailSenderInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeWelcomeMailSenderEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeWelcomeMailSenderEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeWelcomeMailSenderEffect(ModelONEXContainer())
        outside = prepare(node)
        request = ModelEffectInput(effect_type=EnumEffectType.API_CALL, operation_data=values)
        output = await node.process(request)
        assert isinstance(output.operation_id, UUID)
        assert isinstance(output.result, dict)
        return output.result, outside

    return asyncio.run(scenario())


def test_the_sample_is_performed() -> None:
    result, _ = perform(SAMPLE)
    assert result


def test_wrong_data_is_a_validation_error() -> None:
    with pytest.raises(ModelOnexError) as failure:
        perform({"no_such_field": 1})
    assert failure.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def send(
    changes: dict[str, object], *failures: Exception, unknown: frozenset[str] = frozenset()
) -> tuple[dict[str, object], MemorySession]:
    """One mail through a session whose first attempts fail."""

    async def scenario() -> tuple[dict[str, object], MemorySession]:
        node = NodeWelcomeMailSenderEffect(ModelONEXContainer())
        session = prepare(node)
        session.failures.extend(failures)
        session.unknown |= unknown
        request = ModelEffectInput(effect_type=EnumEffectType.API_CALL, operation_data={**SAMPLE, **changes})
        output = await node.process(request)
        assert isinstance(output.result, dict)
        return output.result, session

    return asyncio.run(scenario())


def test_a_mail_carries_its_text_in_every_form() -> None:
    _, session = send({"text": "Grüße", "html": "<p>Grüße</p>", "subject": "Ä", "cc": ["bob@example.org"]})
    ((recipients, message),) = session.mails
    mail = parsed(message)
    assert recipients == ["ada@example.org", "bob@example.org"]
    assert (mail["Subject"], mail["Cc"]) == ("Ä", "bob@example.org")
    parts = {part.get_content_type(): part.get_content().strip() for part in mail.iter_parts()}
    assert parts == {"text/plain": "Grüße", "text/html": "<p>Grüße</p>"}


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: eve@example.org"},
        {"to": ["ada@example.org\r\nBcc: eve@example.org"]},
        {"to": ["ada@example.org, eve@example.org"]},
        {"to": ["Ada <ada@example.org>"]},
        {"cc": ["no address"]},
        {"reply_to": "x@example.org\nX-Header: 1"},
        {"to": []},
        {"text": "x" * 6000},
    ],
)
def test_what_is_no_mail_is_refused_before_a_session_is_opened(changes: dict[str, object]) -> None:
    with pytest.raises(ModelOnexError) as refusal:
        send(changes)
    assert refusal.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def test_the_same_key_gives_the_same_mail_and_no_key_a_new_one() -> None:
    same: dict[str, object] = {"idempotency_key": "a"}
    ids = [send(changes)[0]["message_id"] for changes in (same, same, {}, {})]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_a_failure_before_the_mail_was_handed_over_is_tried_again() -> None:
    failure = ModelOnexError(message="busy", error_code=EnumCoreErrorCode.SERVICE_UNAVAILABLE)
    result, session = send({}, failure)
    assert (result["attempts"], session.opened, session.closed, len(session.mails)) == (2, 2, 2, 1)


@pytest.mark.parametrize("code", [EnumCoreErrorCode.AUTHENTICATION_ERROR, EnumCoreErrorCode.OPERATION_FAILED])
def test_a_refusal_is_not_tried_again(code: EnumCoreErrorCode) -> None:
    with pytest.raises(ModelOnexError) as refusal:
        send({}, ModelOnexError(message="no", error_code=code))
    assert refusal.value.error_code == code


def test_a_recipient_that_is_refused_is_reported_and_the_others_get_the_mail() -> None:
    result, _ = send({"cc": ["nobody@example.org"]}, unknown=frozenset({"nobody@example.org"}))
    assert result["accepted"] == ["ada@example.org"]
    assert result["refused"] == {"nobody@example.org": "550 no such user"}


class RecordingBus:
    """Keeps the topics it was given."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    async def publish(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Record one message."""
        self.topics.append(topic)


class FailingBus:
    """A bus that is away."""

    async def publish(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Fail as a broken connection does."""
        raise ConnectionError(topic)
