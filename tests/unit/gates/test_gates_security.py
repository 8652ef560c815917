"""G-SEC by its text: what generated code has no business doing, and what it may do."""

import pytest

from omniclaude_dagster.gates.registry import run_post_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import NodeKind
from tests.support.reference_nodes import ScriptedSandbox, node_context, reference_bundle

C, E, R = NodeKind.COMPUTE, NodeKind.EFFECT, NodeKind.REDUCER


def judged(bundle: NodeBundle, sandbox: ScriptedSandbox | None = None) -> GateResult:
    return {r.gate: r for r in run_post_generation(node_context(bundle, sandbox))}["G-SEC"]


def logic(code: str, *, kind: NodeKind = C, path: str = "logic.py") -> GateResult:
    return judged(reference_bundle(kind).with_files({path: f'"""Logic."""\n{code}\n'.encode()}))


EVERYWHERE = [
    ("x = eval('1')", "uses eval"),
    ("exec('x = 1')", "uses exec"),
    ("f = eval", "uses eval"),
    ("list(map(eval, ['1']))", "uses eval"),
    ("compile('1', 'x', 'eval')", "uses compile"),
    ("__import__('os')", "uses __import__"),
    ("globals()['x'] = 1", "uses globals"),
    ("__builtins__", "uses __builtins__"),
    ("breakpoint()", "uses breakpoint"),
    ("input('?')", "reads from the terminal"),
    ("import importlib", "imports importlib"),
    ("import builtins", "imports builtins"),
    ("import subprocess", "imports subprocess"),
    ("from subprocess import run", "imports subprocess"),
    ("import pty", "imports pty"),
    ("import ctypes", "imports ctypes"),
    ("import pickle", "imports pickle"),
    ("import marshal", "imports marshal"),
    ("import threading", "imports threading"),
    ("import multiprocessing", "imports multiprocessing"),
    ("from concurrent.futures import ThreadPoolExecutor", "imports concurrent.futures"),
    ("import inspect", "imports inspect"),
    ("import gc", "imports gc"),
    ("import os\nos.system('id')", "uses os.system"),
    ("from os import system", "uses os.system"),
    ("import os as o\no.popen('id')", "uses os.popen"),
    ("import os\nos.fork()", "uses os.fork"),
    ("import os\nx = dict(os.environ)", "os.environ"),
    ("import os\nx = os.environ.get('HOME')", "os.environ"),
    ("import os\nx = os.getenv('HOME')", "os.getenv"),
    ("from os import environ", "uses os.environ"),
    ("import sys\nsys.modules['json'] = None", "uses sys.modules"),
    ("import sys\nsys._getframe()", "uses sys._getframe"),
    ("from sys import settrace", "uses sys.settrace"),
    ("import sys\nsys.exit(0)", "uses sys.exit"),
    ("import logging\nlogging.os.system('id')", "reaches os through logging"),
    ("from logging import os", "reaches the module os through logging"),
    ("from omnibase_core.models.x import subprocess", "reaches the module subprocess"),
    ("import json as j\nk = j", "passes the module j on as a value"),
    ("import json\njson.__dict__['x']", "reaches __dict__ through json"),
    ("x = ().__class__.__base__.__subclasses__()", "reaches into Python through __subclasses__"),
    ("def f(): ...\nx = f.__globals__", "__globals__"),
    ("x = (1).__reduce_ex__(2)", "__reduce_ex__"),
    ("def g(n: str) -> object:\n    return getattr(g, n)", "getattr with a computed name"),
    ("getattr(print, '__self__')", "uses getattr to reach __self__"),
    ("setattr(print, '__x', 1)", "uses setattr to reach __x"),
    ("f = getattr", "passes getattr on as a value"),
    ("import operator\noperator.attrgetter('__class__')", "uses operator.attrgetter to reach __class__"),
    ("x = '{0.__class__}'.format(1)", "a string that reaches for __class__"),
    ("PATH = '/proc/1/environ'", "protected path /proc"),
    ("PATH = '/etc/shadow'", "protected path /etc/"),
    ("PATH = '~/.ssh/id_ed25519'", "protected path"),
    ("import asyncio\nasyncio.create_subprocess_shell('id')", "uses asyncio.create_subprocess_shell"),
    ("def f(loop: object) -> None:\n    loop.subprocess_exec('id')", "uses subprocess_exec"),
    ("import time\nasync def f() -> None:\n    time.sleep(1)", "blocks the event loop"),
    ("from time import sleep as nap\nasync def f() -> None:\n    nap(1)", "blocks the event loop"),
    ("from .tests.helper import x", "imports from the node's tests"),
    ("from . import tests", "imports from the node's tests"),
    ("from node_tax_compute.tests import x", "imports from the node's tests"),
    ("from omnibase_core.cli import x", "a part of the framework"),
    ("import requests", "imports requests"),
    ("from omnibase_core.nodes import node_compute as n\nn.os.system('id')", "reaches os through"),
    ("import json\njson.codecs.open('x')", "reaches codecs through json"),
    ("match print:\n    case object(__self__=x):\n        pass", "__self__"),
    ("from omnibase_core.utils.util_file_io import x", "a part of the framework"),
    ("from types import CodeType", "uses types.CodeType"),
]
PURE = [
    ("import socket", "imports socket"),
    ("import httpx", "imports httpx"),
    ("import urllib.request", "urllib.request"),
    ("from urllib import request", "urllib.request"),
    ("import http.client", "imports http.client"),
    ("import sqlite3", "imports sqlite3"),
    ("import psycopg", "imports psycopg"),
    ("open('x')", "opens a file"),
    ("import io\nio.open('x')", "uses io.open"),
    ("from pathlib import Path", "uses pathlib.Path"),
    ("import tempfile", "imports tempfile"),
    ("import shutil", "imports shutil"),
    ("import os\nos.remove('x')", "uses os.remove"),
    ("import asyncio\nasyncio.open_connection('x', 1)", "uses asyncio.open_connection"),
    ("import asyncio\nasyncio.to_thread(print)", "uses asyncio.to_thread"),
    ("def f(loop: object) -> None:\n    loop.create_connection()", "uses create_connection"),
    ("import logging\nlogging.FileHandler('x')", "uses logging.FileHandler"),
    ("import logging\nlogging.basicConfig(filename='x')", "logs to a file"),
]


@pytest.mark.parametrize("kind", list(NodeKind))
def test_a_correct_node_passes(kind: NodeKind) -> None:
    assert judged(reference_bundle(kind), ScriptedSandbox()).status == "pass"


@pytest.mark.parametrize(("code", "named"), EVERYWHERE)
@pytest.mark.parametrize("kind", [C, E])
def test_what_no_node_may_do_is_refused_with_its_place(kind: NodeKind, code: str, named: str) -> None:
    code = code.replace("node_tax_compute", reference_bundle(kind).package_name)
    found = logic(code, kind=kind)
    assert (found.status, found.is_blocking) == ("fail", True)
    assert named in found.message
    assert "logic.py:" in found.message


@pytest.mark.parametrize(("code", "named"), PURE)
@pytest.mark.parametrize("kind", [C, R, NodeKind.ORCHESTRATOR])
def test_files_and_network_are_only_for_effects(kind: NodeKind, code: str, named: str) -> None:
    found = logic(code, kind=kind)
    assert found.status == "fail"
    assert named in found.message
    assert logic(code, kind=E).status == "skipped"


@pytest.mark.parametrize(
    "code",
    [
        "import re\nX = re.compile('a')",
        "import math\nimport itertools\nfrom collections import Counter\nX = Counter(itertools.chain('a'))",
        "import sys\nLIMIT = sys.maxsize",
        "from datetime import UTC, datetime\nNOW = datetime.now(UTC)",
        "import asyncio\nasync def f() -> None:\n    await asyncio.sleep(0)",
        "import time\ndef f() -> None:\n    time.sleep(0)",
        "def f(x: object) -> object:\n    return getattr(x, 'name')",
        "def f(input: str) -> str:\n    return input.upper()",
        "import os\nPath = os.PathLike",
        "from pathlib import PurePosixPath",
        "from urllib.parse import urlsplit",
        "from omnibase_core.event_bus.event_bus_inmemory import EventBusInmemory",
        "from .models import ModelTaxInput",
        "from omnibase_core.utils.util_uuid_service import UtilUUID",
        "def f() -> str:\n    '''Never reads /etc/passwd or __class__.'''\n    return ''",
        "import json\nX = json.dumps({})",
    ],
)
def test_ordinary_computing_is_no_offence(code: str) -> None:
    assert logic(code).status == "skipped"


@pytest.mark.parametrize(
    ("code", "is_allowed"),
    [
        ("import os\nX = os.environ.get('APP_PORT')", True),
        ("import os\nX = os.environ['APP_PORT']", True),
        ("from os import environ\nX = environ.get('APP_PORT')", True),
        ("import os\nX = os.getenv('APP_PORT', '1')", True),
        ("import os\nX = dict(os.environ)", False),
        ("import os\nX = os.environ.copy()", False),
        ("import os\nX = os.environ.items()", False),
        ("import os\nX = [k for k in os.environ]", False),
        ("from os import environ\nX = {**environ}", False),
        ("import os\nos.environ['APP_PORT'] = '1'", False),
        ("import os\nN = 'A'\nX = os.environ.get(N)", False),
        ("import os\nN = 'A'\nX = os.getenv(N)", False),
        ("import os\nX = os.environ", False),
    ],
)
@pytest.mark.parametrize("path", ["start_node.py", "models/model_app_config.py"])
def test_configuration_reads_single_named_variables_only(path: str, code: str, *, is_allowed: bool) -> None:
    assert logic(code, path=path).status == ("skipped" if is_allowed else "fail")


@pytest.mark.parametrize(
    ("code", "is_allowed"),
    [
        ("import argparse, asyncio, logging, signal, sys, json\nX = sys.argv", True),
        ("import sys\nfrom pathlib import Path\nsys.path.insert(0, str(Path(__file__).parent))", True),
        ("import sys\nsys.modules.clear()", False),
        ("import subprocess", False),
        ("import socket", False),
    ],
)
def test_the_start_script_may_be_a_program_but_no_more(code: str, *, is_allowed: bool) -> None:
    assert logic(code, path="start_node.py").status == ("skipped" if is_allowed else "fail")
    assert logic("import argparse").status == "fail"


@pytest.mark.parametrize(
    "path",
    ["conftest.py", "tests/conftest.py", "mypy.ini", "sitecustomize.py", "hook.pth", "lib.so", "a.pyc", "setup.cfg"],
)
def test_files_that_configure_tools_or_hide_code_are_refused(path: str) -> None:
    found = judged(reference_bundle(C).with_files({path: b"x = 1\n"}))
    assert found.status == "fail"
    assert path in found.message


def test_documents_and_data_are_allowed() -> None:
    files = {"README.md": b"# Node\n", "py.typed": b"", "node.manifest.yaml": b"a: 1\n", "data.json": b"{}"}
    assert judged(reference_bundle(C).with_files(files)).status == "skipped"


def test_the_node_s_own_tests_may_do_more() -> None:
    files = {"tests/test_node.py": b"import os\nimport pytest\nX = dict(os.environ)\n"}
    assert judged(reference_bundle(C).with_files(files)).status == "skipped"


def test_an_endless_loop_without_a_way_out_is_a_warning() -> None:
    bundle = reference_bundle(C).with_files({"logic.py": b"def f() -> None:\n    while True:\n        pass\n"})
    found = judged(bundle, ScriptedSandbox())
    assert found.status == "warn"
    assert "logic.py:2" in found.message
    ending = b"def f() -> int:\n    while True:\n        return 1\n"
    assert judged(reference_bundle(C).with_files({"logic.py": ending}), ScriptedSandbox()).status == "pass"


@pytest.mark.parametrize(
    ("issue", "status"),
    [
        ({"file": "node_tax_compute/logic.py", "line": 3, "code": "S608", "message": "SQL injection"}, "fail"),
        ({"file": "node_tax_compute/logic.py", "line": 3, "code": "S311", "message": "random"}, "pass"),
        ({"file": "node_tax_compute/logic.py", "line": 3, "code": "SIM102", "message": "nested if"}, "pass"),
        ({"file": "node_tax_compute/tests/test_node.py", "line": 3, "code": "S105", "message": "password"}, "pass"),
    ],
)
def test_ruff_s_security_findings_in_the_node_count(issue: dict[str, object], status: str) -> None:
    found = judged(reference_bundle(C), ScriptedSandbox({"lint": [issue]}))
    assert found.status == status
    if status == "fail":
        assert "logic.py:3: SQL injection [S608]" in found.message
