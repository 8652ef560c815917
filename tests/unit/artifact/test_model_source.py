"""Files of models and enums are built as syntax trees: text stays text, models may wait for one another."""

import ast

import pytest

from omniclaude_dagster.artifact.formatting import format_python
from omniclaude_dagster.artifact.model_graph import ModelGraph
from omniclaude_dagster.artifact.model_source import enum_source, model_source, package_source
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec

HOSTILE = '"""\nimport os\nos.system("id") # \\'


def formatted(source: str) -> str:
    return format_python({"a.py": source})["a.py"]


def source_of(*fields: FieldSpec) -> str:
    model = ModelSpec("ModelA", "A model.", fields)
    return formatted(model_source(model, ModelGraph.of([model])))


@pytest.mark.parametrize(
    ("field", "line"),
    [
        (FieldSpec("a", "int"), "a: int"),
        (FieldSpec("a", "int", default="3"), "a: int = 3"),
        (FieldSpec("a", "int", constraints={"ge": 0}), "a: int = Field(ge=0)"),
        (
            FieldSpec("a", "int", "How many.", "3", {"ge": 0}),
            'a: int = Field(default=3, ge=0, description="How many.")',
        ),
        (FieldSpec("a", "list[str]", default="list"), "a: list[str] = Field(default_factory=list)"),
        (FieldSpec("a", "list[str]", default='lambda: ["x"]'), 'a: list[str] = Field(default_factory=lambda: ["x"])'),
        (FieldSpec("a", "str", constraints={"pattern": r"^\d$"}), 'a: str = Field(pattern=r"^\\d$")'),
        (FieldSpec("a", "str", constraints={"pattern": 'a"\\'}), "a: str = Field(pattern='a\"\\\\')"),
        (FieldSpec("a", "str", "é"), 'a: str = Field(description="\\xe9")'),
        (FieldSpec("b", "str", alias="a-b"), 'b: str = Field(validation_alias="a-b", serialization_alias="a-b")'),
    ],
)
def test_a_field_is_written_as_by_hand(field: FieldSpec, line: str) -> None:
    assert f"\n    {line}\n" in source_of(field)


def test_hostile_text_stays_text() -> None:
    field = FieldSpec("a", f"Literal[{HOSTILE!r}]", HOSTILE, repr(HOSTILE), {"pattern": HOSTILE}, alias=HOSTILE)
    model = ModelSpec("ModelA", HOSTILE, (field,))
    tree = ast.parse(formatted(model_source(model, ModelGraph.of([model]))))
    assert {type(node) for node in tree.body} == {ast.Expr, ast.ImportFrom, ast.ClassDef}
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))
    kept = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value == HOSTILE]
    assert len(kept) == 6


def test_an_alias_lets_the_model_speak_json() -> None:
    assert "validate_by_name=True, serialize_by_alias=True" in source_of(FieldSpec("b", "str", alias="a-b"))
    assert "by_alias" not in source_of(FieldSpec("b", "str"))


def test_models_that_wait_for_one_another_import_one_another_for_the_type_checker_only() -> None:
    one = ModelSpec("ModelOne", "d", (FieldSpec("two", "ModelTwo | None"),))
    two = ModelSpec("ModelTwo", "d", (FieldSpec("one", "list[ModelOne]"),))
    above = ModelSpec("ModelAbove", "d", (FieldSpec("one", "ModelOne"),))
    alone = ModelSpec("ModelAlone", "d", (FieldSpec("alone", "ModelAlone | None"),))
    graph = ModelGraph.of([one, two, above, alone])
    assert graph.unfinished == ("ModelOne", "ModelTwo", "ModelAbove")
    assert "if TYPE_CHECKING:\n    from .model_two import ModelTwo\n" in model_source(one, graph)
    assert "\nfrom .model_one import ModelOne\n" in model_source(above, graph)
    assert "import ModelAlone" not in model_source(alone, graph)
    package = package_source(
        "Models.", [("model_two", "ModelTwo"), ("model_one", "ModelOne")], unfinished=("ModelOne",)
    )
    assert package.index("ModelOne.model_rebuild()") > package.index("from .model_two")


def test_a_chain_of_models_is_no_circle() -> None:
    one = ModelSpec("ModelOne", "d", (FieldSpec("two", "ModelTwo"),))
    two = ModelSpec("ModelTwo", "d", (FieldSpec("n", "int"),))
    assert ModelGraph.of([one, two]).unfinished == ()
    assert "TYPE_CHECKING" not in model_source(one, ModelGraph.of([one, two]))


def test_members_of_an_enum_may_be_chosen() -> None:
    chosen = EnumSpec("EnumA", "Levels.", ("10", "-1"), ("HIGH", "LOW"), "IntEnum")
    assert "    HIGH = 10\n    LOW = -1\n" in formatted(enum_source(chosen))
    assert '    GET_ALL = "get all"\n' in formatted(enum_source(EnumSpec("EnumA", "Verbs.", ("get all",))))
