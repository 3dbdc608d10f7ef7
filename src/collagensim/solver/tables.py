"""Integers for the kernels, in one array: entries at known places, then the lists that some of them point to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def packed(n_entries: int, numbers: Mapping[int, Any], lists: Mapping[int, Any]) -> Integers:
    """Return a table of ``n_entries`` entries, followed by lists.

    Parameters
    ----------
    n_entries : int
        An entry that is not given is 0.
    numbers, lists : mapping
        Entry -> its value, and entry that is to tell where in the table a list begins -> the list, of any shape.
    """
    head, tails = np.zeros(n_entries, dtype=np.int64), []
    for entry, value in numbers.items():
        head[entry] = value
    size = n_entries
    for entry, values in lists.items():
        head[entry] = size
        tails.append(np.asarray(values, dtype=np.int64).ravel())
        size += tails[-1].size
    return np.concatenate([head, *tails])
