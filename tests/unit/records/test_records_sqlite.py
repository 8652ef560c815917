"""What is particular to the default database, a SQLite file, and to database addresses."""

import sqlite3
import threading

import pytest

from omniclaude_dagster.errors import ConfigurationError, RecordsUnavailableError
from omniclaude_dagster.records.engine import Redactor, parse_url
from omniclaude_dagster.records.repository import RecordsStore
from tests.support.generation_records import make_record


@pytest.fixture
def file(tmp_path):
    return tmp_path / "home" / "records.sqlite3"


@pytest.fixture
def store(file, tmp_path):
    store = RecordsStore(f"sqlite:///{file}", tmp_path / "spool", busy_timeout_s=0.3)
    yield store
    store.close()


def request_ids(file):
    connection = sqlite3.connect(file)
    try:
        return [r[0] for r in connection.execute("SELECT request_id FROM generations ORDER BY finished_at")]
    finally:
        connection.close()


def test_the_folder_and_the_file_are_made_and_the_file_is_in_wal_mode(store, file):
    store.migrate()
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_foreign_keys_are_enforced(store):
    from sqlalchemy import text
    from sqlalchemy.exc import IntegrityError

    store.migrate()
    with store.database.engine.connect() as connection, pytest.raises(IntegrityError, match="FOREIGN KEY"):
        connection.execute(
            text(
                "INSERT INTO gate_results (id, correlation_id, ordinal, gate, phase, is_blocking, status, message, "
                "duration_ms, timestamp) VALUES ('a', 'nobody', 0, 'G1', 'prompt', 1, 'pass', '', 0, '2026-01-01')"
            )
        )


def test_a_file_locked_too_long_makes_records_wait_and_they_go_in_later(store, file):
    store.write(make_record(0))
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    store.write(make_record(1))
    assert store.health().is_connected is False
    assert store.health().spooled_count == 1
    blocker.execute("ROLLBACK")
    blocker.close()
    store.write(make_record(2))
    assert request_ids(file) == ["request-0", "request-1", "request-2"]


def test_a_file_locked_for_a_moment_is_waited_for(file, tmp_path):
    store = RecordsStore(f"sqlite:///{file}", tmp_path / "spool", busy_timeout_s=10)
    store.write(make_record(0))
    blocker = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.1, blocker.execute, args=("ROLLBACK",))
    release.start()
    store.write(make_record(1))
    release.join()
    blocker.close()
    assert store.health().spooled_count == 0
    store.close()
    assert request_ids(file) == ["request-0", "request-1"]


def test_a_file_deleted_mid_run_is_made_again_and_not_written_into_the_void(store, file):
    store.write(make_record(0))
    for path in file.parent.iterdir():
        path.unlink()
    store.write(make_record(1))
    assert request_ids(file) == ["request-1"]


def test_a_file_that_is_no_database_is_left_as_it_is_and_records_wait(store, file):
    file.parent.mkdir()
    file.write_bytes(b"these are my holiday photographs" * 100)
    store.write(make_record(0))
    assert store.health().spooled_count == 1
    assert "not a database" in store.health().message
    assert file.read_bytes().startswith(b"these are my holiday")


def test_a_folder_that_cannot_be_made_makes_records_wait(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = RecordsStore(f"sqlite:///{tmp_path}/file/sub/records.sqlite3", tmp_path / "spool")
    store.write(make_record(0))
    assert store.health().spooled_count == 1
    with pytest.raises(RecordsUnavailableError, match="Cure"):
        store.migrate()
    store.close()


def test_a_spool_that_cannot_be_read_does_not_stop_a_write(store, file, tmp_path):
    (tmp_path / "spool" / "00000000000000000001-x.json").mkdir(parents=True)
    store.write(make_record(0))
    assert request_ids(file) == ["request-0"]
    assert store.health().spooled_count == 1


def test_a_spooled_correction_is_newer_than_what_the_database_holds(store, file):
    store.write(make_record(0, result={"request_id": "same"}))
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    store.write(make_record(1, result={"request_id": "same"}))
    assert store.latest("same").correlation_id == make_record(1).result.correlation_id
    blocker.close()


@pytest.mark.parametrize(
    "text", ["", "nonsense", "mysql://u:secretword@h/d", "sqlite://", "postgresql://u:secretword@h:notaport/d"]
)
def test_an_unusable_address_is_refused_without_being_printed(text, tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        RecordsStore(text, tmp_path)
    assert "secretword" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_common_spelling_of_a_postgresql_address_gives_the_same_driver(scheme):
    url = parse_url(f"{scheme}://u:p%40ss@/db?host=/run/pg")
    assert url.drivername == "postgresql+psycopg2"
    assert (url.password, url.query["host"]) == ("p@ss", "/run/pg")


def test_a_password_is_taken_out_however_it_is_spelled():
    redact = Redactor(parse_url("postgresql://u:p%40s%20s@h/d"))
    assert redact("p@s s, p%40s%20s and p%40s+s") == "***, *** and ***"
    assert Redactor(parse_url("postgresql://u@h/d"))("nothing to hide") == "nothing to hide"
