"""What the parent makes of the sandbox's answer: strict reading, and what ended a job."""

import pytest

from omniclaude_dagster.sandbox.answer import Ending, Record, strict_json
from omniclaude_dagster.sandbox.model import SandboxLimits

NONCE = b"0123456789abcdef0123456789abcdef"
LIMITS = SandboxLimits(memory_bytes=1000, cpu_s=10)
ENDED = Ending(exit_code=0, max_rss_bytes=0, cpu_s=0.1)


def record(result: bytes, ending: Ending | None = ENDED) -> Record:
    return Record(nonce=NONCE, limits=LIMITS, result=bytearray(result), ending=ending)


def frame(body: bytes) -> bytes:
    return NONCE + b"J" + len(body).to_bytes(8, "big") + body


def test_an_answer_after_the_nonce_is_the_result() -> None:
    outcome = record(frame(b'{"status": "ok", "result": {"x": [1, null]}}')).outcome()
    assert (outcome.status, outcome.result) == ("ok", {"x": [1, None]})


@pytest.mark.parametrize(
    "result",
    [
        b'{"status": "ok", "result": 1}',
        b"x",
        NONCE[:10] + b"x",
        frame(b'{"status": "ok", "result": 1}') + b"more",
        NONCE + b"?",
        NONCE + b"J123",
        frame(b'{"status": "great", "result": 1}'),
        frame(b'{"status": "ok"}'),
        frame(b"[]"),
    ],
)
def test_anything_the_harness_would_not_write_is_a_forgery(result: bytes) -> None:
    outcome = record(result).outcome()
    assert (outcome.status, outcome.result) == ("forged", None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": "ok", "result": NaN}',
        b'{"status": "ok", "result": 1e999}',
        b'{"status": "ok", "result": {"a": 1, "a": 2}}',
        b'{"status": "ok", "result": "\\ud800"}',
        b'{"status": "ok", "result": "\xff"}',
        b'{"status": "ok", "result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"status": "ok", "result": ' + b"9" * 5000 + b"}",
    ],
    ids=["nan", "overflow", "duplicate", "surrogate", "no_utf8", "deep", "long_number"],
)
def test_an_answer_that_is_no_strict_json_is_a_crash(body: bytes) -> None:
    outcome = record(frame(body)).outcome()
    assert (outcome.status, outcome.result) == ("crashed", None)


def test_an_escaped_backslash_before_u_is_no_surrogate() -> None:
    assert strict_json(b'"\\\\ud800"') == "\\ud800"


def test_a_cut_answer_is_a_crash() -> None:
    assert record(frame(b'{"status": "ok", "result": 1}')[:-3]).outcome().status == "crashed"


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (Ending(0, 0, 0.1), "crashed"),
        (Ending(3, 0, 0.1), "crashed"),
        (Ending(-11, 0, 0.1), "crashed"),
        (Ending(-11, 950, 0.1), "memory_limit"),
        (Ending(-9, 0, 0.1), "memory_limit"),
        (Ending(-24, 0, 10.0), "timeout"),
        (Ending(-9, 0, 11.0), "timeout"),
        (None, "crashed"),
    ],
)
def test_an_end_without_an_answer_is_judged_by_how_it_ended(ending: Ending | None, status: str) -> None:
    outcome = record(b"", ending).outcome()
    assert outcome.status == status
    assert outcome.message


def test_a_kill_outweighs_an_answer() -> None:
    answered = record(frame(b'{"status": "ok", "result": 1}'))
    answered.killed_for = "output_limit"
    assert answered.outcome().status == "output_limit"


def test_an_answer_of_a_process_that_then_failed_does_not_count() -> None:
    assert record(frame(b'{"status": "ok", "result": 1}'), Ending(-11, 0, 0.1)).outcome().status == "crashed"
