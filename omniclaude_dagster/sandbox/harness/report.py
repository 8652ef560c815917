"""How the tasks say what happened: one form for steps, errors and values. Everything returned is plain JSON data."""

import contextlib
import re
import time
import traceback

from pydantic_core import to_jsonable_python

MAX_MESSAGE_CHARACTERS = 2000
JOB_FOLDER = "/job/"
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Step:
    """Outcome of one step, filled by `with step(report, name):`."""

    def __init__(self):
        self.ok = False
        self.error = None


@contextlib.contextmanager
def step(report, name):
    """Record under `name` whether the block succeeded, why not, and how long it took. Swallows what it raises.

    MemoryError passes, for it is the limit of the whole job and not an outcome of the candidate.
    """
    started = time.perf_counter()
    entry = report[name] = {"ok": False, "error": None, "duration_ms": 0.0}
    try:
        yield entry
        entry["ok"] = True
    except MemoryError:
        raise
    except BaseException as exc:  # noqa: BLE001  (also SystemExit and KeyboardInterrupt of a candidate)
        entry.update(failure(exc))
    finally:
        entry["duration_ms"] = elapsed_ms(started)


def elapsed_ms(started):
    return round((time.perf_counter() - started) * 1000, 3)


def failure(exc):
    """An exception as data: error, error_type, error_code (of a ModelOnexError), file and line in the candidate."""
    file, line = location(exc)
    return {
        "error": f"{type(exc).__name__}: {message_of(exc)}",
        "error_type": type(exc).__name__,
        "error_code": error_code_of(exc),
        "file": file,
        "line": line,
    }


def message_of(exc):
    try:
        text = getattr(exc, "message", None)
        # Where an object lay in memory says nothing, and no two processes would report the same failure alike.
        return ADDRESS.sub(" at 0x...", text if isinstance(text, str) else str(exc))[:MAX_MESSAGE_CHARACTERS]
    except Exception:  # noqa: BLE001  (a candidate's own __str__ may raise anything)
        return "an exception that cannot be printed"


def error_code_of(exc):
    code = getattr(exc, "error_code", None)
    code = getattr(code, "value", code)
    return code if isinstance(code, str) else None


def location(exc):
    """Where in the candidate's files it happened: the innermost frame there, or a syntax error's own place."""
    if isinstance(exc, SyntaxError) and exc.filename:
        return exc.filename.removeprefix(JOB_FOLDER), exc.lineno
    try:
        frames = traceback.extract_tb(exc.__traceback__)
    except Exception:  # noqa: BLE001
        return None, None
    for frame in reversed(frames):
        if frame.filename.startswith(JOB_FOLDER):
            return frame.filename.removeprefix(JOB_FOLDER), frame.lineno
    return None, None


def jsonable(value):
    """Any value as JSON data; NaN and infinities become strings, unknown objects their type's name."""
    return to_jsonable_python(
        value, inf_nan_mode="strings", fallback=lambda unknown: f"<{type(unknown).__name__}>", bytes_mode="base64"
    )
