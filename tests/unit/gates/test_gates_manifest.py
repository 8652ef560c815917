"""G12 on node.manifest.yaml: what it says of the node is so; its hashes, as long as nobody can have edited the node."""

import hashlib

import pytest
import yaml

from omniclaude_dagster.gates.registry import run_post_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import NodeKind
from tests.support.reference_nodes import ScriptedSandbox, node_context, reference_bundle

COMPUTE = reference_bundle(NodeKind.COMPUTE)
TRUE = {
    "name": "node_tax_compute",
    "node": {"kind": "COMPUTE", "class_name": "NodeTaxCompute", "entrypoint": "node_tax_compute.node:NodeTaxCompute"},
    "files": {path: hashlib.sha256(content).hexdigest() for path, content in COMPUTE.files.items()},
}


def with_manifest(document: object, bundle: NodeBundle = COMPUTE) -> NodeBundle:
    return bundle.with_files({"node.manifest.yaml": yaml.safe_dump(document).encode()})


def judged(bundle: NodeBundle, *, is_as_generated: bool = True) -> GateResult:
    ctx = node_context(bundle, ScriptedSandbox(), is_as_generated=is_as_generated)
    return {r.gate: r for r in run_post_generation(ctx)}["G12"]


def test_a_true_manifest_passes_and_a_node_needs_none() -> None:
    assert judged(with_manifest(TRUE)).status == "pass"
    assert judged(COMPUTE).status == "pass"


@pytest.mark.parametrize("is_as_generated", [True, False])
@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({**TRUE, "name": "node_other_compute"}, "name is 'node_other_compute', but the node's is 'node_tax_compute'"),
        ({**TRUE, "node": {"kind": "EFFECT"}}, "kind is 'EFFECT', but the node's is 'COMPUTE'"),
        ({**TRUE, "node": {"class_name": "NodeX"}}, "class_name is 'NodeX'"),
        ({**TRUE, "node": {"entrypoint": "os:system"}}, "entrypoint is 'os:system'"),
        (["a list"], "is not a mapping"),
    ],
)
def test_what_it_says_of_the_node_must_be_so(document: object, named: str, is_as_generated: bool) -> None:
    found = judged(with_manifest(document), is_as_generated=is_as_generated)
    assert (found.status, found.is_blocking) == ("fail", True)
    assert named in found.message


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"node.py": "0" * 64}, "node.py is not the file whose hash is listed"),
        ({"extra.py": "0" * 64}, "lists extra.py, which is not there"),
        ({"node.py": None}, "node.py is not the file"),
    ],
)
def test_hashes_must_be_true_of_a_node_that_was_just_made(files: dict[str, object], named: str) -> None:
    lying = with_manifest({**TRUE, "files": {**TRUE["files"], **files}})  # type: ignore[dict-item]
    assert named in judged(lying).message
    assert judged(lying, is_as_generated=False).status == "pass"


def test_a_file_must_be_listed_in_a_node_that_was_just_made() -> None:
    more = with_manifest(TRUE, COMPUTE.with_files({"helper.py": b'"""More."""\n'}))
    assert "does not list helper.py" in judged(more).message
    assert judged(more, is_as_generated=False).status == "pass"
