"""Which words count: every rule, with a pair that shows what it changes."""

import pytest

from omniclaude_dagster.patterns.words import MAX_TEXT_CHARS, STOP_WORDS, singular, terms_of, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tax RATE", ["tax", "rate"]),
        ("user_writer", ["user", "writer"]),
        ("UserWriter", ["user", "writer"]),
        ("userWriter", ["user", "writer"]),
        ("HTTPServer", ["http", "server"]),
        ("parseHTML", ["parse", "html"]),
        ("sha256 S3 utf8", ["sha256", "s3", "utf8"]),
        ("top 10 users", ["top", "10", "users"]),
        ("PostgreSQL MongoDB GitHub", ["postgresql", "mongodb", "github"]),
        ("postgres mongo", ["postgresql", "mongodb"]),
        ("first-name, last.name", ["first", "name", "last", "name"]),
        ("Größe étage 数量", ["größe", "étage", "数量"]),
        ("Please create a COMPUTE node that returns the tax", ["tax"]),
        ("", []),
        ("!?… --- ___", []),
        ("\ud800 broken\udfff half", ["broken", "half"]),
    ],
)
def test_words_are_lower_case_split_and_free_of_common_ones(text: str, expected: list[str]) -> None:
    assert words_of(text) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("orders", "order"),
        ("taxes", "tax"),
        ("addresses", "address"),
        ("batches", "batch"),
        ("caches", "cache"),
        ("queries", "query"),
        ("movies", "movy"),
        ("address", "address"),
        ("status", "status"),
        ("bus", "bus"),
        ("gas", "gas"),
        ("heroes", "heroe"),
        ("trees", "tree"),
        ("aeries", "aery"),
        ("order", "order"),
    ],
)
def test_plural_endings_go_as_the_s_stemmer_says(word: str, expected: str) -> None:
    assert singular(word) == expected


def test_terms_of_singular_and_plural_are_equal() -> None:
    assert terms_of("the taxes of all orders") == terms_of("tax, order")


def test_a_stop_word_in_camel_case_is_left_out_too() -> None:
    assert words_of("ComputeTax") == ["tax"]


def test_stop_words_are_lower_case_words() -> None:
    assert all(word.islower() and word.isalpha() for word in STOP_WORDS)


def test_only_the_start_of_a_huge_text_is_read() -> None:
    assert words_of("x" + " tax" * MAX_TEXT_CHARS)[-1] in {"tax", "ta", "t"}
    assert len(words_of("tax " * 1_000_000)) == MAX_TEXT_CHARS // 4
