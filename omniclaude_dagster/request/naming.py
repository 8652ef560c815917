r"""Names of a node: one place turns `PostgresCRUD` into class, package, module and topic names.

A node name is ASCII PascalCase (`\A[A-Z][A-Za-z0-9]{0,63}\Z`), not a keyword, not a standard-library module.
"""

import keyword
import re
import sys

from omniclaude_dagster.errors import UnsafePathError
from omniclaude_dagster.request.model import NODE_NAME_PATTERN, NodeKind

_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def name_problem(name: str) -> str | None:
    """Why `name` cannot be a node's name, or None if it can."""
    if not NODE_NAME_PATTERN.match(name):
        return "must be ASCII PascalCase, 1 to 64 letters and digits, starting with a capital letter"
    lowered = name.lower()
    if keyword.iskeyword(name) or keyword.iskeyword(lowered) or keyword.issoftkeyword(lowered):
        return "is a Python keyword"
    if lowered in sys.stdlib_module_names:
        return "is the name of a standard-library module"
    return None


def checked_name(name: str) -> str:
    """`name` itself, or UnsafePathError."""
    problem = name_problem(name)
    if problem:
        raise UnsafePathError(f"node name {name[:80]!r} {problem}.", cure="choose a name like UserWriter")
    return name


# Proper names whose capitals are no word boundaries.
_PROPER_NAME = re.compile("PostgreSQL|MySQL|NoSQL|GraphQL|OAuth|MongoDB|DynamoDB|RabbitMQ|GitHub|JavaScript")


def snake_case(name: str) -> str:
    """`PostgresCRUD` -> `postgres_crud`, `PostgreSQLWriter` -> `postgresql_writer`."""
    plain = _PROPER_NAME.sub(lambda match: match[0].capitalize(), name)
    return _WORD_BOUNDARY.sub("_", plain).lower()


def pascal_case(words: str) -> str:
    """`user writer` or `user_writer` -> `UserWriter`; capitals inside a word are kept."""
    return "".join(w[:1].upper() + w[1:] for w in re.split(r"[^A-Za-z0-9]+", words) if w)


def stem(name: str, kind: NodeKind) -> str:
    """The name without the kind at its end: `DataTransformCompute` -> `DataTransform`."""
    suffix = kind.value.capitalize()
    return name[: -len(suffix)] if name.endswith(suffix) and name != suffix else name


def class_name(name: str, kind: NodeKind) -> str:
    """`UserWriter`, EFFECT -> `NodeUserWriterEffect`."""
    return f"Node{stem(name, kind)}{kind.value.capitalize()}"


def package_name(name: str, kind: NodeKind) -> str:
    """`UserWriter`, EFFECT -> `node_user_writer_effect`."""
    return f"node_{snake_case(stem(name, kind))}_{kind.value.lower()}"
