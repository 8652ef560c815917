"""What the gates look at: a request before generation, a node afterwards. Holds no rules.

What several gates need of one node (its syntax trees, the sandbox's answers) is computed once, on first use.
"""

import ast
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from omniclaude_dagster.gates.source import ParsedBundle, parse_bundle
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import Example, GenerationRequest, Mode, NodeKind, ParsedRequest
from omniclaude_dagster.sandbox.model import Sandbox

SUPPORT_FILE = "tests/support.py"

T = TypeVar("T")
TemplateLookup = Callable[[NodeKind, tuple[str, ...]], bool]


@dataclass(frozen=True)
class PreGenerationContext:
    """What G1 to G8 judge: a request and what was understood of it.

    `has_templates(kind, systems)` answers whether a template set exists. `required_imports` are the `(module,
    symbol)` pairs the node will import; they come from our own table. `probe_writable(directory)` returns why the
    directory cannot be written, or None.
    """

    parsed: ParsedRequest
    request: GenerationRequest
    output_dir: Path
    has_templates: TemplateLookup
    required_imports: Collection[tuple[str, str]]
    probe_writable: Callable[[Path], str | None]


class OnceStore:
    """Computes each value once, also when several threads ask for it at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._values: dict[str, Any] = {}

    def once(self, key: str, compute: Callable[[], T]) -> T:
        """The value of `key`, computed by the first caller; the others wait for it."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._values:
                self._values[key] = compute()
            return cast(T, self._values[key])

    def known(self, key: str) -> Any:
        """The value of `key` if it has been computed, else None."""
        return self._values.get(key)


@dataclass(frozen=True)
class NodeContext:
    """What G9 to G14, G-SEC and G-EXEC judge: one bundle.

    `kind` and `class_name` are discovered from node.py when they are not given. `samples` are inputs to process
    beside those of `examples`; when both are empty, one is made from the input model. `support_module` names the
    module that supplies stand-ins for what the node talks to (default: the node's own `tests/support.py`, where it
    has one). `execution_limit_s` bounds the processing of all inputs together, wall clock and processor.
    `is_as_generated`: the bundle was rendered a moment ago and nobody can have edited it, so its manifest must be true
    of every byte.
    """

    bundle: NodeBundle
    sandbox: Sandbox
    mode: Mode = Mode.BALANCED
    kind: NodeKind | None = None
    class_name: str | None = None
    examples: tuple[Example, ...] = ()
    samples: tuple[dict[str, Any], ...] = ()
    support_module: str | None = None
    execution_limit_s: float = 20.0
    is_as_generated: bool = False
    shared: OnceStore = field(default_factory=OnceStore, compare=False, repr=False)

    @property
    def package(self) -> str:
        """Name of the package folder."""
        return self.bundle.package_name

    @property
    def parsed(self) -> ParsedBundle:
        """Syntax trees and YAML documents of the bundle."""
        return self.shared.once("parsed", lambda: parse_bundle(self.bundle))

    @property
    def node_kind(self) -> NodeKind | None:
        """The kind given, or else the one that the package's and the class's names end with."""
        return self.kind or self.shared.once("kind", self._discovered_kind)

    @property
    def node_class(self) -> str | None:
        """The class given, or else the one class in node.py named `Node*<Kind>`."""
        return self.class_name or self.shared.once("class", self._discovered_class)

    @property
    def support(self) -> str | None:
        """Dotted name of the module with stand-ins, as the sandbox imports it."""
        if self.support_module:
            return self.support_module
        return f"{self.package}.tests.support" if SUPPORT_FILE in self.bundle.files else None

    @property
    def contract(self) -> Any:
        """The parsed contract.yaml, or None."""
        return self.parsed.documents.get("contract.yaml")

    @cached_property
    def folder_files(self) -> dict[str, bytes]:
        """The bundle's files as a sandbox job wants them: below a folder named like the package."""
        return {f"{self.package}/{path}": content for path, content in self.bundle.files.items()}

    def _discovered_class(self) -> str | None:
        source = self.parsed.python.get("node.py")
        classes = [n.name for n in source.tree.body if isinstance(n, ast.ClassDef)] if source else []
        named = [c for c in classes if c.startswith("Node") and _kind_at_end(c)]
        return named[0] if len(named) == 1 else None

    def _discovered_kind(self) -> NodeKind | None:
        return _kind_at_end(self.node_class or "") or _kind_at_end(self.package.replace("_", " ").title())


def _kind_at_end(name: str) -> NodeKind | None:
    return next((kind for kind in NodeKind if name.endswith(kind.value.capitalize())), None)
