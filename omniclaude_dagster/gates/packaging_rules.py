"""What a node's pyproject.toml may say: what the package is, nothing that runs or configures a tool.

Building a package executes its build backend, and tools read their settings from this file, so both are fixed.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from omniclaude_dagster.gates.source import Finding

PYPROJECT = "pyproject.toml"
_BUILD = {"requires": ["hatchling>=1.27"], "build-backend": "hatchling.build"}
_PROJECT_KEYS = frozenset(
    {
        "name",
        "version",
        "description",
        "readme",
        "requires-python",
        "dependencies",
        "entry-points",
        "license",
        "authors",
    }
)
_WHEEL_KEYS = frozenset({"include", "exclude", "sources"})
_NODES_GROUP = "onex.nodes"


def pyproject_findings(content: bytes) -> Iterator[Finding]:
    """Everything in the file that a node may not have there."""
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        yield Finding(PYPROJECT, 0, f"cannot be read: {str(exc)[:100]}")
        return
    for problem in _problems(document):
        yield Finding(PYPROJECT, 0, problem)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    for table in sorted(document.keys() - {"build-system", "project", "tool"}):
        yield f"has a table {table[:60]!r}, which a node does not need"
    if document.get("build-system") != _BUILD:
        yield "is built by something else than plain hatchling"
    project = document.get("project")
    project = project if isinstance(project, dict) else {}
    for key in sorted(project.keys() - _PROJECT_KEYS):
        yield f"sets project.{key[:60]}, which a node does not need"
    groups = project.get("entry-points", {})
    if not isinstance(groups, dict) or groups.keys() - {_NODES_GROUP}:
        yield f"registers entry points outside the group {_NODES_GROUP}"
    dependencies = project.get("dependencies", [])
    if not isinstance(dependencies, list) or any(not isinstance(d, str) or "@" in d for d in dependencies):
        yield "has a dependency that is not a name with a version"
    tool = document.get("tool", {})
    hatch = tool.get("hatch") if isinstance(tool, dict) else None
    if tool and (tool.keys() != {"hatch"} or not _is_plain_wheel(hatch)):
        yield "configures tools; only the contents of the wheel may be set"


def _is_plain_wheel(hatch: object) -> bool:
    """`[tool.hatch.build.targets.wheel]` with its contents, and nothing beside it: hatch can run hooks of all kinds."""
    inside = hatch
    for key in ("build", "targets", "wheel"):
        if not isinstance(inside, dict) or inside.keys() != {key}:
            return False
        inside = inside[key]
    return isinstance(inside, dict) and inside.keys() <= _WHEEL_KEYS
