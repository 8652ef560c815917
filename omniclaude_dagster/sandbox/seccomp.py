"""The system call filter that a candidate's process lives under, as classic BPF bytes.

An allow-list: what is not named answers ENOSYS (so that libraries fall back), what is dangerous and well known
answers EPERM (so that an attempt is recognisable). The filter is compiled here, outside the sandbox, and
installed by the forked child inside it; the child's own process id is known only there, so it is written in
place of `PID_PLACEHOLDER`. How the sandbox is put together lives in `isolation.py`.
"""

import errno
import importlib
import struct
import tempfile
from functools import lru_cache
from typing import Any

from omniclaude_dagster.errors import SandboxUnavailableError

PID_PLACEHOLDER = 0x5EED_C0DE
"""Stands for the child's process id in the compiled program; larger than any process id can be."""

_CLONE_THREAD = 0x0001_0000
_CLONE_NAMESPACES = 0x7E02_0080
_AF_UNIX = 1
# Allowed values of one argument. fcntl and ioctl are narrow because F_SETOWN, F_SETSIG, FIOSETOWN and TIOCSTI
# would let the kernel signal or type for somebody else, and F_SETPIPE_SZ takes memory that no limit counts.
_ALLOWED_ARGUMENTS: tuple[tuple[str, int, tuple[int, ...]], ...] = (
    ("socketpair", 0, (_AF_UNIX,)),  # asyncio wakes its loop with one
    ("fcntl", 1, (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032, 1034)),
    ("ioctl", 1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    ("prctl", 0, (3, 15, 16, 21, 38, 39, 0x53564D41)),  # names, queries, no-new-privileges, naming of mappings
    ("kill", 0, (PID_PLACEHOLDER,)),
    ("tgkill", 0, (PID_PLACEHOLDER,)),
)

_ALLOWED = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range sendfile
    open openat openat2 creat access faccessat faccessat2 stat fstat lstat newfstatat statx statfs fstatfs
    readlink readlinkat getdents getdents64 getcwd chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir
    link linkat symlink symlinkat unlink unlinkat chmod fchmod fchmodat umask truncate ftruncate fallocate
    utime utimes utimensat futimesat fsync fdatasync sync_file_range flock fadvise64 copy_file_range
    dup dup2 dup3 pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
    epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 inotify_init inotify_init1 inotify_add_watch
    inotify_rm_watch timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4
    sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg shutdown getsockname getpeername getsockopt setsockopt
    brk mmap munmap mremap mprotect madvise msync mincore mlock munlock membarrier
    futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list set_tid_address rseq
    arch_prctl sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min exit exit_group wait4 waitid
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack pause
    restart_syscall alarm getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun
    timer_delete nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times
    getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid
    uname sysinfo getrusage getrlimit getcpu getrandom capget
"""

_REFUSED = """
    getpriority setpriority
    mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr swapon
    swapoff unshare setns ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
    pidfd_open pidfd_getfd pidfd_send_signal bpf perf_event_open userfaultfd keyctl add_key request_key
    io_uring_setup io_uring_enter io_uring_register io_setup io_submit fork vfork socket bind listen connect
    accept accept4 shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open
    mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr memfd_create memfd_secret tkill rt_sigqueueinfo
    rt_tgsigqueueinfo setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset
    sched_setaffinity sched_setscheduler sched_setparam sched_setattr ioprio_set setrlimit setsid
    setpgid chown fchown lchown fchownat mknod mknodat setxattr lsetxattr fsetxattr personality syslog acct
    quotactl reboot kexec_load kexec_file_load init_module finit_module delete_module iopl ioperm settimeofday
    clock_settime clock_adjtime adjtimex sethostname setdomainname name_to_handle_at open_by_handle_at
    fanotify_init fanotify_mark lookup_dcookie migrate_pages move_pages mbind set_mempolicy vhangup modify_ldt
    mlockall remap_file_pages vmsplice splice tee landlock_create_ruleset seccomp
"""

_EXECUTION = ("execve", "execveat")
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_INSTRUCTION = struct.Struct("=HBBI")


def _library() -> Any:
    """The pyseccomp module; `Any` because it ships no types."""
    try:
        return importlib.import_module("pyseccomp")
    except (ImportError, RuntimeError, OSError) as exc:
        raise SandboxUnavailableError(
            f"system call filters cannot be built: {exc}.",
            cure="install the package pyseccomp and the system library libseccomp2",
        ) from exc


class _Rules:
    """Rules of one filter. A call that this architecture or this libseccomp does not know needs no rule."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._filter = library.SyscallFilter(library.ERRNO(errno.ENOSYS))
        self._filter.set_attr(library.Attr.ACT_BADARCH, library.KILL_PROCESS)

    def add(self, action: int, name: str, *conditions: Any) -> None:
        number = self._library.resolve_syscall(self._library.Arch.NATIVE, name)
        if number >= 0:
            self._filter.add_rule(action, number, *conditions)

    def compile(self) -> bytes:
        with tempfile.TemporaryFile() as file:
            self._filter.export_bpf(file)
            file.seek(0)
            return file.read()


@lru_cache(maxsize=2)
def build_filter(*, may_execute: bool) -> bytes:
    """Compile the filter; `may_execute` is for trusted tools that replace the child (no candidate code runs there).

    Raises SandboxUnavailableError where libseccomp is missing.
    """
    library = _library()
    allow, refuse = library.ALLOW, library.ERRNO(errno.EPERM)
    rules = _Rules(library)
    for name in (*_ALLOWED.split(), *(_EXECUTION if may_execute else ())):
        rules.add(allow, name)
    for name in (*_REFUSED.split(), *(() if may_execute else _EXECUTION)):
        rules.add(refuse, name)
    for name, position, values in _ALLOWED_ARGUMENTS:
        for value in values:
            rules.add(allow, name, library.Arg(position, library.EQ, value))
    for name in ("kill", "tgkill"):
        rules.add(refuse, name, library.Arg(0, library.NE, PID_PLACEHOLDER))
    thread_only = _CLONE_THREAD | _CLONE_NAMESPACES
    rules.add(allow, "clone", library.Arg(0, library.MASKED_EQ, thread_only, _CLONE_THREAD))
    rules.add(refuse, "clone", library.Arg(0, library.MASKED_EQ, _CLONE_THREAD, 0))
    # Reading one's own limits, never setting them.
    rules.add(allow, "prlimit64", library.Arg(0, library.EQ, 0), library.Arg(2, library.EQ, 0))
    rules.add(refuse, "prlimit64", library.Arg(2, library.NE, 0))
    program = rules.compile()
    if not any(code == _JUMP_IF_EQUAL and k == PID_PLACEHOLDER for code, _, _, k in _INSTRUCTION.iter_unpack(program)):
        raise SandboxUnavailableError(
            "libseccomp compiled the system call filter in an unknown form.", cure="install libseccomp 2.5 or newer"
        )
    return program
