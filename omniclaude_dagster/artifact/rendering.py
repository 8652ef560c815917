"""The one Jinja environment: a blueprint becomes a bundle of files.

Reads templates and publishes nothing. Text from people or models enters files only through the filters here,
which make it a literal, a docstring line or plain Markdown; code enters only as `Logic.source`, in logic.py.
"""

import json
import re
import shlex
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound

from omniclaude_dagster.artifact import imports, plain_logic, property_tests
from omniclaude_dagster.artifact.formatting import format_python
from omniclaude_dagster.artifact.literals import docstring, enum_member, python_literal, python_value
from omniclaude_dagster.artifact.model_graph import ModelGraph
from omniclaude_dagster.artifact.model_source import CHECKS, enum_source, model_source, package_source
from omniclaude_dagster.contracts.builder import contract_yaml
from omniclaude_dagster.contracts.plan.systems.registry import system_of_flavour
from omniclaude_dagster.contracts.profile import CoreProfile, core_profile
from omniclaude_dagster.node.blueprint import ModelSpec, NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle, content_hashes
from omniclaude_dagster.node.documents import yaml_text
from omniclaude_dagster.request import naming
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.settings import project_data_path

# Numbers of characters need no backslash: text may bring backslashes of its own, and two of them undo an escape.
_INERT = str.maketrans({char: f"&#{ord(char)};" for char in "&<>|\\[*~@"} | {"`": "'"})
# What is syntax only in some places: a list or heading at the start, an address, an underscore beside a word.
_ACTIVE_IN_PLACE = re.compile(r"\A[#+=-]|(?<=\d)[.)](?= )|:(?=//)|(?<=www)\.|(?<![^\W_])_|_(?![^\W_])", re.IGNORECASE)


def render_bundle(blueprint: NodeBlueprint, *, profile: CoreProfile | None = None) -> NodeBundle:
    """Every file of the node. Raises ContractError when the core's own model refuses its contract."""
    chosen = profile or core_profile()
    context = _context(blueprint, chosen)
    header = provenance(blueprint, chosen)
    files = {
        "__init__.py": _render("common/package_init.py.jinja2", context),
        "contract.yaml": contract_yaml(blueprint, profile=chosen),
        "node.py": header + _render(f"node/{blueprint.kind.value.lower()}.py.jinja2", context),
        "logic.py": header + _logic(blueprint, context),
        "README.md": _readme(blueprint, context),
        "pyproject.toml": _render("common/pyproject.toml.jinja2", context),
        **_models(blueprint, context),
        **_enums(blueprint),
        **_extra_files(blueprint, context),
    }
    if blueprint.request_json:
        files["request.json"] = blueprint.request_json
    if blueprint.is_scaffold:
        files["REVIEW.md"] = _render("common/review.md.jinja2", context)
    if blueprint.event_bus is not None:
        files |= _bus_files(blueprint, context, chosen)
        files |= _tests(blueprint, context, chosen)
    formatted = format_python({path: _tidy(text) for path, text in files.items()})
    encoded = {path: text.encode() for path, text in formatted.items()}
    encoded["node.manifest.yaml"] = _manifest(blueprint, encoded, chosen).encode()
    return NodeBundle(blueprint.package_name, encoded)


def provenance(blueprint: NodeBlueprint, profile: CoreProfile) -> str:
    """The one comment about generation: which request, which versions, and the model that wrote the logic, if any."""
    written_by = f"; logic by {docstring(blueprint.logic.model)}" if blueprint.logic.model else ""
    versions = f"omniclaude {omniclaude_version()}, omnibase-core {profile.version}"
    return f"# Generated from request {blueprint.request_id} by {versions}{written_by}.\n"


def has_templates(kind: NodeKind, systems: Iterable[str] = ()) -> bool:
    """Whether the files a node of this kind is made of exist (gate G5)."""
    try:
        _environment().get_template(f"node/{kind.value.lower()}.py.jinja2")
        _environment().get_template("logic/scaffold.py.jinja2" if list(systems) else "logic/pure.py.jinja2")
    except TemplateNotFound:
        return False
    return True


def _context(blueprint: NodeBlueprint, profile: CoreProfile) -> dict[str, Any]:
    system = system_of_flavour(blueprint.flavour)
    opener, client = (system.opener, system.client) if system else (None, None)
    planned = blueprint.sample_input.get("steps", ()) if blueprint.kind is NodeKind.ORCHESTRATOR else ()
    step_names = [s.name for s in blueprint.steps] or [s["name"] for s in planned]
    has_waiting = bool(blueprint.steps) is False or any(s.depends_on for s in blueprint.steps)
    return {
        "blueprint": blueprint,
        "core_version": profile.version,
        "has_config": system is not None,
        "config_class": f"Model{blueprint.stem}Config",
        "enum": blueprint.enums[0].class_name if blueprint.enums else "",
        "operations": list(blueprint.operation_values),
        "opener": opener,
        "client": client,
        "client_protocol": f"Protocol{client}",
        "client_module": "client",
        "client_name": "client",
        "logic_names": sorted(
            [blueprint.logic.function, *([opener] if opener else []), *([f"Protocol{client}"] if client else [])],
            key=_import_key,
        ),
        "side_effect": system.side_effect if system else python_literal(blueprint.unfilled_operation),
        "effect_type": system.effect_type if system else "API_CALL",
        "step_names": step_names,
        "skipped_after_first": step_names[1:] if has_waiting else [],
        "input_import": imports.lines(profile, ["ModelOrchestratorInput"])[0],
        "step_module": profile.module_of("ModelWorkflowStep"),
        "sample": blueprint.sample_input,
        "sample_json": json.dumps(blueprint.sample_input),
        "model_names": sorted(m.class_name for m in (blueprint.input_model, blueprint.output_model)),
        "error_imports": imports.lines(profile, ["EnumCoreErrorCode", "ModelOnexError"]),
        "framework_imports": imports.lines(profile, imports.node_symbols(blueprint)),
        # What a system's own tests use of logic.py and tests/support.py; its template_context may name more.
        "tested_logic": [],
        "support_names": ["prepare"],
        **plain_logic.template_context(blueprint),
        **(system.template_context(blueprint) if system else {}),
    }


def _logic(blueprint: NodeBlueprint, context: dict[str, Any]) -> str:
    logic = blueprint.logic
    if logic.template is not None:
        return _render(logic.template, context)
    if logic.source is None:
        return _render("logic/scaffold.py.jinja2", context)
    if blueprint.signature is not None:
        plain = plain_logic.plain_module_body(blueprint, blueprint.signature, logic.source)
        return _render("logic/pure.py.jinja2", {**context, "body": plain})
    names = sorted({blueprint.input_model.class_name, blueprint.output_model.class_name})
    body = imports.pure_module_body(logic.source, model_names=names)
    return _render("logic/pure.py.jinja2", {**context, "body": body})


def _extra_files(blueprint: NodeBlueprint, context: dict[str, Any]) -> dict[str, str]:
    system = system_of_flavour(blueprint.flavour)
    return {path: _render(template, context) for path, template in system.extra_files.items()} if system else {}


def _models(blueprint: NodeBlueprint, context: dict[str, Any]) -> dict[str, str]:
    graph = ModelGraph.of(blueprint.models)
    files = {f"models/{model.module}.py": model_source(model, graph) for model in blueprint.models}
    exports = [(model.module, model.class_name) for model in blueprint.models]
    if context["has_config"]:
        config = context["config_class"]
        module = naming.snake_case(config)
        files[f"models/{module}.py"] = _render(f"common/config_{blueprint.flavour}.py.jinja2", context)
        exports.append((module, config))
    checks = checks_source(blueprint.models)
    if checks:
        files["checks.py"] = checks
    title = f"Models of {blueprint.class_name}."
    return {**files, "models/__init__.py": package_source(title, exports, unfinished=graph.unfinished)}


def checks_source(models: Iterable[ModelSpec]) -> str:
    """checks.py with the functions that fields mention; empty when none does."""
    used = sorted({name for model in models for f in model.fields for name in f.names if name in CHECKS})
    return _render("common/checks.py.jinja2", {"checks": used}) if used else ""


def _enums(blueprint: NodeBlueprint) -> dict[str, str]:
    if not blueprint.enums:
        return {}
    files = {f"enums/{enum.module}.py": enum_source(enum) for enum in blueprint.enums}
    exports = [(enum.module, enum.class_name) for enum in blueprint.enums]
    return {**files, "enums/__init__.py": package_source(f"Enumerations of {blueprint.class_name}.", exports)}


def _bus_files(blueprint: NodeBlueprint, context: dict[str, Any], profile: CoreProfile) -> dict[str, str]:
    announced = ["ModelNodeIntrospectionEvent", "ModelNodeCapability", "ModelSemVer"]
    start = imports.lines(profile, imports.start_symbols(blueprint.kind))
    bus = "from omnibase_core.event_bus.event_bus_inmemory import EventBusInmemory"
    return {
        "event_bus.py": _render(
            "common/event_bus.py.jinja2", {**context, "imports": imports.lines(profile, announced)}
        ),
        "start_node.py": _render("common/start_node.py.jinja2", {**context, "imports": sorted([*start, bus])}),
    }


def _readme(blueprint: NodeBlueprint, context: dict[str, Any]) -> str:
    needs_hypothesis = property_tests.property_context(blueprint) is not None
    return _render("common/readme.md.jinja2", {**context, "needs_hypothesis": needs_hypothesis})


def _tests(blueprint: NodeBlueprint, context: dict[str, Any], profile: CoreProfile) -> dict[str, str]:
    kind = blueprint.kind.value.lower()
    part = "scaffold" if blueprint.is_scaffold else kind
    symbols = imports.test_symbols(blueprint)
    own = {**context, "imports": imports.lines(profile, symbols), "runner": "reduce" if kind == "reducer" else kind}
    body = _render(f"tests/part_{part}.py.jinja2", own)
    test = _render("tests/test_node.py.jinja2", {**own, "body": body, "uses_json": "json." in body})
    return {
        **_property_tests(blueprint, context, profile),
        "tests/__init__.py": f'"""Tests of {blueprint.class_name}."""\n',
        "tests/support.py": _render("tests/support.py.jinja2", {**context, "support_part": _support_part(blueprint)}),
        "tests/test_node.py": test,
    }


def _property_tests(blueprint: NodeBlueprint, context: dict[str, Any], profile: CoreProfile) -> dict[str, str]:
    known = property_tests.property_context(blueprint)
    if known is None:
        return {}
    lines = imports.lines(profile, property_tests.framework_symbols(blueprint))
    path = "tests/test_properties.py"
    return {path: _render(f"{path}.jinja2", {**context, **known, "imports": lines})}


def _support_part(blueprint: NodeBlueprint) -> str:
    if system_of_flavour(blueprint.flavour) is not None:
        return f"support_{blueprint.flavour}.py.jinja2"
    return f"support_{'orchestrator' if blueprint.kind is NodeKind.ORCHESTRATOR else 'none'}.py.jinja2"


def _manifest(blueprint: NodeBlueprint, files: dict[str, bytes], profile: CoreProfile) -> str:
    logic = blueprint.logic
    document = {
        "schema_version": "1.0.0",
        "name": blueprint.package_name,
        # `onex validate` reads every YAML file as a contract; these two fields let it accept the manifest.
        "contract_version": {"major": 1, "minor": 0, "patch": 0},
        "node_type": profile.node_types[blueprint.kind],
        "generated_by": "omniclaude",
        "request_id": blueprint.request_id,
        "node": {
            "kind": blueprint.kind.value,
            "class_name": blueprint.class_name,
            "domain": blueprint.domain,
            "entrypoint": f"{blueprint.package_name}.node:{blueprint.class_name}",
            "start": "start_node.py",
            "support_module": f"{blueprint.package_name}.tests.support",
            "sample_input": dict(blueprint.sample_input),
        },
        "framework": {"omnibase-core": profile.version},
        "requires": list(blueprint.requirements),
        "environment": dict(blueprint.environment),
        "operations": list(blueprint.operations),
        "external_systems": list(blueprint.external_systems),
        "logic": {"function": logic.function, "origin": logic.origin, "model": logic.model, "detail": logic.detail},
        "is_complete": not blueprint.is_scaffold,
        **_open_models(blueprint),
        "files": dict(sorted(content_hashes(files).items())),
    }
    return yaml_text(document)


def _open_models(blueprint: NodeBlueprint) -> dict[str, list[str]]:
    """Models whose given schema allows keys it does not name; they leave them out, and gate G12 lets them."""
    names = sorted(m.class_name for m in blueprint.models if m.extra == "ignore")
    return {"open_models": names} if names else {}


def _import_key(name: str) -> tuple[bool, str]:
    """Order of imported names: classes before functions, as the linter sorts them."""
    return not name[:1].isupper(), name


@lru_cache(maxsize=1)
def omniclaude_version() -> str:
    """Version of this program."""
    return version("omniclaude-dagster")


def _render(template: str, context: dict[str, Any]) -> str:
    return _environment().get_template(template).render(context)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(project_data_path() / "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  (no HTML is rendered; every filter below escapes for its own target)
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {
        "py": python_literal,
        "data": python_value,
        "docstring": docstring,
        "short": lambda text: python_literal(docstring(text)),
        "markdown": markdown_text,
        "code": code_text,
        "shell": shlex.quote,
        "regex": re.escape,
        "member": enum_member,
        "json_text": json.dumps,
    }
    return environment


def markdown_text(text: str) -> str:
    """Text on one line in which neither HTML nor Markdown syntax is active."""
    return _ACTIVE_IN_PLACE.sub(lambda found: f"&#{ord(found[0])};", _one_line(text).translate(_INERT))


def code_text(text: str) -> str:
    """Text that can stand between backticks in a paragraph or a list; everything but a backtick is inert there."""
    return _one_line(text).replace("`", "'")


def _one_line(text: object) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def _tidy(text: str) -> str:
    """Exactly one newline at the end and never more than two blank lines."""
    lines = [line.rstrip() for line in text.splitlines()]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip("\n") + "\n"
