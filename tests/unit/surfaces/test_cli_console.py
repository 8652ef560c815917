"""What reaches a terminal is text; what reaches a program is exact JSON."""

import io
import json

import pytest
from rich.console import Console

from omniclaude_dagster.surfaces.cli.console import PlainConsole, emit_json, plain
from omniclaude_dagster.surfaces.cli.render import generation_view
from tests.support.cli import a_result

HOSTILE = {
    "colour": ("\x1b[31mred", "\\x1b[31mred"),
    "title": ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
    "c1": ("\x9b2J", "\\x9b2J"),
    "nul": ("a\0b", "a\\x00b"),
    "backspace": ("ok\x08\x08no", "ok\\x08\\x08no"),
    "right to left": ("abc\u202egpj", "abc\\u202egpj"),
    "surrogate": ("\udcff", "\\udcff"),
    "carriage return": ("good\rbad", "good\\rbad"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE.keys())
def test_control_characters_are_shown_not_sent(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_other_languages_are_left_alone() -> None:
    text = "Öl für 日本語 и עברית"
    assert plain(text) == text


def test_one_line_stays_one_line_unless_lines_are_wanted() -> None:
    assert plain("a\n b\tc") == "a b c"
    assert plain("a\nb", keep_lines=True) == "a\nb"


def test_markup_in_a_result_is_printed_as_it_is() -> None:
    stream = io.StringIO()
    console = PlainConsole(stream)
    evil = "[bold red]x[/] :smile: [link=http://a]b[/link]\x1b[2J"
    result = a_result("evil", "failed", error=evil, node={"kind": "EFFECT", "name": evil, "domain": evil})
    generation_view(console, result, ())
    shown = stream.getvalue()
    assert "[bold red]x[/] :smile: [link=http://a]b[/link]" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("width", [40, 80, 200])
def test_tables_keep_to_the_width_and_paths_stay_whole(width: int) -> None:
    stream = io.StringIO()
    path = "/a/rather/long/path/that/is/longer/than/a/narrow/terminal/node_user_writer_effect"
    gates = [
        {"gate": "G9", "phase": "p", "is_blocking": True, "status": "fail", "message": "word " * 40, "duration_ms": 1.0}
    ]
    result = a_result(node={"kind": "EFFECT", "name": "X", "domain": "d", "path": path}, gates=gates)
    generation_view(Console(file=stream, width=width), result, ())
    lines = stream.getvalue().splitlines()
    assert path in lines
    table = lines[lines.index(path) + 1 :]
    assert max(map(len, table)) <= width


def test_json_is_ascii_and_exact(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"text": "ü\x1b[31m\u202e\udcff日本"}
    emit_json(document)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == document
