"""Every entry of the core table holds on the core version it names: imports, and nodes that pass their tests there."""

from pathlib import Path

import pytest

from omniclaude_dagster.contracts.profile import core_versions
from tools.check_profiles import problems_of

UV = Path(__file__).parents[2] / ".bootstrap" / "bin" / "uv"


@pytest.mark.integration
@pytest.mark.xdist_group("core-profiles")
@pytest.mark.parametrize("version", core_versions())
def test_an_entry_holds_on_the_core_it_names(version: str) -> None:
    if not UV.exists():
        pytest.skip("uv is not there to make an environment with another core; `make setup` brings it")
    assert problems_of(version) == []
