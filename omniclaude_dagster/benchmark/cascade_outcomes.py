"""Recorded outcomes of models on tasks: a CSV of passing shares in per cent, read strictly. Replays nothing.

First column `task_id`, then one column a model. Models are named by any part of their column's name that only one
column has.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omniclaude_dagster.errors import RequestError

_TASK_COLUMN = "task_id"
_MAX_FILE_BYTES = 32 * 1024**2
_SHOWN_CANDIDATES = 12


@dataclass(frozen=True)
class Outcomes:
    """`rates[model][i]`: share (0 to 1) of the model's samples that pass task `tasks[i]`."""

    tasks: tuple[str, ...]
    rates: dict[str, tuple[float, ...]]

    def find(self, name: str) -> str:
        """The model a person means. Raises RequestError listing the candidates when it is none or several."""
        wanted = name.strip().casefold()
        exact = [model for model in self.rates if model.casefold() == wanted]
        found = exact or [model for model in self.rates if wanted and wanted in model.casefold()]
        if len(found) == 1:
            return found[0]
        listed = sorted(found or self.rates)
        shown = ", ".join(listed[:_SHOWN_CANDIDATES]) + (", ..." if len(listed) > _SHOWN_CANDIDATES else "")
        problem = f"fits {len(found)} models" if found else "fits no model of the outcomes"
        raise RequestError(f"{name!r} {problem}: {shown}.", cure="give a part of the name that only one of them has")

    def chain(self, names: Sequence[str]) -> tuple[str, ...]:
        """The models of a chain, cheapest first. Raises RequestError."""
        models = tuple(self.find(name) for name in names)
        if len(models) < 2:
            raise RequestError("a cascade needs at least two models.", cure="give --chain CHEAP,EXPENSIVE")
        if len(set(models)) != len(models):
            raise RequestError(f"the chain names a model twice: {', '.join(models)}.", cure="name each model once")
        return models


def read_outcomes(path: Path) -> Outcomes:
    """Read the file. Raises RequestError naming file, line and cure."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise _wrong(path, f"is larger than {_MAX_FILE_BYTES} bytes")
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except FileNotFoundError:
        raise _wrong(path, "is not there") from None
    except OSError as exc:
        raise _wrong(path, f"cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError as exc:
        raise _wrong(path, f"is not UTF-8: byte {exc.object[exc.start]:#04x} at position {exc.start}") from None
    except csv.Error as exc:
        raise _wrong(path, f"cannot be read: {exc}") from None
    if not rows or rows[0][:1] != [_TASK_COLUMN] or len(rows[0]) < 2:
        raise _wrong(path, f"has no header `{_TASK_COLUMN},MODEL,...`")
    models = rows[0][1:]
    if len(set(models)) != len(models):
        raise _wrong(path, "names a model twice in its header")
    filled = [(number, row) for number, row in enumerate(rows[1:], start=2) if row]
    if not filled:
        raise _wrong(path, "holds no task")
    columns = list(zip(*(_rates(path, number, row, len(models)) for number, row in filled), strict=True))
    return Outcomes(tuple(row[0] for _, row in filled), dict(zip(models, columns, strict=True)))


def _rates(path: Path, number: int, row: list[str], width: int) -> list[float]:
    if len(row) != width + 1:
        raise _wrong(path, f"line {number} has {len(row)} cells, the header has {width + 1}")
    return [_rate(path, number, cell) for cell in row[1:]]


def _rate(path: Path, number: int, cell: str) -> float:
    try:
        percent = float(cell)
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= 100:
        raise _wrong(path, f"line {number}: {cell[:40]!r} is no share in per cent")
    return percent / 100


def _wrong(path: Path, problem: str) -> RequestError:
    return RequestError(
        f"{path} {problem}.", cure="give a CSV of passing shares in per cent: task_id, then one column a model"
    )
