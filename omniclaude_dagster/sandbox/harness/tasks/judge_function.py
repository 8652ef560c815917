"""Task: call one function of the candidate with many inputs and report what it returned, typed, for a judge outside.

Knows no expected result: whether an answer is right is decided where the candidate cannot reach.
"""

import base64
import contextlib
import importlib
import json
import os
import signal
import sys
import time
import zlib

import typed_values
from report import message_of

# The sandbox refuses results over 8 MiB; the judge asks again for what did not fit.
MAX_ANSWER_BYTES = 4 * 1024**2
MAX_PACKED_BYTES = 6 * 1024**2
PACKED_FROM_BYTES = 256 * 1024
_REPEAT_S = 0.2
# How much longer than its processor time a call may take on the clock: other jobs share the processor.
_WALL_FACTOR, _WALL_GRACE_S = 4.0, 5.0


class OutOfTime(BaseException):
    """Not an Exception, so that a candidate's `except Exception` does not swallow it."""


def run(arguments, workdir):
    """`module`, `function`, `inputs` (a file: one JSON list of arguments a line), `first`, `limits_s`.

    `limits_s` holds one number of seconds of processor time an input. Every input is decoded afresh, so what a
    candidate does to one call's arguments reaches no other call. The first failure ends the job, unless
    `is_tolerant`.
    """
    lines = read_lines(os.path.join(workdir, arguments["inputs"]))
    silence()
    try:
        function = load(arguments["module"], arguments["function"])
    except MemoryError:
        raise
    except BaseException as exc:  # noqa: BLE001  (a candidate's module may raise anything)
        return {"is_loaded": False, "error": f"{type(exc).__name__}: {message_of(exc)}", "answers": []}
    answers, size = [], 0
    for number in range(arguments["first"], len(lines)):
        answer = call(function, lines[number], arguments["limits_s"][number])
        size += len(json.dumps(answer))
        if size > MAX_ANSWER_BYTES and answers:
            break
        answers.append(answer)
        if "value" not in answer and not arguments.get("is_tolerant"):
            break
    return {"is_loaded": True, "error": None, "answers": answers}


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def silence():
    """What a candidate prints goes nowhere; it is no part of its answer."""
    sink = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: SIM115  (open until the process ends)
    sys.stdout = sys.stderr = sink


def load(module, name):
    function = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise LookupError(f"{module.rpartition('.')[2]}.py defines no function {name}")  # noqa: TRY004
    return function


def call(function, line, limit_s):
    given = typed_values.decode(json.loads(line))
    started = time.process_time()
    answer = {}
    try:
        with time_limit(limit_s):
            # Reading a value takes time too: a small one may unfold without end.
            answer["value"] = fitting(typed_values.encode(function(*given)))
    except MemoryError:
        answer = {"raised": "MemoryError"}
    except OutOfTime:
        answer = {"is_late": True}
    except BaseException as exc:  # noqa: BLE001  (an outcome, also when it is SystemExit)
        answer = {"raised": type(exc).__name__, "message": message_of(exc)[:200]}
    used_s = time.process_time() - started
    if "value" in answer and used_s > 2 * limit_s:
        answer = {"is_late": True}
    return {**answer, "cpu_s": round(used_s, 6)}


def fitting(encoded):
    """A large value is packed; one that is too large even so cannot be compared."""
    text = json.dumps(encoded).encode()
    if len(text) <= PACKED_FROM_BYTES:
        return encoded
    packed = base64.b64encode(zlib.compress(text, 1)).decode()
    return {"packed": packed} if len(packed) <= MAX_PACKED_BYTES else {"opaque": f"{len(text)} bytes"}


@contextlib.contextmanager
def time_limit(limit_s):
    """Raise OutOfTime in the block after so much processor time, and again until it has ended."""

    def expire(_signal, _frame):
        raise OutOfTime

    wall_s = limit_s * _WALL_FACTOR + _WALL_GRACE_S
    timers = ((signal.SIGPROF, signal.ITIMER_PROF, limit_s), (signal.SIGALRM, signal.ITIMER_REAL, wall_s))
    for number, timer, seconds in timers:
        signal.signal(number, expire)
        signal.setitimer(timer, seconds, _REPEAT_S)
    try:
        yield
    finally:
        for _, timer, _ in timers:
            signal.setitimer(timer, 0)
