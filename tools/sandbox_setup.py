"""Part of `make setup`: builds the sandbox's type cache, so that the first generation does not wait for it.

Once a machine and set of versions, half a minute, into the user's cache folder; silent when it is there. Where no
sandbox works it says so and leaves it at that: everything else can be set up, and `omniclaude doctor` explains.
"""

import sys

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.type_cache import cache_folder
from omniclaude_dagster.settings import load_settings


def main() -> int:
    """Always 0: a missing cache costs time, it breaks nothing."""
    try:
        base = load_settings().cache_path
        if cache_folder(base).is_dir():
            return 0
        print("setup: preparing the sandbox's type checker (about 30 s, once a machine)", flush=True)
        with BubblewrapSandbox(1, cache_path=base) as sandbox:
            sandbox.prepare_typecheck()
    except (OmniClaudeError, OSError) as exc:
        print(f"setup: the type checker is not prepared, the first generation will try again: {exc}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
