"""The quorum's part of the records: votes, decisions, reviews; and runs of models that other programs report."""

import uuid
from datetime import UTC, datetime

from omniclaude_dagster.records import metrics_queries, quorum_queries
from omniclaude_dagster.records.database import RecordsPart
from omniclaude_dagster.records.learned import MetricsSummary, QuorumDecisionRow, VoteRow
from omniclaude_dagster.records.read_back import quorum_decision, vote
from omniclaude_dagster.records.rows import storable

_MAX_LISTED = 1_000


class QuorumRecords(RecordsPart):
    """What was judged, and by whom. Every method raises RecordsUnavailableError while the database is away."""

    def quorum_decisions(self, *, review: str | None = None, limit: int = 50) -> tuple[QuorumDecisionRow, ...]:
        """The newest decisions, at most 1,000, of one state of review or of all."""
        rows = self.database.read(lambda c: quorum_queries.decisions(c, review=review, limit=min(limit, _MAX_LISTED)))
        return tuple(map(quorum_decision, rows))

    def quorum_decision(self, request_id_or_correlation_id: str) -> QuorumDecisionRow | None:
        """The newest decision about a request, or the one about a generation."""
        named = storable(request_id_or_correlation_id)
        row = self.database.read(lambda c: quorum_queries.decision(c, named, _uuid_of(named)))
        return None if row is None else quorum_decision(row)

    def quorum_votes_of(self, correlation_id: uuid.UUID) -> tuple[VoteRow, ...]:
        """The ballots about a generation or a case, the weightiest seats first."""
        return tuple(map(vote, self.database.read(lambda c: quorum_queries.votes_of(c, correlation_id))))

    def close_review(self, correlation_id: uuid.UUID, *, accepted: bool, note: str) -> bool:
        """Close an open review; False, and nothing happens, when it was not open."""
        review = "accepted" if accepted else "refused"
        at = datetime.now(UTC)
        return self.database.write(
            lambda c: quorum_queries.close_review(c, correlation_id, review=review, note=storable(note), at=at)
        )

    def known_votes(self) -> tuple[VoteRow, ...]:
        """Votes about what is known to be right or wrong, abstentions too, the oldest first; `is_right` says which."""
        return tuple(map(vote, self.database.read(quorum_queries.known_votes)))

    def metrics_summary(self, *, now: datetime | None = None) -> MetricsSummary:
        """Generations, quality, cost and patterns in figures, up to `now`; benchmarks count in none of them."""
        moment = now or datetime.now(UTC)
        return self.database.read(lambda c: metrics_queries.metrics_summary(c, now=moment))


def _uuid_of(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
