"""The gateways of a benchmark: each generation gets what is its own, once."""

import asyncio
import uuid
from dataclasses import replace

import pytest

from omniclaude_dagster.benchmark.platform import FixedTemperature
from omniclaude_dagster.benchmark.replayed_answers import SampleReplay
from omniclaude_dagster.benchmark.solution_gateway import SOLUTION_MODEL, SolutionGateway
from omniclaude_dagster.providers.errors import NotRecordedError, RejectedRequestError
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelGateway
from tests.support.model_gateways import chat_request
from tests.support.stage_fakes import QueuedModels


def ask(gateway: ModelGateway, request: ChatRequest, *, model: str = SOLUTION_MODEL) -> ChatReply:
    return asyncio.run(gateway.chat(request, model=model))


def test_a_solution_is_given_to_its_own_generation_and_only_once() -> None:
    gateway = SolutionGateway()
    gateway.give("a", "def a(): ...")
    gateway.give("b", "def b(): ...")
    one, other = chat_request(), chat_request()
    gateway.begin(one.correlation_id, "a")
    gateway.begin(other.correlation_id, "b")
    reply = ask(gateway, other)
    assert "def b" in reply.text
    assert reply.call.reply_text == reply.text
    assert (reply.call.provider, reply.call.cost_nanousd, reply.call.is_success) == ("recorded", 0, True)
    assert "def a" in ask(gateway, one).text
    with pytest.raises(RejectedRequestError) as caught:
        ask(gateway, one)
    assert caught.value.call is not None
    assert not caught.value.call.is_success


def test_a_generation_without_a_solution_gets_none() -> None:
    gateway = SolutionGateway()
    gateway.begin(uuid.uuid4(), "nobody")
    with pytest.raises(RejectedRequestError):
        ask(gateway, chat_request())


def test_solutions_answer_only_where_bodies_are_written() -> None:
    gateway = SolutionGateway()
    assert gateway.candidates("business_logic") == (SOLUTION_MODEL,)
    assert gateway.candidates("prompt_parsing") == ()


def test_two_samples_that_ask_the_same_question_get_their_own_answers_back() -> None:
    recorded = SolutionGateway()
    calls = {}
    for name in ("a", "b"):
        question = chat_request()
        recorded.give(name, f"def {name}(): ...")
        recorded.begin(question.correlation_id, name)
        calls[name] = (ask(recorded, question).call,)
    gateway = SampleReplay(lambda request_id: calls.get(request_id, ()), models=(SOLUTION_MODEL,))
    first, second, unknown = chat_request(), chat_request(), chat_request()
    for question, name in ((first, "a"), (second, "b"), (unknown, "c")):
        gateway.begin(question.correlation_id, name)
    assert "def b" in ask(gateway, second).text
    assert "def a" in ask(gateway, first).text
    for question in (second, unknown, chat_request()):
        with pytest.raises(NotRecordedError):
            ask(gateway, question)


def test_every_question_is_asked_at_the_fixed_temperature() -> None:
    behind = QueuedModels(["answer"], names=("m",))
    gateway = FixedTemperature(behind, 0.8)
    request = replace(chat_request(), temperature=0.2)
    assert ask(gateway, request, model="m").text == "answer"
    (asked,) = behind.asked
    assert asked == ("m", replace(request, temperature=0.8))
    assert gateway.candidates("any") == ("m",)
