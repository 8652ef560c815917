"""Schemathesis attacks the real service, over a real SQLite library, with what its own OpenAPI document allows.

All checks are on, and the seed is fixed. One expectation is widened: whether a text is Python that holds a function
cannot be said in JSON Schema, so well-formed patterns may be refused by `store_pattern` for what is in them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service_process import ServiceProcess

pytestmark = pytest.mark.integration

_CONFIG = """
[[operations]]
include-path = "/v1/intelligence/store_pattern"
checks.positive_data_acceptance.expected-statuses = [200, 201, 422]
"""
_NO_LIMITS = ("--rate", "1e9", "--burst", "1000000000", "--failed-rate", "1e9", "--failed-burst", "1000000000")
_LIMIT_S = 180


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(_CONFIG)
    program = Path(sys.executable).with_name("schemathesis")
    with ServiceProcess(tmp_path / "home", *_NO_LIMITS, "--no-access-log") as service:
        done = subprocess.run(
            [
                program, f"--config-file={config}", "run", f"{service.url}/openapi.json",
                "--header", f"Authorization: Bearer {service.token}", "--checks", "all", "--mode", "all",
                "--max-examples", "40", "--seed", "20260301", "--generation-database", "none", "--no-color",
            ],
            capture_output=True, text=True, timeout=_LIMIT_S, check=False, cwd=tmp_path,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(tmp_path)},
        )  # fmt: skip
        told = "\n".join(line[:400] for line in done.stdout.splitlines()[-120:])
        assert done.returncode == 0, f"{told}\n{done.stderr[-2000:]}\n{service.log[-2000:]}"
        assert "6 selected / 6 total" in done.stdout
        assert service.stop() == 0
    assert "internal" not in service.log
    assert "Traceback" not in service.log
