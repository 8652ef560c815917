"""Maps a schema, writes the generated models as files and imports them: our own templates' code, never a model's."""

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from omniclaude_dagster.artifact.model_graph import ModelGraph
from omniclaude_dagster.artifact.model_source import enum_source, model_source, package_source
from omniclaude_dagster.artifact.rendering import checks_source
from omniclaude_dagster.contracts.given_models import GivenModels, models_of

_NUMBERS = count()
ROLES = {"Input": "ModelSampleInput", "Output": "ModelSampleOutput"}


def given_models(schemas: dict[str, Any], stem: str = "Sample") -> GivenModels:
    """The models of a schema, as a node called Sample would have them."""
    descriptions = {"Input": "Input of Sample.", "Output": "Output of Sample."}
    return models_of(schemas, stem=stem, role_classes=ROLES, descriptions=descriptions)


def model_files(given: GivenModels) -> dict[str, str]:
    """Path in the package to source, unformatted."""
    models = [m for m in (given.input_model, given.output_model, *given.extra_models) if m is not None]
    graph = ModelGraph.of(models)
    files = {f"models/{m.module}.py": model_source(m, graph) for m in models}
    files["models/__init__.py"] = package_source("Models.", [(m.module, m.class_name) for m in models],
                                                 unfinished=graph.unfinished)  # fmt: skip
    files |= {f"enums/{e.module}.py": enum_source(e) for e in given.enums}
    files["enums/__init__.py"] = package_source("Enums.", [(e.module, e.class_name) for e in given.enums])
    checks = checks_source(models)
    return {**files, "__init__.py": "", **({"checks.py": checks} if checks else {})}


@dataclass(frozen=True)
class Imported:
    """The imported models of one schema."""

    given: GivenModels
    package: str

    @property
    def input_model(self) -> type[BaseModel]:
        """The generated input model."""
        found: type[BaseModel] = getattr(importlib.import_module(f"{self.package}.models"), ROLES["Input"])
        return found

    def enum(self, name: str) -> Any:
        """A generated enum."""
        return getattr(importlib.import_module(f"{self.package}.enums"), name)

    def accepts(self, instance: Any) -> bool:
        """Whether the input model accepts a JSON value."""
        try:
            self.input_model.model_validate(instance)
        except ValidationError:
            return False
        return True

    def echoed(self, instance: Any) -> Any:
        """A JSON value, read and written again."""
        return self.input_model.model_validate(instance).model_dump(mode="json", exclude_unset=True)


@contextmanager
def imported_models(schemas: dict[str, Any]) -> Iterator[Imported]:
    """Map, write and import; everything is forgotten afterwards."""
    given = given_models(schemas)
    package = f"schema_models_{next(_NUMBERS)}"
    with tempfile.TemporaryDirectory() as folder:
        for path, text in model_files(given).items():
            target = Path(folder) / package / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        sys.path.insert(0, folder)
        try:
            importlib.invalidate_caches()
            yield Imported(given, package)
        finally:
            sys.path.remove(folder)
            for name in [n for n in sys.modules if n.split(".")[0] == package]:
                del sys.modules[name]
