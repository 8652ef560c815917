"""Names of nodes: what becomes what, and which names are none (fault row 14)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniclaude_dagster.errors import UnsafePathError
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request import naming
from omniclaude_dagster.request.model import NodeKind


@pytest.mark.parametrize(
    ("name", "kind", "class_name", "package"),
    [
        ("UserWriter", NodeKind.EFFECT, "NodeUserWriterEffect", "node_user_writer_effect"),
        ("UserWriterEffect", NodeKind.EFFECT, "NodeUserWriterEffect", "node_user_writer_effect"),
        ("PostgresCRUD", NodeKind.EFFECT, "NodePostgresCRUDEffect", "node_postgres_crud_effect"),
        ("PostgreSQLWriter", NodeKind.EFFECT, "NodePostgreSQLWriterEffect", "node_postgresql_writer_effect"),
        ("HTTPServer", NodeKind.EFFECT, "NodeHTTPServerEffect", "node_http_server_effect"),
        ("DataTransformCompute", NodeKind.COMPUTE, "NodeDataTransformCompute", "node_data_transform_compute"),
        ("Reducer", NodeKind.REDUCER, "NodeReducerReducer", "node_reducer_reducer"),
        ("OrderFlow", NodeKind.ORCHESTRATOR, "NodeOrderFlowOrchestrator", "node_order_flow_orchestrator"),
        ("A", NodeKind.COMPUTE, "NodeACompute", "node_a_compute"),
        ("Sha256Sum", NodeKind.COMPUTE, "NodeSha256SumCompute", "node_sha256_sum_compute"),
    ],
)
def test_a_name_becomes_class_and_package(name: str, kind: NodeKind, class_name: str, package: str) -> None:
    assert naming.name_problem(name) is None
    assert naming.class_name(name, kind) == class_name
    assert naming.package_name(name, kind) == package


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/x", "x\n", "Writer\n", "Writer\x00", "\x00", "A" * 65, "A" * 300, "", " ", "writer", "1Writer",
     "User Writer", "User-Writer", "User_Writer", "Us\u0435rWriter", "\uff35ser", "Üser", "\U0001f680", "Writer\u202e",
     "True", "None", "False", "Class", "Import", "Match", "Os", "Json", "Sys", "Logging", "{{x}}", "A;B", "A/../B"],
)  # fmt: skip
def test_a_name_that_is_none_is_refused_with_the_cure(name: str) -> None:
    assert naming.name_problem(name)
    with pytest.raises(UnsafePathError, match="choose a name like UserWriter"):
        naming.checked_name(name)


@pytest.mark.parametrize(
    ("words", "expected"), [("user writer", "UserWriter"), ("user_writer", "UserWriter"), ("crud API", "CrudAPI")]
)
def test_words_become_pascal_case(words: str, expected: str) -> None:
    assert naming.pascal_case(words) == expected


@given(
    name=st.text(alphabet=string.ascii_letters + string.digits, min_size=1, max_size=64),
    kind=st.sampled_from(list(NodeKind)),
)
def test_every_accepted_name_gives_names_that_python_and_the_disk_accept(name: str, kind: NodeKind) -> None:
    if naming.name_problem(name) is None:
        assert naming.class_name(name, kind).isidentifier()
        assert NodeBundle(naming.package_name(name, kind)).package_name.isidentifier()


@given(text=st.text(max_size=80))
def test_no_text_at_all_leaves_its_folder(text: str) -> None:
    if naming.name_problem(text) is None:
        assert text.isascii()
        assert text.isalnum()
