"""What a prompt that is nothing but a Python function asks for: a COMPUTE node of the function's name, no questions."""

from omniclaude_dagster.request.model import NodeKind, ParsedRequest
from omniclaude_dagster.request.naming import class_name, name_problem, pascal_case
from omniclaude_dagster.request.understanding import confidence as sure
from omniclaude_dagster.request.understanding.asked_function import AskedFunction
from omniclaude_dagster.request.understanding.domain import find_domain
from omniclaude_dagster.request.understanding.name import NameFinding
from omniclaude_dagster.request.understanding.text import clean_prompt, describe, read_text

# A pure function in the prompt makes the node a COMPUTE node unless the words say another kind.
SPELLED_KIND_CONFIDENCE = 0.95
_LONGEST_NAME = 55


def bare_function_request(asked: AskedFunction, *, name: str | None, domain: str | None) -> ParsedRequest:
    """The whole reading of such a prompt. `name` and `domain` are hints; gate G3 judges a name that cannot be one."""
    function = asked.signature.function
    problem = name_problem(name) if name else None
    chosen = name or node_name_of(function)
    certainty = 0.0 if problem else sure.HINT_CONFIDENCE
    return ParsedRequest(
        node_kind=NodeKind.COMPUTE,
        name=chosen,
        class_name=None if problem else class_name(chosen, NodeKind.COMPUTE),
        domain=domain or find_domain(read_text(asked.task), name=None).domain,
        description=describe(clean_prompt(asked.task)) or f"Computes {function}.",
        operations=(function,),
        confidence=certainty,
        questions=(f"The name {chosen[:80]!r} {problem}. What should the node be called instead?",) if problem else (),
        kind_confidence=sure.HINT_CONFIDENCE,
        name_confidence=certainty,
        reasons=("kind: the prompt is a Python function", "name: the function's name"),
        signature=asked.signature,
        examples=asked.examples,
    )


def name_of(asked: AskedFunction) -> NameFinding:
    """The node's name where the prompt says none but spells out a function."""
    return NameFinding(node_name_of(asked.signature.function), SPELLED_KIND_CONFIDENCE, "the function's name")


def node_name_of(function: str) -> str:
    """`has_close_elements` -> `HasCloseElements`; a name that no node can have gets a word more."""
    chosen = pascal_case(function)[:_LONGEST_NAME]
    if not chosen[:1].isalpha():
        chosen = f"Function{chosen}"
    return chosen if name_problem(chosen) is None else f"{chosen}Function"
