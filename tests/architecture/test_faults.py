"""FAULTS.md names a test for every fault in scope, and every named test exists."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IN_SCOPE = {*range(1, 34), 36, 37, 44, 45, 46, 60, 61, 62}
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    """Cells of every table row, without the headings."""
    lines = (ROOT / "tests/FAULTS.md").read_text(encoding="utf-8").splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if not set(row[0]) <= {"-"} and row[0] not in {"#", "input or fault"}]


@functools.cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def missing(text: str) -> list[str]:
    """Named tests that do not exist."""
    return [f"{path}::{name}" for path, name in _NAMED.findall(text) if name not in functions_of(path)]


def test_every_fault_in_scope_has_a_row() -> None:
    assert {int(row[0]) for row in rows() if row[0].isdigit()} == IN_SCOPE


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:30])
def test_every_row_names_tests_that_exist(row: list[str]) -> None:
    assert _NAMED.findall(row[-1]), f"{row[0]} names no test"
    assert missing(row[-1]) == []


def test_a_name_that_no_test_has_is_noticed() -> None:
    assert missing("`tests/architecture/test_faults.py::test_of_nothing` `tests/absent.py::test_x`") == [
        "tests/architecture/test_faults.py::test_of_nothing",
        "tests/absent.py::test_x",
    ]
