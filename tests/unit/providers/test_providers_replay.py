"""The same question has the same hash, and recorded answers replay as they were given."""

import asyncio
import dataclasses
import inspect
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniclaude_dagster.providers import errors
from omniclaude_dagster.providers.errors import BadReplyError, NotRecordedError, ProviderError
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, Message, ModelCall
from omniclaude_dagster.providers.recorded import REPLAY_PROVIDER, request_sha256
from omniclaude_dagster.providers.replay import ReplayGateway
from tests.support.misbehaving_server import Fault, ScriptedModelServer
from tests.support.model_gateways import NAME_SCHEMA, SECRET, chat_request, gateway_with, model_entry

ASKED = chat_request("double a number")


def hash_of(request: ChatRequest = ASKED, model: str = "small", **changes: object) -> str:
    return request_sha256(dataclasses.replace(request, **changes), model=model)


def call_of(request: ChatRequest = ASKED, model: str = "small", **changes: object) -> ModelCall:
    """The record of a good call that cost 7 nano-dollars."""
    fields = {
        "correlation_id": request.correlation_id,
        "stage": request.stage,
        "model": model,
        "provider": "openai_compatible",
        "host": "http://127.0.0.1:1/v1",
        "tokens_input": 10,
        "tokens_output": 5,
        "latency_ms": 12.5,
        "cost_nanousd": 7,
        "attempts": 1,
        "is_success": True,
        "request_sha256": request_sha256(request, model=model),
        "reply_text": "answer",
    }
    return ModelCall(**{**fields, **changes})


def ask(gateway: ReplayGateway, request: ChatRequest = ASKED, model: str = "small") -> ChatReply:
    return asyncio.run(gateway.chat(request, model=model))


def test_the_hash_is_of_what_decides_the_answer_and_nothing_else() -> None:
    same = [
        hash_of(correlation_id=uuid.uuid4()),
        hash_of(deadline_s=1.0),
        hash_of(stage="5.5"),
        hash_of(temperature=0),
        hash_of(messages=list(ASKED.messages)),
        hash_of(messages=tuple(ASKED.messages)),
    ]
    assert set(same) == {hash_of()}
    assert hash_of(json_schema={"a": 1, "b": 2}) == hash_of(json_schema={"b": 2, "a": 1})


def test_whatever_decides_the_answer_changes_the_hash() -> None:
    others = [
        hash_of(model="large"),
        hash_of(messages=[Message("user", "triple a number")]),
        hash_of(messages=[Message("system", "double a number")]),
        hash_of(messages=[*ASKED.messages, Message("user", "")]),
        hash_of(max_tokens=65),
        hash_of(temperature=0.2),
        hash_of(json_schema={}),
        hash_of(json_schema={"type": "object"}),
    ]
    assert len({hash_of(), *others}) == len(others) + 1


@given(st.lists(st.text(st.characters(exclude_categories=())), max_size=3))
def test_every_text_has_a_hash_that_does_not_depend_on_how_messages_are_split(texts: list[str]) -> None:
    messages = [Message("user", text) for text in texts]
    joined = [Message("user", "".join(texts))]
    assert len(hash_of(messages=messages)) == 64
    assert (hash_of(messages=messages) == hash_of(messages=joined)) == (messages == joined)


def test_an_answer_comes_back_with_tokens_and_cost_marked_as_replayed() -> None:
    request = chat_request("double a number")
    reply = ask(ReplayGateway.of_calls([call_of(verdict="accepted")]), request)
    assert (reply.text, reply.data) == ("answer", None)
    assert (reply.call.provider, reply.call.model, reply.call.cost_nanousd) == (REPLAY_PROVIDER, "small", 7)
    assert (reply.call.tokens_input, reply.call.tokens_output, reply.call.latency_ms) == (10, 5, 12.5)
    assert reply.call.correlation_id == request.correlation_id != ASKED.correlation_id
    assert reply.call.request_sha256 == request_sha256(request, model="small")
    assert reply.call.verdict is None


def test_a_question_asked_again_gets_the_next_recorded_answer_and_then_none() -> None:
    gateway = ReplayGateway.of_calls([call_of(reply_text=text) for text in ("first", "second", "first")])
    assert [ask(gateway).text for _ in range(3)] == ["first", "second", "first"]
    with pytest.raises(NotRecordedError, match="3 recorded answers are used up"):
        ask(gateway)


def test_concurrent_questions_get_each_recorded_answer_once() -> None:
    gateway = ReplayGateway.of_calls([call_of(reply_text=str(number)) for number in range(20)])

    async def scenario() -> list[str]:
        replies = await asyncio.gather(*(gateway.chat(ASKED, model="small") for _ in range(20)))
        return [reply.text for reply in replies]

    assert sorted(asyncio.run(scenario()), key=int) == [str(number) for number in range(20)]


def test_an_answer_to_a_schema_is_parsed_again() -> None:
    asked = chat_request("name it", json_schema=NAME_SCHEMA)
    gateway = ReplayGateway.of_calls([call_of(asked, reply_text='```json\n{"name": "Doubler"}\n```')])
    assert ask(gateway, asked).data == {"name": "Doubler"}


def test_an_unknown_question_names_the_model_and_the_cure_and_is_kept() -> None:
    gateway = ReplayGateway.of_calls([call_of()])
    with pytest.raises(NotRecordedError, match="'small', stage 3: nothing was recorded") as caught:
        ask(gateway, chat_request("triple a number"))
    assert "without --replay" in caught.value.cure
    assert caught.value.call is not None
    assert (caught.value.call.error_kind, caught.value.call.cost_nanousd) == ("not_recorded", 0)
    (missing,) = gateway.unrecorded
    assert (missing.model, missing.stage, missing.answers_used) == ("small", "3", 0)


def test_a_name_that_only_its_host_could_resolve_finds_the_model_that_answered() -> None:
    gateway = ReplayGateway.of_calls([call_of(model="smollm2-135m")], candidates={"business_logic": ("default",)})
    assert gateway.candidates("business_logic") == ("default",)
    assert ask(gateway, model="default").call.model == "smollm2-135m"


def test_a_recorded_model_never_gets_the_answer_of_another_one() -> None:
    gateway = ReplayGateway.of_calls([call_of(model="small"), call_of(chat_request("other"), model="large")])
    with pytest.raises(NotRecordedError, match="'large'"):
        ask(gateway, model="large")


def test_a_stage_is_offered_what_it_was_offered_then_and_else_every_recorded_model() -> None:
    calls = [call_of(model="b"), call_of(model="a"), call_of(model="b")]
    gateway = ReplayGateway.of_calls(calls, candidates={"prompt_parsing": []})
    assert gateway.candidates("prompt_parsing") == ()
    assert gateway.candidates("business_logic") == ("b", "a")
    assert [(s.name, s.is_reachable) for s in asyncio.run(gateway.status())] == [("b", True), ("a", True)]


KINDS = sorted(
    {
        c
        for _, c in inspect.getmembers(errors, inspect.isclass)
        if issubclass(c, ProviderError) and "kind" in vars(c) and c is not ProviderError
    },
    key=lambda c: c.kind,
)


def test_no_two_kinds_of_failure_share_a_word() -> None:
    assert len({c.kind for c in KINDS}) == len(KINDS) >= 17


@pytest.mark.parametrize("kind", KINDS, ids=lambda c: c.kind)
def test_every_recorded_failure_is_raised_again_as_it_was(kind: type[ProviderError]) -> None:
    then = kind("it broke.", cure="mend it. Cure: not really")
    failed = call_of(is_success=False, error_kind=kind.kind, error_message=str(then), reply_text="half an ans")
    with pytest.raises(kind) as caught:
        ask(ReplayGateway.of_calls([failed]))
    assert type(caught.value) is kind
    assert str(caught.value) == str(then)
    assert caught.value.call is not None
    assert (caught.value.call.cost_nanousd, caught.value.call.provider) == (7, REPLAY_PROVIDER)
    if isinstance(caught.value, BadReplyError):
        assert caught.value.text == "half an ans"


def test_a_failure_of_a_kind_this_release_does_not_know_is_still_a_failure() -> None:
    failed = call_of(is_success=False, error_kind="struck_by_lightning", error_message=None)
    with pytest.raises(ProviderError, match="no reason was recorded"):
        ask(ReplayGateway.of_calls([failed]))


def test_message_and_cure_of_a_recorded_failure_are_apart_again() -> None:
    failed = call_of(is_success=False, error_kind="timeout", error_message="too late. Cure: wait longer")
    with pytest.raises(errors.ModelTimeoutError) as caught:
        ask(ReplayGateway.of_calls([failed]))
    assert (caught.value.message, caught.value.cure) == ("too late.", "wait longer")


def test_the_gateway_records_what_was_asked_by_the_models_own_name_and_what_was_answered() -> None:
    with ScriptedModelServer(["first", Fault("finish_length")]) as server:
        gateway = gateway_with([], model_base_url=server.base_url)

        async def scenario() -> tuple[ChatReply, ProviderError]:
            reply = await gateway.chat(ASKED, model="default")
            with pytest.raises(ProviderError) as caught:
                await gateway.chat(ASKED, model="default")
            await gateway.close()
            return reply, caught.value

        reply, error = asyncio.run(scenario())
    assert reply.call.model == "scripted-model"
    assert (reply.call.request_sha256, reply.call.reply_text) == (hash_of(model="scripted-model"), "first")
    assert error.call is not None
    assert error.call.request_sha256 == reply.call.request_sha256
    assert isinstance(error, BadReplyError)
    assert error.text
    assert error.call.reply_text == error.text
    replayed = ReplayGateway.of_calls([reply.call, error.call])
    assert ask(replayed, model="default").text == "first"
    with pytest.raises(type(error), match="token limit") as again:
        ask(replayed, model="default")
    assert (again.value.message, again.value.cure) == (error.message, error.cure)


def test_a_host_that_repeats_our_key_does_not_get_it_into_the_records() -> None:
    with ScriptedModelServer([f"key = '{SECRET}'\n\tdone"]) as server:
        gateway = gateway_with([model_entry(hosts=[server.base_url])])
        reply = asyncio.run(gateway.chat(ASKED, model="test-model"))
    assert SECRET in reply.text
    assert reply.call.reply_text == "key = '[redacted]'\n\tdone"
