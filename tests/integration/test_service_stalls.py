"""A client that does not read its answer: it holds up nobody, and not for ever."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn

from omniclaude_dagster.patterns.model import Found
from omniclaude_dagster.surfaces.api import samples
from omniclaude_dagster.surfaces.api.protocol import LimitedConfig
from omniclaude_dagster.surfaces.api.server import listen
from tests.support.pattern_fakes import pattern_for
from tests.support.service_fakes import GENEROUS, GET_PATTERNS, HEALTH, FakeParts, Service, an_offer, service_over

pytestmark = pytest.mark.integration

_STALL_S = 0.5


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Service, str]]:
    """A real server in a thread, with answers of 20 MB: more than the kernel keeps for a connection."""
    large = pattern_for("a large one", code="# " + "x" * 400_000)
    limits = replace(GENEROUS, write_stall_s=_STALL_S)
    service = service_over(tmp_path, FakeParts(found=Found((an_offer(large),) * 50, 50)), limits)
    address = listen("127.0.0.1", 0)
    config = LimitedConfig(service.client.app, limits=limits, ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [address.listener]})
    thread.start()
    yield service, address.url
    server.should_exit = True
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_an_answer_that_nobody_reads_is_given_up(served: tuple[Service, str]) -> None:
    service, url = served
    body = json.dumps({**samples.SEARCH, "limit": 50}).encode()
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect((host, int(port)))
        head = f"POST {GET_PATTERNS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.reader}\r\n"
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + length.encode() + body)
        time.sleep(_STALL_S * 4)
        assert httpx.get(f"{url}{HEALTH}").status_code == 200
        assert received_until_the_end(connection) < 20_000_000


def received_until_the_end(connection: socket.socket) -> int:
    """Bytes that still came."""
    received = 0
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            received += len(more)
    return received


def test_a_client_that_reads_slowly_gets_everything(served: tuple[Service, str]) -> None:
    service, url = served
    received = 0
    with httpx.stream(
        "POST", f"{url}{GET_PATTERNS}", json={**samples.SEARCH, "limit": 50},
        headers={"Authorization": f"Bearer {service.reader}"},
    ) as answer:  # fmt: skip
        length = int(answer.headers["content-length"])
        for chunk in answer.iter_raw(2 * 1024 * 1024):
            received += len(chunk)
            time.sleep(_STALL_S / 5)
    assert received == length > 20_000_000
