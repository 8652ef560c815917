"""Generates nodes from sentences without models, records or sandbox, and imports them into this process.

Only for nodes whose logic comes from our own templates: model-written code is never imported by a test.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.benchmark.node_mutants import rendering
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle


def blueprint_for(prompt: str, **more: Any) -> NodeBlueprint:
    """The complete blueprint of a sentence, with its topics."""
    return rendering.blueprint_for(prompt, request_id="test-request", **more)


def bundle_for(prompt: str, **more: Any) -> NodeBundle:
    """The rendered node of a sentence."""
    return render_bundle(blueprint_for(prompt, **more))


def write_bundle(bundle: NodeBundle, folder: Path) -> Path:
    """Write a bundle as plain files; the node's folder is returned."""
    root = folder / bundle.package_name
    for path, content in bundle.files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


@dataclass(frozen=True)
class ImportedNode:
    """An imported node: its modules by name, and its class."""

    blueprint: NodeBlueprint
    root: Path

    def module(self, name: str) -> ModuleType:
        """`logic`, `node`, `models`, `tests.support` ..."""
        return importlib.import_module(f"{self.blueprint.package_name}.{name}")

    @property
    def node_class(self) -> Any:
        """The node's class."""
        return getattr(self.module("node"), self.blueprint.class_name)

    def model(self, role: str) -> Any:
        """`Input`, `Output` or `Config`."""
        return getattr(self.module("models"), f"Model{self.blueprint.stem}{role}")


@contextmanager
def imported_node(folder: Path, prompt: str, **more: Any) -> Iterator[ImportedNode]:
    """Generate, write and import a node; its modules are forgotten afterwards."""
    blueprint = blueprint_for(prompt, **more)
    root = write_bundle(render_bundle(blueprint), folder)
    sys.path.insert(0, str(folder))
    try:
        yield ImportedNode(blueprint, root)
    finally:
        sys.path.remove(str(folder))
        for name in [n for n in sys.modules if n.split(".")[0] == blueprint.package_name]:
            del sys.modules[name]
