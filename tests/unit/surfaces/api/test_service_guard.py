"""Who is let in: tokens, scopes, limits; always decided before a body is looked at."""

from pathlib import Path

import pytest

from omniclaude_dagster.surfaces.api import samples
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.tokens import SCOPES
from tests.support.service_fakes import (
    GENERATION_ASSIST,
    GET_PATTERNS,
    HEALTH,
    RECORD_PERFORMANCE,
    STORE_PATTERN,
    SUMMARY,
    Service,
    problem,
    service_over,
)

NEEDED = [
    ("POST", STORE_PATTERN, "write"),
    ("POST", GET_PATTERNS, "read"),
    ("POST", GENERATION_ASSIST, "read"),
    ("POST", RECORD_PERFORMANCE, "write"),
    ("GET", SUMMARY, "read"),
]


@pytest.mark.parametrize(("method", "path", "scope"), NEEDED)
def test_nobody_comes_in_without_a_token(service: Service, method: str, path: str, scope: str) -> None:
    answer = service.client.request(method, path, content=b"not even JSON")
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="omniclaude"'


@pytest.mark.parametrize(("method", "path", "scope"), NEEDED)
def test_a_token_opens_only_what_its_scopes_say(service: Service, method: str, path: str, scope: str) -> None:
    wrong = service.reader if scope == "write" else service.writer
    answer = service.client.request(method, path, content=b"x", headers={"Authorization": f"Bearer {wrong}"})
    assert repr(scope) in problem(answer, 403, "missing-scope")["detail"]
    assert f'error="insufficient_scope", scope="{scope}"' in answer.headers["www-authenticate"]


def test_every_refusal_for_want_of_a_token_looks_the_same(service: Service) -> None:
    revoked = service.tokens.add("gone", scopes=SCOPES).token
    service.tokens.revoke("gone")
    good = service.reader
    wrong = ["", "Bearer", "Bearer ", f"Basic {good}", good, f"Bearer {good}x", f"Bearer {good[:-1]}", "Bearer é"]
    wrong += [f"Bearer {revoked}", f"Bearer {good} {good}", f"Bearer omc_{'A' * 43}", f"Bearer\t{good}"]
    bodies = set()
    for value in wrong:
        headers = [(b"authorization", value.encode())]
        answer = service.client.get(SUMMARY, headers=headers)
        found = problem(answer, 401, "unauthorized")
        bodies.add((found["title"], found["detail"], answer.headers["www-authenticate"]))
    assert len(bodies) == 1


def test_two_authorizations_are_none(service: Service) -> None:
    one = (b"authorization", f"Bearer {service.reader}".encode())
    problem(service.client.get(SUMMARY, headers=[one, one]), 401, "unauthorized")


def test_the_scheme_may_be_written_in_any_case(service: Service) -> None:
    for scheme in ("bearer", "BEARER", "Bearer  "):
        assert service.client.get(SUMMARY, headers={"Authorization": f"{scheme} {service.reader}"}).status_code == 200


def test_a_revoked_token_opens_nothing_from_the_next_request_on(service: Service) -> None:
    assert service.get(SUMMARY).status_code == 200
    service.tokens.revoke("reader")
    problem(service.get(SUMMARY), 401, "unauthorized")
    assert service.get(SUMMARY, token=service.tokens.add("again", scopes=["read"]).token).status_code == 200


def test_a_token_file_that_cannot_be_trusted_lets_nobody_in(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.tokens.path.chmod(0o644)
    for _ in range(3):
        answer = service.get(SUMMARY)
        assert "tokens cannot be checked" in problem(answer, 503, "unavailable")["detail"]
        assert str(service.tokens.path) not in answer.text
    assert caplog.text.count("by others") == 1
    service.tokens.path.chmod(0o600)
    assert service.get(SUMMARY).status_code == 200


def test_health_needs_no_token(service: Service) -> None:
    assert service.client.get(HEALTH).status_code == 200


def test_a_token_that_asks_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    service = service_over(tmp_path, config=ServiceConfig(token_rate_per_s=0.1, token_burst=3))
    with service.client:
        assert [service.get(SUMMARY).status_code for _ in range(3)] == [200] * 3
        answer = service.get(SUMMARY)
        problem(answer, 429, "too-many-requests")
        assert int(answer.headers["retry-after"]) == 10
        other = service.tokens.add("other", scopes=["read"]).token
        assert service.get(SUMMARY, token=other).status_code == 200


def test_guessing_is_slowed_down_and_locks_nobody_else_out(tmp_path: Path) -> None:
    service = service_over(tmp_path, config=ServiceConfig(failed_auth_per_s=0.01, failed_auth_burst=2))
    with service.client:
        wrong = f"omc_{'A' * 43}"
        assert [service.get(SUMMARY, token=wrong).status_code for _ in range(2)] == [401, 401]
        answer = service.get(SUMMARY, token=wrong)
        problem(answer, 429, "too-many-requests")
        assert int(answer.headers["retry-after"]) > 1
        assert service.get(SUMMARY).status_code == 200


def test_a_request_with_a_wrong_scope_costs_no_part_anything(service: Service) -> None:
    service.post(STORE_PATTERN, samples.PATTERN, token=service.reader)
    assert service.parts.added == []
