"""Reads the YAML files that people write about models: small, strict, and never with a surprise in them.

What a file must hold is its schema's matter (`catalog.py`, `chains.py`).
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from omniclaude_dagster.errors import ConfigurationError

_MAX_FILE_BYTES = 65_536


def read_mapping(path: Path, *, hint: str) -> dict[str, Any]:
    """The mapping a file holds. Raises ConfigurationError; `hint` is the cure when it holds something else."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        if len(content) > _MAX_FILE_BYTES:
            raise ConfigurationError(f"{path} is larger than {_MAX_FILE_BYTES} bytes.", cure=hint)
        # Strict and safe: a SafeLoader that also refuses a key given twice.
        document = yaml.load(content.decode("utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
        raise ConfigurationError(
            f"{path} cannot be read: {' '.join(str(exc).split())}.", cure="make it a readable UTF-8 YAML file"
        ) from None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} holds no mapping.", cure=hint)
    return document


def problems_of(error: ValidationError) -> str:
    """What is wrong, key by key. The rejected value is not shown: somebody may have pasted a key into the file."""
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}".removeprefix(": ")
        for problem in error.errors(include_input=False, include_url=False)
    )


class _UniqueKeyLoader(yaml.CSafeLoader):
    """Refuses a mapping that gives a key twice: YAML's last-one-wins would hide a mistake about money.

    On libyaml's parser, which reads the whole catalog in a tenth of the time of Python's.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)
