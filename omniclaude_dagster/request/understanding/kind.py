"""Which of the four kinds a prompt asks for: said outright, or weighed from verbs, cues, systems and structure.

The evidence is collected here; what it is worth as a probability is decided in `confidence.py`.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.understanding import words
from omniclaude_dagster.request.understanding.clauses import VerbUse
from omniclaude_dagster.request.understanding.cues import CUES, NEGATIONS, OPENING_NOUNS
from omniclaude_dagster.request.understanding.lexicon import camel_parts, is_name_like, system_of, verb_form
from omniclaude_dagster.request.understanding.text import Text, Token

_LABELLED = re.compile(
    r"\b(?:node[ _-]?)?(?:type|kind)\s{0,4}(?::|=|is)\s{0,4}[\"'`]?(effect|compute|reducer|orchestrator)\b",
    re.IGNORECASE,
)
_TAKES_RETURNS = re.compile(r" (?:takes?|given|accepts?) .{1,200}? (?:returns?|gives?|yields?|outputs?|produces?) ")
_ARRIVING = re.compile(r" as (?:\S+ ){1,6}(?:arrives?|comes?|happens?|occurs?|flows?|streams?) ")
_FROM_EVENTS = re.compile(r" (?:from|on|using) (?:\S+ ){0,5}events? ")
_PER = re.compile(r" (?:per|for each|for every) [^\W\d]")
_FLOW = re.compile(
    r"(?<! cash)(?<! data) (?:flow|journey|playbook|runbook) (?:with|for|that|which|:|\.|,|-|of \S+ing) "
)
_FROM_TO_TO = re.compile(r" from (?:\S+ ){1,3}to (?:\S+ ){1,3}to ")
_WHAT_QUESTION = re.compile(
    r"\A (?:what(?:'s)?|which) (?:\S+ ){0,8}(?:is|are|of|between|on|in) (?:an?|the|two|given) (?:.{0,200})\? "
)
_FROM_AND = re.compile(r"\A (?:\S+ ){1,4}from (?:\S+ ){1,4}and (?:\S+ ){1,3}\Z")
_NEGATING = frozenset("not no isn't never than instead without".split())
_RANK_FACTORS = (1.5, 1.0, 0.8, 0.6, 0.5)
_LATER_FACTOR = 0.3
_REQUIREMENT_FACTOR = 0.4
_TAKES_EVENTS = frozenset({"apply", "replay", "process", "convert", "take", "receive"})
_EVENT_NOUNS = frozenset("events deltas updates transactions movements changes readings votes stream".split())
_STEP_FACTOR = 0.35
_OPENING_NOUN_WEIGHT = 1.5
_PASSIVE_FACTOR = 0.8
_NOUN_FACTOR = 0.9
_SYSTEM_WEIGHT = 1.5
_VAGUE_SYSTEM_WEIGHT = 0.7
_VAGUE_SYSTEMS = frozenset({"Files", "HTTP API"})


@dataclass(frozen=True)
class KindEvidence:
    """What speaks for each kind. `said` are kinds named outright, the subject first."""

    said: tuple[NodeKind, ...] = ()
    scores: dict[NodeKind, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def ranked(self) -> list[tuple[NodeKind, float]]:
        """Kinds by score, the best first; equal scores in the order of NodeKind."""
        order = list(NodeKind)
        return sorted(self.scores.items(), key=lambda item: (-item[1], order.index(item[0])))

    @property
    def best(self) -> NodeKind | None:
        """The kind said outright, else the one with the most evidence."""
        if self.said:
            return self.said[0]
        ranked = self.ranked
        return ranked[0][0] if ranked and ranked[0][1] > 0 else None

    @property
    def top(self) -> float:
        """Evidence for the best kind."""
        return self.ranked[0][1] if self.scores else 0.0

    @property
    def margin(self) -> float:
        """How far the best kind is ahead of the second."""
        ranked = self.ranked
        if not ranked:
            return 0.0
        return ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0.0)


def kind_evidence(
    text: Text,
    uses: Sequence[VerbUse],
    *,
    systems: Sequence[str],
    steps: Sequence[str],
    name: str | None,
) -> KindEvidence:
    """Collect the evidence; `name` is the node's name if the person said one."""
    said = _said_kinds(text)
    scores: dict[NodeKind, float] = defaultdict(float)
    reasons: list[str] = []
    if said:
        reasons.append(f"the prompt says {said[0]}")
    _add_verbs(uses, scores, reasons, has_steps=len(steps) >= 3)
    _add_cues(text, scores, reasons)
    _add_systems(text, systems, scores, reasons)
    _add_steps(steps, uses, scores, reasons)
    _add_nouns(text, name, scores, reasons)
    _add_opening_noun(text, scores, reasons)
    _add_structure(text, scores)
    return KindEvidence(said, dict(scores), tuple(reasons[:8]))


def _said_kinds(text: Text) -> tuple[NodeKind, ...]:
    labelled = _LABELLED.search(text.clean)
    found: list[NodeKind] = [words.KIND_WORDS[labelled[1].lower()]] if labelled else []
    tokens = text.tokens
    for index, token in enumerate(tokens):
        kind = _kind_of_token(token)
        if kind is None or kind in found or not _names_a_node(tokens, index):
            continue
        if not any(t.lower in _NEGATING for t in tokens[max(0, index - 3) : index]):
            found.append(kind)
    return tuple(found)


def _kind_of_token(token: Token) -> NodeKind | None:
    """Also reads `effect-node`, `Effects` and `NodeUserWriterEffect`."""
    lower = token.lower
    if lower in words.KIND_WORDS:
        return words.KIND_WORDS[lower]
    stem, _, rest = lower.partition("-")
    if rest in {"node", "nodes"} or rest.startswith("style"):
        return words.KIND_WORDS.get(stem)
    if token.text.startswith("Node") and is_name_like(token.text):
        return words.KIND_WORDS.get(camel_parts(token.text)[-1])
    if lower.startswith("node_"):
        return words.KIND_WORDS.get(lower.rsplit("_", 1)[-1])
    return None


def _names_a_node(tokens: tuple[Token, ...], index: int) -> bool:
    """Whether a kind's word means the kind: `EFFECT`, `a reducer`, `compute node`; not `compute the sum`."""
    token = tokens[index]
    lower = token.lower
    if lower not in words.KIND_WORDS or token.text.isupper():
        return True
    following = tokens[index + 1].lower if index + 1 < len(tokens) else ""
    previous = tokens[index - 1].lower if index else ""
    if following in {"node", "nodes", "type", "kind"} or previous in {"node", "kind", "type"}:
        return True
    is_article_before = previous in {"a", "an", "another", "new"}
    if lower in {"reducer", "orchestrator"}:
        return is_article_before or index == 0 or previous in words.CREATE_VERBS
    return is_article_before and following in {"that", "which", "for", "called", "named", "to", ":", ""}


def _add_structure(text: Text, scores: dict[NodeKind, float]) -> None:
    """Shapes of sentences: questions, `takes ... returns`, `x from y`, `as they arrive`, words of order, `... flow`."""
    joined = text.joined
    if joined.rstrip().endswith("?") and " how " in joined[:60]:
        scores[NodeKind.COMPUTE] += 1.0
    if _TAKES_RETURNS.search(joined):
        scores[NodeKind.COMPUTE] += 1.5
    if _ARRIVING.search(joined) or _FROM_EVENTS.search(joined):
        scores[NodeKind.REDUCER] += 2.0
    if _PER.search(joined):
        scores[NodeKind.REDUCER] += 1.0
    if _FROM_TO_TO.search(joined):
        scores[NodeKind.ORCHESTRATOR] += 2.0
    if _WHAT_QUESTION.match(joined) or (joined.count(" -> ") == 1 and " : " in joined):
        scores[NodeKind.COMPUTE] += 1.2
    if _FLOW.search(joined):
        scores[NodeKind.ORCHESTRATOR] += 2.5
    order_words = sum(min(2, joined.count(f" {word} ")) for word in ("first", "then", "finally", "afterwards", "next"))
    if order_words >= 2:
        scores[NodeKind.ORCHESTRATOR] += 1.0
    if not scores and _FROM_AND.match(joined):
        scores[NodeKind.COMPUTE] += 1.2


def _add_opening_noun(text: Text, scores: dict[NodeKind, float], reasons: list[str]) -> None:
    """`a booking procedure where`, `pipeline called X that`: what the prompt calls the thing at its very start."""
    for token in text.tokens[:6]:
        if not token.is_word or token.lower in words.PREPOSITIONS or token.lower in words.RELATIVES - {"that"}:
            return
        kind = OPENING_NOUNS.get(token.lower)
        if kind is not None:
            scores[kind] += _OPENING_NOUN_WEIGHT
            reasons.append(f"it is called a {token.lower}, which speaks for {kind}")
            return


def _add_verbs(uses: Sequence[VerbUse], scores: dict[NodeKind, float], reasons: list[str], *, has_steps: bool) -> None:
    """Verbs by rank; inside a list of steps a verb says what a step does, not what the node is."""
    rank = 0
    for use in uses:
        if not use.verb.weights:
            continue
        factor = _RANK_FACTORS[rank] if rank < len(_RANK_FACTORS) else _LATER_FACTOR
        if use.is_requirement:
            factor *= _REQUIREMENT_FACTOR
        factor *= {"noun": _NOUN_FACTOR, "passive": _PASSIVE_FACTOR}.get(use.use, 1.0)
        for kind, weight in use.verb.weights.items():
            is_step = has_steps and kind is not NodeKind.ORCHESTRATOR
            scores[kind] += weight * factor * (_STEP_FACTOR if is_step else 1.0)
        if use.verb.lemma in _TAKES_EVENTS and any(t.lower in _EVENT_NOUNS for t in use.objects):
            scores[NodeKind.REDUCER] += 2.5 * factor
            if rank < 3:
                reasons.append(f"'{use.verb.lemma}' speaks for {kind}")
        rank += 1


def _add_cues(text: Text, scores: dict[NodeKind, float], reasons: list[str]) -> None:
    for kind, by_weight in CUES.items():
        for weight, phrases in by_weight.items():
            hits = [p for p in phrases if f" {p} " in text.joined and not _is_negated(text.joined, p)]
            for count in range(min(len(hits), 3)):
                scores[kind] += weight / (1 + count)
            if hits and weight >= 1.5:
                reasons.append(f"'{hits[0]}' speaks for {kind}")


def _is_negated(joined: str, phrase: str) -> bool:
    position = joined.find(f" {phrase} ")
    before = joined[max(0, position - 8) : position + 1]
    return not phrase.startswith(("no ", "without ")) and before.endswith(NEGATIONS)


def _add_systems(text: Text, systems: Sequence[str], scores: dict[NodeKind, float], reasons: list[str]) -> None:
    for count, system in enumerate(systems[:3]):
        weight = _VAGUE_SYSTEM_WEIGHT if system in _VAGUE_SYSTEMS else _SYSTEM_WEIGHT
        if count == 0 and weight == _SYSTEM_WEIGHT and _is_reached(text, system):
            weight += 1.0
        scores[NodeKind.EFFECT] += weight / (1 + count)
        reasons.append(f"{system} is outside")


def _is_reached(text: Text, system: str) -> bool:
    """Whether the system is where something goes or comes from: `in DynamoDB`, `from our Postgres database`."""
    for index, token in enumerate(text.tokens):
        if system_of(token.lower) == system:
            before = [t.lower for t in text.tokens[max(0, index - 2) : index] if t.lower not in words.DETERMINERS]
            return bool(before) and before[-1] in {"in", "into", "to", "from", "on", "onto", "via", "over", "through"}
    return False


def _add_steps(
    steps: Sequence[str], uses: Sequence[VerbUse], scores: dict[NodeKind, float], reasons: list[str]
) -> None:
    if len(steps) >= 3:
        kinds = {k for use in uses for k in use.verb.weights}
        scores[NodeKind.ORCHESTRATOR] += 3.0 if len(kinds) > 1 else 2.5
        reasons.append(f"{len(steps)} steps in order")
    elif len(steps) == 2:
        scores[NodeKind.ORCHESTRATOR] += 0.5


def _add_nouns(text: Text, name: str | None, scores: dict[NodeKind, float], reasons: list[str]) -> None:
    """A doer in the name or before `node` (`PriceCalculator`, `a database writer node`) counts as half a verb."""
    parts = camel_parts(name)[-2:] if name else []
    parts += [t.lower for t in text.tokens[:40] if t.is_word]
    counted: set[str] = set()
    for part in parts:
        found = verb_form(part)
        if found is None or "doer" not in found.forms or found.forms & {"base", "noun"} or found.verb.lemma in counted:
            continue
        counted.add(found.verb.lemma)
        for kind, weight in found.verb.weights.items():
            scores[kind] += weight * 0.8
            reasons.append(f"'{part}' speaks for {kind}")
    if name and {"flow", "workflow", "pipeline", "saga", "process"} & set(camel_parts(name)):
        scores[NodeKind.ORCHESTRATOR] += 2.0
    if name and camel_parts(name)[-1] in {"stats", "statistics", "tally", "totals", "ledger", "projection"}:
        scores[NodeKind.REDUCER] += 1.5
