"""Soluble fields spread, are made and are lost: one step of all of them, or their steady state."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, SolveError, number, plain
from collagensim.kernels.packs import BYTES
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.spreading import Waves
from collagensim.solver.tissue.workers import Workers

__all__ = ["Diffuser"]

Floats: TypeAlias = npt.NDArray[Any]
Integers: TypeAlias = npt.NDArray[np.int64]

colours, multigrid = kernels_of("colours"), kernels_of("multigrid")

GAMMA = 1.0 - math.sqrt(0.5)
# Elements from row to row come in multiples of it: rows then begin where the cache's lines do.
LANES = 16
# Of a field's highest value: less than that below nought is the solver's own error, and becomes nought.
SLACK = 1e-5
# Of a field: a balance that lacks more is not the solver's error, but a step too long for its loss.
SHARE = 0.02
# Of a field: what the first stage may change for one cycle to be enough. It leaves a tenth of it undone, or less.
SLIGHT = 0.006
# Voxels that may be left when the grid cannot be halved any more.
COARSEST = 2048


def levels_of(shape: tuple[int, int, int]) -> Integers:
    """Return the table of levels (n, 5) of `collagensim.kernels.colours`, finest first."""
    rows, end = [], LANES
    nz, ny, nx = shape
    while True:
        half = nx // 2
        stride = (-(-half // LANES) + 1) * LANES
        rows.append((nz, ny, half, stride, end + ny * stride))
        end += (nz + 2) * ny * stride
        # Two colours need even rows; one voxel across is a slice, which has no neighbours there.
        can_halve = nz % 2 == 0 and nx % 4 == 0 and nx >= 8 and (ny in (1, 2) or ny % 4 == 0)
        if not can_halve:
            return np.array(rows, dtype=np.int64)
        nz, ny, nx = nz // 2, max(ny // 2, 1), nx // 2


class Diffuser:
    """Steps fields with dc/dt = D laplace(c) - k c + s on a grid of cubes, periodic in y and x, closed in z.

    Where k is the same in every voxel, and rows and columns are whole packs, a step is exact in time, by the waves of
    `collagensim.kernels.spread`; else it is of second order, by the cycles of `collagensim.kernels.multigrid`.

    Parameters
    ----------
    shape : (nz, ny, nx); ny = 1 is a slice. nx must be even and 4 or more, ny even or 1; the grid is halved as long as
        the numbers of voxels are even, and at most 2048 voxels may be left then.
    voxel_um : edge of a voxel [um].
    diffusion : (n_fields,) diffusion coefficients [um2/day].
    dtype : of the fields, float32 or float64.
    cycles : multigrid cycles for a stage of a step, and no waves; when None, one where it changes a field little, else
        two.
    workers : threads that share the fields of a step; one when None.

    Attributes
    ----------
    first_order : (n_fields,) how many steps of each field were taken by two backward Euler steps because the
        second-order step would have left a negative value, or lost more than there was.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        voxel_um: float,
        diffusion: Sequence[float] | Floats,
        dtype: npt.DTypeLike = np.float32,
        *,
        cycles: int | None = None,
        workers: Workers | None = None,
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
        self.workers = workers or Workers()
        self._own = threading.local()

    @property
    def _work(self) -> _Workspace:
        """The memory of the thread that asks."""
        found: _Workspace | None = getattr(self._own, "work", None)
        if found is None:
            found = self._own.work = _Workspace(self.levels, self.dtype)
        return found

    @property
    def _waves(self) -> Waves:
        """The same for steps by waves."""
        found: Waves | None = getattr(self._own, "waves", None)
        if found is None:
            found = self._own.waves = Waves(self.shape, self.dtype)
        return found

    @property
    def n_fields(self) -> int:
        """How many fields there are."""
        return int(self.diffusion.size)

    def step(
        self, fields: Floats, source: Floats, loss: Floats, days: float, *, which: Sequence[int] | None = None,
        out: Floats | None = None, one_loss: Floats | None = None,
    ) -> Floats:  # fmt: skip
        """Take the fields ``days`` onward, in place unless there is an ``out``.

        Parameters
        ----------
        fields : (n_fields, nz, ny, nx), not negative.
        source, loss : the same shape, s [unit/day] and k [1/day], not negative, constant during the step.
        days : length of the step [day].
        which : the fields to step; all when None.
        out : where to write them, the same shape.
        one_loss : (n_fields,) the loss of fields that are known to be lost at one rate everywhere, else NaN.

        Returns
        -------
        numpy.ndarray
            (n_fields,) float64, how much each field has lost by ``loss``, summed over voxels: its total has grown by
            days * sum(source) less that.
        """
        found = fields if out is None else out
        self._check(fields, source, loss, found)
        if not (math.isfinite(days) and days > 0):
            raise InputError(f"days {days} is no length of a step: give more than 0 days")
        lost = np.zeros(self.n_fields)

        def advance(i: int) -> None:
            field, made, taken, after = (array[i].reshape(-1) for array in (fields, source, loss, found))
            known = math.nan if one_loss is None else float(one_loss[i])
            lost[i] = self._step_field(i, field, made, taken, after, days, known)

        self.workers.each(advance, range(self.n_fields) if which is None else which)
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

        Begins from the given fields; ends when what cycles have yet to change is less than ``tolerance`` of the
        field (root mean squares). Every field needs a loss somewhere.
        """
        self._check(fields, source, loss)
        for i in range(self.n_fields) if which is None else which:
            field, made, taken = (array[i].reshape(-1) for array in (fields, source, loss))
            self._settle_field(i, field, made, taken, tolerance, most_cycles)

    def approach(
        self, fields: Floats, source: Floats, loss: Floats, *, which: Sequence[int] | None = None
    ) -> None:
        """Take the fields one cycle nearer to what `steady` makes of them, in place: less than a fifth is left."""
        self._check(fields, source, loss)
        for i in range(self.n_fields) if which is None else which:
            self._cycle(i, *(array[i].reshape(-1) for array in (fields, source, loss)))

    def _check(self, *arrays: Floats) -> None:
        needed = (self.n_fields, *self.shape)
        for what, array in zip(("fields", "source", "loss", "out"), arrays, strict=False):
            if array.shape != needed:
                raise InputError(f"{what} has shape {array.shape}: give {needed}, fields first")
            if array.dtype != self.dtype:
                raise InputError(f"{what} is {array.dtype}: give {self.dtype}")
            if not array.flags.c_contiguous:
                raise InputError(f"{what} is not contiguous: give numpy.ascontiguousarray of it")

    def _start(
        self, i: int, field: Floats, source: Floats, loss: Floats, sigma: float
    ) -> tuple[float, float]:
        """Hand a field to the workspace; return the sums of field and source."""
        found = self._work.prepare(field, source, loss, self.unit[i], sigma).tolist()
        self._check_values(i, found[:3], found[3:])
        return float(found[0]), float(found[1])

    @staticmethod
    def _check_values(i: int, sums: Sequence[float], lows: Sequence[float]) -> None:
        if not all(map(math.isfinite, (*sums, *lows))):
            raise InputError(
                f"field {i}, its source or its loss holds a value that is not finite: give numbers"
            )
        for what, low in zip(("fields", "source", "loss"), lows, strict=False):
            if low > 0:
                raise InputError(f"{what}[{i}] holds {plain(-float(low))}: give values of 0 or more")

    def _step_by_waves(
        self, i: int, field: Floats, source: Floats, loss: float, found: Floats, days: float
    ) -> float:
        waves, rate = self._waves, 1.0 / self.unit[i]
        told = waves.look(field, source, loss, rate).tolist()
        self._check_values(i, (*told[:2], loss), told[2:])
        return waves.step(field, found, loss, rate, days, (told[0], told[1]))

    def _step_field(
        self, i: int, field: Floats, source: Floats, loss: Floats, found: Floats, days: float, one_loss: float
    ) -> float:
        if self.cycles is None and Waves.fits(self.shape, self.dtype):
            if math.isnan(one_loss) and loss.min() == loss.max():
                one_loss = float(loss[0])
            if one_loss >= 0:
                return self._step_by_waves(i, field, source, one_loss, found, days)
        sigma = self.unit[i] / (GAMMA * days)
        ladder = (1, 2) if self.cycles is None else (self.cycles,)
        for cycles in ladder:
            before, made = self._start(i, field, source, loss, sigma)
            slight = math.inf if cycles == ladder[-1] else SLIGHT
            first, last = self._work.advance(cycles, (1.0 - GAMMA) / GAMMA * sigma, slight=slight)
            if first[4] > slight * first[0]:
                continue
            lost_first, lost = GAMMA * days * first[1] / self.unit[i], GAMMA * days * last[1] / self.unit[i]
            # The first stage's own balance, closed too, tells better what it lost.
            lost_first *= 1.0 + _excess(before + GAMMA * days * made, first[0] + lost_first)
            lost_first *= (1.0 - GAMMA) / GAMMA
            excess = _excess(before + days * made - lost_first, last[0] + lost)
            if last[2] <= SLACK * last[3] and abs(excess) <= SHARE:
                self._work.write(found, excess)
                return float(lost_first + lost * (1.0 + excess))
        self.first_order[i] += 1
        half = self._euler(i, field, source, loss, found, days / 2)
        return half + self._euler(i, found, source, loss, found, days / 2)

    def _euler(
        self, i: int, field: Floats, source: Floats, loss: Floats, found: Floats, days: float
    ) -> float:
        before, made = self._start(i, field, source, loss, self.unit[i] / days)
        (last,) = self._work.advance(self.cycles or 2)
        lost = days * last[1] / self.unit[i]
        excess = _excess(before + days * made, last[0] + lost)
        self._work.write(found, excess)
        return float(lost * (1.0 + excess))

    def _settle_field(
        self, i: int, field: Floats, source: Floats, loss: Floats, tolerance: float, most_cycles: int
    ) -> None:
        if not np.any(loss):
            raise InputError(
                f"loss[{i}] is zero everywhere, so field {i} has no steady state: step it instead"
            )
        last = 0.0
        for _ in range(most_cycles):
            before = field.copy()
            self._cycle(i, field, source, loss)
            before -= field
            change = float(np.linalg.norm(before))
            # Changes that shrink by a constant ratio r add up to r / (1 - r) of the last.
            if change**2 <= tolerance * float(np.linalg.norm(field)) * (last - change):
                return
            last = change
        raise SolveError(
            f"field {i} has not settled in {most_cycles} cycles: its loss is too small for its diffusion; step it"
        )

    def _cycle(self, i: int, field: Floats, source: Floats, loss: Floats) -> None:
        _, made = self._start(i, field, source, loss, 0.0)
        (found,) = self._work.advance(1)
        self._work.write(field, _excess(made, found[1] / self.unit[i]))


def _excess(owed: float, found: float) -> float:
    """Return by what share a field must grow for its balance to close."""
    return owed / found - 1.0 if found > 0 else 0.0


class _Workspace:
    """What one field needs while it is solved; the next one uses it again, so that it stays in the cache."""

    def __init__(self, levels: Integers, dtype: np.dtype[Any]) -> None:
        nz, ny, half, stride, _ = (int(value) for value in levels[0])
        size, lanes = elements(levels, -1), BYTES // dtype.itemsize
        self.levels = levels
        self.x, self.b, self.g, self.k = (_aligned(2, size, dtype) for _ in range(4))
        self.c = _aligned(2, elements(levels, 0), dtype)
        self.d = _aligned(1, 4 * ny * stride + 2 * lanes, dtype)[0]
        self.e = _aligned(1, (nz + 1) * ny * stride // 2 + 4 * LANES, dtype)[0]
        self.t = _aligned(1, 2 * stride + 8 * lanes, dtype)[0]
        self.mask = _aligned(1, stride, dtype)[0]
        self.mask[:half] = 1.0
        self.lanes = np.zeros(3 * lanes)
        self.depth = (1, 2)

    def prepare(self, field: Floats, source: Floats, loss: Floats, unit: float, sigma: float) -> Floats:
        found = np.zeros(6)
        self.depth = depth(self.levels, sigma)
        colours.prepare(
            field, source, loss, unit, sigma, self.c, self.k, self.b, self.g, self.t, self.lanes, self.levels,
            self.depth[0], found,
        )  # fmt: skip
        return found

    def advance(self, n_cycles: int, *factors: float, slight: float = math.inf) -> Floats:
        """Solve a stage, and one more for the factor if the first changes little; return what is found after each."""
        found = np.zeros((1 + len(factors), 5))
        multigrid.solve_stages(
            self.x, self.c, self.k, self.b, self.g, self.d, self.e, self.t, self.mask, self.lanes, self.levels,
            *self.depth, n_cycles, float(sum(factors)), slight, found,
        )  # fmt: skip
        return found

    def write(self, field: Floats, excess: float) -> None:
        colours.gather(self.c, self.x, excess, self.t, self.levels, field)


def elements(levels: Integers, last: int) -> int:
    """Return how many elements a colour has on the levels up to the last one."""
    nz, ny, _, stride, first = (int(value) for value in levels[last])
    return first + (nz + 1) * ny * stride + LANES


def depth(levels: Integers, sigma: float) -> tuple[int, int]:
    """Return how many levels to use, and how many sweeps on the last.

    On each level ``sigma``, what time adds to the diagonal, counts four times as much. Where it outweighs the
    neighbours, sweeps alone are fast and no more levels are needed.
    """
    n_neighbours = 4.0 if levels[0, 1] == 1 else 6.0
    for n in range(1, len(levels) + 1):
        if sigma * 4.0 ** (n - 1) >= n_neighbours:
            return n, 3
    return len(levels), sweeps(levels, sigma)


def sweeps(levels: Integers, lowest: float) -> int:
    """Return how many sweeps the coarsest level takes until its slowest error, the constant apart, is a twentieth."""
    nz, ny, half = (int(value) for value in levels[-1, :3])
    n_neighbours = (2 if nz > 1 else 0) + (2 if ny > 1 else 0) + 2
    waves = [2 - 2 * math.cos(math.pi / half), *([2 - 2 * math.cos(2 * math.pi / ny)] if ny > 1 else [])]
    waves += [2 - 2 * math.cos(math.pi / nz)] if nz > 1 else []
    rate = ((n_neighbours - min(waves)) / (n_neighbours + lowest * 4.0 ** (len(levels) - 1))) ** 2
    return max(2, min(3000, math.ceil(math.log(0.05) / math.log(rate)))) if rate > 0 else 2


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
    power = 1 << max(0, math.ceil(math.log2(n / 12)))
    return max(1, round(n / power)) * power
