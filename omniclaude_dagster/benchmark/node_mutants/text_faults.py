"""Files that are not what they look like: text that is no Python, bytes that deceive, files that hook into tools."""

from pathlib import Path

from omniclaude_dagster.benchmark.node_mutants.editing import appended, at_start, both, removed, replaced, written
from omniclaude_dagster.benchmark.node_mutants.model import READER, Fault
from omniclaude_dagster.node.bundle import MAX_FILE_BYTES

COMPUTE = ("golden-compute", "pricing")
_DEEP = "X = " + "[" * 250 + "1" + "]" * 250 + "\n"
_DEEP_TREE = "x = " + "-" * 500 + "1\n"
_BOMB = 'a: &a ["x", "x"]\nb: &b [*a, *a]\nc: [*b, *b]\n'

SYNTAX = (
    Fault("syntax error", "an assignment without a target", "G9", COMPUTE, appended("node.py", "\n\nresult = = 1\n")),
    Fault(
        "bracket left open",
        "the last bracket is missing",
        "G9",
        ("golden-effect", "vat"),
        appended("node.py", "\n\nVALUES = (1, 2\n"),
    ),
    Fault(
        "wrong indentation",
        "a statement stands two columns too far right",
        "G9",
        ("golden-reducer", "files"),
        at_start("first = 1\n  second = 2"),
    ),
    Fault(
        "Markdown fence",
        "a model's answer was pasted with its fence",
        "G9",
        ("pricing",),
        replaced("logic.py", r"\A", "```python\n"),
    ),
    Fault(
        "truncated",
        "the file ends in the middle of a statement",
        "G9",
        ("golden-compute", "sums"),
        replaced("node.py", r"processing_time_ms=.*\Z", "processing_time_"),
    ),
    Fault("Python 2", "a print statement", "G9", ("pricing",), at_start('print "x"')),
    Fault("empty node", "node.py is empty", "G9", ("golden-orchestrator",), written("node.py", "")),
    Fault("node missing", "there is no node.py", "G9", ("flow",), removed("node.py")),
    Fault(
        "broken YAML",
        "the contract is no YAML",
        "G9",
        ("golden-effect", "http"),
        replaced("contract.yaml", r"\Aname: ", "name: ["),
    ),
    Fault(
        "key twice",
        "a contract key occurs twice; the later silently wins",
        "G9",
        ("rows",),
        appended("contract.yaml", "description: another\n"),
    ),
    Fault("YAML bomb", "anchors that multiply", "G9", ("golden-compute",), appended("contract.yaml", _BOMB)),
)

BYTES = (
    Fault(
        "utf-7 cookie",
        "a coding cookie makes Python read other text than people",
        "G9",
        COMPUTE,
        replaced("node.py", r"\A", "# coding: utf-7\n"),
    ),
    Fault("NUL byte", "a NUL byte in a source file", "G9", ("golden-compute", "vat"), appended("__init__.py", "\0\n")),
    Fault(
        "bidi mark",
        "a comment that reads backwards and hides code",
        "G9",
        ("golden-effect", "pricing"),
        at_start("flag = 1  # \u202e } \u2066if is_admin\u2069 \u2066"),
    ),
    Fault("bidi name", "a name with a direction mark", "G9", ("vat",), at_start('names = {"us\u200fer": 1}')),
    Fault(
        "homoglyph",
        "a name with a Cyrillic letter that looks Latin",
        "G9",
        ("golden-reducer", "pricing"),
        at_start("r\u0430te = 1"),
    ),
    Fault("not UTF-8", "bytes that are no UTF-8", "G9", ("sums",), written("helper.py", b"X = '\xff'\n")),
    Fault(
        "byte order mark",
        "UTF-16 with its mark",
        "G9",
        ("golden-compute",),
        written("helper.py", "X = 1\n".encode("utf-16")),
    ),
    Fault("deep source", "brackets nested 250 deep", "G9", ("pricing",), appended("logic.py", _DEEP)),
    Fault(
        "deep tree", "an expression whose tree is 500 deep", "G9", ("golden-effect",), appended("node.py", _DEEP_TREE)
    ),
    Fault(
        "huge file",
        "a source file over the limit",
        "G9",
        ("vat",),
        written("table.py", "X = 1\n" * (MAX_FILE_BYTES // 6 + 1)),
    ),
)


def _link(folder: Path) -> None:
    (folder / "notes.txt").symlink_to("/etc/hostname")


def _link_folder(folder: Path) -> None:
    (folder / "data").symlink_to("/etc")


def _large(folder: Path) -> None:
    (folder / "dump.json").write_bytes(b" " * (MAX_FILE_BYTES + 1))


def _hidden(folder: Path) -> None:
    (folder / ".env").write_text("TOKEN=1\n")


FILES = (
    Fault(
        "conftest",
        "a conftest.py that changes how tests are judged",
        "G-SEC",
        ("golden-compute", "pricing"),
        written("tests/conftest.py", "def pytest_collection_modifyitems(items):\n    items.clear()\n"),
    ),
    Fault(
        "mypy.ini",
        "settings that turn the type checker off",
        "G-SEC",
        ("golden-effect", "files"),
        written("mypy.ini", "[mypy]\nignore_errors = True\n"),
    ),
    Fault(
        "pyproject plugin",
        "a pyproject.toml that loads a plugin of the type checker",
        "G-SEC",
        ("sums",),
        written("pyproject.toml", '[tool.mypy]\nplugins = ["./evil.py"]\n'),
    ),
    Fault(
        "sitecustomize",
        "a module that Python imports by itself at its start",
        "G-SEC",
        ("golden-reducer", "vat"),
        written("sitecustomize.py", "X = 1\n"),
    ),
    Fault(
        "pth file",
        "a .pth file, whose lines Python executes at its start",
        "G-SEC",
        ("flow",),
        written("hook.pth", "import os\n"),
    ),
    Fault("native library", "a compiled library", "G-SEC", ("golden-compute",), written("fast.so", b"\x7fELF")),
    Fault(
        "ruff.toml",
        "settings that turn the linter off",
        "G-SEC",
        ("http",),
        written("ruff.toml", 'lint.ignore = ["ALL"]\n'),
    ),
    Fault("symbolic link", "a link out of the folder", READER, ("golden-compute", "pricing"), both(), on_disk=_link),
    Fault("linked folder", "a folder that is a link out", READER, ("vat",), both(), on_disk=_link_folder),
    Fault("large data", "a data file over the limit", READER, ("sums",), both(), on_disk=_large),
    Fault(
        "hidden file", "a file with secrets that no listing shows", READER, ("golden-effect",), both(), on_disk=_hidden
    ),
)
