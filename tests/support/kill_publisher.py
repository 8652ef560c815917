"""Publishes over and over and dies by SIGKILL, in forked children; run as a program by test_store_killed.py.

Usage: kill_publisher.py OUTPUT STATE steps|random|naive COUNT. Prints one line a death: what was found after it.
"""

import hashlib
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import yaml

from omniclaude_dagster.artifact.manifest import MANIFEST_NAME
from omniclaude_dagster.artifact.store import NodeStore, sweep
from omniclaude_dagster.gates.report import GateReport, GateResult
from omniclaude_dagster.node.bundle import NodeBundle, read_bundle

PACKAGE = "node_user_writer_effect"
PATCHED = ("mkdir", "open", "fsync", "rename", "unlink", "rmdir")


def manifest_entries(files: dict[str, bytes]) -> dict[str, object]:
    """What the renderer writes into a manifest."""
    return {"generated_by": "omniclaude", "files": {p: hashlib.sha256(c).hexdigest() for p, c in files.items()}}


def make_bundle(text: str) -> NodeBundle:
    """Four files that all say `text`."""
    files = {f"part{n % 2}/file{n}.py": text.encode() * 400 for n in range(4)}
    return NodeBundle(PACKAGE, {**files, MANIFEST_NAME: yaml.safe_dump(manifest_entries(files)).encode()})


BUNDLES = (make_bundle("old "), make_bundle("new "))


def publish(output: Path, state: Path, bundle: NodeBundle) -> None:
    """Publish with a passing report."""
    report = GateReport((GateResult("G9", "post_generation", True, "pass", "ok"),), bundle.sha256)
    NodeStore(output, state).publish(bundle, report, request_id="r")


def publish_naively(output: Path, _state: Path, bundle: NodeBundle) -> None:
    """The control: writes files one by one into place."""
    for path, content in bundle.files.items():
        target = output / PACKAGE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def die_at(step: int) -> None:
    """From now on, the `step`-th call that touches the disk is the last thing this process does."""
    count = 0

    def wrapped(real):
        def call(*args, **kwargs):
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return call

    for name in PATCHED:
        setattr(os, name, wrapped(getattr(os, name)))


def look(output: Path) -> str:
    """`whole`, `absent` or `half`: what a user finds in the output folder."""
    if not (output / PACKAGE).exists():
        return "absent"
    return "whole" if read_bundle(output / PACKAGE).sha256 in {b.sha256 for b in BUNDLES} else "half"


def in_child(action) -> tuple[int, int]:
    """Fork, run `action`; the child's pid and its exit code or minus signal."""
    pid = os.fork()
    if pid == 0:
        action()
        os._exit(0)
    return pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at_steps(output: Path, state: Path, count: int) -> None:
    """Die at the first disk call, the second, and so on, replacing an old node, until a child survives."""
    for step in range(1, count):
        shutil.rmtree(output, ignore_errors=True)
        publish(output, state, BUNDLES[0])
        _, code = in_child(lambda step=step: (die_at(step), publish(output, state, BUNDLES[1])))
        found = look(output)
        sweep(output)
        leftovers = sorted({path.name for path in output.iterdir()} - {PACKAGE})
        print(step, code, found, look(output), leftovers)  # noqa: T201 - its output is its result
        publish(output, state, BUNDLES[1])
        if code == 0:
            return


def kill_at_random(output: Path, state: Path, count: int, do_publish) -> None:
    """Die at random moments while publishing over and over."""

    def loop() -> None:
        for number in range(10_000):
            do_publish(output, state, BUNDLES[number % 2])

    seed = random.Random(7)
    for step in range(count):
        pid = os.fork()
        if pid == 0:
            loop()
            os._exit(0)
        time.sleep(seed.uniform(0.005, 0.12))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        found = look(output) if output.exists() else "absent"
        result = sweep(output)
        leftovers = sorted({path.name for path in output.iterdir()} - {PACKAGE}) if output.exists() else []
        print(step, len(result.restored), found, look(output), leftovers)  # noqa: T201 - its output is its result


if __name__ == "__main__":
    folder, state_dir, mode, times = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if mode == "steps":
        kill_at_steps(folder, state_dir, times)
    else:
        kill_at_random(folder, state_dir, times, publish_naively if mode == "naive" else publish)
