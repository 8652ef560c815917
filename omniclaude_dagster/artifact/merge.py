"""Three-way merge of a node: what was generated, what a person made of it, and what is generated now.

Pure: trees of bytes in, a tree of bytes out. Where both changed the same lines the person's stay in the file, so that
a node that runs goes on running, and `<file>.conflict` beside it shows both sides, marked as version control does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from merge3 import Merge3

from omniclaude_dagster.gates.security_data import CONFLICT_SUFFIX

_PERSON, _FRESH, _BASE = "edited", "generated now", "generated before"

Tree = Mapping[str, bytes]


@dataclass(frozen=True)
class Conflict:
    """A file both sides changed in the same place; `count` places of it."""

    path: str
    count: int
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return f"{self.path} ({self.reason})"
        places = "1 place" if self.count == 1 else f"{self.count} places"
        return f"{self.path} ({places}; see {self.path}{CONFLICT_SUFFIX})"


@dataclass(frozen=True)
class Merge:
    """The merged tree, what could not be merged, and the files in which a person's edits live on."""

    files: Tree
    conflicts: tuple[Conflict, ...] = ()
    kept: tuple[str, ...] = ()


def merge_trees(base: Mapping[str, bytes | None], present: Tree, fresh: Tree) -> Merge:
    """Merge every file. `base` maps a path to what was generated before, None where that is not known any more.

    A path that `base` lacks was never generated; one that `present` lacks was removed by the person.
    """
    files: dict[str, bytes] = {}
    conflicts: list[Conflict] = []
    kept: list[str] = []
    for path in sorted({*base, *present, *fresh}):
        if path.endswith(CONFLICT_SUFFIX):
            continue
        found = _merge_file(path, path in base, base.get(path), present.get(path), fresh.get(path))
        files |= found.files
        conflicts += found.conflicts
        kept += found.kept
    return Merge(files, tuple(conflicts), tuple(kept))


def _merge_file(
    path: str, was_generated: bool, base: bytes | None, present: bytes | None, fresh: bytes | None
) -> Merge:
    if present == fresh:
        return Merge({} if fresh is None else {path: fresh})
    if not was_generated:
        return _not_generated_before(path, present, fresh)
    if present == base:
        return Merge({} if fresh is None else {path: fresh})
    if present is None:
        # Removed by the person: it stays away, and is spoken of when there would be something new in it.
        is_news = base is not None and fresh != base
        return Merge(
            {}, (Conflict(path, 1, "removed by hand, but generated differently now"),) if is_news else (), (path,)
        )
    if fresh is None:
        return Merge({path: present}, (Conflict(path, 1, "edited by hand, but not generated any more"),), (path,))
    return _merge_text(path, base, present, fresh)


def _not_generated_before(path: str, present: bytes | None, fresh: bytes | None) -> Merge:
    if fresh is None:
        return Merge({} if present is None else {path: present}, (), (path,))
    if present is None:
        return Merge({path: fresh})
    return _merge_text(path, b"", present, fresh)


def _merge_text(path: str, base: bytes | None, present: bytes, fresh: bytes) -> Merge:
    # Without the earlier text nobody knows who changed what: every difference is one both sides made.
    origin = b"" if base is None else base
    try:
        base_lines, present_lines, fresh_lines = (
            side.decode("utf-8").splitlines(keepends=True) for side in (origin, present, fresh)
        )
    except UnicodeDecodeError:
        return Merge({path: present}, (Conflict(path, 1, "not text; the edited file stays"),), (path,))
    merge = Merge3(base_lines, present_lines, fresh_lines)
    lines: list[str] = []
    count = 0
    for group in merge.merge_groups():
        if group[0] == "conflict":
            lines += group[2]
            count += 1
        else:
            lines += group[1]
    merged = {path: "".join(lines).encode()}
    if not count:
        return Merge(merged, (), (path,))
    marked = merge.merge_lines(name_a=_PERSON, name_b=_FRESH, name_base=_BASE, base_marker="|||||||", reprocess=False)
    return Merge({**merged, path + CONFLICT_SUFFIX: "".join(marked).encode()}, (Conflict(path, count),), (path,))
