"""The OpenAPI document says what the service does: every refusal, every header, every bound."""

from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from omniclaude_dagster.records.kind_figures import KindFigures
from omniclaude_dagster.statistics import wilson
from omniclaude_dagster.surfaces.api import samples
from omniclaude_dagster.surfaces.api.answers import (
    AssistAnswer,
    FoundPatterns,
    HealthAnswer,
    RecordedAnswer,
    StoredAnswer,
    SummaryAnswer,
)
from omniclaude_dagster.surfaces.api.requests import AssistRequest, NewPattern, PatternSearch, Reports
from tests.support.service_fakes import (
    GENERATION_ASSIST,
    GET_PATTERNS,
    HEALTH,
    RECORD_PERFORMANCE,
    STORE_PATTERN,
    SUMMARY,
    Service,
)

BODY = {"408", "413", "415", "422"}
GUARDED = {"401", "403", "429", "503"}
STATUSES = {
    STORE_PATTERN: ("post", "write", {"200", "201"} | BODY | GUARDED),
    GET_PATTERNS: ("post", "read", {"200"} | BODY | GUARDED),
    GENERATION_ASSIST: ("post", "read", {"200"} | BODY | GUARDED),
    RECORD_PERFORMANCE: ("post", "write", {"200", "409"} | BODY | GUARDED),
    SUMMARY: ("get", "read", {"200"} | GUARDED),
    HEALTH: ("get", None, {"200", "503"}),
}


@pytest.fixture
def document(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get("/openapi.json").json()
    return found


def test_every_endpoint_declares_its_answers_and_who_may_ask(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == set(STATUSES)
    for path, (method, scope, statuses) in STATUSES.items():
        operation = document["paths"][path][method]
        assert set(operation["responses"]) == statuses
        assert operation["security"] == ([{"bearer": [scope]}] if scope else [])
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_refusal_is_declared_as_a_problem_and_every_answer_has_its_id(document: dict[str, Any]) -> None:
    for path, (method, _, _) in STATUSES.items():
        for status, answer in document["paths"][path][method]["responses"].items():
            is_problem = int(status) >= 400 and path != HEALTH
            assert set(answer["content"]) == {"application/problem+json" if is_problem else "application/json"}
            assert "X-Request-Id" in answer["headers"]
            assert ("Retry-After" in answer["headers"]) == (status in {"429", "503"})
            assert ("WWW-Authenticate" in answer["headers"]) == (status in {"401", "403"})


def test_every_object_of_a_request_is_closed(document: dict[str, Any]) -> None:
    for name in ("PatternSearch", "AssistRequest", "NewPattern", "Report", "Reports"):
        assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_the_bounds_of_numbers_and_texts_are_in_the_document(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    search, report = schemas["PatternSearch"]["properties"], schemas["Report"]["properties"]
    assert (search["limit"]["minimum"], search["limit"]["maximum"]) == (1, 50)
    assert search["text"]["maxLength"] == 20_000
    assert schemas["Reports"]["properties"]["rows"]["maxItems"] == 1000
    assert schemas["NewPattern"]["properties"]["quality_score"]["minimum"] == 0.95
    assert report["tokens_input"]["minimum"] == 0
    assert "default" not in report["cost_usd"]


@pytest.mark.parametrize(
    ("model", "sample"),
    [
        (PatternSearch, samples.SEARCH),
        (AssistRequest, samples.ASSIST),
        (NewPattern, samples.PATTERN),
        (Reports, samples.REPORTS),
    ],
)
def test_the_examples_of_the_document_are_good_requests(model: Any, sample: dict[str, Any]) -> None:
    assert TypeAdapter(model).validate_python(sample)
    assert sample in model.model_json_schema()["examples"]


def test_no_page_of_the_service_loads_anything_from_elsewhere(service: Service) -> None:
    app: Any = service.client.app
    assert {route.path for route in app.routes if not isinstance(route, APIRoute)} == {"/openapi.json"}
    assert "http" not in service.client.get("/openapi.json").text.replace('"type":"http"', "")


def test_every_answer_is_of_its_declared_model(service: Service) -> None:
    success = wilson(9, 10)
    assert success is not None
    service.parts.figures = KindFigures(10, success, 0.97, 1_250_000)
    answers = {
        FoundPatterns: service.post(GET_PATTERNS, samples.SEARCH),
        AssistAnswer: service.post(GENERATION_ASSIST, samples.ASSIST),
        StoredAnswer: service.post(STORE_PATTERN, samples.PATTERN),
        RecordedAnswer: service.post(RECORD_PERFORMANCE, samples.REPORTS),
        SummaryAnswer: service.get(SUMMARY),
        HealthAnswer: service.get(HEALTH),
    }
    for model, answer in answers.items():
        read = model.model_validate_json(answer.content)
        assert read.model_dump(mode="json") == answer.json()
