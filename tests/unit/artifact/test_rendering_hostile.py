"""Text from people and models never becomes code, structure, markup or a shell command in a generated file.

The proof is by structure: a node rendered with hostile text has the same syntax trees, the same YAML keys and the
same Markdown skeleton as one rendered with harmless text; only the contents of literals differ.
"""

import ast
import functools
import json
import shlex
import tomllib
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from omniclaude_dagster.artifact.rendering import (
    code_text,
    docstring,
    markdown_text,
    python_literal,
    render_bundle,
)
from omniclaude_dagster.node.blueprint import FieldSpec, ModelSpec, NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import Example
from tests.support.generated_nodes import blueprint_for

HOSTILE = [
    '"""\nimport os\nos.system("id")\n"""',
    "'''; raise SystemExit #",
    'ends with a quote"',
    "ends with a backslash\\",
    '\\"""\\',
    "{{ 7 * 7 }} {% for x in y %} {# gone #}",
    "{{ blueprint.__class__.__mro__ }}",
    "{not_a_name} {0} %s %(x)s ${HOME} $(id) `id`",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](http://evil.example/p.png) <http://evil.example>",
    "\\[click](javascript:alert(1)) \\\\[x](y)",
    "a | b | c\n| --- | --- |\n# heading\n```bash\nrm -rf ~\n```",
    "`code` ``more`` ~~~\nfence",
    "*bold* _em_ ~~gone~~ http://evil.example www.evil.example a@b.example",
    "1. one\n- two\n> quote\n---\n===",
    "&lt;b&gt; &#91;x](y)",
    "line\u2028separator\u2029and\x85next\x0cfeed\rreturn\vtab",
    "\u202eright to left\u2066\u2069 \u200bzero\u200dwidth \ufeff",
    "\x00nul\x1b[31mred\x07\x7f\x9b",
    "key: value\n- item: {a: [1]}\n--- !!python/object/apply:os.system [id]\n%YAML 9\n&a *a",
    "null ~ true 0x10 1e3 2026-01-01 =",
    "\U0001f680 emoji, \u00e9\u4e2d\u6587 and \U0010ffff",
    "it's; rm -rf ~ '\"'\"' && echo",
    "x" * 5000,
    "w " * 3000,
    " ",
    "\u3000\u00a0",
]
KINDS = {
    "effect": "Create EFFECT node for PostgreSQL writes",
    "http": "EFFECT node called OrderApi that fetches orders over an HTTP API",
    "compute": "COMPUTE node for pricing calculation",
    "reducer": "REDUCER node for data aggregation",
    "orchestrator": "ORCHESTRATOR node called OrderFlow that coordinates validation, payment, and notification steps",
    "scaffold": "Create EFFECT node for RabbitMQ message publishing",
}
MARKDOWN = MarkdownIt("commonmark").enable("table")
ACTIVE = {"link_open", "image", "html_inline", "html_block", "em_open", "strong_open", "blockquote_open", "hr"}


def with_text(blueprint: NodeBlueprint, text: str) -> NodeBlueprint:
    """The blueprint with `text` in every place that a person's or a model's words can reach."""

    def worded(model: ModelSpec) -> ModelSpec:
        fields = tuple(replace(f, description=text) for f in model.fields)
        return replace(model, description=text, fields=fields)

    changes: dict[str, Any] = {
        "description": text,
        "logic": replace(blueprint.logic, detail=text),
        "input_model": worded(blueprint.input_model),
        "output_model": worded(blueprint.output_model),
        "extra_models": tuple(worded(m) for m in blueprint.extra_models),
        "enums": tuple(replace(e, description=text) for e in blueprint.enums),
        "features": (text,),
    }
    if blueprint.is_scaffold:
        changes["operations"] = (text,)
        changes["examples"] = (Example(input={"payload": {text: text}}, output={"result": {"a": text}}),)
        changes["sample_input"] = {"payload": {"key": text}}
    return replace(blueprint, **changes)


class _Blank(ast.NodeTransformer):
    """Forgets what stands in text literals."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node


def shape(source: bytes) -> str:
    """The syntax tree without the contents of its text literals, and without comments."""
    return ast.dump(_Blank().visit(ast.parse(source)))


def skeleton(text: str) -> list[str]:
    """Block structure of a Markdown text and every active inline element."""
    tokens = MARKDOWN.parse(text)
    blocks = [t.type for t in tokens if t.type not in {"inline"}]
    inline = [c.type for t in tokens if t.children for c in t.children if c.type not in {"text", "softbreak"}]
    return [*blocks, *inline]


def assert_inert(hostile: NodeBundle, harmless: NodeBundle) -> None:
    assert sorted(hostile.files) == sorted(harmless.files)
    for path, content in hostile.files.items():
        if path.endswith(".py"):
            assert shape(content) == shape(harmless.files[path]), path
        elif path.endswith(".yaml"):
            mine, other = yaml.safe_load(content), yaml.safe_load(harmless.files[path])
            assert list(mine) == list(other), path
        elif path.endswith(".toml"):
            mine, other = tomllib.loads(content.decode()), tomllib.loads(harmless.files[path].decode())
            assert nested_keys(mine) == nested_keys(other), path
        elif path.endswith(".json"):
            assert isinstance(json.loads(content), dict), path
        else:
            text = content.decode()
            before = skeleton(harmless.files[path].decode())
            found = skeleton(text)
            assert ACTIVE.isdisjoint(set(found) - set(before)), path
            assert found == before, path


def nested_keys(document: object) -> object:
    """Keys of all tables, without the values."""
    return {k: nested_keys(v) for k, v in document.items()} if isinstance(document, dict) else None


@functools.cache
def plain(kind: str) -> tuple[NodeBlueprint, NodeBundle]:
    blueprint = blueprint_for(KINDS[kind])
    return blueprint, render_bundle(with_text(blueprint, "harmless"))


def check(kind: str, text: str) -> None:
    blueprint, harmless = plain(kind)
    hostile = render_bundle(with_text(blueprint, text))
    assert_inert(hostile, harmless)
    contract = yaml.safe_load(hostile.files["contract.yaml"])
    assert contract["description"] == text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hostile_words_change_no_file_s_structure(kind: str) -> None:
    for text in HOSTILE:
        if has_words(text):
            check(kind, text)


def has_words(text: str) -> bool:
    """Whether anything of the text is left when it is printed; otherwise its paragraph is empty."""
    return bool("".join(c for c in text if c.isprintable()).strip())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    text=st.text(
        alphabet=st.one_of(
            st.sampled_from("\"'\\{}%#<>[]()!|`*_~&:-\n\r\t $;="),
            st.characters(exclude_categories=("Cs",), exclude_characters="\x00"),
        ),
        min_size=1,
        max_size=120,
    ).filter(has_words),
)
def test_no_text_at_all_changes_a_file_s_structure(kind: str, text: str) -> None:
    check(kind, text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(value=JSON_VALUES)
def test_example_values_come_back_as_they_were_given(value: Any) -> None:
    example = {"input": {"given": value}, "output": {"verdict": "ok"}}
    blueprint = blueprint_for("COMPUTE node called Judge that judges what it is given", examples=[example])
    bundle = render_bundle(blueprint)
    for path, content in bundle.python_files.items():
        ast.parse(content, path)
    sample = _sample_of(bundle.files["tests/test_node.py"])
    assert sample == {"given": value}
    manifest = yaml.safe_load(bundle.files["node.manifest.yaml"])
    assert manifest["node"]["sample_input"] == {"given": value}


def _sample_of(source: bytes) -> Any:
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "SAMPLE":
            assert node.value is not None
            return ast.literal_eval(node.value)
    raise AssertionError("no SAMPLE")


@pytest.mark.parametrize("value", ["it's", "'; rm -rf ~; '", "$(id) `id` \\", "a\nb", "\U0001f680"])
def test_the_command_of_the_readme_passes_the_sample_as_one_argument(value: str) -> None:
    example = {"input": {"given": value}, "output": {"verdict": "ok"}}
    bundle = render_bundle(blueprint_for("COMPUTE node called Judge that judges what it is given", examples=[example]))
    line = next(x for x in bundle.files["README.md"].decode().splitlines() if x.startswith("python start_node.py"))
    words = shlex.split(line)
    assert len(words) == 4
    assert json.loads(words[3]) == {"given": value}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_python_literal_gives_back_the_text(text: str) -> None:
    literal = python_literal(text)
    assert ast.literal_eval(literal) == text
    assert literal.isascii()
    assert "\n" not in literal


def test_a_character_beyond_the_first_plane_stays_one_character() -> None:
    """As two halves it could not be printed, sent or validated by Pydantic."""
    assert ast.literal_eval(python_literal("\U0001f680")).encode("utf-8") == b"\xf0\x9f\x9a\x80"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_docstring_line_stays_inside_its_quotes(text: str) -> None:
    line = docstring(text)
    tree = ast.parse(f'"""{line}"""')
    assert len(tree.body) == 1
    assert ast.get_docstring(tree) == line
    assert len(line) <= 88


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_text_is_a_plain_paragraph_with_the_same_words(text: str) -> None:
    tokens = MARKDOWN.parse(markdown_text(text))
    assert [t.type for t in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
    children = [c for t in tokens for c in t.children or ()]
    assert {c.type for c in children} <= {"text", "text_special"}
    shown = "".join(c.content for c in children)
    printable = "".join(c if c.isprintable() else " " for c in text)
    assert shown == " ".join(printable.replace("`", "'").split())


@pytest.mark.parametrize("text", [t for t in HOSTILE if t.strip()])
def test_code_text_stays_between_its_backticks(text: str) -> None:
    shown = code_text(text)
    if shown:
        (inline,) = [t for t in MARKDOWN.parse(f"- `{shown}` after") if t.type == "inline"]
        assert [c.type for c in inline.children or ()] == ["code_inline", "text"]


def test_the_check_itself_notices_an_injection() -> None:
    bundle = render_bundle(blueprint_for(KINDS["compute"]))
    injected = bundle.with_files({"logic.py": bundle.files["logic.py"] + b"\nimport os\n"})
    with pytest.raises(AssertionError, match=r"logic\.py"):
        assert_inert(injected, bundle)
    linked = bundle.with_files({"README.md": bundle.files["README.md"] + b"\n[x](http://evil.example)\n"})
    with pytest.raises(AssertionError, match=r"README\.md"):
        assert_inert(linked, bundle)


def test_only_logic_py_holds_what_a_model_wrote() -> None:
    blueprint = blueprint_for(
        "COMPUTE node called Judge that judges", examples=[{"input": {"a": 1}, "output": {"b": 2}}]
    )
    head = f"def {blueprint.logic.function}(data: ModelJudgeInput) -> ModelJudgeOutput:"
    written = blueprint.with_logic(
        replace(blueprint.logic, origin="model", source=f"{head}\n    return marker_of_a_model(data)\n")
    )
    holding = [path for path, content in render_bundle(written).files.items() if b"marker_of_a_model" in content]
    assert holding == ["logic.py"]


def test_a_field_with_a_long_description_is_still_one_field() -> None:
    blueprint = blueprint_for(KINDS["compute"])
    fields = (FieldSpec("a", "float", "d" * 300, "1.0", {"ge": 0}), *blueprint.input_model.fields[1:])
    changed = replace(blueprint, input_model=replace(blueprint.input_model, fields=fields))
    module = f"models/{blueprint.input_model.module}.py"
    (cls,) = [n for n in ast.parse(render_bundle(changed).files[module]).body if isinstance(n, ast.ClassDef)]
    named = [n.target.id for n in cls.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    assert named == [f.name for f in fields]
