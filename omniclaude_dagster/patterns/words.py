"""Which words of a text count, and in which form: what keywords are compared by, and what the built-in model embeds.

Not here: weighing words (`keywords.py`).
"""

import re
from functools import lru_cache

MAX_TEXT_CHARS = 8_000

_RUN = re.compile(r"[^\W_]+")
# The humps of CamelCase: an acronym before another hump, a word, an acronym, a number. Digits stay with what they
# follow: `s3`, `sha256`.
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")
# Written with humps, and yet one word. Their short forms are the same word.
_NAMES = frozenset(
    "postgresql mongodb rabbitmq elasticsearch opensearch dynamodb mysql sqlite nosql graphql fastapi openapi github"
    " gitlab javascript typescript youtube paypal oauth oauth2 ipv4 ipv6".split()
)
_SHORT_FORMS = {"postgres": "postgresql", "mongo": "mongodb", "elastic": "elasticsearch"}
_COMMON = frozenset(
    "a about all an and any are as at be been being by can could did do does done each either for from had has have"
    " he here how i if in into is it its me my no nor not of off on onto or our out over per she should so some such"
    " than that the their them then there these they this those to under up upon us using via was we were what when"
    " where whether which while who whom whose why will with would you your".split()
)
# What nearly every request says, and how nearly every field is called: it tells nothing about the task.
_REQUEST = frozenset(
    "add build builds called compute computes create creates creating data develop effect find finds function"
    " functions generate generates given implement implements input inputs make makes method must named need needs"
    " new node nodes orchestrator output outputs please program python reducer result results return returning"
    " returns take takes use used uses value values want write writes writing".split()
)
STOP_WORDS = _COMMON | _REQUEST


def words_of(text: str) -> list[str]:
    """The words that count, lower-case, in order: identifiers are split, common words are left out."""
    return [word for run in _RUN.findall(text[:MAX_TEXT_CHARS]) for word in _words(run)]


def terms_of(text: str) -> list[str]:
    """The same words without their plural endings."""
    return [term for run in _RUN.findall(text[:MAX_TEXT_CHARS]) for term in _terms(run)]


def singular(word: str) -> str:
    """The word without a plural ending.

    The S-stemmer (Harman, "How effective is suffixing?", JASIS 42, 1991), and one rule before its own: taxes, matches.
    """
    if len(word) <= 3 or not word.endswith("s"):
        return word
    if word.endswith(("xes", "sses", "shes", "tches")):
        return word[:-2]
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]


@lru_cache(maxsize=65_536)
def _words(run: str) -> tuple[str, ...]:
    lowered = run.lower()
    if lowered in _NAMES or not run.isascii() or run.islower():
        parts = [lowered]
    else:
        parts = [hump.lower() for hump in _HUMP.findall(run)]
    return tuple(_SHORT_FORMS.get(part, part) for part in parts if part not in STOP_WORDS)


@lru_cache(maxsize=65_536)
def _terms(run: str) -> tuple[str, ...]:
    return tuple(singular(word) for word in _words(run))
