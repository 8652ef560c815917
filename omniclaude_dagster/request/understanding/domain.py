"""Which domain a node belongs to: said outright, or from the words of the prompt; `general` otherwise."""

import re
from dataclasses import dataclass

from omniclaude_dagster.request.understanding.lexicon import camel_parts
from omniclaude_dagster.request.understanding.text import Text
from omniclaude_dagster.request.understanding.words import DOMAINS

DEFAULT_DOMAIN = "general"
DOMAIN_PATTERN = re.compile(r"\A[a-z][a-z0-9_]{0,62}\Z")
_LABELLED = re.compile(r"\bdomain\s{0,4}(?::|=|is)\s{0,4}[\"'`]?([^\n.;,)\"'`]{1,80})", re.IGNORECASE)
_IN_DOMAIN = re.compile(
    r"\b(?:in|for|within|of|from|to)\s{1,4}(?:the|our|a|an)?\s{0,4}[\"'`]?"
    r"([\w-]{1,40}(?: [\w-]{1,40})?)[\"'`]?\s{1,4}domain\b",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\(\s{0,4}([\w-]{1,40}(?: [\w-]{1,40})?)\s{1,4}domain\s{0,4}\)", re.IGNORECASE)
_NOT_A_DOMAIN = frozenset({"the", "a", "an", "our", "this", "that", "its", "my", "your"})
_CUT_AT = re.compile(r"\s(?:-|that|which|should|and should|with|node)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DomainFinding:
    """The domain and whether the person said it."""

    domain: str
    is_said: bool


def find_domain(text: Text, *, name: str | None = None) -> DomainFinding:
    """The domain of a prompt; `name` adds its words as evidence."""
    for pattern in (_LABELLED, _BRACKETED, _IN_DOMAIN):
        match = pattern.search(text.clean)
        slug = domain_slug(_CUT_AT.split(match[1])[0]) if match else None
        if slug:
            return DomainFinding(slug, is_said=True)
    return DomainFinding(_domain_from_words(text, name), is_said=False)


def domain_slug(words: str) -> str | None:
    """`Data Services` -> `data_services`, or None when nothing usable is left."""
    parts = [p for p in re.split(r"[^a-z0-9]+", words.strip().lower()) if p]
    while parts and parts[0] in _NOT_A_DOMAIN:
        parts.pop(0)
    slug = "_".join(parts)[:63].rstrip("_")
    return slug if DOMAIN_PATTERN.match(slug) else None


def _domain_from_words(text: Text, name: str | None) -> str:
    seen = [t.lower for t in text.tokens[:200] if t.is_word] + (camel_parts(name) if name else [])
    lookup = {word: domain for domain, listed in DOMAINS.items() for word in listed}
    scores: dict[str, float] = {}
    for position, word in enumerate(seen):
        domain = lookup.get(word)
        if domain is not None:
            scores[domain] = scores.get(domain, 0.0) + 1.0 / (1 + position / 20)
    order = list(DOMAINS)
    return max(scores, key=lambda d: (round(scores[d], 6), -order.index(d))) if scores else DEFAULT_DOMAIN
