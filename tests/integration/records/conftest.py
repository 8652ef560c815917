"""Both backends behind one fixture: a test that takes `database_url` runs on SQLite and on PostgreSQL."""

import uuid

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite3'}"
    return request.getfixturevalue("postgres_server").new_database(f"records_{uuid.uuid4().hex}")
