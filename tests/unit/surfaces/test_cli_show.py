"""`omniclaude show` and `list` on real records: found, spooled, kept as a file, unknown."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

from omniclaude_dagster.quorum.model import QuorumOutcome, Tally
from omniclaude_dagster.records.repository import RecordsStore
from tests.support.cli import RESULT_KEYS, a_result, objects_of
from tests.support.generation_records import make_record
from tests.unit.surfaces.conftest import Cli


def write_records(home: Path, *numbers: int) -> None:
    store = RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")
    for number in numbers:
        store.write(make_record(number))
    store.close()


def test_a_generation_is_shown_again_exactly(cli: Cli, home: Path) -> None:
    write_records(home, 1)
    done = cli("show", "request-1", "--json")
    (found,) = objects_of(done.stdout)
    assert done.exit_code == 0
    assert list(found) == RESULT_KEYS
    assert found == make_record(1).result.model_dump(mode="json")


def test_a_person_sees_stages_with_model_tokens_and_cost(cli: Cli, home: Path) -> None:
    write_records(home, 1)
    shown = cli("show", "request-1").stdout
    for word in ("published", "3 code_generation", "smollm2-135m", "100/20", "$1.2500", "next"):
        assert word in shown


def test_a_person_sees_each_model_call_with_what_became_of_it(cli: Cli, home: Path) -> None:
    (call,) = make_record(1).model_calls
    refused = replace(call, call_id=uuid4(), verdict="example 1: doubled is 6, not 4")
    failed = replace(call, call_id=uuid4(), verdict=None, is_success=False, error_message="too\x1b[2J late")
    store = RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")
    store.write(make_record(1, model_calls=(refused, failed, call)))
    store.close()
    shown = " ".join(cli("show", "request-1").stdout.split())
    places = [shown.index(word) for word in ("doubled is 6, not 4", "too\\x1b[2J late", "3 (stage 3)", "accepted")]
    assert places == sorted(places)


def test_a_decision_of_a_person_is_shown_instead_of_the_call_for_one(cli: Cli, home: Path) -> None:
    quorum = QuorumOutcome("local", Tally("block", 0.3, 1.0, 0.0, "0.30 is below 0.60"), ())
    told = {
        "panel": "local",
        "decision": "block",
        "score": 0.3,
        "participation": 1.0,
        "dispersion": 0.0,
        "reason": "0.30 is below 0.60",
        "votes": [],
        "review_command": "omniclaude review show request-1",
    }
    node = {"kind": "COMPUTE", "name": "Doubler", "class_name": "NodeDoublerCompute", "domain": "d", "path": None}
    record = make_record(1, result={"status": "blocked", "quorum": told, "node": node}, quorum=quorum)
    store = RecordsStore(f"sqlite:///{home / 'records.sqlite3'}", home / "spool")
    store.write(record)
    assert "decide: omniclaude review show request-1" in cli("show", "request-1").stdout
    assert store.close_review(UUID(record.result.correlation_id), accepted=False, note="not\x1b[2J now")
    store.close()
    done = cli("show", "request-1")
    assert "refused 20" in done.stdout
    assert "not\\x1b[2J now" in done.stdout
    assert "decide:" not in done.stdout
    assert "review accept" not in done.stdout
    (found,) = objects_of(cli("show", "request-1", "--json").stdout)
    assert (found["quorum"]["review"], found["quorum"]["review_command"]) == ("refused", "")


def test_an_unknown_id_ends_with_2_and_names_close_ones(cli: Cli, home: Path) -> None:
    write_records(home, 1, 2)
    done = cli("show", "reqest-1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "did you mean request-1" in done.stderr
    assert cli("show", "../../etc/passwd").exit_code == 2
    assert cli("show", "\x1b[2J").stderr.count("\x1b") == 0


def test_while_the_database_is_away_the_result_file_is_shown_with_a_warning(cli: Cli, home: Path) -> None:
    (home / "records.sqlite3").mkdir(parents=True)
    (home / "results").mkdir()
    document = {"content_hash": "0" * 64, "result": a_result("kept").model_dump(mode="json")}
    (home / "results" / "kept.json").write_text(json.dumps(document))
    done = cli("show", "kept", "--json")
    assert done.exit_code == 0
    assert objects_of(done.stdout)[0]["request_id"] == "kept"
    assert "warning: " in done.stderr
    assert cli("show", "other").exit_code == 3


def test_a_damaged_result_file_counts_as_none(cli: Cli, home: Path) -> None:
    (home / "results").mkdir(parents=True)
    for content in ("", "[]", '{"result": 7}', '{"result": {}}'):
        (home / "results" / "kept.json").write_text(content)
        assert cli("show", "kept").exit_code == 2


def test_list_gives_the_newest_first_and_no_more_than_asked(cli: Cli, home: Path) -> None:
    write_records(home, 1, 2, 3)
    found = objects_of(cli("list", "-n", "2", "--json").stdout)
    assert [f["request_id"] for f in found] == ["request-3", "request-2"]
    assert "request-3" in cli("list").stdout


def test_list_of_nothing_says_how_to_begin(cli: Cli) -> None:
    done = cli("list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "omniclaude generate" in done.stderr
