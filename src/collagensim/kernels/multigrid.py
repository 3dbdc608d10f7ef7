"""Multigrid for diffusion with loss, in the two colours of `collagensim.kernels.colours`.

A sweep solves for red with black as it is, then for black: neither needs the order of a loop, so the bits are always
the same. Afterwards the residual is nought on black: only red is restricted, and only black is corrected, because red
is swept next. Planes beyond the top and the bottom are zero, and the number of neighbours on the diagonal tells that
nothing passes there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.colours import (
    FIRST,
    HALF,
    N_COLUMNS,
    NY,
    NZ,
    STRIDE,
    added,
    highest,
    join,
    neighbours,
    part,
    plane_start,
    rows_beside,
)  # fmt: skip
from collagensim.kernels.numbers import driver, flat, kept_compact, tail
from collagensim.kernels.packs import element, fill, floor_at, load, load_wide, put, store, wide, width, wrap

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[Any]
    Wide: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]

__all__ = ["solve_stages"]


# ---- one plane of one colour at a time; ``levels`` begins with the level meant


@driver
def begin_plane(x: Floats, b: Floats, g: Floats, levels: Integers, z: int) -> None:
    """Sweep where the other colour is zero: x = b g."""
    m, w, first = levels[HALF], levels[STRIDE], plane_start(levels, z)
    for o in range(first, first + levels[NY] * w, w):
        for j in range(o, o + m, width(x)):
            store(x, j, load(b, j) * load(g, j))
        wrap(x, o, m)


@driver
def neighbour_sum(y: Floats, j: int, s: int, up: int, back: int, front: int) -> Any:
    """The sum over the neighbours of a pack; in a slice, ``back`` is 0 and there are four."""
    total = (load(y, j - up) + load(y, j + up)) + (load(y, j + s - 1) + load(y, j + s))
    if back != 0:
        total = total + (load(y, j + back) + load(y, j + front))
    return total


@driver
def sweep_plane(x: Floats, y: Floats, b: Floats, g: Floats, levels: Integers, z: int, colour: int) -> None:
    """Solve for one colour given the other: x = (b + sum of y beside) g."""
    ny, m, w, first = levels[NY], levels[HALF], levels[STRIDE], plane_start(levels, z)
    for row in range(ny):
        o, s = first + row * w, (z + colour + row) & 1
        back, front = rows_beside(row, ny, w)
        for j in range(o, o + m, width(x)):
            store(x, j, (load(b, j) + neighbour_sum(y, j, s, ny * w, back, front)) * load(g, j))
        wrap(x, o, m)


@driver
def ring(x: Floats, up: int, z: int, mask: int) -> int:
    """Where plane z begins among planes of which only a few are kept: as many as ``mask`` can tell apart."""
    return width(x) + (z & mask) * up


@driver
def change_plane(
    x: Floats, y: Floats, b: Floats, g: Floats, d: Floats, levels: Integers, z: int, colour: int
) -> None:
    """As `sweep_plane`, and write into a plane of d, counted modulo four, by how much x has changed."""
    ny, m, w, first = levels[NY], levels[HALF], levels[STRIDE], plane_start(levels, z)
    q = ring(x, ny * w, z, 3)
    for row in range(ny):
        o, s = first + row * w, (z + colour + row) & 1
        back, front = rows_beside(row, ny, w)
        for j in range(0, m, width(x)):
            new = (load(b, o + j) + neighbour_sum(y, o + j, s, ny * w, back, front)) * load(g, o + j)
            store(d, q + j, new - load(x, o + j))
            store(x, o + j, new)
        wrap(x, o, m)
        wrap(d, q, m)
        q += w


@driver
def restrict_plane(
    d: Floats,
    base: int,
    mask: int,
    x: Floats,
    y: Floats,
    t: Floats,
    levels: Integers,
    coarse: Integers,
    z: int,
) -> None:
    """Write plane z of the coarse right side (x, y): four times the mean residual of the finer voxels.

    After red and then black have been swept, only red has a residual: what its black neighbours have changed by, d. A
    plane of d begins at base + (its number & mask) times its size. Four times, because a coarse D/h2 is a quarter.
    """
    ny, m, w, up = levels[NY], levels[HALF], levels[STRIDE], levels[NY] * levels[STRIDE]
    per_row = 1 if ny == 1 else 2
    share = fill(x, 1.0 / per_row)
    for row_coarse in range(coarse[NY]):
        for k in range(2 * per_row):
            z_fine, row = 2 * z + k // per_row, per_row * row_coarse + k % per_row
            o = base + (z_fine & mask) * up + row * w
            above = base + ((z_fine - 1) & mask) * up + row * w - o
            below = base + ((z_fine + 1) & mask) * up + row * w - o
            s = (z_fine + row) & 1
            back, front = rows_beside(row, ny, w)
            for j in range(0, m, width(x)):
                q = o + j
                r = (load(d, q + above) + load(d, q + below)) + (load(d, q + s - 1) + load(d, q + s))
                if back != 0:
                    r = (r + (load(d, q + back) + load(d, q + front))) * share
                if k > 0:
                    r = r + load(t, j)
                store(t, j, r)
        o = plane_start(coarse, z) + row_coarse * coarse[STRIDE]
        part(t, x, y, o, coarse[HALF], (z + row_coarse) & 1)


@driver
def correct_plane(
    e: Floats, y: Floats, field: Floats, levels: Integers, coarse: Integers, z: int, bounded: bool
) -> None:
    """Add to plane z of black the coarse correction e, interpolated linearly between the centres of voxels.

    e holds coarse rows of voxels, a fine row's stride apart. Where ``bounded``, black is raised to -field where it is
    less, which would empty a voxel and more: the solution lies above that, and this brings black closer to it.
    """
    ny, m, w, n = levels[NY], levels[HALF], levels[STRIDE], width(y)
    most, less, least, zero = fill(y, 0.5625), fill(y, 0.1875), fill(y, 0.0625), fill(y, 0.0)
    three, one = fill(y, 0.75), fill(y, 0.25)
    near = z // 2
    far = min(max(near + 2 * (z % 2) - 1, 0), coarse[NZ] - 1)
    for row in range(ny):
        o, side = plane_start(levels, z) + row * w, 1 - 2 * ((z + row) & 1)
        beside_row = row // 2
        away = (beside_row + coarse[NY] + 2 * (row % 2) - 1) % coarse[NY]
        a, b = n + (near * coarse[NY] + beside_row) * w, n + (far * coarse[NY] + beside_row) * w
        c, d = n + (near * coarse[NY] + away) * w, n + (far * coarse[NY] + away) * w
        for j in range(0, m, n):
            change = (most * load(e, a + j) + less * load(e, b + j)) + (
                less * load(e, a + j + side) + least * load(e, b + j + side)
            )
            if ny > 1:
                other = (most * load(e, c + j) + less * load(e, d + j)) + (
                    less * load(e, c + j + side) + least * load(e, d + j + side)
                )
                change = three * change + one * other
            new = load(y, o + j) + change
            if bounded:
                new = floor_at(new, zero - load(field, o + j))
            store(y, o + j, new)
        wrap(y, o, m)


# ---- a level


@driver
def descend(
    x: Floats, y: Floats, b: Floats, c: Floats, g: Floats, h: Floats, t: Floats, levels: Integers
) -> None:  # fmt: skip
    """Sweep red, then black, from zero and write the next level's right side, while the planes are in the cache.

    ``b, g`` belong to red, ``c, h`` to black.
    """
    nz, coarse = levels[NZ], tail(levels, N_COLUMNS)
    for z in range(nz + 2):
        if z < nz:
            begin_plane(x, b, g, levels, z)
        if 1 <= z <= nz:
            sweep_plane(y, x, c, h, levels, z - 1, 1)
        if z >= 3 and z % 2 == 1:
            restrict_plane(y, levels[FIRST], -1, b, c, t, levels, coarse, (z - 3) // 2)


@driver
def ascend(
    x: Floats, y: Floats, b: Floats, c: Floats, g: Floats, h: Floats, d: Floats, e: Floats, t: Floats,
    levels: Integers, ends: bool, turns: bool, fields: Any, factor: float, sums: Any,
) -> None:  # fmt: skip
    """Add the coarse level's solution to black and sweep red, then black, plane after plane.

    Close behind follow, while the planes are in the cache: where a stage ``ends``, what `end_plane` does; where it
    ``turns``, the next cycle's sweep and the coarse right side. ``fields``: the field's and the loss's two colours,
    used on the finest level, where black is bounded.
    """
    nz, coarse, up = levels[NZ], tail(levels, N_COLUMNS), levels[NY] * levels[STRIDE]
    q = width(x)
    for z in range(coarse[NZ]):
        for row in range(coarse[NY]):
            join(x, y, plane_start(coarse, z) + row * coarse[STRIDE], coarse[HALF], (z + row) & 1, tail(e, q))
            wrap(e, q, levels[HALF])
            q += levels[STRIDE]
    if turns:
        clear_plane(d, ring(x, up, -1, 3), up)
    for z in range(nz + 5 if turns else nz + 2):
        if z < nz:
            correct_plane(e, y, fields[1], levels, coarse, z, ends or turns)
        if 1 <= z <= nz:
            sweep_plane(x, y, b, g, levels, z - 1, 0)
        if 2 <= z < nz + 2:
            sweep_plane(y, x, c, h, levels, z - 2, 1)
            if ends:
                end_plane(x, y, b, c, fields, factor, sums, levels, z - 2)
        if turns and 3 <= z < nz + 3:
            sweep_plane(x, y, b, g, levels, z - 3, 0)
        if turns and 4 <= z < nz + 4:
            change_plane(y, x, c, h, d, levels, z - 4, 1)
        if z == nz + 4:
            clear_plane(d, ring(x, up, nz, 3), up)
        if turns and z >= 6 and z % 2 == 0:
            restrict_plane(d, width(x), 3, b, c, t, levels, coarse, (z - 6) // 2)


@driver
def end_plane(
    x: Floats,
    y: Floats,
    b: Floats,
    c: Floats,
    fields: Any,
    factor: float,
    sums: Any,
    levels: Integers,
    z: int,
) -> None:
    """Add up what a stage has reached, and turn the right side into the next stage's: b + factor x."""
    for colour in range(2):
        change, side = (x, b) if colour == 0 else (y, c)
        end_colour(change, side, fields[colour], fields[2 + colour], factor, sums, levels, z)


@driver
def end_colour(
    x: Floats, b: Floats, field: Floats, loss: Floats, factor: float, sums: Any, levels: Integers, z: int
) -> None:
    """As `end_plane`, of one colour: field + x is summed, also times loss, and |x|; highest and lowest are kept."""
    lanes, extremes, mask = sums
    n, first, a, zero = width(x), plane_start(levels, z), fill(x, factor), fill(x, 0.0)
    sum_y, sum_ky, sum_x = load_wide(lanes, 0, x), load_wide(lanes, n, x), load_wide(lanes, 2 * n, x)
    low, high = load(extremes, 0), load(extremes, n)
    for o in range(first, first + levels[NY] * levels[STRIDE], levels[STRIDE]):
        for j in range(0, levels[HALF], n):
            change = load(x, o + j)
            new = load(field, o + j) + change
            low, high = floor_at(low, zero - new), floor_at(high, new)
            sum_y = sum_y + wide(load(mask, j) * new)
            sum_ky = sum_ky + wide(load(loss, o + j)) * wide(new)
            sum_x = sum_x + wide(load(mask, j) * floor_at(change, zero - change))
            store(b, o + j, load(b, o + j) + a * change)
    store(lanes, 0, sum_y)
    store(lanes, n, sum_ky)
    store(lanes, 2 * n, sum_x)
    store(extremes, 0, low)
    store(extremes, n, high)


@driver
def clear_plane(d: Floats, first: int, up: int) -> None:
    """Write zeros over a plane, but not behind its last row, where the next plane's first one is repeated."""
    for j in range(first, first + up - width(d), width(d)):
        store(d, j, fill(d, 0.0))


@driver
def settle(
    x: Floats,
    y: Floats,
    b: Floats,
    c: Floats,
    g: Floats,
    h: Floats,
    levels: Integers,
    n_sweeps: int,
    fresh: bool,
) -> None:
    """Solve the coarsest level: a constant that closes the balance of the whole, then many sweeps."""
    if fresh:
        clear_level(x, levels)
        clear_level(y, levels)
    shift = -(imbalance(x, b, g, levels) + imbalance(y, c, h, levels)) / (
        weight(g, levels) + weight(h, levels)
    )
    for o in range(plane_start(levels, 0), plane_start(levels, levels[NZ]), levels[STRIDE]):
        for j in range(o, o + levels[HALF], width(y)):
            store(y, j, load(y, j) + fill(y, shift))
            store(x, j, load(x, j) + fill(x, shift))
        wrap(y, o, levels[HALF])
    for i in range(2 * n_sweeps):
        (one, other), (side, inverse) = ((x, y), (b, g)) if i % 2 == 0 else ((y, x), (c, h))
        for z in range(levels[NZ]):
            sweep_plane(one, other, side, inverse, levels, z, i % 2)


@driver
def clear_level(x: Floats, levels: Integers) -> None:
    """Write zeros over a level."""
    for j in range(plane_start(levels, 0), plane_start(levels, levels[NZ]), width(x)):
        store(x, j, fill(x, 0.0))


@driver
def weight(g: Floats, levels: Integers) -> float:
    """The sum of what the diagonal has beyond the number of neighbours."""
    total = 0.0
    for z in range(levels[NZ]):
        n = neighbours(levels, z)
        for o in range(plane_start(levels, z), plane_start(levels, z + 1), levels[STRIDE]):
            for j in range(o, o + levels[HALF]):
                total += 1.0 / element(g, j) - n
    return total


@driver
def imbalance(x: Floats, b: Floats, g: Floats, levels: Integers) -> float:
    """The sum of (diagonal less neighbours) x - b over a colour; what flows between voxels cancels with the other."""
    total = 0.0
    for z in range(levels[NZ]):
        n = neighbours(levels, z)
        for o in range(plane_start(levels, z), plane_start(levels, z + 1), levels[STRIDE]):
            for j in range(o, o + levels[HALF]):
                total += (1.0 / element(g, j) - n) * element(x, j) - element(b, j)
    return total


@kept_compact
def solve_stages(
    x: Floats, c: Floats, k: Floats, b: Floats, g: Floats, d: Floats, e: Floats, t: Floats, mask: Floats, lanes: Wide,
    levels: Integers, n_levels: int, n_sweeps: int, n_cycles: int, factor: float, slight: float, found: Wide,
) -> None:  # fmt: skip
    """Solve one stage after another for the change x of the field c; no more of them after one that changes it much.

    Parameters
    ----------
    x : (2, elements) the change, written; ``c, k, b, g`` as `prepare` leaves them.
    d, e, t, lanes : scratch.
    mask : (a row,) 1 on the elements of the finest level's rows, 0 behind them.
    n_levels, n_sweeps, n_cycles : how many levels, sweeps on the coarsest, cycles a stage.
    factor : what of a stage's change is added to the next stage's right side.
    slight : the share of the field that a stage may change, sum of |x| over that of c + x, for the next to be solved.
    found : (n_stages, 5) after each stage the sums of c + x and of k (c + x), how far it falls below zero at most, its
        highest value, and the sum of |x|.
    """
    levels_, e_, t_, d_ = flat(levels), flat(e), flat(t), flat(d)
    x_, y_, b_, c_, g_, h_ = flat(x[0]), flat(x[1]), flat(b[0]), flat(b[1]), flat(g[0]), flat(g[1])
    fields = (flat(c[0]), flat(c[1]), flat(k[0]), flat(k[1]))
    n = width(t_)
    extremes, row = t_, tail(t_, 4 * n)
    sums = (flat(lanes), extremes, flat(mask))
    last = n_levels - 1
    n_all = n_cycles * found.shape[0]
    for i in range(n_all):
        ends = (i + 1) % n_cycles == 0
        if i % n_cycles == 0:
            for j in range(3 * n):
                lanes[j] = 0.0
                put(extremes, j, 0.0)
        for level in range(0 if i == 0 else 1, last):
            descend(x_, y_, b_, c_, g_, h_, row, tail(levels_, N_COLUMNS * level))
        settle(x_, y_, b_, c_, g_, h_, tail(levels_, N_COLUMNS * last), n_sweeps, i == 0 or last > 0)
        for level in range(last - 1, -1, -1):
            top = level == 0
            ascend(
                x_, y_, b_, c_, g_, h_, d_, e_, row, tail(levels_, N_COLUMNS * level),
                top and ends, top and i < n_all - 1, fields, factor, sums,
            )  # fmt: skip
        if ends:
            if last == 0:
                for z in range(levels_[NZ]):
                    end_plane(x_, y_, b_, c_, fields, factor, sums, levels_, z)
            stage = i // n_cycles
            found[stage, 0], found[stage, 1] = added(sums[0], 0, n), added(sums[0], n, n)
            found[stage, 2], found[stage, 3] = highest(extremes, 0), highest(extremes, n)
            found[stage, 4] = added(sums[0], 2 * n, n)
            if found[stage, 4] > slight * found[stage, 0]:
                return
