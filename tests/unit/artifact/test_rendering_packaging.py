"""What a node says of itself: one line about its generation, and a pyproject.toml that registers it."""

import tomllib
from dataclasses import replace

import pytest

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.node.blueprint import Logic
from omniclaude_dagster.node.bundle import NodeBundle
from tests.support.generated_nodes import blueprint_for

PROMPT = "COMPUTE node for pricing calculation"


def comments_of(bundle: NodeBundle, path: str) -> list[str]:
    return [line for line in bundle.files[path].decode().splitlines() if line.lstrip().startswith("#")]


@pytest.mark.parametrize("path", ["node.py", "logic.py"])
def test_one_line_names_request_and_versions(path: str) -> None:
    first = render_bundle(blueprint_for(PROMPT)).files[path].decode().splitlines()[0]
    assert first.startswith("# Generated from request test-request by omniclaude ")
    assert first.endswith(", omnibase-core 0.47.57.")


def test_no_other_comment_speaks_of_generation() -> None:
    bundle = render_bundle(blueprint_for(PROMPT))
    for path in bundle.python_files:
        assert [c for c in comments_of(bundle, path)[1:] if "enerat" in c] == []


def test_a_model_that_wrote_the_logic_is_named_and_cannot_break_the_line() -> None:
    blueprint = blueprint_for(PROMPT)
    logic = Logic("model", blueprint.logic.function, blueprint.logic.source, model='evil"\nimport os\n# x')
    text = render_bundle(blueprint.with_logic(logic)).files["logic.py"].decode()
    assert text.splitlines()[0].endswith("; logic by evil' import os # x.")
    assert "\nimport os" not in text


@pytest.mark.parametrize("description", ['says "hi" \\ and é 😀', "a\nb\x7f", "'''", '"""', "\\u0041 \\x"])
def test_the_package_is_described_whatever_the_request_says(description: str) -> None:
    bundle = render_bundle(replace(blueprint_for(PROMPT), description=description))
    document = tomllib.loads(bundle.files["pyproject.toml"].decode())
    assert document["project"]["name"] == bundle.package_name.replace("_", "-")
    assert document["project"]["description"]


def test_the_answers_file_is_the_request_as_it_can_be_given_again() -> None:
    bundle = render_bundle(blueprint_for(PROMPT, domain="shop", output_dir="somewhere"))
    text = bundle.files["request.json"].decode()
    assert '"domain": "shop"' in text
    assert "somewhere" not in text
