"""Kafka: messages produced and acknowledged, batches consumed and committed when their reader says so."""

import re
from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput, sample_from_fields
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.contracts.plan.systems.payload import payload_model
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint

REQUIREMENT = "confluent-kafka>=2.12,<3"
_TOPIC_PATTERN = r"^[A-Za-z0-9._-]{1,249}$"
_CONTROL_FIELDS = frozenset({"operation", "topic", "key", "headers", "event_id", "max_messages", "wait_s", "payload"})
_SAID_TOPIC = re.compile(
    r"\btopics?\s+(?:called\s+|named\s+)?[`\"']?(?P<after>[A-Za-z0-9][\w.-]*[\w])[`\"']?|"
    r"[`\"'](?P<quoted>[A-Za-z0-9][\w.-]*)[`\"']\s+topic|"
    r"\b(?P<before>[a-z0-9]+[._-][\w.-]*\w)\s+topic",
    re.IGNORECASE,
)
_NO_TOPICS = frozenset("and or in on with to from for the a an of at as is are by via into which that using".split())


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    payload = payload_model(
        plan, "Payload", f"What a message of {plan.stem} says.", example_key="payload", control_fields=_CONTROL_FIELDS
    )
    topic = _topic(plan)
    input_model = ModelSpec(
        plan.model_class("Input"), f"One Kafka operation of {plan.stem}.", _input_fields(enum, payload, topic)
    )
    consumes = "consume" in enum.values
    message = _message_model(plan, payload) if consumes else None
    output_model = ModelSpec(
        plan.model_class("Output"), f"What the operation of {plan.stem} did.", _output_fields(enum, message)
    )
    sample: dict[str, Any] = {"operation": enum.values[0]} | ({} if topic else {"topic": "example"})
    if enum.values[0] == "produce":
        sample["payload"] = sample_from_fields(payload.fields) if payload else {"name": "example"}
    extra = tuple(model for model in (payload, message) if model is not None)
    return SystemModels(input_model, output_model, sample, extra_models=extra)


def _input_fields(enum: EnumSpec, payload: ModelSpec | None, topic: str | None) -> tuple[FieldSpec, ...]:
    fields = [
        FieldSpec("topic", "str", "Topic.", f'"{topic}"' if topic else None, {"pattern": _TOPIC_PATTERN}),
        operation_field(enum),
    ]
    if "produce" in enum.values:
        kind = f"{payload.class_name} | None" if payload else "JsonValue"
        fields += [
            FieldSpec("payload", kind, "What the message says, sent as JSON.", "None"),
            FieldSpec("key", "str | None", "Messages of one key stay in order.", "None"),
            FieldSpec("headers", "dict[str, str]", "Headers of the message.", "dict"),
            FieldSpec("event_id", "UUID | None", "By this a reader knows what it has seen; none: a new one.", "None"),
        ]  # fmt: skip
    if "consume" in enum.values:
        fields += [
            FieldSpec("max_messages", "int", "Most messages of one batch.", "100", {"ge": 1, "le": 10_000}),
            FieldSpec("wait_s", "float", "How long a batch may take to fill.", "5.0", {"gt": 0, "le": 300}),
        ]
    return tuple(sorted(fields, key=lambda f: f.default is not None))


def _output_fields(enum: EnumSpec, message: ModelSpec | None) -> tuple[FieldSpec, ...]:
    fields = [FieldSpec("operation", enum.class_name, "What was done."), FieldSpec("topic", "str", "Topic.")]
    if "produce" in enum.values:
        fields += [
            FieldSpec("event_id", "UUID | None", "Identity of the message that was written.", "None"),
            FieldSpec("partition", "int | None", "Where the message was written.", "None"),
            FieldSpec("offset", "int | None", "Its place in the partition.", "None"),
        ]
    if message is not None:
        fields.append(FieldSpec("messages", f"list[{message.class_name}]", "Messages of a batch.", "list"))
        fields.append(FieldSpec("count", "int", "Messages handed over, or committed.", "0", {"ge": 0}))
    return tuple(fields)


def _message_model(plan: PlanInput, payload: ModelSpec | None) -> ModelSpec:
    return ModelSpec(
        plan.model_class("Message"),
        f"A message that {plan.stem} has read.",
        (
            FieldSpec("partition", "int", "Partition it was read from."),
            FieldSpec("offset", "int", "Its place in the partition."),
            FieldSpec("key", "str | None", "Its key.", "None"),
            FieldSpec("event_id", "str | None", "Identity given by its writer.", "None"),
            FieldSpec("headers", "dict[str, str]", "Its headers.", "dict"),
            FieldSpec("payload", f"{payload.class_name} | None" if payload else "JsonValue", "What it says.", "None"),
            FieldSpec("problem", "str | None", "Why the payload could not be read.", "None"),
            FieldSpec("text", "str | None", "What stands in a message that could not be read.", "None"),
        ),
    )


def _topic(plan: PlanInput) -> str | None:
    """The topic the prompt names (`to the topic orders`, `"orders" topic`), or None."""
    for found in _SAID_TOPIC.finditer(plan.request.prompt):
        name = found["after"] or found["quoted"] or found["before"]
        if name.lower() not in _NO_TOPICS and re.match(_TOPIC_PATTERN, name):
            return name
    return None


def _choose(said: frozenset[str], asked: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """Whoever consumes must commit as well, or would read the same messages for ever."""
    del said
    chosen = frozenset(asked or known)
    if "commit" in chosen:
        chosen |= {"consume"}
    if "consume" in chosen:
        chosen |= {"commit"}
    return tuple(name for name in known if name in chosen)


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    models = {m.class_name: m for m in blueprint.extra_models}
    payload = next((m for name, m in models.items() if name.endswith("Payload")), None)
    topic = next(f for f in blueprint.input_model.fields if f.name == "topic")
    return {
        "requirement": REQUIREMENT,
        "payload_class": payload.class_name if payload else None,
        "payload_sample": sample_from_fields(payload.fields) if payload else {"name": "example"},
        "message_class": next((name for name in models if name.endswith("Message")), None),
        "default_topic": topic.default,
        "tested_logic": ["Record"] if "consume" in blueprint.operation_values else [],
        "support_names": ["RecordingKafka", "prepare"],
    }


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


KAFKA = System(
    name="Kafka",
    flavour="kafka",
    effect_type="EVENT_EMISSION",
    operation_prefix="kafka",
    operation_words={
        "produce": _words(
            "produce produces producer producers producing publish publishes publisher publishing send sends sender "
            "emit emits emitter write writes writer push pushes post posts broadcast broadcasts forward forwards "
            "announce announces enqueue enqueues dispatch dispatches"
        ),
        "consume": _words(
            "consume consumes consumer consumers consuming read reads reader reading receive receives receiver poll "
            "polls fetch fetches subscribe subscribes subscriber listen listens listener pull pulls ingest ingests "
            "dequeue dequeues"
        ),
        "commit": _words("commit commits acknowledge acknowledges ack acks"),
    },
    models=_models,
    side_effect='f"{request.operation.value}:{request.topic}"',
    client="KafkaClient",
    requirements=(REQUIREMENT,),
    environment={
        "KAFKA_BOOTSTRAP_SERVERS": "brokers to begin with, for example host1:9092,host2:9092",
        "KAFKA_GROUP_ID": "consumer group; default: the name of the node",
        "KAFKA_USERNAME": "account, if the brokers ask for one (SASL)",
        "KAFKA_PASSWORD": "password of the account",
        "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT, SSL, SASL_SSL or SASL_PLAINTEXT; default: SASL_SSL with an account",
        "KAFKA_SASL_MECHANISM": "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; default: PLAIN",
    },
    client_imports=(("confluent_kafka", "Producer"), ("confluent_kafka", "Consumer")),
    template_context=_context,
    choose=_choose,
    extra_files={"client.py": "logic/client_kafka.py.jinja2"},
)
