"""Which way fibres lie: an orientation tensor in each voxel, laid along the paths of cells, which it guides in turn.

The tensor is symmetric and traceless, Q = <d d^T> less the same of fibres that lie every way, over the directions d of
fibres. It is kept as numbers whose sum of squares is its size squared, the order: 1 where all fibres are parallel, 0
where they lie every way. A slice has two (fibres beyond its plane do not count), a block five::

    slice    x^2 - z^2,  2 x z                                               (cos 2a, sin 2a of the angle to x)
    block    (3 x^2 - 1) / 2,  3^(1/2)/2 (y^2 - z^2),  3^(1/2) x y,  3^(1/2) x z,  3^(1/2) y z

of one direction (z, y, x) of length 1, averaged over fibres. Arrays (n_parts, n_voxels) hold them voxel by voxel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.axes import (
    ACROSS,
    AXIS_X,
    AXIS_Y,
    AXIS_Z,
    BASE,
    N_NOTED,
    ORDER,
    STEP_X,
    STEP_Y,
    STEP_Z,
    note_axes,
    parts_of,
)  # fmt: skip
from collagensim.kernels.draws import inlined
from collagensim.kernels.numbers import driver, flat, kept, kept_compact
from collagensim.kernels.packs import element, fill, load, put, store, width
from collagensim.kernels.places import wrapped
from collagensim.kernels.smoothing import smooth_across, smooth_down
from collagensim.kernels.walk import guided

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Indices: TypeAlias = npt.NDArray[np.int64]

__all__ = ["CHUNK", "N_NOTED", "add_paths", "axes_at", "lay", "spread"]

# What cells add is rounded to multiples of 2^-40: sums of them are exact, hence the same in any order of cells.
GRAIN = 2.0**40
STRETCH = 512
CHUNK = 256  # cells that are looked at together


@inlined
def with_some(kind: Indices, share: Floats, begin: int, who: Indices) -> int:
    """List those of the next cells (`CHUNK` at most) whose kind has a share; returns how many they are."""
    n = 0
    for i in range(begin, min(begin + CHUNK, kind.size)):
        who[n] = i
        n += 1 if share[kind[i]] > 0.0 else 0
    return n


@kept_compact
def axes_at(
    fibres: Floats, kind: Indices, voxel: Indices, guidance_strength: Floats, sensitivity: float, out: Floats,
    who: Indices, noted: Floats,
) -> None:  # fmt: skip
    """Write the direction of the fibres around each cell that they guide, its length how far they guide.

    Parameters
    ----------
    fibres : array (n_parts, n_voxels), [1]
    kind, voxel : int64 arrays (n,)
        Of cells.
    guidance_strength : array (n_kinds,), [1]
    sensitivity : float, [1]
        1 for cells that answer to fibres in proportion to their order, more for stronger answers to weak order.
    out : array (n, 3), [1]
        z, y, x; as `collagensim.kernels.cells.move` takes it. Left as it is for cells that nothing guides.
    who : int64 array (CHUNK,)
        Scratch.
    noted : array (N_NOTED, CHUNK)
        Scratch: what is noted of some cells at a time.

    Notes
    -----
    Source of the power: Barocas and Tranquillo 1997, doi:10.1115/1.2796072.
    """
    for begin in range(0, kind.size, CHUNK):
        n = with_some(kind, guidance_strength, begin, who)
        note_axes(fibres, voxel, who, n, sensitivity, noted)
        for j in range(n):
            for axis in range(3):
                out[who[j], axis] = noted[AXIS_Z + axis, j]


@inlined
def note_paths(
    kind: Indices, direction: Floats, weight: Floats, guidance_strength: Floats, who: Indices, n: int, n_parts: int,
    noted: Floats,
) -> None:  # fmt: skip
    """Note what the paths of n cells among fibres of the noted axes add to the sums, over the axes."""
    axis_z, axis_y, axis_x, paces = noted[AXIS_Z], noted[AXIS_Y], noted[AXIS_X], noted[ORDER]
    step_z, step_y, step_x = noted[STEP_Z], noted[STEP_Y], noted[STEP_X]
    weights, strengths = noted[BASE], noted[ACROSS]
    for j in range(n):
        i, k = who[j], kind[who[j]]
        step_z[j], step_y[j], step_x[j] = direction[i, 0], direction[i, 1], direction[i, 2]
        weights[j], strengths[j] = weight[k], guidance_strength[k]
    n_axes = 2 if n_parts == 2 else 3
    for j in range(n):
        y = 0.0 if n_parts == 2 else step_y[j]
        axis = (axis_z[j], axis_y[j], axis_x[j])
        step_z[j], step_y[j], step_x[j] = guided((step_z[j], y, step_x[j]), axis, strengths[j], n_axes)
    for j in range(n):
        pace = np.sqrt(step_z[j] * step_z[j] + step_y[j] * step_y[j] + step_x[j] * step_x[j])
        weights[j] *= pace
        paces[j] = np.rint(GRAIN * weights[j]) / GRAIN
    for j in range(n):
        parts = parts_of(step_z[j], step_y[j], step_x[j], n_parts)
        axis_z[j] = np.rint(GRAIN * weights[j] * parts[0]) / GRAIN
        axis_y[j] = np.rint(GRAIN * weights[j] * parts[1]) / GRAIN
        if n_parts == 5:
            axis_x[j] = np.rint(GRAIN * weights[j] * parts[2]) / GRAIN
            step_z[j] = np.rint(GRAIN * weights[j] * parts[3]) / GRAIN
            step_y[j] = np.rint(GRAIN * weights[j] * parts[4]) / GRAIN


@kept_compact
def add_paths(
    fibres: Floats, kind: Indices, voxel: Indices, direction: Floats, weight: Floats, guidance_strength: Floats,
    sensitivity: float, out: Floats, who: Indices, noted: Floats,
) -> None:  # fmt: skip
    """Sum the tensors of the paths of the cells in each voxel, weighted, and the weights.

    The path of a cell of direction V is M V, with M what fibres make of a step, as in
    `collagensim.kernels.cells.move`. It weighs as much as its kind lays, times |M V|, how fast the cell goes.

    Parameters
    ----------
    fibres : array (n_parts, n_voxels), [1]
    kind, voxel : int64 arrays (n,)
    direction : array (n, 3), [1]
    weight : array (n_kinds,)
        Of a cell of each kind; cells of weight 0 do not count, nor do cells without direction.
    guidance_strength : array (n_kinds,), [1]
    sensitivity : float, [1]
        As of `axes_at`.
    out : array (n_parts + 1, n_voxels)
        Written; the weights last.
    who, noted : arrays (CHUNK,) and (N_NOTED, CHUNK)
        Scratch, as of `axes_at`.

    Notes
    -----
    That cells align fibres with their motion, faster ones more: Dallon, Sherratt and Maini 1999,
    doi:10.1006/jtbi.1999.0971.
    """
    n_parts = fibres.shape[0]
    for part in range(n_parts + 1):
        out[part, :] = 0.0
    for begin in range(0, kind.size, CHUNK):
        # One short loop after the other: roots and quotients are taken for eight cells at once.
        n = with_some(kind, weight, begin, who)
        note_axes(fibres, voxel, who, n, sensitivity, noted)
        if n_parts == 2:
            note_paths(kind, direction, weight, guidance_strength, who, n, 2, noted)
        else:
            note_paths(kind, direction, weight, guidance_strength, who, n, 5, noted)
        for j in range(n):
            v = voxel[who[j]]
            if noted[BASE, j] > 0.0:  # a cell without direction has no path
                for part in range(n_parts):
                    out[part, v] += noted[part, j]
                out[n_parts, v] += noted[ORDER, j]


@driver
def weigh_in_turn(weights: Any, reach: int, row: Any, out: Any, begin: int, n: int) -> None:
    """Write n sums of a row's elements, those up to ``reach`` beside each, weighted and added from first to last."""
    one = width(out)
    two, three, four = 2 * one, 3 * one, 4 * one
    fours, ones = begin + n - n % four, begin + n - n % one
    for i in range(
        begin, fours, four
    ):  # four sums at a time, as in `collagensim.kernels.smoothing.weigh_all`
        a, b, c, d = fill(out, 0.0), fill(out, 0.0), fill(out, 0.0), fill(out, 0.0)
        for j in range(-reach, reach + 1):
            at, weight = i + j, fill(out, weights[abs(j)])
            a, b = a + weight * load(row, at), b + weight * load(row, at + one)
            c, d = c + weight * load(row, at + two), d + weight * load(row, at + three)
        store(out, i, a)
        store(out, i + one, b)
        store(out, i + two, c)
        store(out, i + three, d)
    for i in range(fours, ones, one):
        total = fill(out, 0.0)
        for j in range(-reach, reach + 1):
            total = total + fill(out, weights[abs(j)]) * load(row, i + j)
        store(out, i, total)
    for i in range(ones, begin + n):
        rest = 0.0
        for j in range(-reach, reach + 1):
            rest += weights[abs(j)] * element(row, i + j)
        put(out, i, rest)


@inlined
def weigh_around(weights: Floats, row: Floats, x: int) -> float:
    """As `weigh_in_turn`, around the sides, of a row of at least 2 reach + 1: of element x, from the row's first."""
    nx, reach, total = row.size, weights.size - 1, 0.0
    for i in range(x + reach - nx + 1):
        total += weights[nx + i - x] * row[i]
    for i in range(max(x - reach, 0), min(x + reach + 1, nx)):
        total += weights[abs(i - x)] * row[i]
    for i in range(nx + x - reach, nx):
        total += weights[nx + x - i] * row[i]
    return total


@inlined
def scatter(weights: Floats, row: Floats, out: Floats) -> None:
    """Spread a row over one that is shorter than what is felt: around the sides as often as need be."""
    out[:] = 0.0
    for x in range(row.size):
        for j in range(1 - weights.size, weights.size):
            out[wrapped(x + j, row.size)] += weights[abs(j)] * row[x]


@inlined
def spread_rows(source: Floats, weights: Floats, out: Floats) -> None:
    """Smooth along x, around the sides; (nz, ny, nx). What is felt is added in the order in which it lies."""
    nz, ny, nx = out.shape
    reach = weights.size - 1
    for z in range(nz):
        for y in range(ny):
            if nx < 2 * reach + 1:
                scatter(weights, source[z, y], out[z, y])
                continue
            begin = (z * ny + y) * nx + reach
            weigh_in_turn(flat(weights), reach, flat(source), flat(out), begin, nx - 2 * reach)
            for x in range(reach):
                out[z, y, x] = weigh_around(weights, source[z, y], x)
                out[z, y, nx - 1 - x] = weigh_around(weights, source[z, y], nx - 1 - x)


@kept_compact
def spread(sums: Floats, weights: Floats, out: Floats, scratch: Floats) -> None:
    """Spread what stands in voxels over those around them, as far as a cell senses; nothing is left out.

    Parameters
    ----------
    sums : array (n, nz, ny, nx)
        Most of it 0.
    weights : array (reach + 1,)
        Of `collagensim.kernels.cells.sight`.
    out : array (n, nz, ny, nx)
        Written; another array than ``sums``.
    scratch : array (nz, ny, nx)
    """
    for part in range(sums.shape[0]):
        if sums.shape[2] == 1:
            spread_rows(sums[part], weights, scratch)
        else:
            spread_rows(sums[part], weights, out[part])
            smooth_across(out[part], weights, scratch)
        smooth_down(scratch, weights, out[part])


@inlined
def turn(
    q: Floats, order: Floats, net: Floats, loss: Floats, gain: Floats, path: Floats, weight: Floats, rest: float,
    dt: float,
) -> None:  # fmt: skip
    """Advance one part of the tensors by dt."""
    for v in range(q.size):
        otherwise = net[v] + loss[v] * order[v] - gain[v]
        along = gain[v] * (path[v] / weight[v]) if weight[v] > 0.0 else 0.0
        rate = along + otherwise * rest - loss[v] * q[v]
        x = dt * max(loss[v], 0.0)
        q[v] += dt * rate * (1.0 + 0.5 * x) / (1.0 + x + 0.5 * x * x)


@inlined
def add_square(q: Floats, square: Floats) -> None:
    """Add the square of one part."""
    for v in range(q.size):
        square[v] += q[v] * q[v]


@kept
def lay(
    fibres: Floats, level: Floats, net: Floats, loss: Floats, gain: Floats, paths: Floats, rest: Floats, dt: float
) -> None:  # fmt: skip
    """Advance tensors by dt: order is laid along paths and along the resting direction, and lost from all.

    With k the loss of order, g what is gained along the paths of tensor D, h what is gained else, along R::

        dQ/dt = g D + h R - k Q        g D + h R and k held: of order two, as `collagensim.kernels.voxels`

    Where D and R are the tensor of one direction and Q begins along it, |Q| is what `collagensim.kernels.voxels` makes
    of the order: net = g + h - k |Q|. Where g + h <= k, so that order has a target of 1 or less, |Q| <= 1 stays
    true: Q is a mean of itself, D and R, none of them longer than 1, and of nothing.

    Parameters
    ----------
    fibres : array (n_parts, n_voxels), [1]
        Q; changed.
    level : array (n_voxels,), [1]
        |Q|; written.
    net, loss, gain : arrays (n_voxels,), [1/day]
        Net rate of the order, k, and g.
    paths : array (n_parts + 1, n_voxels)
        Sum of the tensors of paths, weighted, and sum of the weights: D is their quotient, nothing where nobody goes.
    rest : array (n_parts,), [1]
        R.
    dt : float, [day]
    """
    n_parts, n = fibres.shape[0], level.size
    # A stretch of voxels at a time, row after row: rows are read in whole registers and stay in the cache meanwhile.
    for first in range(0, n, STRETCH):
        part_of = slice(first, min(first + STRETCH, n))
        order = level[part_of]
        for part in range(n_parts):
            turn(
                fibres[part, part_of], order, net[part_of], loss[part_of], gain[part_of],
                paths[part, part_of], paths[n_parts, part_of], rest[part], dt,
            )  # fmt: skip
        order[:] = 0.0
        for part in range(n_parts):
            add_square(fibres[part, part_of], order)
        for v in range(order.size):
            order[v] = np.sqrt(order[v])
