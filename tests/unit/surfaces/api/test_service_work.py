"""Work that blocks: it holds up nobody else, it is bounded, and it has a deadline. And what /healthz tells of it."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.surfaces.api import samples
from omniclaude_dagster.surfaces.api.blocking import BlockingWork, SearchWork
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.services import PartHealth
from tests.support.service_fakes import GET_PATTERNS, HEALTH, FakeParts, Service, problem, service_over


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_slow_work_holds_up_no_other_request(tmp_path: Path) -> None:
    parts = FakeParts(wait=threading.Event())
    assert parts.wait is not None
    service = service_over(tmp_path, parts, ServiceConfig(threads=1))
    with service.client, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(service.post, GET_PATTERNS, samples.SEARCH)
        eventually(lambda: parts.work_count == 1)
        assert service.client.get("/nowhere").status_code == 404
        assert not slow.done()
        parts.wait.set()
        assert slow.result().status_code == 200


def test_one_request_too_many_is_refused_at_once(tmp_path: Path) -> None:
    parts = FakeParts(wait=threading.Event())
    assert parts.wait is not None
    service = service_over(tmp_path, parts, ServiceConfig(threads=1, max_waiting=0))
    with service.client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(service.post, GET_PATTERNS, samples.SEARCH)
        eventually(lambda: parts.work_count == 1)
        answer = service.post(GET_PATTERNS, samples.SEARCH)
        problem(answer, 503, "overloaded")
        assert answer.headers["retry-after"] == "1"
        parts.wait.set()
        assert first.result().status_code == 200
        assert service.post(GET_PATTERNS, samples.SEARCH).status_code == 200


def test_work_that_hangs_is_given_up_and_the_service_goes_on(tmp_path: Path) -> None:
    parts = FakeParts(wait=threading.Event())
    assert parts.wait is not None
    service = service_over(tmp_path, parts, ServiceConfig(threads=2, work_deadline_s=0.1))
    with service.client:
        answer = service.post(GET_PATTERNS, samples.SEARCH)
        assert "within 0.1 seconds" in problem(answer, 503, "unavailable")["detail"]
        parts.wait.set()
        assert service.post(GET_PATTERNS, samples.SEARCH).status_code == 200


def test_a_timeout_of_a_part_is_a_failure_of_that_part_and_no_deadline(service: Service) -> None:
    service.parts.failure = TimeoutError("of the part")
    problem(service.post(GET_PATTERNS, samples.SEARCH), 500, "internal")


class Clock:
    """Goes on by `step_s` each time it is looked at."""

    now = 1000.0
    step_s = 0.0

    def __call__(self) -> float:
        self.now += self.step_s
        return self.now


def where_searches_run(clock: Clock, *, pauses_s: list[float], is_in_process: bool = True) -> list[str]:
    """For each search, after so long a pause: in a thread, or on the loop."""

    async def run() -> list[str]:
        work = BlockingWork(ServiceConfig())
        searches = SearchWork(work, is_in_process=is_in_process, clock=clock)
        own = threading.current_thread()
        found = []
        for pause_s in pauses_s:
            clock.now += pause_s
            thread = await searches.run(threading.current_thread)
            found.append("loop" if thread is own else "thread")
        work.close()
        return found

    return asyncio.run(run())


def test_a_search_in_process_is_done_at_once_after_the_first() -> None:
    assert where_searches_run(Clock(), pauses_s=[0, 0, 0.9]) == ["thread", "loop", "loop"]


def test_the_first_search_after_a_pause_goes_into_a_thread() -> None:
    assert where_searches_run(Clock(), pauses_s=[0, 0, 1.0, 0]) == ["thread", "loop", "thread", "loop"]


def test_a_search_that_may_wait_for_another_server_goes_into_a_thread() -> None:
    assert where_searches_run(Clock(), pauses_s=[0, 0, 0], is_in_process=False) == ["thread"] * 3


def test_after_a_slow_search_all_go_into_threads_for_a_while() -> None:
    clock = Clock()
    clock.step_s = 0.3
    pauses_s = [0.0] * 5
    assert where_searches_run(clock, pauses_s=pauses_s) == ["thread", "loop", "thread", "thread", "thread"]


def test_a_search_that_fails_at_once_is_a_problem_like_any_other(tmp_path: Path) -> None:
    service = service_over(tmp_path, FakeParts(is_in_process=True))
    with service.client:
        assert [service.post(GET_PATTERNS, samples.SEARCH).status_code for _ in range(2)] == [200, 200]
        service.parts.failure = ZeroDivisionError("oops")
        problem(service.post(GET_PATTERNS, samples.SEARCH), 500, "internal")


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ({"records": "ok", "patterns": "ok"}, "healthy", 200),
        ({"records": "ok", "patterns": "degraded"}, "degraded", 200),
        ({"records": "ok", "patterns": "away"}, "degraded", 200),
        ({"records": "degraded", "patterns": "ok"}, "degraded", 200),
        ({"records": "away", "patterns": "ok"}, "unhealthy", 503),
    ],
)
def test_health_is_that_of_the_parts(service: Service, parts: dict[str, str], status: str, code: int) -> None:
    service.parts.health = {name: PartHealth(value, f"{name} {value}") for name, value in parts.items()}  # type: ignore[arg-type]
    answer = service.client.get(HEALTH)
    assert (answer.status_code, answer.json()["status"]) == (code, status)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["parts"] == {name: {"status": s, "detail": f"{name} {s}"} for name, s in parts.items()}


def test_health_that_cannot_be_tried_is_none_and_tells_no_address(service: Service) -> None:
    service.parts.failure = RecordsUnavailableError("at postgresql://secret.host")
    answer = service.client.get(HEALTH)
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unhealthy",
        "parts": {"records": {"status": "away", "detail": "could not be tried"}},
    }


def test_one_trial_serves_all_who_ask_at_the_same_time(tmp_path: Path) -> None:
    service = service_over(tmp_path, config=ServiceConfig(health_max_age_s=60))
    with service.client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: service.client.get(HEALTH).status_code, range(32)))
    assert set(answers) == {200}
    assert service.parts.probe_count == 1


def test_a_trial_grows_old(service: Service) -> None:
    assert service.client.get(HEALTH).status_code == 200
    service.parts.health["records"] = PartHealth("away")
    assert service.client.get(HEALTH).status_code == 503


def test_a_service_starts_without_its_parts_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    parts = FakeParts(failure=RecordsUnavailableError("away"))
    service = service_over(tmp_path, parts)
    with service.client:
        assert service.client.get(HEALTH).status_code == 503
        parts.failure = None
        assert service.client.get(HEALTH).status_code == 200
    assert "starts without all of its parts" in caplog.text
