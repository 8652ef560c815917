"""Syntax trees back to text, without the doubled parentheses of `ast.unparse`."""

import ast

import pytest

from omniclaude_dagster.artifact.unparsing import unparsed


@pytest.mark.parametrize(
    "source",
    [
        "x = sum(n * 2 for n in y)",
        "x = max(sum(a for a in b) for b in any(c for c in d))",
        "x = f('ä😀', (a for a in b))",
        "x = f((a for a in b), key=1)",
        "x = 'ä😀' + ''.join('ß' for a in b) + str((1, 2))",
        "x = (a for a in b)",
        "def f(x):\n    return {1: all(n for n in x)}\n\n\ny = g(z)(a for a in b)",
    ],
)
def test_text_is_what_a_person_writes_and_means_the_same(source: str) -> None:
    assert unparsed(ast.parse(source).body) == source


def test_statements_stand_apart() -> None:
    assert unparsed(ast.parse("a = 1\nb = 2").body) == "a = 1\n\n\nb = 2"
