"""A field in two colours, and the equations of an implicit step of diffusion with loss.

One field obeys dc/dt = D laplace(c) - k c + s on cubes of edge h; periodic in y and x, no flux in z. Divided by D/h2,
an implicit stage asks for the change x of the field in

    (sigma + loss) x - sum over neighbours (x_j - x_i) = b,    sigma = 1 / (gamma dt) and loss = k in units of D/h2.

On all levels of `collagensim.kernels.multigrid` a field is kept in two colours, like a chess board, as the two rows of
an array: red (even z + y + i) and black. In a row of voxels, element j of red is voxel 2j + p, of black voxel
2j + 1 - p, with p the row's own parity. A colour's neighbours are then contiguous runs of the other.

Rows are worked through in packs, and what a last pack holds too much stays finite and is never used. A row has an
element to either side that repeats its far end (periodic). Beyond the top and the bottom lies a plane more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.numbers import driver, flat, kept_compact, tail
from collagensim.kernels.packs import (
    element,
    evens,
    fill,
    first_pairs,
    floor_at,
    last_pairs,
    load,
    load_wide,
    odds,
    put,
    store,
    wide,
    width,
    wrap,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[Any]
    Wide: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]

__all__ = ["N_COLUMNS", "gather", "prepare"]

# The table of levels, a row each: planes, rows, elements of a colour in a row, from row to row, where plane 0 begins.
NZ, NY, HALF, STRIDE, FIRST, N_COLUMNS = range(6)


@driver
def plane_start(levels: Integers, z: int) -> int:
    """Where plane z begins among the elements of a colour."""
    first: int = levels[FIRST] + z * levels[NY] * levels[STRIDE]
    return first


@driver
def neighbours(levels: Integers, z: int) -> float:
    """How many neighbours a voxel of plane z has."""
    n = 2.0 if levels[NY] == 1 else 4.0
    return n + (1.0 if z > 0 else 0.0) + (1.0 if z < levels[NZ] - 1 else 0.0)


@driver
def rows_beside(row: int, ny: int, w: int) -> tuple[int, int]:
    """How far it is to the rows behind and before, round the end; 0 in a slice."""
    if ny == 1:
        return 0, 0
    return ((row + ny - 1) % ny - row) * w, ((row + 1) % ny - row) * w


@driver
def part(t: Floats, x: Floats, y: Floats, o: int, m: int, p: int) -> None:
    """Part a row of 2 m voxels into its red and black ones; p is the row's parity."""
    n = width(x)
    for j in range(0, m, n):
        first, second = load(t, 2 * j), load(t, 2 * j + n)
        even, odd = evens(first, second), odds(first, second)
        store(x, o + j, even if p == 0 else odd)
        store(y, o + j, odd if p == 0 else even)


@driver
def part_voxels(field: Floats, first: int, t: Floats, x: Floats, y: Floats, o: int, m: int, p: int) -> None:
    """As `part` for voxels from ``first`` on, of which no more may be read; the last packs are filled up with zeros."""
    n = width(x)
    whole = m - m % n
    part(tail(field, first), x, y, o, whole, p)
    if whole < m:
        store(t, 0, fill(t, 0.0))
        store(t, n, fill(t, 0.0))
        for i in range(2 * (m - whole)):
            put(t, i, element(field, first + 2 * whole + i))
        part(t, x, y, o + whole, m - whole, p)


@driver
def join(x: Floats, y: Floats, o: int, m: int, p: int, t: Floats) -> None:
    """Put a row's red and black voxels side by side again."""
    n = width(x)
    for j in range(0, m, n):
        red, black = load(x, o + j), load(y, o + j)
        a, b = (red, black) if p == 0 else (black, red)
        store(t, 2 * j, first_pairs(a, b))
        store(t, 2 * j + n, last_pairs(a, b))


@driver
def added(lanes: Wide, first: int, n: int) -> float:
    """The sum of n numbers, from left to right."""
    total = 0.0
    for i in range(first, first + n):
        total += element(lanes, i)
    return total


@driver
def highest(t: Floats, first: int) -> float:
    """The highest number of a pack, or 0."""
    high = 0.0
    for i in range(first, first + width(t)):
        high = max(high, element(t, i))
    return high


@kept_compact
def prepare(
    field: Floats, source: Floats, loss: Floats, unit: float, sigma: float,
    c: Floats, k: Floats, b: Floats, g: Floats, t: Floats, lanes: Wide, levels: Integers, n_levels: int, found: Wide,
) -> None:  # fmt: skip
    """Part a field into colours and write the equations: b = unit (source - loss field) + differences to neighbours.

    Parameters
    ----------
    field, source, loss : (nz * ny * nx,) voxels.
    unit : h2 / D [day].
    sigma : unit / (gamma dt).
    c, k, b, g : (2, elements) red and black of the field, of loss in units of D/h2, of the right side, and of the
        inverse diagonal 1 / (sigma + k + number of neighbours); k and g on ``n_levels`` levels.
    t, lanes : scratch.
    found : (6,) the sums of field, source and loss * field, and how far each of them falls below zero at most.
    """
    red, black = (
        (flat(c[0]), flat(k[0]), flat(b[0]), flat(g[0])),
        (flat(c[1]), flat(k[1]), flat(b[1]), flat(g[1])),
    )
    levels_, t_, lanes_ = flat(levels), flat(t), flat(lanes)
    n = width(t_)
    for i in range(3 * n):
        lanes[i] = 0.0
        put(t_, i, 0.0)
    extremes, row = t_, tail(t_, 4 * n)
    for z in range(levels_[NZ] + 1):
        if z < levels_[NZ]:
            part_plane(
                (flat(field), flat(loss), flat(source)), red, black, row, extremes, lanes_, unit, levels_, z
            )
        if z == 0:
            copy_plane(red[0], black[0], levels_, 0, -1)
        elif z == levels_[NZ]:
            copy_plane(red[0], black[0], levels_, z - 1, z)
        if z > 0:
            for colour in range(2):
                own, other = (red, black) if colour == 0 else (black, red)
                right_side(own, other[0], unit, sigma, levels_, z - 1, colour)
    for i in range(3):
        found[i], found[3 + i] = added(lanes_, i * n, n), highest(extremes, i * n)
    found[2] /= unit
    for level in range(1, n_levels):
        coarsen(
            red[1],
            black[1],
            red[3],
            black[3],
            row,
            tail(levels_, N_COLUMNS * (level - 1)),
            sigma * 4.0**level,
        )


@driver
def part_plane(
    voxels: Any,
    red: Any,
    black: Any,
    t: Floats,
    extremes: Floats,
    lanes: Wide,
    unit: float,
    levels: Integers,
    z: int,
) -> None:
    """Part a plane of the three inputs into colours, sum them, and repeat the ends of the field's rows."""
    ny, m, w, n = levels[NY], levels[HALF], levels[STRIDE], width(t)
    c, k, s, _ = red
    cc, kk, ss, _ = black
    zero, scale = fill(t, 0.0), fill(t, unit)
    low_c, low_s, low_k = load(extremes, 0), load(extremes, n), load(extremes, 2 * n)
    sum_c, sum_s, sum_kc = load_wide(lanes, 0, t), load_wide(lanes, n, t), load_wide(lanes, 2 * n, t)
    for row in range(ny):
        o, first, p = plane_start(levels, z) + row * w, (z * ny + row) * 2 * m, (z + row) & 1
        for i in range(3):
            part_voxels(voxels[i], first, t, red[i], black[i], o, m, p)
        for j in range(o, o + m, n):
            store(k, j, scale * load(k, j))
            store(kk, j, scale * load(kk, j))
            sum_c = sum_c + wide(load(c, j)) + wide(load(cc, j))
            sum_s = sum_s + wide(load(s, j)) + wide(load(ss, j))
            sum_kc = sum_kc + wide(load(k, j)) * wide(load(c, j)) + wide(load(kk, j)) * wide(load(cc, j))
            low_c = floor_at(floor_at(low_c, zero - load(c, j)), zero - load(cc, j))
            low_s = floor_at(floor_at(low_s, zero - load(s, j)), zero - load(ss, j))
            low_k = floor_at(floor_at(low_k, zero - load(k, j)), zero - load(kk, j))
        wrap(c, o, m)
        wrap(cc, o, m)
    store(extremes, 0, low_c)
    store(extremes, n, low_s)
    store(extremes, 2 * n, low_k)
    store(lanes, 0, sum_c)
    store(lanes, n, sum_s)
    store(lanes, 2 * n, sum_kc)


@driver
def copy_plane(c: Floats, cc: Floats, levels: Integers, edge: int, beyond: int) -> None:
    """Write beyond the edge the edge itself, in the other colour: no difference, no flux.

    Behind a plane's last row stands what repeats the end of the next plane's first one, and stays.
    """
    source, target = plane_start(levels, edge), plane_start(levels, beyond)
    for j in range(0, levels[NY] * levels[STRIDE] - width(c), width(c)):
        store(c, target + j, load(cc, source + j))
        store(cc, target + j, load(c, source + j))


@driver
def right_side(own: Any, y: Floats, unit: float, sigma: float, levels: Integers, z: int, colour: int) -> None:
    """Turn a colour's source into the right side, and write the inverse diagonal."""
    ny, m, w = levels[NY], levels[HALF], levels[STRIDE]
    c, k, b, g = own
    scale, one, rest = fill(c, unit), fill(c, 1.0), fill(c, sigma + neighbours(levels, z))
    for row in range(ny):
        o, s = plane_start(levels, z) + row * w, (z + colour + row) & 1
        back, front = rows_beside(row, ny, w)
        for j in range(o, o + m, width(c)):
            here = load(c, j)
            flow = (load(y, j - ny * w) - here) + (load(y, j + ny * w) - here)
            flow = flow + ((load(y, j + s - 1) - here) + (load(y, j + s) - here))
            if back != 0:
                flow = flow + ((load(y, j + back) - here) + (load(y, j + front) - here))
            store(b, j, (scale * load(b, j) - load(k, j) * here) + flow)
            store(g, j, one / (load(k, j) + rest))


@driver
def coarsen(k: Floats, kk: Floats, g: Floats, h: Floats, t: Floats, levels: Integers, sigma: float) -> None:
    """Write the next level's loss, four times the mean of this one's, and its inverse diagonal."""
    coarse, ny, m, w = tail(levels, N_COLUMNS), levels[NY], levels[HALF], levels[STRIDE]
    per_row = 1 if ny == 1 else 2
    share, one = fill(k, 1.0 / per_row), fill(k, 1.0)
    for z in range(coarse[NZ]):
        rest = fill(k, sigma + neighbours(coarse, z))
        for row in range(coarse[NY]):
            for i in range(2 * per_row):
                o = plane_start(levels, 2 * z + i // per_row) + (per_row * row + i % per_row) * w
                for j in range(0, m, width(k)):
                    mean = (load(k, o + j) + load(kk, o + j)) * share
                    if i > 0:
                        mean = mean + load(t, j)
                    store(t, j, mean)
            o = plane_start(coarse, z) + row * coarse[STRIDE]
            part(t, k, kk, o, coarse[HALF], (z + row) & 1)
            for j in range(o, o + coarse[HALF], width(k)):
                store(g, j, one / (load(k, j) + rest))
                store(h, j, one / (load(kk, j) + rest))


@kept_compact
def gather(c: Floats, x: Floats, excess: float, t: Floats, levels: Integers, field: Floats) -> None:
    """Put the colours together again as voxels (nz * ny * nx,).

    They become (1 + excess) times c + x, and nought where that is negative.
    """
    levels_, t_, field_ = flat(levels), flat(t), flat(field)
    nz, ny, m, w = levels_[NZ], levels_[NY], levels_[HALF], levels_[STRIDE]
    n = width(t_)
    more, zero = fill(t_, excess), fill(t_, 0.0)
    for colour in range(2):
        change, part_of = flat(x[colour]), flat(c[colour])
        for o in range(plane_start(levels_, 0), plane_start(levels_, nz), w):
            for j in range(o, o + m, n):
                y = floor_at(load(part_of, j) + load(change, j), zero)
                store(change, j, y + more * y)
    for z in range(nz):
        for row in range(ny):
            o, first, p = plane_start(levels_, z) + row * w, (z * ny + row) * 2 * m, (z + row) & 1
            whole = m - m % n
            join(flat(x[0]), flat(x[1]), o, whole, p, tail(field_, first))
            join(tail(flat(x[0]), whole), tail(flat(x[1]), whole), o, m - whole, p, t_)
            for i in range(2 * (m - whole)):
                put(field_, first + 2 * whole + i, element(t_, i))
