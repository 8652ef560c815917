"""Re-embeds the patterns of a SQLite file, saying how far it is: a process that tests kill, or run twice at once.

    python -m tests.support.reembed_patterns FILE [--wait]

With `--wait` it stands still after the first batch.
"""

import sys
import time
from pathlib import Path

from omniclaude_dagster.patterns.embedding import WordLlamaEmbedder
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.records.repository import RecordsStore


def say(words: str) -> None:
    """A line that is there at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main(file: str, *, is_waiting: bool) -> None:
    """Say `done total` after each batch, and at the end the number."""
    store = RecordsStore(f"sqlite:///{file}", Path(file).parent / "spool")

    def on_progress(done: int, total: int) -> None:
        say(f"{done} {total}")
        if is_waiting:
            time.sleep(60)

    say(f"embedded {PatternLibrary(store, WordLlamaEmbedder()).reembed(on_progress)}")
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], is_waiting="--wait" in sys.argv)
