"""YAML of a node's documents, by libyaml where PyYAML was built with it: about ten times faster.

The text is that of PyYAML's own writer, but for characters beyond the first plane (emoji), which libyaml escapes.
"""

from typing import Any

import yaml

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WIDTH = 100


def yaml_text(document: Any) -> str:
    """Plain data as YAML, keys in the given order."""
    text: str = yaml.dump(document, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def yaml_data(text: str) -> Any:
    """Plain data of one document that we wrote ourselves. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506  (a safe loader, which ruff does not recognise by its variable)
