"""chains.yaml: read strictly, and resolved to what is configured."""

from pathlib import Path

import pytest

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.providers.catalog import Catalog, load_catalog
from omniclaude_dagster.providers.chains import CHAINS_FILE, Chains, load_chains
from omniclaude_dagster.settings import project_data_path

SHIPPED = project_data_path() / "model_configs"
CATALOG = load_catalog(SHIPPED)


def chains_of(tmp_path: Path, text: str, *, has_own_host: bool = False) -> Chains:
    (tmp_path / CHAINS_FILE).write_text(text, encoding="utf-8")
    return load_chains(tmp_path, catalog=CATALOG, has_own_host=has_own_host)


def problem_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        chains_of(tmp_path, text)
    assert str(tmp_path / CHAINS_FILE) in caught.value.message
    assert caught.value.cure
    return str(caught.value)


def test_the_shipped_file_is_valid_and_is_no_model() -> None:
    chains = load_chains(SHIPPED, catalog=CATALOG)
    assert chains.for_stage("business_logic").tries_per_model == 3
    assert "local" in chains.named
    assert CATALOG.find("chains") is None


def test_without_a_file_every_stage_asks_the_cheapest_first(tmp_path: Path) -> None:
    chains = load_chains(tmp_path, catalog=CATALOG)
    resolved = chains.resolve("business_logic", usable=("a", "b", "c", "d"))
    assert (resolved.models, resolved.tries_per_model, resolved.skipped) == (("a", "b", "c"), 3, ())


LISTED = "chains: {mine: {models: [default, qwen2.5-coder-7b, gemini-2.5-flash], tries_per_model: 2}}"


def test_a_listed_chain_keeps_its_order_and_names_what_is_left_out(tmp_path: Path) -> None:
    chains = chains_of(tmp_path, LISTED).choosing("mine")
    resolved = chains.resolve("business_logic", usable=("other", "gemini-2.5-flash"))
    assert (resolved.models, resolved.tries_per_model) == (("gemini-2.5-flash",), 2)
    assert "default is left out: OMNICLAUDE_MODEL_BASE_URL is not set" in resolved.skipped
    assert "qwen2.5-coder-7b is left out: no host" in resolved.skipped


def test_a_model_without_its_key_is_left_out(tmp_path: Path) -> None:
    (skipped,) = chains_of(tmp_path, LISTED, has_own_host=True).choosing("mine").resolve("s", usable=()).skipped
    assert "gemini-2.5-flash is left out: no key" in skipped


def test_the_own_host_may_serve_what_lives_on_no_host(tmp_path: Path) -> None:
    chains = chains_of(tmp_path, LISTED, has_own_host=True).choosing("mine")
    assert chains.resolve("business_logic", usable=("default",)).models == ("default", "qwen2.5-coder-7b")


def test_a_stage_has_its_own_chain_and_the_others_the_default_one(tmp_path: Path) -> None:
    text = "default: {models: cheapest first, max_models: 1}\nstages: {business_logic: {models: [gemini-2.5-flash]}}"
    chains = chains_of(tmp_path, text)
    usable = ("a", "gemini-2.5-flash")
    assert chains.resolve("business_logic", usable=usable).models == ("gemini-2.5-flash",)
    assert chains.resolve("prompt_parsing", usable=usable).models == ("a",)


def test_a_chosen_chain_holds_for_every_stage_and_one_model_is_a_chain_of_one() -> None:
    chains = load_chains(SHIPPED, catalog=CATALOG)
    assert chains.choosing("one-shot").for_stage("prompt_parsing") == chains.named["one-shot"]
    # Whether anybody serves it is found out by asking: it is not left out.
    assert chains.only("anything-at-all").resolve("business_logic", usable=()).models == ("anything-at-all",)


def test_an_unknown_chain_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match="local"):
        load_chains(SHIPPED, catalog=CATALOG).choosing("lokal")
    with pytest.raises(ConfigurationError, match="it has none"):
        Chains().choosing("x")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("chains: {a: {models: [gemini-9]}}", "chains.a.models: gemini-9 is not in the model catalog"),
        ("stages: {business_logic: {models: [nope]}}", "stages.business_logic.models: nope"),
        ("default: {models: []}", "default.models"),
        ("chains: {a: {models: [gemini-2.5-flash, gemini-2.5-flash]}}", "twice"),
        ("chains: {a: {models: dearest first}}", "chains.a.models"),
        ("chains: {a: {}}", "chains.a.models: Field required"),
        ("chains: {a: {models: cheapest first, tries: 3}}", "chains.a.tries"),
        ("chains: {a: {models: cheapest first, tries_per_model: 0}}", "chains.a.tries_per_model"),
        ("chains: {a: {models: cheapest first, tries_per_model: '3'}}", "chains.a.tries_per_model"),
        ("chains: {a: {models: cheapest first, max_models: 99}}", "chains.a.max_models"),
        ("chains: {'A b': {models: cheapest first}}", "chains"),
        ("stages: {buisness_logic: {models: cheapest first}}", "stages.buisness_logic"),
        ("chain: {}", "chain: Extra inputs"),
        ("- a\n- b", "holds no mapping"),
        ("default: {models: cheapest first}\ndefault: {models: cheapest first}", "given twice"),
        ("default: {models: [", "cannot be read"),
        ("x: " + "a" * 70_000, "larger than"),
    ],
)
def test_a_wrong_file_is_refused_by_key_and_with_a_cure(text: str, problem: str, tmp_path: Path) -> None:
    assert problem in problem_of(tmp_path, text)


def test_a_catalog_that_is_not_ours_is_what_counts(tmp_path: Path) -> None:
    (tmp_path / CHAINS_FILE).write_text("chains: {a: {models: [gemini-2.5-flash]}}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not in the model catalog"):
        load_chains(tmp_path, catalog=Catalog(entries={}))
