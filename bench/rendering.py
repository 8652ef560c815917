"""Rendering a node: contract built, files rendered and formatted; beside it copier with the same files, in one run.

    .venv/bin/python -m bench.rendering [--rounds 20] [--json]

Ours is `render_bundle` on a planned node: the contract on the framework's own model, every file from its template,
all Python formatted, the manifest with the files' hashes. Copier (Python API, defaults, no Git) renders a template
folder made of the very same files, 12 of them, with a handful of variables in text and paths, and writes them; it
builds no contract and formats nothing. So two figures of ours stand beside it, both with the same 12 files written: all
that we do, and the same with the formatted texts remembered (as for a node that is rendered again), which is rendering
without ruff. The three take turns. Bars: 60 ms p50 with formatting; rendering 10 times faster than copier.
"""

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.measuring import emit, note, percentile, print_table, spread
from omniclaude_dagster.artifact.formatting import forget_formatted
from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.benchmark.node_mutants.rendering import blueprint_for
from omniclaude_dagster.benchmark.node_mutants.wishes import WISHES
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from tests.support.generated_nodes import write_bundle

NODE_BAR_MS = 60.0
COPIER_BAR = 10.0
COPIER_FILES = 12


def blueprints() -> list[NodeBlueprint]:
    """One planned node of each wish of the workload."""
    return [blueprint_for(w.prompt.format(n=n), examples=w.examples) for n, w in enumerate(WISHES, start=1)]


def write_template(bundle: NodeBundle, blueprint: NodeBlueprint, folder: Path) -> dict[str, str]:
    """A copier template of 12 of the node's files; returns its variables' values."""
    stem = blueprint.package_name.removeprefix("node_").removesuffix(f"_{blueprint.kind.value.lower()}")
    variables = {
        "package": blueprint.package_name,
        "class_name": blueprint.class_name,
        "class_stem": blueprint.stem,
        "module_stem": stem,
    }
    root = folder / "{{ package }}"
    for path in same_files(bundle):
        target = root / f"{_with_variables(path, variables)}.jinja"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_with_variables(bundle.files[path].decode(), variables), encoding="utf-8")
    questions = "\n".join(f"{name}:\n  type: str\n  default: x" for name in variables)
    (folder / "copier.yml").write_text(f"{questions}\n_templates_suffix: .jinja\n", encoding="utf-8")
    return variables


def same_files(bundle: NodeBundle) -> list[str]:
    """The 12 files that both write; the manifest is none, for its hashes are no text with variables."""
    return [path for path in bundle.files if path != "node.manifest.yaml"][:COPIER_FILES]


def _with_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text with each variable's value replaced by its name; what Jinja would read as its own is kept apart."""
    text = text.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
    for name, value in variables.items():
        text = text.replace(value, f"\0{name}\1")
    return text.replace("\0", "{{ ").replace("\1", " }}")


def _folder() -> str | None:
    """A file system in memory where there is one: what is measured is rendering, for both, and no disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def copier_ms(template: Path, target: Path, variables: Mapping[str, str]) -> float:
    """Milliseconds of one `run_copy` into an empty folder."""
    from copier import run_copy

    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # copier says that a folder without Git has no version
        run_copy(str(template), target, data=dict(variables), defaults=True, quiet=True, skip_tasks=True)
    return (time.perf_counter() - started) * 1000


def own_ms(blueprint: NodeBlueprint, target: Path) -> tuple[float, float]:
    """Milliseconds of contract, rendering and (unless remembered) formatting, and with the files written."""
    started = time.perf_counter()
    bundle = render_bundle(blueprint)
    rendered = time.perf_counter()
    write_bundle(NodeBundle(bundle.package_name, {path: bundle.files[path] for path in same_files(bundle)}), target)
    return (rendered - started) * 1000, (time.perf_counter() - started) * 1000


def measure(*, rounds: int) -> dict[str, Any]:
    """Both, in turn, for each wish; the first turn of each is not counted."""
    whole: list[tuple[float, float]] = []
    remembered: list[tuple[float, float]] = []
    by_copier: list[float] = []
    for blueprint in blueprints():
        note(f"rendering {blueprint.class_name} ...")
        with tempfile.TemporaryDirectory(prefix="omniclaude-bench-", dir=_folder()) as name:
            folder = Path(name)
            variables = write_template(render_bundle(blueprint), blueprint, folder / "template")
            for turn in range(rounds + 1):
                forget_formatted()
                first = own_ms(blueprint, folder / f"own{turn}")
                again = own_ms(blueprint, folder / f"again{turn}")
                copied = copier_ms(folder / "template", folder / f"copier{turn}", variables)
                if turn:
                    whole.append(first)
                    remembered.append(again)
                    by_copier.append(copied)
    medians = [percentile([written for _, written in times], 0.5) for times in (whole, remembered)]
    return {
        "nodes": len(WISHES),
        "rounds": rounds,
        "node_ms": spread([rendered for rendered, _ in whole]),
        "node_written_ms": spread([written for _, written in whole]),
        "unformatted_written_ms": spread([written for _, written in remembered]),
        "copier_ms": spread(by_copier),
        "copier_files": COPIER_FILES,
        "ratio": round(percentile(by_copier, 0.5) / medians[1], 1),
        "ratio_with_formatting": round(percentile(by_copier, 0.5) / medians[0], 1),
    }


def show(figures: Mapping[str, Any]) -> None:
    """The figures for a person."""
    rows = [
        ("contract, render, format", *figures["node_ms"].values()),
        ("the same, files written", *figures["node_written_ms"].values()),
        ("without ruff, files written", *figures["unformatted_written_ms"].values()),
        (f"copier, {COPIER_FILES} of the files", *figures["copier_ms"].values()),
    ]
    print_table(("milliseconds a node", "p50", "p95", "max"), rows)
    print(
        f"\ncopier takes {figures['ratio']} times as long as rendering (bar: {COPIER_BAR:.0f}), "
        f"{figures['ratio_with_formatting']} times as long as all of ours; bar of a node: {NODE_BAR_MS:.0f} ms p50"
    )


def is_met(figures: Mapping[str, Any]) -> bool:
    """Whether both bars are met."""
    return bool(figures["node_ms"]["p50"] <= NODE_BAR_MS and figures["ratio"] >= COPIER_BAR)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the bars are met, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m bench.rendering", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="times each node is rendered (default: 20)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    figures = measure(rounds=options.rounds)
    emit(figures, as_json=options.as_json)
    if not options.as_json:
        show(figures)
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
