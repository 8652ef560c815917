"""How the real parts are seen by the service: what is in process, and how healthy what they tell of themselves is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.patterns.library import LibraryHealth
from omniclaude_dagster.records.repository import RecordsHealth
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.surfaces.api.wiring import is_in_process, library_parts, records_part

WELL = LibraryHealth(
    is_store_reachable=True, is_embedder_reachable=True, is_index_reachable=True, embedding_model="a-model",
    index="embedded", active_count=3, waiting_count=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "backend", "expected"),
    [
        ({}, "sqlite", True),
        ({}, "postgresql", False),
        ({"pattern_index": "pgvector"}, "sqlite", False),
        ({"qdrant_url": "http://127.0.0.1:6333"}, "sqlite", False),
        ({"qdrant_url": "http://127.0.0.1:6333", "pattern_index": "embedded"}, "sqlite", True),
        ({"embeddings_base_url": "http://127.0.0.1:8000/v1"}, "sqlite", False),
    ],
)
def test_what_asks_another_server_is_not_in_process(
    tmp_path: Path, settings: dict[str, Any], backend: str, expected: bool
) -> None:
    assert is_in_process(Settings(home=tmp_path, **settings), backend) is expected


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "ok"),
        ({"is_connected": False}, "away"),
        ({"spooled_count": 2}, "degraded"),
        ({"set_aside_count": 1}, "degraded"),
    ],
)
def test_records_are_away_when_they_take_no_writes_and_degraded_while_some_wait(
    changes: dict[str, Any], status: str
) -> None:
    well = RecordsHealth(True, "sqlite", "connected to sqlite:////secret/path", 0, None)
    part = records_part(replace(well, **changes))
    assert part.status == status
    assert "secret" not in part.detail


@pytest.mark.parametrize(
    ("changes", "patterns", "embedder"),
    [
        ({}, "ok", "ok"),
        ({"is_index_reachable": False}, "degraded", "ok"),
        ({"is_store_reachable": False}, "degraded", "ok"),
        ({"waiting_count": 2}, "degraded", "ok"),
        ({"is_embedder_reachable": False, "embedding_model": ""}, "ok", "degraded"),
    ],
)
def test_a_library_without_one_of_its_parts_is_degraded(changes: dict[str, Any], patterns: str, embedder: str) -> None:
    parts = library_parts(replace(WELL, degraded=("at http://secret.host",), **changes))
    assert (parts["patterns"].status, parts["embedder"].status) == (patterns, embedder)
    assert "secret" not in str(parts)
