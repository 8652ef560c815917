"""What the forked child does: lay out the files, tighten the limits, run one task, answer, end.

The answer goes to a descriptor of its own, after a nonce that the candidate was not given. The nonce stops
accidents and casual forgery (printed results, early exits, writing to every descriptor); it is no proof against
code that searches this very process. So nothing secret and no expected value ever enters it, and whoever asked
compares outcomes outside.
"""

import contextlib
import ctypes
import importlib
import json
import os
import random
import resource
import struct
import sys

JOB_FOLDER = "/job"
MAX_THREADS = 64
PID_PLACEHOLDER = 0x5EED_C0DE
_INSTRUCTION = struct.Struct("=HBBI")
_JUMP_IF_EQUAL = 0x15
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
EXIT_NOT_CONFINED = 71
EXIT_NO_ANSWER = 72


class Exec(Exception):
    """Raised by a task to become a trusted program whose standard output is the raw result."""

    def __init__(self, arguments):
        super().__init__(arguments)
        self.arguments = arguments


def run(payload, descriptors, filters):
    """Run the job and end the process. Nothing but `os._exit` leaves this function."""
    try:
        header, contents = parse(payload)
        nonce = header.pop("nonce").encode()
        result_fd = arrange_descriptors(descriptors)
        lay_out(header["files"], contents)
        task = importlib.import_module(f"tasks.{header['task']}")
        confine(header["limits"], filters["tool" if getattr(task, "IS_TOOL", False) else "python"])
    except BaseException as exc:  # noqa: BLE001  (nothing may escape into the fork server's loop)
        with contextlib.suppress(BaseException):
            os.write(2, f"{type(exc).__name__}: {exc}\n".encode())
        os._exit(EXIT_NOT_CONFINED)
    answer = make_answer(result_fd, nonce)
    del nonce, payload, contents
    work(task, header["arguments"], answer)


def work(task, arguments, answer):
    streams = (sys.stdout, sys.stderr)
    try:
        message = {"status": "ok", "result": task.run(arguments, JOB_FOLDER)}
        text = json.dumps(message, allow_nan=False, ensure_ascii=False)
    except Exec as request:
        answer.become(request.arguments)
    except MemoryError:
        text = '{"status": "memory_limit"}'
    except BaseException as exc:  # noqa: BLE001  (SystemExit of a candidate, too, must become an answer)
        text = describe(exc)
    for stream in streams:
        with contextlib.suppress(BaseException):
            stream.flush()
    try:
        answer(text.encode("utf-8", "replace"))
    except BaseException:  # noqa: BLE001
        os._exit(EXIT_NO_ANSWER)
    os._exit(0)


def describe(exc):
    try:
        return json.dumps({"status": "error", "message": f"{type(exc).__name__}: {exc}"[:2000]})
    except BaseException:  # noqa: BLE001  (a candidate's own __str__ may raise anything)
        return json.dumps({"status": "error", "message": "an exception that cannot be printed"})


def make_answer(result_fd, nonce):
    write, _exit, dup2, execve = os.write, os._exit, os.dup2, os.execve

    def answer(data):
        frame = memoryview(nonce + b"J" + len(data).to_bytes(8, "big") + data)
        while frame:
            frame = frame[write(result_fd, frame) :]

    def become(arguments):
        write(result_fd, nonce + b"R")
        dup2(result_fd, 1)
        execve(arguments[0], arguments, {"PATH": "/nonexistent", "RAYON_NUM_THREADS": "2", "HOME": "/tmp"})

    answer.become = become
    return answer


def parse(payload):
    """Split the payload: 4 bytes of length, a JSON header, then the files' bytes in the header's order."""
    size = int.from_bytes(payload[:4], "big")
    return json.loads(payload[4 : 4 + size]), memoryview(payload)[4 + size :]


def arrange_descriptors(descriptors):
    """Standard streams as given, the result at a random number, everything else (the control socket) closed."""
    result, out, err = descriptors
    safe = [os.dup(number) for number in (result, out, err)]
    for number in range(64):  # all below 64 that are not ours
        if number not in safe:
            with contextlib.suppress(OSError):
                os.close(number)
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (safe[1], 1), (safe[2], 2)):
        if source != target:
            os.dup2(source, target)
    kept = random.SystemRandom().randrange(40, 100)
    while kept in safe:
        kept += 1
    os.dup2(safe[0], kept, inheritable=False)
    for low, high in ((3, kept), (kept + 1, 4096)):
        os.closerange(low, high)
    return kept


def lay_out(files, contents):
    """Write the files below the (empty) work folder; the supervisor has already refused unsafe names."""
    position = 0
    for path, size in files:
        target = os.path.join(JOB_FOLDER, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(target, flags, 0o644), "wb") as file:
            file.write(contents[position : position + size])
        position += size
    os.chdir(JOB_FOLDER)
    # Last, so that a candidate's file cannot take the place of a library's.
    sys.path.append(JOB_FOLDER)
    importlib.invalidate_caches()


def confine(limits, program):
    """Set the kernel's limits, then the filter. From here on neither can be loosened, and nothing can be forked."""
    for name, soft, hard in (
        (resource.RLIMIT_AS, limits["memory_bytes"], limits["memory_bytes"]),
        (resource.RLIMIT_CPU, limits["cpu_s"], limits["cpu_s"] + 1),
        (resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"], limits["open_files"]),
        (resource.RLIMIT_NPROC, MAX_THREADS, MAX_THREADS),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_STACK, 8 * 1024**2, 8 * 1024**2),
    ):
        resource.setrlimit(name, (soft, hard))
    install_filter(program)


def install_filter(program):
    own = os.getpid()
    code = b"".join(
        _INSTRUCTION.pack(op, yes, no, own if op == _JUMP_IF_EQUAL and k == PID_PLACEHOLDER else k)
        for op, yes, no, k in _INSTRUCTION.iter_unpack(program)
    )
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    description = Program(len(code) // _INSTRUCTION.size, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(description), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the system call filter was refused")
