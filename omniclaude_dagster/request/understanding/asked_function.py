"""The plain function a prompt asks for, whether it spells it out or only shows its calls, with its examples.

The one door to `signature.py`, `shown_calls.py` and `spoken_examples.py`; `understand.py` decides what it means for
the node.
"""

import keyword
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from omniclaude_dagster.request.model import Example, FieldHint, ParameterHint, SignatureHint
from omniclaude_dagster.request.understanding import spoken_examples as spoken
from omniclaude_dagster.request.understanding.python_text import NotPythonError, module_of
from omniclaude_dagster.request.understanding.shown_calls import ShownCall, shown_calls
from omniclaude_dagster.request.understanding.shown_types import is_unsaid, shown_annotation
from omniclaude_dagster.request.understanding.signature import code_text, spelled_function

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ASSERT_LINE = re.compile(r"^\s*(?:assert\b.*|>>>.*)$", re.MULTILINE)
_DOCTEST = re.compile(r"^[ \t]*>>>.*(?:\n(?![ \t]*$|[ \t]*>>>).*)*", re.MULTILINE)
_SAYS_NONE = re.compile(r"\bNone\b")
_QUOTED_TASK = re.compile(r"\A\s*(?:\"\"\"|''')(?P<task>.*?)(?:\"\"\"|''')\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class AskedFunction:
    """A function, its examples, and what the prompt says about it in words.

    `is_bare`: the prompt is nothing but code. `is_spelled`: it has a `def`, and does not only show calls.
    """

    signature: SignatureHint
    examples: tuple[Example, ...]
    is_bare: bool
    is_spelled: bool
    task: str


def asked_function(prompt: str, *, fields: Sequence[FieldHint] = ()) -> AskedFunction | None:
    """The function of the prompt, or None. `fields` name the parameters of a function that is only called."""
    if "(" not in prompt:
        return None
    text = code_text(prompt)
    calls = spoken.without_explanations(shown_calls(text), text)
    spelled = spelled_function(prompt)
    if spelled is None:
        return _called_function(text, calls, fields)
    hint = spelled.hint
    names = [p.name for p in hint.parameters]
    least = sum(p.default is None for p in hint.parameters)
    own = spoken.calls_of(calls, hint.function, arity=len(names), least=least)
    examples = spoken.examples_from_calls(own, names) or spoken.assigned_examples(text, names)
    task = _without_code(hint.docstring) or f"Computes {hint.function.replace('_', ' ')}."
    return AskedFunction(_completed(hint, own, examples), examples, spelled.is_bare, True, task)


def _called_function(text: str, calls: Sequence[ShownCall], fields: Sequence[FieldHint]) -> AskedFunction | None:
    """A function that only its calls show: the one whose name is called most, always with as many arguments."""
    if not calls:
        return None
    function = Counter(c.function for c in calls).most_common(1)[0][0]
    own = [c for c in calls if c.function == function]
    counts = {len(c.arguments) + len(c.keywords) for c in own}
    if len(counts) != 1 or not counts <= set(range(1, len(_LETTERS) + 1)) or keyword.iskeyword(function):
        return None
    task = _QUOTED_TASK.match(text)
    names = _parameter_names(own, counts.pop(), fields, is_asserted=task is not None)
    # Names given at the call bind by name, the others by place.
    examples = spoken.examples_from_calls(own, names)
    if not examples and task is None:
        return None
    said = _without_code(task["task"]) if task else ""
    hint = SignatureHint(function, tuple(ParameterHint(name) for name in names), docstring=said)
    completed = _completed(hint, own, examples)
    is_bare = task is not None and _is_quoted_alone(text)
    return AskedFunction(completed, examples, is_bare, is_spelled=False, task=said)


def _parameter_names(
    calls: Sequence[ShownCall], count: int, fields: Sequence[FieldHint], *, is_asserted: bool
) -> list[str]:
    named = list(dict.fromkeys(name for call in calls for name, _ in call.keywords))
    if len(named) == count:
        return named
    said = [field.name for field in fields]
    if len(said) == count and all(name.isidentifier() and not keyword.iskeyword(name) for name in said):
        return said
    return [f"arg_{n + 1}" for n in range(count)] if is_asserted else list(_LETTERS[:count])


def _completed(hint: SignatureHint, calls: Sequence[ShownCall], examples: Sequence[Example]) -> SignatureHint:
    """The signature with annotations, where the person wrote none, that the shown values stand for."""
    names = [p.name for p in hint.parameters]
    rows = [given for call in calls if (given := spoken.bound(call, names)) is not None]
    rows = rows or [dict(example.input) for example in examples]
    results = [c.value for c in calls if c.is_comparable and c.raises is None]
    results = results or ([] if calls else [e.output[spoken.RESULT] for e in examples if e.output is not None])
    parameters = tuple(_completed_parameter(p, [row[p.name] for row in rows if p.name in row]) for p in hint.parameters)
    returns = shown_annotation(results) if is_unsaid(hint.returns) else None
    if returns and "None" not in returns and _SAYS_NONE.search(hint.docstring):
        returns = f"{returns} | None"
    return replace(hint, parameters=parameters, returns=returns or hint.returns, is_result_shown=bool(returns))


def _completed_parameter(parameter: ParameterHint, values: Sequence[object]) -> ParameterHint:
    if not is_unsaid(parameter.annotation):
        return parameter
    shown = shown_annotation(values)
    return replace(parameter, annotation=shown, is_shown=True) if shown else parameter


def _without_code(text: str) -> str:
    """The words of a docstring: no doctests, no asserts."""
    return _ASSERT_LINE.sub("", _DOCTEST.sub("", text)).strip()


def _is_quoted_alone(text: str) -> bool:
    try:
        return len(module_of(text).body) == 1
    except NotPythonError:
        return False
