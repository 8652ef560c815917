"""Looking words up: inflections, British spelling and typing errors lead to the rows of `verbs.py` and `words.py`.

The tables are indexed once, on first use. A typing error is forgiven only in words of seven letters or more, and only
a missing, doubled or swapped letter: a replaced letter too often makes another word (`manager`, `manages`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.understanding import words
from omniclaude_dagster.request.understanding.verbs import PHRASAL_VERBS, VERB_ROWS

Form = Literal["base", "s", "ing", "ed", "noun", "doer"]
_LETTER_TO_KIND = {kind.value[0]: kind for kind in NodeKind}
_VOWELS = "aeiou"
_MIN_TYPO_LENGTH = 7
_MAX_TYPO_LENGTH = 20
_CAMEL_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DOUBLING = frozenset("get put log stop map plan ship strip trim drop run set split sum cut tag scan chat diff".split())


@dataclass(frozen=True, slots=True)
class Verb:
    """A row of the verb table; `weights` is evidence for each kind."""

    lemma: str
    doer: str
    weights: Mapping[NodeKind, float]


@dataclass(frozen=True, slots=True)
class VerbForm:
    """A word as a form of a verb; a word may have several (`writes`: s and noun)."""

    verb: Verb
    forms: frozenset[Form]


def _third_person(lemma: str) -> str:
    if lemma.endswith(("s", "x", "z", "ch", "sh", "o")):
        return lemma + "es"
    if lemma.endswith("y") and lemma[-2] not in _VOWELS:
        return lemma[:-1] + "ies"
    return lemma + "s"


def _with_ending(lemma: str, ending: Literal["ing", "ed"]) -> str:
    if lemma in _DOUBLING:
        return lemma + lemma[-1] + ending
    if lemma.endswith("e") and not lemma.endswith("ee"):
        return lemma[:-1] + ending
    if ending == "ed" and lemma.endswith("y") and lemma[-2] not in _VOWELS:
        return lemma[:-1] + "ied"
    return lemma + ending


def _parsed_row(row: str) -> tuple[Verb, tuple[str, ...], tuple[str, ...]]:
    cells = [cell.strip() for cell in row.split("|")] + ["", ""]
    weights = {_LETTER_TO_KIND[w[0]]: int(w[1:]) / 2 for w in cells[2].split() if w[1:] != "0"}
    return Verb(cells[0], cells[1], weights), tuple(cells[3].split()), tuple(cells[4].split())


@lru_cache(maxsize=1)
def _verb_index() -> dict[str, VerbForm]:
    collected: dict[str, tuple[Verb, set[Form]]] = {}

    def add(word: str, verb: Verb, form: Form) -> None:
        known = collected.setdefault(word, (verb, set()))
        if known[0] is verb:
            known[1].add(form)

    parsed = [_parsed_row(row) for row in VERB_ROWS.strip().splitlines() if row.strip()]
    for verb, irregular, nouns in parsed:
        add(verb.lemma, verb, "base")
        add(_third_person(verb.lemma), verb, "s")
        add(_with_ending(verb.lemma, "ing"), verb, "ing")
        add(_with_ending(verb.lemma, "ed"), verb, "ed")
        for word in irregular:
            add(word, verb, "s" if word.endswith("s") else "ing" if word.endswith("ing") else "ed")
        for word in nouns:
            add(word, verb, "noun")
    for verb, _, _ in parsed:
        add(verb.doer.lower(), verb, "doer")
    return {word: VerbForm(verb, frozenset(forms)) for word, (verb, forms) in collected.items()}


def _american(word: str) -> str:
    for british, american in (("isation", "ization"), ("ising", "izing"), ("ised", "ized"), ("ises", "izes")):
        if word.endswith(british):
            return word[: -len(british)] + american
    return word[:-3] + "ize" if word.endswith("ise") else word


def _deletions(word: str) -> set[str]:
    return {word[:i] + word[i + 1 :] for i in range(len(word))}


@lru_cache(maxsize=1)
def _typo_index() -> dict[str, tuple[str, ...]]:
    collected: dict[str, list[str]] = {}
    targets = [w for w in _verb_index() if len(w) >= _MIN_TYPO_LENGTH]
    targets += [w for w in _single_word_systems() if len(w) >= _MIN_TYPO_LENGTH]
    for target in targets:
        for key in {target, *_deletions(target)}:
            collected.setdefault(key, []).append(target)
    return {key: tuple(found) for key, found in collected.items()}


def _is_one_slip(typed: str, meant: str) -> bool:
    if typed[0] != meant[0]:
        return False
    if len(typed) == len(meant):
        return sorted(typed) == sorted(meant) and sum(a != b for a, b in zip(typed, meant, strict=True)) == 2
    return abs(len(typed) - len(meant)) == 1


@lru_cache(maxsize=4096)
def corrected(word: str) -> str:
    """The table's word that `word` (lower case) is one slip away from, or `word` itself."""
    if not _MIN_TYPO_LENGTH <= len(word) <= _MAX_TYPO_LENGTH or not word.isalpha() or not word.isascii():
        return word
    if word in _verb_index() or word in _plain_words():
        return word
    index = _typo_index()
    for key in (word, *sorted(_deletions(word))):
        for target in index.get(key, ()):
            if _is_one_slip(word, target):
                return target
    return word


@lru_cache(maxsize=4096)
def verb_form(word: str) -> VerbForm | None:
    """The verb that `word` (lower case) is a form of."""
    index = _verb_index()
    found = index.get(word) or index.get(_american(word))
    if found is None and len(word) >= _MIN_TYPO_LENGTH:
        found = index.get(corrected(word))
    return found


@lru_cache(maxsize=256)
def phrasal_verb(lemma: str, particle: str) -> Verb | None:
    """The verb that `lemma` and `particle` mean together (`work`, `out` -> calculate)."""
    meant = PHRASAL_VERBS.get((lemma, particle))
    found = _verb_index().get(meant) if meant else None
    return found.verb if found else None


@lru_cache(maxsize=1)
def _plain_words() -> frozenset[str]:
    """Known words that are right as they stand: the typing-error rule leaves them alone."""
    tables = [words.SYSTEMS, words.DOMAINS, words.FEATURES]
    listed = {w for table in tables for phrases in table.values() for phrase in phrases for w in phrase.split()}
    return frozenset(listed | words.STOP_WORDS | words.FILLERS | words.GENERIC_NOUNS | words.PRODUCT_WORDS)


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    """Words by which English is recognised."""
    return words.STOP_WORDS | words.GENERIC_NOUNS | words.CREATE_VERBS | frozenset(_verb_index())


@lru_cache(maxsize=1)
def _single_word_systems() -> dict[str, str]:
    return {w: name for name, phrases in words.SYSTEMS.items() for w in phrases if " " not in w}


@lru_cache(maxsize=1)
def system_phrases() -> dict[str, str]:
    """Phrases of two words that mean an external system."""
    return {w: name for name, phrases in words.SYSTEMS.items() for w in phrases if " " in w}


def system_of(word: str) -> str | None:
    """The external system that `word` (lower case) names by itself."""
    table = _single_word_systems()
    return table.get(word) or table.get(corrected(word))


def camel_parts(name: str) -> list[str]:
    """`PostgresCRUD` -> ["postgres", "crud"]."""
    return [part.lower() for part in _CAMEL_PART.findall(name)]


def has_inner_capital(word: str) -> bool:
    """Whether `word` looks like an identifier: `UserWriter`, `RestAPI`, `User2ServiceV3`, but not `SMTP` or `Email`."""
    if not word[:1].isupper() or not word.isascii() or not word.isalnum():
        return False
    return any(c.isupper() for c in word[1:]) and any(c.islower() for c in word)


def is_name_like(word: str) -> bool:
    """An identifier that is not the name of a product, a format or an acronym in the plural (`APIs`)."""
    lower = word.lower()
    if not has_inner_capital(word) or lower in words.PRODUCT_WORDS or system_of(lower) is not None:
        return False
    return not (word.endswith("s") and word[:-1].isupper())


def singular(word: str) -> str:
    """The singular of a lower-case noun, as far as an ending tells."""
    if word in words.UNCOUNTABLE_S or not word.endswith("s") or word.endswith(("ss", "us", "is")) or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "zes")):
        return word[:-2]
    return word[:-1]
