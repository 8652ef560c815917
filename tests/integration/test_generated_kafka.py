"""Generated Kafka nodes work on a real broker: nothing is lost, nothing is committed unasked, every fault has a name.

The broker of these tests (noida-db) has no accounts: wrong credentials are shown to `tests.support.kafka_sasl`.
"""

import asyncio
import json
import struct
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput

from tests.support.generated_nodes import ImportedNode
from tests.support.kafka_sasl import refusing_broker
from tests.support.loopback_servers import KafkaBroker
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("kafka")]

PRODUCER = "EFFECT node called OrderEvents that publishes order events to Kafka with order_id (uuid), amount (float)"
CONSUMER = "EFFECT node called OrderReader that consumes orders from Kafka"
BRIDGE = "EFFECT node called OrderBridge that produces orders to and consumes orders from a Kafka topic"
TYPED_CONSUMER = "EFFECT node called PaidReader that reads payments from Kafka with order_id (uuid), amount (float)"
ORDER = {"order_id": "00000000-0000-4000-8000-00000000000a", "amount": 2.5}
EVENT_ID = "00000000-0000-4000-8000-0000000000ee"


@pytest.fixture
def topic(kafka_broker: KafkaBroker) -> str:
    """A topic of its own."""
    from confluent_kafka.admin import AdminClient, NewTopic

    name = f"topic-{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{kafka_broker.port}", "log_level": 0})
    for future in admin.create_topics([NewTopic(name, 1)]).values():
        future.result(10)
    return name


class Session:
    """One living node, used through its public door."""

    def __init__(self, node: Any, topic: str) -> None:
        self.node = node
        self._topic = topic

    async def do(self, operation: str, **values: Any) -> Any:
        """The result of one operation."""
        data = {"topic": self._topic, "operation": operation, **values}
        request = ModelEffectInput(effect_type=EnumEffectType.EVENT_EMISSION, operation_data=data)
        return (await self.node.process(request)).result

    async def consume(self, count: int, **values: Any) -> list[dict[str, Any]]:
        """A batch of exactly `count` messages."""
        result = await self.do("consume", **{"max_messages": count, "wait_s": 20, **values})
        assert result["count"] == count
        return list(result["messages"])


def in_node(imported: ImportedNode, port: int, topic: str, scenario: Callable[[Session], Any], **config: Any) -> Any:
    """Run a scenario with a node that is initialised before and cleaned up after it."""

    async def run() -> Any:
        settings = imported.model("Config")(bootstrap_servers=f"127.0.0.1:{port}", **config)
        node = imported.node_class(ModelONEXContainer(), settings)
        await node.initialize()
        try:
            return await scenario(Session(node, topic))
        finally:
            await node.cleanup()

    return asyncio.run(run())


def put(port: int, topic: str, *values: bytes) -> None:
    """Write without the node."""
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
    for value in values:
        producer.produce(topic, value, headers={"event_id": b"e"})
    assert producer.flush(20) == 0


def all_of(port: int, topic: str) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    """Key, value and headers of every message, read without the node."""
    consumer = Consumer({"bootstrap.servers": f"127.0.0.1:{port}", "group.id": uuid.uuid4().hex, "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        messages: list[Any] = []
        while len(messages) < end:
            messages += consumer.consume(end - len(messages), timeout=10)
        return [(m.key(), m.value(), dict(m.headers() or [])) for m in messages]
    finally:
        consumer.close()


def group() -> str:
    return f"group-{uuid.uuid4().hex}"


def test_a_produced_message_is_really_there(node: Any, kafka_broker: KafkaBroker, topic: str) -> None:
    async def scenario(session: Session) -> Any:
        first = await session.do("produce", payload=ORDER, key="k", headers={"a": "ä"}, event_id=EVENT_ID)
        return first, await session.do("produce", payload=ORDER)

    with node(PRODUCER) as imported:
        first, second = in_node(imported, kafka_broker.port, topic, scenario)
    assert (first["event_id"], first["partition"], first["offset"], second["offset"]) == (EVENT_ID, 0, 0, 1)
    (key, value, headers), (no_key, _, more) = all_of(kafka_broker.port, topic)
    assert (key, json.loads(value or b""), no_key) == (b"k", ORDER, None)
    assert headers == {"a": "ä".encode(), "event_id": EVENT_ID.encode()}
    assert uuid.UUID(more["event_id"].decode()) == uuid.UUID(second["event_id"])


def test_many_messages_at_once_all_arrive_once(node: Any, kafka_broker: KafkaBroker, topic: str) -> None:
    async def scenario(session: Session) -> Any:
        return await asyncio.gather(*[session.do("produce", payload={**ORDER, "amount": n}) for n in range(20)])

    with node(PRODUCER) as imported:
        results = in_node(imported, kafka_broker.port, topic, scenario)
    assert sorted(result["offset"] for result in results) == list(range(20))
    amounts = [json.loads(value or b"")["amount"] for _, value, _ in all_of(kafka_broker.port, topic)]
    assert sorted(amounts) == list(range(20))


@pytest.mark.parametrize("values", [{"payload": {"order_id": "none"}}, {}, {"payload": ORDER, "topic": "no topic"}])
def test_what_is_no_message_is_refused_before_a_broker_is_asked(values: dict[str, Any], node: Any) -> None:
    with node(PRODUCER) as imported, pytest.raises(ModelOnexError) as failure:
        in_node(imported, 9, "t", lambda session: session.do("produce", **values))
    assert failure.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def test_a_batch_comes_again_until_it_is_committed(node: Any, kafka_broker: KafkaBroker, topic: str) -> None:
    put(kafka_broker.port, topic, *[json.dumps(n).encode() for n in range(5)])
    members = group()

    async def scenario(session: Session) -> Any:
        first = await session.consume(2)
        again = await session.consume(2)
        assert first == again
        committed = await session.do("commit")
        rest = await session.consume(3)
        return committed["count"], [m["payload"] for m in [*first, *rest]]

    with node(CONSUMER) as imported:
        assert in_node(imported, kafka_broker.port, topic, scenario, group_id=members) == (2, [0, 1, 2, 3, 4])
        # The rest was never committed: the next process of the group gets it.
        left = in_node(imported, kafka_broker.port, topic, lambda session: session.consume(3), group_id=members)
    assert [message["payload"] for message in left] == [2, 3, 4]


def test_what_was_committed_does_not_come_again(node: Any, kafka_broker: KafkaBroker, topic: str) -> None:
    put(kafka_broker.port, topic, b"1", b"2")
    members = group()

    async def all_at_once(session: Session) -> Any:
        await session.consume(2)
        return [(await session.do("commit"))["count"] for _ in range(2)]

    async def nothing(session: Session) -> Any:
        return await session.do("consume", wait_s=1)

    with node(CONSUMER) as imported:
        assert in_node(imported, kafka_broker.port, topic, all_at_once, group_id=members) == [2, 0]
        result = in_node(imported, kafka_broker.port, topic, nothing, group_id=members)
    assert (result["count"], result["messages"]) == (0, [])


def test_typed_messages_are_read_and_a_broken_one_does_not_stop_the_others(
    node: Any, kafka_broker: KafkaBroker, topic: str
) -> None:
    put(kafka_broker.port, topic, b"\xff no json", b'{"order_id": 1}', json.dumps(ORDER).encode())
    with node(TYPED_CONSUMER) as imported:
        broken, wrong, whole = in_node(
            imported, kafka_broker.port, topic, lambda session: session.consume(3), group_id=group()
        )
    assert (whole["payload"], whole["problem"], whole["event_id"], whole["offset"]) == (ORDER, None, "e", 2)
    assert broken["problem"]
    assert wrong["problem"]
    assert (broken["payload"], wrong["text"]) == (None, '{"order_id": 1}')


def test_one_node_produces_and_consumes(node: Any, kafka_broker: KafkaBroker, topic: str) -> None:
    async def scenario(session: Session) -> Any:
        await session.do("produce", payload={"n": 1}, key="k")
        (message,) = await session.consume(1)
        return message["payload"], message["key"]

    with node(BRIDGE) as imported:
        assert in_node(imported, kafka_broker.port, topic, scenario, group_id=group()) == ({"n": 1}, "k")


def test_an_unknown_topic_is_not_found(node: Any, kafka_broker: KafkaBroker) -> None:
    with node(CONSUMER) as imported, pytest.raises(ModelOnexError) as failure:
        in_node(imported, kafka_broker.port, f"none-{uuid.uuid4().hex}",
                lambda session: session.do("consume", wait_s=5), group_id=group())  # fmt: skip
    assert failure.value.error_code == EnumCoreErrorCode.NOT_FOUND


@pytest.mark.parametrize(("prompt", "operation"), [(PRODUCER, {"payload": ORDER}), (CONSUMER, {"wait_s": 1})])
def test_brokers_that_are_away_are_a_network_error_after_bounded_attempts(
    prompt: str, operation: dict[str, Any], node: Any
) -> None:
    name = "produce" if prompt == PRODUCER else "consume"
    started = time.monotonic()
    with FaultyTcp(mode="refuse") as away, node(prompt) as imported, pytest.raises(ModelOnexError) as failure:
        in_node(imported, away.port, "t", lambda session: session.do(name, **operation), retry_pause_s=0.1)
    assert failure.value.error_code == EnumCoreErrorCode.NETWORK_ERROR
    assert "after 3 attempts" in str(failure.value)
    assert "KAFKA_BOOTSTRAP_SERVERS" in str(failure.value)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(("prompt", "operation"), [(PRODUCER, {"payload": ORDER}), (CONSUMER, {"wait_s": 1})])
def test_brokers_that_never_answer_are_a_timeout(prompt: str, operation: dict[str, Any], node: Any) -> None:
    name = "produce" if prompt == PRODUCER else "consume"
    started = time.monotonic()
    with FaultyTcp(mode="silent") as silent, node(prompt) as imported, pytest.raises(ModelOnexError) as failure:
        in_node(imported, silent.port, "t", lambda session: session.do(name, **operation), timeout_s=0.5)
    assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(("prompt", "operation"), [(PRODUCER, {"payload": ORDER}), (CONSUMER, {"wait_s": 1})])
def test_wrong_credentials_are_refused_and_stay_unspoken(prompt: str, operation: dict[str, Any], node: Any) -> None:
    name = "produce" if prompt == PRODUCER else "consume"
    account = {
        "username": "ada",
        "password": "wr0ng" + "-s3cret",
        "security_protocol": "SASL_PLAINTEXT",
        "retry_pause_s": 1,
    }
    with refusing_broker() as broker, node(prompt) as imported, pytest.raises(ModelOnexError) as failure:
        in_node(imported, broker.port, "t", lambda session: session.do(name, **operation), **account)
    assert failure.value.error_code == EnumCoreErrorCode.AUTHENTICATION_ERROR
    assert "KAFKA_PASSWORD" in str(failure.value)
    assert "wr0ng-s3cret" not in "".join(traceback.format_exception(failure.value)) + repr(failure.value.context)
    # librdkafka itself reconnects in the background until the first refusal is noticed.
    assert 1 <= broker.attempts <= 3


def test_settings_that_do_not_fit_are_named(node: Any) -> None:
    with node(PRODUCER) as imported, pytest.raises(ModelOnexError, match=r"KAFKA_\*") as failure:
        in_node(imported, 9, "t", lambda session: session.do("produce", payload=ORDER), security_protocol="NONSENSE")
    assert failure.value.error_code == EnumCoreErrorCode.CONFIGURATION_ERROR


@contextmanager
def proxied(port: int, **fault: Any) -> Iterator[FaultyTcp]:
    """A way to the broker with faults; the broker's own address in its answers is replaced by this way's."""
    with FaultyTcp(port, **fault) as proxy:
        proxy.rewrite = (b"127.0.0.1" + struct.pack(">i", port), b"127.0.0.1" + struct.pack(">i", proxy.port))
        yield proxy


def test_a_message_whose_acknowledgement_is_lost_is_written_once(
    node: Any, kafka_broker: KafkaBroker, topic: str
) -> None:
    async def scenario(session: Session) -> Any:
        await session.do("produce", payload=ORDER)
        return await session.do("produce", payload=ORDER, key="second-message")

    with proxied(kafka_broker.port, mode="cut", on=b"second-message", max_cuts=1) as proxy, node(PRODUCER) as imported:
        result = in_node(imported, proxy.port, topic, scenario)
    assert (proxy.cut_count, result["partition"]) == (1, 0)
    assert [key for key, _, _ in all_of(kafka_broker.port, topic)] == [None, b"second-message"]


def test_a_message_that_is_lost_on_its_way_is_sent_again(node: Any, kafka_broker: KafkaBroker, topic: str) -> None:
    fault = {"mode": "cut", "on": b"only-message", "is_request_lost": True, "max_cuts": 1}
    with proxied(kafka_broker.port, **fault) as proxy, node(PRODUCER) as imported:
        in_node(imported, proxy.port, topic, lambda session: session.do("produce", payload=ORDER, key="only-message"))
    assert proxy.cut_count == 1
    assert [key for key, _, _ in all_of(kafka_broker.port, topic)] == [b"only-message"]


def test_a_batch_is_read_and_committed_over_a_connection_that_breaks(
    node: Any, kafka_broker: KafkaBroker, topic: str
) -> None:
    put(kafka_broker.port, topic, b"1", b"2", b"3")
    members = group()

    async def scenario(session: Session) -> Any:
        batch = await session.consume(2)
        proxy.cut_all()
        return [message["payload"] for message in batch], (await session.do("commit"))["count"]

    with proxied(kafka_broker.port) as proxy, node(CONSUMER) as imported:
        assert in_node(imported, proxy.port, topic, scenario, group_id=members) == ([1, 2], 2)
        rest = in_node(imported, proxy.port, topic, lambda session: session.consume(1), group_id=members)
    assert [message["payload"] for message in rest] == [3]


def test_a_broker_that_restarts_between_two_operations_is_used_again(
    node: Any, kafka_broker: KafkaBroker, topic: str
) -> None:
    async def scenario(session: Session) -> Any:
        before = await session.do("produce", payload={"n": 1})
        await session.consume(1)
        await session.do("commit")
        kafka_broker.stop()
        try:
            with pytest.raises(ModelOnexError) as failure:
                await session.do("produce", payload={"n": 2})
            assert failure.value.error_code in {EnumCoreErrorCode.NETWORK_ERROR, EnumCoreErrorCode.TIMEOUT_ERROR}
            with pytest.raises(ModelOnexError) as failure:
                await session.do("consume", wait_s=0.5)
            assert failure.value.error_code in {EnumCoreErrorCode.NETWORK_ERROR, EnumCoreErrorCode.TIMEOUT_ERROR}
        finally:
            kafka_broker.start()
        after = await session.do("produce", payload={"n": 3})
        messages = await session.consume(1)
        return before["offset"], after["offset"], messages[0]["payload"]

    with node(BRIDGE) as imported:
        result = in_node(imported, kafka_broker.port, topic, scenario, group_id=group(),
                         timeout_s=3, delivery_timeout_s=3)  # fmt: skip
    assert result == (0, 1, {"n": 3})


def test_the_settings_of_the_environment_are_used(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with node(CONSUMER) as imported:
        monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
        with pytest.raises(ModelOnexError, match="KAFKA_BOOTSTRAP_SERVERS is not set") as failure:
            imported.model("Config").from_environment()
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "h:1")
        monkeypatch.setenv("KAFKA_USERNAME", "ada")
        monkeypatch.setenv("KAFKA_PASSWORD", "s3cret")
        config = imported.model("Config").from_environment()
    assert failure.value.error_code == EnumCoreErrorCode.CONFIGURATION_ERROR
    assert "s3cret" not in repr(config)
    assert config.group_id == "node_order_reader_effect"
    settings = config.client_settings()
    assert (settings["security.protocol"], settings["sasl.password"]) == ("SASL_SSL", "s3cret")


def test_the_node_imports_without_its_client_and_says_what_is_missing(
    node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with node(PRODUCER) as imported, pytest.raises(ModelOnexError, match="pip install 'confluent-kafka") as failure:
        in_node(imported, 9, "t", lambda session: session.do("produce", payload=ORDER))
    assert failure.value.error_code == EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE
