"""The spool keeps order, loses nothing and is blocked by nothing."""

import json
import time

import pytest

from omniclaude_dagster.errors import StorageError
from omniclaude_dagster.records.spool import Spool, UnstorableError


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", max_records=5, lock_wait_s=0.2)


def names(spool):
    return [p["n"] for p in spool.payloads()]


def test_records_come_out_in_the_order_they_went_in_also_when_the_clock_was_set_back(spool, monkeypatch):
    for number, clock in enumerate([2_000, 1_000, 3_000, 500]):
        monkeypatch.setattr(time, "time_ns", lambda value=clock: value)
        spool.append(f"id-{number}", {"n": number})
    delivered = []
    assert spool.replay(lambda p: delivered.append(p["n"])) == 4
    assert delivered == [0, 1, 2, 3]
    assert spool.waiting() == []


def test_a_record_leaves_only_after_it_was_delivered(spool):
    for number in range(3):
        spool.append(f"id-{number}", {"n": number})

    def fail_at_one(payload):
        if payload["n"] == 1:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        spool.replay(fail_at_one)
    assert names(spool) == [1, 2]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000], ids=range(5))
def test_a_broken_file_is_set_aside_with_its_reason_and_the_others_go_in(spool, tmp_path, content):
    spool.append("good-1", {"n": 1})
    (tmp_path / "spool" / "00000000000000000001-broken.json").write_bytes(content)
    spool.append("good-2", {"n": 2})
    delivered = []
    assert spool.replay(lambda p: delivered.append(p["n"])) == 2
    assert delivered == [1, 2]
    aside = tmp_path / "spool" / "00000000000000000001-broken.json.corrupt"
    assert aside.read_bytes() == content
    assert aside.with_name(f"{aside.name}.reason.txt").read_text().strip()
    assert (spool.state().waiting_count, spool.state().set_aside_count) == (0, 1)


def test_a_record_no_database_takes_is_set_aside_and_the_others_go_in(spool):
    for number in range(3):
        spool.append(f"id-{number}", {"n": number})

    def refuse_one(payload):
        if payload["n"] == 1:
            raise UnstorableError("tokens are negative")

    assert spool.replay(refuse_one) == 2
    assert spool.state().set_aside_count == 1


def test_a_full_spool_refuses_and_keeps_what_it_has(spool):
    for number in range(5):
        spool.append(f"id-{number}", {"n": number})
    with pytest.raises(StorageError, match="full"):
        spool.append("id-5", {"n": 5})
    assert names(spool) == [0, 1, 2, 3, 4]


def test_a_spool_that_cannot_be_written_says_why(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        Spool(tmp_path / "file" / "spool").append("id", {"n": 1})


def test_an_unfinished_file_is_neither_delivered_nor_counted_and_is_swept_when_old(spool, tmp_path):
    import os

    spool.append("id-0", {"n": 0})
    young, old = (tmp_path / "spool" / f".{name}.tmp" for name in ("young", "old"))
    for path in (young, old):
        path.write_text(json.dumps({"n": 9})[:4])
    os.utime(old, (1, 1))
    assert spool.replay(lambda _: None) == 1
    assert young.exists()
    assert not old.exists()


def test_the_age_of_the_oldest_record_is_known(spool, tmp_path):
    import os

    spool.append("id-0", {"n": 0})
    assert spool.state().oldest_age_s < 30
    os.utime(spool.waiting()[0], (time.time() - 90,) * 2)
    assert 85 < spool.state().oldest_age_s < 120
