"""A node's pyproject.toml says what the package is; whatever runs or configures a tool is refused."""

import tomllib

import pytest

from omniclaude_dagster.gates.packaging_rules import pyproject_findings
from tests.support.generated_nodes import bundle_for

OURS = bundle_for("EFFECT node for PostgreSQL writes").files["pyproject.toml"]


def found(text: bytes) -> list[str]:
    return [finding.message for finding in pyproject_findings(text)]


def test_ours_registers_the_node_and_is_accepted() -> None:
    document = tomllib.loads(OURS.decode())
    ((name, target),) = document["project"]["entry-points"]["onex.nodes"].items()
    assert target.startswith(f"{name}.node:Node")
    assert "omnibase-core==0.47.57" in document["project"]["dependencies"]
    assert found(OURS) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (b"[tool.pytest.ini_options]\naddopts = '-p evil'\n", "configures tools"),
        (b"[tool.mypy]\nplugins = ['evil']\n", "configures tools"),
        (b"[tool.hatch.build.hooks.custom]\npath = 'evil.py'\n", "configures tools"),
        (b"[tool.hatch.metadata.hooks.custom]\n", "configures tools"),
        (b"[project.scripts]\nls = 'evil:main'\n", "sets project.scripts"),
        (b"[project.entry-points.pytest11]\nevil = 'evil'\n", "entry points outside"),
        (b"[dependency-groups]\ndev = []\n", "has a table"),
        (b"not toml", "cannot be read"),
        (b"\xff", "cannot be read"),
    ],
)
def test_what_runs_or_configures_is_refused(change: bytes, message: str) -> None:
    assert any(message in line for line in found(OURS + b"\n" + change))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"hatchling.build", b"evil", "something else than plain hatchling"),
        (b'"hatchling>=1.27"', b'"hatchling>=1.27", "evil"', "something else than plain hatchling"),
        (b"omnibase-core==0.47.57", b"core @ https://evil.example/x.whl", "dependency"),
    ],
)
def test_another_builder_or_source_is_refused(old: bytes, new: bytes, message: str) -> None:
    assert old in OURS
    assert any(message in line for line in found(OURS.replace(old, new)))
