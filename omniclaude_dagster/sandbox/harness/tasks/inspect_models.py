"""Task: every Pydantic model of a node's models, as Pydantic itself sees it."""

import importlib
import inspect
import os
import typing

from pydantic import BaseModel
from report import failure

_MUTABLE = (list, dict, set, bytearray)


def run(arguments, workdir):
    """Returns {"models": [...], "errors": [...]}: one error for each module that cannot be imported."""
    package = arguments["package"]
    result = {"models": [], "errors": []}
    for file, module_name in _modules(package, workdir):
        try:
            module = importlib.import_module(module_name)
        except MemoryError:
            raise
        except BaseException as exc:  # noqa: BLE001  (a candidate's module may raise anything)
            found = failure(exc)
            place = (found["file"] or file, found["line"])
            result["errors"].append({"file": place[0], "line": place[1], "error": found["error"], "module_file": file})
            continue
        for value in list(vars(module).values()):
            if inspect.isclass(value) and issubclass(value, BaseModel) and value.__module__ == module_name:
                result["models"].append(_describe(value, file))
    return result


def _modules(package, workdir):
    folder = os.path.join(workdir, package, "models")
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(".py"):
                file = os.path.relpath(os.path.join(root, name), workdir)
                yield file, file.removesuffix(".py").replace(os.sep, ".").removesuffix(".__init__")


def _describe(model, file):
    schema_error = None
    try:
        model.model_json_schema()
    except MemoryError:
        raise
    except BaseException as exc:  # noqa: BLE001
        schema_error = failure(exc)["error"]
    return {
        "name": model.__name__,
        "file": file,
        "is_frozen": bool(model.model_config.get("frozen", False)),
        "extra": model.model_config.get("extra"),
        "is_json_schema_ok": schema_error is None,
        "json_schema_error": schema_error,
        "fields": [_describe_field(name, field) for name, field in model.model_fields.items()],
    }


def _describe_field(name, field):
    return {
        "name": name,
        "annotation": _text(field.annotation),
        "has_default": not field.is_required(),
        "is_any": _has_any(field.annotation),
        "is_mutable_default": isinstance(field.default, _MUTABLE),
        "description": field.description,
    }


def _text(annotation):
    return annotation.__name__ if inspect.isclass(annotation) and not typing.get_args(annotation) else str(annotation)


def _has_any(annotation, depth=0):
    if annotation is typing.Any:
        return True
    return depth < 20 and any(_has_any(inner, depth + 1) for inner in typing.get_args(annotation))
