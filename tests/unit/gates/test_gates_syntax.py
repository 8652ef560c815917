"""G9: what is refused before any other gate reads a file."""

import pytest

from omniclaude_dagster.gates.registry import run_post_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.gates.source import parse_python, parse_yaml
from omniclaude_dagster.node.bundle import MAX_FILE_BYTES
from omniclaude_dagster.request.model import NodeKind
from tests.support.reference_nodes import node_context, reference_bundle

GOOD = '"""Text."""\n\nVALUE = 1\n'


def judged(path: str, content: bytes) -> GateResult:
    bundle = reference_bundle(NodeKind.COMPUTE).with_files({path: content})
    return run_post_generation(node_context(bundle))[0]


@pytest.mark.parametrize("kind", list(NodeKind))
def test_a_correct_node_passes(kind: NodeKind) -> None:
    assert run_post_generation(node_context(reference_bundle(kind)))[0].status == "pass"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"x = (\n", "logic.py:1"),
        (b"\n\ndef f(:\n", "logic.py:3"),
        (b"x = 1\n" * 100_000, "at most"),
        (b"x = '" + b"a" * MAX_FILE_BYTES + b"'", "at most"),
        (b"x = 1\ny = '\xff'\n", "logic.py:2: is not valid UTF-8"),
        (b"# -*- coding: utf-7 -*-\nx = 1\n", "logic.py:1: declares the encoding 'utf-7'"),
        (b"#!/usr/bin/env python\n# vim: set fileencoding=latin-1 :\nx = 1\n", "logic.py:2: declares the encoding"),
        (b"\x0c# coding: utf_7\nx = 1\n", "logic.py:1: declares the encoding"),
        (b"#\r# coding: utf-7\rx = 1\n", "logic.py:2: declares the encoding"),
        (b"\xef\xbb\xbfx = 1\n", "byte order mark"),
        ("x = 1\n".encode("utf-16"), "byte order mark"),
        (b"x = 1\ny = '\0'\n", "logic.py:2: contains a NUL"),
        ("x = 1\n# \u202e hidden\n".encode(), "logic.py:2: contains the hidden character U+202E"),
        ("x = '\u2066'\n".encode(), "U+2066"),
        ("x = 1  # a\u2028import os\n".encode(), "U+2028"),
        ("x = '\u200b'\n".encode(), "U+200B"),
        (b"x = 1  # a\rimport os\n", "U+000D"),
        (b"x = 1\x1b[2K\n", "U+001B"),
        ("x = 1\nｅval = 2\n".encode(), "logic.py:2: the name"),
        ("аdmin = True\n".encode(), "logic.py:1: the name"),
        (b"(" * 5000, "logic.py"),
        (b"x = " + b"-" * 100_000 + b"1\n", "too deeply"),
        (b"x = y" + b".a" * 50_000 + b"\n", "too deeply"),
        (b"x = 1" + b"+1" * 1000 + b"\n", "deeper than"),
        (b"if a:\n pass\n" + b"elif a:\n pass\n" * 300, "deeper than"),
    ],
)
def test_a_deceptive_or_broken_file_fails_with_its_place(content: bytes, place: str) -> None:
    found = judged("logic.py", content)
    assert (found.status, found.is_blocking) == ("fail", True)
    assert place in found.message


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "# -*- coding: utf-8 -*-\n" + GOOD,
        GOOD.replace("\n", "\r\n"),
        "TEXT = 'Grüße, 你好, שלום'\n",
        "TEXT = '👩\u200d🚀'\n",
        "PATTERN = '\\d'\n",
        "x = " + "[" * 60 + "]" * 60 + "\n",
    ],
)
def test_ordinary_text_of_any_language_is_no_offence(text: str) -> None:
    source, problems = parse_python("logic.py", text.encode())
    assert problems == ()
    assert source is not None


def test_every_python_file_is_read_also_the_tests() -> None:
    assert "tests/test_node.py:1" in judged("tests/test_node.py", b"def f(:\n").message


def test_a_missing_or_empty_node_fails() -> None:
    assert judged("node.py", b"").status == "fail"
    assert "empty" in judged("node.py", b'"""Only a text."""\n').message
    bundle = reference_bundle(NodeKind.COMPUTE)
    without = type(bundle)(bundle.package_name, {p: c for p, c in bundle.files.items() if p != "node.py"})
    assert "missing" in run_post_generation(node_context(without))[0].message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name: [\n", "not valid YAML"),
        (b"name: a\nname: b\n", "occurs twice"),
        (b"a:\n  b: 1\n  b: 2\n", "occurs twice"),
        (b"a: &x [1]\nb: *x\n", "alias"),
        (b"a: !!python/object/apply:os.system [id]\n", "not valid YAML"),
        (b"a: 1\n---\nb: 2\n", "not valid YAML"),
        (b"[" * 100_000, "nested deeper"),
        (b"- " * 100_000 + b"a", "nested deeper"),
        (b"a: \xff\n", "UTF-8"),
        (b"a: 2025-13-45\n", "cannot be read"),
    ],
)
def test_a_broken_or_hostile_yaml_file_fails(content: bytes, reason: str) -> None:
    document, problem = parse_yaml("contract.yaml", content)
    assert document is None
    assert reason in str(problem)
    assert judged("other.yaml", content).status == "fail"


def test_plain_yaml_is_read() -> None:
    assert parse_yaml("a.yaml", b"a: [1, {b: c}]\n") == ({"a": [1, {"b": "c"}]}, None)
    assert parse_yaml("a.yaml", b"") == (None, None)


def test_what_cannot_be_parsed_is_judged_by_no_later_gate() -> None:
    bundle = reference_bundle(NodeKind.COMPUTE).with_files({"node.py": b"def f(:\n"})
    results = run_post_generation(node_context(bundle))
    assert [r.status for r in results] == ["fail", "skipped", "skipped", "skipped", "skipped"]
    assert all("G9 failed" in r.message for r in results[1:])
