"""Redis: values kept as JSON, counters, hashes, lists and channels; only what is safe is repeated."""

from itertools import product
from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput, sample_from_fields
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.contracts.plan.systems.payload import asked_duration_s, payload_model
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint

REQUIREMENT = "redis>=7,<9"
_CACHING = ("get", "set", "delete", "exists", "expire")
_VALUE_WRITERS = frozenset({"set", "list_push", "publish"})
_VALUE_READERS = frozenset({"get", "list_pop"})
_FINDING = frozenset({"get", "exists", "hash_get", "list_pop"})
_CHANGING = frozenset({"set", "delete", "expire", "hash_set"})
_COUNTING = frozenset({"increment", "list_push", "publish"})
_CONTROL_FIELDS = frozenset(
    {"operation", "key", "channel", "ttl", "ttl_s", "only_if_absent", "amount", "field_name", "mapping", "value"}
)


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    asked = frozenset(enum.values)
    value = None
    if asked & (_VALUE_WRITERS | _VALUE_READERS):
        value = payload_model(
            plan, "Value", f"What {plan.stem} keeps.", example_key="value", control_fields=_CONTROL_FIELDS
        )
    input_model = ModelSpec(
        plan.model_class("Input"), f"One Redis operation of {plan.stem}.", _input_fields(plan, enum, value)
    )
    output_model = ModelSpec(
        plan.model_class("Output"), f"What the operation of {plan.stem} did.", _output_fields(enum, value)
    )
    return SystemModels(input_model, output_model, _sample(enum, value), extra_models=(value,) if value else ())


def _input_fields(plan: PlanInput, enum: EnumSpec, value: ModelSpec | None) -> tuple[FieldSpec, ...]:
    asked = frozenset(enum.values)
    key = "Channel, or key." if "publish" in asked and len(asked) > 1 else "Channel." if "publish" in asked else "Key."
    fields = [FieldSpec("key", "str", key, constraints={"min_length": 1, "max_length": 1024}), operation_field(enum)]
    if asked & _VALUE_WRITERS:
        what = "Value to keep or send, as JSON."
        fields.append(FieldSpec("value", f"{value.class_name} | None" if value else "JsonValue", what, "None"))
    if asked & {"set", "expire"}:
        seconds = asked_duration_s(plan)
        fields.append(
            FieldSpec("ttl_s", "int | None", "Seconds until the key is forgotten; none: kept.",
                      str(seconds) if seconds else "None", {"ge": 1})
        )  # fmt: skip
    if "set" in asked:
        fields.append(FieldSpec("only_if_absent", "bool", "Leave a value that is there already.", "False"))
    if "increment" in asked:
        fields.append(FieldSpec("amount", "int", "How much is added; less than 0 counts down.", "1"))
    if "hash_get" in asked:
        fields.append(FieldSpec("field_name", "str | None", "Field of the hash; none: all of them.", "None"))
    if "hash_set" in asked:
        fields.append(FieldSpec("mapping", "dict[str, JsonValue]", "Fields of the hash to write.", "dict"))
    return tuple(fields)


def _output_fields(enum: EnumSpec, value: ModelSpec | None) -> tuple[FieldSpec, ...]:
    asked = frozenset(enum.values)
    fields = [FieldSpec("operation", enum.class_name, "What was done."), FieldSpec("key", "str", "Key or channel.")]
    if asked & _FINDING:
        fields.append(FieldSpec("is_found", "bool", "Whether what was asked for is there.", "False"))
    if asked & _CHANGING:
        fields.append(FieldSpec("is_changed", "bool", "Whether something was written or deleted.", "False"))
    if asked & _VALUE_READERS:
        fields.append(FieldSpec("value", f"{value.class_name} | None" if value else "JsonValue", "Value.", "None"))
    if "hash_get" in asked:
        fields.append(FieldSpec("mapping", "dict[str, JsonValue]", "Fields of the hash.", "dict"))
    if asked & _COUNTING:
        fields.append(FieldSpec("count", "int", _count_meaning(asked), "0"))
    return tuple(fields)


def _count_meaning(asked: frozenset[str]) -> str:
    meanings = {"increment": "the counter", "list_push": "length of the list", "publish": "receivers"}
    text = ", or ".join(meaning for name, meaning in meanings.items() if name in asked)
    return f"{text[0].upper()}{text[1:]} after the operation."


def _sample(enum: EnumSpec, value: ModelSpec | None) -> dict[str, Any]:
    first = enum.values[0]
    sample: dict[str, Any] = {"key": "example", "operation": first}
    if first in _VALUE_WRITERS:
        sample["value"] = sample_from_fields(value.fields) if value else {"name": "example"}
    if first == "expire":
        sample["ttl_s"] = 60
    if first == "hash_set":
        sample["mapping"] = {"name": "example"}
    return sample


def _choose(said: frozenset[str], asked: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """The usual operations of a cache for no words at all; hashes and lists take plain reading and writing over."""
    del known
    if "crud" in said:
        return ("get", "set", "delete", "exists")
    chosen = set(asked)
    if not said & _PLAIN_WORDS:
        if chosen & {"hash_get", "hash_set", "list_push", "list_pop", "publish"}:
            chosen -= {"get", "set"}
        if "increment" in chosen and not said & _STORING:
            chosen -= {"set"}
    return tuple(name for name in asked if name in chosen) or _CACHING


def _of(nouns: str, verbs: str) -> tuple[str, ...]:
    """`hash get` and so on: both words must be said."""
    return tuple(f"{noun} {verb}" for noun, verb in product(nouns.split(), verbs.split()))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_READING = "get gets read reads fetch fetches load loads retrieve retrieves lookup look return returns"
_WRITING = "set sets write writes store stores save saves put puts keep keeps update updates persist record records"
_STORING = frozenset(_words("store stores save saves put puts keep keeps cache caches"))
_PLAIN_WORDS = frozenset(_words("key keys value values string strings cache caches cached caching"))
_HASH = "hash hashes"
_LIST = "list lists queue queues"


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    fields = {f.name: f for f in (*blueprint.input_model.fields, *blueprint.output_model.fields)}
    typed = blueprint.extra_models[0] if blueprint.extra_models else None
    operations = frozenset(blueprint.operation_values)
    return {
        "requirement": REQUIREMENT,
        "value_class": typed.class_name if typed else None,
        "value_sample": sample_from_fields(typed.fields) if typed else {"name": "example"},
        "writes_values": bool(operations & _VALUE_WRITERS),
        "reads_values": bool(operations & _VALUE_READERS),
        "decodes_json": bool(operations & {"hash_get"}) or (bool(operations & _VALUE_READERS) and typed is None),
        "tested_logic": ["Reply"],
        "support_names": ["RecordingRedis", "prepare"],
        "default_ttl_s": fields["ttl_s"].default if "ttl_s" in fields else "None",
    }  # fmt: skip


REDIS = System(
    name="Redis",
    flavour="redis",
    effect_type="DATABASE_OPERATION",
    operation_prefix="redis",
    operation_words={
        "set": _words(f"{_WRITING} insert add adds remember remembers"),
        "get": _words(f"{_READING} query queries"),
        "delete": _words("delete deletes remove removes invalidate invalidates evict evicts drop drops clear clears"),
        "exists": _words("exists exist check checks contains has"),
        "expire": _words("expire expires expiry ttl expiration expiring"),
        "increment": _words("increment increments incr counter counters count counts decrement decrements tally"),
        "hash_set": ("hset", *_of(_HASH, f"{_WRITING} change changes")),
        "hash_get": ("hget", "hgetall", *_of(_HASH, _READING)),
        "list_push": (*_words("push pushes enqueue enqueues rpush lpush"), *_of(_LIST, "append appends add adds")),
        "list_pop": (*_words("pop pops dequeue dequeues lpop rpop"), *_of(_LIST, "take takes consume consumes")),
        "publish": _words("publish publishes broadcast broadcasts pubsub announce announces"),
    },
    models=_models,
    side_effect='f"{request.operation.value}:{request.key}"',
    client="RedisClient",
    requirements=(REQUIREMENT,),
    environment={"REDIS_URL": "address of the server, for example redis://user:password@host:6379/0"},
    client_imports=(("redis.asyncio", "Redis"), ("redis.exceptions", "RedisError")),
    template_context=_context,
    choose=_choose,
    extra_files={"client.py": "logic/client_redis.py.jinja2"},
)  # fmt: skip
