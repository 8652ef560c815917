"""The type checker with the types of all libraries already in memory: loaded once by the fork server, used by children.

A plain run of mypy spends nine tenths of its time on reading the cache of 3,400 library modules. Here the fork server
builds the trusted seed, which reads all of them; a child adds the candidate's modules to that graph, as mypy's own
daemon does, and checks them and nothing else. Options, search path and findings are those of `typechecker.check`.
"""

import contextlib
import gc
import io
import os
import sys

import typechecker
from mypy import build
from mypy.defaults import RECURSION_LIMIT
from mypy.errors import CompileError
from mypy.fscache import FileSystemCache
from mypy.main import process_options
from mypy.modulefinder import BuildSource, BuildSourceSet

SEED = "/opt/harness/type_seed.py"
JOB_FOLDER = "/job"
# A module that is not in the cache: mypy loads the types of what it imports, and through the seed that is everything.
_ROOT = "prepared_root"
_SEED = "type_seed"
_prepared = None


class _Prepared:
    """mypy's state after the libraries were read. `messages` is where its errors arrive."""

    def __init__(self, manager, graph, messages):
        self.manager = manager
        self.graph = graph
        self.messages = messages


def prepare():
    """Read the libraries' types. Called by the fork server, with trusted input only; raises when mypy fails."""
    global _prepared
    with _restored_interpreter():
        sys.setrecursionlimit(RECURSION_LIMIT)
        sys.path[:] = typechecker.library_paths()
        options = _options(SEED)[1]
        options.cache_dir = typechecker.read_only_cache()
        messages = []
        # The candidate's folder is on the search path, as it would be when the candidate itself were the source.
        sources = [BuildSource(SEED, _SEED), BuildSource(None, _ROOT, f"import {_SEED}\n", base_dir=JOB_FOLDER)]
        result = build.build(
            sources, options, flush_errors=lambda _, found, __: messages.extend(found), fscache=FileSystemCache()
        )
        # mypy leaves out what only functions of the libraries import. A candidate may import it, too, and would get
        # `Any` for it: nothing is loaded for modules that are in the graph already.
        unread = [name for name in result.graph if name not in result.manager.modules]
        build.process_fresh_modules(result.graph, unread, result.manager)
    if messages:
        raise RuntimeError(f"the seed has errors: {messages[:3]}")
    for name in (_ROOT, _SEED):
        # No candidate can import these.
        del result.graph[name]
        result.manager.modules.pop(name, None)
    result.manager.options.cache_dir = os.devnull
    result.manager.cache_enabled = False
    _prepared = _Prepared(result.manager, result.graph, messages)


def is_prepared():
    return _prepared is not None


def check(path):
    """Type-check the package in the folder `path`. Returns the same as `typechecker.check`; can be called once."""
    manager, graph, messages = _prepared.manager, _prepared.graph, _prepared.messages
    sys.setrecursionlimit(RECURSION_LIMIT)
    out, err = io.StringIO(), io.StringIO()
    status = 0
    try:
        sources = _options(path, stdout=out, stderr=err)[0]
        # What was looked up before the candidate's files were there is forgotten, as in mypy's daemon.
        manager.fscache.flush()
        manager.find_module_cache.clear()
        manager.errors.reset()
        manager.source_set = BuildSourceSet(sources)
        _check_sources(sources, manager, graph)
    except CompileError as exc:
        messages.extend(exc.messages)
        status = 2
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else 2
    findings, other = typechecker.read_findings("\n".join([*messages, out.getvalue()]))
    is_failed = any(finding["severity"] == "error" for finding in findings)
    return status or int(is_failed), findings, "\n".join(part for part in (err.getvalue(), *other) if part.strip())


def _check_sources(sources, manager, graph):
    added = []
    build.load_graph(sources, manager, graph, added)
    for state in added:
        manager.import_map[state.id] = state.dependencies_set
    for names in build.sorted_components_inner(graph, {state.id for state in added}, build.PRI_INDIRECT):
        build.process_stale_scc(graph, build.SCC(set(names)), manager)


def _options(path, **streams):
    """(sources, options) of a run over `path`."""
    return process_options([*typechecker.OPTIONS, "--", path], fscache=FileSystemCache(), **streams)


@contextlib.contextmanager
def _restored_interpreter():
    """Undo how mypy tunes the interpreter that it runs in; the candidates' shall stay as it is."""
    path, limit, thresholds = list(sys.path), sys.getrecursionlimit(), gc.get_threshold()
    try:
        yield
    finally:
        sys.path[:] = path
        sys.setrecursionlimit(limit)
        gc.set_threshold(*thresholds)
