"""Takes secrets out of every text that leaves this package: errors, records, logs. Nothing else passes here."""

import re
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "[redacted]"
_SHORTEST_SECRET = 4
_LONGEST_INPUT = 65_536

# What keys look like when we do not know their value: another tenant's, or a vendor's masked echo of ours.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), rf"\1 {REDACTED}"),
    (
        re.compile(
            r"(?i)([\"']?(?:x-api-key|x-goog-api-key|api[-_ ]?key|authorization|access[-_]?token|client[-_]?secret"
            r"|secret|password)[\"']?\s*(?:[:=]|provided:|is)\s*[\"']?)(?!\[redacted\])(?!(?:bearer|basic)\b)[^\s\"',;&}]+"
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"(?i)([?&](?:key|token|sig|signature)=)[^\s&\"'#]+"), rf"\1{REDACTED}"),
    (re.compile(r"(://)[^/\s:@]+:[^/\s@]*@"), rf"\1{REDACTED}@"),
    (re.compile(r"\b(?:sk|pk|rk|key|tok)-[A-Za-z0-9_*.\-]{8,}"), REDACTED),
    (re.compile(r"\bAIza[A-Za-z0-9_\-]{10,}"), REDACTED),
    (re.compile(r"\b(?:ghp|gho|ghs|github_pat|hf|xox[abprs]|glpat)[_-][A-Za-z0-9_\-]{8,}"), REDACTED),
    (re.compile(r"\bAKIA[A-Z0-9]{12,}"), REDACTED),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){1,2}"), REDACTED),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Redactor:
    """Knows the secrets in use; `clean` is safe to call from every thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for value in secrets for form in (value, quote(value, safe=""))}
        # Longest first, so that a key that contains another is taken out whole.
        self._secrets = sorted((f for f in forms if len(f) >= _SHORTEST_SECRET), key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"

    def clean(self, text: str, *, max_chars: int = 500) -> str:
        """One line without secrets or control characters, at most `max_chars` long.

        Shortened after redaction: a key cut in half would no longer be recognised.
        """
        text = self.without_secrets(text[:_LONGEST_INPUT])
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        text = _CONTROL.sub(" ", text).strip()
        return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"

    def without_secrets(self, text: str) -> str:
        """The text, every character of it kept but the secrets in use."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return text
