"""The rules of the house hold for every file, and each rule is shown to notice a violation."""

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from omniclaude_dagster.gates.registry import GATES
from tests.architecture import rules
from tests.architecture.rules import Source
from tests.unit.gates import test_gates_registry as gate_tests

ROOT = Path(__file__).resolve().parents[2]
# Rules about private networks cannot be tested without naming some; these are examples, nobody's hosts.
_NAMES_PRIVATE_ADDRESSES = ("tests/unit/providers/", "tests/unit/request/", "tests/architecture/")
Rule = Callable[[Source], list[str]]
RULES: tuple[Rule, ...] = (
    rules.layering_violations,
    rules.dagster_violations,
    rules.environment_violations,
    rules.size_violations,
    rules.docstring_violations,
    rules.init_violations,
    rules.future_annotation_violations,
)


@functools.cache
def checkout_files() -> tuple[str, ...]:
    """Every file of the checkout that git would keep; without git, what stands in the known folders."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        return tuple(sorted(p for p in listed.stdout.splitlines() if (ROOT / p).is_file()))
    known = ("omniclaude_dagster", "templates", "model_configs", "tests", "tools", "bench", "examples")
    found = (p for folder in known for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return tuple(sorted(p.relative_to(ROOT).as_posix() for p in found))


@functools.cache
def sources(*folders: str) -> tuple[Source, ...]:
    paths = [p for p in checkout_files() if p.endswith(".py") and p.split("/")[0] in folders]
    return tuple(Source(p, (ROOT / p).read_text(encoding="utf-8")) for p in paths if "tests/golden/trees/" not in p)


def own_sources() -> tuple[Source, ...]:
    found = sources(rules.PACKAGE)
    assert len(found) > 100
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_of_the_package_keeps_the_rule(rule: Rule) -> None:
    assert [problem for source in own_sources() for problem in rule(source)] == []


@pytest.mark.parametrize("rule", [rules.size_violations, rules.docstring_violations], ids=lambda rule: rule.__name__)
def test_tests_and_tools_keep_sizes_and_docstrings_too(rule: Rule) -> None:
    found = [problem for source in sources("tests", "tools", "bench") for problem in rule(source)]
    assert found == []


def test_no_file_holds_leftovers_machine_paths_or_private_addresses() -> None:
    problems = []
    for path in checkout_files():
        raw = (ROOT / path).read_bytes()
        if b"\0" in raw:
            continue
        may_name = path.startswith(_NAMES_PRIVATE_ADDRESSES)
        problems += rules.text_violations(path, raw.decode("utf-8"), may_name_private_addresses=may_name)
    assert problems == []


def test_every_room_is_in_the_order() -> None:
    assert {source.room for source in own_sources()} - {""} <= set(rules.RANKS)


def test_every_gate_has_something_that_it_refuses() -> None:
    tables = (gate_tests.REFUSED_REQUESTS, gate_tests.REFUSED_BUNDLES, gate_tests.REFUSED_ANSWERS)
    assert {gate.id for gate in GATES} == {gate_id for table in tables for gate_id in table}


def in_room(room: str, text: str) -> Source:
    return Source(f"omniclaude_dagster/{room}/module.py", f'"""Docstring."""\n{text}\n')


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.layering_violations, in_room("request", "from omniclaude_dagster.node.bundle import NodeBundle")),
        (rules.layering_violations, in_room("gates", "import omniclaude_dagster.artifact.store")),
        (rules.layering_violations, in_room("stages", "from omniclaude_dagster import records")),
        (rules.layering_violations, in_room("stages", "from ..records import schema")),
        (rules.layering_violations, in_room("stages", "def f():\n    from omniclaude_dagster import pipeline")),
        (rules.layering_violations, in_room("defs", "from omniclaude_dagster.surfaces.cli import main")),
        (rules.layering_violations, in_room("surfaces", "from omniclaude_dagster.defs import assembly")),
        (rules.layering_violations, in_room("surfaces", "from omniclaude_dagster.definitions import defs")),
        (rules.layering_violations, in_room("sandbox/harness", "from omniclaude_dagster.sandbox import model")),
        (rules.layering_violations, in_room("unheard_of", "from omniclaude_dagster import errors")),
        (
            rules.layering_violations,
            Source("omniclaude_dagster/errors.py", "from omniclaude_dagster.settings import Settings"),
        ),
        (rules.layering_violations, Source("omniclaude_dagster/__init__.py", "import os")),
        (rules.dagster_violations, in_room("stages", "import dagster as dg")),
        (rules.dagster_violations, in_room("surfaces", "def f():\n    from dagster_webserver import app")),
        (rules.environment_violations, in_room("providers", "import os\nKEY = os.environ['KEY']")),
        (rules.environment_violations, in_room("providers", "import os\nKEY = os.getenv('KEY')")),
        (rules.environment_violations, in_room("providers", "from os import environ")),
        (rules.environment_violations, in_room("sandbox", "import os\nENV = dict(os.environ)")),
        (rules.environment_violations, in_room("sandbox/harness", "import os\nENV = {**os.environ}")),
        (rules.size_violations, in_room("stages", "\n" * 501)),
        (rules.size_violations, in_room("stages", "def f():\n" + "    x = 1\n" * 80)),
        (rules.docstring_violations, Source("omniclaude_dagster/stages/x.py", "X = 1\n")),
        (rules.docstring_violations, Source("omniclaude_dagster/stages/__init__.py", "X = 1\n")),
        (rules.init_violations, Source("omniclaude_dagster/stages/__init__.py", '"""Doc."""\nX = 1\n')),
        (rules.future_annotation_violations, in_room("defs", "from __future__ import annotations")),
    ],
)
def test_a_violation_is_noticed(rule: Rule, source: Source) -> None:
    assert len(rule(source)) == 1


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (
            rules.layering_violations,
            in_room("surfaces", "def f():\n    from omniclaude_dagster.definitions import run"),
        ),
        (rules.layering_violations, in_room("artifact", "from omniclaude_dagster.gates.report import GateReport")),
        (rules.layering_violations, in_room("stages", "from ..artifact import store\nfrom . import model")),
        (rules.dagster_violations, in_room("defs", "import dagster as dg")),
        (rules.environment_violations, in_room("sandbox/harness", "import os\nos.environ['HOME'] = '/tmp'")),
        (rules.environment_violations, in_room("sandbox/harness", "import os\nos.environ.update(HOME='/tmp')")),
        (rules.docstring_violations, Source("omniclaude_dagster/stages/__init__.py", "")),
        (rules.future_annotation_violations, in_room("stages", "from __future__ import annotations")),
    ],
)
def test_what_is_allowed_is_not_noticed(rule: Rule, source: Source) -> None:
    assert rule(source) == []


@pytest.mark.parametrize(
    "line",
    [
        "# TO" + "DO: later",
        "# FIX" + "ME",
        "path = '/ho" + "me/ada/x'",
        "path = '/wo" + "rk/main'",
        "path = '/Us" + "ers/ada'",
        "host = '192" + ".168.7.1'",
        "host = 'http://10.1.2.3:80'",
        "host = '172.20.0.1'",
    ],
)
def test_a_leftover_a_machine_path_and_a_private_address_are_noticed(line: str) -> None:
    assert len(rules.text_violations("some/file.txt", f"good\n{line}\n")) == 1


@pytest.mark.parametrize("line", ["127.0.0.1", "version 0.10.1.2.3", "0.0.0.0", "docs/work/x", "todo list", "1.10.0.0"])
def test_what_only_looks_like_one_is_not_noticed(line: str) -> None:
    assert rules.text_violations("some/file.txt", line) == []
