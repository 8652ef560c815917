"""A generation into a folder in which a person has edited the node: what stands there, merged with what is new.

Reads the output folder and writes nothing; `store.NodeStore.publish` delivers what comes out of here.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from omniclaude_dagster.artifact.folders import hash_tree, kind_of, open_folder, read_file
from omniclaude_dagster.artifact.manifest import MANIFEST_NAME, generated_hashes, merged_manifest
from omniclaude_dagster.artifact.merge import Conflict, merge_trees
from omniclaude_dagster.artifact.pristine import PristineFiles
from omniclaude_dagster.atomic_files import storage_error
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.bundle import MAX_FILE_BYTES, NodeBundle, content_hashes


@dataclass(frozen=True)
class Update:
    """How a bundle came from an edited node: the hashes it was merged with, and what was generated.

    `kept`: files in which edits live on. `present`: the folder as it was read; it must be the same when published.
    """

    present: Mapping[str, str]
    generated: NodeBundle
    kept: tuple[str, ...]
    conflicts: tuple[Conflict, ...] = ()

    def describe(self) -> str:
        """One line for the stage's record."""
        parts = [f"edits kept in {', '.join(self.kept)}"] if self.kept else []
        parts += [f"conflicts in {', '.join(map(str, self.conflicts))}"] if self.conflicts else []
        return "; ".join(parts)


def present_tree(output_dir: Path, package_name: str) -> dict[str, bytes] | None:
    """Every file of the node in the output folder, None where there is none. Refuses links and special files."""
    try:
        with open_folder(output_dir) as output:
            if kind_of(output, package_name) != "folder":
                return None
            paths = hash_tree(output, package_name)
            files: dict[str, bytes] = {}
            for path in paths:
                content = read_file(output, f"{package_name}/{path}", max_bytes=MAX_FILE_BYTES)
                if content is None:
                    raise RequestError(
                        f"{output_dir / package_name / path} is larger than {MAX_FILE_BYTES} bytes.",
                        cure="move it out of the node's folder",
                    )
                files[path] = content
            return files
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise storage_error(f"{output_dir} cannot be read", exc) from exc


def tree_diff(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """What would change, as a unified diff with `a/` and `b/` paths; empty when nothing would."""
    parts: list[str] = []
    for path in sorted({*before, *after}):
        if before.get(path) == after.get(path):
            continue
        old, new = (_text_lines(side.get(path, b"")) for side in (before, after))
        names = [f"{side}/{path}" if path in tree else "/dev/null" for side, tree in (("a", before), ("b", after))]
        parts += difflib.unified_diff(old, new, names[0], names[1])
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in parts)


def _text_lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines(keepends=True)


def merged_with_edits(
    bundle: NodeBundle, output_dir: Path, pristine: PristineFiles
) -> tuple[NodeBundle, Update] | None:
    """The bundle with a person's edits in it, or None when nobody has edited what stands in the output folder."""
    present = present_tree(output_dir, bundle.package_name)
    if present is None:
        return None
    hashes = content_hashes(present)
    manifest = present.get(MANIFEST_NAME)
    generated = generated_hashes(manifest)
    if generated is None:
        # Not ours: the store will refuse to replace it.
        return None
    ours = {path: content for path, content in present.items() if path != MANIFEST_NAME}
    fresh = {path: content for path, content in bundle.files.items() if path != MANIFEST_NAME}
    if {path: digest for path, digest in hashes.items() if path != MANIFEST_NAME} == generated:
        return None
    base = {
        # What still stands there as it was generated needs no looking up.
        path: ours[path] if hashes.get(path) == digest else pristine.read(digest)
        for path, digest in generated.items()
    }
    merge = merge_trees(base, ours, fresh)
    manifest_now = merged_manifest(bundle.files[MANIFEST_NAME], fresh, merge.files)
    merged = NodeBundle(bundle.package_name, {**merge.files, MANIFEST_NAME: manifest_now})
    return merged, Update(hashes, bundle, merge.kept, merge.conflicts)
