"""Generated Redis nodes work on a real Redis: what they say they did is there, once, and every failure has a name."""

import asyncio
import json
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from redis import Redis

from tests.support.generated_nodes import ImportedNode
from tests.support.loopback_servers import RedisServer
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("redis")]

CACHE = "Create EFFECT node for Redis cache operations"
SESSIONS = (
    "EFFECT node called SessionCache that stores and reads user sessions in Redis with user_id (uuid), email (string) "
    "and forgets them after 30 minutes"
)
COUNTER = "EFFECT node that increments a page counter in Redis"
HASHES = "EFFECT node called ProfileHashes that reads and writes user profile hashes in Redis"
QUEUE = "EFFECT node called JobQueue that pushes and pops jobs on a Redis list"
CHANNEL = "EFFECT node called Broadcast that publishes events to a Redis channel"
SESSION = {"user_id": "00000000-0000-4000-8000-00000000000a", "email": "ada@example.org"}
MakeNode = Callable[[str], Any]


@pytest.fixture
def key() -> str:
    return f"key-{uuid.uuid4().hex}"


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Any]:
    """The server, asked without the node."""
    with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


def perform_all(
    imported: ImportedNode, url: str, operations: Sequence[dict[str, Any]], **config: Any
) -> list[dict[str, Any]]:
    """Operations of one node through its public door, one after the other."""

    async def scenario() -> list[Any]:
        settings = imported.model("Config")(url=url, **{"retry_pause_s": 0, **config})
        node = imported.node_class(ModelONEXContainer(), settings)
        await node.initialize()
        results = []
        try:
            for values in operations:
                request = ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=values)
                results.append((await node.process(request)).result)
        finally:
            await node.cleanup()
        return results

    return asyncio.run(scenario())


def perform(imported: ImportedNode, url: str, values: dict[str, Any], **config: Any) -> dict[str, Any]:
    (result,) = perform_all(imported, url, [values], **config)
    return result


def test_a_cache_node_sets_gets_expires_and_deletes(node: Any, redis_server: RedisServer, redis: Any, key: str) -> None:
    value = {"name": "Ada", "tags": ["a", None, 1.5], "text": "\U0001f680 \u202e '; --"}
    operations: list[dict[str, Any]] = [
        {"operation": "get", "key": key},
        {"operation": "set", "key": key, "value": value, "ttl_s": 60},
        {"operation": "get", "key": key},
        {"operation": "exists", "key": key},
        {"operation": "expire", "key": key, "ttl_s": 500},
    ]
    with node(CACHE) as imported:
        missing, written, found, exists, kept = perform_all(imported, redis_server.url, operations)
        assert (missing["is_found"], missing["value"]) == (False, None)
        assert (found["is_found"], found["value"]) == (True, value)
        assert (written["is_changed"], exists["is_found"], kept["is_changed"]) == (True, True, True)
        assert json.loads(redis.get(key)) == value
        assert 400 < redis.ttl(key) <= 500
        gone = perform_all(imported, redis_server.url, [{"operation": "delete", "key": key}] * 2)
    assert [result["is_changed"] for result in gone] == [True, False]
    assert redis.exists(key) == 0


def test_a_value_that_is_there_is_left_where_asked_so(
    node: Any, redis_server: RedisServer, redis: Any, key: str
) -> None:
    values = {"operation": "set", "key": key, "only_if_absent": True}
    with node(CACHE) as imported:
        first, second = perform_all(imported, redis_server.url, [{**values, "value": n} for n in (1, 2)])
    assert (first["is_changed"], second["is_changed"], redis.get(key)) == (True, False, "1")


def test_typed_sessions_are_kept_for_as_long_as_the_sentence_says(
    node: Any, redis_server: RedisServer, redis: Any, key: str
) -> None:
    with node(SESSIONS) as imported:
        _, found = perform_all(
            imported,
            redis_server.url,
            [{"operation": "set", "key": key, "value": SESSION}, {"operation": "get", "key": key}],
        )
        assert found["value"] == SESSION
        assert 1700 < redis.ttl(key) <= 1800
        redis.set(key, '{"user_id": 7}')
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, redis_server.url, {"operation": "get", "key": key})
        with pytest.raises(ModelOnexError) as refusal:
            perform(imported, redis_server.url, {"operation": "set", "key": key, "value": {"user_id": "no uuid"}})
    assert failure.value.error_code == EnumCoreErrorCode.PARSING_ERROR
    assert refusal.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def test_a_counter_counts_up_and_down(node: Any, redis_server: RedisServer, redis: Any, key: str) -> None:
    with node(COUNTER) as imported:
        operations = [{"operation": "increment", "key": key, "amount": n} for n in (1, 10, -3)]
        counts = [result["count"] for result in perform_all(imported, redis_server.url, operations)]
    assert (counts, redis.get(key)) == ([1, 11, 8], "8")


def test_hashes_are_written_and_read_by_field_and_whole(
    node: Any, redis_server: RedisServer, redis: Any, key: str
) -> None:
    operations: list[dict[str, Any]] = [
        {"operation": "hash_set", "key": key, "mapping": {"name": "Ada", "age": 36}},
        {"operation": "hash_set", "key": key, "mapping": {"age": 37}},
        {"operation": "hash_get", "key": key},
        {"operation": "hash_get", "key": key, "field_name": "age"},
        {"operation": "hash_get", "key": key, "field_name": "none"},
    ]
    with node(HASHES) as imported:
        _, _, whole, one, none = perform_all(imported, redis_server.url, operations)
    assert whole["mapping"] == {"name": "Ada", "age": 37}
    assert (one["mapping"], none["is_found"]) == ({"age": 37}, False)
    assert redis.hgetall(key) == {"name": '"Ada"', "age": "37"}


def test_a_queue_gives_its_jobs_in_their_order(node: Any, redis_server: RedisServer, key: str) -> None:
    pushes = [{"operation": "list_push", "key": key, "value": {"job": n}} for n in (1, 2)]
    with node(QUEUE) as imported:
        results = perform_all(imported, redis_server.url, [*pushes, *[{"operation": "list_pop", "key": key}] * 3])
    assert [result["count"] for result in results[:2]] == [1, 2]
    assert [result["value"] for result in results[2:]] == [{"job": 1}, {"job": 2}, None]
    assert [result["is_found"] for result in results[2:]] == [True, True, False]


def test_an_event_reaches_the_subscribers_of_its_channel(
    node: Any, redis_server: RedisServer, redis: Any, key: str
) -> None:
    with node(CHANNEL) as imported, redis.pubsub() as subscriber:
        subscriber.subscribe(key)
        assert subscriber.get_message(timeout=5)["type"] == "subscribe"
        result = perform(imported, redis_server.url, {"operation": "publish", "key": key, "value": {"id": 1}})
        assert result["count"] == 1
        assert json.loads(subscriber.get_message(timeout=5)["data"]) == {"id": 1}


def test_the_address_of_the_environment_is_used(
    node: Any, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with node(CACHE) as imported:
        monkeypatch.setenv("REDIS_URL", redis_server.url)
        assert imported.model("Config").from_environment().url.get_secret_value() == redis_server.url
        monkeypatch.delenv("REDIS_URL")
        with pytest.raises(ModelOnexError, match="REDIS_URL is not set") as failure:
            imported.model("Config").from_environment()
    assert failure.value.error_code == EnumCoreErrorCode.CONFIGURATION_ERROR


def test_what_the_server_refuses_keeps_its_words(node: Any, redis_server: RedisServer, redis: Any, key: str) -> None:
    redis.rpush(key, "a list")
    with node(CACHE) as imported, pytest.raises(ModelOnexError, match="WRONGTYPE") as failure:
        perform(imported, redis_server.url, {"operation": "get", "key": key})
    assert failure.value.error_code == EnumCoreErrorCode.OPERATION_FAILED


def test_wrong_credentials_are_refused_once_and_stay_unspoken(node: Any, redis_server: RedisServer, key: str) -> None:
    with FaultyTcp(redis_server.port) as proxy, node(CACHE) as imported:
        address = redis_server.url_of(proxy.port, "wr0ng" + "-s3cret")
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, {"operation": "get", "key": key}, max_attempts=5)
    assert failure.value.error_code == EnumCoreErrorCode.AUTHENTICATION_ERROR
    assert "REDIS_URL" in str(failure.value)
    assert "wr0ng-s3cret" not in "".join(traceback.format_exception(failure.value))
    assert proxy.connection_count == 1


def test_a_missing_password_is_a_matter_of_credentials(node: Any, redis_server: RedisServer, key: str) -> None:
    with node(CACHE) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, f"redis://127.0.0.1:{redis_server.port}/0", {"operation": "get", "key": key})
    assert failure.value.error_code == EnumCoreErrorCode.AUTHENTICATION_ERROR


def test_a_server_that_is_away_is_a_network_error_after_bounded_attempts(node: Any, key: str) -> None:
    started = time.monotonic()
    with FaultyTcp(mode="refuse") as away, node(CACHE) as imported:
        address = f"redis://:{'s3cr3t' + '-pw'}@{away.address}/0"
        with pytest.raises(ModelOnexError) as failure:
            perform(imported, address, {"operation": "get", "key": key}, retry_pause_s=0.01)
    assert failure.value.error_code == EnumCoreErrorCode.NETWORK_ERROR
    assert "cannot be reached" in str(failure.value)
    assert "s3cr3t-pw" not in "".join(traceback.format_exception(failure.value))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_server_that_never_answers_is_a_timeout_after_bounded_attempts(attempts: int, node: Any, key: str) -> None:
    with FaultyTcp(mode="silent") as silent, node(CACHE) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, f"redis://{silent.address}/0", {"operation": "get", "key": key},
                timeout_s=0.1, max_attempts=attempts)  # fmt: skip
    assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR
    assert silent.connection_count == attempts


def test_all_attempts_together_keep_the_deadline(node: Any, key: str) -> None:
    started = time.monotonic()
    with FaultyTcp(mode="silent") as silent, node(CACHE) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, f"redis://{silent.address}/0", {"operation": "get", "key": key},
                timeout_s=30, max_attempts=10, deadline_s=0.3)  # fmt: skip
    assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR
    assert time.monotonic() - started < 15


def test_a_set_whose_answer_is_lost_is_done_again(node: Any, redis_server: RedisServer, redis: Any, key: str) -> None:
    with FaultyTcp(redis_server.port, mode="cut", on=b"SET\r\n", first_connections=1) as proxy, node(CACHE) as imported:
        values = {"operation": "set", "key": key, "value": "kept"}
        result = perform(imported, redis_server.url_of(proxy.port), values)
    assert (result["is_changed"], json.loads(redis.get(key))) == (True, "kept")
    assert (proxy.cut_count, proxy.connection_count) == (1, 2)


def test_a_read_whose_request_is_lost_is_asked_again(
    node: Any, redis_server: RedisServer, redis: Any, key: str
) -> None:
    redis.set(key, "7")
    proxy = FaultyTcp(redis_server.port, mode="cut", on=b"GET\r\n", is_request_lost=True, first_connections=1)
    with proxy, node(CACHE) as imported:
        result = perform(imported, redis_server.url_of(proxy.port), {"operation": "get", "key": key})
    assert (result["value"], proxy.connection_count) == (7, 2)


def test_an_increment_whose_answer_is_lost_is_not_repeated(
    node: Any, redis_server: RedisServer, redis: Any, key: str
) -> None:
    fault = FaultyTcp(redis_server.port, mode="cut", on=b"INCRBY\r\n", first_connections=1)
    with fault as proxy, node(COUNTER) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, redis_server.url_of(proxy.port), {"operation": "increment", "key": key})
    assert failure.value.error_code == EnumCoreErrorCode.NETWORK_ERROR
    assert redis.get(key) == "1"


def test_an_increment_survives_a_connection_that_breaks_before_it_is_sent(
    node: Any, redis_server: RedisServer, redis: Any, key: str
) -> None:
    fault = FaultyTcp(redis_server.port, mode="cut", on=b"PING\r\n", first_connections=1)
    with fault as proxy, node(COUNTER) as imported:
        result = perform(imported, redis_server.url_of(proxy.port), {"operation": "increment", "key": key})
    assert (result["count"], redis.get(key), proxy.cut_count) == (1, "1", 1)


def test_a_slow_server_is_waited_for(node: Any, redis_server: RedisServer, key: str) -> None:
    with FaultyTcp(redis_server.port, mode="slow", delay_s=0.05) as proxy, node(CACHE) as imported:
        result = perform(imported, redis_server.url_of(proxy.port), {"operation": "exists", "key": key})
    assert result["is_found"] is False


@pytest.mark.parametrize("prompt", [CACHE, COUNTER])
def test_a_server_that_restarts_between_two_operations_is_used_again(
    prompt: str, node: Any, redis_server: RedisServer, key: str
) -> None:
    values = {"key": key, "operation": "increment"} if prompt == COUNTER else {"key": key, "operation": "get"}

    async def scenario(imported: ImportedNode) -> list[Any]:
        settings = imported.model("Config")(url=redis_server.url, retry_pause_s=0.01)
        node = imported.node_class(ModelONEXContainer(), settings)
        request = ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=values)
        results = [(await node.process(request)).result]
        redis_server.stop()
        try:
            with pytest.raises(ModelOnexError) as failure:
                await node.process(request)
            assert failure.value.error_code == EnumCoreErrorCode.NETWORK_ERROR
        finally:
            redis_server.start()
        results.append((await node.process(request)).result)
        await node.cleanup()
        return results

    with node(prompt) as imported:
        results = asyncio.run(scenario(imported))
    assert [r.get("count") for r in results] == ([1, 2] if prompt == COUNTER else [None, None])


def test_no_connection_is_left_open(node: Any, redis_server: RedisServer, redis: Any, key: str) -> None:
    with node(CACHE) as imported:
        for _ in range(5):
            perform(imported, redis_server.url, {"operation": "get", "key": key})
    deadline = time.monotonic() + 5
    while redis.info("clients")["connected_clients"] > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert redis.info("clients")["connected_clients"] == 1


def test_the_node_imports_without_its_client_and_says_what_is_missing(
    node: Any, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "redis"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with node(CACHE) as imported, pytest.raises(ModelOnexError, match="pip install 'redis") as failure:
        perform(imported, "redis://127.0.0.1:9/0", {"operation": "get", "key": key})
    assert failure.value.error_code == EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE
