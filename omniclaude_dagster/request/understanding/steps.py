"""The steps of a workflow in their order: `validate, charge, then ship`; `payment, shipping, and notification steps`.

Steps are read only where a list is really a sequence: after a colon or dash, with `then`/`first`/`finally`, or before
the words `steps`, `stages`, `phases`.
"""

import re
from collections.abc import Mapping, Sequence

from omniclaude_dagster.request.understanding import words
from omniclaude_dagster.request.understanding.clauses import VerbUse
from omniclaude_dagster.request.understanding.lexicon import verb_form
from omniclaude_dagster.request.understanding.text import Text, Token, ends_sentence

MAX_STEPS = 12
_MAX_LIST_TOKENS = 120
_STEP_NOUNS = frozenset("step steps stage stages phase phases".split())
_ARROWS = frozenset({"->", "=>", "→"})
_BEFORE_ARROWS = words.STOP_WORDS | {"steps"}
_PARTNER_NOUNS = frozenset("services nodes apis systems jobs tasks checks".split())
_SEQUENCE_WORDS = frozenset("then first finally afterwards next lastly subsequently parallel".split())
_DROPPED = (
    words.DETERMINERS
    | words.AUXILIARIES
    | words.PRONOUNS
    | _SEQUENCE_WORDS
    | {"and", "please", "i.e.", "e.g.", "also", "it", "by"}
)
_SEQUENCE_PHRASES = (
    " one after the other ", " one after another ", " in turn ", " in that order ", " in this order ", " in order ",
    " step by step ", " in sequence ", " the steps ", " failing step ",
)  # fmt: skip
_PROCESS_WORDS = _STEP_NOUNS | frozenset(
    "workflow pipeline process procedure flow saga sequence order release journey playbook".split()
)
_LEADING_VERBS = frozenset(
    "run coordinate orchestrate sequence manage execute drive handle chain automate supervise oversee process".split()
)
_SPLITTERS = frozenset({",", "->", "=>", "→", ";", "and", "then"})
_NOT_SNAKE = re.compile(r"[^a-z0-9]+")


def workflow_steps(text: Text, uses: Sequence[VerbUse]) -> tuple[str, ...]:
    """The steps in snake_case, in order, or () when the prompt lists none."""
    for finder in (_steps_with_arrows, _steps_before_noun, _steps_after_mark, _steps_by_order_words):
        found = finder(text, uses)
        if len(found) >= 2:
            return found[:MAX_STEPS]
    return ()


def _named_step(tokens: Sequence[Token]) -> str | None:
    parts: list[str] = []
    for position, token in enumerate(tokens):
        if token.lower in {"first", "next"} and parts == [] and _describes_a_noun(tokens, position):
            parts.append(token.lower)
            continue
        if token.lower in words.PREPOSITIONS and parts and token.lower not in {"up", "out", "down", "off"}:
            break
        if not token.is_word or token.lower in _DROPPED:
            continue
        part = _NOT_SNAKE.sub("_", token.lower).strip("_")
        if part:
            parts.append(part)
    if not parts or parts[0][0].isdigit():
        return None
    form = verb_form(parts[0])
    if form is not None and form.forms & {"s", "ing"} and "noun" not in form.forms and len(parts) > 1:
        parts[0] = form.verb.lemma
    return "_".join(parts[:4])[:48].rstrip("_") or None


def _describes_a_noun(tokens: Sequence[Token], position: int) -> bool:
    """`first day` is a step of its own; `first validate` only says when."""
    if position + 1 >= len(tokens):
        return False
    form = verb_form(tokens[position + 1].lower)
    return tokens[position].text.islower() and (form is None or "base" not in form.forms)


def _split_steps(tokens: Sequence[Token]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    part: list[Token] = []
    for token in (*tokens, None):
        if token is not None and token.lower not in _SPLITTERS:
            part.append(token)
            continue
        step = _named_step(part)
        if step:
            found.setdefault(step)
        part = []
    return tuple(found)


def _sentences(text: Text) -> list[tuple[Token, ...]]:
    found: list[tuple[Token, ...]] = []
    current: list[Token] = []
    for token in text.tokens:
        if ends_sentence(token):
            found.append(tuple(current))
            current = []
        else:
            current.append(token)
    return [s for s in [*found, tuple(current)] if s]


def _steps_with_arrows(text: Text, _uses: Sequence[VerbUse]) -> tuple[str, ...]:
    """`does data prep -> training -> evaluation`; states of a thing (`state ...: open -> closed`) are no steps."""
    if any(word in text.joined for word in (" state ", " states ", " status ")):
        return ()
    for sentence in _sentences(text):
        arrows = [i for i, t in enumerate(sentence) if t.text in _ARROWS]
        if len(arrows) < 2:
            continue
        start = arrows[0]
        while start > 0 and sentence[start - 1].is_word and not _introduces_arrows(sentence[start - 1]):
            start -= 1
        return _split_steps([t for t in sentence[start:] if t.text != ","])
    return ()


def _introduces_arrows(token: Token) -> bool:
    form = verb_form(token.lower)
    return token.lower in _BEFORE_ARROWS or (form is not None and form.verb.lemma in _LEADING_VERBS)


def _steps_before_noun(text: Text, uses: Sequence[VerbUse]) -> tuple[str, ...]:
    """`Coordinates inventory check, payment, and notification steps`."""
    nouns = _STEP_NOUNS | _PARTNER_NOUNS if _is_sequence((), text.joined) else _STEP_NOUNS
    introducing = {u.index for u in uses if u.use == "verb" and (u.form != "base" or u.verb.lemma in _LEADING_VERBS)}
    for index, token in enumerate(text.tokens):
        if token.lower not in nouns:
            continue
        start = index - 1
        while start >= 0 and (text.tokens[start].is_word or text.tokens[start].text in {",", "->", "→"}):
            previous = text.tokens[start]
            if start in introducing or previous.line != token.line:
                break
            if previous.lower in words.PREPOSITIONS or previous.lower in words.RELATIVES or index - start > 40:
                break
            start -= 1
        listed = text.tokens[start + 1 : index]
        if sum(t.text in {",", "->", "→"} or t.lower == "and" for t in listed) >= 1:
            steps = _split_steps(listed)
            if len(steps) >= 2:
                return steps
    return ()


def _is_sequence(tokens: Sequence[Token], joined: str) -> bool:
    return any(t.lower in _SEQUENCE_WORDS for t in tokens) or any(p in joined for p in _SEQUENCE_PHRASES)


def _steps_after_mark(text: Text, _uses: Sequence[VerbUse]) -> tuple[str, ...]:
    """`the checkout: reserve stock, charge the card, book the shipment`; `pipeline - extract, transform, load -`."""
    for sentence in _sentences(text):
        is_sequence = _is_sequence(sentence, text.joined)
        for index, token in enumerate(sentence[:-1]):
            if token.text not in {":", "-", "i.e."} or index == 0:
                continue
            listed = _until_mark(sentence[index + 1 : index + 1 + _MAX_LIST_TOKENS])
            commas = sum(t.text in {",", "->", "→"} or t.lower == "then" for t in listed)
            if commas >= 2 and _is_list_of_operations(sentence[max(0, index - 12) : index], listed):
                continue
            if commas >= 2 and (is_sequence or _starts_with_action(listed)):
                return _split_steps(listed)
            if commas == 1 and any(t.text == "then" for t in listed):
                return _split_steps(listed)
    return ()


def _is_list_of_operations(lead: Sequence[Token], listed: Sequence[Token]) -> bool:
    """`UserRepository: find, insert and delete users` lists what it can do; nothing there speaks of an order."""
    if any(t.lower in _SEQUENCE_WORDS for t in listed) or any(t.lower in _PROCESS_WORDS for t in lead):
        return False
    has_leading_verb = any((f := verb_form(t.lower)) is not None and f.verb.lemma in _LEADING_VERBS for t in lead)
    parts = [t for i, t in enumerate(listed) if i + 1 < len(listed) and listed[i + 1].text in {",", "and"}]
    starts = sum(1 for t in parts if (f := verb_form(t.lower)) is not None and "base" in f.forms)
    return not has_leading_verb and starts * 2 > len(parts)


def _until_mark(tokens: Sequence[Token]) -> tuple[Token, ...]:
    end = next((i for i, t in enumerate(tokens) if t.text in {"-", ":", "("}), len(tokens))
    return tuple(tokens[:end])


def _starts_with_action(listed: Sequence[Token]) -> bool:
    """Most of the list's parts begin with a verb in its base form, as in a list of things to do."""
    starts = [t for i, t in enumerate(listed) if i == 0 or listed[i - 1].text == ","]
    starts = [t for t in starts if t.is_word and t.lower not in {"and", "then"}]
    actions = sum(1 for t in starts if (form := verb_form(t.lower)) is not None and "base" in form.forms)
    return bool(starts) and actions * 2 >= len(starts) and len(starts) >= 2


def _steps_by_order_words(text: Text, uses: Sequence[VerbUse]) -> tuple[str, ...]:
    """`First validate the claim, then ask ..., finally decide`; `runs build, test and deploy one after the other`."""
    for sentence in _sentences(text):
        joined = " " + " ".join(t.lower for t in sentence) + " "
        if not _is_sequence(sentence, joined):
            continue
        first, last = sentence[0].start, sentence[-1].end
        acting = [u for u in uses if u.use == "verb" and first <= text.tokens[u.index].start < last]
        if not acting:
            continue
        if joined.count(" then ") >= 2:
            return _split_steps(sentence)
        if len(acting) == 1 or _leads_a_list(text, acting[0], sentence):
            listed = [t for t in sentence if t.start > text.tokens[acting[0].index].start]
            return _split_steps(_before_order_phrase(listed))
        found: dict[int, str] = {}
        for use in acting:
            objects = [t.lower for t in use.objects[-2:] if t.lower.isascii() and t.lower.isalnum()]
            if use.verb.lemma not in {"run", "coordinate", "orchestrate", "sequence", "wait", "manage"}:
                found[text.tokens[use.index].start] = "_".join([use.verb.lemma, *objects])[:48]
        if len(set(found.values())) >= 2:
            found |= _unknown_verbs(sentence, found)
            return tuple(dict.fromkeys(found[start] for start in sorted(found)))
    return ()


def _unknown_verbs(sentence: Sequence[Token], known: Mapping[int, str]) -> dict[int, str]:
    """Steps between known ones whose verb is in no lexicon: `picks, packs, then ships`. Start to name.

    Only words of the third person at the start of a part count; `name, address` in a list of objects do not.
    """
    added = {}
    for index, token in enumerate(sentence):
        before = [t for t in sentence[:index] if t.lower not in {"and", "then", "finally", "afterwards"}]
        is_between = min(known) < token.start and bool(before) and before[-1].text == ","
        is_verb_like = token.is_word and token.lower.endswith("s") and not token.lower.endswith(("ss", "us", "is"))
        if is_between and is_verb_like and token.start not in known and verb_form(token.lower) is None:
            end = next((i for i, t in enumerate(sentence) if i > index and t.lower in _SPLITTERS), len(sentence))
            rest = _named_step(sentence[index + 1 : end])
            added[token.start] = "_".join([token.lower[:-1], *([rest] if rest else [])])[:48]
    return added


def _leads_a_list(text: Text, use: VerbUse, sentence: Sequence[Token]) -> bool:
    """`runs build, test, sign and deploy`: one leading verb, then bare names of steps."""
    if use.verb.lemma not in _LEADING_VERBS:
        return False
    start = text.tokens[use.index].start
    after = [t for t in sentence if t.start > start]
    return len(after) > 1 and any(t.text == "," for t in after[1:4])


def _before_order_phrase(listed: Sequence[Token]) -> list[Token]:
    kept: list[Token] = []
    for token in listed:
        if token.lower in {"one", "in", "step", "when", "until"} and kept:
            break
        kept.append(token)
    return kept
