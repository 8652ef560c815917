"""No secret reaches a log, a record or an error."""

import pytest

from omniclaude_dagster.providers.redaction import Redactor

KEY = "very/private+key=1"


@pytest.mark.parametrize(
    "text",
    [
        f"you sent {KEY}",
        "https://host/path?x=very%2Fprivate%2Bkey%3D1&y=2",
        f"Bearer {KEY}",
        f"{KEY}{KEY}",
    ],
)
def test_a_known_key_is_taken_out_in_every_spelling(text: str) -> None:
    cleaned = Redactor([KEY]).clean(text)
    assert "private" not in cleaned
    assert "[redacted]" in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcDEF123hidden",
        "authorization: Basic aGlkZGVuaGlkZGVu",
        "x-api-key: abc-hidden",
        '{"api_key": "abc-hidden"}',
        "GET https://host/v1/models?key=abchidden&alt=json",
        "https://user:hidden@host/v1",
        "Incorrect API key provided: sk-proj-hid*****den.",
        "token sk-ant-api03-hiddenhidden",
        "AIzaSyhiddenhiddenhidden",
        "ghp_hiddenhidden123",
        "hf_hiddenhidden123",
        "eyJhbGciOiJIUzI1NiJ9.hiddenhidden.sig",
        "password=hidden",
    ],
)
def test_what_looks_like_a_key_is_taken_out_unknown_as_it_is(text: str) -> None:
    cleaned = Redactor().clean(text)
    assert "hid" not in cleaned
    assert "[redacted]" in cleaned


@pytest.mark.parametrize(
    "text", ["max_tokens is 512", "the key idea is risk-taking", "finish reason stop", "model gpt-4.1-mini"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor(["", "abc"]).clean(text) == text


def test_the_text_becomes_one_short_line_only_after_redaction() -> None:
    text = "a" * 95 + KEY + "\n\x1b[31m\u202edrow"
    cleaned = Redactor([KEY]).clean(text, max_chars=100)
    assert len(cleaned) == 100
    assert "very" not in cleaned
    assert Redactor().clean("a\nb\x00c\u202e") == "a b c"


def test_its_own_repr_tells_nothing() -> None:
    assert KEY not in repr(Redactor([KEY]))
