"""G12: node.manifest.yaml, where there is one, tells the truth about the node beside it."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.source import Finding

MANIFEST_FILE = "node.manifest.yaml"


def manifest_findings(ctx: NodeContext) -> Iterator[Finding]:
    """What the manifest says that is not so.

    Files and their hashes are compared only when the node was rendered a moment ago: afterwards people may edit it,
    and the hashes say what was generated.
    """
    if MANIFEST_FILE not in ctx.bundle.files:
        return
    manifest = ctx.parsed.documents.get(MANIFEST_FILE)
    if not isinstance(manifest, dict):
        yield Finding(MANIFEST_FILE, 0, "is not a mapping")
        return
    described = manifest.get("node")
    yield from _identity_findings(ctx, manifest, described if isinstance(described, dict) else {})
    if ctx.is_as_generated:
        listed = manifest.get("files")
        yield from _file_findings(ctx, listed if isinstance(listed, dict) else {})


def _identity_findings(ctx: NodeContext, manifest: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[Finding]:
    facts: dict[str, tuple[object, object]] = {"name": (manifest.get("name"), ctx.package)}
    if ctx.node_kind is not None:
        facts["kind"] = (node.get("kind"), ctx.node_kind.value)
    if ctx.node_class is not None:
        facts["class_name"] = (node.get("class_name"), ctx.node_class)
        facts["entrypoint"] = (node.get("entrypoint"), f"{ctx.package}.node:{ctx.node_class}")
    for name, (said, true) in facts.items():
        if said is not None and said != true:
            yield Finding(MANIFEST_FILE, 0, f"{name} is {str(said)[:120]!r}, but the node's is {true!r}")


def _file_findings(ctx: NodeContext, listed: Mapping[str, Any]) -> Iterator[Finding]:
    files = {path: content for path, content in ctx.bundle.files.items() if path != MANIFEST_FILE}
    for path in sorted(files.keys() - listed.keys()):
        yield Finding(MANIFEST_FILE, 0, f"does not list {path}")
    for path in sorted(str(p) for p in listed.keys() - files.keys()):
        yield Finding(MANIFEST_FILE, 0, f"lists {path[:120]}, which is not there")
    for path in sorted(files.keys() & listed.keys()):
        if hashlib.sha256(files[path]).hexdigest() != listed[path]:
            yield Finding(MANIFEST_FILE, 0, f"{path} is not the file whose hash is listed")
