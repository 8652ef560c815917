"""`ServiceEmbedder` against a real HTTP server on loopback, in good order and in every kind of trouble."""

import asyncio
import base64
import json
import time
from typing import Any

import numpy as np
import pytest

from omniclaude_dagster.errors import EmbeddingUnavailableError
from omniclaude_dagster.patterns import embedding_service
from omniclaude_dagster.patterns.embedding_service import ServiceEmbedder
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import PatternQuery
from omniclaude_dagster.providers.resilience import RetryPolicy
from omniclaude_dagster.request.model import NodeKind
from tests.support.loopback_servers import free_port
from tests.support.pattern_fakes import MOMENT, LetterEmbedder, MemoryPatternStore, pattern_for
from tests.support.scripted_http import Answering, Asked, Said, ScriptedHttp

KEY = "sk-very-secret-key-123456"
QUICK = RetryPolicy(max_attempts=3, first_wait_s=0.01, longest_wait_s=0.02)
LETTERS = LetterEmbedder()


def embedder_of(server: ScriptedHttp, **values: Any) -> ServiceEmbedder:
    given: dict[str, Any] = {"model": "letters", "api_key": KEY, "retry": QUICK, "deadline_s": 5.0}
    return ServiceEmbedder(base_url=f"{server.url}/v1", **(given | values))


def as_openai(asked: Asked) -> Said:
    """What a host of the format answers; scaled, and in reverse order: `index` says which text it is of."""
    texts = json.loads(asked.body)["input"]
    data = [
        {"object": "embedding", "index": index, "embedding": (row * 7).tolist()}
        for index, row in enumerate(LETTERS.embed(texts))
    ]
    return Said(body={"object": "list", "data": data[::-1], "model": "letters", "usage": {"prompt_tokens": 3}})


def answering(data: Any, **values: Any) -> Answering:
    return lambda asked: Said(body={"data": data}, **values)


def rows(*vectors: Any) -> list[dict[str, Any]]:
    return [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]


def test_texts_are_embedded_in_their_order_as_unit_rows() -> None:
    texts = ["tax", "mail", "zzz"]
    with ScriptedHttp(as_openai) as server:
        embedder = embedder_of(server)
        found = embedder.embed(texts)

    assert found.dtype == np.float32
    assert found == pytest.approx(LETTERS.embed(texts), abs=1e-6)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/embeddings")
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert json.loads(asked.body) == {"model": "letters", "input": texts, "encoding_format": "float"}


def test_name_and_length_are_asked_for_once() -> None:
    with ScriptedHttp(as_openai) as server:
        embedder = embedder_of(server, api_key=None)
        assert (embedder.model_name, embedder.dimension, embedder.model_name) == ("letters/26", 26, "letters/26")

    assert len(server.asked) == 1
    assert "Authorization" not in server.asked[0].headers


def test_many_texts_are_sent_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_service, "_TEXTS_AT_ONCE", 4)
    texts = [f"{'abcdefghij'[n]} text" for n in range(10)]
    with ScriptedHttp(as_openai) as server:
        found = embedder_of(server).embed(texts)

    assert [len(json.loads(asked.body)["input"]) for asked in server.asked] == [4, 4, 2]
    assert found == pytest.approx(LETTERS.embed(texts), abs=1e-6)


def test_no_texts_give_no_rows() -> None:
    with ScriptedHttp(as_openai) as server:
        assert embedder_of(server).embed([]).shape == (0, 26)


def test_texts_are_cut_and_made_fit_for_sending() -> None:
    with ScriptedHttp(as_openai) as server:
        embedder_of(server).embed(["x" * 100_000, "", "half \ud800"])

    sent = json.loads(server.asked[0].body)["input"]
    assert [len(text) for text in sent] == [1_500, 1, 6]


def test_zeros_stay_zeros() -> None:
    with ScriptedHttp(answering(rows([0.0, 0.0], [3.0, 4.0]))) as server:
        assert embedder_of(server).embed(["a", "b"]).tolist() == [[0.0, 0.0], [pytest.approx(0.6), pytest.approx(0.8)]]


def test_it_can_be_asked_where_an_event_loop_runs() -> None:
    async def ask(embedder: ServiceEmbedder) -> int:
        return len(embedder.embed(["tax"]))

    with ScriptedHttp(as_openai) as server:
        assert asyncio.run(ask(embedder_of(server))) == 1


NAN = b'{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}'
WRONG: dict[str, Said] = {
    "too few vectors": Said(body={"data": rows()}),
    "too many vectors": Said(body={"data": rows([1.0], [1.0])}),
    "no data": Said(body={"object": "list"}),
    "data is no list": Said(body={"data": {"0": [1.0]}}),
    "an index twice": Said(body={"data": [{"index": 1, "embedding": [1.0]}]}),
    "an entry that is none": Said(body={"data": [[1.0]]}),
    "text for numbers": Said(body={"data": rows(["1.5", "2.5"])}),
    "truth for numbers": Said(body={"data": rows([True, False])}),
    "null for numbers": Said(body={"data": rows([None, 1.0])}),
    "a vector in base64": Said(body={"data": rows(base64.b64encode(b"12345678").decode())}),
    "a nested vector": Said(body={"data": rows([[1.0], [2.0]])}),
    "an empty vector": Said(body={"data": rows([])}),
    "a vector without end": Said(body={"data": rows([0.5] * 20_000)}),
    "NaN": Said(body=NAN),
    "infinite": Said(body=NAN.replace(b"NaN", b"1e999")),
    "too large for 4 bytes": Said(body=NAN.replace(b"NaN", b"1e300")),
    "a huge whole number": Said(body=NAN.replace(b"NaN", b"1" + b"0" * 400)),
    "a web page": Said(body=b"<html>login</html>"),
    "no JSON": Said(body=b"nonsense"),
    "an empty body": Said(body=b""),
    "not UTF-8": Said(body=b"\xff\xfe{}"),
    "refused": Said(status=401, body={"error": {"message": f"wrong key {KEY}"}}),
    "unknown model": Said(status=404, body={"error": {"message": "no such model"}}),
    "a redirect": Said(status=307, headers={"Location": "http://127.0.0.1:1/"}, body=b""),
    "overloaded for ever": Said(status=503, body=b"busy"),
    "compressed": Said(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b"),
}


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_answer_is_refused_with_a_cure_and_without_the_key(said: Said) -> None:
    with ScriptedHttp([said]) as server, pytest.raises(EmbeddingUnavailableError) as refused:
        embedder_of(server).embed(["one text"])

    assert "OMNICLAUDE_EMBEDDINGS_BASE_URL" in refused.value.cure
    assert KEY not in str(refused.value)
    assert KEY not in repr(refused.value.__context__)


def test_vectors_of_two_lengths_in_one_answer_are_refused() -> None:
    with ScriptedHttp(answering(rows([1.0, 2.0], [1.0]))) as server, pytest.raises(EmbeddingUnavailableError):
        embedder_of(server).embed(["a", "b"])


def test_another_length_than_before_is_refused() -> None:
    answers = [Said(body={"data": rows([1.0, 2.0])}), Said(body={"data": rows([1.0, 2.0, 3.0])})]
    with ScriptedHttp(answers) as server:
        embedder = embedder_of(server)
        embedder.embed(["a"])
        with pytest.raises(EmbeddingUnavailableError, match="3 numbers; earlier ones had 2"):
            embedder.embed(["a"])


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_service, "_MAX_REPLY_BYTES", 10_000)
    with (
        ScriptedHttp([Said(body=b" " * 1_000_000)]) as server,
        pytest.raises(EmbeddingUnavailableError, match="larger"),
    ):
        embedder_of(server).embed(["a"])


@pytest.mark.parametrize("drip_s", [0.05, 30.0], ids=["dripping", "hanging"])
def test_a_host_that_drips_or_hangs_is_given_up_at_the_deadline(drip_s: float) -> None:
    said = Said(body={"data": rows([1.0] * 100)}, drip_s=drip_s)
    with ScriptedHttp([said]) as server:
        started = time.monotonic()
        with pytest.raises(EmbeddingUnavailableError, match="no complete answer"):
            embedder_of(server, deadline_s=0.5).embed(["a"])
        elapsed_s = time.monotonic() - started

    assert elapsed_s < 3.0


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_host_that_is_busy_for_a_moment_is_asked_again(status: int) -> None:
    with ScriptedHttp([Said(status=status, body=b"busy"), Said(body={"data": rows([3.0, 4.0])})]) as server:
        assert embedder_of(server).embed(["a"]).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]

    assert len(server.asked) == 2


def test_a_refused_key_is_not_tried_again() -> None:
    with ScriptedHttp([WRONG["refused"]]) as server, pytest.raises(EmbeddingUnavailableError):
        embedder_of(server).embed(["a"])

    assert len(server.asked) == 1


def test_a_host_that_is_not_there_is_named_as_such() -> None:
    embedder = ServiceEmbedder(base_url=f"http://127.0.0.1:{free_port()}/v1", model="m", retry=QUICK)

    with pytest.raises(EmbeddingUnavailableError, match="cannot be reached"):
        _ = embedder.dimension


def test_a_library_works_with_it_and_without_it() -> None:
    store = MemoryPatternStore()
    query = PatternQuery("calculate the tax of an order", NodeKind.COMPUTE, now=MOMENT)
    with ScriptedHttp(as_openai) as server:
        embedder = embedder_of(server)
        library = PatternLibrary(store, embedder)
        library.add(pattern_for("Calculate the tax of an order"))
        assert library.find(query).degraded == ()
        assert library.find(query).offers[0].parts["meaning"] > 0.5

    found = library.find(query)
    assert [offer.pattern.description for offer in found.offers] == ["Calculate the tax of an order"]
    assert found.degraded[0].startswith("the embedding model is away")


def test_a_host_that_changed_its_model_unsaid_is_seen_by_the_length_of_its_vectors() -> None:
    store = MemoryPatternStore()
    with ScriptedHttp(as_openai) as server:
        PatternLibrary(store, embedder_of(server)).add(pattern_for("Calculate the tax of an order"))
    query = PatternQuery("calculate the tax of an order", NodeKind.COMPUTE, now=MOMENT)

    def as_another(asked: Asked) -> Said:
        return Said(body={"data": rows(*[[1.0, 2.0, 3.0]] * len(json.loads(asked.body)["input"]))})

    with ScriptedHttp(as_another) as server:
        library = PatternLibrary(store, embedder_of(server))
        assert library.find(query).degraded[0].startswith("1 pattern waits")
        assert library.reembed() == 1
        assert library.find(query).degraded == ()
