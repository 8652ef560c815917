"""Limits, weights, states and windows that a prompt states in figures: what its contract can promise. Pure rules.

Only what is said is read; nothing is guessed. `95 % of requests within 200 ms` limits an operation to 200 ms,
`every 5 minutes` limits nothing.
"""

import re
from collections.abc import Iterable

from omniclaude_dagster.request.model import ContractHints, Transition
from omniclaude_dagster.request.understanding.states import states_and_transitions

_MAX_PROMPT_READ = 20_000
_UNIT_MS = {"ms": 1, "millisecond": 1, "msec": 1, "s": 1_000, "sec": 1_000, "second": 1_000, "min": 60_000,
            "minute": 60_000, "h": 3_600_000, "hour": 3_600_000, "day": 86_400_000}  # fmt: skip
_WORD_NUMBERS = {"one": 1, "a": 1, "an": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
                 "eight": 8, "nine": 9, "ten": 10, "once": 1, "twice": 2}  # fmt: skip
_NUMBER = r"(?P<number>\d{1,9}(?:[.,]\d{1,6})?|a|an|one|two|three|four|five|six|seven|eight|nine|ten)"
_DURATION = rf"{_NUMBER}[ -]?(?P<unit>ms|msecs?|milliseconds?|s|secs?|seconds?|mins?|minutes?|h|hours?|days?)\b"
_THINGS = (
    r"(?:requests?|operations?|ops|events?|messages?|records?|items?|rows?|calls?|orders?|transactions?|documents?|"
    r"calculations?|nodes?|updates?|users?|queries)"
)
_OPERATION_MAX = re.compile(
    rf"\b(?:within|under|below|less than|at most|no more than|not more than|faster than|max(?:imum)?(?: of)?|in under)"
    rf"\s+{_DURATION}(?!\s+(?:window|interval|ttl|cache))",
    re.IGNORECASE,
)
_TIMEOUT = re.compile(
    rf"\b(?:(?:time[- ]?outs?|times? out|deadline)\s+(?:is\s+|of\s+|after\s+|at\s+|:\s*)?{_DURATION}"
    rf"|{_DURATION.replace('<number>', '<number2>').replace('<unit>', '<unit2>')}[ -]time[- ]?out)",
    re.IGNORECASE,
)
_THROUGHPUT = re.compile(
    rf"(?P<limited>at most|no more than|max(?:imum)?(?: of)?|limit(?:ed)?(?: it)? to|rate[- ]limit\w*(?: \w+)?)?\s*"
    rf"\b{_NUMBER}(?P<kilo>k)?\s+{_THINGS}\s*(?:/|per|a|an|each|every)\s*(?P<unit>s|sec|second|min|minute|hour)\b",
    re.IGNORECASE,
)
_MEMORY = re.compile(
    r"\b(?P<number>\d{1,7}(?:\.\d{1,3})?)\s?(?P<unit>mb|mib|gb|gib|megabytes?|gigabytes?)\b(?P<after>[\w ]{0,12})",
    re.IGNORECASE,
)
_ATTEMPTS = re.compile(
    r"\b(?:retr(?:y|ies|ied|ying)|tr(?:y|ies|ied))\b[^.;\n]{0,30}?\b(?P<a>\d{1,3}|one|two|three|four|five|once|twice)\b"
    r"(?:\s+(?:times|attempts))?(?!\s*(?:ms|milli|s\b|sec|min|hour))"
    r"|\b(?P<b>\d{1,3}|one|two|three|four|five)\s+(?:retries|attempts|tries)\b",
    re.IGNORECASE,
)
_CACHE_TTL = re.compile(
    rf"\b(?:cach\w+|memoi[sz]\w+|ttl)\b[^.;\n]{{0,40}}?\b(?:for|of|ttl|=|:)?\s*{_DURATION}", re.IGNORECASE
)
_WINDOW = re.compile(
    rf"\b(?:{_DURATION}[ -](?:(?:tumbling|sliding|hopping|time)[ -])?(?:window|bucket|interval)s?"
    rf"|(?:window|bucket|interval)s? of {_DURATION.replace('<number>', '<number2>').replace('<unit>', '<unit2>')})",
    re.IGNORECASE,
)
# "counts clicks per minute" is a window, "100 requests per minute" a speed.
_PER = re.compile(r"(?<!\S)(?P<before>(?:[^\s\d]\S* +){0,2})per (?P<unit>second|minute|hour|day)\b", re.IGNORECASE)
_WEIGHT_THEN_NAME = re.compile(
    r"(?P<value>\d{1,3}(?:\.\d{1,6})?)\s?(?P<percent>%|percent)?\s+(?:weight\s+)?(?:for\s+|on\s+|of\s+|to\s+)?(?:the\s+)?"
    r"(?P<name>[a-z][a-z0-9_]{1,62})",
    re.IGNORECASE,
)
_NAME_THEN_WEIGHT = re.compile(
    r"(?P<name>[a-z][a-z0-9_]{1,62})\s*(?:\(|:|=|\bby\b|\bat\b|\bwith\b|\bweighs?\b)\s*(?:weight(?:ed)?\s*)?(?:of\s+)?"
    r"(?P<value>\d{1,3}(?:\.\d{1,6})?)\s?(?P<percent>%|percent)?",
    re.IGNORECASE,
)


def contract_hints(prompt: str) -> ContractHints:
    """Everything of this kind that the prompt says; weights need the names of fields: `weights_of`."""
    text = " ".join(prompt[:_MAX_PROMPT_READ].split())
    states, transitions = states_and_transitions(text)
    return ContractHints(
        operation_max_ms=_duration_ms(_OPERATION_MAX.search(text)),
        timeout_ms=_duration_ms(_TIMEOUT.search(text)),
        throughput_min_ops_per_second=_throughput(text),
        memory_limit_mb=_memory_mb(text),
        max_attempts=_attempts(text),
        cache_ttl_s=_seconds(_duration_ms(_CACHE_TTL.search(text))),
        window_ms=_window_ms(text),
        states=states,
        transitions=tuple(Transition(*t) for t in transitions),
    )


def _number(word: str) -> float:
    if not word[0].isdigit():
        return _WORD_NUMBERS[word.lower()]
    # "1,000" is a thousand; "1,5" is what a European writes for one and a half.
    whole, _, rest = word.partition(",")
    return float(whole + rest) if len(rest) == 3 else float(word.replace(",", "."))


def _unit_ms(unit: str) -> int:
    lower = unit.lower()
    return _UNIT_MS.get(lower) or _UNIT_MS[lower.removesuffix("s")]


def _duration_ms(found: re.Match[str] | None) -> int | None:
    if found is None:
        return None
    groups = found.groupdict()
    number, unit = (groups["number"], groups["unit"]) if groups["number"] else (groups["number2"], groups["unit2"])
    duration = int(_number(number) * _unit_ms(unit))
    return duration if duration > 0 else None


def _seconds(duration_ms: int | None) -> int | None:
    return max(1, duration_ms // 1_000) if duration_ms else None


def _throughput(text: str) -> float | None:
    for found in _THROUGHPUT.finditer(text):
        if found["limited"]:
            # A ceiling is no promise of speed.
            continue
        per_s = _number(found["number"]) * (1_000 if found["kilo"] else 1) * 1_000 / _unit_ms(found["unit"])
        if per_s > 0:
            return round(per_s, 6)
    return None


def _memory_mb(text: str) -> int | None:
    for found in _MEMORY.finditer(text):
        before = text[max(0, found.start() - 30) : found.start()].lower()
        if (
            "memory" not in before
            and "ram" not in before.split()
            and not re.search(r"memory|ram\b", found["after"], re.I)
        ):
            continue
        factor = 1_024 if found["unit"].lower().startswith("g") else 1
        return max(1, int(float(found["number"]) * factor))
    return None


def _attempts(text: str) -> int | None:
    found = _ATTEMPTS.search(text)
    if found is None:
        return None
    word = (found["a"] or found["b"]).lower()
    number = int(word) if word.isdigit() else _WORD_NUMBERS[word]
    # "retry twice" is three attempts; "three attempts" is three.
    is_repetition = found["a"] is not None or "retries" in found[0].lower()
    return min(10, number + 1 if is_repetition else number) or None


def _window_ms(text: str) -> int | None:
    found = _WINDOW.search(text)
    if found is not None:
        return _duration_ms(found)
    for per in _PER.finditer(text):
        if not re.search(r"\d\s*k?\s+\w*\s*$", text[: per.start("unit") - len("per ")][-25:]):
            return _unit_ms(per["unit"])
    return None


def weights_of(prompt: str, field_names: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """`(field, share)` for fields whose shares the prompt states; empty unless they sum to 1."""
    text, known = " ".join(prompt[:_MAX_PROMPT_READ].split()), frozenset(field_names)
    if "weight" not in text.lower() and "%" not in text:
        return ()
    for pattern in (_NAME_THEN_WEIGHT, _WEIGHT_THEN_NAME):
        shares: dict[str, float] = {}
        for found in pattern.finditer(text):
            name, value = found["name"].lower(), float(found["value"])
            if name in known:
                shares.setdefault(name, value / 100 if found["percent"] or value > 1 else value)
        if len(shares) > 1 and abs(sum(shares.values()) - 1) < 1e-6:
            return tuple(shares.items())
    return ()
