"""Nodes that do what generated code has no business doing: hidden network calls, secrets, processes, evaluated text."""

from omniclaude_dagster.benchmark.node_mutants.editing import at_import, at_start, both, replaced, written
from omniclaude_dagster.benchmark.node_mutants.model import Fault

PURE = ("golden-compute", "pricing")

NETWORK = (
    Fault(
        "socket",
        "a computation opens a socket",
        "G-SEC",
        (*PURE, "golden-reducer"),
        at_start('import socket\nsocket.create_connection(("localhost", 1), timeout=1)'),
    ),
    Fault(
        "urllib",
        "a computation fetches a page",
        "G-SEC",
        PURE,
        at_start('urllib.request.urlopen("http://localhost:1")', imports="import urllib.request"),
    ),
    Fault(
        "httpx",
        "a computation posts its input",
        "G-SEC",
        ("vat",),
        at_start('import httpx\nhttpx.post("http://localhost:1", json={})'),
    ),
    Fault(
        "http.client",
        "a reducer opens a connection",
        "G-SEC",
        ("sums",),
        at_start('from http.client import HTTPConnection\nHTTPConnection("localhost").request("GET", "/")'),
    ),
    Fault(
        "asyncio streams",
        "a computation opens a connection through the event loop",
        "G-SEC",
        PURE,
        at_start('asyncio.open_connection("localhost", 1)', imports="import asyncio"),
    ),
    Fault(
        "by __import__",
        "the module's name is put together",
        "G-SEC",
        PURE,
        at_start('__import__("soc" + "ket").create_connection(("localhost", 1))'),
    ),
    Fault(
        "by getattr",
        "the function's name is put together",
        "G-SEC",
        ("golden-compute", "vat"),
        at_start('getattr(json, "dec" + "oder")', imports="import json"),
    ),
    Fault(
        "by another module",
        "a module reached through one that is allowed",
        "G-SEC",
        ("golden-reducer", "pricing"),
        at_start('logging.os.system("id")', imports="import logging"),
    ),
    Fault(
        "by importlib",
        "a module imported by its name at run time",
        "G-SEC",
        ("sums",),
        at_start('import importlib\nimportlib.import_module("socket")'),
    ),
    Fault(
        "orchestrator calls out",
        "an orchestrator talks to the network itself",
        "G-SEC",
        ("golden-orchestrator", "flow"),
        at_import("import socket\n\nPROBE = socket.AF_INET"),
    ),
)

SECRETS = (
    Fault(
        "environment dump",
        "the whole environment is printed",
        "G-SEC",
        (*PURE, "files"),
        at_start("import os\nprint(dict(os.environ))"),
    ),
    Fault(
        "environment copied",
        "the environment is copied by unpacking",
        "G-SEC",
        ("golden-effect", "http"),
        at_start("import os\nvalues = {**os.environ}"),
    ),
    Fault(
        "one variable",
        "a computation reads the environment",
        "G-SEC",
        ("vat",),
        at_start('import os\nkey = os.getenv("AWS_SECRET_ACCESS_KEY")'),
    ),
    Fault(
        "reads a file",
        "a computation reads the password file",
        "G-SEC",
        PURE,
        at_start('print(open("/etc/passwd").read())'),
    ),
    Fault(
        "pathlib",
        "a computation reads a file through pathlib",
        "G-SEC",
        ("golden-reducer", "vat"),
        at_start('from pathlib import Path\nPath("data.csv").read_text()'),
    ),
    Fault(
        "private key",
        "an effect reads a private key",
        "G-SEC",
        ("golden-effect", "files"),
        at_start('from pathlib import Path\nPath("~/.ssh/id_rsa").expanduser().read_text()'),
    ),
    Fault(
        "process environment",
        "the environment by way of /proc",
        "G-SEC",
        ("rows",),
        at_start('open("/proc/self/environ").read()'),
    ),
)

EXECUTION = (
    Fault("eval", "text is evaluated", "G-SEC", PURE, at_start('eval("1 + 1")')),
    Fault("exec", "text is executed", "G-SEC", ("golden-effect", "vat"), at_start('exec("x = 1")')),
    Fault("compile", "text is compiled", "G-SEC", ("sums",), at_start('compile("1", "x", "eval")')),
    Fault(
        "eval by another name",
        "eval is passed on as a value",
        "G-SEC",
        ("golden-compute",),
        at_start('run = eval\nrun("1")'),
    ),
    Fault(
        "subprocess",
        "a program is started",
        "G-SEC",
        ("golden-compute", "files"),
        at_start('import subprocess\nsubprocess.run(["id"], check=False)'),
    ),
    Fault(
        "os.system", "a shell is started", "G-SEC", ("golden-effect", "pricing"), at_start('import os\nos.system("id")')
    ),
    Fault(
        "asyncio process",
        "a program is started through the event loop",
        "G-SEC",
        ("http",),
        at_start('import asyncio\nawait asyncio.create_subprocess_shell("id")'),
    ),
    Fault(
        "ctypes",
        "the C library is called",
        "G-SEC",
        ("golden-compute", "vat"),
        at_start("import ctypes\nctypes.CDLL(None).getpid()"),
    ),
    Fault(
        "pickle",
        "pickled bytes are loaded",
        "G-SEC",
        ("golden-effect", "rows"),
        at_start('import pickle\npickle.loads(b"N.")'),
    ),
    Fault(
        "marshal", "marshalled code is loaded", "G-SEC", ("pricing",), at_start('import marshal\nmarshal.loads(b"N")')
    ),
    Fault(
        "subclasses",
        "every class of the process is reached",
        "G-SEC",
        ("golden-compute", "sums"),
        at_start("print(().__class__.__base__.__subclasses__())"),
    ),
    Fault(
        "frames",
        "the caller's variables are reached",
        "G-SEC",
        ("golden-reducer",),
        at_start("import sys\nprint(sys._getframe(1).f_globals)"),
    ),
    Fault(
        "format string",
        "an object is taken apart by a format string",
        "G-SEC",
        ("vat",),
        at_start('print("{0.__class__.__init__.__globals__}".format(1))'),
    ),
    Fault(
        "early exit",
        "the process is ended before anything can fail",
        "G-SEC",
        ("golden-compute", "pricing"),
        at_start("import os\nos._exit(0)"),
    ),
    Fault(
        "thread",
        "a thread that outlives the call",
        "G-SEC",
        ("golden-reducer",),
        at_start("import threading\nthreading.Thread(target=print).start()"),
    ),
    Fault(
        "YAML load",
        "YAML that builds any object",
        "G-SEC",
        ("files",),
        at_start('import yaml\nyaml.load("a: 1", Loader=yaml.UnsafeLoader)'),
    ),
    Fault(
        "SQL by text",
        "a statement put together from the input",
        "G-SEC",
        ("rows",),
        at_start("statement = f\"SELECT * FROM users WHERE name = '{request}'\""),
    ),
    Fault(
        "finding silenced",
        "a comment that hides what the linter says about security",
        "G-SEC",
        ("rows",),
        at_start("statement = f\"SELECT * FROM users WHERE name = '{request}'\"  # noqa: S608"),
    ),
    Fault(
        "linter silenced",
        "a comment that turns the linter off for the file",
        "G-SEC",
        ("golden-effect",),
        replaced("node.py", r"\A", "# ruff: noqa\n"),
    ),
    Fault(
        "certificate not checked",
        "TLS without verifying the other side",
        "G-SEC",
        ("http",),
        at_start("import httpx\nhttpx.Client(verify=False)"),
    ),
    Fault(
        "code hidden in tests",
        "the node imports from its tests, which nobody judges",
        "G-SEC",
        ("golden-compute", "vat"),
        both(
            written("tests/__init__.py", "VALUE = 1\n"),
            replaced("node.py", r"^from \.models", "from .tests import VALUE as VALUE\nfrom .models"),
        ),
    ),
    Fault(
        "event loop blocked",
        "an async function sleeps",
        "G-SEC",
        ("golden-effect",),
        at_start("import time\ntime.sleep(0.01)"),
    ),
)
