"""Which versions made a node: everything outside the request and the models that can change its bytes.

Compared only to explain a difference, never to refuse a replay.
"""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from omniclaude_dagster.settings import project_data_path

# Distributions whose output ends up in a node: contracts are written by the core's models, Python by ruff.
_DISTRIBUTIONS = ("omniclaude-dagster", "omnibase-core", "pydantic", "PyYAML", "Jinja2", "ruff")
_DIGEST_CHARS = 16


@lru_cache(maxsize=1)
def version_fingerprint() -> Mapping[str, str]:
    """Name and version or hash of each part, read once a process."""
    package = Path(__file__).resolve().parents[1]
    data = project_data_path()
    return {
        "python": platform.python_version(),
        **{name: _installed(name) for name in _DISTRIBUTIONS},
        "omniclaude's code": _digest(package, package.rglob("*.py")),
        "templates": _digest(data, (data / "templates").rglob("*")),
        "model_configs": _digest(data, (data / "model_configs").rglob("*")),
    }


def changed_parts(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each part that is not what it was: `templates (was 12ab, is 34cd)`."""
    names = dict.fromkeys([*then, *now])
    return tuple(
        f"{name} (was {then.get(name, 'not recorded')}, is {now.get(name, 'gone')})"
        for name in names
        if then.get(name) != now.get(name)
    )


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _digest(root: Path, paths: Iterable[Path]) -> str:
    """Hash of names and contents, in an order that no file system decides."""
    digest = hashlib.sha256()
    named = {path.relative_to(root).as_posix(): path for path in paths if "__pycache__" not in path.parts}
    for name in sorted(named):
        if named[name].is_file():
            digest.update(f"{name}\0".encode())
            digest.update(hashlib.sha256(named[name].read_bytes()).digest())
    return digest.hexdigest()[:_DIGEST_CHARS]
