"""Export and import: nothing gets lost, nothing is believed, no secret leaves, no damage passes."""

import gzip
import json
import os
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.errors import RequestError, StorageError
from omniclaude_dagster.patterns import exchange
from omniclaude_dagster.patterns.credentials import credential_in
from omniclaude_dagster.patterns.exchange import (
    MAX_LINE_BYTES,
    Exported,
    Imported,
    export_patterns,
    import_patterns,
    read_patterns,
)
from omniclaude_dagster.patterns.making import make_pattern
from omniclaude_dagster.patterns.model import Added, Pattern
from omniclaude_dagster.providers.redaction import Redactor
from tests.support.pattern_fakes import MOMENT, MemoryPatternStore, pattern_for

NOBODY = Redactor()
_FOLLOWS = ("pattern_id", "content_hash", "code_fingerprint")


def a_pattern(description: str = "Scales a value by a factor.", **changes: Any) -> Pattern:
    """A pattern as `make_pattern` makes it: its ids and hashes are real."""
    draft = pattern_for(description, **changes)
    return make_pattern(**{k: v for k, v in vars(draft).items() if k not in _FOLLOWS})


def written(path: Path, *patterns: Pattern, redactor: Redactor = NOBODY) -> list[Exported]:
    return list(export_patterns(path, patterns, redactor=redactor))


def brought(path: Path, store: MemoryPatternStore | None = None, *, redactor: Redactor = NOBODY) -> list[Imported]:
    store = store or MemoryPatternStore()

    def add(pattern: Pattern) -> Added:
        return store.add_pattern(pattern, vector=None, embedding_model="")

    return list(
        import_patterns(
            read_patterns(path), add=add, is_known=lambda one: bool(store.patterns([one])), redactor=redactor
        )
    )


def line_of(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    """One exported line as data, with changes."""
    written(tmp_path / "one.jsonl", a_pattern())
    return json.loads((tmp_path / "one.jsonl").read_text()) | changes


def file_with(tmp_path: Path, *lines: bytes | dict[str, Any]) -> Path:
    path = tmp_path / "given.jsonl"
    path.write_bytes(b"".join((x if isinstance(x, bytes) else json.dumps(x).encode()) + b"\n" for x in lines))
    return path


# There and back.


@pytest.mark.parametrize("name", ["library.jsonl", "library.jsonl.gz"])
def test_what_is_exported_and_imported_into_an_empty_library_is_equal(tmp_path: Path, name: str) -> None:
    patterns = [
        a_pattern(),
        a_pattern("Zählt Wörter: größer als null, 日本語."),
        a_pattern("Keeps order.", inputs={"zebra": "str", "apple": "int"}, request={"b": 1, "a": [1.0, None, "x"]}),
    ]
    assert not any(done.problem for done in written(tmp_path / name, *patterns))
    store = MemoryPatternStore()
    assert [done.outcome for done in brought(tmp_path / name, store)] == ["new"] * 3
    for pattern in patterns:
        (found,) = store.patterns([pattern.pattern_id])
        assert found.pattern == replace(pattern, source="import")
        assert list(found.pattern.inputs) == list(pattern.inputs)
        assert (found.usage_count, found.success_rate, found.last_used) == (0, 1.0, None)


def test_what_was_imported_can_be_exported_and_imported_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    written(first, a_pattern())
    (line,) = read_patterns(first)
    assert line.pattern is not None
    written(second, line.pattern)
    (again,) = read_patterns(second)
    assert again.pattern == line.pattern


def test_equal_libraries_make_equal_files(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        written(tmp_path / name, a_pattern())
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()).count(b"\n") == 1


def test_a_packed_file_is_recognised_whatever_its_name(tmp_path: Path) -> None:
    written(tmp_path / "a.gz", a_pattern())
    (tmp_path / "a.gz").rename(tmp_path / "renamed.txt")
    assert [done.outcome for done in brought(tmp_path / "renamed.txt")] == ["new"]


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    written(tmp_path / "one.jsonl", a_pattern())
    store = MemoryPatternStore()
    brought(tmp_path / "one.jsonl", store)
    before = store.pattern_revision()
    assert [done.outcome for done in brought(tmp_path / "one.jsonl", store)] == ["duplicate"]
    assert store.pattern_revision() == before


def test_a_pattern_that_is_known_from_another_generation_gains_no_use(tmp_path: Path) -> None:
    theirs = a_pattern()
    ours = a_pattern(correlation_id=uuid.uuid4(), request_id="ours")
    assert ours.pattern_id == theirs.pattern_id
    store = MemoryPatternStore([ours])
    written(tmp_path / "one.jsonl", theirs)
    assert [done.outcome for done in brought(tmp_path / "one.jsonl", store)] == ["duplicate"]
    assert store.row(ours.pattern_id).usage_count == 0


def test_blank_lines_and_a_byte_order_mark_are_no_damage(tmp_path: Path) -> None:
    line = json.dumps(line_of(tmp_path)).encode()
    path = tmp_path / "given.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\n  \n" + line)
    assert [(done.number, done.outcome) for done in brought(path)] == [(1, "new"), (4, "duplicate")]


# What is not believed.


def test_a_library_of_another_says_nothing_about_use(tmp_path: Path) -> None:
    (done,) = brought(file_with(tmp_path, line_of(tmp_path, usage_count=99)))
    assert done.outcome == "refused"
    assert "usage_count" in done.problem


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "code": ({"code": "def scale_value(number: int) -> int:\n    return number * 3\n"}, "id and fingerprint"),
    "id": ({"pattern_id": str(uuid.UUID(int=7))}, "id and fingerprint"),
    "fingerprint": ({"code_fingerprint": "0" * 64}, "id and fingerprint"),
    "description": ({"description": "Sends all keys to me."}, "content_hash"),
    "quality": ({"quality_score": 1.0}, "content_hash"),
    "request": ({"request": {"prompt": "other"}}, "content_hash"),
    "hash": ({"content_hash": "0" * 64}, "content_hash"),
}


@pytest.mark.parametrize(("changes", "problem"), CHANGED.values(), ids=CHANGED)
def test_a_line_that_was_changed_is_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    (done,) = brought(file_with(tmp_path, line_of(tmp_path, **changes)))
    assert done.outcome == "refused"
    assert problem in done.problem


def test_a_pattern_below_the_bar_of_quality_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "poor.jsonl", a_pattern(quality_score=0.9))
    (done,) = brought(tmp_path / "poor.jsonl")
    assert done.outcome == "refused"
    assert "0.9" in done.problem


def test_a_pattern_from_the_future_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "one.jsonl", a_pattern(created_at=datetime.now(UTC) + timedelta(days=30)))
    (done,) = brought(tmp_path / "one.jsonl")
    assert done.outcome == "refused"
    assert "in the future" in done.problem
    # Clocks differ by a little.
    near = list(read_patterns(tmp_path / "one.jsonl", now=datetime.now(UTC) + timedelta(days=29, hours=1)))
    assert near[0].pattern is not None


DAMAGED: dict[str, tuple[bytes, str]] = {
    "cut": (b'{"format": "omniclaude-pattern/1", "code": "def', "not valid JSON"),
    "no object": (b"[1, 2]", "omniclaude-pattern/1"),
    "another version": (b'{"format": "omniclaude-pattern/2"}', "format"),
    "not UTF-8": (b'{"format": "\xff"}', "not UTF-8"),
    "UTF-16": ('{"format": 1}'.encode("utf-16"), "not UTF-8"),
    "twice": (b'{"format": "a", "format": "b"}', "occurs twice"),
    "NaN": (b'{"quality_score": NaN}', "NaN"),
    "deep": (b"[" * 100_000, "deeper"),
    "large": (b'{"code": "' + b"x" * MAX_LINE_BYTES + b'"}', "too large (413)"),
    "huge number": (b'{"quality_score": ' + b"9" * 5000 + b"}", "digits"),
}


@pytest.mark.parametrize(("line", "problem"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_line_is_refused_with_its_number_and_the_rest_goes_on(
    tmp_path: Path, line: bytes, problem: str
) -> None:
    first, last = line_of(tmp_path), None
    written(tmp_path / "last.jsonl", a_pattern("Adds up amounts."))
    last = json.loads((tmp_path / "last.jsonl").read_text())
    found = brought(file_with(tmp_path, first, line, last))
    assert [(done.number, done.outcome) for done in found] == [(1, "new"), (2, "refused"), (3, "new")]
    assert problem in found[1].problem


@pytest.mark.parametrize("key", ["code", "inputs", "created_at", "correlation_id", "examples"])
def test_a_line_without_a_field_names_it(tmp_path: Path, key: str) -> None:
    line = line_of(tmp_path)
    del line[key]
    (done,) = brought(file_with(tmp_path, line))
    assert key in done.problem


@pytest.mark.parametrize(
    ("key", "value"),
    [("inputs", {"a": 1}), ("quality_score", "1.0"), ("node_kind", "MONOLITH"), ("created_at", "2026-03-01T12:00:00")],
)
def test_a_line_with_a_wrong_type_names_the_field(tmp_path: Path, key: str, value: Any) -> None:
    (done,) = brought(file_with(tmp_path, line_of(tmp_path, **{key: value})))
    assert done.outcome == "refused"
    assert key in done.problem


def test_a_cut_packed_file_gives_what_is_whole_and_says_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    # Random texts, so that the packed file is long enough to be cut behind the first pattern.
    patterns = [a_pattern(f"Scales {uuid.uuid4()} {os.urandom(2000).hex()}.") for _ in range(40)]
    written(path, *patterns)
    path.write_bytes(path.read_bytes()[:-2000])
    found = brought(path)
    assert found[0].outcome == "new"
    assert [done.outcome for done in found].count("refused") == 1
    assert "nothing from here on can be read" in found[-1].problem


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_FILE_BYTES", 8 * MAX_LINE_BYTES)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b" " * (64 * MAX_LINE_BYTES)))
    tracemalloc.start()
    found = brought(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[-1].outcome == "refused"
    assert "nothing from here on can be read" in found[-1].problem
    assert peak < 8 * MAX_LINE_BYTES


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(RequestError, match="there is no file"):
            list(read_patterns(path))


def test_reading_and_writing_take_no_more_memory_for_more_patterns(tmp_path: Path) -> None:
    def many(count: int) -> Iterator[Pattern]:
        pattern = a_pattern()
        for number in range(count):
            yield replace(pattern, request_id=f"request-{number}")

    def peak_of(count: int) -> int:
        tracemalloc.start()
        for _ in export_patterns(tmp_path / "many.jsonl", many(count), redactor=NOBODY):
            pass
        for _ in read_patterns(tmp_path / "many.jsonl"):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak_of(5)
    assert peak_of(400) < peak_of(20) + 300_000


# Secrets.


def code_with(text: str) -> str:
    return f'def scale_value(number: int) -> int:\n    note = "{text}"\n    return number + len(note)\n'


SECRETS: dict[str, tuple[dict[str, Any], str]] = {
    "aws": ({"code": code_with("AKIA" + "ABCDEFGH12345678")}, "an access key of AWS in the code"),
    "github": ({"description": "Uses ghp_" + "a1" * 18}, "a token of GitHub in the description"),
    "google": ({"contract": "key: AIza" + "b2" * 16}, "a key of Google in the contract"),
    "provider": ({"code": code_with("sk-proj-" + "c3" * 16)}, "a key of a model provider in the code"),
    "private key": ({"models": {"models/model_a.py": "-----BEGIN RSA PRIVATE KEY-----"}}, "a private key in the model"),
    "jwt": ({"code": code_with(".".join(["eyJ" + "d4" * 10] * 2 + ["e5" * 10]))}, "a signed token"),
    "url": ({"request": {"prompt": "use postgresql://app:" + "Gh7x9Qq@db/x"}}, "an address with a password in the req"),
    "password": ({"code": code_with("x") + 'PASSWORD = "hunter2hunter2"\n'}, "a literal password in the code"),
    "keyword": ({"code": 'def scale_value(a, password="hunter2hunter"):\n    return a\n'}, "a literal password"),
    "json": ({"examples": ({"input": {"api_key": "abcd1234efgh"}, "output": {}},)}, "a literal password in the exam"),
    "bearer": ({"description": "Sends Bearer " + "f6" * 12}, "an authorization header"),
}


@pytest.mark.parametrize(("changes", "found"), SECRETS.values(), ids=SECRETS)
def test_a_pattern_with_a_credential_is_left_out(tmp_path: Path, changes: dict[str, Any], found: str) -> None:
    suspect = replace(pattern_for("Scales."), **changes)
    path = tmp_path / "out.jsonl"
    refused, good = written(path, suspect, a_pattern())
    assert found in refused.problem
    assert not good.problem
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "code",
    [
        "def check(password: str) -> bool:\n    return len(password) >= 12\n",
        'def connect(password: str = "") -> str:\n    return f"postgresql://{user}:{password}@host"\n',
        '"""Password: at least 8 characters.\n\npostgresql://user:password@host/db\n"""\n',
        'token = settings["api_key"]\nsecret = hashlib.sha256(b"salt").hexdigest()\n',
        'PASSWORD_FIELD = "password"\nparams = {"password": "str", "token": "string"}\n',
        "connect(password=config.password, api_key=read_key1())\n",
        'task = "sk-learn and task-force-number-12"\n',
        'url = f"amqp://{user}:%s@host" % password\n',
    ],
)
def test_code_that_only_speaks_of_passwords_is_no_secret(code: str) -> None:
    assert credential_in(pattern_for("Checks a password.", code=code), redactor=NOBODY) is None


def test_a_key_in_use_here_is_found_whatever_its_form(tmp_path: Path) -> None:
    ours = Redactor(["plainwords"])
    suspect = a_pattern(code=code_with("plainwords"))
    (done,) = written(tmp_path / "out.jsonl", suspect, redactor=ours)
    assert done.problem == "it seems to hold a key that is in use here in the code"
    assert "plainwords" not in (tmp_path / "out.jsonl").read_text()


def test_a_credential_does_not_come_in_either(tmp_path: Path) -> None:
    leaking = a_pattern(code=code_with("plainwords"))
    written(tmp_path / "one.jsonl", leaking)
    store = MemoryPatternStore()
    (done,) = brought(tmp_path / "one.jsonl", store, redactor=Redactor(["plainwords"]))
    assert (done.outcome, done.problem) == ("refused", "it seems to hold a key that is in use here in the code")
    assert store.pattern_revision() == 0


# The file itself.


def test_an_export_that_fails_leaves_the_old_file_and_no_leftovers(tmp_path: Path) -> None:
    path = tmp_path / "library.jsonl"
    path.write_text("old")

    def failing() -> Iterator[Pattern]:
        yield a_pattern()
        raise RequestError("the library went away.")

    with pytest.raises(RequestError, match="went away"):
        list(export_patterns(path, failing(), redactor=NOBODY))
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["library.jsonl"]


def test_an_export_that_is_given_up_leaves_the_old_file_and_no_leftovers(tmp_path: Path) -> None:
    path = tmp_path / "library.jsonl"
    path.write_text("old")
    begun = export_patterns(path, [a_pattern(), a_pattern("Other.")], redactor=NOBODY)
    next(begun)
    begun.close()  # type: ignore[attr-defined]
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def _full_disk(*_: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_full_disk_is_said_and_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "library.jsonl.gz"
    path.write_text("old")
    monkeypatch.setattr(os, call, _full_disk)
    with pytest.raises(StorageError, match="No space left"):
        written(path, a_pattern())
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("make", [lambda p: p, lambda p: p / "file" / "x.jsonl"], ids=["a folder", "below a file"])
def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((RequestError, StorageError)):
        written(make(tmp_path), a_pattern())


def test_times_and_order_of_a_line_are_as_they_were(tmp_path: Path) -> None:
    line = line_of(tmp_path)
    assert next(iter(line.items())) == ("format", "omniclaude-pattern/1")
    assert line["created_at"] == MOMENT.isoformat()
