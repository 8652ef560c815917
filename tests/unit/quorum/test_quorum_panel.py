"""panel.yaml: read strictly, and resolved to what is configured."""

from pathlib import Path

import pytest

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.providers.catalog import load_catalog
from omniclaude_dagster.quorum.model import Panel, Thresholds
from omniclaude_dagster.quorum.panel import PANEL_FILE, build_panel, load_panel, resolved
from omniclaude_dagster.quorum.tally import tally
from omniclaude_dagster.settings import Settings, project_data_path

SHIPPED = project_data_path() / "model_configs"
CATALOG = load_catalog(SHIPPED)


def panel_from(tmp_path: Path, text: str, *, name: str = "default", has_own_host: bool = False) -> Panel:
    (tmp_path / PANEL_FILE).write_text(text, encoding="utf-8")
    return load_panel(tmp_path, name=name, catalog=CATALOG, has_own_host=has_own_host)


def one_seat(**keys: object) -> str:
    seat = {"name": "a", "model": "default", "weight": 1.0, **keys}
    return "panels: {default: {seats: [{" + ", ".join(f"{k}: {v}" for k, v in seat.items()) + "}]}}"


def test_the_shipped_panel_has_five_seats_with_the_weights_of_the_requirements() -> None:
    panel = load_panel(SHIPPED, catalog=CATALOG)
    assert {seat.name: seat.weight for seat in panel.seats} == {
        "gemini-flash": 1.0,
        "codestral": 1.5,
        "deepseek-lite": 2.0,
        "llama-3.1": 1.2,
        "deepseek-full": 1.8,
    }
    assert panel.total_weight == pytest.approx(7.5)
    assert panel.thresholds == Thresholds(apply=0.80, suggest=0.60, participation=0.60)


def test_no_two_seats_of_the_shipped_panel_name_the_same_model() -> None:
    models = [model for seat in load_panel(SHIPPED, catalog=CATALOG).seats for model in seat.models]
    assert len(set(models)) == len(models)


def test_the_settings_choose_the_panel_and_say_whether_there_is_a_host() -> None:
    local = build_panel(Settings(panel="local", model_base_url="http://127.0.0.1:9/v1"))
    assert [seat.models for seat in local.seats] == [("default",)]
    assert local.has_own_host
    assert not build_panel(Settings(model_base_url=None)).has_own_host


def test_an_unknown_panel_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no panel 'lokal'; it has default, local") as caught:
        load_panel(SHIPPED, name="lokal", catalog=CATALOG)
    assert "OMNICLAUDE_PANEL" in caught.value.cure


def test_a_seat_asks_its_model_and_then_its_fallbacks_in_order(tmp_path: Path) -> None:
    panel = panel_from(tmp_path, one_seat(model="codestral", fallbacks="[default, deepseek-chat]"))
    assert panel.seats[0].models == ("codestral", "default", "deepseek-chat")
    assert panel.thresholds == Thresholds()


def test_a_catalog_without_a_panel_has_one_that_can_approve_of_nothing(tmp_path: Path) -> None:
    panel = load_panel(tmp_path, catalog=CATALOG)
    assert panel.seats == ()
    verdict = tally((), panel)
    assert verdict.decision == "block"
    assert "panel.yaml" in verdict.reason
    with pytest.raises(ConfigurationError, match=r"panel\.yaml"):
        load_panel(tmp_path, name="mine", catalog=CATALOG)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (one_seat(model="gemini-9"), "panels.default.seats.0: gemini-9 is not in the model catalog"),
        (one_seat(fallbacks="[gemini-9]"), "gemini-9 is not in the model catalog"),
        (one_seat(fallbacks="[default]"), "names default twice"),
        (one_seat(weight=0), "panels.default.seats.0.weight"),
        (one_seat(weight=-1.5), "panels.default.seats.0.weight"),
        (one_seat(weight=".nan"), "panels.default.seats.0.weight"),
        (one_seat(weight=".inf"), "panels.default.seats.0.weight"),
        (one_seat(weight="'1'"), "panels.default.seats.0.weight"),
        (one_seat(weight="true"), "panels.default.seats.0.weight"),
        (one_seat(name="'A b'"), "panels.default.seats.0.name"),
        (one_seat(colour="red"), "panels.default.seats.0.colour: Extra inputs"),
        ("panels: {default: {seats: []}}", "panels.default.seats"),
        ("panels: {default: {}}", "panels.default.seats: Field required"),
        ("panels: {other: {seats: []}}", "panels.other.seats"),
        ("panels: {}", "there is no panel 'default'; it has none"),
        ("seats: []", "panels: Field required"),
        ("- a", "holds no mapping"),
        ("panels: {}\npanels: {}", "given twice"),
        ("panels: {", "cannot be read"),
        (one_seat()[:-2] + ", thresholds: {apply: 0.5, suggest: 0.6}}}", "suggest is above apply"),
        (one_seat()[:-2] + ", thresholds: {apply: 1.2}}}", "panels.default.thresholds.apply"),
        (one_seat()[:-2] + ", thresholds: {participation: 0}}}", "panels.default.thresholds.participation"),
        (
            "panels: {default: {seats: [{name: a, model: default, weight: 1}, {name: a, model: default, weight: 1}]}}",
            "panels.default.seats: names a twice",
        ),
    ],
)
def test_a_wrong_file_is_refused_by_key_and_with_a_cure(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        panel_from(tmp_path, text)
    assert problem in caught.value.message
    assert str(tmp_path / PANEL_FILE) in caught.value.message
    assert caught.value.cure


def test_resolving_leaves_out_what_is_not_configured_and_says_why(tmp_path: Path) -> None:
    panel = panel_from(tmp_path, one_seat(model="gemini-2.5-flash", fallbacks="[default, qwen2.5-coder-7b, codestral]"))
    (seat,) = resolved(panel, usable=("codestral", "another")).seats
    assert seat.models == ("codestral",)
    assert seat.skipped == (
        "gemini-2.5-flash is left out: no key, no price in force, or not meant for this stage",
        "default is left out: OMNICLAUDE_MODEL_BASE_URL is not set",
        "qwen2.5-coder-7b is left out: no host",
    )


def test_an_own_host_may_serve_the_default_and_what_lives_on_no_host(tmp_path: Path) -> None:
    panel = panel_from(tmp_path, one_seat(fallbacks="[qwen2.5-coder-7b, codestral]"), has_own_host=True)
    # The host has been asked already, so that its model goes by its own name among the candidates.
    (seat,) = resolved(panel, usable=("qwen2.5-coder-1.5b",)).seats
    assert seat.models == ("default", "qwen2.5-coder-7b")


def test_a_resolved_panel_stays_what_it_is(tmp_path: Path) -> None:
    once = resolved(panel_from(tmp_path, one_seat(), has_own_host=True), usable=())
    assert resolved(once, usable=()) is once
