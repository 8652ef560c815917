"""Explains everything that is wrong with a contract: each field is judged alone, so one error does not hide the next.

The judges are the core's own models; what is ours is the place of each complaint and the cure.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from omniclaude_dagster.contracts.check import cures
from omniclaude_dagster.contracts.check.located import Finding, Located, Path, dotted, locate
from omniclaude_dagster.contracts.profile import CoreProfile, core_profile
from omniclaude_dagster.request.model import NodeKind

# A consequence of another complaint, not one of its own.
_ECHOES = frozenset({"default_factory_not_called"})


@dataclass(frozen=True)
class ContractReport:
    """What `omniclaude contract check` says about one file."""

    kind: NodeKind | None
    findings: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        """True when the core accepts the contract."""
        return not self.findings


def check_contract(content: bytes, *, profile: CoreProfile | None = None) -> ContractReport:
    """Judge a contract's text. Never raises for what the text holds."""
    chosen = profile or core_profile()
    located = locate(content)
    if located.findings and located.data is None:
        return ContractReport(None, tuple(located.findings))
    if not isinstance(located.data, dict):
        finding = Finding(1, 1, "", "a contract is a mapping of names to values", "start with `name: node_...`")
        return ContractReport(None, (finding,))
    foreign = cures.foreign_dialect(located.data)
    if foreign:
        line, column = located.position((foreign.key,))
        return ContractReport(None, (Finding(line, column, foreign.key, foreign.message, foreign.cure),))
    kind, problem = _kind_of(located)
    if kind is None:
        return ContractReport(None, (*located.findings, problem))
    found = [*located.findings, *_Judge(located, kind, chosen).findings()]
    return ContractReport(kind, tuple(sorted(set(found), key=lambda f: (f.line, f.column, f.path))))


def _kind_of(located: Located) -> tuple[NodeKind | None, Finding]:
    said = located.data.get("node_type")
    line, column = located.position(("node_type",) if said is not None else ())
    known = ", ".join(f"{kind.value}_GENERIC" for kind in NodeKind)
    kinds = {f"{kind.value}{suffix}": kind for kind in NodeKind for suffix in ("", "_GENERIC")}
    kind = kinds.get(said.upper()) if isinstance(said, str) else None
    problem = "node_type is missing" if said is None else f"{str(said)[:60]!r} is no kind of node"
    return kind, Finding(line, column, "node_type", problem, f"write one of {known}")


class _Judge:
    """Judges one document field by field, then as a whole."""

    def __init__(self, located: Located, kind: NodeKind, profile: CoreProfile) -> None:
        self._located = located
        self._kind = kind
        self._profile = profile
        module, symbol = profile.contract_classes[kind]
        self._model: type[BaseModel] = getattr(importlib.import_module(module), symbol)

    def findings(self) -> Iterator[Finding]:
        """Every complaint; the whole is judged only when its fields have none."""
        alone = [*self._unknown(), *self._missing(), *self._fields()]
        yield from alone
        if not alone:
            yield from self._complaints(self._located.data, ())

    def _unknown(self) -> Iterator[Finding]:
        for key in self._located.data:
            if key in self._model.model_fields:
                continue
            owners = next((s.kinds for s in self._profile.subcontracts if s.field == key), None)
            cure = cures.for_unknown_key(key, tuple(self._model.model_fields), self._profile.version_field)
            if owners:
                cure = f"only {' and '.join(sorted(k.value for k in owners))} contracts have it; remove it"
            yield self._finding((key,), f"a {self._kind.value} contract has no field {key}", cure)

    def _missing(self) -> Iterator[Finding]:
        for name, info in self._model.model_fields.items():
            if info.is_required() and name not in self._located.data:
                yield self._finding((), f"{name} is missing", cures.for_missing(name, self._kind))

    def _fields(self) -> Iterator[Finding]:
        """Each field in a contract that is right otherwise; a list item by item: the core stops at its own error."""
        right = _right_contract(self._kind, self._profile)
        for key, value in self._located.data.items():
            info = self._model.model_fields.get(key)
            if info is None:
                continue
            if isinstance(value, list) and value and _is_list(info.annotation):
                for index, item in enumerate(value):
                    yield from self._complaints({**right, key: [item]}, (key, index))
            else:
                yield from self._complaints({**right, key: value}, (key,))

    def _complaints(self, document: dict[str, Any], path: Path) -> Iterator[Finding]:
        # The core's validators raise both kinds, and its own is not a ValueError.
        from omnibase_core.errors.model_onex_error import ModelOnexError

        try:
            self._model.model_validate(document)
        except ValidationError as exc:
            for error in exc.errors(include_url=False, include_context=False):
                if error["type"] not in _ECHOES:
                    # A list was given one item at a time, so the item's number is the path's.
                    place = (*path, *error["loc"][len(path) :])
                    place = _existing(place, self._located.data)
                    yield self._finding(place, *cures.for_error(error["type"], error["msg"], place, error["input"]))
        except ModelOnexError as exc:
            message = re.sub(r"^\[\w+\]\s*", "", str(exc))[:400]
            quoted = re.search(r"'([^']{1,100})'", message)
            found = self._located.path_of_value(quoted[1], below=path) if quoted else None
            yield self._finding(found or self._named_in(message, path), message, cures.for_message(message))

    def _named_in(self, message: str, path: Path) -> Path:
        """The deepest field below `path` whose name or value the message mentions, else `path` itself."""
        words = set(re.findall(r"\w+", message))
        inside = [p for p in self._located.positions if p[: len(path)] == path and len(p) > len(path)]
        named = [p for p in inside if str(p[-1]) in words or self._located.scalars.get(p) in words]
        return min(named, key=len, default=path)

    def _finding(self, path: Path, message: str, cure: str) -> Finding:
        line, column = self._located.position(path)
        return Finding(line, column, dotted(path), message, cure)


def _right_contract(kind: NodeKind, profile: CoreProfile) -> dict[str, Any]:
    """The least that the core accepts as a contract of this kind."""
    factors = {"x": {"weight": 1.0, "calculation_method": "input"}}
    # Without these two the core accepts a contract too, but warns.
    own: dict[NodeKind, dict[str, Any]] = {
        NodeKind.COMPUTE: {"algorithm": {"algorithm_type": "right", "factors": factors}},
        NodeKind.EFFECT: {
            "io_operations": [{"operation_type": "right"}],
            # Enabled, which is the default, it demands something of other fields.
            "transaction_management": {"enabled": False},
        },
    }
    return own.get(kind, {}) | {
        "name": "node_right",
        profile.version_field: {"major": 1, "minor": 0, "patch": 0},
        "node_type": profile.node_types[kind],
        "description": "Right.",
        "input_model": "node_right.models.ModelIn",
        "output_model": "node_right.models.ModelOut",
        "performance": {"single_operation_max_ms": 1_000},
    }


def _is_list(annotation: Any) -> bool:
    """True for `list[X]` and `list[X] | None`."""
    return any(get_origin(option) is list for option in (annotation, *get_args(annotation)))


def _existing(loc: tuple[int | str, ...], value: Any) -> Path:
    """The parts of a complaint's place that stand in the document; the rest are names of types in a union.

    A missing field is kept as the last part: it has a name, though no place.
    """
    path: list[str | int] = []
    for part in loc:
        if isinstance(value, Mapping) and isinstance(part, str):
            path.append(part)
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            path.append(part)
            value = value[part] if part < len(value) else None
    return tuple(path)
