"""Several hosts of one model, the configured host, several loops and threads: all against real servers."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.providers import errors
from omniclaude_dagster.providers.directory import DEFAULT_MODEL
from omniclaude_dagster.providers.errors import ProviderError
from omniclaude_dagster.providers.gateway import build_gateway
from omniclaude_dagster.settings import Settings
from tests.support.misbehaving_server import GOOD_TEXT, Fault, MisbehavingServer, ScriptedModelServer
from tests.support.model_gateways import SECRET, chat_request, gateway_with, model_entry

pytestmark = pytest.mark.integration


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer() as running:
        yield running


async def test_work_moves_away_from_a_host_that_dies_and_returns_when_it_is_back() -> None:
    with MisbehavingServer() as first, MisbehavingServer() as second:
        gateway = gateway_with([model_entry(hosts=[first.base_url, second.base_url])])

        async def ask(times: int) -> set[str]:
            return {(await gateway.chat(chat_request(), model="test-model")).call.host for _ in range(times)}

        assert await ask(4) == {first.base_url, second.base_url}

        first.stop()
        assert await ask(6) == {second.base_url}, "every request is answered, by the host that lives"

        first.start()
        await asyncio.sleep(0.5)
        assert await ask(6) == {first.base_url, second.base_url}


async def test_a_host_that_hangs_is_not_given_work_after_its_failures_while_another_is_well() -> None:
    with MisbehavingServer("server_error") as sick, MisbehavingServer() as well:
        sick.models_fault = Fault("hang")
        gateway = gateway_with([model_entry(hosts=[sick.base_url, well.base_url])])

        replies = [await gateway.chat(chat_request(), model="test-model") for _ in range(10)]

    assert all(reply.text == GOOD_TEXT for reply in replies)
    assert sick.chat_count <= 3
    assert well.chat_count == 10


async def test_an_answer_that_was_useless_is_asked_of_another_host_even_a_busier_one() -> None:
    with MisbehavingServer("none_content") as useless, MisbehavingServer("slow", seconds=0.2) as busy:
        gateway = gateway_with([model_entry(hosts=[useless.base_url, busy.base_url])])

        replies = await asyncio.gather(*(gateway.chat(chat_request(), model="test-model") for _ in range(6)))

    assert {reply.call.host for reply in replies} == {busy.base_url}
    assert useless.chat_count > 0


async def test_the_host_with_fewer_requests_in_flight_is_taken() -> None:
    with MisbehavingServer("slow", seconds=0.6) as slow, MisbehavingServer("slow", seconds=0.05) as fast:
        entry = model_entry(hosts=[slow.base_url, fast.base_url], max_concurrency_per_host=1)
        gateway = gateway_with([entry])

        await asyncio.gather(*(gateway.chat(chat_request(), model="test-model") for _ in range(8)))

    assert slow.chat_count == 1
    assert fast.chat_count == 7
    assert slow.most_in_flight == fast.most_in_flight == 1


def test_one_limit_holds_for_all_threads_and_event_loops_together() -> None:
    texts: list[str] = []
    with MisbehavingServer("slow", seconds=0.05) as server:
        gateway = gateway_with([model_entry(hosts=[server.base_url], max_concurrency_per_host=2)])

        async def several() -> list[str]:
            replies = await asyncio.gather(*(gateway.chat(chat_request(), model="test-model") for _ in range(4)))
            return [reply.text for reply in replies]

        threads = [threading.Thread(target=lambda: texts.extend(asyncio.run(several()))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert texts == [GOOD_TEXT] * 16
    assert server.most_in_flight == 2


def test_loops_that_end_leave_no_connection_behind(server: MisbehavingServer) -> None:
    gateway = gateway_with([model_entry(hosts=[server.base_url])])

    async def ask() -> None:
        await gateway.chat(chat_request(), model="test-model")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            asyncio.run(ask())
        gc.collect()

    assert [str(w.message) for w in caught] == []
    assert not gateway._clients._by_loop


def test_a_gateway_that_is_dropped_early_leaves_no_connection_behind(server: MisbehavingServer) -> None:
    async def ask_and_forget() -> None:
        await gateway_with([model_entry(hosts=[server.base_url])]).chat(chat_request(), model="test-model")
        gc.collect()
        await asyncio.sleep(0)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(ask_and_forget())
        gc.collect()

    assert [str(w.message) for w in caught] == []


async def test_a_closed_gateway_opens_again(server: MisbehavingServer) -> None:
    gateway = gateway_with([model_entry(hosts=[server.base_url])])
    await gateway.chat(chat_request(), model="test-model")
    await gateway.close()

    assert (await gateway.chat(chat_request(), model="test-model")).text == GOOD_TEXT


async def test_a_cancelled_call_gives_its_place_back(server: MisbehavingServer) -> None:
    server.behave("hang")
    gateway = gateway_with([model_entry(hosts=[server.base_url], max_concurrency_per_host=1)])
    task = asyncio.create_task(gateway.chat(chat_request(), model="test-model"))
    while server.chat_count == 0:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    server.behave("good")
    assert (await gateway.chat(chat_request(deadline_s=2), model="test-model")).text == GOOD_TEXT


# The host that OMNICLAUDE_MODEL_BASE_URL names.


def _built(tmp_path: Path, **settings: Any) -> Any:
    unset = {"model_base_url": None, "model_name": None, "model_api_key": None, "model_configs": None}
    return build_gateway(Settings.model_validate({"home": tmp_path, **unset, **settings}))


async def test_the_configured_host_is_asked_once_what_it_serves(server: MisbehavingServer, tmp_path: Path) -> None:
    gateway = _built(tmp_path, model_base_url=server.base_url.removesuffix("/v1"))
    assert gateway.candidates("3")[0] == DEFAULT_MODEL

    replies = [await gateway.chat(chat_request(), model=DEFAULT_MODEL) for _ in range(2)]

    assert {reply.call.model for reply in replies} == {"scripted-model"}
    assert gateway.candidates("3")[0] == "scripted-model"
    assert [r.method for r in server.requests] == ["GET", "POST", "POST"]
    assert all(reply.call.cost_nanousd == 0 for reply in replies)


async def test_the_configured_host_and_the_catalog_are_put_together(tmp_path: Path) -> None:
    with MisbehavingServer(models=["smollm2-135m", "other"]) as server:
        gateway = _built(tmp_path, model_base_url=server.base_url, model_api_key=SECRET)

        reply = await gateway.chat(chat_request(), model="smollm2-135m")
        other = await gateway.chat(chat_request(), model="other")

    assert (reply.call.model, reply.call.host) == ("smollm2-135m", server.base_url)
    assert other.call.model == "other"
    assert [r.body["model"] for r in server.chat_requests] == ["smollm2-135m", "other"]
    assert server.chat_requests[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_a_model_that_neither_catalog_nor_host_knows_is_named(server: MisbehavingServer, tmp_path: Path) -> None:
    gateway = _built(tmp_path, model_base_url=server.base_url)

    with pytest.raises(errors.UnknownModelError, match="'no-such-model'") as caught:
        await gateway.chat(chat_request(), model="no-such-model")

    assert not caught.value.is_fallback_helpful
    assert caught.value.call is not None
    assert server.chat_count == 0


async def test_a_configured_host_that_is_down_is_said_so(tmp_path: Path) -> None:
    with ScriptedModelServer() as server:
        pass
    gateway = _built(tmp_path, model_base_url=server.base_url)

    with pytest.raises(ProviderError) as caught:
        await gateway.chat(chat_request(), model=DEFAULT_MODEL)

    assert type(caught.value) is errors.ModelConnectionError
    assert server.base_url in str(caught.value)
    assert caught.value.call is not None


@pytest.mark.parametrize("fault", ["html_200", "empty_body", "hang", "echo_key"])
async def test_a_configured_host_that_lists_nonsense_is_an_error_with_a_record(
    server: MisbehavingServer, tmp_path: Path, fault: str
) -> None:
    server.models_fault = Fault(fault)
    gateway = _built(tmp_path, model_base_url=server.base_url, model_api_key=SECRET)

    with pytest.raises(ProviderError) as caught:
        await gateway.chat(chat_request(deadline_s=5), model=DEFAULT_MODEL)

    assert caught.value.call is not None
    assert SECRET not in str(caught.value)


async def test_a_restarted_host_with_another_model_is_asked_again(tmp_path: Path) -> None:
    with MisbehavingServer(models=["old"]) as server:
        gateway = _built(tmp_path, model_base_url=server.base_url)
        await gateway.chat(chat_request(), model=DEFAULT_MODEL)
        server.models = ["new"]
        server.behave("status", status=404, message="old is not served")
        with pytest.raises(errors.RejectedRequestError):
            await gateway.chat(chat_request(), model=DEFAULT_MODEL)
        server.behave("good")

        assert (await gateway.chat(chat_request(), model=DEFAULT_MODEL)).call.model == "new"


# status()


async def test_status_says_of_every_model_whether_it_answers_and_why_not() -> None:
    with MisbehavingServer() as good, MisbehavingServer() as broken, MisbehavingServer(models=["else"]) as other:
        broken.models_fault = Fault("echo_key")
        free = [{**model_entry().prices[0].model_dump(), "input_usd_per_million_tokens": "0"}]
        free[0]["output_usd_per_million_tokens"] = "0"
        gateway = gateway_with(
            [
                model_entry("good", hosts=[good.base_url]),
                model_entry("refused", hosts=[broken.base_url]),
                model_entry("keyless", hosts=[good.base_url], api_key_env="MISSING_KEY"),
                model_entry("unpriced", hosts=[good.base_url], prices=[]),
                model_entry("elsewhere", hosts=[other.base_url], is_local=True, prices=free, api_key_env=None),
                model_entry("one-of-two", hosts=["http://127.0.0.1:9/v1", good.base_url]),
            ]
        )
        statuses = {status.name: status for status in await gateway.status()}

    assert {name for name, status in statuses.items() if status.is_reachable} == {"good", "one-of-two"}
    assert "401" in statuses["refused"].reason
    assert SECRET not in repr(statuses)
    assert statuses["keyless"].reason == "no key: set MISSING_KEY"
    assert "no price" in statuses["unpriced"].reason
    assert "does not serve scripted-model, but else" in statuses["elsewhere"].reason
    assert statuses["good"].input_usd_per_million_tokens == 1.0
    assert len(good.requests) == 2, "a model without key or price is not asked for"


async def test_status_does_not_wait_for_a_host_that_hangs(server: MisbehavingServer) -> None:
    server.models_fault = Fault("hang")
    gateway = gateway_with([model_entry(f"m{i}", hosts=[server.base_url]) for i in range(5)])
    loop = asyncio.get_running_loop()
    started = loop.time()

    statuses = await gateway.status()

    assert loop.time() - started < 2.0
    assert not any(status.is_reachable for status in statuses)


async def test_status_shows_the_configured_host_first(server: MisbehavingServer, tmp_path: Path) -> None:
    reachable = (await _built(tmp_path, model_base_url=server.base_url).status())[0]
    server.stop()
    gone = (await _built(tmp_path, model_base_url=server.base_url).status())[0]

    assert (reachable.name, reachable.is_reachable, reachable.reason) == ("scripted-model", True, "ready")
    assert (gone.name, gone.is_reachable) == (DEFAULT_MODEL, False)
    assert "cannot be reached" in gone.reason
