"""Ten requests over all four kinds that need no model, no two alike; `{n}` numbers them, so that there are many."""

from dataclasses import dataclass
from typing import Any

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
