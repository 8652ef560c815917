"""The service over PostgreSQL: the same answers, and what happens when the database goes away and comes back."""

import uuid
from pathlib import Path

import pytest

from omniclaude_dagster.surfaces.api import samples
from tests.integration.conftest import PostgresServer
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


def test_a_database_that_goes_away_and_comes_back_costs_no_restart(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.new_database(f"service_{uuid.uuid4().hex}")
    with ServiceProcess(tmp_path / "home", env={"OMNICLAUDE_DATABASE_URL": url}) as service, service.client() as client:
        assert client.get(HEALTH).json()["parts"]["records"] == {"status": "ok", "detail": "postgresql takes writes"}
        stored = client.post(STORE_PATTERN, json=samples.PATTERN)
        assert stored.status_code == 201
        for _ in range(2):
            assert client.post(RECORD_PERFORMANCE, json=samples.REPORTS).status_code == 200
        changed = {"rows": [{**samples.REPORTS["rows"][0], "tokens_input": 1}]}
        problem(client.post(RECORD_PERFORMANCE, json=changed), 409, "conflict")
        assert client.post(GENERATION_ASSIST, json=samples.ASSIST).json()["expected"] is None

        postgres_server.stop(is_killed=True)
        problem(client.get(SUMMARY), 503, "unavailable")
        problem(client.post(STORE_PATTERN, json=samples.PATTERN), 503, "unavailable")
        later = {"rows": [{**samples.REPORTS["rows"][0], "id": str(uuid.uuid4())}]}
        assert client.post(RECORD_PERFORMANCE, json=later).status_code == 200
        postgres_server.start()

        assert client.get(SUMMARY).status_code == 200
        found = client.post(GET_PATTERNS, json=samples.SEARCH).json()
        assert found["degraded"] == []
        assert [p["pattern"]["pattern_id"] for p in found["patterns"]] == [stored.json()["pattern_id"]]
        # What waited goes in before the next one.
        assert client.post(RECORD_PERFORMANCE, json=later).status_code == 200
        assert list((tmp_path / "home" / "spool").glob("*.json")) == []
