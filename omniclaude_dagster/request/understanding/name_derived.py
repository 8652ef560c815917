"""A name for a node whose person gave none: object and doer (`UserStatisticsAggregator`), system and role.

Every derived name passes `naming.name_problem`; where nothing sensible can be derived there is no name.
"""

from collections.abc import Sequence

from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.naming import name_problem
from omniclaude_dagster.request.understanding import words
from omniclaude_dagster.request.understanding.clauses import VerbUse
from omniclaude_dagster.request.understanding.lexicon import is_name_like, singular, system_of, verb_form
from omniclaude_dagster.request.understanding.name import NameFinding
from omniclaude_dagster.request.understanding.text import Text, Token

MAX_DERIVED_CHARS = 48
_MAX_OBJECTS = 3
_ROLE_NOUNS = frozenset(
    "client adapter connector gateway repository crud handler manager store workflow pipeline saga service flow "
    "leaderboard scheduler endpoint cache session ledger tracker registry index proxy driver bridge listener queue "
    "counter statistics stats report dashboard histogram procedure process sequence journey wizard machine".split()
)
_PROCESS_NOUNS = frozenset("workflow pipeline saga flow procedure journey sequence wizard scheduler playbook".split())
_KIND_ROLES = {
    NodeKind.EFFECT: "Client",
    NodeKind.COMPUTE: "Calculator",
    NodeKind.REDUCER: "Aggregator",
    NodeKind.ORCHESTRATOR: "Coordinator",
}
_RESULT_ROLES = {
    NodeKind.COMPUTE: (frozenset("return give produce output provide get tell".split()), "Calculator"),
    NodeKind.REDUCER: (frozenset("keep build get maintain have".split()), "Tracker"),
}
_EMPTY_VERBS = frozenset(
    "do use make build handle give show take need set start process run get put return support keep have "
    "turn provide tell".split()
)
_WEAK_OBJECTS = words.GENERIC_NOUNS | frozenset(
    "database data info information input inputs output outputs result results value values item items list object "
    "objects case cases set function total email".split()
)
_QUALITIES = frozenset(
    "retry retries error errors transaction support timeout caching logging quality type input inputs field fields "
    "parameter parameters column columns argument arguments".split()
)
_SPEC_WORDS = frozenset("true false none null str int float bool uuid".split())


def derived_name(text: Text, uses: Sequence[VerbUse], *, kind: NodeKind | None) -> NameFinding | None:
    """A name from the words before `node`, from the first telling verb, or from the phrase after `for`."""
    opening_end = uses[0].index if uses and uses[0].use == "verb" else 0
    for parts, certainty, reason in (
        (_before_node(text, kind), 0.9, "from the words before 'node'"),
        (_from_role_noun(text, end=opening_end), 0.9, "from the noun the prompt opens with"),
        (_from_workflow(text, uses, kind), 0.85, "from the workflow"),
        (_from_verbs(uses, kind), 0.9, "from what the node does"),
        (_from_role_noun(text, end=80), 0.75, "from a noun of the prompt"),
        (_from_result(uses, kind), 0.7, "from what comes out"),
        (_after_for(text, kind), 0.7, "from what the node is for"),
        (_from_plain_verbs(uses), 0.6, "from a general verb"),
        (_from_requirements(uses), 0.6, "from a requirement"),
        (_from_system(text, kind), 0.6, "from the system it works with"),
        (_from_telling_words(text, kind), 0.5, "from the words that say most"),
    ):
        name = _joined(parts)
        if name is not None:
            return NameFinding(name, certainty, reason)
    return None


def _joined(parts: Sequence[str]) -> str | None:
    unique: list[str] = []
    for part in parts:
        if part and (not unique or unique[-1].lower() != part.lower()):
            unique.append(part)
    while len(unique) > 1 and len("".join(unique)) > MAX_DERIVED_CHARS:
        unique.pop(0)
    name = "".join(unique)
    name = name.removesuffix("Orchestrator").removesuffix("Reducer") or name
    return name if name and name_problem(name) is None else None


def _name_part(token: Token, *, is_last: bool = False) -> str:
    """A word as part of a name: systems by their own name, acronyms in capitals, plurals made singular."""
    lower = token.lower.removesuffix("'s")
    if is_name_like(token.text):
        return token.text
    system = system_of(lower)
    if system is not None and lower not in {"file", "files", "folder", "folders", "endpoint", "endpoints", "webhook"}:
        if system == "HTTP API":
            return lower.upper().removesuffix("S") if lower in {"http", "https", "api", "apis"} else "REST"
        return words.SYSTEM_NAMES.get(system, system)
    if lower in words.ACRONYMS or (token.text.isupper() and 1 < len(token.text) <= 5):
        return token.text.upper()
    pieces = [p for p in "".join(c if c.isalnum() else " " for c in lower).split() if p.isascii()]
    if not pieces:
        return ""
    pieces[-1] = pieces[-1] if is_last else singular(pieces[-1])
    return "".join(p.capitalize() for p in pieces)


def _object_parts(tokens: Sequence[Token]) -> list[str]:
    kept = [t for t in tokens if t.lower not in words.GENERIC_NOUNS and t.lower not in _SPEC_WORDS]
    kept = [t for t in kept if t.lower not in words.KIND_WORDS]
    kept = [t for t in kept if not t.text[0].isdigit() and t.is_word and not t.text.startswith("http")]
    strong = [t for t in kept if t.lower not in _WEAK_OBJECTS]
    chosen = (kept if len(kept) <= _MAX_OBJECTS else strong or kept)[-_MAX_OBJECTS:]
    return _without_database([p for p in map(_name_part, chosen) if p])


def _from_telling_words(text: Text, kind: NodeKind | None) -> list[str]:
    """The last resort when only the kind is clear: `does a word count` -> Word, Count.

    Not when the prompt gives a name that cannot be used: then a person has to choose another.
    """
    if kind is None or any(t.lower in {"called", "named", "name", "titled"} for t in text.tokens):
        return []
    telling = [
        t
        for t in text.tokens
        if t.lower not in words.STOP_WORDS | words.CREATE_VERBS | words.FILLERS | _WEAK_OBJECTS | _QUALITIES
        and not ((form := verb_form(t.lower)) and form.verb.lemma in _EMPTY_VERBS)
    ]
    return _object_parts(telling[:_MAX_OBJECTS])


def _before_node(text: Text, kind: NodeKind | None) -> list[str]:
    """`user writer Effect node` -> User, Writer; `PostgreSQL adapter effect node` -> PostgreSQL, Adapter."""
    tokens = text.tokens
    index = next((i for i, t in enumerate(tokens) if t.lower in {"node", "nodes"}), None)
    if index is None:
        return []
    end = index
    while end > 0 and (tokens[end - 1].lower in words.KIND_WORDS):
        end -= 1
    found: list[Token] = []
    position = end - 1
    while position >= 0 and len(found) < 4:
        token = tokens[position]
        if not token.is_word or token.lower in words.STOP_WORDS or token.lower in words.CREATE_VERBS:
            break
        if token.lower not in words.FILLERS and token.lower not in words.GENERIC_NOUNS:
            found.append(token)
        position -= 1
    found.reverse()
    if not found:
        return []
    parts = _with_doer(found)
    if not parts and kind is not None and _is_system_or_store(found[-1]):
        return [*_without_database([_name_part(t) for t in found]), _KIND_ROLES[kind]]
    return parts


def _is_system_or_store(token: Token) -> bool:
    """Whether the word names a system or some store: `postgres`, `database`."""
    return system_of(token.lower) is not None or token.lower in {"database", "cache", "storage"}


def _with_doer(tokens: Sequence[Token]) -> list[str]:
    """The phrase's words, its last one turned into a doer where it names an act (`calculation` -> Calculator)."""
    *front, last = tokens
    form = verb_form(last.lower)
    parts = [_name_part(t) for t in front]
    if form is not None and form.forms & {"noun", "ing"} and "doer" not in form.forms:
        return [*parts, form.verb.doer]
    if form is not None and "doer" in form.forms:
        return [*parts, last.text if last.text[:1].isupper() else last.lower.capitalize()]
    if last.lower in _ROLE_NOUNS:
        return [*parts, _name_part(last, is_last=True)]
    if len(parts) == 0 and system_of(last.lower) is None:
        return []
    if system_of(last.lower) is not None or last.lower in _WEAK_OBJECTS:
        return []
    return [*parts, _name_part(last)]


def _fits(use: VerbUse, kind: NodeKind | None) -> bool:
    return kind is None or not use.verb.weights or kind in use.verb.weights


def _from_verbs(uses: Sequence[VerbUse], kind: NodeKind | None) -> list[str]:
    """The first verb that fits the kind and has an object: `aggregates user statistics` -> User, Statistics, ..."""
    telling = [u for u in uses if u.verb.lemma not in _EMPTY_VERBS and not u.is_requirement]
    ordered = [u for u in telling if _fits(u, kind) and u.verb.weights] + [u for u in telling if not _fits(u, kind)]
    ordered += [u for u in telling if not u.verb.weights]
    return _first_with_object(ordered)


def _from_requirements(uses: Sequence[VerbUse]) -> list[str]:
    """`must authenticate users`, `with database connection`: when there is nothing but requirements."""
    return _first_with_object([u for u in uses if u.is_requirement and u.verb.lemma not in _EMPTY_VERBS])


def _first_with_object(uses: Sequence[VerbUse]) -> list[str]:
    for use in uses[:8]:
        parts = _object_parts(use.objects)
        if not parts and use.use != "noun":
            parts = _object_parts(use.target)[:2]
        if parts:
            doer = "Client" if use.verb.doer == parts[-1] else use.verb.doer
            return [*(p for p in parts if p != doer), doer]
    return []


def _from_workflow(text: Text, uses: Sequence[VerbUse], kind: NodeKind | None) -> list[str]:
    """An orchestrator is named after what it leads (`CheckoutCoordinator`), its noun, or its first step's object."""
    if kind is not NodeKind.ORCHESTRATOR:
        return []
    leading = [u for u in uses if u.verb.weights.get(kind, 0.0) >= 1.5 and u.use != "passive"]
    found = _first_with_object(leading) or _from_role_noun(text, end=80, nouns=_PROCESS_NOUNS)
    if found:
        return found
    parts = next((p for p in (_object_parts(u.objects) for u in uses if u.verb.lemma not in {"ask", "call"}) if p), [])
    return [*parts, "Workflow"] if parts else []


def _from_result(uses: Sequence[VerbUse], kind: NodeKind | None) -> list[str]:
    """`return a similarity score` -> SimilarityScoreCalculator."""
    if kind not in _RESULT_ROLES:
        return []
    verbs, role = _RESULT_ROLES[kind]
    for use in uses:
        if use.verb.lemma in verbs:
            parts = _object_parts(use.objects)
            if parts:
                return [*parts, role]
    return []


def _from_role_noun(text: Text, *, end: int, nouns: frozenset[str] | None = None) -> list[str]:
    """`a small client for the weather service`, `workflow for expense reports`, `Session store`."""
    tokens = text.tokens
    for index, token in enumerate(tokens[:end]):
        form = verb_form(token.lower)
        is_doer = form is not None and "doer" in form.forms and not form.forms & {"base", "noun"}
        if token.lower not in nouns if nouns is not None else token.lower not in _ROLE_NOUNS and not is_doer:
            continue
        front: list[Token] = []
        position = index - 1
        while position >= 0 and len(front) < 3:
            before = tokens[position]
            if not before.is_word or before.lower in words.STOP_WORDS or before.lower in words.CREATE_VERBS:
                break
            if before.lower not in words.FILLERS and before.lower not in words.KIND_WORDS:
                front.append(before)
            position -= 1
        parts = [p for p in map(_name_part, reversed(front)) if p]
        if not parts and index + 1 < len(tokens) and tokens[index + 1].lower in {"for", "of"}:
            parts = _object_parts(_topic(tokens, index + 2))
        if parts:
            return [*parts, _name_part(token, is_last=True)]
    return []


def _topic(tokens: Sequence[Token], start: int) -> list[Token]:
    """The nouns after `for`; a `-ing` verb before them is passed over (`for approving expense reports`)."""
    form = verb_form(tokens[start].lower) if start < len(tokens) else None
    if form is not None and "ing" in form.forms and "noun" not in form.forms:
        start += 1
    return _plain_nouns(tokens, start)


def _after_for(text: Text, kind: NodeKind | None) -> list[str]:
    """`node for API with ...`, `node with database connection`: the nouns, and the usual role of the kind."""
    tokens = text.tokens
    for preposition in ("for", "with", "on", "to", "in", "from"):
        for index, token in enumerate(tokens[:80]):
            if token.lower != preposition or (preposition == "to" and _is_bare_verb(tokens, index + 1)):
                continue
            nouns = [t for t in _plain_nouns(tokens, index + 1) if t.lower not in words.GENERIC_NOUNS]
            if not nouns or "domain" in _following_words(tokens, index) or _is_quality(nouns):
                continue
            parts = _with_doer(nouns[-3:])
            if parts:
                return parts
            plain = [p for p in map(_name_part, nouns[-3:]) if p]
            if plain and kind is not None:
                return [*_without_database(plain), _KIND_ROLES[kind]]
    return []


def _is_bare_verb(tokens: Sequence[Token], index: int) -> bool:
    form = verb_form(tokens[index].lower) if index < len(tokens) else None
    return form is not None and "base" in form.forms


def _is_quality(nouns: Sequence[Token]) -> bool:
    """`retry logic`, `error handling`, `transaction support`: how, not what."""
    return any(t.lower in _QUALITIES for t in nouns)


def _without_database(parts: Sequence[str]) -> list[str]:
    """`PostgreSQL database` -> PostgreSQL: the system says it already."""
    names = set(words.SYSTEMS)
    return [p for p in parts if p != "Database" or not any(q in names for q in parts)]


def _following_words(tokens: Sequence[Token], index: int) -> set[str]:
    return {t.lower for t in tokens[index + 1 : index + 5]}


def _plain_nouns(tokens: Sequence[Token], start: int) -> list[Token]:
    found: list[Token] = []
    for token in tokens[start : start + 6]:
        is_article = token.lower in words.DETERMINERS and token.lower not in words.RELATIVES
        if not token.is_word or (token.lower in words.STOP_WORDS and not is_article):
            break
        if token.lower not in words.DETERMINERS and token.lower not in words.FILLERS:
            found.append(token)
    return found


def _from_system(text: Text, kind: NodeKind | None) -> list[str]:
    if kind is not NodeKind.EFFECT:
        return []
    token = next((t for t in text.tokens if t.is_word and system_of(t.lower) is not None), None)
    return [_name_part(token), "Client"] if token is not None else []


def _from_plain_verbs(uses: Sequence[VerbUse]) -> list[str]:
    """`process Kafka messages` -> Kafka, Message, Processor: verbs that say little, with an object that says more."""
    for use in uses:
        if use.verb.lemma in {"do", "use", "have", "need", "take", "give", "return", "set", "keep", "tell"}:
            continue
        parts = _object_parts(use.objects)
        if parts:
            return [*parts, use.verb.doer]
    return []
