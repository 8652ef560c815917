"""The name a person gave: `called X`, `Name: X`, `EFFECT node X`, `X node`, `build X`, `X: does ...`.

Casing is kept exactly. Deriving a name nobody said lives in `name_derived.py`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from omniclaude_dagster.request.naming import name_problem, pascal_case
from omniclaude_dagster.request.understanding import words
from omniclaude_dagster.request.understanding.fields import is_type_word
from omniclaude_dagster.request.understanding.lexicon import has_inner_capital, is_name_like, system_of, verb_form
from omniclaude_dagster.request.understanding.text import Text, Token

# `SURE` is what `bench.understanding --fit` finds for names that were said; the weaker patterns get less.
SURE = 0.985
LIKELY = 0.96
POSSIBLE = 0.75
_CALLING = frozenset(
    "called named titled name names call dubbed title nommé nommée appelé appelée namens genannt llamado llamada "
    "chiamato chamado genaamd".split()
)
_NAME_LABEL = re.compile(
    r"(?:^|[\n.,;(]|\bnode |\bnode_|\bservice |\bclass |\bcompute |\beffect |\breducer |\borchestrator )"
    r"[ \t]{0,8}(?:(?:the|its|your|a) )?(?:node[ _]?)?(?:class[ _]?)?name"
    r"[ \t]{0,4}(?::|=|\bis\b|\bshould be\b)[ \t]{0,4}([^\n,;]{1,120})",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\A[`\"']([^`\"'\n]{1,80})[`\"']")
_PLAIN_NAME = re.compile(r"\A[A-Za-z][A-Za-z0-9_-]{0,120}")
_FULL_CLASS = re.compile(r"\ANode([A-Z][A-Za-z0-9]{0,63}?)(?:Effect|Compute|Reducer|Orchestrator)\Z")
_FULL_PACKAGE = re.compile(r"\Anode_([a-z0-9_]{1,63}?)_(?:effect|compute|reducer|orchestrator)\Z")
_NOT_NAMES_AFTER_CALLED = words.STOP_WORDS | frozenset(
    "once twice daily hourly weekly monthly nightly periodically regularly often immediately directly node it".split()
)
_THING_WORDS = frozenset("component service module class thing tool job worker function".split())
_NAME_STOPS = words.STOP_WORDS | {"node", "please"}
_MAX_LOWERCASE_WORDS = 4
_MARKS_BEFORE_NAME = frozenset({":", "`", '"', "'", "-"})
_MAX_MARKS_BETWEEN = 6


@dataclass(frozen=True, slots=True)
class NameFinding:
    """A name, how sure we are that it was meant as the node's name (0 to 1), and why."""

    name: str
    certainty: float
    reason: str


def usable_name(raw: str, *, is_quoted: bool = False) -> str | None:
    """`raw` as a node name: casing kept, `user_writer` and `user writer` made PascalCase; None if nothing is left."""
    raw = raw.strip().strip("`\"'")
    full = _FULL_CLASS.match(raw)
    if full:
        return _if_valid(full[1])
    package = _FULL_PACKAGE.match(raw.lower())
    if package:
        return _if_valid(pascal_case(package[1]))
    if is_quoted and " " in raw:
        return _if_valid(pascal_case(raw[:80]))
    match = _PLAIN_NAME.match(raw)
    if match is None or match[0].lower() in words.KIND_WORDS:
        return None
    return _if_valid(pascal_case(match[0]))


def _if_valid(name: str) -> str | None:
    return name if name and name_problem(name) is None else None


def said_name(text: Text) -> NameFinding | None:
    """The name the person gave, from the surest pattern to the least sure one."""
    finders: tuple[Callable[[Text], NameFinding | None], ...] = (
        _labelled, _called, _beside_node, _after_creating_verb, _opening_subject, _quoted_identifier,
    )  # fmt: skip
    for finder in finders:
        found = finder(text)
        if found is not None:
            return found
    return None


def _labelled(text: Text) -> NameFinding | None:
    for match in _NAME_LABEL.finditer(text.clean):
        name = _labelled_value(match[1].strip())
        if name is not None:
            return NameFinding(name, SURE, "the prompt labels the name")
    return None


def _labelled_value(raw: str) -> str | None:
    """The name in `Name: X`; `name: str` declares a field and names nothing."""
    quoted = _QUOTED.match(raw)
    if quoted:
        return usable_name(quoted[1], is_quoted=True)
    first = raw.split()[0] if raw.split() else ""
    if is_type_word(first) or (first.lower() in words.STOP_WORDS and not has_inner_capital(first)):
        return None
    if first.islower() and first.isalpha():
        return _lowercase_words(raw.split())
    return usable_name(raw)


def _lowercase_words(parts: list[str]) -> str | None:
    """`invoice parser that ...` -> InvoiceParser: plain words up to the first function word."""
    kept: list[str] = []
    for part in parts[: _MAX_LOWERCASE_WORDS + 1]:
        word = part.strip("`\"'")
        if (
            not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,60}[.,;:!?)]?", word)
            or word.lower().rstrip(".,;:!?)") in _NAME_STOPS
        ):
            break
        kept.append(word.rstrip(".,;:!?)"))
        if word != word.rstrip(".,;:!?)"):
            break
    if not kept or len(kept) > _MAX_LOWERCASE_WORDS:
        return None
    if len(kept) > 1 and kept[-1].lower() in words.KIND_WORDS:
        kept.pop()
    return _if_valid(pascal_case(" ".join(kept)))


def _called(text: Text) -> NameFinding | None:
    """`called X`, `named "X y"`, `call it X`, `name the node X`, `it should be called X`."""
    tokens = text.tokens
    for index, token in enumerate(tokens[:-1]):
        if token.lower not in _CALLING:
            continue
        target = index + 1
        is_imperative = token.lower in {"call", "name", "names", "title"}
        if is_imperative and not (token.lower == "name" and is_name_like(tokens[target].text)):
            if tokens[target].lower not in {"it", "this", "that", "the", "them"}:
                continue
            target += 1
            while target < len(tokens) and tokens[target].lower in {"node", "thing", "service", "one", "module"}:
                target += 1
        while target < len(tokens) and tokens[target].text in {":", "as"}:
            target += 1
        found = _name_at(text, target, is_after_noun=is_imperative or _follows_a_noun(tokens, index))
        if found is not None:
            return NameFinding(found, SURE, f"the prompt says '{token.lower}'")
    return None


def _follows_a_noun(tokens: tuple[Token, ...], index: int) -> bool:
    """Whether `called` describes a thing (`a node called x`), not an event (`when it is called x`)."""
    if index == 0:
        return True
    previous = tokens[index - 1]
    return previous.is_word and (previous.lower == "be" or previous.lower not in words.STOP_WORDS)


def _name_at(text: Text, index: int, *, is_after_noun: bool) -> str | None:
    tokens = text.tokens
    if index >= len(tokens):
        return None
    rest = text.clean[tokens[index].start : tokens[index].start + 200]
    quoted = _QUOTED.match(rest)
    if quoted:
        return usable_name(quoted[1], is_quoted=True)
    token = tokens[index]
    if not token.is_word or (token.lower in words.KIND_WORDS and not is_name_like(token.text)):
        return None
    if has_inner_capital(token.text) or "_" in token.text or "-" in token.text:
        return usable_name(token.text)
    if token.text[:1].isupper() and token.lower not in words.STOP_WORDS:
        return _capitalised_words(tokens, index)
    if is_after_noun and token.lower not in _NOT_NAMES_AFTER_CALLED:
        return _lowercase_words(rest.split())
    return None


def _capitalised_words(tokens: tuple[Token, ...], index: int) -> str | None:
    """`called Invoice Parser` -> InvoiceParser; a single capitalised word stays alone."""
    kept = [tokens[index].text]
    for token in tokens[index + 1 : index + _MAX_LOWERCASE_WORDS]:
        if not token.is_word or not token.text[:1].isupper() or token.lower in words.STOP_WORDS:
            break
        if token.lower in words.KIND_WORDS or token.lower == "node" or token.line != tokens[index].line:
            break
        kept.append(token.text)
    return usable_name(" ".join(kept), is_quoted=True)


def _is_kind_or_node(token: Token) -> bool:
    return token.lower in words.KIND_WORDS or token.lower in {"node", "nodes"}


def _beside_node(text: Text) -> NameFinding | None:
    """`EFFECT node: DatabaseWriter`, `ORCHESTRATOR node Coordinator orchestrates`, `a CacheManager node`."""
    tokens = text.tokens
    for index, token in enumerate(tokens):
        found: NameFinding | None = None
        if token.lower in _THING_WORDS:
            found = _name_after_thing(tokens, index)
        elif _is_kind_or_node(token) or token.lower.endswith("-node"):
            found = _name_after_kind(tokens, index) or _name_before_kind(tokens, index)
        if found is not None:
            return found
    return None


def _name_after_thing(tokens: tuple[Token, ...], index: int) -> NameFinding | None:
    if not _is_followed_by_identifier(tokens, index) or _is_partner(tokens, index):
        return None
    name = usable_name(tokens[index + 1].text)
    return NameFinding(name, LIKELY, f"the name stands after '{tokens[index].lower}'") if name else None


def _name_after_kind(tokens: tuple[Token, ...], index: int) -> NameFinding | None:
    for after in range(index + 1, min(index + 1 + _MAX_MARKS_BETWEEN, len(tokens))):
        if tokens[after].text in _MARKS_BEFORE_NAME or _is_kind_or_node(tokens[after]):
            continue
        if tokens[after].line - tokens[index].line > 1:
            return None
        name = _identifier_after_node(tokens, index, after)
        return NameFinding(name, SURE, "the name stands after the node's kind") if name else None
    return None


def _name_before_kind(tokens: tuple[Token, ...], index: int) -> NameFinding | None:
    for before in range(index - 1, max(-1, index - 1 - _MAX_MARKS_BETWEEN), -1):
        if _is_kind_or_node(tokens[before]) or tokens[before].text in _MARKS_BEFORE_NAME:
            continue
        if not is_name_like(tokens[before].text) or _is_partner(tokens, before):
            return None
        name = usable_name(tokens[before].text)
        return NameFinding(name, SURE, "the name stands before the word 'node'") if name else None
    return None


def _is_followed_by_identifier(tokens: tuple[Token, ...], index: int) -> bool:
    return (
        index + 1 < len(tokens)
        and is_name_like(tokens[index + 1].text)
        and tokens[index + 1].line == tokens[index].line
    )


def _is_partner(tokens: tuple[Token, ...], index: int) -> bool:
    """`calls the PriceCalculator node`: somebody else's name."""
    before = [t.lower for t in tokens[max(0, index - 2) : index]]
    return any(w in {"calls", "uses", "from", "with", "invokes", "by", "of", "like", "triggers", "to"} for w in before)


def _identifier_after_node(tokens: tuple[Token, ...], index: int, after: int) -> str | None:
    token = tokens[after]
    if not token.is_word or token.lower in words.STOP_WORDS or token.lower in {"name", "domain", "node"}:
        return None
    if _is_partner(tokens, index):
        return None
    if is_name_like(token.text) or "_" in token.text:
        return usable_name(token.text)
    is_capitalised = token.text[:1].isupper() and token.text[1:].islower() and token.text.isascii()
    if not is_capitalised or system_of(token.lower) is not None:
        return None
    form = verb_form(token.lower)
    if form is not None and form.forms & {"base", "s", "ing"} and "doer" not in form.forms:
        return None
    following = tokens[after + 1] if after + 1 < len(tokens) else None
    if following is None or not following.is_word or following.lower in words.STOP_WORDS:
        return usable_name(token.text)
    next_form = verb_form(following.lower)
    return usable_name(token.text) if next_form is not None and "s" in next_form.forms else None


def _after_creating_verb(text: Text) -> NameFinding | None:
    """`build InvoiceParser`, `make a thing: RateFetcher`, `we need an OrderTracker that ...`."""
    tokens = text.tokens
    for index, token in enumerate(tokens[:60]):
        if token.lower not in words.CREATE_VERBS and token.lower not in {"up", "want"}:
            continue
        target = index + 1
        while target < len(tokens) and (
            tokens[target].lower in words.DETERMINERS
            or tokens[target].lower in words.FILLERS
            or tokens[target].lower in {"me", "us", "up", "?"}
            or tokens[target].text in "`\"'"
        ):
            target += 1
        if target < len(tokens) and is_name_like(tokens[target].text) and tokens[target].line == token.line:
            name = usable_name(tokens[target].text)
            if name:
                return NameFinding(name, LIKELY, f"the prompt asks to {token.lower} it")
    return None


def _opening_subject(text: Text) -> NameFinding | None:
    """`TaxCalculator: adds ...`, `ProductIndexer - pushes ...`, `InvoiceParser extracts ...`."""
    tokens = text.tokens
    if not tokens:
        return None
    index = 1 if tokens[0].text in "`\"'#*" and len(tokens) > 1 else 0
    if index == 0 and tokens[0].lower in words.DETERMINERS and len(tokens) > 1:
        index = 1
    token = tokens[index]
    if not is_name_like(token.text):
        return None
    name = usable_name(token.text)
    return NameFinding(name, LIKELY, "the prompt opens with the name") if name else None


def _quoted_identifier(text: Text) -> NameFinding | None:
    """A single identifier in backticks that stands as the thing to make, nowhere else in the prompt another one."""
    found = {t.text for i, t in enumerate(text.tokens) if i and text.tokens[i - 1].text == "`" and is_name_like(t.text)}
    if len(found) != 1:
        return None
    name = usable_name(found.pop())
    return NameFinding(name, POSSIBLE, "the only identifier in backticks") if name else None
