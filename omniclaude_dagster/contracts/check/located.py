"""A YAML text as data that remembers where each value stands. Knows nothing of contracts.

The text is untrusted: no tags are built, its size, depth and number of values are bounded, aliases are counted.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_TEXT_BYTES = 1_000_000
MAX_VALUES = 50_000
_MAX_DEPTH = 60

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, what, and what to do. Lines and columns count from 1."""

    line: int
    column: int
    path: str
    message: str
    cure: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object that `contract check --json` prints."""
        return dict(vars(self))


@dataclass
class Located:
    """The data, the position of every value by its path, and what is wrong with the text itself."""

    data: Any = None
    positions: dict[Path, tuple[int, int]] = field(default_factory=dict)
    scalars: dict[Path, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def position(self, path: Path) -> tuple[int, int]:
        """Line and column of the value, or of the nearest one around it."""
        while path not in self.positions and path:
            path = path[:-1]
        return self.positions.get(path, (1, 1))

    def path_of_value(self, value: str, *, below: Path) -> Path | None:
        """Path of the first value below `below` that is written like `value`."""
        return next((p for p, text in self.scalars.items() if text == value and p[: len(below)] == below), None)


class _TooMuchError(Exception):
    """The text holds more than a contract can need."""


def locate(content: bytes) -> Located:
    """Read YAML (or JSON, which is YAML). Whatever is wrong with the text is among the findings."""
    located = Located()
    if len(content) > MAX_TEXT_BYTES:
        located.findings.append(Finding(1, 1, "", f"the file is larger than {MAX_TEXT_BYTES // 1000} kB"))
        return located
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
        if root is None:
            located.findings.append(Finding(1, 1, "", "the file is empty", "write a contract, or name another file"))
            return located
        located.data = _Reader(located).value(root, ())
    except UnicodeDecodeError as exc:
        located.findings.append(Finding(1, 1, "", f"not UTF-8 text (byte {exc.start})", "save the file as UTF-8"))
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        located.findings.append(
            Finding(line, column, "", f"not YAML: {exc.problem or exc.context}", "correct this line")
        )
    except (yaml.YAMLError, ValueError) as exc:
        located.findings.append(Finding(1, 1, "", f"not YAML: {str(exc)[:200]}"))
    except (_TooMuchError, RecursionError):
        located.findings.append(Finding(1, 1, "", "the file is nested too deeply, or its aliases grow too large"))
    return located


class _Reader:
    def __init__(self, located: Located) -> None:
        self._located = located
        self._values = 0
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The data of a node; its position is kept."""
        self._values += 1
        if self._values > MAX_VALUES or len(path) > _MAX_DEPTH:
            raise _TooMuchError
        self._located.positions.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        self._located.scalars[path] = node.value
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self._add(node, path, f"the tag {node.tag} is not allowed", "remove it")
            return str(node.value)
        return self._scalars.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._add(key_node, path, "a key must be plain text", "write `name: value`")
                continue
            key = str(key_node.value)
            if key in found:
                self._add(key_node, (*path, key), f"{key} stands here twice; only the last would count", "remove one")
            mark = key_node.start_mark
            self._located.positions[(*path, key)] = (mark.line + 1, mark.column + 1)
            found[key] = self.value(value_node, (*path, key))
        return found

    def _add(self, node: yaml.Node, path: Path, message: str, cure: str) -> None:
        mark = node.start_mark
        self._located.findings.append(Finding(mark.line + 1, mark.column + 1, dotted(path), message, cure))


def dotted(path: Path) -> str:
    """`("states", 0, "name")` -> `states[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
