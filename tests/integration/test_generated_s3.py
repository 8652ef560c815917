"""Generated S3 nodes work on a real S3 server (moto's), and every failure has a clear name."""

import base64
import hashlib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode as Code

from tests.support.effect_calls import perform, refused
from tests.support.generated_nodes import ImportedNode, imported_node
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("s3-server")]

STORE = "EFFECT node called InvoiceStore that uploads, downloads, inspects, lists, shares and deletes invoices in S3"
UPLOADER = "uploads invoices to S3"
SECRET = "s3cr3t-k3y-of-the-account"
BUCKET = "invoices"
Made = Callable[[str], AbstractContextManager[ImportedNode]]


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """Port of a moto server in this process."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield running.get_host_and_port()[1]
    running.stop()


@pytest.fixture
def client(server: int) -> Iterator[Any]:
    """Asks the server without the node; its bucket is empty."""
    httpx.post(f"http://127.0.0.1:{server}/moto-api/reset")
    made = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{server}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    made.create_bucket(Bucket=BUCKET)
    yield made
    made.close()


@pytest.fixture
def config(server: int, client: Any) -> dict[str, Any]:
    return settings(server)


@pytest.fixture
def node(tmp_path: Path) -> Made:
    return lambda prompt: imported_node(tmp_path, prompt)


def settings(port: int, **changes: Any) -> dict[str, Any]:
    values = {
        "bucket": BUCKET,
        "endpoint_url": f"http://127.0.0.1:{port}",
        "access_key_id": "test",
        "secret_access_key": SECRET,
        "retry_pause_s": 0,
        "timeout_s": 5,
    }
    return {**values, **changes}


def put(key: str, content: str, **more: Any) -> dict[str, Any]:
    return {"operation": "put", "key": key, "content": content, **more}


def content_of(client: Any, key: str) -> bytes:
    body: bytes = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def test_the_uploader_of_a_plain_sentence_uploads(node: Made, config: dict[str, Any], client: Any) -> None:
    with node(UPLOADER) as imported:
        result = perform(imported, config, {"key": "2026/a b ü.txt", "content": "héllo", "content_type": "text/plain"})
    stored = client.get_object(Bucket=BUCKET, Key="2026/a b ü.txt")
    assert (stored["Body"].read().decode(), stored["ContentType"]) == ("héllo", "text/plain")
    assert result["sha256"] == hashlib.sha256("héllo".encode()).hexdigest()
    assert result["attempts"] == 1


def test_every_operation_does_its_work(node: Made, config: dict[str, Any], client: Any) -> None:
    data = bytes(range(256))
    with node(STORE) as imported:
        perform(imported, config, put("a/1", base64.b64encode(data).decode(), is_base64=True))
        perform(imported, config, put("a/2", "text"))
        perform(imported, config, put("b/1", "other"))
        read = perform(imported, config, {"operation": "get", "key": "a/1"})
        text = perform(imported, config, {"operation": "get", "key": "a/2"})
        asked = perform(imported, config, {"operation": "get", "key": "a/2", "is_base64": True})
        head = perform(imported, config, {"operation": "head", "key": "a/2"})
        first = perform(imported, config, {"operation": "list", "key": "a/", "limit": 1})
        rest = perform(imported, config, {"operation": "list", "key": "a/", "start_after": "a/1"})
        shared = perform(imported, config, {"operation": "presign", "key": "a/2", "expires_s": 60})
        perform(imported, config, {"operation": "delete", "key": "a/1"})
        perform(imported, config, {"operation": "delete", "key": "a/1"})
    assert (base64.b64decode(read["content"]), read["is_base64"], read["size_bytes"]) == (data, True, 256)
    assert (text["content"], text["is_base64"]) == ("text", False)
    assert base64.b64decode(asked["content"]) == b"text"
    assert (head["size_bytes"], head["sha256"]) == (4, hashlib.sha256(b"text").hexdigest())
    assert (first["keys"], first["is_truncated"]) == (["a/1"], True)
    assert (rest["keys"], rest["is_truncated"]) == (["a/2"], False)
    assert urllib.request.urlopen(shared["url"], timeout=5).read() == b"text"
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["a/2", "b/1"]


def test_an_object_is_never_replaced_by_other_content_when_that_is_asked(
    node: Made, config: dict[str, Any], client: Any
) -> None:
    with node(STORE) as imported:
        for _ in range(2):
            perform(imported, config, put("once", "first", only_if_absent=True))
        said = refused(imported, config, put("once", "second", only_if_absent=True), Code.INVALID_STATE)
    assert "exists with other content" in said
    assert content_of(client, "once") == b"first"


def test_what_is_not_there_says_so(node: Made, config: dict[str, Any]) -> None:
    with node(STORE) as imported:
        for operation in ("get", "head"):
            said = refused(imported, config, {"operation": operation, "key": "missing"}, Code.NOT_FOUND)
            assert "missing does not exist" in said
        wrong = {**config, "bucket": "no-such-bucket"}
        assert "S3_BUCKET" in refused(imported, wrong, put("a", "x"), Code.CONFIGURATION_ERROR)


def test_an_object_above_the_limit_is_neither_read_nor_written(node: Made, config: dict[str, Any], client: Any) -> None:
    client.put_object(Bucket=BUCKET, Key="big", Body=b"x" * 2000)
    small = {**config, "max_bytes": 1000}
    with node(STORE) as imported:
        assert "at most 1000" in refused(imported, small, {"operation": "get", "key": "big"}, Code.RESOURCE_ERROR)
        refused(imported, small, put("new", "x" * 1001), Code.VALIDATION_ERROR)
        refused(imported, small, put("", "x"), Code.VALIDATION_ERROR)


def test_a_server_that_is_away_is_a_network_error_after_bounded_attempts(node: Made, client: Any) -> None:
    with FaultyTcp(mode="refuse") as away, node(UPLOADER) as imported:
        said = refused(imported, settings(away.port), put("a", "x"), Code.NETWORK_ERROR, secret=SECRET)
    assert "tried 3 times" in said
    assert "S3_ENDPOINT_URL" in said


def test_a_server_that_never_answers_is_a_timeout(node: Made, client: Any) -> None:
    with FaultyTcp(mode="silent") as silent, node(UPLOADER) as imported:
        impatient = settings(silent.port, timeout_s=0.2, max_attempts=2)
        assert "tried 2 times" in refused(imported, impatient, put("a", "x"), Code.TIMEOUT_ERROR)
        assert silent.connection_count == 2
        late = settings(silent.port, timeout_s=1.0, deadline_s=0.3)
        assert "within 0.3 s" in refused(imported, late, put("a", "x"), Code.TIMEOUT_ERROR)


def test_an_upload_whose_answer_was_lost_is_done_once(
    node: Made, config: dict[str, Any], server: int, client: Any
) -> None:
    with FaultyTcp(server, mode="cut", on=b"PUT", first_connections=1) as proxy, node(UPLOADER) as imported:
        result = perform(imported, settings(proxy.port), put("a", "content", only_if_absent=True))
        assert proxy.cut_count == 1
    assert result["attempts"] == 2
    assert content_of(client, "a") == b"content"


def test_refused_credentials_are_not_tried_again(node: Made, server: int, client: Any) -> None:
    checks = f"http://127.0.0.1:{server}/moto-api/reset-auth"
    httpx.post(checks, content=b"0")
    try:
        with FaultyTcp(server) as proxy, node(UPLOADER) as imported:
            said = refused(imported, settings(proxy.port), put("a", "x"), Code.AUTHENTICATION_ERROR, secret=SECRET)
            assert proxy.connection_count == 1
    finally:
        httpx.post(checks, content=b"1000000000")
    assert "S3_ACCESS_KEY_ID" in said


def test_settings_come_from_the_environment(node: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with node(UPLOADER) as imported:
        config = imported.model("Config")
        monkeypatch.delenv("S3_BUCKET", raising=False)
        with pytest.raises(Exception, match="S3_BUCKET is not set"):
            config.from_environment()
        monkeypatch.setenv("S3_BUCKET", BUCKET)
        monkeypatch.setenv("S3_SECRET_ACCESS_KEY", SECRET)
        assert config.from_environment().secret_access_key.get_secret_value() == SECRET
        assert SECRET not in repr(config.from_environment())


def test_a_client_that_is_not_installed_is_named_with_its_cure(
    node: Made, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "boto3", None)
    with node(UPLOADER) as imported:
        said = refused(imported, config, put("a", "x"), Code.DEPENDENCY_UNAVAILABLE)
    assert "pip install 'boto3" in said
