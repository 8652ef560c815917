"""The prepared type checker against a plain run of mypy in the same sandbox: the same findings, for good and bad code.

The prepared one is nine times faster because it skips reading the libraries' cache; it must skip nothing else.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.sandbox.isolation import new_enclosure
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits
from omniclaude_dagster.sandbox.type_cache import CACHE_NAME, ensure_cache
from omniclaude_dagster.sandbox.worker import Worker
from omniclaude_dagster.settings import load_settings
from tests.sandbox.conftest import BubblewrapSandbox
from tests.support.reference_nodes import reference_bundle

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("prepared-types")]

PACKAGE = "p"
LIMITS = SandboxLimits(wall_s=90, cpu_s=90)
CLEAN = "def f(x: int) -> int:\n    return x\n"
CYCLE = {
    "a.py": "from __future__ import annotations\n\nfrom . import b\n\n\ndef f(x: b.B) -> int:\n    return x.missing\n",
    "b.py": "from . import a\n\n\nclass B:\n    value: int = a.f(3)\n",
}
BROKEN: dict[str, dict[str, str]] = {
    "wrong argument": {"a.py": "from pydantic import BaseModel\n\n\nclass M(BaseModel):\n    x: int\n\n\nM(y=1)\n"},
    "no annotation": {"a.py": "def f(x):\n    return x\n"},
    "unused ignore": {"a.py": "x: int = 1  # type: ignore[assignment]\n"},
    "missing module": {"a.py": "import nosuchmodule\nfrom redis import Redis\n"},
    "module of the harness": {"a.py": "import type_seed\nimport prepared_root\nimport child\n"},
    "library outside the seed": {"a.py": "import sqlalchemy\n\nx: int = sqlalchemy.text('a')\n"},
    "standard library outside the seed": {"a.py": "import xmlrpc.client\n\nx: int = xmlrpc.client.dumps(())\n"},
    "module that only functions of libraries import": {
        "a.py": "from email.utils import parsedate_to_datetime\n"
        "from omnibase_core.models.common.model_typed_mapping import ModelTypedMapping\n\n"
        "x: int = parsedate_to_datetime('')\ny: int = ModelTypedMapping\n"
    },
    "submodule nobody imported": {"a.py": "import omnibase_core\n\nomnibase_core.nodes.node_effect.NodeEffect()\n"},
    "invented symbol": {"a.py": "from omnibase_core.nodes.node_effect import NodeEffekt\n"},
    "cycle": CYCLE,
    "stub beside the module": {"a.py": "x = 1\n", "a.pyi": "x: str\n", "b.py": "from .a import x\n\ny: int = x\n"},
    "folder without __init__": {"sub/a.py": "x: int = ''\n", "b.py": "from .sub.a import x\n\ny: str = x\n"},
    "unreachable override": {
        "a.py": "class A:\n    def f(self) -> int: ...\n\n\nclass B(A):\n    def f(self) -> str: ...\n"
    },
    "protocol": {
        "a.py": "from typing import Protocol\n\n\nclass P(Protocol):\n    def close(self) -> int: ...\n\n\n"
        "def f(p: P) -> None: ...\n\n\nf(open('x'))\n"
    },
    "decorated generic": {
        "a.py": "from functools import cache\n\n\n@cache\ndef f(x: int) -> list[int]:\n    return [x]\n\n\nf('').no\n"
    },
    "syntax": {"a.py": "def f(:\n"},
    "inline options": {"a.py": "# mypy: ignore-errors\nx: int = ''\n"},
    "any from an untyped library": {
        "a.py": "import omnibase_core.nodes as n\n\n\ndef f() -> int:\n    return n.nothing\n"
    },
    "reveal": {"a.py": "import json\n\nreveal_type(json.loads('1'))\nx = json.loads('1')\ny: int = list('a')\n"},
    "two errors in two files": {"a.py": "x: int = ''\n", "b.py": "from .a import x\n\nx.upper()\n"},
}


@pytest.fixture(scope="module")
def plain(sandbox: BubblewrapSandbox) -> Iterator[Worker]:
    """A worker that was never told to prepare, so its type checks are plain runs of mypy."""
    sandbox.prepare_typecheck()
    worker = Worker(new_enclosure(cached={ensure_cache(load_settings().cache_path): CACHE_NAME}))
    yield worker
    worker.close()


def job(files: dict[str, str], package: str = PACKAGE) -> SandboxJob:
    content = {f"{package}/__init__.py": b"", **{f"{package}/{path}": text.encode() for path, text in files.items()}}
    return SandboxJob(task="typecheck", files=content, arguments={"package": package}, limits=LIMITS)


def findings(outcome: Any) -> Any:
    """What the type checker found, in no order, or how it ended."""
    if outcome.status != "ok":
        return outcome.status
    return sorted((e["file"], e["line"], e["code"], e["message"]) for e in outcome.result)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_code_gets_the_findings_of_a_plain_run(sandbox: BubblewrapSandbox, plain: Worker, name: str) -> None:
    prepared = findings(sandbox.run(job(BROKEN[name])))
    assert prepared == findings(plain.run(job(BROKEN[name]))[0].outcome())
    assert prepared


@pytest.mark.parametrize("kind", NodeKind)
def test_a_correct_node_is_clean_in_both(sandbox: BubblewrapSandbox, plain: Worker, kind: NodeKind) -> None:
    bundle = reference_bundle(kind)
    whole = job({path: content.decode() for path, content in bundle.files.items()}, bundle.package_name)
    assert findings(plain.run(whole)[0].outcome()) == findings(sandbox.run(whole)) == []


def test_a_package_named_like_a_library_is_refused_or_reported_in_both(
    sandbox: BubblewrapSandbox, plain: Worker
) -> None:
    same_name = job({"a.py": "x: int = ''\n"}, "json")
    assert findings(sandbox.run(same_name))
    assert findings(plain.run(same_name)[0].outcome())


def test_one_candidate_leaves_nothing_for_the_next(sandbox: BubblewrapSandbox) -> None:
    assert findings(sandbox.run(job({"a.py": "x: int = ''\n"}))) != []
    assert findings(sandbox.run(job({"a.py": CLEAN}))) == []
    assert findings(sandbox.run(job({"b.py": "from .a import f\n"}))) != []
