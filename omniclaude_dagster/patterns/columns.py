"""Arrays that grow: one value, or one row of values, a pattern. Nothing here knows what the values mean."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_FIRST_CAPACITY = 256


class Column:
    """A contiguous array that doubles when it is full. `width` 0: one value a row, else a row of that many.

    Not locked: its owner is. A view taken before an append stays valid, and does not see what comes later.
    """

    def __init__(self, dtype: DTypeLike, *, width: int = 0) -> None:
        self._shape = (width,) if width else ()
        self._values: NDArray[Any] = np.empty((0, *self._shape), dtype=dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def view(self) -> NDArray[Any]:
        """The rows so far, not copied."""
        return self._values[: self._count]

    def append(self, value: Any) -> None:
        """One more row."""
        if self._count == len(self._values):
            grown = np.empty((max(_FIRST_CAPACITY, 2 * self._count), *self._shape), dtype=self._values.dtype)
            grown[: self._count] = self._values
            self._values = grown
        self._values[self._count] = value
        self._count += 1

    def __setitem__(self, row: int, value: Any) -> None:
        self.view[row] = value

    def __getitem__(self, row: int) -> Any:
        return self.view[row]
