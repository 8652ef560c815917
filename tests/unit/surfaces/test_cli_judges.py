"""`omniclaude gates`, `models` and `doctor` where no sandbox and no network are needed."""

import importlib.metadata
from pathlib import Path

import pytest

from omniclaude_dagster.errors import SandboxUnavailableError
from omniclaude_dagster.gates.registry import FolderVerdict
from omniclaude_dagster.gates.report import GateResult, GateStatus
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxOutcome
from omniclaude_dagster.settings import Settings, load_settings
from omniclaude_dagster.surfaces.cli import doctor_checks
from omniclaude_dagster.surfaces.cli.doctor_checks import Check
from omniclaude_dagster.surfaces.cli.gates import exit_code_of
from tests.support.cli import objects_of
from tests.unit.surfaces.conftest import Cli


class FakeSandbox:
    """A sandbox that only says whether it works."""

    def __init__(self, reason: str | None) -> None:
        self._reason = reason

    def run(self, job: SandboxJob) -> SandboxOutcome:
        raise NotImplementedError

    def unavailable_reason(self) -> str | None:
        return self._reason

    def close(self) -> None:
        """Nothing is open."""


VERDICTS: list[tuple[list[GateStatus], str | None, int]] = [
    (["pass", "warn"], None, 0),
    (["pass", "fail"], None, 1),
    (["pass", "skipped"], None, 1),
    (["pass", "skipped"], "no bubblewrap", 3),
    (["fail", "skipped"], "no bubblewrap", 1),
]


@pytest.mark.parametrize(("statuses", "reason", "code"), VERDICTS)
def test_a_missing_sandbox_counts_only_where_no_gate_failed(
    statuses: list[GateStatus], reason: str | None, code: int
) -> None:
    gates = tuple(GateResult(f"G{i}", "compilation", True, status, "") for i, status in enumerate(statuses))
    verdict = FolderVerdict(gates, 0.5, {}, is_passed=not {"fail", "skipped"} & set(statuses))
    assert exit_code_of(verdict, FakeSandbox(reason)) == code


def test_a_folder_that_is_no_node_is_refused_before_it_is_read(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in (".", "file", "missing", "/"):
        done = cli("gates", name, "--json")
        assert (done.exit_code, done.stdout) == (2, ""), name
        assert done.stderr.startswith("error: ")


def test_models_are_listed_with_reasons_and_prices(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "tiny.yaml").write_text(
        "name: tiny\nprovider: openai_compatible\nis_local: true\nremote_model: tiny\ncontext_window: 2048\n"
        "hosts: ['http://127.0.0.1:9/v1']\n"
        "prices:\n  - {effective_date: 2024-01-01, input_usd_per_million_tokens: '0',"
        " output_usd_per_million_tokens: '0'}\n"
    )
    monkeypatch.setenv("OMNICLAUDE_MODEL_CONFIGS", str(folder))
    (models,) = objects_of(cli("models", "--json").stdout)
    (tiny,) = models
    assert (tiny["name"], tiny["is_local"], tiny["is_reachable"]) == ("tiny", True, False)
    assert tiny["hosts"] == ["http://127.0.0.1:9/v1"]
    assert tiny["reason"] != "ready"
    assert tiny["price_effective_date"] == "2024-01-01"
    shown = cli("models").stdout
    assert "not ready" in shown
    assert "http://127.0.0.1:9/v1" in shown


def test_a_broken_catalog_ends_with_2_and_names_the_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.yaml").write_text("name: [")
    monkeypatch.setenv("OMNICLAUDE_MODEL_CONFIGS", str(tmp_path))
    done = cli("models")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "broken.yaml" in done.stderr


DOCTORS = [
    ([Check("a", "ok", "x")], 0),
    ([Check("a", "ok", "x"), Check("b", "degraded", "x", "do this", is_optional=True)], 0),
    ([Check("a", "degraded", "x", "do this")], 3),
    ([Check("a", "failed", "x", "do this", is_optional=True)], 3),
]


@pytest.mark.parametrize(("checks", "code"), DOCTORS)
def test_doctor_fails_only_for_what_is_needed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, checks: list[Check], code: int
) -> None:
    monkeypatch.setattr(doctor_checks, "CHECKS", tuple((c.part, lambda _s, c=c: c) for c in checks))
    done = cli("doctor", "--json")
    (found,) = objects_of(done.stdout)
    assert done.exit_code == code
    assert found["is_well"] == (code == 0)
    assert [list(c) for c in found["checks"]] == [["part", "status", "detail", "cure", "is_optional"]] * len(checks)
    shown = cli("doctor").stdout
    assert all(check.cure in shown for check in checks)


def test_a_check_that_breaks_is_a_finding(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_settings: Settings) -> Check:
        raise ImportError("no module named x")

    def unavailable(_settings: Settings) -> Check:
        raise SandboxUnavailableError("no bubblewrap.", cure="install it")

    monkeypatch.setattr(doctor_checks, "CHECKS", (("a", breaks), ("b", unavailable)))
    done = cli("doctor", "--json")
    first, second = objects_of(done.stdout)[0]["checks"]
    assert (first["part"], first["status"], first["detail"]) == ("a", "failed", "ImportError: no module named x")
    assert (second["detail"], second["cure"]) == ("no bubblewrap.", "install it")
    assert done.exit_code == 3


def test_another_core_than_the_pinned_one_is_a_failure(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor_checks.check_core(load_settings()).status == "ok"
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "0.1.0")
    found = doctor_checks.check_core(load_settings())
    assert (found.status, found.cure) == ("failed", "run make setup")


def test_a_home_that_is_a_file_is_a_failure_with_a_cure(home: Path) -> None:
    assert doctor_checks.check_home(load_settings()).status == "ok"
    assert list(home.iterdir()) == []
    home.rmdir()
    home.write_text("")
    found = doctor_checks.check_home(load_settings())
    assert found.status == "failed"
    assert "OMNICLAUDE_HOME" in found.cure


def test_records_that_cannot_be_reached_are_a_failure(home: Path) -> None:
    assert doctor_checks.check_records(load_settings()).status == "ok"
    (home / "records.sqlite3").unlink()
    (home / "records.sqlite3").mkdir()
    found = doctor_checks.check_records(load_settings())
    assert found.status == "failed"
    assert "OMNICLAUDE_DATABASE_URL" in found.cure


def test_waiting_records_are_named_with_their_number(home: Path) -> None:
    (home / "spool").mkdir(parents=True)
    (home / "spool" / "00000000000000000001-x.json").write_text("{}")
    found = doctor_checks.check_records(load_settings())
    assert (found.status, found.is_optional) == ("degraded", True)
    assert "1 records wait" in found.detail


def test_without_any_model_the_state_is_degraded_and_harmless(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNICLAUDE_MODEL_CONFIGS", str(tmp_path))
    found = doctor_checks.check_models(load_settings())
    assert (found.status, found.is_harmless) == ("degraded", True)


def test_a_configured_host_that_does_not_answer_is_a_failure(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNICLAUDE_MODEL_CONFIGS", str(tmp_path))
    monkeypatch.setenv("OMNICLAUDE_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    found = doctor_checks.check_models(load_settings())
    assert found.status == "failed"
    assert "OMNICLAUDE_MODEL_BASE_URL" in found.cure


def test_templates_are_really_rendered(home: Path) -> None:
    found = doctor_checks.check_templates(load_settings())
    assert found.status == "ok"
    for kind in ("EFFECT", "COMPUTE", "REDUCER", "ORCHESTRATOR"):
        assert kind in found.detail
