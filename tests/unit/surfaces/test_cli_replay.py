"""`omniclaude generate --replay`: what cannot be replayed says why, and differences are named with their causes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from omniclaude_dagster.artifact.fingerprint import changed_parts, version_fingerprint
from omniclaude_dagster.pipeline import Platform, Replay
from omniclaude_dagster.providers.replay import Unrecorded
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.stages.model import GenerationRecord
from omniclaude_dagster.stages.recipe import Recipe, RecordedGeneration
from omniclaude_dagster.surfaces.cli.replay import differences
from tests.support.cli import objects_of
from tests.support.generation_records import make_record
from tests.unit.surfaces.conftest import Cli

REQUEST = GenerationRequest.model_validate({"prompt": "Create EFFECT node for PostgreSQL writes", "mode": "fast"})
NODE = "/out/node_user_writer_effect"


def recorded(
    *,
    status: str = "published",
    files: dict[str, str] | None = None,
    versions: Any = None,
    merged: Any = None,
    error: str | None = None,
    **changes: Any,
) -> GenerationRecord:
    """A generation of `request-1` with these files, of this release unless `versions` says otherwise."""
    named = {"node.py": "aa", "logic.py": "bb"} if files is None else files
    entries = [{"path": f"{NODE}/{path}", "sha256": sha256, "bytes": 1} for path, sha256 in named.items()]
    accepted = AcceptedRequest("request-1", REQUEST, "cli")
    recipe = Recipe(accepted, versions or dict(version_fingerprint()), merged=merged or {})
    node = {"kind": "EFFECT", "name": "UserWriter", "path": NODE if named else None}
    told = error or (None if status == "published" else f"it was {status}")
    result = {"status": status, "files": entries, "error": told, "node": node}
    return make_record(1, result=result, recipe=recipe.as_text(), **changes)


def write(home: Path, record: GenerationRecord) -> None:
    store = RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")
    store.write(record)
    store.close()


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what a replay gives: file name to hash, and whatever else it met."""

    def gives(files: dict[str, str], *, unrecorded: tuple[Unrecorded, ...] = (), error: str | None = None) -> None:
        async def replay(self: Platform, recorded: RecordedGeneration, *, output_dir: Path, on_stage: object) -> Replay:
            node = output_dir / "node_user_writer_effect"
            delivered = [SimpleNamespace(path=str(node / path), sha256=sha256) for path, sha256 in files.items()]
            published = SimpleNamespace(path=node, files=delivered) if files else None
            state = SimpleNamespace(
                published=published, status="published" if files else "failed", error=error, update=None
            )
            return Replay(state, unrecorded)  # type: ignore[arg-type]

        monkeypatch.setattr(Platform, "replay", replay)

    return gives


def test_the_same_bytes_are_called_identical(cli: Cli, home: Path, replays: Callable[..., None]) -> None:
    write(home, recorded())
    replays({"node.py": "aa", "logic.py": "bb"})
    done = cli("generate", "--replay", "request-1")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("identical  2 files, 1 recorded model calls, no model asked\n")
    assert str(home / "replays" / "request-1") in done.stdout


def test_other_bytes_are_named_file_by_file_and_end_with_1(
    cli: Cli, home: Path, replays: Callable[..., None], tmp_path: Path
) -> None:
    write(home, recorded())
    replays({"node.py": "cc", "extra.py": "dd"})
    done = cli("generate", "--replay", "request-1", "--output", str(tmp_path / "again"))
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "different  3 of 2 files, 1 recorded model calls",
        "  extra.py: was not there",
        "  logic.py: is missing",
        "  node.py: differs",
        str(tmp_path / "again" / "node_user_writer_effect"),
    ]
    assert "likely cause: none is known" in done.stderr


def test_causes_of_a_difference_are_named(cli: Cli, home: Path, replays: Callable[..., None]) -> None:
    then = {**version_fingerprint(), "templates": "0123456789abcdef", "omnibase-core": "0.1.0"}
    write(home, recorded(versions=then))
    replays({}, unrecorded=(Unrecorded("small", "3", "a" * 64, 0),), error="stage 3 stopped")
    done = cli("generate", "--replay", "request-1", "--json")
    (report,) = objects_of(done.stdout)
    assert done.exit_code == 1
    assert [part.split(" (was ")[0] for part in report["changed_versions"]] == ["omnibase-core", "templates"]
    assert report["unrecorded"] == ["model 'small', stage 3: nothing recorded"]
    assert (report["is_identical"], report["status_then"], report["status_now"]) == (False, "published", "failed")
    assert [d["path"] for d in report["differences"]] == ["logic.py", "node.py"]
    shown = cli("generate", "--replay", "request-1").stderr
    for cause in ("omnibase-core (was 0.1.0", "templates (was 0123", "model 'small'", "failed: stage 3 stopped"):
        assert cause in shown


def test_a_release_that_changed_is_no_cause_where_nothing_differs(
    cli: Cli, home: Path, replays: Callable[..., None]
) -> None:
    write(home, recorded(versions={"templates": "another"}))
    replays({"node.py": "aa", "logic.py": "bb"})
    (report,) = objects_of(cli("generate", "--replay", "request-1", "--json").stdout)
    assert (report["is_identical"], report["changed_versions"]) == (True, [])


def test_where_edits_were_merged_the_replay_is_compared_with_what_was_generated(
    cli: Cli, home: Path, replays: Callable[..., None]
) -> None:
    write(home, recorded(merged={"node.py": "aa", "logic.py": "generated"}))
    replays({"node.py": "aa", "logic.py": "generated"})
    done = cli("generate", "--replay", "request-1")
    assert done.exit_code == 0
    assert "edits were merged" in done.stderr
    replays({"node.py": "aa", "logic.py": "bb"})
    assert "logic.py: differs" in cli("generate", "--replay", "request-1").stdout


def test_a_node_for_review_is_replayed_like_any_other_and_keeps_its_note(
    cli: Cli, home: Path, replays: Callable[..., None]
) -> None:
    write(home, recorded(status="needs_review"))
    replays({"node.py": "aa", "logic.py": "bb"})
    done = cli("generate", "--replay", "request-1")
    assert done.exit_code == 0
    assert "note: the generation was needs_review: it was needs_review" in done.stderr


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (replace(recorded(), recipe=None), "did not record what a replay needs"),
        (recorded(status="blocked", files={}), "was blocked (it was blocked): no files were delivered"),
        (
            recorded(status="blocked", files={}, error="no votes. Cure: ask again"),
            "was blocked (no votes): no files were delivered",
        ),
        (recorded(status="needs_review", files={}), "was needs_review (it was needs_review): no files were delivered"),
        (
            recorded(model_calls=(replace(make_record(1).model_calls[0], request_sha256=None),)),
            "1 of the 1 model calls of request-1 were recorded without their answer",
        ),
    ],
    ids=["older release", "blocked", "blocked with a cure", "dry run", "no answer"],
)
def test_what_cannot_be_replayed_says_why_and_what_helps(
    cli: Cli, home: Path, record: GenerationRecord, reason: str
) -> None:
    write(home, record)
    done = cli("generate", "--replay", "request-1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert reason in done.stderr
    assert "cure:  generate it" in done.stderr


def test_what_was_delivered_last_is_replayed_also_after_a_dry_run(
    cli: Cli, home: Path, replays: Callable[..., None]
) -> None:
    write(home, recorded())
    later = make_record(2, result={"request_id": "request-1", "status": "needs_review", "files": [], "node": {}})
    write(home, later)
    replays({"node.py": "aa", "logic.py": "bb"})
    (report,) = objects_of(cli("generate", "--replay", "request-1", "--json").stdout)
    assert report["is_identical"]
    assert report["correlation_id"] == recorded().result.correlation_id


def test_an_unknown_request_ends_with_2_without_a_trace_of_its_escapes(cli: Cli, home: Path) -> None:
    done = cli("generate", "--replay", "nobody\x1b[2J")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no generation of a request" in done.stderr
    assert "\x1b" not in done.stderr


def test_records_that_are_away_end_with_3(cli: Cli, home: Path) -> None:
    (home / "records.sqlite3").mkdir(parents=True)
    done = cli("generate", "--replay", "request-1")
    assert done.exit_code == 3
    assert "cannot be used" in done.stderr


@pytest.mark.parametrize(
    "beside", [("a prompt",), ("--mode", "fast"), ("--name", "X"), ("-i",), ("--request", "r.yaml")], ids=str
)
def test_nothing_of_a_request_stands_beside_replay(cli: Cli, home: Path, beside: tuple[str, ...]) -> None:
    done = cli("generate", "--replay", "request-1", *beside)
    assert done.exit_code == 2
    assert "--replay takes the request from the records" in done.stderr


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(cli: Cli, home: Path, tmp_path: Path) -> None:
    write(home, recorded())
    (tmp_path / "file").write_text("in the way")
    done = cli("generate", "--replay", "request-1", "--output", str(tmp_path / "file" / "sub"))
    assert done.exit_code == 2
    assert "name a writable folder" in done.stderr


def test_differences_are_by_path_and_equal_files_are_none() -> None:
    assert differences({"a": "1", "b": "2"}, {"b": "2", "a": "1"}) == ()
    found = differences({"b": "1", "a": "1"}, {"b": "2", "c": "3"})
    assert [str(d) for d in found] == ["a: is missing", "b: differs", "c: was not there"]


def test_changed_parts_name_what_came_and_what_went() -> None:
    assert changed_parts({"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == ()
    assert changed_parts({"a": "1", "old": "2"}, {"a": "3", "new": "4"}) == (
        "a (was 1, is 3)",
        "old (was 2, is gone)",
        "new (was not recorded, is 4)",
    )


def test_the_fingerprint_names_release_core_templates_and_code() -> None:
    found = version_fingerprint()
    assert {"python", "omniclaude-dagster", "omnibase-core", "ruff", "templates", "omniclaude's code"} <= set(found)
    assert "not installed" not in found.values()
