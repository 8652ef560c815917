"""Sentences that ask for PostgreSQL, Redis and Kafka become published nodes without a model; others name their gap."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import GenerationResult

pytestmark = [pytest.mark.sandbox, pytest.mark.integration, pytest.mark.xdist_group("pipeline-systems")]

SENTENCES = {
    "postgresql": (
        "EFFECT node called UserStore that inserts, upserts and reads users in PostgreSQL with user_id (uuid)",
        "psycopg[binary]",
        ("database_insert", "database_upsert", "database_select"),
    ),
    "transaction": (
        "EFFECT node for PostgreSQL transactions that moves money between accounts",
        "psycopg[binary]",
        ("database_transaction",),
    ),
    "redis": (
        "Create EFFECT node for Redis cache operations",
        "redis",
        ("redis_get", "redis_set", "redis_delete", "redis_exists", "redis_expire"),
    ),
    "redis_all": (
        "EFFECT node called RedisTools that increments counters, reads and writes hashes, pushes and pops jobs on "
        "lists and publishes events in Redis",
        "redis",
        ("redis_increment", "redis_hash_get", "redis_hash_set", "redis_list_push", "redis_list_pop", "redis_publish"),
    ),
    "kafka_producer": (
        "EFFECT node that publishes order events to the Kafka topic orders.created with order_id (uuid), "
        "amount (float)",
        "confluent-kafka",
        ("kafka_produce",),
    ),
    "kafka_both": (
        "EFFECT node called OrderBridge that produces orders to and consumes orders from Kafka",
        "confluent-kafka",
        ("kafka_produce", "kafka_consume", "kafka_commit"),
    ),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[BubblewrapSandbox]:
    with BubblewrapSandbox(1) as made:
        reason = made.unavailable_reason()
        if reason is not None:
            pytest.skip(reason)
        yield made


def generate(prompt: str, home: Path, sandbox: BubblewrapSandbox) -> GenerationResult:
    request = AcceptedRequest("request-1", GenerationRequest(prompt=prompt, mode="fast"))
    settings = Settings.model_validate({"home": home, "model_base_url": ""})
    with Platform(settings, sandbox=sandbox) as platform:
        return asyncio.run(platform.generate(request))


@pytest.mark.parametrize("case", SENTENCES)
def test_a_sentence_becomes_a_published_node(case: str, tmp_path: Path, sandbox: BubblewrapSandbox) -> None:
    prompt, package, operations = SENTENCES[case]
    result = generate(prompt, tmp_path, sandbox)
    assert (result.status, result.error) == ("published", None)
    assert set(result.quality.values()) == {1.0}
    folder = Path(result.node["path"])
    manifest = yaml.safe_load((folder / "node.manifest.yaml").read_text())
    assert [requirement.partition(">")[0] for requirement in manifest["requires"]] == [package]
    assert manifest["environment"]
    contract = yaml.safe_load((folder / "contract.yaml").read_text())
    assert {entry["operation_type"] for entry in contract["io_operations"]} == set(operations)


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("Create EFFECT node for RabbitMQ message publishing", "no template yet for RabbitMQ"),
        ("EFFECT node called Sync that copies rows from PostgreSQL to Redis and Kafka", "one outside system"),
    ],
)
def test_what_has_no_template_is_delivered_for_review_with_its_adapter_left_open(
    prompt: str, reason: str, tmp_path: Path, sandbox: BubblewrapSandbox
) -> None:
    result = generate(prompt, tmp_path, sandbox)
    assert result.status == "needs_review"
    assert reason in str(result.error)
    failed = {gate["gate"]: gate["message"] for gate in result.gates if gate["status"] == "fail"}
    assert set(failed) <= {"G14", "G-EXEC"}
    folder = Path(result.node["path"])
    assert "class Adapter" in (folder / "adapter.py").read_text()
    review = (folder / "REVIEW.md").read_text()
    assert "adapter.py" in review
    assert "class Adapter" in review
