"""The service over the real library and records: what is stored is found, through outages too, and as it was."""

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from omniclaude_dagster.records.engine import make_engine, parse_url
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.surfaces.api import samples
from tests.support.generation_records import make_record
from tests.support.loopback_servers import free_port
from tests.support.service_fakes import (
    GENERATION_ASSIST,
    GET_PATTERNS,
    HEALTH,
    RECORD_PERFORMANCE,
    STORE_PATTERN,
    SUMMARY,
    problem,
)
from tests.support.service_process import ServiceProcess

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[2] / "docs" / "service.md"
NASTY = "'); DROP TABLE patterns; -- \" <img src=x onerror=alert(1)> {{7*7}} %s %(x)s \\x00 \u2028 \U0001f600"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    home = tmp_path_factory.mktemp("library") / "home"
    records = RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")
    for number in range(4):
        records.write(make_record(number))
    records.close()
    with ServiceProcess(home) as found:
        yield found


@pytest.fixture
def client(service: ServiceProcess) -> Iterator[httpx.Client]:
    with service.client() as found:
        yield found


def rows_of(home: Path, query: str) -> list[Any]:
    engine = make_engine(parse_url(f"sqlite:///{home / 'records.sqlite3'}"), busy_timeout_s=10)
    with engine.connect() as connection:
        found = list(connection.execute(text(query)))
    engine.dispose()
    return found


def test_a_stored_pattern_is_found_as_it_was_stored(client: httpx.Client) -> None:
    stored = client.post(STORE_PATTERN, json=samples.PATTERN)
    assert stored.status_code == 201
    body = client.post(GET_PATTERNS, json=samples.SEARCH).json()
    assert body["degraded"] == []
    found = next(p["pattern"] for p in body["patterns"] if p["pattern"]["pattern_id"] == stored.json()["pattern_id"])
    assert {name: found[name] for name in samples.PATTERN} == samples.PATTERN
    assert (found["source"], found["status"], found["usage_count"]) == ("service", "active", 0)


def test_the_same_code_under_another_name_is_counted_and_not_stored_again(client: httpx.Client) -> None:
    again = samples.PATTERN | {
        "name": "Joined",
        "function": "joined",
        "code": samples.PATTERN["code"].replace("full_name", "joined").replace("first_name", "given"),
        "correlation_id": str(uuid.uuid4()),
    }
    first = client.post(STORE_PATTERN, json=samples.PATTERN).json()
    second = client.post(STORE_PATTERN, json=again)
    assert (second.status_code, second.json()) == (200, {"pattern_id": first["pattern_id"], "is_new": False})
    found = client.post(GET_PATTERNS, json=samples.SEARCH).json()["patterns"]
    assert {p["pattern"]["usage_count"] for p in found if p["pattern"]["pattern_id"] == first["pattern_id"]} == {1}


def test_nasty_texts_are_stored_and_found_as_data(client: httpx.Client, service: ServiceProcess) -> None:
    code = f"def nasty(value: str) -> str:\n    return value + {NASTY!r}\n"
    pattern = samples.PATTERN | {
        "name": "Nasty", "function": "nasty", "code": code, "description": NASTY, "correlation_id": str(uuid.uuid4()),
        "inputs": {"value": "str"}, "outputs": {"result": "str"},
    }  # fmt: skip
    assert client.post(STORE_PATTERN, json=pattern).status_code == 201
    answer = client.post(GET_PATTERNS, json={**samples.SEARCH, "text": NASTY, "limit": 50})
    found = {p["pattern"]["name"]: p["pattern"] for p in answer.json()["patterns"]}
    assert found["Nasty"]["description"] == NASTY
    assert found["Nasty"]["code"] == code
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert rows_of(service.home, "SELECT count(*) FROM patterns")[0][0] >= 1


def test_writers_at_the_same_time_lose_nothing_and_double_nothing(client: httpx.Client) -> None:
    def store(number: int) -> httpx.Response:
        code = f"def scaled(value: int) -> int:\n    return value * {number // 2 + 1000}\n"
        pattern = samples.PATTERN | {"function": "scaled", "code": code, "correlation_id": str(uuid.uuid4())}
        return client.post(STORE_PATTERN, json=pattern)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(store, range(24)))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert sum(answer.json()["is_new"] for answer in answers) == 12
    assert len({answer.json()["pattern_id"] for answer in answers}) == 12


def test_reports_are_kept_once_and_to_the_nano_dollar(client: httpx.Client, service: ServiceProcess) -> None:
    row = {**samples.REPORTS["rows"][0], "id": str(uuid.uuid4()), "cost_usd": "123456.123456789", "stage": "once"}
    for _ in range(3):
        assert client.post(RECORD_PERFORMANCE, json={"rows": [row]}).status_code == 200
    found = rows_of(
        service.home, "SELECT cost_nanousd, reported_by FROM reported_model_performance WHERE stage = 'once'"
    )
    assert [tuple(one) for one in found] == [(123_456_123_456_789, "test")]
    changed = {"rows": [{**row, "success": False}]}
    problem(client.post(RECORD_PERFORMANCE, json=changed), 409, "conflict")


def test_the_summary_and_the_expectations_come_from_the_records(client: httpx.Client) -> None:
    summary = client.get(SUMMARY).json()
    assert summary["total"]["generation_count"] == 4
    assert summary["total"]["by_status"]["published"] == 4
    assert summary["patterns"]["active"] >= 1
    prompt = "Create an EFFECT node called UserWriter that writes users to PostgreSQL"
    body = client.post(GENERATION_ASSIST, json={"prompt": prompt}).json()
    assert body["parsed"]["systems"] == ["PostgreSQL"]
    expected = body["expected"]
    assert (expected["node_kind"], expected["generation_count"]) == ("EFFECT", 4)
    assert expected["success_rate"]["value"] == 1.0
    assert expected["quality_score"] == pytest.approx(0.9512)
    assert {chain["stage"] for chain in body["models"]} == {"prompt_parsing", "business_logic"}


def test_every_part_is_healthy_and_none_tells_a_path(client: httpx.Client, service: ServiceProcess) -> None:
    answer = client.get(HEALTH)
    assert answer.json()["status"] == "healthy"
    assert set(answer.json()["parts"]) == {"records", "patterns", "embedder"}
    assert str(service.home) not in answer.text


def test_records_that_are_away_are_said_to_be_and_what_can_wait_waits(tmp_path: Path) -> None:
    home = tmp_path / "home"
    away = f"postgresql://user:hunter2@127.0.0.1:{free_port()}/nowhere"
    with ServiceProcess(home, env={"OMNICLAUDE_DATABASE_URL": away}) as service, service.client() as client:
        health = client.get(HEALTH)
        assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
        assert health.json()["parts"]["records"]["status"] == "away"
        found = client.post(GET_PATTERNS, json=samples.SEARCH)
        assert (found.status_code, found.json()["patterns"]) == (200, [])
        assert found.json()["degraded"] == ["the records are away"]
        for answer in (client.post(STORE_PATTERN, json=samples.PATTERN), client.get(SUMMARY)):
            problem(answer, 503, "unavailable")
            assert "retry-after" in answer.headers
        assert client.post(RECORD_PERFORMANCE, json=samples.REPORTS).status_code == 200
        told = client.post(GENERATION_ASSIST, json=samples.ASSIST)
        assert told.json()["expected"] is None
        assert told.json()["parsed"]["name"] == "FullName"
        assert service.log.count("warning: patterns: the records are away") == 1
        for text_ in (health.text, found.text, told.text, service.log):
            assert "hunter2" not in text_
        assert "nowhere" not in health.text + found.text + told.text
    assert len(list((home / "spool").glob("*.json"))) == 1


def test_every_example_of_the_manual_works_as_it_stands(service: ServiceProcess) -> None:
    if shutil.which("curl") is None:
        pytest.skip("the examples use curl, which is not installed here")
    blocks = re.findall(r"^```bash\n(curl .*?)^```", DOCS.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r'"\$URL(/[\w/]+)"', "".join(blocks)))
    assert named == {STORE_PATTERN, GET_PATTERNS, GENERATION_ASSIST, RECORD_PERFORMANCE, SUMMARY, HEALTH}
    for block in blocks:
        done = subprocess.run(
            ["bash", "-c", block], env={"PATH": "/usr/bin:/bin", "URL": service.url, "TOKEN": service.token},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert isinstance(json.loads(done.stdout), dict)
