"""The working memory of one thread: lanes, and everything a step needs in them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.kernels import stepper
from collagensim.kernels.numbers import WIDTH, aligned

Integers: TypeAlias = npt.NDArray[np.int64]


class LaneSet:
    """Arrays that the stepper calculates with: ``width`` members at a time, 1 or `WIDTH`.

    Attributes
    ----------
    who : (width,) member in each lane, -1 for none.
    small, work : (n, width) or, for a width of one, (n,); see `collagensim.kernels.stepper`.
    """

    def __init__(self, width: int, sizes: Integers, dtype: npt.DTypeLike) -> None:
        self.width = width
        self.who = np.full(width, -1, dtype=np.int64)
        self.verdicts = np.zeros(width, dtype=np.int64)
        self.small = self._numbers(stepper.N_SMALL, np.float64)
        own = 3 * sizes[stepper.N] + sizes[stepper.N_P] + sizes[stepper.N_U] + sizes[stepper.N_LINKS]
        rows = sizes[stepper.N_ROW] * (stepper.N_STAGES + stepper.N_SCRATCH)
        self.work = self._numbers(own + rows + sizes[stepper.N_TERMS] + sizes[stepper.N_LU], dtype)
        # Idle lanes calculate too: with ones, harmlessly.
        self.work[:own] = 1.0

    def _numbers(self, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        return np.zeros(size, dtype=dtype) if self.width == 1 else aligned(size, WIDTH)
