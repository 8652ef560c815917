"""Runs the service: binds its address, starts one process or several, ends them in peace. Knows no endpoint."""

import ipaddress
import json
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.settings import load_settings
from omniclaude_dagster.surfaces.api.config import KIB, ServiceConfig
from omniclaude_dagster.surfaces.api.edge import access_logger
from omniclaude_dagster.surfaces.api.protocol import LimitedConfig
from omniclaude_dagster.surfaces.api.wiring import app_of

_BACKLOG = 512
_KEEP_ALIVE_S = 15
# Of a head that comes in several pieces; one that comes at once is held in by the size of what is read at once.
_MAX_HEAD_BYTES = 32 * KIB


@dataclass(frozen=True)
class Address:
    """Where the service listens. `is_loopback`: nobody on another machine can reach it."""

    listener: socket.socket
    url: str
    is_loopback: bool


def listen(host: str, port: int) -> Address:
    """Bind and listen; port 0 takes a free one. Raises ConfigurationError with the cure."""
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as exc:
        raise ConfigurationError(f"there is no address {host!r}: {exc}.", cure="use 127.0.0.1, ::1 or a name") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        listener.listen(_BACKLOG)
    except OSError as exc:
        listener.close()
        raise ConfigurationError(
            f"{host} port {port} cannot be used: {exc.strerror}.", cure="choose another with --port and --host"
        ) from None
    bound_host, bound_port = listener.getsockname()[:2]
    shown = f"[{bound_host}]" if family == socket.AF_INET6 else bound_host
    is_loopback = ipaddress.ip_address(bound_host.partition("%")[0]).is_loopback
    return Address(listener, f"http://{shown}:{bound_port}", is_loopback)


def serve(address: Address, config: ServiceConfig, *, workers: int) -> None:
    """Answer requests until SIGTERM or SIGINT; requests under way are answered first."""
    options = LimitedConfig(
        partial(worker_app, config),
        limits=config,
        factory=True,
        workers=workers,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=config.shutdown_s,
        timeout_worker_healthcheck=30,
    )
    if workers > 1:
        # A wrong setting is said here and once, not by every worker.
        app_of(load_settings(), config)
        supervisor = Multiprocess(options, sockets=[address.listener])
        supervisor.run()
        if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
            raise ConfigurationError("a worker could not start; it has said why.")
        return
    with _signals_swallowed():
        uvicorn.Server(options).run(sockets=[address.listener])


def worker_app(config: ServiceConfig) -> FastAPI:
    """The application of one process, from its environment. Raises ConfigurationError for a wrong setting."""
    _log_to_stderr(config)
    return app_of(load_settings(), config)


def _log_to_stderr(config: ServiceConfig) -> None:
    """Our own log lines; those of the libraries only when something is wrong. A process of several has no other log."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    access_logger.handlers = [handler]
    access_logger.propagate = False
    access_logger.setLevel(logging.INFO if config.is_access_logged else logging.WARNING)
    # A client's broken request is answered; it is no event of the server.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(handler)


class _OneLine(logging.Formatter):
    """Access lines as they are; others with their level, on one line, whatever is in them."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.name == access_logger.name else f"{record.levelname.lower()}: {json.dumps(text)}"


@contextmanager
def _signals_swallowed() -> Iterator[None]:
    """Uvicorn raises the signal that ended it once more; it has done its work by then."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        """Nothing is left to do."""

    earlier = {number: signal.signal(number, ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
