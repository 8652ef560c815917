"""The catalog's files: strict, and errors that name file, key and cure."""

from pathlib import Path

import pytest

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.providers.catalog import catalog_of, load_catalog
from omniclaude_dagster.providers.errors import UnknownModelError
from omniclaude_dagster.settings import project_data_path
from tests.support.model_gateways import model_entry

GOOD = """
name: acme-1
provider: openai_compatible
is_local: false
hosts: [https://api.example.com/v1]
remote_model: acme-1-latest
api_key_env: ACME_KEY
context_window: 8192
capabilities: [json_schema]
prices:
  - effective_date: 2025-01-01
    input_usd_per_million_tokens: "0.30"
    output_usd_per_million_tokens: "2.50"
"""


def _load(folder: Path, text: str) -> None:
    (folder / "acme.yaml").write_text(text, encoding="utf-8")
    load_catalog(folder)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(GOOD)
    entry = load_catalog(tmp_path).get("acme-1")
    assert entry.remote_model == "acme-1-latest"
    assert str(entry.prices[0].output_usd_per_million_tokens) == "2.50"
    assert entry.is_allowed_for("any stage")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("context_window: 8192", "context_window: many", "context_window"),
        ("context_window: 8192", "context_window: 8192\ncolour: red", "colour"),
        ("provider: openai_compatible", "provider: acme", "provider"),
        ('"0.30"', "0.30", "prices.0.input_usd_per_million_tokens"),
        ('"0.30"', '"-0.30"', "prices.0.input_usd_per_million_tokens"),
        ('"0.30"', '"1e9"', "prices.0.input_usd_per_million_tokens"),
        ("2025-01-01", "someday", "effective_date"),
        ("api_key_env: ACME_KEY", "api_key_env: sk-oops-i-pasted-the-key", "api_key_env"),
        ("name: acme-1", "name: 'a b'", "name"),
        ("name: acme-1", "name: acme-1\nname: acme-2", "given twice"),
        ("[json_schema]", "[telepathy]", "capabilities"),
        ("https://api.example.com/v1", "file:///etc/passwd", "scheme must be http"),
        ("https://api.example.com/v1", "http://api.example.com/v1", "https://"),
        ("https://api.example.com/v1", "https://me:secret@api.example.com/v1", "user name or password"),
        ("https://api.example.com/v1", "http://169.254.169.254/latest", "metadata"),
        ("https://api.example.com/v1", "https://a.example/v1, https://a.example/v1/", "twice"),
        ("[https://api.example.com/v1]", "[]", "at least one host"),
        ("is_local: false", "is_local: true", "not on a private network"),
        ('"0.30"', '"0"', None),
        ("is_local: false", "is_local: 'no'", "is_local"),
        ("remote_model: acme-1-latest\n", "", "remote_model"),
        ("name: acme-1", "source_file: other.yaml\nname: acme-1", "source_file"),
    ],
)
def test_a_wrong_file_is_refused_naming_file_and_key(tmp_path: Path, old: str, new: str, named: str | None) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new)
    if named is None:  # One direction may be free; see the test below for both.
        _load(tmp_path, text)
        return
    with pytest.raises(ConfigurationError) as caught:
        _load(tmp_path, text)
    assert "acme.yaml" in str(caught.value)
    assert named in str(caught.value)
    assert caught.value.cure
    assert "sk-oops" not in str(caught.value)


def test_a_free_cloud_model_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="0 is for models with is_local true"):
        _load(tmp_path, GOOD.replace('"0.30"', '"0"').replace('"2.50"', '"0.00"'))


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "a: [", "a: !!python/object/apply:os.system [ls]", "x: " + "y" * 70_000]
)
def test_what_is_no_catalog_entry_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"acme\.yaml"):
        _load(tmp_path, text)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigurationError, match=r"acme\.yaml"):
        load_catalog(tmp_path)


def test_two_files_for_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "two.yaml").write_text(GOOD)
    with pytest.raises(ConfigurationError, match=r"one\.yaml and again by two\.yaml"):
        load_catalog(tmp_path)


def test_two_prices_from_one_day_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="same effective_date"):
        _load(tmp_path, GOOD + GOOD[GOOD.index("  - effective") :])


def test_a_missing_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="OMNICLAUDE_MODEL_CONFIGS"):
        load_catalog(tmp_path / "nowhere")


def test_an_unknown_model_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match=r"'ghost'.*test-model"):
        catalog_of([model_entry()]).get("ghost")


def test_the_shipped_catalog_has_the_panel_and_a_price_or_free_for_every_model() -> None:
    catalog = load_catalog(project_data_path() / "model_configs")
    panel = {"gemini-2.5-flash", "codestral", "deepseek-coder-v2-lite", "llama-3.1-8b", "deepseek-coder-v2"}
    assert panel <= set(catalog.entries)
    assert all(entry.prices and all(p.source for p in entry.prices) for entry in catalog.entries.values())
    assert all(entry.prices[0].is_free for entry in catalog.entries.values() if entry.is_local)
    assert all(entry.api_key_env for entry in catalog.entries.values() if not entry.is_local)
    assert all(name == Path(entry.source_file).stem for name, entry in catalog.entries.items())
    assert {entry.provider for entry in catalog.entries.values()} == {"openai_compatible", "gemini", "anthropic"}
