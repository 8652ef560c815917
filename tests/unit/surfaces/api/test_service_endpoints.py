"""What each endpoint does with what it is asked, and what it hands on to the parts behind it."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.patterns.making import make_pattern
from omniclaude_dagster.patterns.model import Found
from omniclaude_dagster.records.kind_figures import KindFigures
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.statistics import wilson
from omniclaude_dagster.surfaces.api import samples
from tests.support.pattern_fakes import pattern_for
from tests.support.service_fakes import (
    GENERATION_ASSIST,
    GET_PATTERNS,
    NOON,
    RECORD_PERFORMANCE,
    STORE_PATTERN,
    SUMMARY,
    FakeParts,
    Service,
    an_offer,
    service_over,
)


def report(**changes: Any) -> dict[str, Any]:
    values = {**samples.REPORTS["rows"][0], "id": str(uuid.uuid4()), **changes}
    return {name: value for name, value in values.items() if value is not ...}


def test_a_search_is_handed_to_the_library_as_it_was_asked(service: Service) -> None:
    asked = {**samples.SEARCH, "systems": ["PostgreSQL"], "limit": 7}
    answer = service.post(GET_PATTERNS, asked)
    assert answer.status_code == 200
    (query,) = service.parts.queries
    assert (query.text, query.node_kind, query.systems, query.limit) == (
        asked["text"], NodeKind.COMPUTE, ("PostgreSQL",), 7,
    )  # fmt: skip
    assert query.inputs == asked["inputs"]
    assert query.outputs == asked["outputs"]


def test_found_patterns_come_back_whole_ranked_and_with_reasons(service: Service) -> None:
    offers = (an_offer(pattern_for("first")), an_offer(pattern_for("second"), score=1 / 3))
    service.parts.found = Found(offers, 17, ("the vector index is away: http://secret.host:6333 refused",))
    body = service.post(GET_PATTERNS, samples.SEARCH).json()
    assert [entry["rank"] for entry in body["patterns"]] == [1, 2]
    assert body["patterns"][1]["score"] == 0.333333
    assert body["patterns"][0]["reasons"] == ["the same words"]
    assert body["considered_count"] == 17
    pattern = offers[0].pattern
    shown = body["patterns"][0]["pattern"]
    assert (shown["code"], shown["pattern_id"]) == (pattern.code, str(pattern.pattern_id))
    assert shown["examples"] == [dict(example) for example in pattern.examples]
    assert shown["node_kind"] == "COMPUTE"


def test_what_is_away_is_named_without_addresses(service: Service) -> None:
    service.parts.found = Found((), 0, ("the vector index is away: http://secret.host:6333 refused",))
    assert service.post(GET_PATTERNS, samples.SEARCH).json()["degraded"] == ["the vector index is away"]
    assert "secret.host" not in service.post(GENERATION_ASSIST, samples.ASSIST).text


@pytest.mark.parametrize("limit", [1, 50])
def test_from_1_to_50_patterns_may_be_asked_for(service: Service, limit: int) -> None:
    assert service.post(GET_PATTERNS, {**samples.SEARCH, "limit": limit}).status_code == 200
    assert service.parts.queries[-1].limit == limit


def test_texts_that_look_like_sql_or_html_come_back_as_data(service: Service) -> None:
    nasty = "'; DROP TABLE patterns; -- <script>alert(1)</script> {{7*7}} ${jndi:ldap://x}"
    service.parts.found = Found((an_offer(pattern_for(nasty, name=nasty)),), 1)
    answer = service.post(GET_PATTERNS, {**samples.SEARCH, "text": nasty})
    assert answer.json()["patterns"][0]["pattern"]["description"] == nasty
    assert answer.headers["content-type"] == "application/json"
    assert service.parts.queries[0].text == nasty


def test_a_new_pattern_is_stored_as_one_from_the_service(service: Service) -> None:
    answer = service.post(STORE_PATTERN, samples.PATTERN)
    (stored,) = service.parts.added
    assert answer.status_code == 201
    assert answer.json() == {"pattern_id": str(stored.pattern_id), "is_new": True}
    assert stored.source == "service"
    given = {**samples.PATTERN, "node_kind": NodeKind.COMPUTE, "source": "service", "created_at": stored.created_at}
    given["correlation_id"] = uuid.UUID(given["correlation_id"])
    assert stored == make_pattern(**given)


def test_a_pattern_that_is_known_is_said_to_be_known(service: Service) -> None:
    first = service.post(STORE_PATTERN, samples.PATTERN)
    second = service.post(STORE_PATTERN, {**samples.PATTERN, "name": "Other", "request_id": "another-1"})
    assert second.status_code == 200
    assert second.json() == {**first.json(), "is_new": False}


def test_assistance_says_what_was_understood_and_what_to_expect(service: Service) -> None:
    success = wilson(9, 10)
    assert success is not None
    service.parts.figures = KindFigures(10, success, 0.97, 1_250_000)
    body = service.post(GENERATION_ASSIST, samples.ASSIST).json()
    assert (body["parsed"]["node_kind"], body["parsed"]["name"]) == ("COMPUTE", "FullName")
    assert body["parsed"]["confidence"] > 0.9
    assert [entry["rank"] for entry in body["patterns"]] == [1]
    assert [(chain["stage"], chain["models"][0], chain["tries_per_model"]) for chain in body["models"]] == [
        ("prompt_parsing", "cheap-prompt_parsing", 2),
        ("business_logic", "cheap-business_logic", 2),
    ]
    expected = body["expected"]
    assert (expected["generation_count"], expected["quality_score"], expected["cost_nanousd"]) == (10, 0.97, 1_250_000)
    assert expected["cost_usd"] == 0.00125
    assert expected["success_rate"] == success.as_json()
    assert body["degraded"] == []


def test_assistance_without_a_kind_asks_and_searches_nothing(service: Service) -> None:
    body = service.post(GENERATION_ASSIST, {"prompt": "hm"}).json()
    assert body["parsed"]["node_kind"] is None
    assert body["parsed"]["questions"]
    assert (body["patterns"], body["expected"]) == ([], None)
    assert service.parts.queries == []


def test_what_is_given_beside_the_prompt_wins_over_it(service: Service) -> None:
    body = service.post(
        GENERATION_ASSIST, {**samples.ASSIST, "node_kind": "REDUCER", "name": "Other", "domain": "sales"}
    ).json()
    assert (body["parsed"]["node_kind"], body["parsed"]["name"], body["parsed"]["domain"]) == (
        "REDUCER", "Other", "sales",
    )  # fmt: skip
    assert service.parts.asked_kinds == [NodeKind.REDUCER]


def test_the_figures_of_a_kind_are_asked_for_once_in_a_while(service: Service) -> None:
    for _ in range(3):
        service.post(GENERATION_ASSIST, samples.ASSIST)
    assert service.parts.asked_kinds == [NodeKind.COMPUTE]


def test_reports_are_kept_with_the_name_of_the_token(service: Service) -> None:
    answer = service.post(RECORD_PERFORMANCE, samples.REPORTS)
    assert (answer.status_code, answer.json()) == (200, {"accepted_count": 1})
    (row,) = service.parts.reported
    assert (row.reported_by, row.model, row.stage, row.is_success) == ("writer", "a-model", "code_generation", True)
    assert row.timestamp == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (row.tokens_input, row.tokens_output, row.latency_ms) == (412, 96, 812.5)


@pytest.mark.parametrize(
    ("cost", "nanousd"),
    [
        ({"cost_usd": "0.000124"}, 124_000),
        ({"cost_usd": "0.000000001"}, 1),
        ({"cost_usd": "999999.999999999"}, 999_999_999_999_999),
        ({"cost_usd": "12"}, 12_000_000_000),
        ({"cost_usd": "0.1"}, 100_000_000),
        ({"cost_nanousd": 7}, 7),
        ({"cost_nanousd": 0}, 0),
    ],
)
def test_costs_are_kept_to_the_nano_dollar(service: Service, cost: dict[str, Any], nanousd: int) -> None:
    row = report(cost_usd=...) | cost
    assert service.post(RECORD_PERFORMANCE, {"rows": [row]}).status_code == 200
    assert service.parts.reported[0].cost_nanousd == nanousd


def test_a_report_without_a_time_is_of_now(service: Service) -> None:
    before = datetime.now(UTC)
    assert service.post(RECORD_PERFORMANCE, {"rows": [report(timestamp=...)]}).status_code == 200
    assert before <= service.parts.reported[0].timestamp <= datetime.now(UTC)


@pytest.mark.parametrize(
    "text", ["2026-03-01T13:30:00+01:30", "2026-03-01T12:00:00.000000Z", "2026-03-01T07:00:00-05:00"]
)
def test_times_are_kept_in_utc(service: Service, text: str) -> None:
    assert service.post(RECORD_PERFORMANCE, {"rows": [report(timestamp=text)]}).status_code == 200
    assert service.parts.reported[0].timestamp == NOON


def test_a_report_that_stands_twice_in_a_batch_is_kept_once(service: Service) -> None:
    rows = [report(), report()]
    assert service.post(RECORD_PERFORMANCE, {"rows": [*rows, *rows]}).json() == {"accepted_count": 4}
    assert [str(row.report_id) for row in service.parts.reported] == [row["id"] for row in rows]


def test_a_whole_number_may_be_written_with_a_point(service: Service) -> None:
    assert service.post_text(GET_PATTERNS, '{"text": "x", "node_kind": "EFFECT", "limit": 2.0}').status_code == 200
    assert service.parts.queries[0].limit == 2


def test_a_thousand_reports_go_in_at_once(service: Service) -> None:
    rows = [report() for _ in range(1000)]
    assert service.post(RECORD_PERFORMANCE, {"rows": rows}).json() == {"accepted_count": 1000}
    assert len(service.parts.reported) == 1000


def test_the_summary_shows_the_figures_of_the_records(service: Service) -> None:
    body = service.get(SUMMARY).json()
    assert body["total"] == {
        "generation_count": 10,
        "by_status": {"published": 9, "failed": 1},
        "success_rate": {"value": 0.9, "low": 0.5958, "high": 0.9821},
        "average_quality": 0.97,
        "cost_nanousd": 1_500_000_000,
        "cost_usd": 1.5,
    }
    assert body["week_before"]["success_rate"] is None
    assert body["days"][0]["day"] == "2026-03-01"
    assert body["patterns"] == {"active": 3}


def test_the_parts_are_let_go_of_when_the_service_ends(tmp_path: Path) -> None:
    parts = FakeParts()
    with service_over(tmp_path, parts).client:
        assert not parts.is_closed
    assert parts.is_closed
