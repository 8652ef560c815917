"""The requests that the speed figures are about: all four kinds, none needs a model, no two alike.

Measures nothing. Every request ends as `published`; the programs that use them say so when one does not.
"""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest

TOTALS = {"input": {"items": [{"value": 1.0}, {"value": 2.0}]}, "output": {"total": 3.0, "count": 2}}
GROSS = {"input": {"net": 100.0, "rate": 0.2}, "output": {"gross": 120.0}}


@dataclass(frozen=True)
class Wish:
    """One kind of request; `{n}` in the prompt makes each one another node."""

    kind: str
    prompt: str
    examples: tuple[dict[str, Any], ...] = ()


WISHES = (
    Wish("EFFECT", "EFFECT node called RowWriter{n} that inserts and upserts rows into PostgreSQL"),
    Wish("COMPUTE", "COMPUTE node called Pricing{n} for pricing calculation"),
    Wish("REDUCER", "REDUCER node called EventTotals{n} that aggregates events per key"),
    Wish(
        "ORCHESTRATOR",
        "ORCHESTRATOR node called OrderFlow{n} that coordinates validation, payment and notification steps",
    ),
    Wish("EFFECT", "EFFECT node called OrderApi{n} that fetches and posts orders over an HTTP API"),
    Wish("COMPUTE", "COMPUTE node called Vat{n} that adds VAT to an amount", (GROSS,)),
    Wish("REDUCER", "REDUCER node called ValueSum{n} that sums values", (TOTALS,)),
    Wish("ORCHESTRATOR", "ORCHESTRATOR node called Intake{n} that coordinates fetching, pricing and storing steps"),
    Wish("EFFECT", "EFFECT node called ReportFiles{n} that writes, reads and lists report files on disk"),
    Wish("COMPUTE", "COMPUTE node called WordCount{n} that does a word count"),
)


def mixed_requests(count: int, *, first: int = 1) -> list[tuple[Wish, GenerationRequest]]:
    """`count` requests in mode fast that go through the wishes in turn; names are numbered from `first` on."""
    wishes = itertools.islice(itertools.cycle(WISHES), count)
    return [(wish, _request(wish, number)) for number, wish in enumerate(wishes, start=first)]


def accepted(requests: list[tuple[Wish, GenerationRequest]], *, prefix: str) -> list[AcceptedRequest]:
    """The requests with an identity each, as the library takes them."""
    return [AcceptedRequest(f"{prefix}-{n}", request) for n, (_, request) in enumerate(requests, start=1)]


def write_jsonl(requests: list[tuple[Wish, GenerationRequest]], path: Path) -> None:
    """The file that `omniclaude generate --requests` takes."""
    lines = [json.dumps({"prompt": r.prompt, "mode": r.mode.value, "examples": list(w.examples)}) for w, r in requests]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _request(wish: Wish, number: int) -> GenerationRequest:
    return GenerationRequest.model_validate(
        {"prompt": wish.prompt.format(n=number), "mode": "fast", "examples": wish.examples}
    )
