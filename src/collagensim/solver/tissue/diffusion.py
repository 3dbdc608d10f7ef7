"""Soluble fields spread, are made and are lost: one step of all of them, or their steady state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, number, plain
from collagensim.kernels import multigrid

__all__ = ["Diffuser"]

Floats: TypeAlias = npt.NDArray[Any]

GAMMA = 1.0 - math.sqrt(0.5)
LANES = 16  # elements from row to row come in multiples of it: rows then begin where the cache's lines do
COARSEST = 2048  # voxels that may be left when the grid cannot be halved any more
SLACK = (
    1e-5  # of a field's highest value: less than that below nought is the solver's own error, and is nought
)


def levels_of(shape: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    """Return the table of levels (n, 6) of `collagensim.kernels.multigrid`, finest first."""
    rows, first, voxel = [], LANES, 0
    nz, ny, nx = shape
    while True:
        half = nx // 2
        stride = -(-(half + 2) // LANES) * LANES
        rows.append((nz, ny, half, stride, first, voxel))
        first += (nz + 2) * ny * stride
        voxel += nz * ny * nx
        # Two colours need even rows; one voxel across is a slice, which has no neighbours there.
        can_halve = nz % 2 == 0 and nx % 4 == 0 and nx >= 8 and (ny in (1, 2) or ny % 4 == 0)
        if not can_halve:
            return np.array(rows, dtype=np.int64)
        nz, ny, nx = nz // 2, max(ny // 2, 1), nx // 2


class Diffuser:
    """Steps fields with dc/dt = D laplace(c) - k c + s on a grid of cubes, periodic in y and x, closed in z.

    Parameters
    ----------
    shape : (nz, ny, nx); ny = 1 is a slice. nx must be even and 4 or more, ny even or 1; the grid is halved as long as
        the numbers of voxels are even, and at most 2048 voxels may be left then.
    voxel_um : edge of a voxel [um].
    diffusion : (n_fields,) diffusion coefficients [um2/day].
    dtype : of the fields, float32 or float64.
    cycles : multigrid cycles for a stage of a step.

    Attributes
    ----------
    first_order : (n_fields,) how many steps of each field were taken by two backward Euler steps because the
        second-order step would have left a negative value.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        voxel_um: float,
        diffusion: Sequence[float] | Floats,
        dtype: npt.DTypeLike = np.float32,
        *,
        cycles: int = 2,
    ) -> None:
        self.shape = _shape(shape)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise InputError(f"dtype {self.dtype} is not a kind of float for fields: give float32 or float64")
        edge = number("voxel_um", voxel_um, "the edge of a voxel in um")
        if edge <= 0:
            raise InputError(f"voxel_um {plain(edge)} is not a length: give more than 0 um")
        self.diffusion = np.array(diffusion, dtype=np.float64).reshape(-1)
        if not np.all(np.isfinite(self.diffusion) & (self.diffusion > 0)):
            raise InputError(
                "diffusion holds a coefficient that is not positive: give um2/day above 0 for each field"
            )
        self.unit = edge**2 / self.diffusion
        self.cycles = cycles
        self.first_order = np.zeros(self.diffusion.size, dtype=np.int64)
        self.levels = levels_of(self.shape)
        self._work = _Workspace(self.levels, self.dtype)

    @property
    def n_fields(self) -> int:
        """How many fields there are."""
        return int(self.diffusion.size)

    def step(
        self, fields: Floats, source: Floats, loss: Floats, days: float, *, which: Sequence[int] | None = None
    ) -> Floats:
        """Take the fields ``days`` onward, in place.

        Parameters
        ----------
        fields : (n_fields, nz, ny, nx), not negative.
        source, loss : the same shape, s [unit/day] and k [1/day], not negative, constant during the step.
        days : length of the step [day].
        which : the fields to step; all when None.

        Returns
        -------
        numpy.ndarray
            (n_fields,) float64, how much each field has lost by ``loss``, summed over voxels: its total has grown by
            days * sum(source) less that.
        """
        self._check(fields, source, loss)
        if not (math.isfinite(days) and days > 0):
            raise InputError(f"days {days} is no length of a step: give more than 0 days")
        lost = np.zeros(self.n_fields)
        for i in range(self.n_fields) if which is None else which:
            lost[i] = self._step_field(i, *(a[i].reshape(-1) for a in (fields, source, loss)), days)
        return lost

    def steady(
        self,
        fields: Floats,
        source: Floats,
        loss: Floats,
        *,
        which: Sequence[int] | None = None,
        tolerance: float = 1e-5,
        most_cycles: int = 100,
    ) -> None:
        """Replace the fields by what they would become if source and loss stayed, in place.

        Begins from the given fields; ends when a cycle changes the field by less than ``tolerance`` of it (root mean
        squares). Every field needs a loss somewhere.
        """
        self._check(fields, source, loss)
        for i in range(self.n_fields) if which is None else which:
            self._settle_field(i, *(a[i].reshape(-1) for a in (fields, source, loss)), tolerance, most_cycles)

    def _check(self, *arrays: Floats) -> None:
        needed = (self.n_fields, *self.shape)
        for what, array in zip(("fields", "source", "loss"), arrays, strict=True):
            if array.shape != needed:
                raise InputError(f"{what} has shape {array.shape}: give {needed}, fields first")
            if array.dtype != self.dtype or not array.flags.c_contiguous:
                raise InputError(f"{what} is {array.dtype}: give contiguous {self.dtype}")

    def _sums(self, i: int, field: Floats, source: Floats, loss: Floats) -> tuple[float, float, float, float]:
        """Return the sums of field, source and loss * field, and the lowest loss."""
        found = self._work.totals(field, source, loss)
        for what, low in zip(("fields", "source", "loss"), found[4:7], strict=True):
            if low < 0:
                raise InputError(f"{what}[{i}] holds {plain(float(low))}: give values of 0 or more")
        if not np.all(np.isfinite(found)):
            raise InputError(
                f"field {i}, its source or its loss holds a value that is not finite: give numbers"
            )
        return float(found[0]), float(found[1]), float(found[2]), float(found[6])

    def _step_field(self, i: int, field: Floats, source: Floats, loss: Floats, days: float) -> float:
        before, made, _, low = self._sums(i, field, source, loss)
        work, sigma = self._work, self.unit[i] / (GAMMA * days)
        work.prepare(field, source, loss, self.unit[i], sigma, low)
        work.solve(self.cycles, fresh=True)
        lost_first = work.found(field, source, loss)[2]
        work.raise_stage((1.0 - GAMMA) / GAMMA * sigma)
        work.solve(self.cycles, fresh=False)
        after, _, lost, _, lowest, _, _, highest = work.found(field, source, loss)
        if lowest < -SLACK * highest:
            self.first_order[i] += 1
            return self._euler(i, field, source, loss, days / 2) + self._euler(
                i, field, source, loss, days / 2
            )
        lost_first *= (1.0 - GAMMA) * days
        weight = after + GAMMA * days * lost
        factor = (before + days * made - lost_first) / weight if weight > 0 else 1.0
        multigrid.close(work.result, field, factor)
        return float(lost_first + GAMMA * days * lost * factor)

    def _euler(self, i: int, field: Floats, source: Floats, loss: Floats, days: float) -> float:
        before, made, _, low = self._sums(i, field, source, loss)
        work = self._work
        work.prepare(field, source, loss, self.unit[i], self.unit[i] / days, low)
        work.solve(self.cycles, fresh=True)
        after, _, lost, *_ = work.found(field, source, loss)
        weight = after + days * lost
        factor = (before + days * made) / weight if weight > 0 else 1.0
        multigrid.close(work.result, field, factor)
        return float(days * lost * factor)

    def _settle_field(
        self, i: int, field: Floats, source: Floats, loss: Floats, tolerance: float, most_cycles: int
    ) -> None:
        _, made, lost, low = self._sums(i, field, source, loss)
        if not np.any(loss):
            raise InputError(
                f"loss[{i}] is zero everywhere, so field {i} has no steady state: step it instead"
            )
        for _ in range(most_cycles):
            self._work.prepare(field, source, loss, self.unit[i], 0.0, low)
            self._work.solve(1, fresh=True)
            lost = self._work.found(field, source, loss)[2]
            change = self._work.result - field
            multigrid.close(self._work.result, field, float(made / lost) if lost > 0 else 1.0)
            if np.linalg.norm(change) <= tolerance * np.linalg.norm(field):
                return
        raise InputError(
            f"field {i} did not settle in {most_cycles} cycles: its loss is too small for its diffusion; step it instead"
        )


class _Workspace:
    """What one field needs while it is solved; the next one uses it again, so that it stays in the cache."""

    def __init__(self, levels: npt.NDArray[np.int64], dtype: np.dtype[Any]) -> None:
        nz, ny, half, stride, first, voxel = (int(value) for value in levels[-1])
        elements, voxels = first + (nz + 2) * ny * stride + LANES, voxel + nz * ny * 2 * half
        self.levels = levels
        self.x, self.b, self.g = (_aligned(2, elements, dtype) for _ in range(3))
        self.low, self.d = _aligned(1, elements, dtype)[0], _aligned(1, elements, dtype)[0]
        self.voxels = np.zeros(voxels, dtype)
        self.row = np.zeros(2 * int(levels[0, 2]) + 2, dtype)
        self.result = np.zeros(int(levels[0, 0] * levels[0, 1] * 2 * levels[0, 2]), dtype)
        self.sums, self.numbers = np.zeros((4, 64)), np.zeros(8)
        self.n_sweeps = 0

    def totals(self, field: Floats, source: Floats, loss: Floats) -> npt.NDArray[np.float64]:
        multigrid.totals(field, source, loss, self.sums, self.numbers)
        return self.numbers.copy()

    def found(self, field: Floats, source: Floats, loss: Floats) -> npt.NDArray[np.float64]:
        """Write the result, the field and its change, and return its totals."""
        multigrid.finish(field, self.x, self.result, self.levels)
        return self.totals(self.result, source, loss)

    def prepare(
        self, field: Floats, source: Floats, loss: Floats, unit: float, sigma: float, lowest: float
    ) -> None:
        multigrid.prepare(
            field, source, loss, unit, sigma, self.voxels, self.b, self.g, self.low, self.row, self.levels
        )
        self.n_sweeps = sweeps(self.levels, sigma + unit * lowest)

    def raise_stage(self, factor: float) -> None:
        multigrid.raise_stage(self.x, self.b, factor, self.levels)

    def solve(self, n_cycles: int, *, fresh: bool) -> None:
        multigrid.solve(
            self.x,
            self.b,
            self.g,
            self.d,
            self.voxels,
            self.low,
            self.row,
            self.levels,
            n_cycles,
            self.n_sweeps,
            fresh,
        )


def sweeps(levels: npt.NDArray[np.int64], lowest: float) -> int:
    """Return how many sweeps the coarsest level takes until its slowest error, the constant apart, is a twentieth."""
    nz, ny, half = (int(value) for value in levels[-1, :3])
    n_neighbours = (2 if nz > 1 else 0) + (2 if ny > 1 else 0) + 2
    waves = [2 - 2 * math.cos(math.pi / half), *([2 - 2 * math.cos(2 * math.pi / ny)] if ny > 1 else [])]
    waves += [2 - 2 * math.cos(math.pi / nz)] if nz > 1 else []
    rate = ((n_neighbours - min(waves)) / (n_neighbours + lowest * 4.0 ** (len(levels) - 1))) ** 2
    return max(2, min(60, math.ceil(math.log(0.05) / math.log(rate)))) if rate > 0 else 2


def _aligned(n: int, elements: int, dtype: np.dtype[Any]) -> Floats:
    """Zeros (n, elements), rows beginning on the cache's lines."""
    size = -(-elements // LANES) * LANES
    raw = np.zeros(n * size + 64 // dtype.itemsize, dtype)
    first = (-raw.ctypes.data // dtype.itemsize) % (64 // dtype.itemsize)
    return raw[first : first + n * size].reshape(n, size)


def _shape(given: Sequence[int]) -> tuple[int, int, int]:
    """Return the shape if it can be solved on."""
    try:
        nz, ny, nx = (int(n) for n in given)
    except (TypeError, ValueError):
        raise InputError(f"shape {given!r} is not three whole numbers: give (nz, ny, nx)") from None
    if nz < 2 or nx < 4 or nx % 2 or ny < 1 or (ny > 1 and ny % 2):
        raise InputError(
            f"shape ({nz}, {ny}, {nx}) cannot be solved on: give nz of 2 or more, an even nx of 4 or more, ny 1 or even"
        )
    n, m, half = (int(value) for value in levels_of((nz, ny, nx))[-1, :3])
    if n * m * 2 * half > COARSEST:
        raise InputError(
            f"shape ({nz}, {ny}, {nx}) can only be halved to ({n}, {m}, {2 * half}): give small numbers times powers"
            f" of two, as ({_round(nz)}, {_round(ny)}, {_round(nx)})"
        )
    return nz, ny, nx


def _round(n: int) -> int:
    """Return the nearest number that is at most 12 times a power of two."""
    power = max(0, math.ceil(math.log2(n / 12)))
    return max(1, round(n / 2**power)) * int(2**power)
