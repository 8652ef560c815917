"""kill -9 while publishing: the output folder never shows a part of a node, and the next start cleans up."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "support" / "kill_publisher.py"


def deaths(tmp_path, mode, count):
    """One dict a death: what was in the output folder right after it, and after the sweep."""
    command = [sys.executable, str(PROGRAM), str(tmp_path / "out"), str(tmp_path / "state"), mode, str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
    lines = [line.split(maxsplit=4) for line in done.stdout.splitlines()]
    return [dict(zip(("step", "code", "found", "swept", "leftovers"), line, strict=True)) for line in lines]


def test_dying_at_every_single_call_that_touches_the_disk(tmp_path):
    seen = deaths(tmp_path, "steps", 400)
    assert seen[-1]["code"] == "0"
    assert {d["code"] for d in seen[:-1]} == {"-9"}
    assert len(seen) > 30
    assert {d["found"] for d in seen} == {"whole", "absent"}
    assert {(d["swept"], d["leftovers"]) for d in seen} == {("whole", "[]")}
    # Only between the two renames is there nothing to see; the sweep puts the old node back.
    assert sum(d["found"] == "absent" for d in seen) == 1


def test_dying_at_random_moments(tmp_path):
    seen = deaths(tmp_path, "random", 40)
    assert "half" not in {d["found"] for d in seen}
    assert "half" not in {d["swept"] for d in seen}
    assert {d["leftovers"] for d in seen} == {"[]"}
    assert [d["swept"] for d in seen].count("whole") > 10


def test_the_control_that_writes_in_place_does_leave_half_nodes(tmp_path):
    """Without this the test above might pass because it never hits anything."""
    assert "half" in {d["found"] for d in deaths(tmp_path, "naive", 40)}
