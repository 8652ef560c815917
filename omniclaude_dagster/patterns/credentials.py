"""Finds obvious credentials in a pattern, so that none leaves the library in a file or comes in with one.

Looks for what is unmistakable: the keys in use here, the forms of well-known vendors' keys, private keys, addresses
with a password, and a literal beside a name like `password`. Words that only talk about passwords are no credentials;
placeholders are none either. Says which kind was found and where, never the value.
"""

import json
import re
from collections.abc import Iterator

from omniclaude_dagster.patterns.model import Pattern
from omniclaude_dagster.providers.redaction import Redactor

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----")),
    ("an access key of AWS", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("a key of Google", re.compile(r"\bAIza[A-Za-z0-9_\-]{30,}")),
    ("a token of GitHub", re.compile(r"\b(?:gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})")),
    ("a token of GitLab", re.compile(r"\bglpat-[A-Za-z0-9_\-]{16,}")),
    ("a token of Slack", re.compile(r"\bxox[abprs]-[A-Za-z0-9\-]{10,}")),
    ("a token of Hugging Face", re.compile(r"\bhf_[A-Za-z0-9]{20,}")),
    ("a key of a model provider", re.compile(r"\bsk-(?=[A-Za-z0-9_\-]*\d)[A-Za-z0-9_\-]{20,}")),
    ("a signed token", re.compile(r"\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}")),
    ("an authorization header", re.compile(r"(?i)\bbearer\s+(?=[A-Za-z0-9._~+/\-]*\d)[A-Za-z0-9._~+/\-]{20,}")),
    (
        "an address with a password",
        re.compile(r"://[^/\s:@\"']+:(?!(?:password|passwd|pass|pw|secret|changeme)@)[^/\s@{}<>$*%\"'\[\]]{3,}@"),
    ),
    (
        "a literal password",
        re.compile(
            r"(?i)(?:password|passwd|secret|api_?key|(?:access|auth)_?(?:key|token))[\"']?\s*(?::\s*str\s*)?[:=]\s*"
            r"[\"'](?=[^\"'\s]*\d)(?=[^\"'\s]*[a-z])[^\"'\s{}<>$%]{8,}[\"']"
        ),
    ),
)


def credential_in(pattern: Pattern, *, redactor: Redactor) -> str | None:
    """`a token of GitHub in the code`, or None. `redactor` knows the keys in use here."""
    for place, text in _texts(pattern):
        if redactor.without_secrets(text) != text:
            return f"a key that is in use here in the {place}"
        for form, regex in _FORMS:
            if regex.search(text):
                return f"{form} in the {place}"
    return None


def _texts(pattern: Pattern) -> Iterator[tuple[str, str]]:
    yield "code", pattern.code
    yield "description", pattern.description
    yield "contract", pattern.contract
    for path, text in pattern.models.items():
        yield f"model file {path[:80]}", text
    yield "request", _as_text(pattern.request)
    yield "examples", _as_text(pattern.examples)
    rest = (pattern.name, pattern.domain, pattern.request_id, *pattern.systems, *pattern.reuse_conditions)
    yield "names and conditions", "\n".join(rest)


def _as_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
