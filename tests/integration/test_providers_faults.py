"""The gateway against a real server that misbehaves in every way the issue lists (faults 25 to 31, 33)."""

import dataclasses
import logging
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from omniclaude_dagster.providers import errors
from omniclaude_dagster.providers.errors import ProviderError
from omniclaude_dagster.providers.gateway import HttpModelGateway
from tests.support.misbehaving_server import GOOD_TEXT, Fault, MisbehavingServer, ScriptedModelServer
from tests.support.model_gateways import NAME_SCHEMA, SECRET, chat_request, gateway_with, model_entry

pytestmark = pytest.mark.integration


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer() as running:
        yield running


def _gateway_at(server: ScriptedModelServer, **changes: Any) -> HttpModelGateway:
    return gateway_with([model_entry(hosts=[server.base_url], **changes)])


async def _failure(gateway: HttpModelGateway, *, model: str = "test-model", **request: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await gateway.chat(chat_request(**request), model=model)
    return caught.value


# Fault, the class it must become, and how many requests the server may see for one call.
FAULTS: list[tuple[Fault, type[ProviderError], int]] = [
    (Fault("empty_body"), errors.EmptyReplyError, 3),
    (Fault("no_choices"), errors.EmptyReplyError, 3),
    (Fault("missing_choices"), errors.EmptyReplyError, 3),
    (Fault("none_content"), errors.EmptyReplyError, 3),
    (Fault("blank_content"), errors.EmptyReplyError, 3),
    (Fault("html_200"), errors.HtmlReplyError, 1),
    (Fault("html_as_json"), errors.HtmlReplyError, 1),
    (Fault("not_json"), errors.MalformedReplyError, 1),
    (Fault("not_utf8"), errors.MalformedReplyError, 1),
    (Fault("compressed"), errors.MalformedReplyError, 1),
    (Fault("half_character"), errors.MalformedReplyError, 1),
    (Fault("finish_length"), errors.TruncatedReplyError, 1),
    (Fault("finish_missing"), errors.TruncatedReplyError, 1),
    (Fault("finish_content_filter"), errors.RefusedReplyError, 1),
    (Fault("cut_content_length"), errors.CutReplyError, 3),
    (Fault("cut_chunked"), errors.CutReplyError, 3),
    (Fault("reset_mid_body"), errors.CutReplyError, 3),
    (Fault("huge_body"), errors.ReplyTooLargeError, 1),
    (Fault("endless_stream"), errors.ReplyTooLargeError, 1),
    (Fault("rate_limited"), errors.RateLimitedError, 3),
    (Fault("rate_limited", {"retry_after": "3600"}), errors.RateLimitedError, 1),
    (Fault("rate_limited", {"retry_after": "soon"}), errors.RateLimitedError, 3),
    (Fault("server_error"), errors.ServerError, 3),
    (Fault("bad_gateway"), errors.ServerError, 3),
    (Fault("reset"), errors.ModelConnectionError, 3),
    (Fault("hang_up"), errors.ModelConnectionError, 3),
    (Fault("echo_key"), errors.AuthError, 1),
    (Fault("echo_key", {"status": 403}), errors.AuthError, 1),
    (Fault("status", {"status": 400, "message": "context too long"}), errors.RejectedRequestError, 1),
    (Fault("status", {"status": 404, "message": "no such model"}), errors.RejectedRequestError, 1),
    (Fault("redirect"), errors.RejectedRequestError, 1),
]


@pytest.mark.parametrize(("fault", "expected", "requests"), FAULTS, ids=lambda v: getattr(v, "name", None))
async def test_each_fault_becomes_its_error_after_a_bounded_number_of_requests(
    server: MisbehavingServer,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    expected: type[ProviderError],
    requests: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.default = fault

    error = await _failure(_gateway_at(server))

    assert type(error) is expected
    assert "'test-model'" in repr(error)
    assert server.chat_count == requests
    call = error.call
    assert call is not None
    assert (call.attempts, call.is_success, call.error_kind) == (requests, False, expected.kind)
    assert (call.model, call.host) == ("test-model", server.base_url)
    assert call.latency_ms > 0
    assert server.chat_requests[0].headers["authorization"] == f"Bearer {SECRET}"
    told = "".join([str(error), repr(error), repr(dataclasses.asdict(call)), caplog.text])
    assert SECRET not in told + "".join(traceback.format_exception(error))


@pytest.mark.parametrize("fault", ["hang", "slow_drip"])
async def test_a_host_that_never_finishes_is_given_up_at_the_overall_deadline(
    server: MisbehavingServer, fault: str
) -> None:
    server.behave(fault)
    started = time.monotonic()

    error = await _failure(_gateway_at(server), deadline_s=0.5)

    assert time.monotonic() - started < 2.0
    assert type(error) is errors.ModelTimeoutError
    assert server.chat_count == 1
    assert error.call is not None
    # The model may have worked for it, so the prompt at least is counted.
    assert error.call.is_usage_estimated
    assert error.call.cost_nanousd > 0


@pytest.mark.parametrize("fault", ["prose", "broken_json", "nan_json"])
async def test_an_answer_that_is_not_json_is_refused_where_a_schema_was_asked_for(
    server: MisbehavingServer, fault: str
) -> None:
    server.behave(fault)

    error = await _failure(_gateway_at(server), json_schema=NAME_SCHEMA)

    assert isinstance(error, errors.InvalidJsonError)
    assert server.chat_count == 1
    assert error.text, "the caller needs what the model wrote for its one repair prompt"
    assert error.call is not None
    assert error.call.tokens_output > 0, "a useless answer is paid for as well"


async def test_an_answer_at_the_token_limit_says_so_and_keeps_what_was_written(server: MisbehavingServer) -> None:
    server.behave("finish_length")

    error = await _failure(_gateway_at(server))

    assert "token limit" in str(error)
    assert isinstance(error, errors.TruncatedReplyError)
    assert error.text == "def answer() -> int:\n    ret"
    assert error.call is not None
    assert error.call.tokens_output > 0


async def test_a_markdown_fence_around_json_is_tolerated(server: MisbehavingServer) -> None:
    server.behave("fenced_json")

    reply = await _gateway_at(server).chat(chat_request(json_schema=NAME_SCHEMA), model="test-model")

    assert reply.data == {"name": "Ledger"}
    assert server.chat_requests[0].body["response_format"]["json_schema"]["schema"] == NAME_SCHEMA


async def test_a_good_answer_with_the_wrong_content_type_is_accepted(server: MisbehavingServer) -> None:
    server.behave("wrong_content_type")

    reply = await _gateway_at(server).chat(chat_request(), model="test-model")

    assert reply.text == GOOD_TEXT


@pytest.mark.parametrize(
    ("prompt_tokens", "completion_tokens"),
    [(-5, 7), (9, -1), (10**15, 7), (9, 10**15), ("9", 7), (None, None), (True, 7), (0, 7), (9, 0), (9.5, 7)],
)
async def test_impossible_usage_is_estimated_and_flagged(
    server: MisbehavingServer, prompt_tokens: object, completion_tokens: object
) -> None:
    server.behave("usage", prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)

    call = (await _gateway_at(server).chat(chat_request(), model="test-model")).call

    assert call.is_usage_estimated
    assert 0 < call.tokens_input < 100
    assert 0 < call.tokens_output < 100
    assert 0 < call.cost_nanousd < 1_000_000


async def test_missing_usage_is_estimated_and_flagged(server: MisbehavingServer) -> None:
    server.behave("missing_usage")

    call = (await _gateway_at(server).chat(chat_request(), model="test-model")).call

    assert call.is_usage_estimated
    assert call.tokens_output > 0


async def test_possible_usage_is_believed_and_priced_exactly(server: MisbehavingServer) -> None:
    server.behave("usage", prompt_tokens=9, completion_tokens=7)

    call = (await _gateway_at(server).chat(chat_request(), model="test-model")).call

    assert not call.is_usage_estimated
    assert call.cost_nanousd == 9 * 1_000 + 7 * 2_000
    assert (call.attempts, call.is_success, call.error_kind) == (1, True, None)


@pytest.mark.parametrize("fault", ["server_error", "reset", "cut_chunked", "rate_limited", "none_content"])
async def test_a_fault_that_passes_is_survived(fault: str) -> None:
    with ScriptedModelServer([Fault(fault), Fault(fault), "at last"]) as server:
        reply = await _gateway_at(server).chat(chat_request(), model="test-model")

    assert reply.text == "at last"
    assert reply.call.attempts == server.chat_count == 3


async def test_a_short_retry_after_is_honoured() -> None:
    with ScriptedModelServer([Fault("rate_limited", {"retry_after": "0.4"}), "at last"]) as server:
        started = time.monotonic()
        reply = await _gateway_at(server).chat(chat_request(), model="test-model")

    assert reply.text == "at last"
    assert time.monotonic() - started >= 0.4


async def test_a_long_retry_after_fails_at_once_and_closes_the_circuit(server: MisbehavingServer) -> None:
    server.behave("rate_limited", retry_after="3600")
    gateway = _gateway_at(server)

    first, second = await _failure(gateway), await _failure(gateway)

    assert "asks to wait 3600 s" in str(first)
    assert type(second) is errors.CircuitOpenError
    assert server.chat_count == 1
    assert second.call is not None
    assert second.call.attempts == 0


async def test_no_wait_reaches_past_the_deadline() -> None:
    with ScriptedModelServer([Fault("rate_limited", {"retry_after": "1"}), "too late"]) as server:
        started = time.monotonic()
        error = await _failure(_gateway_at(server), deadline_s=0.5)

    assert type(error) is errors.RateLimitedError
    assert time.monotonic() - started < 0.5


async def test_a_failing_host_is_left_alone_until_it_answers_again(server: MisbehavingServer) -> None:
    server.behave("server_error")
    gateway = _gateway_at(server)
    await _failure(gateway)
    assert type(await _failure(gateway)) is errors.CircuitOpenError
    assert server.chat_count == 3

    time.sleep(0.25)
    server.models_fault = Fault("server_error")
    assert type(await _failure(gateway)) is errors.CircuitOpenError
    assert server.chat_count == 3, "a host that is still sick is asked cheaply, not with real work"

    server.models_fault = None
    server.behave("good")
    time.sleep(0.45)
    assert (await gateway.chat(chat_request(), model="test-model")).text == GOOD_TEXT


async def test_a_dead_address_is_a_connection_error() -> None:
    server = ScriptedModelServer()
    with server:
        pass

    error = await _failure(_gateway_at(server))

    assert type(error) is errors.ModelConnectionError
    assert "start it" in error.cure


async def test_a_refused_key_is_an_alert_and_other_failures_are_not(
    server: MisbehavingServer, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = _gateway_at(server)
    server.behave("html_200")
    await _failure(gateway)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    server.behave("echo_key")
    await _failure(gateway)
    (alert,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "401" in alert.getMessage()


async def test_a_proxy_of_the_environment_is_not_asked_for_hosts_on_our_own_network(
    server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    assert (await _gateway_at(server).chat(chat_request(), model="test-model")).text == GOOD_TEXT


async def test_a_secret_survives_in_no_form_when_the_host_echoes_it_in_a_page(server: MisbehavingServer) -> None:
    server.behave("status", status=400, message=f"bad ?key={SECRET}&x=1 x-api-key: {SECRET} sk-other-tenant-12345678")

    error = await _failure(_gateway_at(server))

    assert SECRET not in str(error)
    assert "other-tenant" not in str(error)
    assert "[redacted]" in str(error)
