"""The inbox: what is taken, what waits, what is refused, and what a crash may not break."""

import json
import os
import subprocess
import sys
import time

import pytest

from omniclaude_dagster.atomic_files import file_lock
from omniclaude_dagster.errors import ConflictError, StorageError, UnsafePathError
from omniclaude_dagster.request.inbox import Inbox
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.request.store import RequestStore

PROMPT = "Create EFFECT node for PostgreSQL writes"
OTHER = "Create COMPUTE node for tax calculation"


class Runs:
    """The state of runs as Dagster would tell it."""

    def __init__(self):
        self.states = {}

    def __call__(self, request_id, content_hash):
        return self.states.get((request_id, content_hash), "unknown")

    def set(self, accepted, state):
        self.states[accepted.request_id, accepted.content_hash] = state


@pytest.fixture
def runs():
    return Runs()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "inbox"
    path.mkdir()
    return path


@pytest.fixture
def state_dir(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def inbox(folder, state_dir):
    return Inbox(folder, state_dir)


def drop(folder, name, text=PROMPT, *, age_s=2.0):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def names(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def ids(scan):
    return [a.request_id for a in scan.accepted]


def test_a_file_is_accepted_kept_and_moved(inbox, folder, state_dir, runs):
    drop(folder, "users.txt")
    scan = inbox.scan(state_of=runs)
    assert ids(scan) == ["users"]
    assert scan.accepted[0].source == "inbox"
    assert scan.skip_reason is None
    assert names(folder) == ["processed"]
    assert names(folder / "processed") == ["users.txt"]
    assert RequestStore(state_dir).load("users") == scan.accepted[0]


def test_hidden_temporary_and_filed_files_and_folders_are_not_looked_at(inbox, folder, runs):
    (folder / "rejected").mkdir()
    for place in (".hidden.txt", "a.txt.tmp", "a.txt.part", "a.txt~", "a.txt.reason.txt", "rejected/b.txt"):
        drop(folder, place)
    (folder / "sub.txt").mkdir()
    scan = inbox.scan(state_of=runs)
    assert scan == type(scan)()


def test_a_file_that_just_changed_waits(inbox, folder, runs):
    drop(folder, "a.txt", age_s=0.0)
    scan = inbox.scan(state_of=runs)
    assert (scan.accepted, scan.waiting) == ((), ("a.txt",))
    assert names(folder) == ["a.txt"]


def test_a_file_seen_unchanged_for_a_second_is_taken_whatever_its_own_time_says(folder, state_dir, runs, monkeypatch):
    inbox = Inbox(folder, state_dir)
    path = drop(folder, "a.txt")
    monkeypatch.setattr("omniclaude_dagster.request.inbox.time.time", lambda: path.stat().st_mtime)
    now = time.monotonic()
    for offset, expected in ((0, 0), (0.9, 0), (1.1, 1)):
        monkeypatch.setattr("omniclaude_dagster.request.inbox.time.monotonic", lambda o=offset: now + o)
        assert len(inbox.scan(state_of=runs).accepted) == expected


def test_a_half_written_file_waits_and_is_taken_when_complete(inbox, folder, runs):
    whole = json.dumps({"prompt": PROMPT})
    drop(folder, "a.json", whole[:20])
    assert inbox.scan(state_of=runs).waiting == ("a.json",)
    assert names(folder) == ["a.json"]
    drop(folder, "a.json", whole)
    assert ids(inbox.scan(state_of=runs)) == ["a"]


def test_a_file_that_stays_broken_is_rejected_with_the_reason_beside_it(inbox, folder, runs):
    drop(folder, "a.json", "{", age_s=30)
    drop(folder, "good.txt", age_s=30)
    scan = inbox.scan(state_of=runs)
    assert ids(scan) == ["good"]
    assert [r.name for r in scan.rejected] == ["a.json"]
    assert names(folder / "rejected") == ["a.json", "a.json.reason.txt"]
    reason = (folder / "rejected/a.json.reason.txt").read_text()
    assert "not valid JSON" in reason
    assert "Cure:" in reason


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", PROMPT.encode("utf-16")),
        ("a.txt", b""),
        ("a.txt", b"x" * 300_000),
        ("a.json", b"[" * 5_000),
        ("a.docx", PROMPT.encode()),
        ("x" * 250 + ".txt", b""),
        ("a\nb \xff.txt", b""),
        ("\U0001f600" * 60 + ".json", b"{"),
    ],
)
def test_every_kind_of_bad_file_leaves_the_inbox_and_the_scan_stays_green(inbox, folder, runs, name, content):
    drop(folder, name, content, age_s=30)
    scan = inbox.scan(state_of=runs)
    assert scan.skip_reason is None
    assert [r.name for r in scan.rejected] == [name]
    assert names(folder) == ["rejected"]
    assert len(names(folder / "rejected")) == 2


def test_a_link_is_rejected_and_not_followed(inbox, folder, tmp_path, runs):
    (tmp_path / "secret.txt").write_text(PROMPT)
    (folder / "a.txt").symlink_to(tmp_path / "secret.txt")
    os.utime(folder / "a.txt", (1, 1), follow_symlinks=False)
    scan = inbox.scan(state_of=runs)
    assert "symbolic link" in scan.rejected[0].reason
    assert (tmp_path / "secret.txt").read_text() == PROMPT


def test_filed_files_never_replace_earlier_ones(inbox, folder, runs):
    for number in range(3):
        drop(folder, "a.json", f"{{{number}", age_s=30)
        inbox.scan(state_of=runs)
    assert names(folder / "rejected") == [
        "a.1.json",
        "a.1.json.reason.txt",
        "a.2.json",
        "a.2.json.reason.txt",
        "a.json",
        "a.json.reason.txt",
    ]
    assert (folder / "rejected/a.1.json").read_text() == "{1"


@pytest.mark.parametrize("state", ["running", "finished"])
def test_the_same_file_again_is_a_duplicate(inbox, folder, runs, state):
    drop(folder, "a.txt")
    (first,) = inbox.scan(state_of=runs).accepted
    runs.set(first, state)
    drop(folder, "a.txt")
    scan = inbox.scan(state_of=runs)
    assert scan.accepted == ()
    assert "duplicate of a" in scan.duplicates[0].reason
    assert names(folder / "processed") == ["a.1.txt", "a.1.txt.reason.txt", "a.txt"]


def test_two_files_with_one_id_in_one_scan_are_a_duplicate_or_a_conflict(inbox, folder, runs):
    drop(folder, "a.json", json.dumps({"prompt": PROMPT}))
    drop(folder, "a.txt", PROMPT)
    drop(folder, "a.yaml", f"prompt: {OTHER}")
    scan = inbox.scan(state_of=runs)
    assert ids(scan) == ["a"]
    assert [d.name for d in scan.duplicates] == ["a.txt"]
    assert [(r.name, "409" in r.reason) for r in scan.rejected] == [("a.yaml", True)]


@pytest.mark.parametrize("state", ["unknown", "running"])
def test_other_content_under_the_id_of_an_unfinished_request_is_a_conflict(inbox, folder, runs, state):
    drop(folder, "a.txt")
    (first,) = inbox.scan(state_of=runs).accepted
    runs.set(first, state)
    drop(folder, "a.txt", OTHER)
    scan = inbox.scan(state_of=runs)
    assert "409" in scan.rejected[0].reason
    assert names(folder / "rejected") == ["a.txt", "a.txt.reason.txt"]


def test_a_corrected_file_is_accepted_under_the_same_id_when_the_first_has_finished(inbox, folder, state_dir, runs):
    drop(folder, "a.txt")
    (first,) = inbox.scan(state_of=runs).accepted
    runs.set(first, "finished")
    drop(folder, "a.txt", OTHER)
    (second,) = inbox.scan(state_of=runs).accepted
    assert second.request_id == first.request_id
    assert second.content_hash != first.content_hash
    assert RequestStore(state_dir).load("a") == second


def test_an_accepted_request_is_offered_until_its_run_is_known(inbox, folder, state_dir, runs):
    drop(folder, "a.txt")
    (first,) = inbox.scan(state_of=runs).accepted
    # The sensor died before it could ask for the run.
    assert Inbox(folder, state_dir).scan(state_of=runs).accepted == (first,)
    runs.set(first, "running")
    assert inbox.scan(state_of=runs).accepted == ()
    runs.states.clear()
    assert inbox.scan(state_of=runs).accepted == ()


CRASHING = """
import os, sys
from pathlib import Path
from omniclaude_dagster import atomic_files
from omniclaude_dagster.request import inbox, store
steps = 0
def crash_before(function):
    def run(*args, **kwargs):
        global steps
        steps += 1
        if steps == int(sys.argv[3]):
            os._exit(9)
        return function(*args, **kwargs)
    return run
inbox.write_atomically = crash_before(inbox.write_atomically)
store.write_atomically = crash_before(store.write_atomically)
Path.rename = crash_before(Path.rename)
Path.replace = crash_before(Path.replace)
inbox.Inbox(Path(sys.argv[1]), Path(sys.argv[2])).scan(state_of=lambda *_: "unknown")
"""


@pytest.mark.parametrize("step", range(1, 13))
def test_a_crash_between_any_two_steps_neither_loses_nor_doubles_a_request(folder, state_dir, runs, step):
    drop(folder, "a.txt", PROMPT, age_s=30)
    drop(folder, "b.json", "{", age_s=30)
    command = [sys.executable, "-c", CRASHING, str(folder), str(state_dir), str(step)]
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode in (9, 0), done.stderr
    scan = Inbox(folder, state_dir).scan(state_of=runs)
    assert ids(scan) == ["a"]
    assert scan.duplicates == ()
    assert names(folder / "processed") == ["a.txt"]
    assert [n for n in names(folder / "rejected") if not n.startswith(".")] == ["b.json", "b.json.reason.txt"]


def test_what_killed_writers_left_is_swept_at_the_first_scan(inbox, folder, runs):
    (folder / "rejected").mkdir()
    drop(folder, "rejected/.old.tmp", age_s=3600)
    drop(folder, "rejected/.young.tmp", age_s=0)
    inbox.scan(state_of=runs)
    assert names(folder / "rejected") == [".young.tmp"]


def test_a_batch_is_bounded_and_the_rest_comes_next_time(inbox, folder, runs):
    for number in range(7):
        drop(folder, f"r{number}.txt", f"{PROMPT} number {number}")
    seen = []
    for _ in range(3):
        scan = inbox.scan(3, state_of=runs)
        for accepted in scan.accepted:
            runs.set(accepted, "running")
        seen.append(ids(scan))
    assert seen == [["r0", "r1", "r2"], ["r3", "r4", "r5"], ["r6"]]


def test_more_files_than_are_listed_at_once_take_bounded_time_and_few_looks(inbox, folder, runs, monkeypatch):
    for number in range(12_000):
        os.close(os.open(folder / f"r{number}.txt", os.O_CREAT | os.O_WRONLY))
    looks = []
    real = type(folder).lstat
    monkeypatch.setattr(type(folder), "lstat", lambda self: looks.append(self) or real(self))
    started = time.perf_counter()
    scan = inbox.scan(state_of=runs)
    assert time.perf_counter() - started < 5
    assert len(looks) <= 2 * 4 * 50
    assert len(scan.waiting) + len(scan.rejected) > 0
    subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_an_inbox_that_is_not_there_gives_a_reason_and_a_cure(tmp_path, state_dir, runs, kind):
    folder = tmp_path / "elsewhere"
    if kind == "file":
        folder.write_text("")
    scan = Inbox(folder, state_dir).scan(state_of=runs)
    assert scan.accepted == ()
    assert str(folder) in scan.skip_reason
    assert "Cure:" in scan.skip_reason


def test_a_state_folder_that_cannot_be_written_leaves_the_file_where_it_is(folder, tmp_path, runs):
    (tmp_path / "file").write_text("")
    drop(folder, "a.txt")
    scan = Inbox(folder, tmp_path / "file" / "state").scan(state_of=runs)
    assert scan.accepted == ()
    assert scan.skip_reason
    assert names(folder) == ["a.txt"]


def test_a_second_scanner_skips_its_turn(inbox, folder, state_dir, runs):
    drop(folder, "a.txt")
    with file_lock(state_dir / "locks" / ".inbox.lock"):
        assert "another process" in inbox.scan(state_of=runs).skip_reason
    assert ids(inbox.scan(state_of=runs)) == ["a"]


@pytest.fixture
def accepted():
    return AcceptedRequest("a", GenerationRequest(prompt=f"{PROMPT} für \U0001f600"), "cli")


def test_a_kept_request_comes_back_equal(state_dir, accepted):
    store = RequestStore(state_dir)
    assert store.load("a") is None
    store.save(accepted)
    assert store.load("a") == accepted
    assert names(state_dir / "requests") == ["a.json"]


@pytest.mark.parametrize("damage", [lambda t: t[:-9], lambda t: t.replace("writes", "reads"), lambda t: "[]"])
def test_a_damaged_request_is_noticed(state_dir, accepted, damage):
    store = RequestStore(state_dir)
    store.save(accepted)
    path = state_dir / "requests/a.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(StorageError, match="damaged"):
        store.load("a")


@pytest.mark.parametrize("request_id", ["../x", "", "a/b", "a\n", "x" * 64, "\u00fc"])
def test_an_id_that_is_no_plain_name_reaches_no_file(state_dir, request_id):
    store = RequestStore(state_dir)
    with pytest.raises(UnsafePathError):
        store.load(request_id)
    with pytest.raises(UnsafePathError), store.claim(request_id):
        pass


def test_a_claim_excludes_others_until_it_ends_and_leaves_no_file(state_dir):
    store = RequestStore(state_dir)
    with store.claim("a"):
        with pytest.raises(ConflictError, match="409"), RequestStore(state_dir).claim("a"):
            pass
        with store.claim("b"):
            pass
    with store.claim("a"):
        pass
    assert names(state_dir / "locks") == []


def test_the_claim_of_a_killed_process_ends_with_it(state_dir):
    code = (
        "import sys, time; from pathlib import Path; from omniclaude_dagster.request.store import RequestStore\n"
        "with RequestStore(Path(sys.argv[1])).claim('a'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(state_dir)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConflictError), RequestStore(state_dir).claim("a"):
            pass
        holder.kill()
        holder.wait()
    with RequestStore(state_dir).claim("a"):
        pass
