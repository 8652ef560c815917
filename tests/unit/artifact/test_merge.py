"""Three-way merge: edits live on, what is new comes in, and what conflicts is shown and never breaks the file."""

from hypothesis import given
from hypothesis import strategies as st

from omniclaude_dagster.artifact.merge import merge_trees

BASE = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
EDITED = BASE.replace(b"two", b"two, edited")
FRESH = BASE.replace(b"six", b"six, new")
TREES = st.dictionaries(st.sampled_from("abcd"), st.text("xyz\n", max_size=30).map(str.encode), max_size=4)


def test_an_edit_and_a_change_in_other_lines_are_both_kept() -> None:
    merge = merge_trees({"a": BASE}, {"a": EDITED}, {"a": FRESH})
    assert merge.files == {"a": BASE.replace(b"two", b"two, edited").replace(b"six", b"six, new")}
    assert (merge.conflicts, merge.kept) == ((), ("a",))


def test_a_file_nobody_edited_is_replaced() -> None:
    merge = merge_trees({"a": BASE}, {"a": BASE}, {"a": FRESH})
    assert (merge.files, merge.kept) == ({"a": FRESH}, ())


def test_an_edit_stays_where_nothing_new_is_generated() -> None:
    assert merge_trees({"a": BASE}, {"a": EDITED}, {"a": BASE}).files == {"a": EDITED}


def test_where_both_changed_the_same_line_the_edit_stays_and_both_are_shown_beside_it() -> None:
    merge = merge_trees({"a": BASE}, {"a": EDITED}, {"a": BASE.replace(b"two", b"two, new")})
    assert merge.files["a"] == EDITED
    marked = merge.files["a.conflict"].decode()
    for expected in (
        "<<<<<<< edited\ntwo, edited\n",
        "||||||| generated before\ntwo\n",
        "two, new\n>>>>>>> generated now",
    ):
        assert expected in marked
    (conflict,) = merge.conflicts
    assert str(conflict) == "a (1 place; see a.conflict)"


def test_the_same_change_on_both_sides_is_no_conflict() -> None:
    merge = merge_trees({"a": BASE}, {"a": FRESH}, {"a": FRESH})
    assert (merge.files, merge.conflicts) == ({"a": FRESH}, ())


def test_files_a_person_added_stay_and_new_files_come() -> None:
    merge = merge_trees({}, {"NOTES.md": b"mine"}, {"new.py": b"x"})
    assert merge.files == {"NOTES.md": b"mine", "new.py": b"x"}
    assert merge.kept == ("NOTES.md",)


def test_a_file_a_person_removed_stays_away() -> None:
    merge = merge_trees({"a": BASE}, {}, {"a": BASE})
    assert (merge.files, merge.conflicts) == ({}, ())


def test_a_removed_file_with_news_is_spoken_of() -> None:
    (conflict,) = merge_trees({"a": BASE}, {}, {"a": FRESH}).conflicts
    assert "removed by hand" in str(conflict)


def test_an_unedited_file_that_is_not_generated_any_more_goes() -> None:
    assert merge_trees({"a": BASE}, {"a": BASE}, {}).files == {}


def test_an_edited_file_that_is_not_generated_any_more_stays_and_is_spoken_of() -> None:
    merge = merge_trees({"a": BASE}, {"a": EDITED}, {})
    assert merge.files == {"a": EDITED}
    assert "not generated any more" in str(merge.conflicts[0])


def test_without_the_earlier_text_a_difference_is_a_conflict_and_the_edit_stays() -> None:
    merge = merge_trees({"a": None}, {"a": EDITED}, {"a": FRESH})
    assert merge.files["a"] == EDITED
    assert merge.conflicts


def test_what_is_no_text_is_never_mixed() -> None:
    merge = merge_trees({"a": b"\xff1"}, {"a": b"\xff2"}, {"a": b"\xff3"})
    assert merge.files == {"a": b"\xff2"}
    assert merge.conflicts


def test_an_earlier_conflict_file_is_not_carried_on() -> None:
    assert merge_trees({}, {"a": BASE, "a.conflict": b"old"}, {"a": BASE}).files == {"a": BASE}


@given(base=TREES, present=TREES, fresh=TREES)
def test_any_trees_merge_and_nothing_a_person_has_is_lost(
    base: dict[str, bytes], present: dict[str, bytes], fresh: dict[str, bytes]
) -> None:
    """A file that only one side changed is that side's; every other edited file is kept, merged or in conflict."""
    merge = merge_trees(base, present, fresh)
    for path in {*base, *present, *fresh}:
        if fresh.get(path) == base.get(path):
            assert merge.files.get(path) == present.get(path)
        elif present.get(path) == base.get(path):
            assert merge.files.get(path) == fresh.get(path)
        elif path in present and present[path] != fresh.get(path):
            assert path in merge.kept
    assert merge_trees(base, present, fresh) == merge
