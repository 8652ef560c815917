"""Ordinary words for S3, SMTP, MongoDB, Elasticsearch, HTTP and files lead to the right system and operations."""

import pytest

from omniclaude_dagster.contracts.plan.systems.registry import system_of_flavour
from tests.support.generated_nodes import blueprint_for


@pytest.mark.parametrize(
    ("sentence", "flavour", "operations"),
    [
        ("uploads invoices to S3", "s3", ("put",)),
        ("uploads files to S3", "s3", ("put",)),
        ("uploads report.csv to an S3 bucket", "s3", ("put",)),
        ("archives old log files in object storage", "s3", ("put",)),
        ("backs up the database dump to S3", "s3", ("put",)),
        ("downloads images from MinIO", "s3", ("get",)),
        ("lists backups in S3", "s3", ("list",)),
        ("deletes expired objects from S3", "s3", ("delete",)),
        ("creates presigned links for objects in S3", "s3", ("presign",)),
        ("sends welcome mails over SMTP", "smtp", ("send",)),
        ("emails invoices to customers through the mail server", "smtp", ("send",)),
        ("stores documents in MongoDB", "mongodb", ("insert",)),
        ("finds customers by email in MongoDB", "mongodb", ("find",)),
        ("upserts product documents into MongoDB", "mongodb", ("upsert",)),
        ("updates the status of orders in MongoDB", "mongodb", ("update",)),
        ("Create EFFECT node for MongoDB CRUD", "mongodb", ("insert", "upsert", "update", "delete", "find")),
        ("searches products in Elasticsearch", "elasticsearch", ("search",)),
        ("indexes log lines in OpenSearch", "elasticsearch", ("index",)),
        ("bulk imports products into Elasticsearch with EFFECT node Bulk", "elasticsearch", ("bulk",)),
        ("patches orders over a REST API", "http_api", ("PATCH",)),
        ("posts a message to a webhook", "http_api", ("POST",)),
        ("appends audit lines to a log file", "files", ("append",)),
    ],
)
def test_a_sentence_asks_for_a_system_and_its_operations(
    sentence: str, flavour: str, operations: tuple[str, ...]
) -> None:
    blueprint = blueprint_for(sentence)
    assert (blueprint.flavour, blueprint.operation_values) == (flavour, operations)


@pytest.mark.parametrize(
    "sentence", ["copies files from a local folder to S3", "uploads reports from disk to S3", "copies /data/x to S3"]
)
def test_a_disk_beside_an_object_store_is_a_second_system(sentence: str) -> None:
    blueprint = blueprint_for(f"EFFECT node called Copier that {sentence}")
    assert set(blueprint.external_systems) == {"Files", "S3"}
    assert blueprint.is_scaffold


def test_a_node_gets_only_the_fields_that_its_operations_use() -> None:
    names = {f.name for f in blueprint_for("lists backups in S3").input_model.fields}
    assert names == {"key", "operation", "start_after", "limit"}
    assert "document" not in {f.name for f in blueprint_for("finds customers in MongoDB").input_model.fields}
    assert "idempotency_key" not in {f.name for f in blueprint_for("fetches orders from an API").input_model.fields}


@pytest.mark.parametrize("flavour", ["s3", "smtp", "mongodb", "elasticsearch", "files"])
def test_no_word_asks_for_two_operations(flavour: str) -> None:
    system = system_of_flavour(flavour)
    assert system is not None
    words = [word for phrases in system.operation_words.values() for word in phrases]
    assert len(words) == len(set(words))
