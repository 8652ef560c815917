"""A generation into a folder in which a person has edited the node, on a real output folder."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from omniclaude_dagster.artifact.manifest import generated_hashes
from omniclaude_dagster.artifact.store import NodeStore, PublishedNode
from omniclaude_dagster.artifact.update import present_tree, tree_diff
from omniclaude_dagster.errors import ConflictError
from omniclaude_dagster.gates.report import GateReport, GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from tests.support.generated_nodes import bundle_for

PROMPT = "REDUCER node called ScoreBoard that sums scores of players"


class Workplace:
    """A store with an output folder, and hands that edit in it."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "out"
        self.store = NodeStore(self.output, folder / "home")
        self.bundle = bundle_for(PROMPT)
        self.root = self.output / self.bundle.package_name

    def generate(self, files: Mapping[str, bytes] | None = None) -> PublishedNode:
        """Publish as stages 4.5 and 5 do; `files` are what would be generated differently now."""
        bundle, update = self.bundle.with_files(files or {}), None
        merged = self.store.merged(bundle)
        if merged is not None:
            bundle, update = merged
        passed = GateResult("G9", "post_generation", True, "pass", "")
        report = GateReport((passed,), bundle.sha256)
        return self.store.publish(bundle, report, request_id="r", update=update)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text()
        assert old in text
        (self.root / path).write_text(text.replace(old, new))

    def text(self, path: str) -> str:
        return (self.root / path).read_text()


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    place = Workplace(tmp_path)
    place.generate()
    return place


def test_an_untouched_node_needs_no_merge(place: Workplace) -> None:
    assert place.store.merged(place.bundle) is None


def test_an_edit_survives_generation_after_generation(place: Workplace) -> None:
    place.edit("logic.py", "Reduce the items to one state.", "Reduce them my way.")
    for _ in range(3):
        place.generate()
        assert "Reduce them my way." in place.text("logic.py")


def test_an_edit_and_a_new_version_come_together(place: Workplace) -> None:
    place.edit("logic.py", "Reduce the items to one state.", "Reduce them my way.")
    new = place.bundle.files["logic.py"].replace(b"Sum of the second member", b"Total of the second member")
    place.generate({"logic.py": new})
    assert "Reduce them my way." in place.text("logic.py")
    assert "Total of the second member" in place.text("logic.py")


def test_a_conflict_leaves_the_edit_in_place_and_shows_both_sides(place: Workplace) -> None:
    place.edit("logic.py", "Reduce the items to one state.", "Reduce them my way.")
    new = place.bundle.files["logic.py"].replace(b"Reduce the items to one state.", b"Reduce them the new way.")
    published = place.generate({"logic.py": new})
    assert "Reduce them my way." in place.text("logic.py")
    assert "Reduce them the new way." in place.text("logic.py.conflict")
    assert any(file.path.endswith("logic.py.conflict") for file in published.files)


def test_a_solved_conflict_does_not_come_back(place: Workplace) -> None:
    place.edit("logic.py", "Reduce the items to one state.", "Reduce them my way.")
    new = {"logic.py": place.bundle.files["logic.py"].replace(b"Reduce the items to one state.", b"Reduce anew.")}
    place.generate(new)
    place.generate(new)
    assert not (place.root / "logic.py.conflict").exists()
    assert "Reduce them my way." in place.text("logic.py")


def test_a_file_a_person_added_stays(place: Workplace) -> None:
    (place.root / "NOTES.md").write_text("mine")
    place.generate()
    assert place.text("NOTES.md") == "mine"
    assert "NOTES.md" not in (generated_hashes((place.root / "node.manifest.yaml").read_bytes()) or {})


def test_the_manifest_still_says_what_was_generated(place: Workplace) -> None:
    before = generated_hashes((place.root / "node.manifest.yaml").read_bytes())
    place.edit("logic.py", "Reduce the items to one state.", "Reduce them my way.")
    place.generate()
    assert generated_hashes((place.root / "node.manifest.yaml").read_bytes()) == before


def test_without_what_was_generated_before_edits_are_kept_and_shown_as_conflicts(place: Workplace) -> None:
    place.edit("logic.py", "Reduce the items to one state.", "Reduce them my way.")
    for kept in (place.output.parent / "home" / "pristine").rglob("*"):
        if kept.is_file():
            kept.write_bytes(b"damaged")
    merged = place.store.merged(place.bundle)
    assert merged is not None
    assert [c.path for c in merged[1].conflicts] == ["logic.py"]


def test_an_edit_that_comes_between_merge_and_delivery_is_not_overwritten(place: Workplace) -> None:
    place.edit("logic.py", "Reduce the items to one state.", "First.")
    merged = place.store.merged(place.bundle)
    assert merged is not None
    bundle, update = merged
    place.edit("logic.py", "First.", "Second.")
    report = GateReport((GateResult("G9", "post_generation", True, "pass", ""),), bundle.sha256)
    with pytest.raises(ConflictError, match="was changed while"):
        place.store.publish(bundle, report, request_id="r", update=update)
    assert "Second." in place.text("logic.py")


def test_a_folder_that_is_not_ours_is_not_merged(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    place.root.mkdir(parents=True)
    (place.root / "logic.py").write_text("print(1)")
    assert place.store.merged(place.bundle) is None


def test_the_diff_shows_what_would_change(place: Workplace) -> None:
    present = present_tree(place.output, place.bundle.package_name)
    assert present is not None
    assert tree_diff(present, present) == ""
    diff = tree_diff(present, {**present, "new.txt": b"a\nb"})
    assert "--- /dev/null\n+++ b/new.txt\n" in diff
    assert "\\ No newline at end of file" in diff


def test_where_nothing_stands_there_is_no_tree(tmp_path: Path) -> None:
    assert present_tree(tmp_path / "none", "node_x") is None
    assert NodeStore(tmp_path / "none", tmp_path).merged(NodeBundle("node_x", {"a.py": b""})) is None
