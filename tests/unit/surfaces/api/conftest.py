"""The service over fakes, started."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service_fakes import Service, service_over


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    found = service_over(tmp_path)
    with found.client:
        yield found
