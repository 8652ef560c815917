"""Task: which of the given imports do not resolve when they are really imported."""

import importlib
import types

from report import failure


def run(arguments, workdir):
    """`imports`: [module, symbol or null, file, line]. Returns the unresolved ones with the reason."""
    del workdir
    modules = {}
    unresolved = []
    for module_name, symbol, file, line in arguments["imports"]:
        if module_name not in modules:
            modules[module_name] = _load(module_name)
        reason = _reason(modules[module_name], module_name, symbol)
        if reason is not None:
            unresolved.append({"module": module_name, "symbol": symbol, "file": file, "line": line, "reason": reason})
    return unresolved


def _load(name):
    """The module, or the reason why it cannot be had."""
    try:
        return importlib.import_module(name)
    except MemoryError:
        raise
    except BaseException as exc:  # noqa: BLE001  (a candidate's module may raise anything)
        return failure(exc)["error"]


def _reason(module, module_name, symbol):
    if isinstance(module, str):
        return module
    if symbol in (None, "*"):
        return None
    try:
        getattr(module, symbol)
    except AttributeError:
        return (
            None if isinstance(_load(f"{module_name}.{symbol}"), types.ModuleType) else f"{module_name} has no {symbol}"
        )
    except MemoryError:
        raise
    except BaseException as exc:  # noqa: BLE001  (lazy modules import in getattr)
        return failure(exc)["error"]
    return None
