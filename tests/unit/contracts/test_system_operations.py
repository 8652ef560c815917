"""Ordinary words lead to the operations of PostgreSQL, Redis and Kafka nodes, and to their fields."""

import pytest

from omniclaude_dagster.contracts.plan.systems.registry import SYSTEMS, client_imports, client_packages
from omniclaude_dagster.gates.security_data import ALLOWED_IMPORT_ROOTS
from omniclaude_dagster.node.blueprint import FieldSpec, NodeBlueprint
from omniclaude_dagster.request.model import NodeKind
from tests.support.generated_nodes import blueprint_for

CACHING = ("set", "get", "delete", "exists", "expire")


def fields_of(blueprint: NodeBlueprint) -> dict[str, FieldSpec]:
    return {f.name: f for f in blueprint.input_model.fields}


@pytest.mark.parametrize(
    ("prompt", "operations"),
    [
        ("Create EFFECT node for Redis cache operations", CACHING),
        ("EFFECT node that caches user profiles in Redis", CACHING),
        ("EFFECT node called Users that stores user data in Redis", ("set",)),
        ("EFFECT node that looks up sessions in Redis", ("get",)),
        ("EFFECT node that invalidates Redis keys", ("delete",)),
        ("EFFECT node called KeyChecker that checks whether a key exists in Redis", ("exists",)),
        ("EFFECT node that saves values in Redis with a TTL", ("set", "expire")),
        ("EFFECT node called Hits that counts page views in Redis", ("increment",)),
        ("EFFECT node called Stock that decrements a counter in Redis", ("increment",)),
        ("EFFECT node called Jobs that enqueues jobs in Redis", ("list_push",)),
        ("EFFECT node called Jobs that pops jobs from a Redis list", ("list_pop",)),
        ("EFFECT node called Profiles that updates user hashes in Redis", ("hash_set",)),
        ("EFFECT node called Profiles that loads user hashes from Redis", ("hash_get",)),
        ("EFFECT node called News that broadcasts events over Redis", ("publish",)),
        ("EFFECT node for Redis CRUD", ("set", "get", "delete", "exists")),
    ],
)
def test_words_ask_for_redis_operations(prompt: str, operations: tuple[str, ...]) -> None:
    assert set(blueprint_for(prompt).operation_values) == set(operations)


@pytest.mark.parametrize(
    ("prompt", "operations"),
    [
        ("EFFECT node that publishes order events to Kafka", ("produce",)),
        ("EFFECT node called Sender that sends notifications to a Kafka topic", ("produce",)),
        ("EFFECT node called Emitter that emits audit events to Redpanda", ("produce",)),
        ("EFFECT node called Reader that reads payments from Kafka", ("consume", "commit")),
        ("EFFECT node called Listener that subscribes to the Kafka topic orders", ("consume", "commit")),
        ("EFFECT node called Bridge that consumes from and produces to Kafka", ("produce", "consume", "commit")),
        ("EFFECT node called Streams for Kafka messages", ("produce", "consume", "commit")),
    ],
)
def test_words_ask_for_kafka_operations(prompt: str, operations: tuple[str, ...]) -> None:
    assert blueprint_for(prompt).operation_values == operations


@pytest.mark.parametrize(
    ("prompt", "operations"),
    [
        ("EFFECT node for PostgreSQL transactions that moves money between accounts", ("transaction",)),
        ("EFFECT node called Payer that transfers credits between Postgres rows", ("transaction",)),
        ("EFFECT node called Ledger that writes entries to PostgreSQL atomically", ("insert", "transaction")),
        ("EFFECT node that stores payment transactions in PostgreSQL", ("insert",)),
        ("EFFECT node called Rows for PostgreSQL access", ("insert", "upsert", "update", "delete", "select")),
    ],
)
def test_words_ask_for_transactions(prompt: str, operations: tuple[str, ...]) -> None:
    assert blueprint_for(prompt).operation_values == operations


def test_order_columns_and_pages_are_there_where_the_prompt_speaks_of_them() -> None:
    plain = fields_of(blueprint_for("EFFECT node called Reader that reads records from PostgreSQL"))
    asked = fields_of(
        blueprint_for(
            "EFFECT node called Reader that reads the newest records from PostgreSQL with pagination, selected columns"
        )
    )
    assert {"order_by", "columns", "offset"} <= set(asked)
    assert not {"order_by", "columns", "offset"} & set(plain)


@pytest.mark.parametrize(
    ("words", "default"),
    [
        ("that expire after 5 minutes", "300"),
        ("with a TTL of 2 hours", "7200"),
        ("for 90 seconds", "90"),
        ("and forgets them after 1 day", "86400"),
        ("with a TTL", "None"),
    ],
)
def test_a_time_to_live_in_words_is_the_default(words: str, default: str) -> None:
    blueprint = blueprint_for(f"EFFECT node called Store that saves values in Redis {words}")
    assert fields_of(blueprint)["ttl_s"].default == default


@pytest.mark.parametrize(
    ("prompt", "topic"),
    [
        ("EFFECT node called A that publishes orders to the Kafka topic orders.created", '"orders.created"'),
        ("EFFECT node called A that publishes orders to the Kafka topic named order_events", '"order_events"'),
        ('EFFECT node called A that reads from the "payments" topic of Kafka', '"payments"'),
        ("EFFECT node called A that reads from the orders.v1 topic of Kafka", '"orders.v1"'),
        ("EFFECT node called A that publishes orders to a Kafka topic", None),
        ("EFFECT node called A that publishes to a Kafka topic with order_id (uuid)", None),
    ],
)
def test_a_topic_in_the_prompt_is_the_default(prompt: str, topic: str | None) -> None:
    assert fields_of(blueprint_for(prompt))["topic"].default == topic


def test_named_fields_become_a_typed_value_or_payload() -> None:
    named = "with user_id (uuid), email (string)"
    stored = blueprint_for(f"EFFECT node called Store that saves users in Redis {named}")
    sent = blueprint_for(f"EFFECT node called Events that publishes users to Kafka {named}")
    for blueprint, field, model in ((stored, "value", "ModelStoreValue"), (sent, "payload", "ModelEventsPayload")):
        assert fields_of(blueprint)[field].type == f"{model} | None"
        (typed,) = blueprint.extra_models
        assert [(f.name, f.type) for f in typed.fields] == [("user_id", "UUID"), ("email", "str")]


def test_examples_name_the_fields_of_a_value_too() -> None:
    example = {"input": {"key": "k", "value": {"name": "Ada", "age": 36}}, "output": {"is_changed": True}}
    blueprint = blueprint_for("EFFECT node called Store that saves users in Redis", examples=[example])
    assert [(f.name, f.type) for f in blueprint.extra_models[0].fields] == [("name", "str"), ("age", "int")]


def test_every_client_may_be_imported_by_effect_nodes_and_by_no_other() -> None:
    packages = client_packages()
    assert {"redis", "confluent_kafka", "psycopg", "aio_pika"} <= packages
    assert packages <= ALLOWED_IMPORT_ROOTS[NodeKind.EFFECT]
    for kind in (NodeKind.COMPUTE, NodeKind.REDUCER, NodeKind.ORCHESTRATOR):
        assert not packages & ALLOWED_IMPORT_ROOTS[kind]


def test_every_system_that_needs_a_client_names_it_for_the_gate_and_for_pip() -> None:
    for system in SYSTEMS:
        assert bool(system.client_imports) == bool(system.requirements), system.name
        assert client_imports([system.name]) == system.client_imports


def test_a_name_that_is_no_system_needs_nothing() -> None:
    assert client_imports(["RabbitMQ"]) == ()
