"""How NodeOrderEventsEffect speaks to Kafka.

librdkafka works behind threads of asyncio; it is imported on first use.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, cast

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .logic import Record
from .models import ModelOrderEventsConfig

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition


class KafkaClient:
    """Connections to the brokers, opened by the first operation and kept until close()."""

    def __init__(self) -> None:
        self._producer: _Producer | None = None
        self._subscriptions: dict[str, _Subscription] = {}
        # A consumer hands over one batch after the other.
        self._turn = asyncio.Lock()

    async def produce(self, config: ModelOrderEventsConfig, record: Record) -> tuple[int, int]:
        """Write a message; raises ModelOnexError when no acknowledgement came."""
        producer = self._producer = self._producer or _Producer(config)
        try:
            return await asyncio.to_thread(producer.deliver, record)
        finally:
            if producer.is_broken:
                self._producer = None

    async def consume(self, config: ModelOrderEventsConfig, topic: str, limit: int, wait_s: float) -> list[Record]:
        """Read a batch; one that was not committed is read again."""
        async with self._turn:
            if topic not in self._subscriptions:
                self._subscriptions[topic] = await asyncio.to_thread(_Subscription, config, topic)
            return await asyncio.to_thread(self._subscriptions[topic].take, limit, wait_s)

    async def commit(self, config: ModelOrderEventsConfig, topic: str) -> int:
        """Commit the last batch. Doing so twice changes nothing, so a broken connection is tried again."""
        async with self._turn:
            subscription = self._subscriptions.get(topic)
            if subscription is None:
                return 0
            for attempt in range(1, config.max_attempts):
                try:
                    return await asyncio.to_thread(subscription.commit)
                except ModelOnexError as exc:
                    if exc.error_code not in _PASSING_FAULTS:
                        raise
                await asyncio.sleep(config.retry_pause_s * 2 ** (attempt - 1))
            return await asyncio.to_thread(subscription.commit)

    async def close(self) -> None:
        """Leave the groups, so that others take over at once."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await asyncio.to_thread(producer.close)
        subscriptions, self._subscriptions = self._subscriptions, {}
        for subscription in subscriptions.values():
            await asyncio.to_thread(subscription.close)


class _Producer:
    """An idempotent producer that waits for the acknowledgement of every message. Its methods block."""

    def __init__(self, config: ModelOrderEventsConfig) -> None:
        _require_client()
        from confluent_kafka import KafkaException, Producer

        self._config = config
        self._faults: list[KafkaError] = []
        self._is_reached = False
        self.is_broken = False
        settings = config.client_settings() | {
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": int(config.delivery_timeout_s * 1000),
        }
        try:
            self._producer: Producer = Producer(settings, error_cb=self._faults.append)
        except (KafkaException, ValueError) as exc:
            raise _misconfigured(exc) from None

    def deliver(self, record: Record) -> tuple[int, int]:
        """Write one message and wait for its acknowledgement."""
        from confluent_kafka import KafkaException

        self._producer.poll(0)
        if self._faults or not self._is_reached:
            _reach(self._producer, self._config, self._faults)
            self._is_reached = True
        reports: list[tuple[KafkaError | None, Message]] = []
        try:
            self._producer.produce(
                record.topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                on_delivery=lambda error, message: reports.append((error, message)),
            )
        except BufferError as exc:
            raise _failed(
                "too many messages wait for the brokers; try again later", EnumCoreErrorCode.RESOURCE_UNAVAILABLE
            ) from exc
        except KafkaException as exc:
            raise self._explained(exc.args[0]) from exc
        # librdkafka reports every message by its own timeout; the second more is for the report itself.
        deadline = monotonic() + self._config.delivery_timeout_s + 1
        while not reports and monotonic() < deadline:
            self._producer.poll(0.1)
        if not reports:
            raise _failed(
                f"no report of the message within {self._config.delivery_timeout_s} s; it may be written",
                EnumCoreErrorCode.TIMEOUT_ERROR,
            )
        error, message = reports[0]
        if error is not None:
            raise self._explained(error)
        return message.partition() or 0, message.offset() or 0

    def close(self) -> None:
        """Send what still waits, as long as the brokers may take for one answer."""
        self._producer.flush(self._config.timeout_s)

    def _explained(self, error: KafkaError) -> ModelOnexError:
        self.is_broken = self.is_broken or error.fatal()
        return _explained(error, "the message was not acknowledged; it may be written all the same")


class _Subscription:
    """A member of the consumer group, for one topic. Its methods block and are called one at a time."""

    def __init__(self, config: ModelOrderEventsConfig, topic: str) -> None:
        _require_client()
        from confluent_kafka import Consumer, KafkaException

        self._config = config
        self._topic = topic
        self._faults: list[KafkaError] = []
        self._is_assigned = False
        # What was handed over and not committed, by partition: the first offset and the one after the last.
        self._open: dict[int, tuple[int, int]] = {}
        self._count = 0
        settings = config.client_settings() | {
            "group.id": config.group_id,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "allow.auto.create.topics": False,
        }
        try:
            self._consumer: Consumer = Consumer(settings | {"error_cb": self._faults.append})
        except (KafkaException, ValueError) as exc:
            raise _misconfigured(exc) from None
        try:
            _reach(self._consumer, config, self._faults)
        except ModelOnexError:
            self._consumer.close()
            raise
        self._consumer.subscribe([topic], on_assign=self._joined, on_revoke=self._forget)

    def take(self, limit: int, wait_s: float) -> list[Record]:
        """A batch of at most `limit` messages. The time to join the group is no part of `wait_s`."""
        self._rewind()
        messages: list[Message] = []
        started = monotonic()
        while len(messages) < limit and not any(message.error() for message in messages):
            end = started + wait_s if self._is_assigned else started + wait_s + self._config.timeout_s
            left_s = end - monotonic()
            if left_s <= 0:
                break
            was_assigned = self._is_assigned
            messages += self._consumer.consume(limit - len(messages), timeout=min(left_s, 0.2))
            if self._is_assigned and not was_assigned:
                started = monotonic()
        if not messages:
            # Nothing to read, or nobody there?
            _reach(self._consumer, self._config, self._faults)
        return self._handed_over(messages)

    def commit(self) -> int:
        """Tell the group that everything handed over was handled."""
        from confluent_kafka import KafkaException, TopicPartition

        if not self._open:
            return 0
        offsets = [TopicPartition(self._topic, number, after) for number, (_, after) in self._open.items()]
        try:
            done = self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as exc:
            raise _explained(exc.args[0], "the batch was not committed and will be handed over again") from exc
        for partition in done or ():
            if partition.error is not None:
                raise _explained(partition.error, "the batch was not committed and will be handed over again")
        count, self._count = self._count, 0
        self._open.clear()
        return count

    def close(self) -> None:
        """Leave the group; what was not committed goes to the next reader."""
        self._consumer.close()

    def _joined(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._is_assigned = True

    def _forget(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Partitions that go to another member are read again there, from the last commit on."""
        for partition in partitions:
            self._open.pop(partition.partition, None)

    def _rewind(self) -> None:
        """Go back to what was not committed."""
        from confluent_kafka import KafkaException, TopicPartition

        for number, (first, _) in self._open.items():
            try:
                self._consumer.seek(TopicPartition(self._topic, number, first))
            except KafkaException:  # not ours any more
                continue
        self._open.clear()
        self._count = 0

    def _handed_over(self, messages: list[Message]) -> list[Record]:
        """Remember what is handed over. A fault behind good messages comes again with the next batch."""
        faults = [error for message in messages if (error := message.error()) is not None]
        records = [self._record(message) for message in messages if message.error() is None]
        if faults and not records:
            raise _explained(faults[0], f"the topic {self._topic!r} cannot be read")
        for record in records:
            first, _ = self._open.get(record.partition, (record.offset, 0))
            self._open[record.partition] = (first, record.offset + 1)
        self._count = len(records)
        return records

    def _record(self, message: Message) -> Record:
        headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
        return Record(
            topic=self._topic,
            value=_bytes(message.value()) or b"",
            key=_bytes(message.key()),
            headers=tuple((name, value or b"") for name, value in headers),
            partition=message.partition() or 0,
            offset=message.offset() or 0,
        )


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _require_client() -> None:
    try:
        import confluent_kafka  # noqa: F401
    except ModuleNotFoundError as exc:
        raise ModelOnexError(
            message=f"{exc.name} is not installed; run: pip install 'confluent-kafka>=2.12,<3'",
            error_code=EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE,
        ) from exc


def _reach(client: Producer | Consumer, config: ModelOrderEventsConfig, faults: list[KafkaError]) -> None:
    """Wait until a broker answers; refused connections are counted, refused credentials end the waiting."""
    from confluent_kafka import KafkaException

    deadline = monotonic() + config.timeout_s
    refusals = 0
    while refusals < config.max_attempts and monotonic() < deadline:
        try:
            client.list_topics(timeout=min(config.retry_pause_s * 2**refusals, max(deadline - monotonic(), 0.01)))
        except KafkaException:
            client.poll(0)
        else:
            faults.clear()
            return
        for fault in faults:
            if _code_of(fault) == EnumCoreErrorCode.AUTHENTICATION_ERROR:
                raise _explained(fault, "the brokers refused the account; check KAFKA_USERNAME and KAFKA_PASSWORD")
        refusals += any(fault.name() == "_ALL_BROKERS_DOWN" for fault in faults)
    if refusals:
        causes = [fault.str() for fault in faults if fault.name() != "_ALL_BROKERS_DOWN"]
        raise _failed(
            f"no broker can be reached after {refusals} attempts ({(causes or ['all are down'])[0]}); "
            "check KAFKA_BOOTSTRAP_SERVERS",
            EnumCoreErrorCode.NETWORK_ERROR,
        )
    raise _failed(
        f"no broker answered within {config.timeout_s} s; check KAFKA_BOOTSTRAP_SERVERS",
        EnumCoreErrorCode.TIMEOUT_ERROR,
    )


_PASSING_FAULTS = frozenset({EnumCoreErrorCode.NETWORK_ERROR, EnumCoreErrorCode.TIMEOUT_ERROR})
_CODES = {
    "_AUTHENTICATION": EnumCoreErrorCode.AUTHENTICATION_ERROR,
    "SASL_AUTHENTICATION_FAILED": EnumCoreErrorCode.AUTHENTICATION_ERROR,
    "TOPIC_AUTHORIZATION_FAILED": EnumCoreErrorCode.PERMISSION_DENIED,
    "GROUP_AUTHORIZATION_FAILED": EnumCoreErrorCode.PERMISSION_DENIED,
    "_TRANSPORT": EnumCoreErrorCode.NETWORK_ERROR,
    "_ALL_BROKERS_DOWN": EnumCoreErrorCode.NETWORK_ERROR,
    "_TIMED_OUT": EnumCoreErrorCode.TIMEOUT_ERROR,
    "_MSG_TIMED_OUT": EnumCoreErrorCode.TIMEOUT_ERROR,
    "REQUEST_TIMED_OUT": EnumCoreErrorCode.TIMEOUT_ERROR,
    "UNKNOWN_TOPIC_OR_PART": EnumCoreErrorCode.NOT_FOUND,
    "_UNKNOWN_TOPIC": EnumCoreErrorCode.NOT_FOUND,
}


def _code_of(error: KafkaError) -> EnumCoreErrorCode:
    return _CODES.get(error.name(), EnumCoreErrorCode.OPERATION_FAILED)


def _explained(error: KafkaError, what: str) -> ModelOnexError:
    return _failed(f"{what} ({error.name()}: {error.str()})", _code_of(error))


def _misconfigured(error: Exception) -> ModelOnexError:
    return _failed(f"the variables KAFKA_* do not fit together: {error}", EnumCoreErrorCode.CONFIGURATION_ERROR)


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
