"""Mutants are small, real, different and always the same."""

import ast

import pytest

from omniclaude_dagster.benchmark.mutants import mutants_of

SOURCE = '''
LIMIT = 10

def helper(x):
    return x + 1

def f(xs, top):
    """Sum what is below the top."""
    total = 0
    for i in range(len(xs)):
        if xs[i] < top and not xs[i] == 3:
            total += xs[i]
    return max(total, -1)
'''


def changes(source: str = SOURCE, *, count: int = 200) -> set[str]:
    return {m.change.partition(" in line ")[0] for m in mutants_of(source, "f", count=count)}


def test_every_kind_of_change_that_the_source_admits_is_made() -> None:
    assert changes() == {
        "operator swapped", "comparison swapped", "and for or", "constant one up", "constant one down",
        "sign or not dropped", "condition negated", "range one longer", "range one shorter", "arguments swapped",
        "statement dropped", "loop left after its first round", "early return",
    }  # fmt: skip


def test_each_mutant_parses_differs_from_the_original_and_from_the_others_in_the_function_alone() -> None:
    mutants = mutants_of(SOURCE, "f", count=200)
    assert len({m.source for m in mutants}) == len(mutants) > 20
    original = ast.parse(SOURCE)
    for mutant in mutants:
        changed = ast.parse(mutant.source)
        assert ast.dump(changed) != ast.dump(original)
        assert ast.dump(changed.body[0]) == ast.dump(original.body[0])
        assert ast.dump(changed.body[1]) == ast.dump(original.body[1])


def test_the_same_seed_gives_the_same_mutants_and_another_seed_others() -> None:
    assert mutants_of(SOURCE, "f", count=5, seed=1) == mutants_of(SOURCE, "f", count=5, seed=1)
    assert mutants_of(SOURCE, "f", count=5, seed=1) != mutants_of(SOURCE, "f", count=5, seed=2)


def test_few_mutants_are_of_different_kinds() -> None:
    few = mutants_of(SOURCE, "f", count=6)
    assert len({m.change.partition(" in line ")[0] for m in few}) == 6


def test_a_function_that_admits_no_change_has_no_mutants() -> None:
    assert mutants_of("def f(x):\n    return x\n", "f", count=5) == ()


def test_a_source_without_the_function_is_refused() -> None:
    with pytest.raises(ValueError, match="defines no function g"):
        mutants_of(SOURCE, "g", count=1)
    with pytest.raises(SyntaxError):
        mutants_of("def f(:", "f", count=1)
