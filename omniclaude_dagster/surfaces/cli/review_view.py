"""How votes, suggestions and patterns look to a person, from plain data. Everything a model wrote is made harmless.

Used by `review` and, for the quorum and the patterns of one generation, by `show`.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import plain

STYLES = {
    "apply": "green",
    "accepted": "green",
    "approve": "green",
    "reused": "green",
    "applied": "green",
    "suggest": "yellow",
    "open": "yellow",
    "revise": "yellow",
    "abstained": "yellow",
    "rejected": "yellow",
    "suggested": "yellow",
    "block": "red",
    "refused": "red",
    "reject": "red",
    "broken": "red",
}
_SHOWN_DIFF_LINES = 40
_SHOWN_VALUE_CHARS = 80
_WAITS = "open"
Document = Mapping[str, Any]


def reviews_view(console: Console, documents: Iterable[Document]) -> None:
    """Decisions, one below the other: what was decided, about which node, and how sure the panel was."""
    table = _table("review", "quorum", "node and request", "score", "present", "when")
    for document in documents:
        both = Text(f"{plain(document['package_name'] or '-')}\n").append(plain(document["request_id"]), style="dim")
        table.add_row(
            _word(document["review"]),
            _word(document["decision"]),
            both,
            _share(document["score"]),
            _percent(document["participation"]),
            plain(document["timestamp"])[:16].replace("T", " "),
        )
    console.print(table)


def review_view(console: Console, document: Document) -> None:
    """One decision: the vote, what is found wrong, what an edit changes, and what accepting would do."""
    name = document["package_name"] or "no node"
    console.print(Text.assemble((document["review"], _bold(document["review"])), f"  {plain(name)}"), soft_wrap=True)
    ids = f"request {document['request_id']}, generation {document['correlation_id']}"
    console.print(Text(plain(ids)), soft_wrap=True)
    vote_view(console, document)
    _deficiencies(console, document["votes"])
    _edits(console, document["edits"])
    _changes(console, document)
    _decided(console, document)
    console.print(Text.assemble(("accepting ", "bold"), plain(accepting(document))), soft_wrap=True)
    if document["accepting_problem"]:
        console.print(Text(f"not as things stand: {plain(document['accepting_problem'])}", style="red"), soft_wrap=True)
    if document["review"] == _WAITS:
        for command in ("accept {}", "refuse {}", *(["show {} --diff"] if document["accepting_diff"] else [])):
            named = command.format(plain(document["request_id"]))
            console.print(Text(f"  omniclaude review {named}"), soft_wrap=True)


def vote_view(console: Console, document: Document) -> None:
    """The decision in one line, its reason, and a table of the seats."""
    console.print(
        Text.assemble(
            ("quorum ", "bold"),
            (plain(document["decision"]), _bold(document["decision"])),
            f"  score {_share(document['score'])}  present {_percent(document['participation'])}"
            f"  dispersion {_share(document['dispersion'])}  panel {plain(document['panel'])}",
        ),
        soft_wrap=True,
    )
    console.print(Text(f"why: {plain(document['reason'])}"), soft_wrap=True)
    if not document["votes"]:
        return
    table = _table("seat", "model", "weight", "score", "verdict")
    for vote in document["votes"]:
        reason = vote["abstained_because"]
        verdict = Text(f"abstained: {plain(reason)}", style=STYLES["abstained"]) if reason else _word(vote["verdict"])
        model = _cell(vote["model"] or "-")
        table.add_row(_cell(vote["seat"]), model, f"{vote['weight']:g}", _share(vote["score"]), verdict)
    console.print(table)


def quorum_view(console: Console, quorum: Document) -> None:
    """The quorum of one generation, as its result holds it."""
    vote_view(console, quorum)
    for name, title in (("applied_diff", "applied"), ("suggested_diff", "suggested")):
        if quorum.get(name):
            console.print(Text(f"{title} by the quorum", style="bold"))
            diff_view(console, quorum[name], max_lines=_SHOWN_DIFF_LINES)
    _decided(console, quorum)
    if quorum.get("review_command"):
        console.print(Text(f"decide: {plain(quorum['review_command'])}"), soft_wrap=True)


def patterns_view(console: Console, patterns: Sequence[Document]) -> None:
    """What came of the patterns that stage 1.5 found."""
    if not patterns:
        return
    table = _table("pattern", "became", "score", "why it was offered")
    for pattern in patterns:
        name = _cell(f"{pattern['rank']}. {pattern['name']}")
        why = _cell("; ".join(map(str, pattern["reasons"])))
        table.add_row(name, _word(pattern["role"]), _share(pattern["score"]), why)
    console.print(table)


def diff_view(console: Console, diff: str, *, max_lines: int | None = None) -> None:
    """A unified diff in colours; it can be applied when it is printed whole and holds no control characters."""
    lines = diff.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    for line in lines[:max_lines]:
        console.print(Text(plain(line, keep_lines=True), style=_diff_style(line)), soft_wrap=True)
    if max_lines is not None and len(lines) > max_lines:
        console.print(Text(f"… {len(lines) - max_lines} more lines; omniclaude review show --diff", style="dim"))


def outcome_view(console: Console, outcome: Document) -> None:
    """What became of a review; of a gate that failed, what it says."""
    console.print(
        Text.assemble((outcome["review"], _bold(outcome["review"])), f"  {plain(outcome['request_id'])}"),
        soft_wrap=True,
    )
    style = "red" if outcome["review"] == _WAITS else ""
    told = f"nothing was written: {outcome['message']}" if outcome["review"] == _WAITS else outcome["message"]
    console.print(Text(plain(told), style=style), soft_wrap=True)
    if outcome["kept"]:
        console.print(Text(f"edits kept in {plain(', '.join(outcome['kept']))}"), soft_wrap=True)


def accepting(document: Document) -> str:
    """What accepting a decision would do, as the end of a sentence that begins with `accepting`."""
    if document["review"] != _WAITS:
        done = "needed no decision" if document["review"] == "none" else f"was {document['review']} already"
        return f"changes nothing: the review {done}"
    is_block = document["decision"] == "block"
    if not document["files"]:
        if is_block:
            return "is not possible: no files were kept; generate the node again, or refuse"
        return "approves the node as it stands; no file is changed"
    target = PurePath(document["output_dir"]) / document["package_name"]
    what = "overrules the quorum and delivers the node to" if is_block else "delivers the node with the edit to"
    return f"{what} {target}, if all gates pass in the sandbox; edits made by hand there are merged in"


def _decided(console: Console, document: Document) -> None:
    """What a person decided, when, and with which note."""
    if not document.get("reviewed_at"):
        return
    note = f": {plain(document['review_note'])}" if document["review_note"] else ""
    at = plain(document["reviewed_at"])[:16].replace("T", " ")
    console.print(Text(f"{document['review']} {at}{note}", style=STYLES.get(document["review"], "")), soft_wrap=True)


def _changes(console: Console, document: Document) -> None:
    """What accepting changes now, else what the edit changed then; a blocked node is all new, and too long for here."""
    diff = document["accepting_diff"] or document["diff"]
    if diff and document["decision"] != "block":
        what = "accepting" if document["accepting_diff"] else "the edit"
        console.print(Text(f"what {what} changes", style="bold"))
        diff_view(console, diff, max_lines=_SHOWN_DIFF_LINES)


def _deficiencies(console: Console, votes: Iterable[Document]) -> None:
    for vote in votes:
        for found in vote["deficiencies"]:
            line = f":{found['line']}" if found.get("line") else ""
            place = f"{found['file']}{line}: " if found.get("file") else ""
            console.print(Text(plain(f"{vote['seat']}: {place}{found['message']}")), soft_wrap=True)


def _edits(console: Console, edits: Sequence[Document]) -> None:
    """Each proposed edit with what executing it showed."""
    if not edits:
        return
    table = _table("edit", "by", "support", "executed", "became")
    for tried in edits:
        edit = tried["edit"]
        place = ".".join(str(edit[key]) for key in ("model", "field", "constraint") if edit.get(key))
        value = f" = {str(edit['value'])[:_SHOWN_VALUE_CHARS]}" if edit.get("value") is not None else ""
        what = _cell(f"{edit['kind']} {place}{value}".strip())
        if edit.get("reason"):
            what.append(f"\n{plain(edit['reason'])}", style="dim")
        showed = "better" if tried["is_better"] else "worse" if tried["is_worse"] else "no different"
        became = "applied" if tried["is_applied"] else "suggested" if tried["is_suggested"] else "dropped"
        showed = f"{showed}: {tried['problem']}" if tried["problem"] else showed
        table.add_row(what, _cell(", ".join(tried["seats"])), _percent(tried["support"]), _cell(showed), _word(became))
    console.print(table)


def _diff_style(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"review", "quorum", "score", "weight", "when"})
    return table


def _cell(value: object) -> Text:
    return Text(plain(value))


def _word(value: object) -> Text:
    return Text(plain(value or "-"), style=STYLES.get(str(value), ""))


def _bold(word: str) -> str:
    return f"bold {STYLES.get(word, '')}".strip()


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
