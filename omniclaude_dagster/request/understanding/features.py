"""Qualities a prompt asks for beside the main job: retry, transaction, caching, ..."""

from omniclaude_dagster.request.understanding.text import Text
from omniclaude_dagster.request.understanding.words import FEATURES

_NEGATIONS = ("no ", "not ", "without ", "never ")


def wanted_features(text: Text) -> tuple[str, ...]:
    """Feature names in the order of `words.FEATURES`; a negated phrase (`no caching`) does not count."""
    return tuple(name for name, phrases in FEATURES.items() if any(_is_wanted(text.joined, p) for p in phrases))


def _is_wanted(joined: str, phrase: str) -> bool:
    position = joined.find(f" {phrase} ")
    if position < 0:
        return False
    return not joined[max(0, position - 8) : position + 1].endswith(_NEGATIONS)
