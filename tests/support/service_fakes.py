"""The parts behind the HTTP service as fakes, an application over them, and what every problem looks like."""

import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from starlette.testclient import TestClient

from omniclaude_dagster.patterns.model import Added, Found, Offer, Pattern, PatternQuery, StoredPattern
from omniclaude_dagster.providers.chains import ResolvedChain
from omniclaude_dagster.records.kind_figures import KindFigures
from omniclaude_dagster.records.learned import DaySummary, MetricsSummary, PeriodSummary, ReportedRow
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.statistics import wilson
from omniclaude_dagster.surfaces.api.app import build_app
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.services import PartHealth, Services
from omniclaude_dagster.surfaces.api.tokens import Scope, TokenFile
from tests.support.pattern_fakes import pattern_for

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GET_PATTERNS = "/v1/intelligence/get_patterns"
STORE_PATTERN = "/v1/intelligence/store_pattern"
GENERATION_ASSIST = "/v1/intelligence/generation_assist"
RECORD_PERFORMANCE = "/v1/intelligence/record_model_performance"
SUMMARY = "/v1/metrics/summary"
HEALTH = "/healthz"
# Nothing is refused for coming too often.
GENEROUS = ServiceConfig(
    token_rate_per_s=1e6, token_burst=10**6, failed_auth_per_s=1e6, failed_auth_burst=10**6, health_max_age_s=0.0
)


def an_offer(pattern: Pattern | None = None, *, score: float = 0.9) -> Offer:
    """A pattern as the library offers it."""
    return Offer(
        StoredPattern(pattern or pattern_for("joins two names")),
        score,
        {"meaning": 0.9, "keywords": 0.8},
        ("the same words",),
    )


def a_summary() -> MetricsSummary:
    """Figures of a platform that has done something."""
    period = PeriodSummary({"published": 9, "failed": 1}, wilson(9, 10), 0.97, 1_500_000_000)
    none = PeriodSummary({}, None, None, 0)
    days = [DaySummary(NOON.date(), 10, 9, 0.97, 1_500_000_000)]
    return MetricsSummary(NOON, period, period, none, days, {"active": 3})


@dataclass
class FakeParts:
    """Library, records and chains. `failure` is raised by whoever is asked; `wait` holds work up until it is set."""

    found: Found = field(default_factory=lambda: Found((an_offer(),), 1))
    summary: MetricsSummary = field(default_factory=a_summary)
    figures: KindFigures | None = None
    health: dict[str, PartHealth] = field(
        default_factory=lambda: {"records": PartHealth("ok"), "patterns": PartHealth("ok")}
    )
    failure: Exception | None = None
    wait: threading.Event | None = None
    queries: list[PatternQuery] = field(default_factory=list)
    added: list[Pattern] = field(default_factory=list)
    reported: list[ReportedRow] = field(default_factory=list)
    asked_kinds: list[NodeKind] = field(default_factory=list)
    work_count: int = 0
    probe_count: int = 0
    is_in_process: bool = False
    is_closed: bool = False

    def find(self, query: PatternQuery) -> Found:
        self._work()
        self.queries.append(query)
        return replace(self.found, offers=self.found.offers[: query.limit])

    def add(self, pattern: Pattern) -> Added:
        self._work()
        is_new = all(known.pattern_id != pattern.pattern_id for known in self.added)
        self.added.append(pattern)
        return Added(pattern.pattern_id, is_new)

    def write_reported(self, reported: Iterable[ReportedRow]) -> None:
        self._work()
        self.reported.extend(reported)

    def contradicting(self, rows: Sequence[ReportedRow]) -> set[uuid.UUID]:
        self._work()
        known = {row.report_id: replace(row, timestamp=NOON) for row in self.reported}
        return {
            r.report_id
            for r in rows
            if known.get(r.report_id, replace(r, timestamp=NOON)) != replace(r, timestamp=NOON)
        }

    def metrics_summary(self) -> MetricsSummary:
        self._work()
        return self.summary

    def kind_figures(self, node_kind: NodeKind) -> KindFigures | None:
        self._work()
        self.asked_kinds.append(node_kind)
        return self.figures

    def chain_for(self, stage: str) -> ResolvedChain:
        return ResolvedChain((f"cheap-{stage}", "dear"), 2, ("gone is left out: no host",))

    def services(self) -> Services:
        """These parts as the application takes them."""
        return Services(
            finder=self,
            adder=self,
            records=self,
            contradicting=self.contradicting,
            kind_figures=self.kind_figures,
            chain_for=self.chain_for,
            health=self.tried,
            is_in_process=self.is_in_process,
            warm_up=self._warm_up,
            close=self._close,
        )

    def tried(self) -> dict[str, PartHealth]:
        self.probe_count += 1
        self._work()
        return self.health

    def _close(self) -> None:
        self.is_closed = True

    def _warm_up(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _work(self) -> None:
        self.work_count += 1
        if self.wait is not None:
            self.wait.wait(10)
        if self.failure is not None:
            raise self.failure


@dataclass
class Service:
    """An application over fakes, a client of it, and the tokens of its home."""

    parts: FakeParts
    client: TestClient
    tokens: TokenFile
    reader: str
    writer: str

    def post(self, path: str, body: Any, *, token: str | None = None, **options: Any) -> httpx.Response:
        """Send JSON, as the writer where it is needed, else as the reader."""
        given = token or (self.writer if path in {STORE_PATTERN, RECORD_PERFORMANCE} else self.reader)
        return self.client.post(path, json=body, headers={"Authorization": f"Bearer {given}"}, **options)

    def post_text(self, path: str, text: str | bytes, *, content_type: str = "application/json") -> httpx.Response:
        """Send these very bytes as the reader."""
        headers = {"Authorization": f"Bearer {self.reader}", "Content-Type": content_type}
        return self.client.post(path, content=text, headers=headers)

    def get(self, path: str, *, token: str | None = None) -> httpx.Response:
        """Ask as the reader."""
        return self.client.get(path, headers={"Authorization": f"Bearer {token or self.reader}"})


def service_over(home: Path, parts: FakeParts | None = None, config: ServiceConfig = GENEROUS) -> Service:
    """Not yet started: enter its client, or do without its start."""
    tokens = TokenFile(home)
    made = {scope: _token(tokens, scope) for scope in ("read", "write")}
    parts = parts or FakeParts()
    client = TestClient(build_app(parts.services(), config, tokens=tokens), raise_server_exceptions=False)
    return Service(parts, client, tokens, made["read"], made["write"])


def _token(tokens: TokenFile, scope: Scope) -> str:
    return tokens.add({"read": "reader", "write": "writer"}[scope], scopes=[scope]).token


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem in an answer, after everything that all problems have in common was checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:omniclaude:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == f"urn:omniclaude:request:{answer.headers['x-request-id']}"
    return body
