"""What there is to climb in every voxel, as cells answer to it, and how it wakes those that rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.draws import inlined, logarithm
from collagensim.kernels.numbers import kept

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Singles: TypeAlias = npt.NDArray[np.float32]

__all__ = ["answer", "weigh_first", "weigh_further"]


@kept
def weigh_first(level: Floats | Singles, weight: float, out: Floats) -> None:
    """Return out = weight * level; (n_voxels,)."""
    for v in range(out.size):
        out[v] = weight * level[v]


@kept
def weigh_further(level: Floats | Singles, weight: float, out: Floats) -> None:
    """Add weight * level to out; (n_voxels,)."""
    for v in range(out.size):
        out[v] += weight * level[v]


@inlined
def log_of_one_and(x: float) -> float:
    """log(1 + x) of x >= 0, to a few roundings also where x is small: what 1 + x loses of x is put right."""
    one_and = 1.0 + x
    return logarithm(one_and) + (x - (one_and - 1.0)) / one_and


@kept
def answer(level: Floats, resting: Floats, crowding: Floats, pace: Floats) -> None:
    """Turn what there is to climb into what cells climb, ln(1 + level), and say at which pace those walk that rest.

    With a = ln(1 + level), and a_0 the same at rest, they walk at 1 - exp(a_0 - a) of their speed, which is
    (level - level_0) / (1 + level), and not at all where there is no more than at rest.

    Parameters
    ----------
    level : array (nz, n_columns)
        0 or more, not a number where that is not; changed.
    resting : array (nz,)
        Level at rest in each row.
    crowding : array (nz, n_columns)
        By what crowding slows cells.
    pace : array (nz, n_columns)
        Written; with no element where nobody rests.
    """
    for z in range(level.shape[0]):
        row = level[z]
        if pace.size > 0:
            free, woken = crowding[z], pace[z]
            for i in range(row.size):
                woken[i] = free[i] * (max(row[i] - resting[z], 0.0) / (1.0 + row[i]))
        for i in range(row.size):
            row[i] = log_of_one_and(row[i])
