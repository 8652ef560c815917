"""Generated Elasticsearch nodes work on a server that both products' own clients accept, and on one in trouble.

No Elasticsearch or OpenSearch can be installed here. The server is that of the package noida-db, which implements
their REST API; that it answers the official clients of both as their servers do is a test of its own below. What it
never does (accounts, being busy) comes from a scripted HTTP server, with answers in the documented shapes.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from elasticsearch import Elasticsearch
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode as Code
from opensearchpy import OpenSearch

from tests.support.certificates import self_signed
from tests.support.effect_calls import perform, refused
from tests.support.generated_nodes import ImportedNode, imported_node
from tests.support.scripted_http import Said, ScriptedHttp
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("search-server")]

INDEX = (
    "EFFECT node called ProductIndex that indexes, reads, searches, deletes and bulk imports products in Elasticsearch"
)
SEARCHER = "searches products in Elasticsearch"
INDEXER = "EFFECT node called LogIndexer that indexes log lines in OpenSearch"
SECRET = "s3cr3t-4pi-k3y"
WRITTEN = {"_index": "products", "_id": "1", "_version": 1, "result": "created", "_shards": {"failed": 0}}
Made = Callable[[str], AbstractContextManager[ImportedNode]]


def error(kind: str, reason: str, status: int) -> dict[str, Any]:
    """A refusal as both products write it."""
    cause = {"type": kind, "reason": reason}
    return {"error": {"root_cause": [cause], **cause}, "status": status}


BUSY = error("es_rejected_execution_exception", "rejected execution of primary operation", 429)
UNKNOWN = error("security_exception", "unable to authenticate with provided credentials", 401)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a running server."""
    program = Path(sys.executable).with_name("noida-db")
    if not program.exists():
        pytest.skip("the package noida-db is not installed: no search server to test against")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("search")
    command = [str(program), "start", "--data-dir", str(folder / "data"), "--host", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--only", "elasticsearch", "--elasticsearch-port", str(port)],
            stdout=log,
            stderr=log,
            env={"PATH": os.defpath},
            cwd=folder,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}", process, folder / "log")
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
        process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address, timeout=1).status_code == 200:
                return
        time.sleep(0.05)
    pytest.fail(f"the search server did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture
def products(server: int) -> str:
    """Name of an index that is empty."""
    httpx.delete(f"http://127.0.0.1:{server}/products")
    return "products"


@pytest.fixture
def node(tmp_path: Path) -> Made:
    return lambda prompt: imported_node(tmp_path, prompt)


def settings(port: int, **changes: Any) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{port}", "retry_pause_s": 0, "timeout_s": 5, **changes}


def index(document_id: str, *, more: dict[str, Any] | None = None, **document: Any) -> dict[str, Any]:
    values = {"index": "products", "operation": "index", "document_id": document_id, "document": document}
    return {**values, "is_searchable_at_once": True, **(more or {})}


def stored(server: int, document_id: str) -> Any:
    """Ask the server without the node."""
    return httpx.get(f"http://127.0.0.1:{server}/products/_doc/{document_id}").json().get("_source")


def test_the_server_of_these_tests_is_accepted_by_both_official_clients(server: int, products: str) -> None:
    with Elasticsearch(f"http://127.0.0.1:{server}") as elastic:
        elastic.index(index=products, id="1", document={"name": "red lamp"}, refresh=True)
        assert elastic.search(index=products, query={"match": {"name": "lamp"}})["hits"]["total"]["value"] == 1
    opensearch = OpenSearch(f"http://127.0.0.1:{server}")
    assert opensearch.get(index=products, id="1")["_source"] == {"name": "red lamp"}
    opensearch.close()


def test_every_operation_does_its_work(node: Made, server: int, products: str) -> None:
    config = settings(server)
    lamps = {"a": {"name": "red lamp", "price": 3}, "b": {"name": "blue lamp", "price": 4}, "c": {"name": "chair"}}
    with node(INDEX) as imported:
        bulk = perform(imported, config, {"index": products, "operation": "bulk", "documents": lamps,
                                          "is_searchable_at_once": True})  # fmt: skip
        made_up = perform(imported, config, index("", name="table"))
        perform(imported, config, index("d/e ü", name="desk"))
        read = perform(imported, config, {"index": products, "operation": "get", "document_id": "d/e ü"})
        removal = {"index": products, "operation": "delete", "document_id": "c", "is_searchable_at_once": True}
        gone = [perform(imported, config, removal) for _ in range(2)]
        missing = {"index": products, "operation": "get", "document_id": "c"}
        said = refused(imported, config, missing, Code.NOT_FOUND)
        found = perform(imported, config, {"index": products, "operation": "search", "match": {"name": "lamp"}})
        exact = perform(
            imported,
            config,
            {"index": products, "operation": "search", "match": {"name": "lamp"}, "term": {"price": 4}},
        )
        one = perform(imported, config, {"index": products, "operation": "search", "limit": 1})
    assert (bulk["count"], bulk["failures"]) == (3, {})
    assert stored(server, made_up["document_id"]) == {"name": "table"}
    assert read["document"] == {"name": "desk"}
    assert [answer["count"] for answer in gone] == [1, 0]
    assert "there is no document c" in said
    assert sorted(found["documents"]) == ["a", "b"]
    assert exact["documents"] == {"b": lamps["b"]}
    assert (one["count"], one["total"]) == (1, 4)


def test_a_node_of_a_plain_sentence_searches(node: Made, server: int, products: str) -> None:
    address = f"http://127.0.0.1:{server}/products/_doc/1?refresh=true"
    httpx.put(address, json={"name": "red lamp"})
    with node(SEARCHER) as imported:
        found = perform(imported, settings(server), {"index": products, "match": {"name": "lamp"}})
    assert found["documents"] == {"1": {"name": "red lamp"}}


def test_a_document_is_never_replaced_by_another_when_that_is_asked(node: Made, server: int, products: str) -> None:
    config = settings(server)
    only = {"only_if_absent": True}
    with node(INDEXER) as imported:
        for _ in range(2):
            perform(imported, config, index("1", name="first", more=only))
        said = refused(imported, config, index("1", name="second", more=only), Code.INVALID_STATE)
        perform(imported, config, index("1", name="third"))
    assert "HTTP 409" in said
    assert stored(server, "1") == {"name": "third"}


@pytest.mark.parametrize("has_id", [True, False])
def test_an_index_request_whose_answer_was_lost_leaves_one_document(
    has_id: bool, node: Made, server: int, products: str
) -> None:
    with FaultyTcp(server, mode="cut", on=b"PUT", first_connections=1) as proxy, node(INDEXER) as imported:
        result = perform(
            imported,
            settings(proxy.port),
            index("1" if has_id else "", name="lamp", more={"only_if_absent": True}),
        )
        assert proxy.cut_count == 1
    httpx.post(f"http://127.0.0.1:{server}/products/_refresh")
    assert httpx.get(f"http://127.0.0.1:{server}/products/_count").json()["count"] == 1
    assert result["attempts"] >= 2


def test_an_index_that_is_not_there_says_so(node: Made, server: int, products: str) -> None:
    with node(SEARCHER) as imported:
        said = refused(imported, settings(server), {"index": "nothing"}, Code.NOT_FOUND)
    assert "no such index" in said


@pytest.mark.parametrize("name", ["_all", "*", "a,b", "..", "a/_doc", "A", ""])
def test_an_index_name_that_means_others_never_reaches_the_server(name: str, node: Made) -> None:
    with ScriptedHttp([Said(200, WRITTEN)]) as scripted, node(INDEX) as imported:
        refused(imported, settings(scripted.port), {**index("1"), "index": name}, Code.VALIDATION_ERROR)
        for document_id in (".", ".."):
            values = {"index": "products", "operation": "delete", "document_id": document_id}
            refused(imported, settings(scripted.port), values, Code.VALIDATION_ERROR)
        refused(imported, settings(scripted.port), {"index": "products", "operation": "delete"}, Code.VALIDATION_ERROR)
    assert scripted.asked == []


@pytest.mark.parametrize(
    ("account", "header"),
    [
        ({"api_key": SECRET}, f"ApiKey {SECRET}"),
        ({"username": "node", "password": SECRET}, "Basic bm9kZTpzM2NyM3QtNHBpLWszeQ=="),
    ],
)
def test_wrong_credentials_are_refused_once(account: dict[str, str], header: str, node: Made) -> None:
    with ScriptedHttp([Said(401, UNKNOWN)]) as scripted, node(SEARCHER) as imported:
        said = refused(
            imported,
            settings(scripted.port, **account),
            {"index": "products"},
            Code.AUTHENTICATION_ERROR,
            secret=SECRET,
        )
    assert [asked.headers["Authorization"] for asked in scripted.asked] == [header]
    assert "ELASTICSEARCH_API_KEY" in said


def test_a_busy_server_is_asked_again_when_it_says(node: Made) -> None:
    waits = Said(429, BUSY, {"Retry-After": "1"})
    with ScriptedHttp([waits, Said(503, BUSY), Said(200, WRITTEN)]) as scripted, node(INDEXER) as imported:
        started = time.monotonic()
        result = perform(imported, settings(scripted.port), index("1", name="x"))
    assert result["attempts"] == 3
    assert time.monotonic() - started >= 1


def test_a_server_that_asks_for_too_long_a_pause_is_left_alone(node: Made) -> None:
    with ScriptedHttp([Said(429, BUSY, {"Retry-After": "3600"})]) as scripted, node(INDEXER) as imported:
        said = refused(imported, settings(scripted.port), index("1", name="x"), Code.RATE_LIMIT_ERROR)
    assert len(scripted.asked) == 1
    assert "rejected execution" in said


@pytest.mark.parametrize(
    ("answer", "code", "count"),
    [
        (Said(429, BUSY), Code.RATE_LIMIT_ERROR, 3),
        (Said(503, b"<html>busy</html>"), Code.SERVICE_UNAVAILABLE, 3),
        (Said(400, error("mapper_parsing_exception", "no number", 400)), Code.DATABASE_OPERATION_ERROR, 1),
        (Said(200, b"<html>a login page</html>"), Code.PARSING_ERROR, 1),
        (Said(200, ["a list"]), Code.PARSING_ERROR, 1),
        (Said(200, {"x": "y" * 5000}), Code.RESOURCE_ERROR, 1),
    ],
)
def test_each_refusal_has_a_code_and_bounded_attempts(answer: Said, code: Code, count: int, node: Made) -> None:
    with ScriptedHttp([answer]) as scripted, node(INDEXER) as imported:
        refused(imported, settings(scripted.port, max_response_bytes=4000), index("1", name="x"), code)
    assert len(scripted.asked) == count


def test_a_bulk_reports_the_documents_that_were_refused(node: Made) -> None:
    failed = {"_id": "2", "status": 400, "error": {"type": "mapper_parsing_exception", "reason": "no number"}}
    answer = {"took": 1, "errors": True, "items": [{"index": {"_id": "1", "status": 201}}, {"index": failed}]}
    with ScriptedHttp([Said(200, answer)]) as scripted, node(INDEX) as imported:
        values = {"index": "products", "operation": "bulk", "documents": {"1": {"n": 1}, "2": {"n": "x"}}}
        result = perform(imported, settings(scripted.port), values)
    assert (result["count"], result["failures"]) == (1, {"2": "no number"})


def test_a_server_that_is_away_is_a_network_error_after_bounded_attempts(node: Made) -> None:
    with FaultyTcp(mode="refuse") as away, node(SEARCHER) as imported:
        config = settings(away.port, api_key=SECRET)
        said = refused(imported, config, {"index": "products"}, Code.NETWORK_ERROR, secret=SECRET)
    assert "tried 3 times" in said
    assert "ELASTICSEARCH_URL" in said


def test_a_server_that_never_answers_or_drips_is_a_timeout(node: Made) -> None:
    values = {"index": "products"}
    with FaultyTcp(mode="silent") as silent, node(SEARCHER) as imported:
        refused(imported, settings(silent.port, timeout_s=0.2, max_attempts=2), values, Code.TIMEOUT_ERROR)
        assert silent.connection_count == 2
        with ScriptedHttp([Said(200, {"x": "y" * 500}, drip_s=0.1)]) as dripping:
            said = refused(imported, settings(dripping.port, timeout_s=1, deadline_s=0.5), values, Code.TIMEOUT_ERROR)
    assert "within 0.5 s" in said


def test_a_certificate_is_verified(node: Made, tmp_path: Path) -> None:
    _, certificate = self_signed(tmp_path)
    with node(SEARCHER) as imported:
        client = imported.module("logic").open_client(imported.model("Config")(url="https://h", ca_file=certificate))
        assert client._transport._pool._ssl_context.check_hostname
        wrong = settings(1, ca_file=tmp_path / "missing.pem")
        assert "CA_FILE" in refused(imported, wrong, {"index": "products"}, Code.CONFIGURATION_ERROR)


def test_settings_come_from_the_environment(node: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with node(SEARCHER) as imported:
        config = imported.model("Config")
        monkeypatch.setenv("ELASTICSEARCH_URL", "no address")
        with pytest.raises(Exception, match="ELASTICSEARCH_URL is not set or cannot be used"):
            config.from_environment()
        monkeypatch.setenv("ELASTICSEARCH_URL", "https://localhost:9200")
        monkeypatch.setenv("ELASTICSEARCH_API_KEY", SECRET)
        assert SECRET not in repr(config.from_environment())
