"""Every limit of the HTTP service in one place. What a command-line option changes, it changes here."""

from dataclasses import dataclass

KIB = 1024


@dataclass(frozen=True)
class ServiceConfig:
    """Limits of one server process. With several workers each has its own buckets, connections and threads.

    `token_*` and `failed_auth_*` are token buckets: so many requests at once, then so many a second. A request with a
    valid token is never refused because of somebody else's failures from the same address.
    """

    max_body_bytes: int = 1024 * KIB
    # Of the whole body, however it drips in.
    body_deadline_s: float = 10.0
    # Of the head of a request, and of a connection that says nothing.
    head_deadline_s: float = 10.0
    # Of the work behind an answer: then the caller gets 503, whatever hangs.
    work_deadline_s: float = 30.0
    # How long a client may read less than 256 KiB of a waiting answer.
    write_stall_s: float = 30.0
    max_connections: int = 512
    # Threads that ask the library and the records.
    threads: int = 4
    # Searches in threads too, also where everything is in this process: bench/service.py compares both.
    is_search_threaded: bool = False
    # Requests that wait for a thread; one more gets 503.
    max_waiting: int = 128
    token_rate_per_s: float = 1000.0
    token_burst: int = 2000
    failed_auth_per_s: float = 0.2
    failed_auth_burst: int = 10
    # An answer of /healthz is as old as this at most: the parts are really tested, but not for everybody again.
    health_max_age_s: float = 2.0
    # The same for the figures that generation_assist expects from.
    figures_max_age_s: float = 30.0
    # After SIGTERM, for requests under way.
    shutdown_s: int = 10
    is_access_logged: bool = True
