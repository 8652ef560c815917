"""Keeps the content of patterns that were offered lately: reading one from the store takes longer than finding it."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping

from omniclaude_dagster.patterns.model import PatternStore, StoredPattern

# Of code, contract and models together; the rest of a pattern is small beside them.
MAX_CHARS = 16 * 1024 * 1024


class ContentCache:
    """Patterns by id, the longest unused one out first. Safe for threads.

    What is kept is good as long as the pattern has the same revision: any change of any process gives it another.
    """

    def __init__(self, store: PatternStore, *, max_chars: int = MAX_CHARS) -> None:
        self._store = store
        self._max_chars = max_chars
        self._lock = threading.Lock()
        self._kept: OrderedDict[uuid.UUID, StoredPattern] = OrderedDict()
        self._chars = 0

    def get(self, wanted: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, StoredPattern]:
        """The patterns of these ids at these revisions or later; ids that are gone are left out.

        Raises RecordsUnavailableError.
        """
        with self._lock:
            found = {one: self._kept[one] for one, revision in wanted.items() if self._is_good(one, revision)}
            for one in found:
                self._kept.move_to_end(one)
        missing = [one for one in wanted if one not in found]
        for stored in self._store.patterns(missing) if missing else ():
            found[stored.pattern_id] = stored
            self._keep(stored)
        return found

    def _is_good(self, pattern_id: uuid.UUID, revision: int) -> bool:
        kept = self._kept.get(pattern_id)
        return kept is not None and kept.revision == revision

    def _keep(self, stored: StoredPattern) -> None:
        with self._lock:
            before = self._kept.pop(stored.pattern_id, None)
            self._chars += _chars(stored) - (_chars(before) if before else 0)
            self._kept[stored.pattern_id] = stored
            while self._chars > self._max_chars:
                _, dropped = self._kept.popitem(last=False)
                self._chars -= _chars(dropped)


def _chars(stored: StoredPattern) -> int:
    pattern = stored.pattern
    return 2_000 + len(pattern.code) + len(pattern.contract) + sum(map(len, pattern.models.values()))
