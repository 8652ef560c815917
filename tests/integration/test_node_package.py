"""A generated node is a package: it is built, installed, and found by the framework through its entry point."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.generated_nodes import bundle_for, write_bundle

ROOT = Path(__file__).parents[2]
UV = ROOT / ".bootstrap" / "bin" / "uv"
DISCOVER = """
import json
from omnibase_core.discovery.discovery_external_nodes import discover_external_nodes
found = discover_external_nodes(load_classes=True)
print(json.dumps({name: node.node_class.__name__ for name, node in found.items()}))
"""


@pytest.mark.integration
def test_a_node_is_built_installed_and_found_by_the_framework(tmp_path: Path) -> None:
    if not UV.exists():
        pytest.skip("uv is not there to build a package; `make setup` brings it")
    root = write_bundle(bundle_for("COMPUTE node for pricing calculation"), tmp_path)
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    build = [str(UV), "build", "--wheel", "--quiet", "--python", sys.executable, "-o", str(wheels), str(root)]
    subprocess.run(build, check=True, timeout=300, cwd=ROOT)
    (wheel,) = wheels.glob("*.whl")
    install = [str(UV), "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, timeout=300, cwd=ROOT)
    assert (site / root.name / "contract.yaml").is_file()
    found = subprocess.run(
        [sys.executable, "-c", DISCOVER], check=True, timeout=120, capture_output=True, text=True, cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
    )  # fmt: skip
    assert json.loads(found.stdout.splitlines()[-1])[root.name] == "NodePricingCalculatorCompute"
