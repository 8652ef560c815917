"""YAML by libyaml: the same text as PyYAML's own, and the same data back."""

from typing import Any

import pytest
import yaml

from omniclaude_dagster.node.documents import yaml_data, yaml_text


@pytest.mark.parametrize(
    "document",
    [
        {"b": 1, "a": {"major": 1, "minor": 0}},
        {"text": "x" * 300, "words": "a b " * 80, "quoted": "yes", "colon": "a: b", "umlaut": "Größe"},
        {"list": [1, 2.5, None, True, {"deep": [[], {}]}], "multi": "one\ntwo\n", "empty": ""},
        [],
    ],
)
def test_the_text_is_that_of_pyyaml_and_reads_back_as_it_was(document: Any) -> None:
    text = yaml_text(document)
    assert text == yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    assert yaml_data(text) == document


def test_emoji_read_back_too() -> None:
    assert yaml_data(yaml_text({"emoji": "🙂"})) == {"emoji": "🙂"}


def test_objects_are_neither_written_nor_made() -> None:
    with pytest.raises(yaml.YAMLError):
        yaml_text({"a": object()})
    with pytest.raises(yaml.YAMLError):
        yaml_data("a: !!python/object/apply:os.getcwd []")
