"""`omniclaude patterns` on real records: what a person sees, exact JSON, every mistake with a cure."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from omniclaude_dagster.patterns.model import Pattern, PatternReuse
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.surfaces.cli.patterns_list import KindChoice
from tests.support.cli import objects_of
from tests.support.generation_records import make_record
from tests.support.pattern_fakes import pattern_for
from tests.unit.surfaces.conftest import Cli

NOW = datetime.now(UTC)
HOSTILE = "evil\x1b[2J\u202e[bold]x[/]"
LISTINGS = (("list",), ("prune",), ("stats",), ("list", "--status", "all"))


@pytest.fixture
def store(home: Path) -> Iterator[RecordsStore]:
    found = RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")
    yield found
    found.close()


@pytest.fixture
def add(store: RecordsStore) -> Callable[..., Pattern]:
    def added(description: str = "Scales a value.", **changes: Any) -> Pattern:
        pattern = pattern_for(description, **({"created_at": NOW - timedelta(days=1)} | changes))
        store.add_pattern(pattern, vector=None, embedding_model="")
        return pattern

    return added


def met(store: RecordsStore, number: int, *reuses: PatternReuse, status: str = "published") -> None:
    """A generation, a moment ago, that met these patterns."""
    result = {"status": status, "error": None if status == "published" else "no"}
    at = NOW - timedelta(minutes=1000 - number)
    store.write(make_record(number, reuses=reuses, result=result, started_at=at, finished_at=at))


def use(pattern: Pattern, role: str = "reused", rank: int = 1, **changes: Any) -> PatternReuse:
    return PatternReuse(pattern.pattern_id, role, rank, 0.75, ("same fields",), **changes)  # type: ignore[arg-type]


def said(done: Any) -> str:
    return " ".join(done.stderr.split())


def status_of(store: RecordsStore, pattern: Pattern) -> str:
    (stored,) = store.patterns([pattern.pattern_id])
    return stored.status


# list


def test_list_gives_the_newest_first_with_what_became_of_them(
    cli: Cli, add: Callable[..., Pattern], store: RecordsStore
) -> None:
    old = add("Old one.", name="old_one", created_at=NOW - timedelta(days=9), systems=("postgresql",))
    new = add("New one.", name="new_one", node_kind=NodeKind.REDUCER)
    met(store, 1, use(new))
    done = cli("patterns", "list", "--json")
    found = objects_of(done.stdout)
    assert [one["name"] for one in found] == ["new_one", "old_one"]
    assert (found[0]["usage_count"], found[0]["node_kind"], found[1]["systems"]) == (1, "REDUCER", ["postgresql"])
    shown = cli("patterns", "list").stdout
    for words in ("new_one", "old_one", "postgresql", str(old.pattern_id)[:8], "active", "0.980"):
        assert words in shown


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ((), ["b", "a"]),
        (("--kind", "effect"), ["b"]),
        (("--status", "retired"), ["c"]),
        (("--status", "all"), ["c", "b", "a"]),
        (("--text", "KAFKA"), ["a"]),
        (("--limit", "1"), ["b"]),
    ],
)
def test_list_can_be_narrowed(
    cli: Cli, add: Callable[..., Pattern], store: RecordsStore, options: tuple[str, ...], names: list[str]
) -> None:
    add("Reads kafka.", name="a", created_at=NOW - timedelta(days=9))
    add("Writes.", name="b", node_kind=NodeKind.EFFECT, created_at=NOW - timedelta(days=8))
    gone = add("Gone.", name="c", created_at=NOW - timedelta(days=7))
    store.set_pattern_status([gone.pattern_id], "retired", reason="was tired")
    assert [one["name"] for one in objects_of(cli("patterns", "list", "--json", *options).stdout)] == names


def test_every_kind_can_be_asked_for() -> None:
    assert set(get_args(KindChoice)) == {kind.value for kind in NodeKind}


def test_list_says_how_many_more_there_are(cli: Cli, add: Callable[..., Pattern]) -> None:
    for number in range(3):
        add(f"Number {number}.")
    assert "2 of 3" in cli("patterns", "list", "-n", "2").stderr


def test_list_that_fits_nothing_says_what_there_is(cli: Cli, add: Callable[..., Pattern]) -> None:
    add()
    done = cli("patterns", "list", "--text", "nowhere")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no pattern fits" in done.stderr
    assert "1 active" in done.stderr


# show


def test_show_gives_everything_that_is_known(cli: Cli, add: Callable[..., Pattern], store: RecordsStore) -> None:
    pattern = add(reuse_conditions=("a COMPUTE node",), systems=("redis",))
    met(store, 1, use(pattern, detail="its body is the node's"))
    shown = cli("patterns", "show", str(pattern.pattern_id)).stdout
    for words in (
        "active", "value_scaler", "Scales a value.", "def scale_value(number: int) -> int:", "number: int",
        "a COMPUTE node", "redis", "0.47.57", "request-1", "reused", "its body is the node's", "1 time,",
    ):  # fmt: skip
        assert words in shown
    (found,) = objects_of(cli("patterns", "show", str(pattern.pattern_id), "--json").stdout)
    assert found["code"] == pattern.code
    assert found["content_hash"] == pattern.content_hash
    assert [(row["role"], row["is_success"]) for row in found["history"]] == [("reused", True)]


def test_the_beginning_of_an_id_is_enough(cli: Cli, add: Callable[..., Pattern]) -> None:
    pattern = add()
    for text in (str(pattern.pattern_id)[:6], str(pattern.pattern_id)[:13], str(pattern.pattern_id).upper()):
        assert str(pattern.pattern_id) in cli("patterns", "show", text).stdout


def test_an_ambiguous_beginning_lists_the_candidates(cli: Cli, add: Callable[..., Pattern]) -> None:
    ids = [uuid.UUID(int=(0xABCD << 112) + number) for number in range(10)]
    for pattern_id in ids:
        add(f"Pattern {pattern_id}.", pattern_id=pattern_id, name=f"n{pattern_id.int % 100}")
    done = cli("patterns", "show", "abcd")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "10 patterns begin with abcd" in said(done)
    assert "and 2 more" in said(done)
    assert sum(str(pattern_id) in said(done) for pattern_id in ids) == 8
    assert cli("patterns", "show", str(ids[3])).exit_code == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("00000000-0000-0000-0000-000000000000", "there is no pattern"),
        ("abc", "no id of a pattern"),
        ("../../etc", "no id of a pattern"),
        ("\x1b[2J", "no id of a pattern"),
        ("ffff%", "no id of a pattern"),
    ],
)
@pytest.mark.parametrize("command", ["show", "release", "retire", "forget"])
def test_an_id_that_is_none_is_refused_with_a_cure(
    cli: Cli, add: Callable[..., Pattern], command: str, text: str, problem: str
) -> None:
    add()
    done = cli("patterns", command, text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert problem in said(done)
    assert "omniclaude patterns list" in said(done)
    assert "\x1b" not in done.stderr


def test_nothing_stored_reaches_the_terminal_as_a_command(
    cli: Cli, add: Callable[..., Pattern], store: RecordsStore
) -> None:
    pattern = add(
        HOSTILE, name=HOSTILE, domain=HOSTILE, code=f"def scale_value():\n    # {HOSTILE}\n    return 1\n",
        inputs={HOSTILE: HOSTILE}, reuse_conditions=(HOSTILE,), systems=(HOSTILE,), models_used=(HOSTILE,),
        origin=HOSTILE, core_version=HOSTILE,
    )  # fmt: skip
    met(store, 1, use(pattern, detail=HOSTILE))
    store.set_pattern_status([pattern.pattern_id], "quarantined", reason=HOSTILE)
    for arguments in (("show", str(pattern.pattern_id)), *LISTINGS, ("list", "--status", "quarantined")):
        done = cli("patterns", *arguments)
        assert done.exit_code == 0, done.stderr
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.stdout + done.stderr)
    assert "[bold]x[/]" in cli("patterns", "show", str(pattern.pattern_id)).stdout


# prune, retire, release, forget


def test_prune_only_says_what_it_would_do(cli: Cli, add: Callable[..., Pattern], store: RecordsStore) -> None:
    poor, good = add("Poor.", name="poor", quality_score=0.5), add("Good.", name="good")
    done = cli("patterns", "prune")
    assert done.exit_code == 0
    assert "low_quality" in done.stdout
    assert "quality 0.5000" in " ".join(done.stdout.split())
    assert "good" not in done.stdout
    assert "nothing was changed" in said(done)
    assert (status_of(store, poor), status_of(store, good)) == ("active", "active")


def test_prune_apply_retires_and_the_pattern_keeps_the_reason(
    cli: Cli, add: Callable[..., Pattern], store: RecordsStore
) -> None:
    poor, good = add("Poor.", name="poor", quality_score=0.5), add("Good.", name="good")
    (found,) = objects_of(cli("patterns", "prune", "--apply", "--json").stdout)
    assert (found["name"], found["rule"], found["is_applied"], found["status"]) == (
        "poor", "low_quality", True, "retired",
    )  # fmt: skip
    assert (status_of(store, poor), status_of(store, good)) == ("retired", "active")
    (stored,) = store.patterns([poor.pattern_id])
    assert stored.status_reason.startswith("low_quality: quality 0.5000")
    assert objects_of(cli("patterns", "prune", "--apply", "--json").stdout) == []


def test_prune_of_a_good_library_says_so(cli: Cli, add: Callable[..., Pattern]) -> None:
    add()
    assert "worth keeping" in cli("patterns", "prune").stderr


def test_release_puts_a_quarantined_pattern_back(cli: Cli, add: Callable[..., Pattern], store: RecordsStore) -> None:
    pattern = add()
    for number in (1, 2):
        met(store, number, use(pattern), status="failed")
    assert status_of(store, pattern) == "quarantined"
    done = cli("patterns", "release", str(pattern.pattern_id)[:8])
    assert (done.exit_code, status_of(store, pattern)) == (0, "active")
    assert "quarantined -> active" in said(done)
    again = cli("patterns", "release", str(pattern.pattern_id), "--json")
    assert objects_of(again.stdout)[0]["is_changed"] is False


def test_retire_takes_one_out_and_keeps_why(cli: Cli, add: Callable[..., Pattern], store: RecordsStore) -> None:
    pattern = add()
    assert cli("patterns", "retire", str(pattern.pattern_id), "--reason", "it is poisoned").exit_code == 0
    (stored,) = store.patterns([pattern.pattern_id])
    assert (stored.status, stored.status_reason) == ("retired", "it is poisoned")


def retired(add: Callable[..., Pattern], store: RecordsStore, count: int = 1) -> list[Pattern]:
    found = [add(f"Retired {number}.", name=f"retired_{number}") for number in range(count)]
    store.set_pattern_status([pattern.pattern_id for pattern in found], "retired", reason="was tired")
    return found


@pytest.mark.parametrize(("answer", "is_gone"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False)])
def test_forget_asks_first(
    cli: Cli, add: Callable[..., Pattern], store: RecordsStore, answer: str, is_gone: bool
) -> None:
    (pattern,) = retired(add, store)
    done = cli("patterns", "forget", str(pattern.pattern_id), stdin=answer)
    assert done.exit_code == 0
    assert "was tired" in done.stderr
    assert (store.patterns([pattern.pattern_id]) == ()) is is_gone


def test_forget_that_nobody_answers_forgets_nothing(cli: Cli, add: Callable[..., Pattern], store: RecordsStore) -> None:
    (pattern,) = retired(add, store)
    done = cli("patterns", "forget", str(pattern.pattern_id), stdin="")
    assert done.exit_code == 2
    assert "--yes" in said(done)
    assert status_of(store, pattern) == "retired"


def test_forget_all_forgets_the_retired_ones_alone(cli: Cli, add: Callable[..., Pattern], store: RecordsStore) -> None:
    gone, kept = retired(add, store, 7), add("Kept.")
    done = cli("patterns", "forget", "--all", "--yes", "--json")
    (found,) = objects_of(done.stdout)
    assert found["forgotten"] == 7
    assert store.patterns([pattern.pattern_id for pattern in gone]) == ()
    assert status_of(store, kept) == "active"
    assert "there is no retired pattern" in cli("patterns", "forget", "--all", "--yes").stderr


def test_forget_refuses_a_pattern_that_is_in_use(cli: Cli, add: Callable[..., Pattern], store: RecordsStore) -> None:
    pattern = add()
    done = cli("patterns", "forget", str(pattern.pattern_id), "--yes")
    assert done.exit_code == 2
    assert f"omniclaude patterns retire {pattern.pattern_id}" in said(done)
    assert status_of(store, pattern) == "active"


@pytest.mark.parametrize("arguments", [(), ("abcd1234", "--all")])
def test_forget_wants_to_know_what(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli("patterns", "forget", *arguments)
    assert done.exit_code == 2
    assert "not clear what to forget" in said(done)


# What holds for all.


@pytest.mark.parametrize("arguments", [*LISTINGS, ("export", "out.jsonl"), ("reembed",)])
def test_an_empty_library_says_what_to_do(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli("patterns", *arguments)
    assert done.exit_code == 0, done.stderr
    assert "omniclaude generate" in done.stderr
    assert "omniclaude patterns import" in done.stderr
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        *LISTINGS,
        ("show", "abcd1234"),
        ("export", "out.jsonl"),
        ("import", "given.jsonl"),
        ("reembed",),
        ("release", "abcd1234"),
        ("retire", "abcd1234"),
        ("forget", "--all", "--yes"),
    ],
)
def test_while_the_records_are_away_every_command_ends_with_3_and_a_cure(
    cli: Cli, home: Path, arguments: tuple[str, ...]
) -> None:
    (home / "records.sqlite3").mkdir(parents=True)
    Path("given.jsonl").write_text("{}\n")
    done = cli("patterns", *arguments)
    assert done.exit_code == 3, done.stderr
    assert "cure:" in done.stderr
    assert "records' database" in said(done)
    assert "internal error" not in done.stderr
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize("arguments", LISTINGS)
def test_json_is_json_and_nothing_else(cli: Cli, add: Callable[..., Pattern], arguments: tuple[str, ...]) -> None:
    add(HOSTILE, name=HOSTILE, quality_score=0.5)
    done = cli("patterns", *arguments, "--json")
    assert done.exit_code == 0
    assert done.stdout.isascii()
    assert len(objects_of(done.stdout)) == 1
    json.loads(done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--kind", "monolith"),
        ("list", "--status", "lost"),
        ("list", "--limit", "0"),
        ("stats", "--days", "0"),
        ("show",),
        ("export",),
        ("list", "--text", "x" * 501),
    ],
)
def test_a_wrong_command_line_ends_with_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli("patterns", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "cure:" in done.stderr
