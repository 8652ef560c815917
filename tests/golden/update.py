"""Writes the golden trees anew: `python -m tests.golden.update`. Read the diff before you commit it."""

import shutil
import subprocess
from pathlib import Path

from tests.golden.cases import CASES, TREES, files_of, rendered


def main() -> int:
    """Replace every tree by what is rendered now and show what changed."""
    new = {case: files_of(rendered(case)) for case in CASES}
    shutil.rmtree(TREES, ignore_errors=True)
    for case, files in new.items():
        for path, content in files.items():
            target = TREES / case / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    root = Path(__file__).resolve().parents[2]
    for command in (["git", "diff", "--stat", "--", str(TREES)], ["git", "status", "--short", "--", str(TREES)]):
        subprocess.run(command, cwd=root, check=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
