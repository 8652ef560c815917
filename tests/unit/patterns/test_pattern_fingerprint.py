"""Pairs of code that must have one fingerprint, and pairs that must not."""

import hashlib
import uuid
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from omniclaude_dagster.patterns.fingerprint import code_fingerprint, content_hash
from omniclaude_dagster.patterns.model import Pattern
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import pattern_for

OWN = ("ModelOrderInput", "ModelOrderOutput")


def fingerprint(code: str, **changes: Any) -> str:
    given: dict[str, Any] = {
        "function": "work",
        "own_classes": OWN,
        "node_kind": NodeKind.COMPUTE,
        "inputs": {"amount": "int"},
        "outputs": {"total": "int"},
    }
    return code_fingerprint(code, **(given | changes))


BASE = """
def work(data):
    total = 0
    for item in data.items:
        total = total + item.price * 2
    return total
"""

EQUAL = {
    "renamed locals": """
def work(x):
    y = 0
    for z in x.items:
        y = y + z.price * 2
    return y
""",
    "comments and layout": """
# a comment


def work(data):   # another
    total = 0

    for item in data.items:
        # a third
        total = (
            total
            + item.price * 2
        )
    return total
""",
    "reordered comments": """
def work(data):
    # second
    total = 0
    # first
    for item in data.items:
        total = total + item.price * 2
    return total
""",
    "docstrings": '''
"""Module."""


def work(data):
    """Add up."""
    total = 0
    for item in data.items:
        total = total + item.price * 2
    return total
''',
    "annotations": """
from __future__ import annotations

from typing import Any


def work(data: Any) -> int:
    total: int = 0
    for item in data.items:
        total = total + item.price * 2
    return total
""",
    "imports for types only": """
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


def work(data: "Decimal"):
    total = 0
    for item in data.items:
        total = total + item.price * 2
    return total
""",
    "unused imports": "import json\n" + BASE,
}

DIFFERENT = {
    "another constant": BASE.replace("* 2", "* 3"),
    "a float for a whole number": BASE.replace("* 2", "* 2.0"),
    "another attribute": BASE.replace(".price", ".cost"),
    "another operator": BASE.replace("+ item", "- item"),
    "another result": BASE.replace("return total", "return item"),
    "one more statement": BASE.replace("    return", "    total = abs(total)\n    return"),
    "another builtin": BASE.replace("item.price * 2", "abs(item.price * 2)"),
    "async": BASE.replace("def work", "async def work"),
    "a default": BASE.replace("(data)", "(data=None)"),
    "keyword only": BASE.replace("(data)", "(*, data)"),
    "variable used where another was": BASE.replace("total + item.price", "total + data.price"),
}


@pytest.mark.parametrize("code", EQUAL.values(), ids=EQUAL.keys())
def test_what_only_readers_see_changes_nothing(code: str) -> None:
    assert fingerprint(code) == fingerprint(BASE)


@pytest.mark.parametrize("code", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_the_code_does_counts(code: str) -> None:
    assert fingerprint(code) != fingerprint(BASE)


PAIRS_EQUAL = {
    "renamed helper function": (
        "def work(a):\n    return _twice(a)\n\ndef _twice(n):\n    return n * 2\n",
        "def work(a):\n    return double(a)\n\ndef double(value):\n    return value * 2\n",
    ),
    "one name in two functions or two names": (
        "def work(a):\n    b = 1\n    return f(a, b)\n\ndef f(a, b):\n    return a + b\n",
        "def work(x):\n    y = 1\n    return g(x, y)\n\ndef g(p, q):\n    return p + q\n",
    ),
    "comprehension variables": (
        "def work(rows):\n    return [row.id for row in rows if row.ok]\n",
        "def work(rows):\n    return [r.id for r in rows if r.ok]\n",
    ),
    "comprehension variable named like an outer one": (
        "def work(x):\n    return [x * 2 for x in x.items]\n",
        "def work(x):\n    return [y * 2 for y in x.items]\n",
    ),
    "nested comprehensions": (
        "def work(m):\n    return {k: [v for v in row] for k, row in m.items()}\n",
        "def work(t):\n    return {a: [c for c in b] for a, b in t.items()}\n",
    ),
    "nested functions and closures": (
        "def work(n):\n    def inner(k):\n        return k + n\n    return inner(1)\n",
        "def work(m):\n    def add(j):\n        return j + m\n    return add(1)\n",
    ),
    "nonlocal": (
        "def work(n):\n    c = 0\n    def up():\n        nonlocal c\n        c += n\n    up()\n    return c\n",
        "def work(m):\n    d = 0\n    def inc():\n        nonlocal d\n        d += m\n    inc()\n    return d\n",
    ),
    "global names": (
        "COUNT = 0\n\ndef work(n):\n    global COUNT\n    COUNT += n\n    return COUNT\n",
        "SEEN = 0\n\ndef work(n):\n    global SEEN\n    SEEN += n\n    return SEEN\n",
    ),
    "lambda parameters": (
        "def work(rows):\n    return sorted(rows, key=lambda row: row.age)\n",
        "def work(rows):\n    return sorted(rows, key=lambda r: r.age)\n",
    ),
    "import under another name": (
        "import math\n\ndef work(n):\n    return math.sqrt(n)\n",
        "import math as m\n\ndef work(n):\n    return m.sqrt(n)\n",
    ),
    "import of a module or of its function": (
        "import math\n\ndef work(n):\n    return math.sqrt(n)\n",
        "from math import sqrt as root\n\ndef work(n):\n    return root(n)\n",
    ),
    "order of imports": (
        "import json\nimport math\n\ndef work(n):\n    return json.dumps(math.pi * n)\n",
        "import math\nimport json\n\ndef work(n):\n    return json.dumps(math.pi * n)\n",
    ),
    "import inside the function": (
        "import json\n\ndef work(n):\n    return json.dumps(n)\n",
        "def work(n):\n    import json\n    return json.dumps(n)\n",
    ),
    "module constant's name": (
        "_LIMIT = 5\n\ndef work(n):\n    return min(n, _LIMIT)\n",
        "MOST = 5\n\ndef work(n):\n    return min(n, MOST)\n",
    ),
    "exception variable": (
        "def work(n):\n    try:\n        return n\n    except OSError as exc:\n        raise ValueError from exc\n",
        "def work(n):\n    try:\n        return n\n    except OSError as err:\n        raise ValueError from err\n",
    ),
    "names bound by a match": (
        "def work(n):\n match n:\n  case {'a': x, **rest}:\n   return x, rest\n  case [y, *z]:\n   return y, z\n",
        "def work(k):\n match k:\n  case {'a': p, **q}:\n   return p, q\n  case [r, *s]:\n   return r, s\n",
    ),
    "walrus": (
        "def work(n):\n    return [y for x in n if (y := x.id)], y\n",
        "def work(n):\n    return [b for a in n if (b := a.id)], b\n",
    ),
    "with and star arguments": (
        "def work(*args, **kwargs):\n    with open(args[0]) as f:\n        return f, kwargs\n",
        "def work(*a, **k):\n    with open(a[0]) as g:\n        return g, k\n",
    ),
    "own class of the code": (
        "class Box:\n    def size(self):\n        return 1\n\ndef work(n):\n    return Box().size()\n",
        "class Crate:\n    def size(me):\n        return 1\n\ndef work(n):\n    return Crate().size()\n",
    ),
    "pass or only a docstring": ("def work(n):\n    pass\n", 'def work(n):\n    """Nothing."""\n'),
    "import with a fallback": (
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None\n\ndef work(n):\n    return np.abs(n)\n",
        "try:\n    import numpy as n\nexcept ImportError:\n    n = None\n\ndef work(x):\n    return n.abs(x)\n",
    ),
}

PAIRS_DIFFERENT = {
    "another imported function": (
        "from math import sqrt as f\n\ndef work(n):\n    return f(n)\n",
        "from math import exp as f\n\ndef work(n):\n    return f(n)\n",
    ),
    "another module in the fallback": (
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None\n\ndef work(n):\n    return np.abs(n)\n",
        "try:\n    import cupy as np\nexcept ImportError:\n    np = None\n\ndef work(n):\n    return np.abs(n)\n",
    ),
    "swapped variables": (
        "def work(a, b):\n    return a - b\n",
        "def work(a, b):\n    return b - a\n",
    ),
    "outer variable instead of the comprehension's": (
        "def work(x):\n    return [y for y in x]\n",
        "def work(x):\n    return [x for y in x]\n",
    ),
    "keyword name": (
        "def work(n):\n    return sorted(n, key=abs)\n",
        "def work(n):\n    return sorted(n, reverse=abs)\n",
    ),
    "method name": (
        "class A:\n    def f(self):\n        return 1\n\ndef work(n):\n    return n\n",
        "class A:\n    def g(self):\n        return 1\n\ndef work(n):\n    return n\n",
    ),
    "type of a class's field": (
        "class A:\n    x: int\n\ndef work(n):\n    return A\n",
        "class A:\n    x: str\n\ndef work(n):\n    return A\n",
    ),
    "global or local": (
        "C = 0\n\ndef work(n):\n    global C\n    C = n\n    return C\n",
        "C = 0\n\ndef work(n):\n    C = n\n    return C\n",
    ),
    "nonlocal or global": (
        "c = 0\n\ndef work(n):\n    c = 1\n    def up():\n        nonlocal c\n        c = n\n    up()\n    return c\n",
        "c = 0\n\ndef work(n):\n    c = 1\n    def up():\n        global c\n        c = n\n    up()\n    return c\n",
    ),
    "true, one and 1.0": ("def work(n):\n    return 1\n", "def work(n):\n    return True\n"),
    "text and bytes": ("def work(n):\n    return 'a'\n", "def work(n):\n    return b'a'\n"),
    "which function is asked": (
        "def work(n):\n    return 1\n\ndef other(n):\n    return 2\n",
        "def other(n):\n    return 1\n\ndef work(n):\n    return 2\n",
    ),
    "decorator": (
        "from functools import cache\n\n@cache\ndef work(n):\n    return n\n",
        "def work(n):\n    return n\n",
    ),
    "unknown names": ("def work(n):\n    return foo(n)\n", "def work(n):\n    return bar(n)\n"),
    "a global name that nobody binds, among a function's of that name": (
        "def work(n):\n    return zip(n)\n",
        "def work(n):\n    return map(n)\n",
    ),
}


@pytest.mark.parametrize(("one", "other"), PAIRS_EQUAL.values(), ids=PAIRS_EQUAL.keys())
def test_names_of_the_code_s_own_do_not_count(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), PAIRS_DIFFERENT.values(), ids=PAIRS_DIFFERENT.keys())
def test_different_work_has_different_fingerprints(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_the_name_of_the_asked_function_does_not_count() -> None:
    renamed = BASE.replace("work", "add_up")

    assert fingerprint(renamed, function="add_up") == fingerprint(BASE)


def own_code(name: str, *, imports: str = "") -> str:
    head = f"def work(data: Model{name}Input) -> Model{name}Output:"
    return f"{imports}{head}\n    return Model{name}Output(total=data.n)\n"


@pytest.mark.parametrize("imports", ["", "from .models import {i}, {o}\n\n\n", "from .models import ({i},\n    {o})\n"])
def test_two_nodes_with_classes_of_their_own_are_equal(imports: str) -> None:
    def of(name: str, imports: str) -> str:
        own = (f"Model{name}Input", f"Model{name}Output")
        return fingerprint(own_code(name, imports=imports.format(i=own[0], o=own[1])), own_classes=own)

    assert of("Cart", imports) == of("Order", "")


def test_own_classes_in_field_types_do_not_count_and_other_types_do() -> None:
    one = fingerprint(BASE, inputs={"items": "list[ModelOrderInput]"})
    other = fingerprint(BASE, inputs={"items": "list[ModelCartInput]"}, own_classes=("ModelCartInput",))

    assert one == other
    assert fingerprint(BASE, inputs={"items": "list[int]"}) != one


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": {"amount": "float"}},
        {"inputs": {"sum": "int"}},
        {"outputs": {"total": "float"}},
        {"inputs": {"total": "int"}, "outputs": {"amount": "int"}},
        {"node_kind": NodeKind.REDUCER},
    ],
)
def test_fields_and_kind_count(changes: dict[str, Any]) -> None:
    assert fingerprint(BASE, **changes) != fingerprint(BASE)


def test_the_order_of_fields_does_not_count() -> None:
    one = fingerprint(BASE, inputs={"a": "int", "b": "str"})

    assert fingerprint(BASE, inputs={"b": "str", "a": "int"}) == one


def test_a_fingerprint_is_the_same_in_every_release() -> None:
    """Ids of patterns follow from it: another way to write a tree down would double every library."""
    assert fingerprint(BASE) == "1aa2b6e4c389a1942b4bbcedfecfc0fa5fa274f4a8ec4b340748720908af80e8"


@pytest.mark.parametrize(
    "code",
    [
        "def other():\n    pass\n",
        "work = 5\n",
        "def work(:\n",
        "class work:\n    pass\n",
        "def work():\n    return " + "(" * 500 + ")" * 500,
        "def work():\n    return " + "-" * 5_000 + "1",
        "x = '\0'",
    ],
)
def test_code_that_cannot_be_used_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=r"function|Python|nested"):
        fingerprint(code)


def test_a_number_with_thousands_of_digits_has_a_fingerprint() -> None:
    assert len(fingerprint(f"def work():\n    return 0x{'f' * 10_000}\n")) == 64


def test_a_name_cannot_pass_for_structure() -> None:
    one = fingerprint("def work(n):\n    return n.a.b\n")

    assert fingerprint("def work(n):\n    return n.b.a\n") != one
    assert fingerprint("def work(n):\n    return 'n'\n") != fingerprint("def work(n):\n    return n\n")


CHANGED: dict[str, Any] = {
    "pattern_id": uuid.uuid4(),
    "pattern_type": "workflow",
    "node_kind": NodeKind.EFFECT,
    "systems": ("Redis",),
    "inputs": {"number": "float"},
    "outputs": {"other": "int"},
    "models": {"models/x.py": ""},
    "request": {"prompt": "x"},
    "examples": (),
    "quality_score": 0.97,
    "models_used": (),
    "reuse_conditions": ("x",),
}
NOT_CONTENT = {"content_hash", "source", "request_id", "correlation_id", "created_at"}


@pytest.mark.parametrize("name", sorted({f.name for f in fields(Pattern)} - NOT_CONTENT))
def test_every_field_of_the_content_is_in_its_hash(name: str) -> None:
    pattern = pattern_for("doubles a number")

    assert content_hash(replace(pattern, **{name: CHANGED.get(name, "changed")})) != content_hash(pattern)


def test_who_made_a_pattern_and_when_is_not_in_its_hash() -> None:
    pattern = pattern_for("doubles a number")
    other = replace(
        pattern,
        content_hash="x",
        source="import",
        request_id="another",
        correlation_id=uuid.uuid4(),
        created_at=datetime(2020, 1, 1, tzinfo=UTC),
    )

    assert content_hash(other) == content_hash(pattern)


def test_the_order_of_keys_does_not_change_the_hash() -> None:
    one = pattern_for("x", request={"a": 1, "b": {"c": 2, "d": 3}})
    other = pattern_for("x", request={"b": {"d": 3, "c": 2}, "a": 1})

    assert content_hash(one) == content_hash(other)
    assert len(content_hash(one)) == len(hashlib.sha256().hexdigest())
