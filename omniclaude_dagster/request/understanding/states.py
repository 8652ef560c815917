"""States and transitions that a prompt spells out: `pending -> paid -> shipped`, `from draft to published on approve`.

Only a notation that means states is read; `from the queue to the database` names none.
"""

import re
from itertools import pairwise

_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,40}"
_ARROW = r"\s*(?:->|→|=>|⇒|-->)\s*"
_WHEN = rf"(?:\s+(?:on|when|upon|after)\s+(?:an?\s+|the\s+)?(?P<trigger>{_NAME}))?"
_CHAIN = re.compile(rf"(?P<names>{_NAME}(?:{_ARROW}{_NAME}){{1,15}}){_WHEN}", re.IGNORECASE)
_ABOUT_STATES = re.compile(
    r"\b(?:states?|status(?:es)?|state machine|fsm|transitions?|lifecycle|life cycle)\b", re.IGNORECASE
)
# A reducer's arrows mean states, too, where there are several: `new -> paid -> shipped`.
_REDUCER = re.compile(r"\breducer\b", re.IGNORECASE)
_LIST = re.compile(
    rf"\b(?:states?|status(?:es)?)(?:\s+(?:are|of|include[s]?|being))?\s*[:(]?\s*"
    rf"(?P<names>{_NAME}(?:\s*(?:,\s*and\b|,|/|\band\b|\bor\b)\s*{_NAME}){{1,15}})",
    re.IGNORECASE,
)
_STEP = re.compile(
    rf"\bfrom\s+(?P<from>{_NAME})\s+to\s+(?P<to>{_NAME}(?:\s+to\s+{_NAME}){{0,10}}){_WHEN}", re.IGNORECASE
)
_NO_STATES = frozenset(
    "a an the and or to from of in on with by is are it its each every for that which then than per node int str float "
    "bool list dict none".split()
)
MAX_STATES = 20


def states_and_transitions(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    """`(states in the order of their mention, (from, to, trigger) for each transition)`; both empty when none is said.

    A trigger that is not named is called after the state it leads to: `paid` -> `to_paid`.
    """
    is_about_states = _ABOUT_STATES.search(text) is not None
    if not is_about_states and not _REDUCER.search(text):
        return (), ()
    transitions: dict[tuple[str, str], str] = {}
    states: dict[str, None] = {}
    for names, trigger in (*_chains(text), *(_worded_steps(text) if is_about_states else ())):
        for first, second in pairwise(names):
            if first != second:
                transitions.setdefault((first, second), trigger or f"to_{second}")
        states.update(dict.fromkeys(names))
    if not is_about_states and len(transitions) < 2:
        return (), ()
    if not transitions:
        listed = _listed(text)
        # A list alone says in which order its states follow one another.
        transitions = {(a, b): f"to_{b}" for a, b in pairwise(listed)}
        states = dict.fromkeys(listed)
    if not 2 <= len(states) <= MAX_STATES:
        return (), ()
    return tuple(states), tuple((a, b, trigger) for (a, b), trigger in transitions.items())


def _chains(text: str) -> list[tuple[list[str], str | None]]:
    """States between arrows; what is said to happen after them (`open -> closed on resolve`) moves a single step."""
    found: list[tuple[list[str], str | None]] = []
    for chain in _CHAIN.finditer(text):
        names = [_state(n) for n in re.split(_ARROW, chain["names"])]
        found.append((names, _trigger(chain) if len(names) == 2 else None))
    return [(names, trigger) for names, trigger in found if not _NO_STATES.intersection(names)]


def _worded_steps(text: str) -> list[tuple[list[str], str | None]]:
    found: list[tuple[list[str], str | None]] = []
    for step in _STEP.finditer(text):
        names = [_state(n) for n in (step["from"], *re.split(r"\s+to\s+", step["to"], flags=re.IGNORECASE))]
        found.append((names, _trigger(step)))
    return [(names, trigger) for names, trigger in found if not _NO_STATES.intersection(names)]


def _trigger(step: re.Match[str]) -> str | None:
    return _state(step["trigger"]) if step["trigger"] else None


def _listed(text: str) -> list[str]:
    found = _LIST.search(text)
    if found is None:
        return []
    names = [_state(n) for n in re.split(r"\s*(?:,\s*and\b|,|/|\band\b|\bor\b)\s*", found["names"]) if n]
    return [] if _NO_STATES.intersection(names) else list(dict.fromkeys(names))


def _state(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
