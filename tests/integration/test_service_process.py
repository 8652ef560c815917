"""The service in a process of its own: hostile clients on raw sockets, limits, signals, several workers."""

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from omniclaude_dagster.surfaces.api import samples
from tests.support.cli import omniclaude
from tests.support.service_fakes import GET_PATTERNS, HEALTH, STORE_PATTERN, SUMMARY, problem
from tests.support.service_process import ServiceProcess

pytestmark = pytest.mark.integration

_QUICK = ("--head-deadline", "1", "--body-deadline", "1", "--max-connections", "30")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    with ServiceProcess(tmp_path_factory.mktemp("service") / "home", *_QUICK) as found:
        yield found


def connected(service: ServiceProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=10)


def head(service: ServiceProcess, *lines: str, path: str = GET_PATTERNS, token: str | None = None) -> bytes:
    own = [f"POST {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token or service.token}"]
    return "\r\n".join([*own, "Content-Type: application/json", *lines, "", ""]).encode()


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    received = b""
    while more := connection.recv(65536):
        received += more
    return received


def answer_of(connection: socket.socket) -> bytes:
    """One whole answer; the connection may stay open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    top, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line.split()[1]) for line in top.lower().splitlines() if line.startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return top + b"\r\n\r\n" + body


def refusal(received: bytes) -> tuple[int, dict[str, Any]]:
    """Status and problem of an answer that was read from a socket."""
    top, _, body = received.partition(b"\r\n\r\n")
    assert b"application/problem+json" in top.lower()
    assert b"connection: close" in top.lower()
    found: dict[str, Any] = json.loads(body)
    return int(top.split()[1]), found


def test_a_head_that_drips_in_is_cut_off(service: ServiceProcess) -> None:
    with connected(service) as connection:
        started = time.monotonic()
        received = b""
        connection.settimeout(0.1)
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        while time.monotonic() - started < 5 and not received:
            connection.sendall(b"X: y\r\n")
            with contextlib.suppress(TimeoutError):
                received = answer_of(connection)
        took_s = time.monotonic() - started
    assert refusal(received)[0] == 408
    assert 0.8 < took_s < 3


def test_a_connection_that_says_nothing_is_closed(service: ServiceProcess) -> None:
    with connected(service) as connection:
        started = time.monotonic()
        assert refusal(all_of(connection))[1]["type"].endswith("too-slow")
        assert time.monotonic() - started < 3


def test_a_second_request_on_a_connection_has_the_same_deadline(service: ServiceProcess) -> None:
    with connected(service) as connection:
        connection.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 404 " in answer_of(connection)
        connection.sendall(b"GET /healthz HT")
        assert refusal(all_of(connection))[0] == 408


def test_a_body_that_drips_in_is_refused(service: ServiceProcess) -> None:
    with connected(service) as connection:
        connection.sendall(head(service, "Content-Length: 1000"))
        started = time.monotonic()
        connection.settimeout(0.1)
        received = b""
        while time.monotonic() - started < 5 and not received:
            connection.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                received = answer_of(connection)
        assert refusal(received)[0] == 408
        assert time.monotonic() - started < 3


def test_an_announced_body_that_is_too_large_is_refused_before_it_is_sent(service: ServiceProcess) -> None:
    with connected(service) as connection:
        connection.sendall(head(service, "Content-Length: 52428800"))
        status, found = refusal(answer_of(connection))
    assert (status, found["type"]) == (413, "urn:omniclaude:problem:too-large")


def test_a_client_that_waits_for_leave_to_send_is_told_not_to(service: ServiceProcess) -> None:
    with connected(service) as connection:
        connection.sendall(head(service, "Content-Length: 52428800", "Expect: 100-continue"))
        received = all_of(connection)
    assert b"100 Continue" not in received
    assert refusal(received)[0] == 413


def test_chunks_beyond_the_limit_are_refused_while_they_come(service: ServiceProcess) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with connected(service) as connection:
        connection.sendall(head(service, "Transfer-Encoding: chunked"))
        for _ in range(24):
            connection.sendall(chunk)
        status, found = refusal(answer_of(connection))
    assert (status, found["title"]) == (413, "The body is too large")


def test_50_megabytes_are_answered_even_to_a_client_that_first_sends_them_all(service: ServiceProcess) -> None:
    with service.client() as client:
        answer = client.post(GET_PATTERNS, content=b" " * 50_000_000, headers={"Content-Type": "application/json"})
        problem(answer, 413, "too-large")
        assert client.get(HEALTH).status_code == 200


def test_nobody_without_a_token_gets_a_body_read(service: ServiceProcess) -> None:
    with connected(service) as connection:
        connection.sendall(head(service, "Content-Length: 1000", token="wrong"))
        assert refusal(answer_of(connection))[0] == 401


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"GET / HTTQ/1.1\r\n\r\n",
        b"A" * 400_000,
        b"GET / HTTP/1.1\r\nX\r\n\r\n",
    ],
    ids=["TLS", "no path", "version", "long line", "header without value"],
)
def test_what_is_no_http_is_a_problem_too(service: ServiceProcess, text: bytes) -> None:
    with connected(service) as connection:
        connection.sendall(text)
        status, found = refusal(answer_of(connection))
    assert (status, found["type"]) == (400, "urn:omniclaude:problem:not-http")


def test_a_huge_header_is_refused(service: ServiceProcess) -> None:
    with connected(service) as connection:
        connection.sendall(head(service, "X-Big: " + "a" * 400_000, "Content-Length: 0"))
        assert refusal(answer_of(connection))[0] == 400


def test_one_connection_too_many_is_turned_away_and_the_others_go_on(service: ServiceProcess) -> None:
    idle = [connected(service) for _ in range(30)]
    try:
        with connected(service) as one_more:
            status, found = refusal(answer_of(one_more))
        assert (status, found["type"]) == (503, "urn:omniclaude:problem:overloaded")
        idle[0].sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 404 " in all_of(idle[0])
    finally:
        for connection in idle:
            connection.close()
    deadline = time.monotonic() + 10
    while httpx.get(f"{service.url}{HEALTH}").status_code != 200:
        assert time.monotonic() < deadline


def test_no_banner_names_the_server(service: ServiceProcess) -> None:
    answer = httpx.get(f"{service.url}{HEALTH}")
    assert "server" not in answer.headers
    assert "uvicorn" not in str(answer.headers).lower()


def test_headers_of_proxies_do_not_change_who_is_asking(service: ServiceProcess) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "from-a-proxy", "Forwarded": "for=203.0.113.9"}
    httpx.get(f"{service.url}/forwarded", headers=headers)
    (line,) = service.access_lines("/forwarded", count=1)
    assert (line["client"], line["request_id"]) == ("127.0.0.1", "from-a-proxy")


def test_the_log_holds_neither_tokens_nor_bodies_nor_queries(service: ServiceProcess) -> None:
    with service.client() as client:
        client.post(f"{GET_PATTERNS}?key=in-a-query", json={**samples.SEARCH, "text": "in-a-body"})
        client.get("/nowhere-else", headers={"Authorization": "Bearer in-a-header"})
    assert service.access_lines("/nowhere-else", count=1)
    for secret in (service.token, "in-a-query", "in-a-body", "in-a-header"):
        assert secret not in service.log


def test_a_revoked_token_is_refused_by_a_running_service(service: ServiceProcess) -> None:
    made = omniclaude("serve", "token", "add", "short-lived", "--scope", "read", "--json", home=service.home)
    token = json.loads(made.stdout)["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{service.url}{SUMMARY}", headers=headers).status_code == 200
    assert omniclaude("serve", "token", "revoke", "short-lived", home=service.home).returncode == 0
    problem(httpx.get(f"{service.url}{SUMMARY}", headers=headers), 401, "unauthorized")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_in_peace(tmp_path: Path, number: signal.Signals) -> None:
    with ServiceProcess(tmp_path / "home") as service:
        service.signal(number)
        assert service.wait() == 0
    assert service.log.endswith("stopped")
    assert "Traceback" not in service.log


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    with ServiceProcess(tmp_path / "home") as service:
        body = json.dumps(samples.SEARCH).encode()
        with connected(service) as connection:
            connection.sendall(head(service, f"Content-Length: {len(body)}") + body[:10])
            time.sleep(0.3)
            service.signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[10:])
            assert b"HTTP/1.1 200" in all_of(connection)
        assert service.wait() == 0


def test_a_port_that_is_taken_is_said_with_the_cure(service: ServiceProcess) -> None:
    done = omniclaude("serve", "--port", str(service.port), home=service.home, timeout_s=60)
    assert done.returncode == 2
    assert f"port {service.port} cannot be used: Address already in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_without_a_token_is_not_served(tmp_path: Path) -> None:
    done = omniclaude("serve", "--port", "0", home=tmp_path / "home", timeout_s=60)
    assert done.returncode == 2
    assert "omniclaude serve token add" in done.stderr


def test_an_address_beyond_this_machine_is_warned_of(tmp_path: Path) -> None:
    with ServiceProcess(tmp_path / "home", "--host", "0.0.0.0") as service:
        assert "warning: tokens and patterns go over the network as plain text" in service.log
    with ServiceProcess(tmp_path / "home") as service:
        assert "warning" not in service.log


def test_several_workers_share_one_port_and_one_library(tmp_path: Path) -> None:
    with ServiceProcess(tmp_path / "home", "--workers", "2") as service:

        def store(number: int) -> int:
            # A connection of its own each time, so that both workers get some.
            body = samples.PATTERN | {"code": samples.PATTERN["code"] + f"\n\nLIMIT = {number}\n"}
            return httpx.post(f"{service.url}{STORE_PATTERN}", json=body, headers=service.headers).status_code

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(store, range(12))) == [201] * 12
            assert list(pool.map(store, range(12))) == [200] * 12
        with service.client() as client:
            found = client.post(GET_PATTERNS, json={**samples.SEARCH, "limit": 50}).json()
        assert found["considered_count"] == 12
        assert service.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_service_that_cannot_start_says_why(tmp_path: Path, workers: str) -> None:
    home = tmp_path / "home"
    assert omniclaude("serve", "token", "add", "x", "--scope", "read", home=home).returncode == 0
    env = {"OMNICLAUDE_DATABASE_URL": "mysql://u:hunter2@h/db"}
    done = omniclaude("serve", "--port", "0", "--workers", workers, home=home, env=env)
    assert done.returncode == 2, done.stderr
    assert "OMNICLAUDE_DATABASE_URL is not a database address" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
