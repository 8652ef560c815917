"""An index whose server is away, hangs, refuses or talks nonsense says so in time, and never says the key."""

import contextlib
import json
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from omniclaude_dagster.errors import ConfigurationError, IndexUnavailableError, RecordsUnavailableError
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import PatternQuery, StoredPattern
from omniclaude_dagster.patterns.qdrant_index import MEMORY, QdrantIndex, collection_name
from omniclaude_dagster.patterns.qdrant_worker import MAX_ANSWER_BYTES
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import Clock, LetterEmbedder, MemoryPatternStore, change_of, pattern_for
from tests.support.qdrant_double import QdrantDouble
from tests.support.tcp_faults import FaultyTcp

pytestmark = pytest.mark.integration

KEY = "sk-very-secret-0123456789"
DIMENSION = 26
AXIS = np.eye(DIMENSION, dtype=np.float32)[0]
CALLS: dict[str, Callable[[QdrantIndex], object]] = {
    "nearest": lambda i: i.nearest(AXIS, node_kind=NodeKind.EFFECT, systems=(), limit=3),
    "vectors": lambda i: i.vectors([uuid.uuid4()]),
    "apply": lambda i: i.apply([a_change(0)]),
    "seen_revision": lambda i: i.seen_revision(),
    "count": lambda i: i.count(),
}


def a_change(number: int, *, status: str = "active"):
    pattern = pattern_for(f"number {number}")
    vector = LetterEmbedder().embed([pattern.text])[0]
    stored = StoredPattern(pattern, status=status, embedding_model="letters", revision=number + 1)
    return change_of(stored, vector)


def make_index(**changes) -> QdrantIndex:
    return QdrantIndex(**{"embedding_model": "letters", "dimension": DIMENSION, "deadline_s": 10.0, **changes})


@pytest.fixture
def made() -> Iterator[Callable[..., QdrantIndex]]:
    with contextlib.ExitStack() as stack:

        def make(**changes) -> QdrantIndex:
            index = make_index(**changes)
            stack.callback(index.close)
            return index

        yield make


@contextlib.contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads a request and then does what `serve` does."""
    stopping = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def handle(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            serve(connection)

    def accept() -> None:
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                connection.settimeout(5)
                handlers.append(threading.Thread(target=handle, args=(connection,), daemon=True))
                handlers[-1].start()

    handlers: list[threading.Thread] = []
    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopping.set()
        acceptor.join(5)
        for handler in handlers:
            handler.join(10)
        listener.close()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_closed_port_is_told_at_once(made, call):
    with FaultyTcp(mode="refuse") as nobody:
        index = made(url=f"http://{nobody.address}", api_key=KEY)
        started = time.monotonic()
        with pytest.raises(IndexUnavailableError) as caught:
            call(index)
    assert time.monotonic() - started < 5
    assert KEY not in str(caught.value)
    assert "OMNICLAUDE_QDRANT_URL" in caught.value.cure


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_server_that_hangs_is_given_up_at_the_deadline(made, call):
    with FaultyTcp(mode="silent") as silent:
        index = made(url=f"http://{silent.address}", api_key=KEY, deadline_s=0.5)
        started = time.monotonic()
        with pytest.raises(IndexUnavailableError, match=r"0\.5 s"):
            call(index)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "body"])
def test_an_answer_that_drips_is_given_up_at_the_deadline(made, start):
    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(60):
            connection.sendall(b" ")
            time.sleep(0.05)

    with raw_server(drip) as url:
        started = time.monotonic()
        with pytest.raises(IndexUnavailableError, match=r"0\.5 s"):
            made(url=url, deadline_s=0.5).count()
        assert time.monotonic() - started < 3


def test_an_answer_without_end_is_cut_off(made):
    def flood(connection: socket.socket) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"result": "')
        for _ in range(2 * MAX_ANSWER_BYTES // 1_000_000):
            connection.sendall(b"x" * 1_000_000)

    with raw_server(flood) as url, pytest.raises(IndexUnavailableError, match="more than"):
        made(url=url, deadline_s=30.0).count()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 Slow down\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 Slow down\r\nRetry-After: tomorrow\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"what is this",
        b"",
    ],
    ids=["html", "list", "null", "500", "429", "429 in words", "redirect", "no http", "nothing"],
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_of_another_shape_is_no_answer(made, call, answer):
    with raw_server(lambda connection: connection.sendall(answer)) as url, pytest.raises(IndexUnavailableError):
        call(made(url=url, api_key=KEY))


def test_a_refused_key_is_told_without_the_key_even_if_the_server_repeats_it(made):
    with QdrantDouble(api_key="another") as server, pytest.raises(IndexUnavailableError, match="403") as caught:
        made(url=server.url, api_key=KEY).count()
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in repr(made(url=server.url, api_key=KEY))


def test_an_index_works_again_when_its_server_is_back(made):
    with QdrantDouble() as server, FaultyTcp(server.port, mode="pass") as proxy:
        index = made(url=f"http://{proxy.address}")
        index.apply([a_change(number) for number in range(3)])
        proxy.mode = "cut"
        with pytest.raises(IndexUnavailableError):
            index.count()
        proxy.mode = "pass"
        proxy.cut_all()
        assert index.count() == 3
        index.close()
        assert index.count() == 3


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_collection_that_vanished_is_not_taken_for_an_empty_library_and_is_made_again(made, call):
    with QdrantDouble() as server:
        index = made(url=server.url)
        index.apply([a_change(0)])
        server.client.delete_collection(collection_name("letters", DIMENSION, None))
        with pytest.raises(IndexUnavailableError, match="404"):
            call(index)
        assert (index.seen_revision(), index.count()) == (0, 0)


def test_a_library_tells_a_lasting_index_only_what_is_new_and_fills_one_that_vanished():
    embedder, clock = LetterEmbedder(), Clock()
    store = MemoryPatternStore()

    def store_some(first: int, count: int) -> None:
        for number in range(first, first + count):
            pattern = pattern_for(f"sorts number {number}")
            store.add_pattern(pattern, vector=embedder.embed([pattern.text])[0], embedding_model="letters")

    def upserted() -> int:
        return sum(len(body["points"]) for method, path, body in told if (method, path[-7:]) == ("PUT", "/points"))

    query = PatternQuery(text="sorts number", node_kind=NodeKind.COMPUTE)
    with QdrantDouble() as server:
        real, told = server.answer, []
        server.answer = lambda method, path, body: told.append((method, path, body)) or real(method, path, body)  # type: ignore[method-assign,func-returns-value]
        for count, expected in ((5, 5), (2, 7)):
            store_some(10 * count, count)
            library = PatternLibrary(store, embedder, make_index(url=server.url), clock=clock)
            assert (len(library.find(query).offers), library.find(query).degraded) == (5, ())
            assert upserted() == expected
            library.close()
        library = PatternLibrary(store, embedder, make_index(url=server.url), clock=clock)
        library.find(query)
        server.client.delete_collection(collection_name("letters", DIMENSION, None))
        assert "404" in library.find(query).degraded[0]
        clock.pass_s(60)
        assert library.find(query).degraded == ()
        assert upserted() == 14
        library.close()


def test_what_was_told_outlives_the_process_and_another_library_has_its_own(made):
    one, two = uuid.uuid4(), uuid.uuid4()
    with QdrantDouble() as server:
        index = made(url=server.url, library=lambda: one)
        index.apply([a_change(number) for number in range(5)])
        index.apply([a_change(9, status="retired")])
        assert (index.seen_revision(), index.count()) == (5, 5)
        assert made(url=server.url, library=lambda: one).seen_revision() == 5
        assert made(url=server.url, library=lambda: two).seen_revision() == 0
        assert made(url=server.url, library=lambda: one, embedding_model="words").seen_revision() == 0


def test_payload_indexes_that_a_killed_process_did_not_make_are_made_later(made):
    with QdrantDouble() as server:
        name = collection_name("letters", DIMENSION, None)
        server.answer("PUT", f"/collections/{name}", {"vectors": {"size": DIMENSION, "distance": "Dot"}})
        assert made(url=server.url).seen_revision() == 0
        made_now = [path for method, path, _ in server.requests if method == "PUT"]
        assert made_now == [f"/collections/{name}/index"] * 3


def test_two_processes_that_make_the_collection_at_once_both_succeed(made):
    with QdrantDouble() as server:
        real, first = server.answer, threading.Event()

        def answer(method: str, path: str, body: dict[str, object]) -> tuple[int, object]:
            if path.endswith("/exists") and not first.is_set():
                first.set()
                name = path.split("/")[2]
                real("PUT", f"/collections/{name}", {"vectors": {"size": DIMENSION, "distance": "Dot"}})
                return 200, {"exists": False}
            return real(method, path, body)

        server.answer = answer  # type: ignore[method-assign]
        assert made(url=server.url).count() == 0
        assert first.is_set()


def test_only_the_server_that_was_named_is_asked_with_the_key_and_exactly(made):
    with QdrantDouble(api_key=KEY) as server:
        index = made(url=server.url, api_key=KEY)
        index.apply([a_change(0)])
        for call in CALLS.values():
            call(index)
        assert {headers["api-key"] for _, _, headers in server.requests} == {KEY}
        assert {headers["host"] for _, _, headers in server.requests} == {f"127.0.0.1:{server.port}"}


@pytest.mark.parametrize(
    "arguments",
    [{}, {"url": "http://127.0.0.1:6333", "path": MEMORY}, {"url": "ftp://127.0.0.1"}, {"url": "http://93.184.216.34"}],
    ids=["nothing", "both", "scheme", "plain http in public"],
)
def test_an_address_that_is_none_is_a_setting_to_correct(arguments):
    with pytest.raises(ConfigurationError):
        make_index(**arguments)


def test_an_index_is_safe_for_threads(made):
    index = made(path=MEMORY, deadline_s=30.0)
    failed: list[BaseException] = []

    def use(first: int) -> None:
        try:
            for number in range(first, first + 40):
                index.apply([a_change(number)])
                CALLS["nearest"](index)
        except BaseException as exc:  # noqa: BLE001 - told by the test
            failed.append(exc)

    threads = [threading.Thread(target=use, args=(40 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert index.count() == 160


def test_the_library_goes_on_without_its_index_and_says_so():
    embedder = LetterEmbedder()
    store = MemoryPatternStore()
    for number in range(5):
        pattern = pattern_for(f"number {number}")
        store.add_pattern(pattern, vector=embedder.embed([pattern.text])[0], embedding_model="letters")
    query = PatternQuery(text="number 3", node_kind=NodeKind.COMPUTE)
    with FaultyTcp(mode="silent") as silent:
        library = PatternLibrary(store, embedder, make_index(url=f"http://{silent.address}", deadline_s=0.3))
        found = library.find(query)
        library.close()
    wanted = PatternLibrary(store, embedder).find(query)
    assert [o.pattern.pattern_id for o in found.offers] == [o.pattern.pattern_id for o in wanted.offers]
    assert "index is away" in found.degraded[0]


def test_pgvector_needs_postgresql_with_its_extension(postgres_server, tmp_path):
    lite = RecordsStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", tmp_path / "spool")
    with pytest.raises(ConfigurationError, match="SQLite") as caught:
        lite.pgvector_index("letters", DIMENSION)
    assert "OMNICLAUDE_PATTERN_INDEX=embedded" in caught.value.cure
    store = RecordsStore(postgres_server.new_database(f"bare_{uuid.uuid4().hex}"), tmp_path / "spool")
    index = store.pgvector_index("letters", DIMENSION)
    with pytest.raises(ConfigurationError, match="no pgvector") as caught:
        index.nearest(AXIS, node_kind=NodeKind.EFFECT, systems=(), limit=3)
    assert "CREATE EXTENSION vector" in caught.value.cure
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION vector")
    assert index.nearest(AXIS, node_kind=NodeKind.EFFECT, systems=(), limit=3) == []
    store.close()


def test_pgvector_says_that_its_server_is_away_without_the_password(tmp_path):
    store = RecordsStore("postgresql://someone:hunter2secret@127.0.0.1:1/none", tmp_path / "spool")
    index = store.pgvector_index("letters", DIMENSION)
    for call in (
        lambda: index.nearest(AXIS, node_kind=NodeKind.EFFECT, systems=(), limit=3),
        lambda: index.vectors([uuid.uuid4()]),
    ):
        with pytest.raises(IndexUnavailableError) as caught:
            call()
        assert "hunter2secret" not in str(caught.value)
        assert not isinstance(caught.value, RecordsUnavailableError)
    store.close()


def test_the_name_of_a_collection_says_whose_it_is():
    one = uuid.UUID(int=1)
    names = {
        collection_name("a", 256, None),
        collection_name("b", 256, None),
        collection_name("a", 128, None),
        collection_name("a", 256, one),
    }
    assert len(names) == 4
    assert all(name.startswith("omniclaude_patterns_") and len(name) == 32 for name in names)
    assert json.dumps(sorted(names)).isascii()
