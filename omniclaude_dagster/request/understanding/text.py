"""Cleaning and cutting a prompt into tokens: the only place that looks at single characters.

Every step is one pass over the text, so the time is linear in its length whatever it contains. A prompt is data:
nothing in it is ever interpreted as anything but words.
"""

import re
import unicodedata
from dataclasses import dataclass

from omniclaude_dagster.request.model import MAX_PROMPT_CHARS

_TOKEN = re.compile(
    r"https?://[^\s,;)\"'<>]+|->|=>|→|\b[eE]\.[gG]\.|\b[iI]\.[eE]\.|(?<!\w)/[\w./-]+|\w+(?:[-'.]\w+)*|[^\w\s]"
)
# Canonical ordering of combining marks is quadratic in a run of them; normalising slices keeps it linear.
_NORMALISED_SLICE_CHARS = 64
_SENTENCE_END = frozenset(".!?;")
# Typographic quotes and dashes to their ASCII forms.
_PLAIN_MARKS = str.maketrans(
    {0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2212: "-"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark. `line` counts lines from 0; `starts_line` also covers a token after a bullet mark."""

    text: str
    lower: str
    start: int
    end: int
    line: int
    is_word: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A cleaned prompt and its tokens; `joined` is the lower-case tokens between single spaces."""

    clean: str
    tokens: tuple[Token, ...]
    joined: str


def clean_prompt(prompt: str) -> str:
    """The prompt without control, formatting and unpaired surrogate characters; at most MAX_PROMPT_CHARS characters."""
    kept: list[str] = []
    for char in _normalised(prompt[:MAX_PROMPT_CHARS]):
        if char in "\n\t" or char == "\r":
            kept.append("\n" if char == "\r" else char)
            continue
        category = unicodedata.category(char)
        if category == "Cf":
            continue
        kept.append(" " if category[0] == "C" else char)
    return "".join(kept)[:MAX_PROMPT_CHARS].translate(_PLAIN_MARKS)


def _normalised(prompt: str) -> str:
    if prompt.isascii():
        return prompt
    starts = range(0, len(prompt), _NORMALISED_SLICE_CHARS)
    slices = (unicodedata.normalize("NFKC", prompt[i : i + _NORMALISED_SLICE_CHARS]) for i in starts)
    return "".join(slices)[:MAX_PROMPT_CHARS]


def read_text(prompt: str) -> Text:
    """Clean the prompt and cut it into tokens."""
    clean = clean_prompt(prompt)
    tokens: list[Token] = []
    line = 0
    position = 0
    for match in _TOKEN.finditer(clean):
        start, end = match.span()
        line += clean.count("\n", position, start)
        position = start
        word = match.group()
        tokens.append(Token(word, word.lower(), start, end, line, word[0].isalnum() or word[0] == "_"))
    return Text(clean, tuple(tokens), " " + " ".join(t.lower for t in tokens) + " ")


def ends_sentence(token: Token) -> bool:
    """Whether the token is a mark that ends a sentence."""
    return token.text in _SENTENCE_END


def describe(clean: str, *, limit_chars: int = 500) -> str:
    """The prompt as one tidy sentence or more, cut at a word, for READMEs and contracts."""
    line = " ".join(clean.split())
    if len(line) > limit_chars:
        line = line[:limit_chars].rsplit(" ", 1)[0].rstrip(",;:-") + " ..."
    return line[:1].upper() + line[1:]


def is_mostly_english(text: Text, *, known_words: frozenset[str]) -> bool:
    """Whether the words are Latin letters and, from six words on, some are English function words.

    A short prompt without any (`publish shipment events`) counts as English.
    """
    words = [t.lower for t in text.tokens[:400] if t.is_word]
    if not words:
        return False
    latin = sum(w.isascii() for w in words)
    if latin < 0.8 * len(words):
        return False
    if len(words) < 6:
        return True
    return sum(w in known_words for w in words) >= 0.12 * len(words)
