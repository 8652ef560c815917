"""What the records keep for replays and benchmarks, on both databases alike."""

import dataclasses
import json
import uuid

import pytest
from sqlalchemy import inspect, text

from omniclaude_dagster.errors import RecordsUnavailableError, StorageError
from omniclaude_dagster.providers.chains import ResolvedChain
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.providers.recorded import REPLAY_PROVIDER
from omniclaude_dagster.records import migrate
from omniclaude_dagster.records.engine import make_engine, parse_url
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.records.rows import payload_of
from omniclaude_dagster.records.schema import FIRST_TABLES
from omniclaude_dagster.records.spool import Spool
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest, NodeKind
from omniclaude_dagster.stages.recipe import Recipe
from tests.support.generation_records import NOON, make_outcome, make_record
from tests.support.pattern_fakes import pattern_for

pytestmark = pytest.mark.integration

NASTY = "def f():\n    return '\0\x10 \ud800 \udfff \\u0000 \U0001f600 é'\n"


@pytest.fixture
def store(database_url, tmp_path):
    store = RecordsStore(database_url, tmp_path / "spool")
    yield store
    store.close()


@pytest.fixture
def engine(database_url):
    engine = make_engine(parse_url(database_url), busy_timeout_s=10)
    yield engine
    engine.dispose()


def scalar(engine, sql):
    with engine.connect() as connection:
        return connection.execute(text(sql)).scalar()


def call(ordinal=0, **changes) -> ModelCall:
    (made,) = make_record().model_calls
    return dataclasses.replace(made, **{"call_id": uuid.uuid5(uuid.NAMESPACE_OID, f"call {ordinal}"), **changes})


def recipe_for(number=0, **changes) -> Recipe:
    # Keys out of order, a float that JSONB would write as an integer, text that no database takes as it is.
    examples = [{"input": {"zeta": 1e30, "alpha": -0.0}, "output": {"b": None, "a": "é\U0001f600"}}]
    request = GenerationRequest.model_validate({"prompt": "COMPUTE node that doubles", "examples": examples})
    chains = {"business_logic": ResolvedChain(("default", "large"), 3, ("other is left out: no host",))}
    return Recipe(AcceptedRequest(f"request-{number}", request, "cli"), {"templates": "12ab"}, chains, **changes)


def test_question_answer_and_verdict_come_back_to_the_character(store, engine):
    store.write(make_record(model_calls=(call(reply_text=NASTY, verdict="refused: example 1"),)))
    (found,) = store.model_calls("request-0")
    assert found == call(reply_text=NASTY, verdict="refused: example 1")
    assert "\0" not in scalar(engine, "SELECT reply_text FROM model_calls")


def test_the_calls_of_a_generation_keep_their_order_whatever_their_times_and_ids(store):
    calls = tuple(call(number, reply_text=str(number), started_at=NOON) for number in (3, 1, 2, 0))
    store.write(make_record(model_calls=calls))
    assert [c.reply_text for c in store.model_calls("request-0")] == ["3", "1", "2", "0"]


def test_answers_to_one_question_come_in_the_order_of_recording_across_generations(store):
    for number in (2, 0, 1):
        store.write(
            make_record(
                number,
                session_id=f"session-{number % 2}",
                model_calls=(
                    dataclasses.replace(make_record(number).model_calls[0], request_sha256="a" * 64),
                    call(10 + number, request_sha256="b" * 64),
                ),
            )
        )
    assert [c.reply_text for c in store.recorded_answers("a" * 64)] == ["answer 0", "answer 1", "answer 2"]
    assert [c.reply_text for c in store.recorded_answers("a" * 64, session_id="session-0")] == ["answer 0", "answer 2"]
    assert store.recorded_answers("c" * 64) == ()
    assert store.recorded_models() == ("smollm2-135m",)
    assert store.recorded_models(session_id="another") == ()


def test_a_replayed_call_is_paid_for_once_and_is_no_answer_to_replay(store, engine):
    store.write(make_record(0))
    replayed = dataclasses.replace(make_record(0).model_calls[0], provider=REPLAY_PROVIDER, call_id=uuid.uuid4())
    store.write(make_record(1, model_calls=(replayed,)))
    spent = 1_250_000_001
    assert scalar(engine, "SELECT sum(cost_nanousd) FROM generations") == spent
    assert scalar(engine, "SELECT sum(cost_nanousd) FROM model_calls") == spent
    # The record's own stages all cost the same; only stage 3 called a model.
    assert scalar(engine, "SELECT sum(cost_nanousd) FROM model_performance WHERE stage = '3'") == spent
    assert store.latest("request-1").cost_usd == 1.25
    assert [c.provider for c in store.recorded_answers(f"{0:064x}")] == ["openai_compatible"]


def test_a_recipe_comes_back_with_the_order_of_keys_and_the_kind_of_numbers(store):
    store.write(make_record(recipe=recipe_for().as_text()))
    found = store.recorded_generation("request-0")
    assert found.recipe == recipe_for()
    (example,) = found.recipe.accepted.request.examples
    assert json.dumps(example.input) == '{"zeta": 1e+30, "alpha": -0.0}'
    assert found.result == make_record().result
    assert found.calls == make_record().model_calls


def test_the_patterns_of_a_recipe_come_back_in_their_order_and_purged_ones_are_left_out(store):
    patterns = [pattern_for(f"number {n}") for n in range(3)]
    for pattern in patterns:
        store.add_pattern(pattern, vector=None, embedding_model="")
    store.set_pattern_status([patterns[1].pattern_id], "retired", reason="age")
    store.purge_patterns([patterns[1].pattern_id])
    offered = tuple(patterns[n].pattern_id for n in (2, 1, 0))
    store.write(make_record(3, recipe=recipe_for(3, patterns=offered).as_text()))
    found = store.recorded_generation("request-3")
    assert [s.pattern for s in found.patterns] == [patterns[2], patterns[0]]


SOURCE = "def compute(data: ModelTaxInput) -> ModelTaxOutput:\n    return ModelTaxOutput(tax=data.net * 0.19)\n"
# What a release without a library kept of a published body.
LOGIC = {
    "origin": "earlier_generation",
    "function": "compute",
    "source": SOURCE,
    "model": "smollm2-135m",
    "description": "Adds the tax to a net amount.",
    "input_class": "ModelTaxInput",
    "output_class": "ModelTaxOutput",
    "inputs": {"net": "float"},
    "outputs": {"tax": "float"},
}
NODE = {"kind": "COMPUTE", "name": "Tax", "class_name": "NodeTaxCompute", "domain": "tax", "path": "/out/node_tax"}


def recipe_of_the_second_release(*earlier: uuid.UUID) -> str:
    document = json.loads(recipe_for(3).as_text())
    del document["patterns"]
    return json.dumps({**document, "format": 1, "earlier": list(map(str, earlier))})


def test_the_generations_of_an_older_recipe_come_back_as_patterns_in_their_order(store):
    for number in (1, 2):
        source = SOURCE.replace("0.19", f"0.{number}")
        store.write(make_record(number, logic={**LOGIC, "source": source}, result={"node": NODE}))
    store.write(make_record(4))
    ids = [uuid.UUID(make_record(number).result.correlation_id) for number in (2, 7, 4, 1)]
    store.write(make_record(3, recipe=recipe_of_the_second_release(*ids)))
    found = store.recorded_generation("request-3")
    patterns = [stored.pattern for stored in found.patterns]
    assert [p.request_id for p in patterns] == ["request-2", "request-1"]
    assert [p.correlation_id for p in patterns] == [ids[0], ids[3]]
    assert (patterns[1].code, patterns[1].function) == (SOURCE.replace("0.19", "0.1"), "compute")
    assert (patterns[1].inputs, patterns[1].outputs) == ({"net": "float"}, {"tax": "float"})
    assert (patterns[1].node_kind, patterns[1].origin, patterns[1].name) == (NodeKind.COMPUTE, "pattern", "Tax")
    assert patterns[0].pattern_id != patterns[1].pattern_id
    assert store.pattern_revision() == 0, "bringing them back stores nothing"


def test_an_older_generation_brings_its_examples_along(store):
    store.write(make_record(1, logic=LOGIC, result={"node": NODE}, recipe=recipe_of_the_second_release()))
    (pattern,) = store.generations_as_patterns([uuid.UUID(make_record(1).result.correlation_id)])
    assert pattern.examples[0]["input"] == {"zeta": 1e30, "alpha": -0.0}
    assert pattern.request["prompt"] == "COMPUTE node that doubles"
    assert pattern.models_used == ("smollm2-135m",)


@pytest.mark.parametrize(
    ("logic", "status"),
    [
        ({}, "published"),
        (LOGIC, "needs_review"),
        ({**LOGIC, "source": "def compute(:"}, "published"),
        ({**LOGIC, "source": None}, "published"),
        ({**LOGIC, "inputs": None}, "published"),
        ({"source": SOURCE}, "published"),
        ({**LOGIC, "function": "not a name"}, "published"),
    ],
    ids=["no body", "never published", "no Python", "no source", "no fields", "nothing else", "no function"],
)
def test_an_older_generation_without_a_proven_body_is_no_pattern(store, logic, status):
    store.write(make_record(1, logic=logic, result={"node": NODE, "status": status}))
    assert store.generations_as_patterns([uuid.UUID(make_record(1).result.correlation_id)]) == ()
    assert store.generations_as_patterns([]) == ()


def test_a_generation_without_a_recipe_cannot_be_replayed_and_an_unknown_one_neither(store):
    store.write(make_record())
    assert store.recorded_generation("request-0") is None
    assert store.recorded_generation("nobody") is None
    assert store.model_calls("nobody") == ()


@pytest.mark.parametrize(
    "damage",
    ["", "[]", "{}", '{"format": 1}', "[" * 100_000, recipe_for().as_text().replace("doubles", "halves")],
    ids=range(6),
)
def test_a_damaged_recipe_says_so(store, damage):
    store.write(make_record(recipe=damage))
    with pytest.raises(StorageError, match="damaged"):
        store.recorded_generation("request-0")


def test_what_waits_in_the_spool_can_be_replayed_too(tmp_path):
    away = RecordsStore("postgresql://nobody@127.0.0.1:1/none", tmp_path / "spool")
    away.write(make_record(recipe=recipe_for().as_text(), model_calls=(call(reply_text=NASTY),)))
    found = away.recorded_generation("request-0")
    assert found.recipe == recipe_for()
    assert [c.reply_text for c in found.calls] == [NASTY]
    away.close()


def test_a_payload_spooled_by_the_first_release_is_still_delivered(store, engine, tmp_path):
    payload = payload_of(make_record())
    for name in ("ordinal", "request_sha256", "reply_text", "verdict"):
        del payload["model_calls"][0][name]
    del payload["generations"][0]["recipe"]
    payload = {name: rows for name, rows in payload.items() if name in FIRST_TABLES}
    Spool(tmp_path / "spool").append("old", payload)
    assert store.replay_spool() == 1
    assert store.health().set_aside_count == 0
    assert store.latest("request-0") == make_record().result
    assert scalar(engine, "SELECT count(*) FROM model_calls WHERE reply_text IS NULL AND ordinal IS NULL") == 1


def test_outcomes_are_written_once_and_read_back_equal_in_order(store):
    outcomes = [make_outcome(n, sample=s) for n in (1, 0) for s in (1, 0)]
    store.write_benchmark_outcomes(outcomes)
    store.write_benchmark_outcomes(outcomes)
    store.write_benchmark_outcomes([make_outcome(0, is_passed=False), make_outcome(5, benchmark_run="run-2")])
    assert store.benchmark_outcomes("run-1") == tuple(reversed(outcomes))
    assert [o.task_id for o in store.benchmark_outcomes("run-2")] == ["task/5"]
    assert store.benchmark_outcomes("never\0") == ()


def test_no_outcomes_are_nothing_to_write(store, tmp_path):
    store.write_benchmark_outcomes([])
    assert store.benchmark_outcomes("run-1") == ()
    assert not list((tmp_path / "spool").glob("*"))


def test_the_cost_of_an_outcome_can_be_queried_in_dollars(store, engine):
    store.write_benchmark_outcomes([make_outcome()])
    assert scalar(engine, "SELECT cost_usd FROM benchmark_outcomes") == pytest.approx(1.250000001, abs=1e-12)


@pytest.mark.parametrize(
    "change",
    [{"quality_score": 1.5}, {"sample": -1}, {"cost_nanousd": -1}, {"status": "lost"}, {"duration_ms": float("nan")}],
    ids=["quality above one", "negative sample", "negative cost", "unknown status", "duration no number"],
)
def test_an_outcome_that_breaks_a_rule_is_set_aside_and_blocks_nobody(store, change):
    store.write_benchmark_outcomes([make_outcome(1, **change)])
    store.write_benchmark_outcomes([make_outcome(2)])
    assert [o.task_id for o in store.benchmark_outcomes("run-1")] == ["task/2"]
    assert (store.health().spooled_count, store.health().set_aside_count) == (0, 1)


def test_outcomes_wait_in_the_spool_in_order_with_generations_and_go_in_later(store, database_url, tmp_path):
    away = RecordsStore("postgresql://nobody@127.0.0.1:1/none", tmp_path / "spool")
    away.write(make_record())
    away.write_benchmark_outcomes([make_outcome()])
    with pytest.raises(RecordsUnavailableError):
        away.benchmark_outcomes("run-1")
    assert away.latest("request-0") == make_record().result
    away.close()
    # Readable before it is delivered, and once afterwards.
    assert store.benchmark_outcomes("run-1") == (make_outcome(),)
    assert store.replay_spool() == 2
    assert store.benchmark_outcomes("run-1") == (make_outcome(),)


def test_the_second_migration_goes_up_and_down_around_data(store, engine):
    migrate.upgrade(engine, revision="r0001")
    columns = {c["name"] for c in inspect(engine).get_columns("model_calls")}
    assert "request_sha256" not in columns
    with engine.begin() as connection:
        connection.execute(text(_FIRST_RELEASE_GENERATION), {"id": uuid.UUID(int=1).hex, "at": "2026-03-01 12:00:00"})
        connection.execute(text(_FIRST_RELEASE_CALL), {"id": uuid.UUID(int=2).hex, "of": uuid.UUID(int=1).hex})
    migrate.upgrade(engine)
    store.write(make_record(recipe=recipe_for().as_text()))
    store.write_benchmark_outcomes([make_outcome()])
    migrate.downgrade(engine, revision="r0001")
    assert scalar(engine, "SELECT count(*) FROM model_calls") == 2
    assert scalar(engine, "SELECT count(*) FROM generations") == 2
    assert "benchmark_outcomes" not in inspect(engine).get_table_names()
    assert "recipe" not in {c["name"] for c in inspect(engine).get_columns("generations")}
    migrate.upgrade(engine)
    assert store.recorded_generation("request-0") is None
    assert [c.reply_text for c in store.model_calls("request-0")] == [None]
    assert scalar(engine, "SELECT cost_usd FROM model_calls WHERE model_name = 'old'") == pytest.approx(2.0)


_FIRST_RELEASE_GENERATION = """
    INSERT INTO generations (correlation_id, request_id, content_hash, prompt, mode, status, quality_score,
        cost_nanousd, duration_ms, started_at, finished_at, source, result, logic)
    VALUES (:id, 'old', '', '', 'fast', 'published', 0, 0, 0, :at, :at, 'cli', '{}', '{}')
"""
_FIRST_RELEASE_CALL = """
    INSERT INTO model_calls (id, correlation_id, stage, model_name, provider, host, tokens_input, tokens_output,
        latency_ms, cost_nanousd, attempts, success, is_usage_estimated, timestamp)
    VALUES (:id, :of, '3', 'old', 'p', 'h', 1, 1, 1, 2000000000, 1, true, false, '2026-03-01 12:00:00')
"""
