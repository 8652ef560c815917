"""`make check-profiles`: proves each entry of contracts/profiles.yaml against the very core version it names.

For every version but the installed one an environment of its own is made in the user's cache folder. There every
import of the table is tried, and a node of each kind, rendered for that version, runs its own tests.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version as installed_version
from pathlib import Path

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.contracts.plan.planner import plan_node
from omniclaude_dagster.contracts.profile import CoreProfile, core_profile, core_versions
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest, NodeKind
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.settings import load_settings
from omniclaude_dagster.stages.event_bus import topics_of

_ROOT = Path(__file__).resolve().parent.parent
_INSTALL_TIMEOUT_S = 600
_TEST_TIMEOUT_S = 300
# One node a kind; none needs a client library.
_PROMPTS = {
    NodeKind.EFFECT: "EFFECT node called ReportFiles that writes and reads report files on disk",
    NodeKind.COMPUTE: "COMPUTE node for pricing calculation",
    NodeKind.REDUCER: "REDUCER node called ScoreBoard that sums scores of players",
    NodeKind.ORCHESTRATOR: "ORCHESTRATOR node called OrderFlow that coordinates validation, payment, and notification",
}
_TRY_IMPORTS = """
import importlib, json, sys
asked = json.load(sys.stdin)
missing = []
for module, symbol in asked["imports"]:
    try:
        getattr(importlib.import_module(module), symbol)
    except Exception as exc:
        missing.append(f"{module}.{symbol}: {type(exc).__name__}: {exc}")
print(json.dumps(missing))
"""


def problems_of(version: str) -> list[str]:
    """What does not hold of the entry for `version`, tried on that core. Empty when everything does."""
    profile = core_profile(version)
    python = Path(sys.executable) if version == installed_version("omnibase-core") else environment_of(version)
    return [*_missing_imports(python, profile), *_failing_nodes(python, profile)]


def environment_of(version: str) -> Path:
    """Python of an environment with that core, made once in the cache folder."""
    folder = load_settings().cache_path / "cores" / version
    python, stamp = folder / "bin" / "python", folder / ".complete"
    if stamp.exists():
        return python
    uv = _ROOT / ".bootstrap" / "bin" / "uv"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        lines = (_ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        constraints.write("\n".join(line for line in lines if not line.startswith("omnibase-core==")))
        constraints.flush()
        _run([str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        wanted = [f"omnibase-core=={version}", "pytest", "hypothesis"]
        _run([str(uv), "pip", "install", "--quiet", "--python", str(python), "-c", constraints.name, *wanted])
    stamp.touch()
    return python


def _missing_imports(python: Path, profile: CoreProfile) -> list[str]:
    imports = {pair for kind in NodeKind for pair in profile.imports_for(kind)} | {
        known.model for known in profile.subcontracts
    }
    done = subprocess.run(
        [str(python), "-c", _TRY_IMPORTS],
        input=json.dumps({"imports": sorted(imports)}),
        capture_output=True,
        text=True,
        timeout=_TEST_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        return [f"the imports could not be tried: {done.stderr[-500:]}"]
    missing: list[str] = json.loads(done.stdout.splitlines()[-1])
    return missing


def _failing_nodes(python: Path, profile: CoreProfile) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="omniclaude-profile-") as folder:
        for kind, prompt in _PROMPTS.items():
            _write_node(kind, prompt, profile, Path(folder))
        done = subprocess.run(
            [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", folder],
            capture_output=True,
            text=True,
            timeout=_TEST_TIMEOUT_S,
            check=False,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "HOME": folder},
        )
        return [] if done.returncode == 0 else [f"the tests of generated nodes fail: {done.stdout[-2000:]}"]


def _write_node(kind: NodeKind, prompt: str, profile: CoreProfile, folder: Path) -> None:
    request = GenerationRequest(prompt=prompt, node_kind=kind)
    parsed = understand(prompt, node_kind=kind)
    blueprint = plan_node(AcceptedRequest("profile-check", request), parsed)
    bundle = render_bundle(blueprint.with_event_bus(topics_of(blueprint)), profile=profile)
    for path, content in bundle.files.items():
        target = folder / bundle.package_name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise SystemExit(f"check-profiles: {' '.join(command[:3])} failed: {done.stderr[-1000:]}")


def main() -> int:
    """Check every entry; 1 when one does not hold."""
    is_right = True
    for version in core_versions():
        found = problems_of(version)
        print(
            f"omnibase-core {version}: {'does not hold' if found else 'every entry holds, and nodes of all kinds run'}"
        )
        for problem in found:
            print(f"  {problem}")
        is_right = is_right and not found
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
