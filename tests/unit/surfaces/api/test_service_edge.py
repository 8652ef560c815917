"""What every answer carries, what is logged of every request, and paths and methods that there are not."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.surfaces.api import samples
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.edge import access_logger
from tests.support.service_fakes import (
    GET_PATTERNS,
    HEALTH,
    STORE_PATTERN,
    SUMMARY,
    Service,
    problem,
    service_over,
)


class Lines(logging.Handler):
    """Keeps the access log."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    @property
    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.texts[-1])
        return found


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    access_logger.addHandler(handler)
    earlier = access_logger.level
    access_logger.setLevel(logging.INFO)
    yield handler
    access_logger.removeHandler(handler)
    access_logger.setLevel(earlier)


def answers(service: Service) -> list[Any]:
    return [
        service.get(SUMMARY),
        service.client.get(HEALTH),
        service.client.get("/openapi.json"),
        service.client.get("/nowhere"),
        service.client.post(STORE_PATTERN),
        service.post(GET_PATTERNS, {}),
        service.client.delete(HEALTH),
    ]


def test_every_answer_keeps_browsers_and_caches_away(service: Service) -> None:
    for answer in answers(service):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["content-type"].split(";")[0] in {"application/json", "application/problem+json"}
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


def test_the_id_of_a_request_comes_back(service: Service) -> None:
    answer = service.client.get(HEALTH, headers={"X-Request-Id": "my-request_1.2"})
    assert answer.headers["x-request-id"] == "my-request_1.2"
    made = {service.client.get(HEALTH).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in made)


@pytest.mark.parametrize("given", ["", "a b", "x" * 64, "../x", "a\x7f", "é"])
def test_an_id_that_could_spoil_a_log_is_replaced(service: Service, given: str) -> None:
    answer = service.client.get(HEALTH, headers=[(b"x-request-id", given.encode())])
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/redoc", "/healthz/", "/v1", "/v1/intelligence/", "/v1/%2e%2e/healthz"]
)
def test_a_path_that_is_not_there_is_a_problem(service: Service, path: str) -> None:
    problem(service.client.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", GET_PATTERNS, "POST"),
        ("DELETE", STORE_PATTERN, "POST"),
        ("OPTIONS", GET_PATTERNS, "POST"),
        ("POST", SUMMARY, "GET"),
        ("PUT", HEALTH, "GET"),
        ("PATCH", HEALTH, "GET"),
        ("BREW", HEALTH, "GET"),
    ],
)
def test_a_method_that_is_not_there_is_a_problem_that_names_the_right_one(
    service: Service, method: str, path: str, allowed: str
) -> None:
    answer = service.client.request(method, path)
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


def test_a_request_is_one_line_of_the_log_without_secrets(service: Service, lines: Lines) -> None:
    answer = service.post(GET_PATTERNS, {**samples.SEARCH, "text": "a very private text"})
    line = lines.last
    assert line.pop("duration_ms") > 0
    assert datetime.fromisoformat(line.pop("at")) <= datetime.now(UTC)
    assert line == {
        "request_id": answer.headers["x-request-id"],
        "method": "POST",
        "path": GET_PATTERNS,
        "status": 200,
        "client": "testclient",
        "token": "reader",
    }
    assert service.reader not in lines.texts[-1]
    assert "private" not in lines.texts[-1]


def test_a_path_cannot_forge_a_line_of_the_log(service: Service, lines: Lines) -> None:
    service.client.get("/x%0A%7B%22status%22%3A200%7D%1b[2J?token=secret")
    assert "\n" not in lines.texts[-1]
    assert "\x1b" not in lines.texts[-1]
    assert "secret" not in lines.texts[-1]
    assert lines.last["path"] == '/x\n{"status":200}\x1b[2J'
    assert lines.last["token"] == ""


def test_a_long_path_is_cut_in_the_log(service: Service, lines: Lines) -> None:
    service.client.get("/" + "x" * 5000)
    assert len(lines.texts[-1]) < 600


def test_a_failure_is_in_the_log_with_its_status(service: Service, lines: Lines) -> None:
    service.parts.failure = ZeroDivisionError("oops")
    service.get(SUMMARY)
    assert lines.last["status"] == 500


def test_the_access_log_can_be_left_out(tmp_path: Path, lines: Lines) -> None:
    service = service_over(tmp_path, config=ServiceConfig(is_access_logged=False))
    with service.client:
        service.get(SUMMARY)
    assert lines.texts == []
