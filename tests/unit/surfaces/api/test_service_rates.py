"""Token buckets: a burst, then a steady rate, and memory that does not grow with the number of callers."""

from omniclaude_dagster.surfaces.api.rates import Buckets


class Clock:
    """Stands until a test moves it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_the_wait_is_told() -> None:
    clock = Clock()
    buckets = Buckets(rate_per_s=2, burst=3, clock=clock)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == 0.5
    clock.now += 0.25
    assert buckets.take("a") == 0.25


def test_a_bucket_fills_again_at_its_rate_and_never_beyond_its_size() -> None:
    clock = Clock()
    buckets = Buckets(rate_per_s=2, burst=2, clock=clock)
    assert [buckets.take("a") for _ in range(2)] == [0, 0]
    clock.now += 3600
    assert [buckets.take("a") > 0 for _ in range(3)] == [False, False, True]


def test_callers_do_not_empty_each_others_buckets() -> None:
    buckets = Buckets(rate_per_s=1, burst=1, clock=Clock())
    assert buckets.take("a") == 0
    assert buckets.take("b") == 0
    assert buckets.take("a") > 0


def test_the_caller_of_longest_ago_is_forgotten_when_there_are_too_many() -> None:
    buckets = Buckets(rate_per_s=1, burst=1, clock=Clock(), max_keys=2)
    for key in ("a", "b"):
        buckets.take(key)
    assert buckets.take("a") > 0
    buckets.take("c")
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0
