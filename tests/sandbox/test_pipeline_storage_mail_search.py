"""Sentences that ask for S3, SMTP, MongoDB, Elasticsearch, HTTP and files become published nodes, without a model."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings

pytestmark = [pytest.mark.sandbox, pytest.mark.integration, pytest.mark.xdist_group("pipeline-systems")]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[BubblewrapSandbox]:
    with BubblewrapSandbox(1) as made:
        reason = made.unavailable_reason()
        if reason is not None:
            pytest.skip(reason)
        yield made


SENTENCES = {
    "s3": ("uploads, downloads, lists, shares and deletes invoices in S3", "boto3", "object_put"),
    "smtp": ("sends welcome mails to new customers over SMTP", "aiosmtplib", "mail_send"),
    "mongodb": ("stores, finds, updates and deletes customers in MongoDB", "pymongo", "document_insert"),
    "elasticsearch": ("indexes, searches and deletes products in OpenSearch", "httpx", "index_search"),
    "http_api": ("fetches, posts and deletes orders over an HTTP API", "httpx", "api_get"),
    "files": ("writes, appends, reads, lists and deletes reports on disk", "", "file_append"),
}


@pytest.mark.parametrize("flavour", SENTENCES)
def test_a_sentence_becomes_a_published_node(flavour: str, tmp_path: Path, sandbox: BubblewrapSandbox) -> None:
    prompt, package, operation = SENTENCES[flavour]
    request = AcceptedRequest(f"request-{flavour}", GenerationRequest(prompt=prompt, mode="fast"))
    settings = Settings.model_validate({"home": tmp_path, "model_base_url": ""})
    with Platform(settings, sandbox=sandbox) as platform:
        result = asyncio.run(platform.generate(request))
    assert (result.status, result.error) == ("published", None)
    assert set(result.quality.values()) == {1.0}
    folder = Path(result.node["path"])
    manifest = yaml.safe_load((folder / "node.manifest.yaml").read_text())
    assert [requirement.partition(">")[0] for requirement in manifest["requires"]] == ([package] if package else [])
    assert manifest["environment"]
    contract = yaml.safe_load((folder / "contract.yaml").read_text())
    assert operation in [entry["operation_type"] for entry in contract["io_operations"]]
