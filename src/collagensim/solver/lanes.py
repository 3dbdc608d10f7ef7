"""The working memory of one thread: lanes, and everything a step needs in them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.kernels import table as entry
from collagensim.kernels.numbers import WIDTH, aligned

Integers: TypeAlias = npt.NDArray[np.int64]


class LaneSet:
    """Arrays that the stepper calculates with: ``width`` members at a time, 1 or `WIDTH`.

    Attributes
    ----------
    who : (width,) member in each lane, -1 for none.
    queue : (2,) the next member to take, and one past the last.
    small, work : (n, width) or, for a width of one, (n,); see `collagensim.kernels.table`.
    """

    def __init__(self, width: int, table: Integers, dtype: npt.DTypeLike) -> None:
        self.width = width
        self.who = np.full(width, -1, dtype=np.int64)
        self.verdicts = np.zeros(width, dtype=np.int64)
        self.queue = np.zeros(2, dtype=np.int64)
        self.small = self._numbers(entry.N_SMALL, np.float64)
        self.work = self._numbers(table[entry.N_WORK], dtype)
        # Idle lanes calculate too: with ones, harmlessly.
        self.work[: table[entry.N_OWN]] = 1.0

    def _numbers(self, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        if self.width == 1:
            return aligned(size) if dtype == np.float64 else np.zeros(size, dtype=dtype)
        return aligned(size, WIDTH)
