"""The gateway over a fake transport: choice of models, keys, prices, the vendors' status codes, records."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from omniclaude_dagster.errors import ConfigurationError, PermanentError, TransientError
from omniclaude_dagster.providers import errors
from omniclaude_dagster.providers.catalog import catalog_of
from omniclaude_dagster.providers.directory import DEFAULT_MODEL, Directory
from omniclaude_dagster.providers.gateway import HttpModelGateway
from omniclaude_dagster.providers.resilience import Clock
from tests.support.model_gateways import (
    NAME_SCHEMA,
    SECRET,
    chat_request,
    gateway_with,
    model_entry,
    price,
)

FREE = [price("2024-01-01", "0", "0")]
CLOUD = "https://api.example.com/v1"


def _answering(body: Any, *, status: int = 200, seen: list[httpx.Request] | None = None) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return httpx.Response(status, json=body)

    return httpx.MockTransport(handle)


OPENAI_OK = {
    "choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5},
}
GEMINI_OK = {
    "candidates": [{"content": {"parts": [{"text": '{"name": "x"}'}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5},
}
ANTHROPIC_OK = {
    "content": [{"type": "tool_use", "name": "reply", "input": {"name": "x"}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 10, "output_tokens": 5},
}


@pytest.mark.parametrize(
    ("provider", "body", "path", "key_header"),
    [
        ("openai_compatible", OPENAI_OK, "/v1/chat/completions", "authorization"),
        ("gemini", GEMINI_OK, "/v1/models/scripted-model:generateContent", "x-goog-api-key"),
        ("anthropic", ANTHROPIC_OK, "/v1/messages", "x-api-key"),
    ],
)
async def test_every_provider_answers_through_the_same_door(
    provider: str, body: dict[str, Any], path: str, key_header: str
) -> None:
    seen: list[httpx.Request] = []
    entry = model_entry(provider=provider, hosts=[CLOUD])
    gateway = gateway_with([entry], transport=_answering(body, seen=seen))
    schema = None if provider == "openai_compatible" else NAME_SCHEMA

    reply = await gateway.chat(chat_request(json_schema=schema), model="test-model")

    assert reply.data == (None if schema is None else {"name": "x"})
    assert (reply.call.tokens_input, reply.call.tokens_output) == (10, 5)
    assert reply.call.cost_nanousd == 10 * 1_000 + 5 * 2_000
    assert reply.call.provider == provider
    assert seen[0].url.path == path
    assert SECRET in seen[0].headers[key_header]
    assert SECRET not in str(seen[0].url)
    assert seen[0].headers["accept-encoding"] == "identity"


async def test_gemini_says_400_for_a_bad_key_and_it_is_understood() -> None:
    body = {"error": {"message": f"API key not valid: {SECRET}", "details": [{"reason": "API_KEY_INVALID"}]}}
    gateway = gateway_with([model_entry(provider="gemini", hosts=[CLOUD])], transport=_answering(body, status=400))
    with pytest.raises(errors.AuthError) as caught:
        await gateway.chat(chat_request(), model="test-model")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("secrets", [{}, {"TEST_API_KEY": "line\nbreak-in-key"}, {"TEST_API_KEY": "schlüssel-geheim"}])
async def test_a_missing_or_impossible_key_is_found_before_anything_is_sent(secrets: dict[str, str]) -> None:
    seen: list[httpx.Request] = []
    gateway = gateway_with([model_entry()], secrets=secrets, transport=_answering(OPENAI_OK, seen=seen))
    with pytest.raises(errors.AuthError, match="TEST_API_KEY") as caught:
        await gateway.chat(chat_request(), model="test-model")
    assert seen == []
    assert all(value not in str(caught.value) for value in secrets.values())


async def test_a_cloud_model_without_a_price_is_not_called() -> None:
    seen: list[httpx.Request] = []
    gateway = gateway_with([model_entry(prices=[])], transport=_answering(OPENAI_OK, seen=seen))
    with pytest.raises(errors.PriceUnknownError, match="'test-model'") as caught:
        await gateway.chat(chat_request(), model="test-model")
    assert seen == []
    assert caught.value.call is not None
    assert (caught.value.call.attempts, caught.value.call.cost_nanousd) == (0, 0)


async def test_usage_of_useless_attempts_is_paid_for_too() -> None:
    empty = {**OPENAI_OK, "choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}
    bodies = [empty, OPENAI_OK]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=bodies.pop(0)))

    reply = await gateway_with([model_entry()], transport=transport).chat(chat_request(), model="test-model")

    assert reply.call.attempts == 2
    assert reply.call.tokens_input == 20


async def test_a_redirect_is_not_followed() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(302, headers={"location": "http://169.254.169.254/latest/meta-data"})

    with pytest.raises(errors.RejectedRequestError):
        await gateway_with([model_entry()], transport=httpx.MockTransport(handle)).chat(
            chat_request(), model="test-model"
        )
    assert len(seen) == 1


# candidates()


def _named(*names_and_changes: tuple[str, dict[str, Any]]) -> list[Any]:
    return [model_entry(name, **changes) for name, changes in names_and_changes]


def test_candidates_are_usable_allowed_and_cheapest_first() -> None:
    gateway = gateway_with(
        _named(
            ("dear", {"prices": [price("2025-01-01", "10", "10")]}),
            ("cheap", {}),
            ("free", {"is_local": True, "prices": FREE, "api_key_env": None}),
            ("keyless", {"api_key_env": "NOT_SET"}),
            ("unpriced", {"prices": []}),
            ("priced-later", {"prices": [price("2099-01-01", "1", "1")]}),
            ("homeless", {"is_local": True, "hosts": [], "prices": FREE, "api_key_env": None}),
            ("other-stage", {"stages": ["4"]}),
        )
    )
    assert gateway.candidates("3") == ("free", "cheap", "dear")
    assert gateway.candidates("4") == ("free", "cheap", "other-stage", "dear")


def test_without_any_usable_model_there_are_no_candidates() -> None:
    assert gateway_with([model_entry()], secrets={}).candidates("3") == ()


def test_the_configured_host_comes_first_under_its_name() -> None:
    entries = _named(("free", {"is_local": True, "prices": FREE, "api_key_env": None}), ("cheap", {}))
    host = "http://127.0.0.1:8000"
    assert gateway_with(entries, model_base_url=host).candidates("3") == (DEFAULT_MODEL, "free", "cheap")
    assert gateway_with(entries, model_base_url=host, model_name="mine").candidates("3")[0] == "mine"
    assert gateway_with(entries, model_base_url=host, model_name="cheap").candidates("3") == ("cheap", "free")


def test_a_price_comes_into_force_on_its_day() -> None:
    entry = model_entry(prices=[price("2025-06-01", "1", "1")])

    def candidates_on(day: int) -> tuple[str, ...]:
        clock = Clock(utc_now=lambda: datetime(2025, 5, day, 23, 59, tzinfo=UTC))
        return gateway_with([entry], clock=clock).candidates("3")

    assert candidates_on(31) == ()
    assert gateway_with([entry]).candidates("3") == ("test-model",)


# The configured host's names and prices


async def _nobody() -> tuple[str, ...]:
    raise AssertionError("the host was asked although the name is known")


def _serving(*ids: str) -> Callable[[], Any]:
    async def serve() -> tuple[str, ...]:
        return ids

    return serve


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://169.254.169.254/", "http://u:p@127.0.0.1/v1"])
def test_an_unacceptable_address_is_a_configuration_error(address: str) -> None:
    with pytest.raises(ConfigurationError, match="OMNICLAUDE_MODEL_BASE_URL"):
        gateway_with([], model_base_url=address)


async def test_an_unlisted_model_is_free_only_on_a_private_network() -> None:
    local = await Directory(catalog_of([]), base_url="http://10.0.0.5:8000").entry_for(
        DEFAULT_MODEL, served_ids=_serving("/models/my-llama")
    )
    assert (local.name, local.is_local, local.prices[0].is_free) == ("/models/my-llama", True, True)
    assert local.hosts == ("http://10.0.0.5:8000/v1",)

    public = gateway_with([], model_base_url=CLOUD, model_name="mystery")
    assert public.candidates("3") == ()
    with pytest.raises(errors.PriceUnknownError, match="'mystery'"):
        await public.chat(chat_request(), model="mystery")


async def test_a_model_that_is_free_at_home_has_no_price_on_a_public_host() -> None:
    catalog = catalog_of([model_entry("free", is_local=True, prices=FREE, hosts=[], api_key_env=None)])
    at_home = Directory(catalog, base_url="http://127.0.0.1:8000/v1", model_name="free").default_entry()
    rented = Directory(catalog, base_url=CLOUD, model_name="free").default_entry()
    assert at_home is not None
    assert at_home.prices
    assert rented is not None
    assert (rented.is_local, rented.prices) == (False, ())


async def test_a_priced_model_keeps_its_price_on_a_private_host() -> None:
    """A private address may be a proxy in front of a cloud."""
    catalog = catalog_of([model_entry("dear", remote_model="vendor/dear")])
    directory = Directory(catalog, base_url="http://127.0.0.1:8000/v1", model_name="vendor/dear")
    entry = await directory.entry_for("dear", served_ids=_nobody)
    assert (entry.name, entry.remote_model, entry.prices[0].is_free) == ("dear", "vendor/dear", False)


async def test_names_that_no_model_can_have_are_ignored_in_a_hosts_list() -> None:
    directory = Directory(catalog_of([]), base_url="http://127.0.0.1:8000/v1")
    entry = await directory.entry_for(DEFAULT_MODEL, served_ids=_serving("bad\nname", "x" * 500, "good"))
    assert entry.name == "good"
    with pytest.raises(errors.EmptyReplyError, match="OMNICLAUDE_MODEL_NAME"):
        await Directory(catalog_of([]), base_url="http://127.0.0.1:8000/v1").entry_for(
            DEFAULT_MODEL, served_ids=_serving()
        )


# The error tree


def _all_errors(base: type[errors.ProviderError]) -> list[type[errors.ProviderError]]:
    return [base, *(leaf for sub in base.__subclasses__() for leaf in _all_errors(sub))]


def test_every_error_says_what_it_is_and_whether_a_retry_or_another_model_helps() -> None:
    tree = [e for e in _all_errors(errors.ProviderError) if e.__subclasses__() == [] or "kind" in vars(e)]
    kinds = [e.kind for e in tree]
    assert len(set(kinds)) == len(kinds)
    for error in tree:
        if error is not errors.ProviderError:
            assert issubclass(error, TransientError) != issubclass(error, PermanentError), error
            assert not (error.is_retried and issubclass(error, PermanentError)), error
            assert error.kind.replace("_", "").isalpha()
            assert error.__name__ in (errors.__doc__ or "")


def test_errors_survive_a_process_boundary() -> None:
    error = errors.RateLimitedError("no", cure="wait", retry_after_s=3.0)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.retry_after_s, copy.call) == ("no Cure: wait", 3.0, None)


def test_building_a_gateway_opens_nothing() -> None:
    gateway = gateway_with([model_entry()])
    assert isinstance(gateway, HttpModelGateway)
    assert not gateway._clients._by_loop
