"""Token buckets: so many at once, then so many a second. Bounded in memory, whoever asks. Knows no HTTP."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

_MAX_KEYS = 10_000


@dataclass
class _Bucket:
    level: float
    filled_at: float


class Buckets:
    """One bucket a key. Used from the event loop only, so it needs no lock.

    The key that was used longest ago is forgotten when there are too many: its bucket is the likeliest to be full.
    """

    def __init__(
        self, *, rate_per_s: float, burst: int, clock: Callable[[], float] = time.monotonic, max_keys: int = _MAX_KEYS
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._clock = clock
        self._max_keys = max_keys
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def take(self, key: Hashable) -> float:
        """Take one. 0.0 when there was one, else the seconds until there is."""
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            if len(self._buckets) > self._max_keys:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.level = min(self._burst, bucket.level + (now - bucket.filled_at) * self._rate_per_s)
        bucket.filled_at = now
        if bucket.level < 1:
            return (1 - bucket.level) / self._rate_per_s
        bucket.level -= 1
        return 0.0
