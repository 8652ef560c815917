"""The node that waits for a person: read from the records, merged with what was edited since, ready to be judged.

It is untrusted, however it came there: paths and sizes are checked, and its code runs only in the sandbox. Publishes
nothing; `decisions.py` does.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from omniclaude_dagster.artifact.manifest import MANIFEST_NAME, NodeIdentity, generated_hashes, identity_of
from omniclaude_dagster.artifact.merge import Conflict
from omniclaude_dagster.artifact.store import NodeStore
from omniclaude_dagster.artifact.update import Update, present_tree, tree_diff
from omniclaude_dagster.contracts.plan.planner import plan_node
from omniclaude_dagster.errors import ConflictError, RequestError
from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.registry import context_of
from omniclaude_dagster.node.bundle import MAX_FILE_BYTES, NodeBundle, content_hashes
from omniclaude_dagster.node.documents import yaml_data, yaml_text
from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import AcceptedRequest, Example, GenerationRequest, Mode, NodeKind
from omniclaude_dagster.request.parsing import parse_json
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.sandbox.model import Sandbox

if TYPE_CHECKING:
    from omniclaude_dagster.records.learned import QuorumDecisionRow

REQUEST_FILE = "request.json"
MAX_NODE_BYTES = 8 * MAX_FILE_BYTES


def accepting_diff(decision: "QuorumDecisionRow", *, state_dir: Path) -> str:
    """What accepting would change in the output folder now, without the manifest, which only repeats hashes.

    Raises what accepting would raise before it judges anything.
    """
    stored = bundle_of(decision)
    bundle, _ = with_edits(NodeStore(output_dir_of(decision), state_dir), stored, decision)
    present = present_tree(output_dir_of(decision), stored.package_name) or {}
    before, after = (
        {path: content for path, content in tree.items() if path != MANIFEST_NAME} for tree in (present, bundle.files)
    )
    return tree_diff(before, after)


def bundle_of(decision: "QuorumDecisionRow") -> NodeBundle:
    """The node that waits. Raises RequestError or UnsafePathError for anything that is no node of this request."""
    files: dict[str, bytes] = {}
    for path, text in decision.files.items():
        content = text.encode("utf-8", "replace") if isinstance(text, str) else None
        if content is None or len(content) > MAX_FILE_BYTES:
            raise _damaged(decision, f"{path[:120]!r} is no text of up to {MAX_FILE_BYTES} bytes")
        files[path] = content
    if sum(map(len, files.values())) > MAX_NODE_BYTES:
        raise _damaged(decision, f"it is larger than {MAX_NODE_BYTES} bytes")
    bundle = NodeBundle(decision.package_name, files)
    identity = identity_of(files.get(MANIFEST_NAME, b""))
    if identity != NodeIdentity(decision.request_id, decision.package_name):
        raise _damaged(decision, f"its {MANIFEST_NAME} is missing or another node's")
    return bundle


def review_context(bundle: NodeBundle, sandbox: Sandbox, *, stored: NodeBundle, request_id: str) -> NodeContext:
    """What the gates look at: as in stages 4 and 6, in the mode that asks a quorum.

    The request is that of `stored`; `bundle` may hold what a person edited since.
    """
    found = context_of(bundle, sandbox)
    examples = examples_of(stored, kind=found.node_kind, request_id=request_id)
    return replace(found, mode=Mode.STRICT, examples=examples, is_as_generated=True)


def examples_of(bundle: NodeBundle, *, kind: NodeKind | None, request_id: str) -> tuple[Example, ...]:
    """The acceptance examples as stage 3 planned them: those of the request, and those that its prompt spells out."""
    request = _request_of(bundle)
    parsed = understand(request.prompt, node_kind=request.node_kind, name=request.name, domain=request.domain)
    # A model may have named kind and node; examples do not depend on what the node is called.
    parsed = replace(parsed, node_kind=kind or parsed.node_kind, name=parsed.name or "Reviewed")
    return plan_node(AcceptedRequest(request_id, request), parsed).examples


def _request_of(bundle: NodeBundle) -> GenerationRequest:
    content = bundle.files.get(REQUEST_FILE, b"")
    try:
        return request_from_mapping(parse_json(content.decode()))
    except RequestError as exc:
        raise RequestError(
            f"the node's examples cannot be checked, for its {REQUEST_FILE} is missing or damaged: {exc.message}",
            cure="generate it again",
        ) from None


def with_edits(store: NodeStore, stored: NodeBundle, decision: "QuorumDecisionRow") -> tuple[NodeBundle, Update | None]:
    """The node with what a person changed in the output folder since. Raises ConflictError where both cannot be."""
    present = present_tree(output_dir_of(decision), stored.package_name) or {}
    standing = identity_of(present.get(MANIFEST_NAME, b""))
    if decision.decision == "suggest" and standing and standing.request_id != decision.request_id:
        raise ConflictError(
            f"the node of another request ({standing.request_id}) stands there now.", cure="refuse this review"
        )
    merged = store.merged(stored)
    if merged is None:
        return stored, None
    bundle, update = merged
    if update.conflicts:
        raise ConflictError(
            f"edits made by hand contradict what would be accepted: {', '.join(map(_place, update.conflicts))}.",
            cure="take the change over by hand and refuse the review, or undo the edits there and accept again",
        )
    return _with_true_origin(bundle, stored), update


def _place(conflict: Conflict) -> str:
    """The file that both sides changed. Nothing is written beside it here, so no file with both sides is named."""
    return f"{conflict.path} ({conflict.reason})" if conflict.reason else conflict.path


def _with_true_origin(merged: NodeBundle, stored: NodeBundle) -> NodeBundle:
    """`stored` may hold earlier edits of a person; they must not count as generated, or they would be lost later."""
    generated = generated_hashes(stored.files[MANIFEST_NAME]) or {}
    now = content_hashes({path: content for path, content in merged.files.items() if path != MANIFEST_NAME})
    changed = {path: generated.get(path) for path in sorted({*generated, *now}) if generated.get(path) != now.get(path)}
    document = yaml_data(merged.files[MANIFEST_NAME].decode())
    document.pop("generated", None)
    if changed:
        document["generated"] = changed
    return merged.with_files({MANIFEST_NAME: yaml_text(document).encode()})


def output_dir_of(decision: "QuorumDecisionRow") -> Path:
    """Where the node is, or would be, delivered. Raises RequestError for a path that is not absolute."""
    path = Path(decision.output_dir)
    if not path.is_absolute():
        raise _damaged(decision, f"its output folder {decision.output_dir[:120]!r} is not absolute")
    return path


def _damaged(decision: "QuorumDecisionRow", problem: str) -> RequestError:
    return RequestError(
        f"what waits for review of {decision.request_id} cannot be delivered: {problem}.", cure="generate it again"
    )
