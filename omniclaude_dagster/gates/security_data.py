"""What generated code may import and use, per kind, as data for G-SEC.

The sandbox contains code whatever it does; this list keeps code that would need containing from being published.
"""

from omniclaude_dagster.contracts.plan.systems.registry import client_packages
from omniclaude_dagster.request.model import NodeKind


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Computing only: no files, no network, no processes, no interpreter internals.
_PURE_STDLIB = _words(
    """
    __future__ abc ast array asyncio base64 binascii bisect calendar cmath collections colorsys contextlib
    contextvars copy csv dataclasses datetime decimal difflib enum fractions functools graphlib hashlib heapq hmac
    html io ipaddress itertools json keyword locale logging math numbers operator os pathlib pprint random re
    secrets statistics string struct sys textwrap time types typing unicodedata urllib uuid warnings weakref zlib
    zoneinfo
    """
)
_PURE_PACKAGES = frozenset({"omnibase_core", "pydantic", "pydantic_core", "typing_extensions"})
_OUTSIDE_WORLD = _words(
    """
    aiofiles anyio asyncpg email ftplib gzip http httpx imaplib mimetypes poplib psycopg psycopg_pool shutil smtplib
    socket sqlite3 ssl tempfile tomllib xml yaml zipfile
    """
)
_START_MODULES = frozenset({"argparse", "asyncio", "json", "logging", "os", "signal", "sys"})
_PURE = _PURE_STDLIB | _PURE_PACKAGES

ALLOWED_IMPORT_ROOTS: dict[NodeKind, frozenset[str]] = {
    NodeKind.COMPUTE: _PURE,
    NodeKind.REDUCER: _PURE,
    NodeKind.ORCHESTRATOR: _PURE,
    NodeKind.EFFECT: _PURE | _OUTSIDE_WORLD | client_packages(),
}
START_FILE = "start_node.py"
START_IMPORT_ROOTS = _PURE | _START_MODULES

# Parts of the framework that a node has business with; the rest runs tools, opens files and sockets.
ALLOWED_CORE_PARTS = _words(
    """constants container decorators enums errors event_bus logging mixins models nodes protocols topics types"""
)
ALLOWED_CORE_MODULES = frozenset({"omnibase_core.utils.util_uuid_service"})

# Modules whose use needs naming each attribute: what is not listed is refused.
SAFE_SYS = frozenset({"maxsize", "float_info", "int_info", "version_info", "byteorder", "maxunicode", "getsizeof"})
START_SYS = SAFE_SYS | {"argv", "exit", "path", "platform", "stderr", "stdin", "stdout"}
START_CALLS = frozenset({"pathlib.Path"})
EFFECT_OS = _words(
    """
    PathLike close fdopen fspath fstat fsync linesep link listdir makedirs mkdir open path read remove rename replace
    rmdir scandir sep stat unlink utime write O_APPEND O_CLOEXEC O_CREAT O_DIRECTORY O_EXCL O_NOFOLLOW O_RDONLY
    O_RDWR O_TRUNC O_WRONLY
    """
)
PURE_OS = frozenset({"PathLike", "fspath", "linesep", "sep"})
START_OS = PURE_OS | {"getpid"}
# Single, named reads of the environment; only where configuration is read.
ENVIRONMENT_READS = frozenset({"os.getenv", "os.environ.get"})

# Refused everywhere, also when reached through another module (`logging.os`).
FORBIDDEN_MODULES = _words(
    """
    _thread atexit bdb builtins cffi code codeop compileall concurrent ctypes dill dis doctest faulthandler fcntl
    gc importlib imp inspect linecache marshal mmap multiprocessing pdb pickle pickletools pkgutil platform posix
    profile pty pwd py_compile resource runpy sched shelve site subprocess symtable sysconfig threading timeit
    trace traceback tracemalloc venv webbrowser zipapp zipimport
    """
)
# Reaching one of these through another module is a detour around the import list.
DETOUR_MODULES = FORBIDDEN_MODULES | _words(
    """codecs fileinput glob io os pathlib posixpath selectors shutil socket sys tempfile tokenize"""
)

FORBIDDEN_BUILTINS = frozenset(
    {"eval", "exec", "compile", "__import__", "globals", "breakpoint", "__builtins__", "__loader__", "__spec__"}
)
# Reaching attributes by computed names hides what is reached.
REFLECTION = frozenset({"getattr", "setattr", "delattr"})
REFLECTION_CALLS = frozenset({"operator.attrgetter", "operator.methodcaller"})
FORBIDDEN_ATTRIBUTES = _words(
    """
    __base__ __bases__ __builtins__ __closure__ __code__ __func__ __getattribute__ __globals__ __import__ __loader__
    __mro__ __reduce__ __reduce_ex__ __self__ __spec__ __subclasses__ __subclasshook__ ag_frame cr_frame f_back
    f_builtins f_code f_globals f_locals gi_frame mro tb_frame
    """
)
# The same names inside strings: format strings and attribute paths reach them too.
FORBIDDEN_IN_STRINGS = ("__globals__", "__subclasses__", "__builtins__", "__import__", "__class__", "__mro__")
FORBIDDEN_PATHS = ("/proc", "/etc/", "/sys/", "/dev/", "/root", "/var/run", "~/.", ".ssh/", ".aws/", "id_rsa")

# Dotted prefixes refused in every kind, and those refused in kinds that only compute.
FORBIDDEN_CALLS = (
    "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell",
    "asyncio.subprocess",
    "logging.config",
    "pydantic.ImportString",
    "pydantic.types.ImportString",
    "pydantic.v1",
    "types.CodeType",
    "types.FunctionType",
    "typing.get_type_hints",
)
FORBIDDEN_PURE_CALLS = (
    "asyncio.open_connection",
    "asyncio.open_unix_connection",
    "asyncio.start_server",
    "asyncio.start_unix_server",
    "asyncio.to_thread",
    "io.FileIO",
    "io.open",
    "logging.FileHandler",
    "logging.handlers",
    "pathlib.Path",
    "pathlib.PosixPath",
    "urllib.request",
    "urllib.robotparser",
)
# Event-loop methods that open connections, threads or processes, whatever object they are called on.
FORBIDDEN_PURE_METHODS = frozenset(
    {"create_connection", "create_server", "create_unix_connection", "run_in_executor", "sock_connect"}
)
FORBIDDEN_METHODS = frozenset({"subprocess_exec", "subprocess_shell"})
BLOCKING_CALLS = frozenset({"time.sleep"})

# Plain files of a node; anything else (libraries, archives, tool configuration, hooks of Python) is refused.
ALLOWED_SUFFIXES = (".py", ".yaml", ".yml", ".md", ".json", ".txt", "py.typed")
CONFLICT_SUFFIX = ".conflict"
FORBIDDEN_FILES = _words(
    """
    conftest.py sitecustomize.py usercustomize.py setup.py mypy.ini pytest.ini tox.ini setup.cfg
    ruff.toml pyrightconfig.json
    """
)

# Findings of ruff's security rules that are a matter of taste in this setting and only count as lint.
TOLERATED_RUFF_SECURITY = frozenset({"S101", "S110", "S112", "S311", "S404"})

# Findings of ruff that are defects, not style: state that all calls share, tasks that may vanish, names that are not
# there, results that are swallowed. They fail G13; all other lint only lowers the quality.
DEFECTIVE_LINT = frozenset({"B006", "B012", "B023", "B039", "F811", "F821", "F823", "RUF006", "RUF012"})

# Lint that is wrong for one file: printing is what the start script is for.
TOLERATED_LINT = frozenset({(START_FILE, "T201")})
