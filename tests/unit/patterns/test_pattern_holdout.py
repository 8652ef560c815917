"""The comparison group: as large as asked, the same every time, and chosen by nothing but the id."""

import subprocess
import sys
from itertools import pairwise

import pytest
from scipy.stats import binom

from omniclaude_dagster.patterns.holdout import is_held_out

IDS = [f"request-{number}" for number in range(100_000)]
# A right implementation fails one of these tests once in a million.
ALPHA = 1e-6


def is_plausible(count: int, total: int, share: float) -> bool:
    """Whether an exact binomial count lies where all but ALPHA of such counts lie."""
    low, high = binom.interval(1 - ALPHA, total, share)
    return bool(low <= count <= high)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.25, 0.5])
def test_the_group_is_as_large_as_asked(share: float) -> None:
    assert is_plausible(sum(is_held_out(one, share=share) for one in IDS), len(IDS), share)


def test_the_bound_would_see_a_group_that_is_a_tenth_too_large() -> None:
    assert not is_plausible(sum(is_held_out(one, share=0.11) for one in IDS), len(IDS), 0.1)


def test_a_share_of_nothing_holds_nothing_out_and_one_of_everything_all() -> None:
    assert not any(is_held_out(one, share=0.0) for one in IDS)
    assert all(is_held_out(one, share=1.0) for one in IDS)


def test_a_larger_share_only_moves_the_boundary() -> None:
    groups = [{one for one in IDS if is_held_out(one, share=share)} for share in (0.01, 0.05, 0.1, 0.5)]
    assert all(smaller < larger for smaller, larger in pairwise(groups))


@pytest.mark.parametrize("step", [1, 2, 7, 10])
def test_neighbours_are_independent(step: int) -> None:
    held = [is_held_out(one, share=0.1) for one in IDS]
    # Each id is in one pair only, so that the pairs are independent of each other too.
    first = [place for place in range(len(held) - step) if place // step % 2 == 0]
    both = sum(held[place] and held[place + step] for place in first)
    assert is_plausible(both, len(first), 0.01)


@pytest.mark.parametrize(
    "name",
    ["a", "a-postgresql-writer-{:08x}", "{:08x}", "orders.{}", "größe-{}"],
)
def test_the_form_of_the_ids_does_not_matter(name: str) -> None:
    held = sum(is_held_out(name.format(number) + f"-{number}", share=0.1) for number in range(20_000))
    assert is_plausible(held, 20_000, 0.1)


def test_another_process_with_another_hash_seed_chooses_the_same() -> None:
    code = (
        "from omniclaude_dagster.patterns.holdout import is_held_out;"
        "print(''.join(str(int(is_held_out(f'request-{n}', share=0.1))) for n in range(2000)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert done.stdout.strip() == "".join(str(int(is_held_out(one, share=0.1))) for one in IDS[:2000])


def test_an_id_that_is_no_valid_text_is_still_on_one_side() -> None:
    assert is_held_out("\udcff", share=1.0)
    assert not is_held_out("", share=0.0)
