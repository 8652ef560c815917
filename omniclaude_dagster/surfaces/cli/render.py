"""How results look to a person: tables at 80 columns and more, from plain data. Decides nothing.

Paths and commands are printed without wrapping, so that they can be copied.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import plain
from omniclaude_dagster.surfaces.cli.review_view import patterns_view, quorum_view

if TYPE_CHECKING:
    from omniclaude_dagster.providers.model import ModelCall, ModelStatus
    from omniclaude_dagster.request.model import ParsedRequest
    from omniclaude_dagster.stages.model import GenerationResult
    from omniclaude_dagster.surfaces.cli.doctor_checks import Check
    from omniclaude_dagster.surfaces.cli.next_steps import NextStep

STYLES = {
    "published": "green",
    "completed": "green",
    "pass": "green",
    "ok": "green",
    "needs_review": "yellow",
    "warn": "yellow",
    "skipped": "yellow",
    "degraded": "yellow",
    "blocked": "red",
    "fail": "red",
    "failed": "red",
}
_MS_PER_S = 1000
_KIB = 1024


def generation_view(
    console: Console, result: "GenerationResult", steps: Sequence["NextStep"], calls: Sequence["ModelCall"] = ()
) -> None:
    """One generation: outcome, stages, model calls, gates, quality, files, and what to do next."""
    headline(console, result)
    if result.error:
        label = "why:" if result.status != "published" else "note:"
        console.print(Text(f"{label} {plain(result.error)}", style=STYLES[result.status]))
    _stages(console, result.stages)
    _calls(console, calls)
    _gates(console, result.gates)
    if result.quorum:
        quorum_view(console, result.quorum)
    patterns_view(console, result.patterns)
    _quality(console, result.quality_score, result.quality)
    _files(console, result)
    next_view(console, steps)


def headline(console: Console, result: "GenerationResult") -> None:
    """Outcome, node, quality, time and cost in one line, and where the node is in another."""
    node = result.node
    name = node.get("class_name") or node.get("name") or "no node"
    kind = f" ({node['kind']}, domain {node.get('domain')})" if node.get("kind") else ""
    console.print(
        Text.assemble(
            (result.status, f"bold {STYLES[result.status]}"),
            f"  {plain(name)}{plain(kind)}  quality {result.quality_score:.2f}"
            f"  {duration(result.duration_ms)}  {money(result.cost_usd)}",
        ),
        soft_wrap=True,
    )
    console.print(Text(f"request {plain(result.request_id)}"), soft_wrap=True)
    if node.get("path"):
        console.print(Text(plain(node["path"])), soft_wrap=True)


def many_view(console: Console, results: Sequence["GenerationResult"]) -> None:
    """Many generations: a line each, the reasons of those that were not published, and the totals."""
    _generations(console, results)
    for result in results:
        if result.error and result.status != "published":
            console.print(Text(f"{plain(result.request_id)}: {plain(result.error)}", style=STYLES[result.status]))
    counts = ", ".join(
        f"{sum(r.status == status for r in results)} {status}"
        for status in ("published", "needs_review", "blocked", "failed")
    )
    console.print(Text(f"{len(results)} requests: {counts}; {money(sum(r.cost_usd for r in results))}"))


def recent_view(console: Console, results: Sequence["GenerationResult"]) -> None:
    """Generations of the past, a line each."""
    _generations(console, results)


def next_view(console: Console, steps: Sequence["NextStep"]) -> None:
    """What to try next; each command on a line of its own."""
    if not steps:
        return
    console.print()
    console.print(Text("next", style="bold"))
    for step in steps:
        console.print(Text(f"  # {plain(step.purpose)}", style="dim"), soft_wrap=True)
        if step.command:
            console.print(Text(f"  {plain(step.command)}"), soft_wrap=True)


def parsed_view(console: Console, parsed: "ParsedRequest") -> None:
    """What was understood of a prompt, and the open questions."""
    shown: dict[str, object] = {
        "kind": parsed.node_kind.value if parsed.node_kind else "not understood",
        "name": parsed.name or "not understood",
        "class": parsed.class_name or "-",
        "domain": parsed.domain,
        "operations": ", ".join(parsed.operations) or "-",
        "systems": ", ".join(parsed.external_systems) or "-",
        "features": ", ".join(parsed.features) or "-",
        "fields": ", ".join(f"{f.name}: {f.type}" if f.type else f.name for f in parsed.fields) or "-",
        "steps": ", ".join(parsed.steps) or "-",
        "confidence": f"{parsed.confidence:.2f}",
    }
    table = _table("understood", "")
    for name, value in shown.items():
        table.add_row(name, _cell(value))
    console.print(table)
    questions_view(console, parsed.questions)


def questions_view(console: Console, questions: Iterable[str]) -> None:
    """Numbered questions."""
    for number, question in enumerate(questions, start=1):
        console.print(Text(f"{number}. {plain(question)}", style="yellow"))


def verdict_view(console: Console, verdict: Mapping[str, Any]) -> None:
    """What the gates say about a folder."""
    _gates(console, verdict["gates"])
    _quality(console, verdict["quality_score"], verdict["quality"])
    word = "pass" if verdict["is_passed"] else "fail"
    console.print(Text("passed" if verdict["is_passed"] else "not passed", style=f"bold {STYLES[word]}"))


def models_view(console: Console, statuses: Sequence["ModelStatus"]) -> None:
    """Every model with its place, state and prices."""
    table = _table("model", "where", "state", "in $/M", "out $/M", "since")
    for status in statuses:
        table.add_row(
            _cell(status.name),
            "local" if status.is_local else status.provider.replace("openai_compatible", "cloud"),
            Text("ready", style=STYLES["ok"]) if status.is_reachable else Text("not ready", style=STYLES["degraded"]),
            _price(status.input_usd_per_million_tokens),
            _price(status.output_usd_per_million_tokens),
            status.price_effective_date or "-",
        )
    console.print(table)
    for status in statuses:
        hosts = f" at {', '.join(status.hosts)}" if status.hosts else ""
        console.print(Text(f"{plain(status.name)}{plain(hosts)}: {plain(status.reason)}"))


def checks_view(console: Console, checks: Sequence["Check"]) -> None:
    """Each part with its state, what was tried, and the cure where one is needed."""
    table = _table("part", "state", "what was tried")
    for check in checks:
        table.add_row(_cell(check.part), _status(check.status), _cell(check.detail))
    console.print(table)
    for check in checks:
        if check.cure:
            console.print(Text(f"{check.part}: {plain(check.cure)}", style=STYLES[check.status]))


def duration(duration_ms: float) -> str:
    """`460 ms`, `4.10 s`."""
    return f"{duration_ms:.0f} ms" if duration_ms < _MS_PER_S else f"{duration_ms / _MS_PER_S:.2f} s"


def money(cost_usd: float) -> str:
    """`$0`, `$0.0123`."""
    return f"${cost_usd:.4f}" if cost_usd else "$0"


def _generations(console: Console, results: Sequence["GenerationResult"]) -> None:
    table = _table("status", "node and request", "quality", "time")
    for result in results:
        name = result.node.get("class_name") or result.node.get("name") or "-"
        both = Text(f"{plain(name)}\n").append(plain(result.request_id), style="dim")
        table.add_row(_status(result.status), both, f"{result.quality_score:.2f}", duration(result.duration_ms))
    console.print(table)


def _stages(console: Console, stages: Sequence[Mapping[str, Any]]) -> None:
    if not stages:
        return
    table = _table("stage", "state", "time", "model", "tokens in/out", "cost")
    for stage in stages:
        tokens = f"{stage['tokens_input']}/{stage['tokens_output']}" if stage["model"] else "-"
        table.add_row(
            _cell(f"{stage['stage']} {stage['name']}"),
            _status(stage["status"]),
            duration(stage["latency_ms"]),
            _cell(stage["model"] or "-"),
            tokens,
            money(stage["cost_usd"]),
        )
    console.print(table)


def _calls(console: Console, calls: Sequence["ModelCall"]) -> None:
    if not calls:
        return
    table = _table("call", "model", "time", "tokens in/out", "verdict")
    for number, call in enumerate(calls, start=1):
        became = call.verdict or call.error_message or ("answered" if call.is_success else "failed")
        tokens = f"{call.tokens_input}/{call.tokens_output}"
        name = f"{number} (stage {call.stage})"
        table.add_row(_cell(name), _cell(call.model), duration(call.latency_ms), tokens, _cell(became))
    console.print(table)


def _gates(console: Console, gates: Sequence[Mapping[str, Any]]) -> None:
    if not gates:
        return
    table = _table("gate", "state", "time", "message")
    for gate in gates:
        message = _cell(gate["message"])
        if gate["status"] == "pass":
            message.no_wrap, message.overflow = True, "ellipsis"
        table.add_row(gate["gate"], _status(gate["status"]), duration(gate["duration_ms"]), message)
    console.print(table)


def _quality(console: Console, score: float, parts: Mapping[str, float]) -> None:
    if parts:
        shown = "  ".join(f"{name} {value:.2f}" for name, value in parts.items())
        console.print(Text.assemble(("quality", "bold"), f" {score:.2f}:  {shown}"))


def _files(console: Console, result: "GenerationResult") -> None:
    if not result.files:
        return
    root = PurePath(str(result.node.get("path") or ""))
    names = [
        str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
        for path in (PurePath(str(file["path"])) for file in result.files)
    ]
    size = sum(file["bytes"] for file in result.files)
    console.print(Text.assemble((f"{len(names)} files", "bold"), f", {size / _KIB:.1f} KiB: {plain(', '.join(names))}"))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"state", "status", "time"})
    return table


def _cell(value: object) -> Text:
    return Text(plain(value))


def _status(status: str) -> Text:
    return Text(status, style=STYLES.get(status, ""))


def _price(usd_per_million_tokens: float | None) -> str:
    return "-" if usd_per_million_tokens is None else f"{usd_per_million_tokens:g}"
