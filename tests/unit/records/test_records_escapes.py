"""Text that must come back to the character survives every column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniclaude_dagster.records.escapes import escaped, unescaped

_ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x00\x10\ud800\udfff"))


@given(_ANY_TEXT)
def test_every_text_comes_back_and_goes_in_without_nul_or_half_characters(text: str) -> None:
    written = escaped(text)
    assert "\0" not in written
    written.encode("utf-8")
    assert unescaped(written) == text


@pytest.mark.parametrize("text", ["", "def f():\n\treturn 'é' + \"\\x00\"", "\x1a\x11\U0010ffff"])
def test_a_text_without_such_characters_is_stored_as_it_is(text: str) -> None:
    assert escaped(text) == text


def test_what_looks_like_an_escape_is_not_taken_for_one() -> None:
    for text in ("\x100000", "\x10", "\x1010", "\x10zzzz"):
        assert unescaped(escaped(text)) == text
        assert escaped(text) != text
