"""Generated HTTP nodes against a real HTTP server that answers, refuses, is busy, drips, lies or is away."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode as Code

from tests.support.effect_calls import perform, refused
from tests.support.generated_nodes import ImportedNode, imported_node
from tests.support.scripted_http import Asked, Said, ScriptedHttp
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration]

ORDERS = "EFFECT node called OrderApi that fetches, posts, puts, patches and deletes orders over an HTTP API"
FETCHER = "fetches the orders of a customer over an HTTP API"
TOKEN = "t0ken-s3cret"
Made = Callable[[str], AbstractContextManager[ImportedNode]]


@pytest.fixture
def node(tmp_path: Path) -> Made:
    return lambda prompt: imported_node(tmp_path, prompt)


def settings(port: int, **changes: Any) -> dict[str, Any]:
    return {"base_url": f"http://127.0.0.1:{port}/v1", "token": TOKEN, "retry_pause_s": 0, "timeout_s": 5, **changes}


def call(operation: str, **more: Any) -> dict[str, Any]:
    return {"path": "/orders/1", "operation": operation, **more}


def echo(asked: Asked) -> Said:
    said = {"method": asked.method, "path": asked.path, "body": asked.body.decode(), "headers": dict(asked.headers)}
    return Said(200, said)


def test_a_node_of_a_plain_sentence_fetches(node: Made) -> None:
    with ScriptedHttp(echo) as api, node(FETCHER) as imported:
        result = perform(imported, settings(api.port), {"path": "/customers/7/orders", "query": {"page": "2"}})
    assert (result["body"]["method"], result["body"]["path"]) == ("GET", "/v1/customers/7/orders?page=2")
    assert result["body"]["headers"]["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("operation", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_sends_its_body_and_headers(operation: str, node: Made) -> None:
    with ScriptedHttp(echo) as api, node(ORDERS) as imported:
        values = call(operation, body={"id": 1}, headers={"X-Trace": "7"})
        answer = perform(imported, settings(api.port), values)["body"]
    assert (answer["method"], json.loads(answer["body"]), answer["headers"]["X-Trace"]) == (operation, {"id": 1}, "7")


@pytest.mark.parametrize("operation", ["GET", "PUT", "DELETE"])
def test_what_may_be_repeated_is_repeated(operation: str, node: Made) -> None:
    busy = [Said(503), Said(429, headers={"Retry-After": "0"}), Said(200, {"done": True})]
    with ScriptedHttp(busy) as api, node(ORDERS) as imported:
        assert perform(imported, settings(api.port), call(operation))["attempts"] == 3


@pytest.mark.parametrize("operation", ["POST", "PATCH"])
def test_what_could_be_done_twice_is_repeated_only_with_a_key(operation: str, node: Made) -> None:
    with ScriptedHttp([Said(503)]) as api, node(ORDERS) as imported:
        refused(imported, settings(api.port), call(operation), Code.SERVICE_UNAVAILABLE)
        assert len(api.asked) == 1
    with ScriptedHttp([Said(503), Said(200)]) as api, node(ORDERS) as imported:
        perform(imported, settings(api.port), call(operation, idempotency_key="k-1"))
        assert [asked.headers["Idempotency-Key"] for asked in api.asked] == ["k-1", "k-1"]


def test_a_post_whose_answer_was_lost_is_done_once(node: Made) -> None:
    done: dict[str, Asked] = {}

    def remember(asked: Asked) -> Said:
        done.setdefault(asked.headers.get("Idempotency-Key", str(len(done))), asked)
        return Said(201, {"id": 1})

    with ScriptedHttp(remember) as api, node(ORDERS) as imported:
        with FaultyTcp(api.port, mode="cut", on=b"POST", first_connections=1) as proxy:
            result = perform(imported, settings(proxy.port), call("POST", body={}, idempotency_key="k-1"))
        assert (result["attempts"], len(done)) == (2, 1)
        with FaultyTcp(api.port, mode="cut", on=b"POST", first_connections=1) as proxy:
            refused(imported, settings(proxy.port), call("POST", body={}), Code.NETWORK_ERROR)
            assert proxy.connection_count == 1
    assert len(done) == 2


@pytest.mark.parametrize(
    ("status", "code", "count"),
    [
        (401, Code.AUTHENTICATION_ERROR, 1),
        (403, Code.AUTHENTICATION_ERROR, 1),
        (404, Code.NOT_FOUND, 1),
        (422, Code.OPERATION_FAILED, 1),
        (500, Code.OPERATION_FAILED, 1),
        (429, Code.RATE_LIMIT_ERROR, 3),
        (503, Code.SERVICE_UNAVAILABLE, 3),
    ],
)
def test_each_refusal_has_a_code_and_bounded_attempts(status: int, code: Code, count: int, node: Made) -> None:
    with ScriptedHttp([Said(status, {"detail": "no"})]) as api, node(FETCHER) as imported:
        refused(imported, settings(api.port), {"path": "/x"}, code, secret=TOKEN)
    assert len(api.asked) == count


def test_retry_after_is_honoured_up_to_a_limit(node: Made) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    for said in ("3600", later):
        with ScriptedHttp([Said(429, headers={"Retry-After": said})]) as api, node(FETCHER) as imported:
            refused(imported, settings(api.port), {"path": "/x"}, Code.RATE_LIMIT_ERROR)
        assert len(api.asked) == 1
    for said in ("soon", "-1", "0", format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)):
        answers = [Said(429, headers={"Retry-After": said}), Said(200)]
        with ScriptedHttp(answers) as api, node(FETCHER) as imported:
            assert perform(imported, settings(api.port), {"path": "/x"})["attempts"] == 2


def test_a_server_that_drips_meets_the_deadline(node: Made) -> None:
    with ScriptedHttp([Said(200, {"x": "y" * 500}, drip_s=0.1)]) as api, node(FETCHER) as imported:
        said = refused(imported, settings(api.port, timeout_s=1, deadline_s=0.5), {"path": "/x"}, Code.TIMEOUT_ERROR)
    assert "within 0.5 s" in said


def test_an_answer_above_the_limit_is_not_read(node: Made) -> None:
    with ScriptedHttp([Said(200, {"x": "y" * 5000})]) as api, node(FETCHER) as imported:
        said = refused(imported, settings(api.port, max_response_bytes=1000), {"path": "/x"}, Code.RESOURCE_ERROR)
    assert "larger than 1000 bytes" in said
    assert len(api.asked) == 1


def test_a_redirect_is_not_followed(node: Made) -> None:
    with ScriptedHttp([Said(302, {}, {"Location": "http://127.0.0.1:1/elsewhere"})]) as api, node(FETCHER) as imported:
        assert perform(imported, settings(api.port), {"path": "/x"})["status_code"] == 302
    assert len(api.asked) == 1


def test_an_answer_that_is_no_json_is_given_as_text(node: Made) -> None:
    for content, expected in ((b"plain", "plain"), (b"\xff", "\ufffd"), (b"[" * 100_000, "[" * 100_000), (b"", None)):
        with ScriptedHttp([Said(200, content)]) as api, node(FETCHER) as imported:
            assert perform(imported, settings(api.port), {"path": "/x"})["body"] == expected


def test_a_server_that_is_away_is_a_network_error_after_bounded_attempts(node: Made) -> None:
    with FaultyTcp(mode="refuse") as away, node(ORDERS) as imported:
        for operation in ("GET", "POST"):
            said = refused(imported, settings(away.port), call(operation), Code.NETWORK_ERROR, secret=TOKEN)
            assert "tried 3 times" in said
            assert "HTTP_API_BASE_URL" in said


def test_a_server_that_never_answers_is_a_timeout(node: Made) -> None:
    with FaultyTcp(mode="silent") as silent, node(ORDERS) as imported:
        refused(imported, settings(silent.port, timeout_s=0.2), call("POST"), Code.TIMEOUT_ERROR)
        assert silent.connection_count == 1
        refused(imported, settings(silent.port, timeout_s=0.2, max_attempts=2), call("GET"), Code.TIMEOUT_ERROR)
        assert silent.connection_count == 3


@pytest.mark.parametrize(
    "path",
    ["/../admin", "/a/../../admin", "/a/..", "/%2e%2e/admin", "/.%2E/admin", "/a%2f../b", "/..%2fadmin", "//host/x",
     "/a\\..\\b", "x", "http://host/x", "/a b", "/x?y=1"],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_never_sent(path: str, node: Made) -> None:
    with ScriptedHttp([Said(200)]) as api, node(FETCHER) as imported:
        refused(imported, settings(api.port), {"path": path}, Code.VALIDATION_ERROR)
    assert api.asked == []


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\n": "a"}, {"X": "ü"}, {"X": "a\0"}])
def test_a_header_that_would_be_two_is_never_sent(headers: dict[str, str], node: Made) -> None:
    with ScriptedHttp([Said(200)]) as api, node(FETCHER) as imported:
        refused(imported, settings(api.port), {"path": "/x", "headers": headers}, Code.VALIDATION_ERROR)
    assert api.asked == []


@pytest.mark.parametrize(
    "changes", [{"headers": {"Host": "h"}}, {"headers": {"transfer-encoding": "x"}}, {"body": {"x": float("nan")}}]
)
def test_what_would_not_be_one_whole_request_is_never_sent(changes: dict[str, Any], node: Made) -> None:
    with ScriptedHttp([Said(200)]) as api, node(FETCHER) as imported:
        refused(imported, settings(api.port), {"path": "/x", **changes}, Code.VALIDATION_ERROR)
    assert api.asked == []


@pytest.mark.parametrize("path", ["/a.b/..c", "/v1.0/x..y", "/.well-known/x", "/a%20b"])
def test_dots_inside_names_are_just_names(path: str, node: Made) -> None:
    with ScriptedHttp(echo) as api, node(FETCHER) as imported:
        assert perform(imported, settings(api.port), {"path": path})["body"]["path"] == f"/v1{path}"


TYPED = {
    "prompt": "EFFECT node called OrderPoster that posts orders to an HTTP API with customer (string) and "
    "amount (integer)",
    "examples": [
        {
            "input": {"path": "/orders", "body": {"customer": "ada", "amount": 3}},
            "output": {"status_code": 201, "body": {"order_id": 7, "state": "new"}},
        }
    ],
}


def test_fields_that_examples_show_are_typed_on_both_sides(tmp_path: Path) -> None:
    answers = [Said(201, {"order_id": 7, "state": "new", "added": True}), Said(201, {"order_id": "x"})]
    order = {"path": "/orders", "body": {"customer": "ada", "amount": 3}}
    with ScriptedHttp(answers) as api, imported_node(tmp_path, **TYPED) as imported:
        result = perform(imported, settings(api.port), order)
        said = refused(imported, settings(api.port), order, Code.PARSING_ERROR)
        wrong = {**order, "body": {"customer": "ada", "amount": "many"}}
        refused(imported, settings(api.port), wrong, Code.VALIDATION_ERROR)
    assert [json.loads(asked.body) for asked in api.asked] == [order["body"]] * 2
    assert result["body"] == {"order_id": 7, "state": "new"}
    assert "no usable order_id, state" in said
