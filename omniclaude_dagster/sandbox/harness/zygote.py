"""The fork server: process 1 of a sandbox. Imports what candidates need once, then forks one child for each job.

Runs inside the sandbox, with the standard library and the installed packages only. It never looks into a job:
the payload is handed to the child as bytes. Protocol on the control socket, from the supervisor: one frame
`H`ello (the system call filters), then frames `J`ob with three descriptors (result, stdout, stderr), `T` to load the
libraries' types for the type checker, or `K` to kill the running child. To the supervisor: one JSON object per line.
End of file ends this process, and with process 1 the kernel ends everything in the sandbox.
"""

import array
import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import stat
import sys
import time

PACKAGES = "/opt/site-packages"
HARNESS = "/opt/harness"
JOB_FOLDER = "/job"
SCRATCH_FOLDERS = (JOB_FOLDER, "/tmp")
MAX_FRAME_BYTES = 64 * 1024**2
MAX_INODES = 20_000
POLL_MS = 50
ROOT_NAMES = {"dev", "etc", "home", "job", "lib", "lib32", "lib64", "nix", "opt", "root", "srv", "tmp", "usr", "var"}
_PR_SET_DUMPABLE = 4
_PR_GET_NO_NEW_PRIVS = 39


def containment_fault(libc):
    """What is not as it must be, or None. A broken or fake bubblewrap must not pass for a sandbox."""
    if os.getpid() != 1:
        return "the process namespace is not separate"
    if 0 in os.getresuid():
        return "the process still is root"
    if libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        return "privileges can still be gained"
    if [name for _, name in socket.if_nameindex()] not in (["lo"], []):
        return "the network is not separate"
    if not os.statvfs("/").f_flag & os.ST_RDONLY:
        return "the root folder can be written"
    for name in ("/proc/self", "/sys/kernel", "/etc/passwd", "/etc/shadow", "/dev/shm", "/run"):
        if os.path.exists(name):
            return f"{name} is visible"
    return None


def read_exactly(control, count):
    chunks = []
    while count:
        chunk = control.recv(min(count, 1 << 20))
        if not chunk:
            os._exit(0)
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def read_frame(control):
    """The next frame as (kind, payload, descriptors); a late `K` is for a job that is over and is skipped."""
    while True:
        kind, ancillary, _, _ = control.recvmsg(1, socket.CMSG_SPACE(3 * array.array("i").itemsize))
        if not kind:
            os._exit(0)
        if kind == b"K":
            continue
        descriptors = array.array("i")
        for level, what, data in ancillary:
            if level == socket.SOL_SOCKET and what == socket.SCM_RIGHTS:
                descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
        size = int.from_bytes(read_exactly(control, 8), "big")
        if size > MAX_FRAME_BYTES:
            os._exit(3)
        return kind, read_exactly(control, size), list(descriptors)


def tell(control, **message):
    control.sendall(json.dumps(message).encode() + b"\n")


def warm_up():
    """Import what most candidates import, so that the forked children find it in memory."""
    import warm

    warm.import_all()
    gc.collect()
    gc.freeze()


def prepare_types():
    """Let the type checker read the libraries' types, so that the forked children find them in memory."""
    import prepared_types

    prepared_types.prepare()
    gc.freeze()


def wipe(folder):
    """Remove everything below a scratch folder, whatever its permissions. Returns whether nothing is left."""
    with contextlib.suppress(OSError):
        os.chmod(folder, 0o1777)
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if stat.S_ISDIR(os.lstat(path).st_mode):
            remove_tree(path)
        else:
            os.unlink(path)
    return not os.listdir(folder)


def remove_tree(path):
    """Remove a folder iteratively: a candidate may have nested deeper than a path or the stack allows."""
    os.chmod(path, 0o700)
    lifted = 0
    while names := os.listdir(path):
        for name in names:
            below = os.path.join(path, name)
            if not stat.S_ISDIR(os.lstat(below).st_mode):
                os.unlink(below)
                continue
            os.chmod(below, 0o700)
            # Lift what is inside up one level until the folder is flat, instead of descending.
            for inner in os.listdir(below):
                lifted += 1
                os.rename(os.path.join(below, inner), os.path.join(path, f"\n{lifted}"))
            os.rmdir(below)
    os.rmdir(path)


def wipe_all():
    try:
        return all([wipe(folder) for folder in SCRATCH_FOLDERS])
    except OSError:
        return False


def supervise(control, pid):
    """Wait for the child. Returns (exit status, resource usage, why it was killed or None)."""
    watcher = os.pidfd_open(pid)
    why = None
    poll = select.poll()
    poll.register(watcher, select.POLLIN)
    poll.register(control, select.POLLIN)
    try:
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(POLL_MS)}
            if watcher in ready:
                _, status, usage = os.wait4(pid, 0)
                return status, usage, why
            if control.fileno() in ready:
                if control.recv(1) != b"K":
                    os._exit(0)
                os.kill(pid, signal.SIGKILL)
            elif why is None and any(used_inodes(folder) > MAX_INODES for folder in SCRATCH_FOLDERS):
                why = "files"
                os.kill(pid, signal.SIGKILL)
    finally:
        os.close(watcher)


def used_inodes(folder):
    usage = os.statvfs(folder)
    return usage.f_files - usage.f_ffree


def serve(control, filters):
    while True:
        kind, payload, descriptors = read_frame(control)
        if kind == b"T":
            prepare_types()
            tell(control, ready=wipe_all())
            continue
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            import child

            child.run(payload, descriptors, filters)
            os._exit(70)
        for descriptor in descriptors:
            os.close(descriptor)
        del payload
        status, usage, why = supervise(control, pid)
        tell(
            control,
            exit_code=os.waitstatus_to_exitcode(status),
            max_rss_bytes=usage.ru_maxrss * 1024,
            cpu_s=usage.ru_utime + usage.ru_stime,
            wall_s=time.monotonic() - started,
            killed_for=why,
            is_clean=wipe_all(),
        )


def main():
    control_fd = int(sys.argv[1])
    if control_fd != 3:
        os.dup2(control_fd, 3)
    os.closerange(4, 4096)
    control = socket.socket(fileno=3)
    control.setblocking(True)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    fault = containment_fault(libc)
    if fault is not None:
        tell(control, fault=fault)
        return
    os.environ.update(
        HOME="/tmp", TMPDIR="/tmp", PATH="/nonexistent", LANG="C.UTF-8", TZ="UTC",
        OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", RAYON_NUM_THREADS="2",
    )  # fmt: skip
    sys.path[:] = [*(path for path in sys.path if path != HARNESS), PACKAGES, HARNESS]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.umask(0o022)
    _, hello, _ = read_frame(control)
    filters = {name: bytes.fromhex(program) for name, program in json.loads(hello)["filters"].items()}
    warm_up()
    if not wipe_all():
        tell(control, fault="the work folder cannot be emptied")
        return
    tell(control, ready=True)
    serve(control, filters)


if __name__ == "__main__":
    main()
