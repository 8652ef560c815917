"""Who does what in a prompt: finds the verbs that are really used as verbs, and the nouns they act on.

This is a shallow reading (the neighbours of a word decide), not a grammar. What the verbs mean for the node is
decided by `kind.py`, `name_derived.py`, `operations.py` and `steps.py`.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from omniclaude_dagster.request.understanding import words
from omniclaude_dagster.request.understanding.lexicon import (
    Form,
    Verb,
    corrected,
    is_name_like,
    phrasal_verb,
    system_of,
    verb_form,
)
from omniclaude_dagster.request.understanding.text import Text, Token

MAX_VERB_USES = 60
MAX_OBJECT_WORDS = 5
_OPENERS = frozenset(',:;-(."!?*/`')
_OPENERS_STRICT = frozenset(":;-(.!?*")
_BEFORE_BASE = frozenset(
    "to should must will shall can could may might would please you we i they then first finally afterwards next "
    "lastly who not let's it's help also just and or finally, will".split()
) | {"->", "=>", "→"}  # fmt: skip
_BEFORE_THIRD_PERSON = words.RELATIVES | {"it", "and", "or", "then", "also", "finally", "node", "service", "job", "&"}
_BEFORE_ING = frozenset("for by of while when and or about start starts stop with".split())
_AFTER_THIRD_PERSON = frozenset("to into from the a an via all every each it".split())
_MOSTLY_NOUNS = frozenset(
    "mails emails texts logs records scores reports books labels maps prices totals averages streams posts counts "
    "rates routes checks tests grades orders".split()
)
_PARTICLES = frozenset("out up off back".split())
_BE = frozenset("is are be was were been gets get being".split())
_SKIPPED_BEFORE_VERB = frozenset("also then automatically always never simply just periodically safely".split())

Use = Literal["verb", "noun", "passive"]


@dataclass(frozen=True, slots=True)
class VerbUse:
    """One use of a verb. `objects` are the words it acts on, `target` what follows the first preposition."""

    index: int
    verb: Verb
    form: Form
    use: Use
    objects: tuple[Token, ...]
    target: tuple[Token, ...]
    is_requirement: bool


def noun_phrase(tokens: tuple[Token, ...], start: int) -> tuple[tuple[Token, ...], int]:
    """The nouns of the phrase that starts at `start`, without articles and fillers, and the index after it."""
    found: list[Token] = []
    index = start
    while index < len(tokens) and len(found) < MAX_OBJECT_WORDS:
        token = tokens[index]
        if index > start and token.line != tokens[index - 1].line:
            break
        if not token.is_word:
            if token.text in "`\"'" and not found:
                index += 1
                continue
            break
        if token.lower in words.DETERMINERS or token.lower in words.FILLERS or token.lower.endswith("ly"):
            if found and token.lower in words.DETERMINERS:
                break
            index += 1
            continue
        if token.lower in words.STOP_WORDS or _starts_new_clause(tokens, index, has_nouns=bool(found)):
            break
        found.append(token)
        index += 1
    return tuple(found), index


def _starts_new_clause(tokens: tuple[Token, ...], index: int, *, has_nouns: bool) -> bool:
    """A third-person verb after nouns (`order events arrives`) or a `-ing` word before an article ends the phrase."""
    if not has_nouns or index + 1 >= len(tokens):
        return False
    following = tokens[index + 1].lower
    if tokens[index].lower.endswith(("ing", "ed")) and following in words.PREPOSITIONS:
        return True
    form = verb_form(tokens[index].lower)
    if form is None:
        return False
    return bool(form.forms & {"s", "ing"}) and following in words.DETERMINERS


def _is_skipped_adverb(word: str) -> bool:
    return word in _SKIPPED_BEFORE_VERB or (word.endswith("ly") and word not in {"finally", "lastly", "only"})


def _previous(tokens: tuple[Token, ...], index: int) -> int:
    """Index of the token before `index` that is no adverb."""
    before = index - 1
    while before > 0 and _is_skipped_adverb(tokens[before].lower):
        before -= 1
    return before


def _continues_list(tokens: tuple[Token, ...], index: int, form: Form, seen: list[VerbUse]) -> bool:
    """After a comma or `and` a word is a verb if an earlier one has its form, or an article follows."""
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if following is not None and (following.lower in words.DETERMINERS or following.lower in _PARTICLES):
        return True
    is_parallel = any(use.form == form and use.use == "verb" for use in seen[-3:])
    if not is_parallel:
        return False
    return following is None or following.lower not in {"and", "or", "of"} or form == "s"


def _is_base_use(tokens: tuple[Token, ...], index: int, seen: list[VerbUse]) -> bool:
    before = _previous(tokens, index)
    previous = tokens[before]
    if previous.lower in {"and", "or", "then"} or previous.text == ",":
        return previous.lower == "then" or _continues_list(tokens, index, "base", seen)
    if previous.lower in _BEFORE_BASE:
        return True
    if previous.lower in {"that", "which"}:
        return before > 0 and tokens[before - 1].lower.endswith("s")
    return previous.text in _OPENERS or previous.line != tokens[index].line


def _is_third_person_use(tokens: tuple[Token, ...], index: int, seen: list[VerbUse]) -> bool:
    before = _previous(tokens, index)
    previous = tokens[before]
    if previous.lower in {"and", "or"} or previous.text == ",":
        return _continues_list(tokens, index, "s", seen)
    if previous.lower in _BEFORE_THIRD_PERSON or previous.text in _OPENERS or previous.line != tokens[index].line:
        return True
    following = tokens[index + 1].lower if index + 1 < len(tokens) else ""
    if following in {"the", "a", "an"} and previous.is_word and not (seen and tokens[index] in seen[-1].objects):
        return previous.lower not in words.STOP_WORDS
    if following in _AFTER_THIRD_PERSON and previous.is_word and previous.lower not in words.STOP_WORDS:
        if tokens[index].lower in _MOSTLY_NOUNS or (seen and tokens[index] in seen[-1].objects):
            return False
        return not any(t.lower in {"for", "with", "of"} for t in tokens[max(0, index - 4) : index])
    is_subject = previous.lower in words.KIND_WORDS or is_name_like(previous.text) or previous.text[:1].isupper()
    is_inside_phrase = before > 0 and tokens[before - 1].lower in words.PREPOSITIONS
    return is_subject and not is_inside_phrase and system_of(previous.lower) is None and index + 1 < len(tokens)


def _verbal_form(tokens: tuple[Token, ...], index: int, forms: frozenset[Form], seen: list[VerbUse]) -> Form | None:
    is_first = index == 0
    if "base" in forms and (is_first or _is_base_use(tokens, index, seen)):
        return "base"
    if "s" in forms and (is_first or _is_third_person_use(tokens, index, seen)):
        return "s"
    if "ing" in forms:
        before = tokens[_previous(tokens, index)]
        if _modifies_an_act(tokens, index, reach=4 if is_first else 1):
            return None
        if is_first or before.lower in _BEFORE_ING or before.text in _OPENERS_STRICT:
            return "ing"
        if before.text == "," and _continues_list(tokens, index, "ing", seen):
            return "ing"
    return None


def _modifies_an_act(tokens: tuple[Token, ...], index: int, *, reach: int) -> bool:
    """`pricing calculation`, `shipping cost calculation`: the `-ing` word only describes the act that follows."""
    for position in range(index + 1, min(index + 1 + reach, len(tokens))):
        if not tokens[position].is_word or tokens[position].lower in words.STOP_WORDS:
            return False
        form = verb_form(tokens[position].lower)
        if form is not None and "noun" in form.forms and "s" not in form.forms and _is_head_noun(tokens, position):
            return max(form.verb.weights.values(), default=0.0) >= 1.5
    return False


def _is_act_before_operations(tokens: tuple[Token, ...], index: int) -> bool:
    """`PostgreSQL write operations`: the bare verb names an act."""
    following = tokens[index + 1].lower if index + 1 < len(tokens) else ""
    return following in {"operation", "operations", "ops"} and index > 0 and tokens[index - 1].is_word


def _is_head_noun(tokens: tuple[Token, ...], index: int) -> bool:
    """Whether the noun at `index` is the last of its phrase (`score calculation of ...`, `message publishing.`)."""
    if index + 1 >= len(tokens):
        return True
    following = tokens[index + 1]
    if not following.is_word or following.line != tokens[index].line:
        return True
    lower = following.lower
    return lower in words.STOP_WORDS or lower in words.GENERIC_NOUNS or lower in words.KIND_WORDS


def _words_before(tokens: tuple[Token, ...], index: int, seen: list[VerbUse]) -> tuple[Token, ...]:
    found: list[Token] = []
    position = index - 1
    last_verb = seen[-1].index if seen and seen[-1].use == "verb" else -1
    while position > last_verb and len(found) < MAX_OBJECT_WORDS:
        token = tokens[position]
        if not token.is_word or token.line != tokens[index].line or token.lower in words.STOP_WORDS:
            break
        if token.lower in words.KIND_WORDS or token.lower in {"node", "nodes"} or token.lower in words.CREATE_VERBS:
            break
        if token.lower not in words.FILLERS:
            found.append(token)
        position -= 1
    return tuple(reversed(found))


def _is_requirement(tokens: tuple[Token, ...], index: int) -> bool:
    before = tokens[max(0, index - 4) : index]
    return any(t.lower in {"should", "must", "shall", "with", "including", "supports"} for t in before) or any(
        t.text in "-*•" and not t.is_word for t in before[-1:] if t.line > 0
    )


def verb_uses(text: Text) -> tuple[VerbUse, ...]:
    """The verbs of the prompt in their order, at most MAX_VERB_USES; a creating verb before the node is left out."""
    seen: list[VerbUse] = []
    tokens = text.tokens
    labelled_lines = {t.line for t, mark in pairwise(tokens) if t.lower == "domain" and mark.text == ":" and t.line}
    for index, token in enumerate(tokens):
        if len(seen) >= MAX_VERB_USES:
            break
        if token.line in labelled_lines or not token.is_word or is_name_like(token.text):
            continue
        found = verb_form(token.lower)
        if found is None or _is_kind_word(tokens, index):
            continue
        use = _read_use(tokens, index, found.verb, found.forms, seen)
        if use is not None:
            seen.append(use)
    return _with_shared_objects(tokens, [use for use in seen if not _only_asks_for_a_node(tokens, use)])


def _is_kind_word(tokens: tuple[Token, ...], index: int) -> bool:
    """`COMPUTE`, `compute node`, `a compute that`: the kind, not the verb."""
    token = tokens[index]
    if token.lower not in words.KIND_WORDS:
        return False
    following = tokens[index + 1].lower if index + 1 < len(tokens) else ""
    previous = tokens[index - 1].lower if index else ""
    return token.text.isupper() or following in {"node", "nodes"} or previous in {"a", "an", "node", "kind", "type"}


def _with_shared_objects(tokens: tuple[Token, ...], uses: list[VerbUse]) -> tuple[VerbUse, ...]:
    """`validates, transforms, and stores data`: the object of the last verb is that of all."""
    for position in range(len(uses) - 2, -1, -1):
        use, following = uses[position], uses[position + 1]
        between = tokens[use.index + 1 : following.index]
        is_list = len(between) <= 2 and all(t.text == "," or t.lower in {"and", "or"} for t in between)
        if use.use == "verb" and following.use == "verb" and not use.objects and not use.target and is_list:
            uses[position] = replace(use, objects=following.objects, target=following.target)
    return tuple(uses)


def _read_use(
    tokens: tuple[Token, ...], index: int, verb: Verb, forms: frozenset[Form], seen: list[VerbUse]
) -> VerbUse | None:
    form = _verbal_form(tokens, index, forms, seen)
    is_requirement = _is_requirement(tokens, index)
    if form is not None:
        verb, start = _phrasal(tokens, index, verb)
        objects, after = noun_phrase(tokens, start)
        return VerbUse(index, verb, form, "verb", objects, _target(tokens, after), is_requirement)
    if "ed" in forms and index > 0 and verb.lemma != "call" and _is_passive(tokens, index):
        return VerbUse(index, verb, "ed", "passive", (), _target(tokens, index + 1), is_requirement)
    is_act = forms & {"noun", "ing"} and _is_head_noun(tokens, index)
    if is_act or ("base" in forms and _is_act_before_operations(tokens, index)):
        if _is_object_of_earlier_verb(index, tokens, seen):
            return None
        objects = _words_before(tokens, index, seen)
        after = index + 1
        if not objects and after < len(tokens) and tokens[after].lower == "of":
            objects, after = noun_phrase(tokens, after + 1)
        return VerbUse(index, verb, "noun", "noun", objects, _target(tokens, after), is_requirement)
    return None


def _is_passive(tokens: tuple[Token, ...], index: int) -> bool:
    """`rows are stored`, `messages sent to drivers`."""
    previous = tokens[_previous(tokens, index)]
    if previous.lower in _BE:
        return True
    following = tokens[index + 1].lower if index + 1 < len(tokens) else ""
    is_after_noun = previous.is_word and previous.lower not in words.STOP_WORDS
    return is_after_noun and following in {"to", "into", "on", "via", "over", "from", "by"}


def _phrasal(tokens: tuple[Token, ...], index: int, verb: Verb) -> tuple[Verb, int]:
    """The meaning of verb and particle, and where the object starts: `work out the price`, `keep a total of sales`."""
    for position in range(index + 1, min(index + 7, len(tokens))):
        token = tokens[position]
        if not token.is_word or token.line != tokens[index].line:
            break
        meant = phrasal_verb(verb.lemma, token.lower)
        if meant is None:
            continue
        if token.lower == "into":
            return meant, index + 1
        has_of = position + 1 < len(tokens) and tokens[position + 1].lower == "of"
        if verb.lemma == "keep" or position == index + 1:
            return meant, position + (2 if has_of else 1)
    return verb, index + 1


def _is_object_of_earlier_verb(index: int, tokens: tuple[Token, ...], seen: list[VerbUse]) -> bool:
    """`sends HTTP requests` is about sending; only after a verb that says nothing (`makes`) the noun tells the act."""
    if not seen or seen[-1].use != "verb":
        return False
    says_little = not seen[-1].verb.weights
    return tokens[index] in seen[-1].objects and not says_little


def _target(tokens: tuple[Token, ...], index: int) -> tuple[Token, ...]:
    if index < len(tokens) and tokens[index].lower in words.PREPOSITIONS:
        return noun_phrase(tokens, index + 1)[0]
    return ()


def _only_asks_for_a_node(tokens: tuple[Token, ...], use: VerbUse) -> bool:
    """`Create an EFFECT node`, `write something that`, `build AuditLogWriter`: the verb asks for the node itself."""
    if use.use != "verb" or use.form != "base" or use.verb.lemma not in words.CREATE_VERBS:
        return False
    following = tokens[use.index + 1 : use.index + 8]
    for token in following:
        lower = token.lower
        if (
            lower in words.GENERIC_NOUNS
            or lower.removesuffix("-node") in words.KIND_WORDS
            or lower in {"something", "me", "us", "anything"}
        ):
            return True
        if is_name_like(token.text):
            return True
        if lower in words.PREPOSITIONS or lower in words.RELATIVES or (not token.is_word and token.text not in "`\"'"):
            break
    head = use.objects[-1].lower if use.objects else ""
    form = verb_form(corrected(head)) if head else None
    return form is not None and "doer" in form.forms
