"""Every way in which a body can be wrong, and every status that says so, as one and the same kind of problem."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.errors import (
    ConfigurationError,
    EmbeddingUnavailableError,
    IndexUnavailableError,
    OmniClaudeError,
    RecordsUnavailableError,
    StorageError,
)
from omniclaude_dagster.surfaces.api import samples
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from tests.support.service_fakes import (
    GENERATION_ASSIST,
    GET_PATTERNS,
    RECORD_PERFORMANCE,
    STORE_PATTERN,
    SUMMARY,
    FakeParts,
    Service,
    problem,
    service_over,
)

BODIES = {
    GET_PATTERNS: samples.SEARCH,
    GENERATION_ASSIST: samples.ASSIST,
    STORE_PATTERN: samples.PATTERN,
    RECORD_PERFORMANCE: samples.REPORTS,
}
ROW = samples.REPORTS["rows"][0]


def pointers(body: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in body["errors"]]


@pytest.mark.parametrize("path", BODIES)
def test_an_unknown_field_is_refused_wherever_it_stands(service: Service, path: str) -> None:
    found = problem(service.post(path, {**BODIES[path], "a/b~c": 1}), 422, "invalid")
    assert found["errors"] == [{"pointer": "/a~1b~0c", "detail": "there is no such field"}]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("body", [[], "text", 1, {}, True], ids=str)
def test_what_is_no_object_with_the_needed_fields_is_refused(service: Service, path: str, body: Any) -> None:
    assert problem(service.post(path, body), 422, "invalid")["errors"]


def test_null_is_no_body(service: Service) -> None:
    assert problem(service.post_text(GET_PATTERNS, "null"), 422, "invalid")["errors"] == [
        {"pointer": "", "detail": "must be a JSON object"}
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"text": "a"} {}', "not valid JSON"),
        (b'{"text": "a", "text": "b"}', "occurs twice"),
        (b'{"a": {"b": 1, "b": 1}}', "occurs twice"),
        (b'{"limit": NaN}', "NaN is not a JSON number"),
        (b'{"limit": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"limit": 1e999}', "not a finite number"),
        (b'{"limit": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        ('{"text": "a"}'.encode("utf-16"), "not UTF-8"),
        (b'{"text": "\\u0000"}', "NUL"),
        (b'{"text": "\\u001b[2J"}', "a control character"),
        (b'{"text": "\\ud800"}', "half of a surrogate pair"),
        (b'{"text": "\\u202e"}', "direction of text"),
        (b'{"\\u0007": 1}', "a key contains a control character"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested deeper"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" + b"1," * 60_000 + b"1]", "more than 50,000 values"),
    ],
    ids=lambda value: value[:12].decode("ascii", "replace") if isinstance(value, bytes) else "",
)
def test_what_two_readers_could_read_differently_is_refused(service: Service, text: bytes, reason: str) -> None:
    found = problem(service.post_text(GET_PATTERNS, text), 422, "invalid")
    assert reason in found["detail"]
    assert len(found["errors"]) == 1


def test_a_bad_character_is_pointed_at_inside_of_any_data(service: Service) -> None:
    pattern = {**samples.PATTERN, "request": {"prompt": "x", "project": {"path": ["a", "b\0"]}}}
    found = problem(service.post(STORE_PATTERN, pattern), 422, "invalid")
    assert pointers(found) == ["/request/project/path/1"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "", "json"],
)
def test_what_does_not_say_that_it_is_json_is_not_read(service: Service, content_type: str) -> None:
    answer = service.post_text(GET_PATTERNS, json.dumps(samples.SEARCH), content_type=content_type)
    problem(answer, 415, "not-json")


def test_json_may_say_its_encoding(service: Service) -> None:
    answer = service.post_text(
        GET_PATTERNS, json.dumps(samples.SEARCH), content_type='Application/JSON; Charset="UTF-8"'
    )
    assert answer.status_code == 200


def test_a_compressed_body_is_refused(service: Service) -> None:
    answer = service.client.post(
        GET_PATTERNS,
        content=b"x",
        headers={
            "Authorization": f"Bearer {service.reader}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        },
    )
    problem(answer, 415, "not-json")


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    service = service_over(tmp_path, config=ServiceConfig(max_body_bytes=1000))
    text = json.dumps(samples.SEARCH).encode()
    with service.client:
        assert service.post_text(GET_PATTERNS, text + b" " * (1000 - len(text))).status_code == 200
        found = problem(service.post_text(GET_PATTERNS, text + b" " * (1001 - len(text))), 413, "too-large")
    assert "1,000" in found["detail"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"text": ""}, "/text"),
        ({"text": "x" * 20_001}, "/text"),
        ({"node_kind": "compute"}, "/node_kind"),
        ({"node_kind": None}, "/node_kind"),
        ({"limit": 0}, "/limit"),
        ({"limit": 51}, "/limit"),
        ({"limit": "5"}, "/limit"),
        ({"limit": 5.5}, "/limit"),
        ({"limit": True}, "/limit"),
        ({"systems": "PostgreSQL"}, "/systems"),
        ({"systems": [""]}, "/systems/0"),
        ({"systems": ["a"] * 21}, "/systems"),
        ({"inputs": {"": "str"}}, "/inputs/"),
        ({"inputs": {"a": 1}}, "/inputs/a"),
        ({"inputs": {str(n): "str" for n in range(101)}}, "/inputs"),
        ({"outputs": {"a": "x" * 501}}, "/outputs/a"),
    ],
)
def test_a_search_beyond_its_bounds_is_refused(service: Service, changes: dict[str, Any], pointer: str) -> None:
    found = problem(service.post(GET_PATTERNS, samples.SEARCH | changes), 422, "invalid")
    assert pointers(found)[0].startswith(pointer)
    assert service.parts.queries == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"prompt": ""}, "/prompt"),
        ({"prompt": "x" * 20_001}, "/prompt"),
        ({"name": "lower"}, "/name"),
        ({"name": "X\n"}, "/name"),
        ({"domain": "Not A Domain"}, "/domain"),
        ({"node_kind": "SERVICE"}, "/node_kind"),
        ({"limit": -1}, "/limit"),
    ],
)
def test_a_prompt_beyond_its_bounds_is_refused(service: Service, changes: dict[str, Any], pointer: str) -> None:
    found = problem(service.post(GENERATION_ASSIST, samples.ASSIST | changes), 422, "invalid")
    assert pointers(found) == [pointer]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"code": "def full_name(:"}, "/code"),
        ({"code": "x = 1\n"}, "/code"),
        ({"code": "def full_name(): pass\n" + "#" * 65_536}, "/code"),
        ({"function": "not a name"}, "/function"),
        ({"domain": "Not A Domain"}, "/domain"),
        ({"origin": "scaffold"}, "/origin"),
        ({"models": {"../../etc/passwd": "x"}}, "/models"),
        ({"request_id": "../x"}, "/request_id"),
        ({"correlation_id": "{0b0f3d0e-6f0a-4f5e-9a3c-5d1c2b7a9e11}"}, "/correlation_id"),
        ({"correlation_id": 7}, "/correlation_id"),
        ({"core_version": "latest"}, "/core_version"),
        ({"examples": [1]}, "/examples/0"),
        ({"examples": [{}] * 101}, "/examples"),
        ({"quality_score": 1.01}, "/quality_score"),
        ({"quality_score": "0.98"}, "/quality_score"),
    ],
)
def test_a_pattern_that_is_none_is_refused(service: Service, changes: dict[str, Any], pointer: str) -> None:
    found = problem(service.post(STORE_PATTERN, samples.PATTERN | changes), 422, "invalid")
    assert pointers(found) == [pointer]
    assert service.parts.added == []


@pytest.mark.parametrize("quality", [0, 0.5, 0.949999, -1])
def test_a_pattern_that_is_not_proven_is_refused_by_the_rule(service: Service, quality: float) -> None:
    found = problem(service.post(STORE_PATTERN, samples.PATTERN | {"quality_score": quality}), 422, "quality-too-low")
    assert found["errors"] == [
        {"pointer": "/quality_score", "detail": "the library stores only patterns of quality 0.95 or more"}
    ]


def test_a_pattern_at_the_bar_is_taken(service: Service) -> None:
    assert service.post(STORE_PATTERN, samples.PATTERN | {"quality_score": 0.95}).status_code == 201
    assert service.post(STORE_PATTERN, samples.PATTERN | {"quality_score": 1}).status_code == 200


def test_a_pattern_with_a_credential_in_it_is_refused(service: Service) -> None:
    code = samples.PATTERN["code"] + '\nKEY = "AKIA' + "ABCDEFGHIJKLMNOP" + '"\n'
    found = problem(service.post(STORE_PATTERN, samples.PATTERN | {"code": code}), 422, "invalid")
    assert "access key of AWS in the code" in found["detail"]
    assert "AKIA" not in json.dumps(found)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"id": "x"}, "/rows/0/id"),
        ({"id": 1}, "/rows/0/id"),
        ({"stage": "a b"}, "/rows/0/stage"),
        ({"model_name": ""}, "/rows/0/model_name"),
        ({"tokens_input": -1}, "/rows/0/tokens_input"),
        ({"tokens_input": 1.5}, "/rows/0/tokens_input"),
        ({"tokens_output": 10**9 + 1}, "/rows/0/tokens_output"),
        ({"latency_ms": -0.1}, "/rows/0/latency_ms"),
        ({"quality_score": 1.1}, "/rows/0/quality_score"),
        ({"success": 1}, "/rows/0/success"),
        ({"timestamp": 1_772_366_400}, "/rows/0/timestamp"),
        ({"timestamp": "2026-03-01"}, "/rows/0/timestamp"),
        ({"timestamp": "2026-03-01T12:00:00"}, "/rows/0/timestamp"),
        ({"timestamp": "2026-02-29T12:00:00Z"}, "/rows/0/timestamp"),
        ({"timestamp": "1999-12-31T12:00:00Z"}, "/rows/0/timestamp"),
        ({"cost_usd": "1e3"}, "/rows/0/cost_usd"),
        ({"cost_usd": "-1"}, "/rows/0/cost_usd"),
        ({"cost_usd": "0.0000000001"}, "/rows/0/cost_usd"),
        ({"cost_usd": "1" * 7}, "/rows/0/cost_usd"),
        ({"cost_usd": 0.1}, "/rows/0/cost_usd"),
        ({"cost_usd": None}, "/rows/0"),
        ({"cost_nanousd": 1}, "/rows/0"),
        ({"more": 1}, "/rows/0/more"),
    ],
)
def test_a_report_beyond_its_bounds_is_refused_with_its_whole_batch(
    service: Service, changes: dict[str, Any], pointer: str
) -> None:
    rows = [ROW | changes, {**ROW, "id": str(uuid.uuid4())}]
    found = problem(service.post(RECORD_PERFORMANCE, {"rows": rows}), 422, "invalid")
    assert pointers(found) == [pointer]
    assert service.parts.reported == []


@pytest.mark.parametrize("cost", [{}, {"cost_usd": "1", "cost_nanousd": 1}, {"cost_nanousd": None}])
def test_exactly_one_cost_is_given(service: Service, cost: dict[str, Any]) -> None:
    row = {name: value for name, value in ROW.items() if name != "cost_usd"} | cost
    found = problem(service.post(RECORD_PERFORMANCE, {"rows": [row]}), 422, "invalid")
    assert found["errors"] == [{"pointer": "/rows/0", "detail": "give exactly one of cost_usd and cost_nanousd"}]


@pytest.mark.parametrize("rows", [[], [ROW] * 1001], ids=["none", "too many"])
def test_a_batch_holds_1_to_1000_rows(service: Service, rows: list[Any]) -> None:
    assert pointers(problem(service.post(RECORD_PERFORMANCE, {"rows": rows}), 422, "invalid")) == ["/rows"]


def test_an_id_with_two_contents_in_one_batch_is_refused(service: Service) -> None:
    other = {**ROW, "id": str(uuid.uuid4())}
    rows = {"rows": [other, ROW, {**ROW, "tokens_input": 1}]}
    assert pointers(problem(service.post(RECORD_PERFORMANCE, rows), 409, "conflict")) == ["/rows/1/id", "/rows/2/id"]
    assert service.parts.reported == []


def test_an_id_with_another_content_contradicts_what_is_stored(service: Service) -> None:
    other = {**ROW, "id": str(uuid.uuid4())}
    assert service.post(RECORD_PERFORMANCE, {"rows": [ROW]}).status_code == 200
    assert service.post(RECORD_PERFORMANCE, {"rows": [ROW, other]}).status_code == 200
    changed = {"rows": [other, {**ROW, "tokens_input": 1}]}
    assert pointers(problem(service.post(RECORD_PERFORMANCE, changed), 409, "conflict")) == ["/rows/1/id"]


def test_many_mistakes_are_counted_and_the_first_are_shown(service: Service) -> None:
    rows = [{**ROW, "id": n} for n in range(50)]
    found = problem(service.post(RECORD_PERFORMANCE, {"rows": rows}), 422, "invalid")
    assert len(found["errors"]) == 20
    assert "The first 20 of 50" in found["detail"]


def test_no_value_of_the_caller_is_repeated_in_a_refusal(service: Service) -> None:
    secret = "hunter2-hunter2"
    for body in ({"text": {"a": secret}}, {"text": secret, "node_kind": secret}, {"rows": [{"id": secret}]}):
        for path in BODIES:
            assert secret not in service.post(path, body).text


def test_a_key_of_a_megabyte_makes_no_answer_of_a_megabyte(service: Service) -> None:
    found = service.post(GET_PATTERNS, {**samples.SEARCH, "k" * 900_000: 1})
    assert problem(found, 422, "invalid")["errors"][0]["pointer"] == ""
    assert len(found.content) < 2000


AWAY: list[tuple[OmniClaudeError, str]] = [
    (RecordsUnavailableError("the records at postgresql://u@secret.host/db are away."), "the records do not answer"),
    (StorageError("the spool /secret.host/spool is full."), "the disk of the service"),
    (EmbeddingUnavailableError("http://secret.host"), "search by meaning"),
    (IndexUnavailableError("http://secret.host"), "search by meaning"),
]


@pytest.mark.parametrize(("failure", "said"), AWAY, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("path", [STORE_PATTERN, RECORD_PERFORMANCE])
def test_a_part_that_is_away_is_a_503_that_tells_no_address(
    service: Service, path: str, failure: OmniClaudeError, said: str
) -> None:
    service.parts.failure = failure
    answer = service.post(path, BODIES[path])
    assert said in problem(answer, 503, "unavailable")["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert "secret.host" not in answer.text


def test_the_summary_of_records_that_are_away_is_a_503(service: Service) -> None:
    service.parts.failure = RecordsUnavailableError("away")
    problem(service.get(SUMMARY), 503, "unavailable")


def test_reports_are_taken_while_only_the_look_at_earlier_ones_fails(tmp_path: Path) -> None:
    class Spooling(FakeParts):
        def contradicting(self, rows: object) -> set[uuid.UUID]:
            raise RecordsUnavailableError("away")

    service = service_over(tmp_path, Spooling())
    with service.client:
        assert service.post(RECORD_PERFORMANCE, samples.REPORTS).status_code == 200
    assert len(service.parts.reported) == 1


def test_expectations_are_left_out_while_the_records_are_away(tmp_path: Path) -> None:
    class WithoutFigures(FakeParts):
        def kind_figures(self, node_kind: object) -> None:
            raise RecordsUnavailableError("postgresql://secret.host is away")

    service = service_over(tmp_path, WithoutFigures())
    with service.client:
        body = service.post(GENERATION_ASSIST, samples.ASSIST).json()
    assert body["expected"] is None
    assert body["degraded"] == ["the records do not answer, so nothing can be expected"]


@pytest.mark.parametrize("failure", [ZeroDivisionError("/secret/path"), ConfigurationError("at /secret/path")])
def test_what_nobody_thought_of_is_a_500_without_details(
    service: Service, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    service.parts.failure = failure
    answer = service.post(GET_PATTERNS, samples.SEARCH)
    problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "/secret/path" in caplog.text
