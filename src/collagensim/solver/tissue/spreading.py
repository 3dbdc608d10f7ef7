"""Fields that are lost at one rate everywhere: a step of them is exact in time, by the waves of the grid."""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.kernels.packs import BYTES
from collagensim.kernels.waves import factors_of, order_of, turns_of
from collagensim.solver.compiled import kernels_of

__all__ = ["Waves"]

Floats: TypeAlias = npt.NDArray[Any]
Integers: TypeAlias = npt.NDArray[np.int64]

spread = kernels_of("spread")

# Of a step: the rate of a loss of nothing. What decays so slowly grows by the step's length to the last bit.
NO_LOSS = 1e-20


class Waves:
    """What a step by waves on one grid needs; it works in memory of its own, so it serves one thread at a time.

    Parameters
    ----------
    shape : (nz, ny, nx) for which `fits` holds.
    dtype : of the fields, float32 or float64.
    """

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = np.array(shape, dtype=np.int64), dtype
        nz, ny, nx = shape
        lanes = BYTES // dtype.itemsize
        self.along = tuple((*turns_of(n, dtype), order_of(n)) for n in shape)
        self.halves = (np.cos(np.pi * np.arange(nz) / (2 * nz)) / 2).astype(dtype)
        odd = max(factors for n in (4 * nz, ny, nx) for factors in factors_of(n))
        self.row = np.zeros(nx + 5 * lanes, dtype)
        self.lanes = np.zeros(2 * lanes)
        self.change = np.zeros(nz * ny * nx, dtype)
        self.panels = np.zeros((4 * nz + 2 * odd) * lanes, dtype)
        self.waves = np.zeros(-(-nz // (2 * lanes)) * 2 * lanes * ny * nx, dtype)
        self.rates = functools.lru_cache(maxsize=256)(self._rates)

    @staticmethod
    def fits(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> bool:
        """Whether rows and columns of a grid are whole packs."""
        lanes = BYTES // dtype.itemsize
        return shape[0] % lanes == 0 and shape[2] % lanes == 0

    def look(self, field: Floats, source: Floats, loss: float, rate: float) -> Floats:
        """Find how fast a field changes; return the sums of field and source, and how far each falls below zero.

        ``loss`` and ``rate``, D/h2, are in 1/day; field and source flat.
        """
        found = np.zeros(4)
        spread.write_change(field, source, loss, rate, self.shape, self.row, self.lanes, self.change, found)
        return found

    def step(
        self, field: Floats, out: Floats, loss: float, rate: float, days: float, sums: tuple[float, float]
    ) -> float:
        """Take a field that has been looked at some days onward; return how much it loses, summed over voxels."""
        total, made = sums
        # Packs of planes go in pairs: where the last has no partner, the field before this one has left some there.
        self.waves[self.change.size :] = 0.0
        spread.spread(
            field, self.change, self.shape, made - loss * total, *self.along, self.rates(loss, rate, days), self.halves,
            self.panels, self.waves, out,
        )  # fmt: skip
        # What is there stays exp(-k t) of itself; so does what is made, since it was.
        stays = -np.expm1(-loss * days) / loss if loss > 0 else days
        return float(loss * stays * total + made * (days - stays))

    def _rates(self, loss: float, rate: float, days: float) -> tuple[Floats, ...]:
        """Eigenvalues and growth of the waves, see `collagensim.kernels.spread.spread`."""
        nz, ny, nx = (int(n) for n in self.shape)
        share, lanes = 1.0 / (nz * ny * nx), BYTES // self.dtype.itemsize
        down = -np.ones(-(-nz // (2 * lanes)) * 2 * lanes)
        down[:nz] = rate * (2 * np.cos(np.pi * np.arange(nz) / nz) - 2) - max(loss, NO_LOSS / days)
        across = np.concatenate([rate * (2 * np.cos(2 * np.pi * np.arange(n) / n) - 2) for n in (nx, ny)])
        growth = np.expm1(down * days)
        found = (down, share * growth, share * (1 + growth), across, np.expm1(across * days))
        return tuple(values.astype(self.dtype) for values in found)
