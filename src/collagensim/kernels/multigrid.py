"""Diffusion with loss on a grid of cubes, implicit in time, solved by multigrid.

One field obeys dc/dt = D laplace(c) - k c + s; periodic in y and x, no flux in z. Divided by D/h2, an implicit stage
asks for the change x of the field in

    (sigma + loss) x - sum over neighbours (x_j - x_i) = b,    sigma = 1 / (gamma dt) and loss = k in units of D/h2.

All levels keep a field in two colours, like a chess board, as the two rows of an array: red (even z + y + i) and black.
In a row of voxels, element j of red is voxel 2j + p, of black voxel 2j + 1 - p, with p the row's own parity. A
colour's neighbours are then contiguous runs of the other, and the residual after a sweep is nought on black: only red
is restricted, only black is corrected. Neither needs the order of a loop: the bits are always the same.

Rows are worked through in packs, and what a last pack holds too much stays finite and is never used. A row has an
element to either side that repeats its far end (periodic); the planes above and below all others are zero, and the
number of neighbours on the diagonal tells that nothing passes there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.numbers import flat, kept, kernel, tail
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

__all__ = ["N_COLUMNS", "advance", "prepare", "write"]

# The table of levels, a row each: planes, rows, elements of a colour in a row, from row to row, where plane 0 begins.
NZ, NY, HALF, STRIDE, FIRST, N_COLUMNS = range(6)


@kernel
def place(levels: Integers, z: int) -> int:
    """Where plane z begins among the elements of a colour."""
    first: int = levels[FIRST] + z * levels[NY] * levels[STRIDE]
    return first


@kernel
def neighbours(levels: Integers, z: int) -> float:
    """How many neighbours a voxel of plane z has."""
    n = 2.0 if levels[NY] == 1 else 4.0
    return n + (1.0 if z > 0 else 0.0) + (1.0 if z < levels[NZ] - 1 else 0.0)


# ---- rows of voxels and rows of colours


@kernel
def part(t: Floats, x: Floats, y: Floats, o: int, m: int, p: int) -> None:
    """Part a row of 2 m voxels into its red and black ones; p is the row's parity."""
    n = width(x)
    for j in range(0, m, n):
        first, second = load(t, 2 * j), load(t, 2 * j + n)
        if p == 0:
            store(x, o + j, evens(first, second))
            store(y, o + j, odds(first, second))
        else:
            store(x, o + j, odds(first, second))
            store(y, o + j, evens(first, second))


@kernel
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


@kernel
def join(x: Floats, y: Floats, o: int, m: int, p: int, t: Floats) -> None:
    """Put a row's red and black voxels side by side again."""
    n = width(x)
    for j in range(0, m, n):
        red, black = load(x, o + j), load(y, o + j)
        a, b = (red, black) if p == 0 else (black, red)
        store(t, 2 * j, first_pairs(a, b))
        store(t, 2 * j + n, last_pairs(a, b))


# ---- one plane of one colour at a time; ``levels`` begins with the level meant


@kernel
def begin_plane(x: Floats, b: Floats, g: Floats, levels: Integers, z: int) -> None:
    """Sweep where the other colour is zero: x = b g."""
    m, w, first = levels[HALF], levels[STRIDE], place(levels, z)
    for o in range(first, first + levels[NY] * w, w):
        for j in range(o, o + m, width(x)):
            store(x, j, load(b, j) * load(g, j))
        wrap(x, o, m)


@kernel
def beside(y: Floats, j: int, s: int, up: int, back: int, front: int) -> Any:
    """The sum over the neighbours of a pack; in a slice, ``back`` is 0 and there are four."""
    total = (load(y, j - up) + load(y, j + up)) + (load(y, j + s - 1) + load(y, j + s))
    if back != 0:
        total = total + (load(y, j + back) + load(y, j + front))
    return total


@kernel
def around(row: int, ny: int, w: int) -> tuple[int, int]:
    """How far it is to the rows behind and before, round the end; 0 in a slice."""
    if ny == 1:
        return 0, 0
    return ((row + ny - 1) % ny - row) * w, ((row + 1) % ny - row) * w


@kernel
def sweep_plane(x: Floats, y: Floats, b: Floats, g: Floats, levels: Integers, z: int, colour: int) -> None:
    """Solve for one colour given the other: x = (b + sum of y beside) g."""
    ny, m, w, first = levels[NY], levels[HALF], levels[STRIDE], place(levels, z)
    for row in range(ny):
        o, s = first + row * w, (z + colour + row) & 1
        back, front = around(row, ny, w)
        for j in range(o, o + m, width(x)):
            store(x, j, (load(b, j) + beside(y, j, s, ny * w, back, front)) * load(g, j))
        wrap(x, o, m)


@kernel
def change_plane(
    x: Floats, y: Floats, b: Floats, g: Floats, d: Floats, levels: Integers, z: int, colour: int
) -> None:
    """As `sweep_plane`, and write into a plane of d, counted modulo four, by how much x has changed."""
    ny, m, w, first = levels[NY], levels[HALF], levels[STRIDE], place(levels, z)
    q = ring(x, ny * w, z, 3)
    for row in range(ny):
        o, s = first + row * w, (z + colour + row) & 1
        back, front = around(row, ny, w)
        for j in range(0, m, width(x)):
            new = (load(b, o + j) + beside(y, o + j, s, ny * w, back, front)) * load(g, o + j)
            store(d, q + j, new - load(x, o + j))
            store(x, o + j, new)
        wrap(x, o, m)
        wrap(d, q, m)
        q += w


@kernel
def ring(x: Floats, up: int, z: int, mask: int) -> int:
    """Where plane z begins among planes of which only a few are kept: as many as ``mask`` can tell apart."""
    return width(x) + (z & mask) * up


@kernel
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
            back, front = around(row, ny, w)
            for j in range(0, m, width(x)):
                q = o + j
                r = (load(d, q + above) + load(d, q + below)) + (load(d, q + s - 1) + load(d, q + s))
                if back != 0:
                    r = (r + (load(d, q + back) + load(d, q + front))) * share
                if k > 0:
                    r = r + load(t, j)
                store(t, j, r)
        o = place(coarse, z) + row_coarse * coarse[STRIDE]
        part(t, x, y, o, coarse[HALF], (z + row_coarse) & 1)


@kernel
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
        o, side = place(levels, z) + row * w, 1 - 2 * ((z + row) & 1)
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


@kernel
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


@kernel
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
            join(x, y, place(coarse, z) + row * coarse[STRIDE], coarse[HALF], (z + row) & 1, tail(e, q))
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


@kernel
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
    red, black, red_loss, black_loss = fields
    end_colour(x, b, red, red_loss, factor, sums, levels, z)
    end_colour(y, c, black, black_loss, factor, sums, levels, z)


@kernel
def end_colour(
    x: Floats, b: Floats, field: Floats, loss: Floats, factor: float, sums: Any, levels: Integers, z: int
) -> None:
    """As `end_plane`, of one colour; field + x is summed, also times loss, and its lowest and highest value kept."""
    lanes, extremes, mask = sums
    n, first, a, zero = width(x), place(levels, z), fill(x, factor), fill(x, 0.0)
    sum_y, sum_ky, low, high = (
        load_wide(lanes, 0, x),
        load_wide(lanes, n, x),
        load(extremes, 0),
        load(extremes, n),
    )
    for o in range(first, first + levels[NY] * levels[STRIDE], levels[STRIDE]):
        for j in range(0, levels[HALF], n):
            change = load(x, o + j)
            new = load(field, o + j) + change
            low, high = floor_at(low, zero - new), floor_at(high, new)
            sum_y = sum_y + wide(load(mask, j) * new)
            sum_ky = sum_ky + wide(load(loss, o + j)) * wide(new)
            store(b, o + j, load(b, o + j) + a * change)
    store(lanes, 0, sum_y)
    store(lanes, n, sum_ky)
    store(extremes, 0, low)
    store(extremes, n, high)


@kernel
def clear_plane(d: Floats, first: int, up: int) -> None:
    """Write zeros over a plane, but not behind its last row, where the next plane's first one is repeated."""
    for j in range(first, first + up - width(d), width(d)):
        store(d, j, fill(d, 0.0))


@kernel
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
        clear(x, levels)
        clear(y, levels)
    shift = -(imbalance(x, b, g, levels) + imbalance(y, c, h, levels)) / (
        weight(g, levels) + weight(h, levels)
    )
    for o in range(place(levels, 0), place(levels, levels[NZ]), levels[STRIDE]):
        for j in range(o, o + levels[HALF], width(y)):
            store(y, j, load(y, j) + fill(y, shift))
            store(x, j, load(x, j) + fill(x, shift))
        wrap(y, o, levels[HALF])
    for i in range(2 * n_sweeps):
        (one, other), (side, inverse) = ((x, y), (b, g)) if i % 2 == 0 else ((y, x), (c, h))
        for z in range(levels[NZ]):
            sweep_plane(one, other, side, inverse, levels, z, i % 2)


@kernel
def clear(x: Floats, levels: Integers) -> None:
    """Write zeros over a level."""
    for j in range(place(levels, 0), place(levels, levels[NZ]), width(x)):
        store(x, j, fill(x, 0.0))


@kernel
def weight(g: Floats, levels: Integers) -> float:
    """The sum of what the diagonal has beyond the number of neighbours."""
    total = 0.0
    for z in range(levels[NZ]):
        n = neighbours(levels, z)
        for o in range(place(levels, z), place(levels, z + 1), levels[STRIDE]):
            for j in range(o, o + levels[HALF]):
                total += 1.0 / element(g, j) - n
    return total


@kernel
def imbalance(x: Floats, b: Floats, g: Floats, levels: Integers) -> float:
    """The sum of (diagonal less neighbours) x - b over a colour; what flows between voxels cancels with the other."""
    total = 0.0
    for z in range(levels[NZ]):
        n = neighbours(levels, z)
        for o in range(place(levels, z), place(levels, z + 1), levels[STRIDE]):
            for j in range(o, o + levels[HALF]):
                total += (1.0 / element(g, j) - n) * element(x, j) - element(b, j)
    return total


# ---- entries


@kept
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
                (flat(field), flat(source), flat(loss)), red, black, row, extremes, lanes_, unit, levels_, z
            )
        if z == 0:
            copy_plane(red[0], black[0], levels_, 0, -1)
        elif z == levels_[NZ]:
            copy_plane(red[0], black[0], levels_, z - 1, z)
        if z > 0:
            right_side(red, black[0], unit, sigma, levels_, z - 1, 0)
            right_side(black, red[0], unit, sigma, levels_, z - 1, 1)
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


@kernel
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
    field, source, loss = voxels
    c, k, s, _ = red
    cc, kk, ss, _ = black
    zero, scale = fill(t, 0.0), fill(t, unit)
    low_c, low_s, low_k = load(extremes, 0), load(extremes, n), load(extremes, 2 * n)
    sum_c, sum_s, sum_kc = load_wide(lanes, 0, t), load_wide(lanes, n, t), load_wide(lanes, 2 * n, t)
    for row in range(ny):
        o, first, p = place(levels, z) + row * w, (z * ny + row) * 2 * m, (z + row) & 1
        part_voxels(field, first, t, c, cc, o, m, p)
        part_voxels(loss, first, t, k, kk, o, m, p)
        part_voxels(source, first, t, s, ss, o, m, p)
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


@kernel
def copy_plane(c: Floats, cc: Floats, levels: Integers, edge: int, beyond: int) -> None:
    """Write beyond the edge the edge itself, in the other colour: no difference, no flux.

    Behind a plane's last row stands what repeats the end of the next plane's first one, and stays.
    """
    source, target = place(levels, edge), place(levels, beyond)
    for j in range(0, levels[NY] * levels[STRIDE] - width(c), width(c)):
        store(c, target + j, load(cc, source + j))
        store(cc, target + j, load(c, source + j))


@kernel
def right_side(own: Any, y: Floats, unit: float, sigma: float, levels: Integers, z: int, colour: int) -> None:
    """Turn a colour's source into the right side, and write the inverse diagonal."""
    ny, m, w = levels[NY], levels[HALF], levels[STRIDE]
    c, k, b, g = own
    scale, one, rest = fill(c, unit), fill(c, 1.0), fill(c, sigma + neighbours(levels, z))
    for row in range(ny):
        o, s = place(levels, z) + row * w, (z + colour + row) & 1
        back, front = around(row, ny, w)
        for j in range(o, o + m, width(c)):
            here = load(c, j)
            flow = (load(y, j - ny * w) - here) + (load(y, j + ny * w) - here)
            flow = flow + ((load(y, j + s - 1) - here) + (load(y, j + s) - here))
            if back != 0:
                flow = flow + ((load(y, j + back) - here) + (load(y, j + front) - here))
            store(b, j, (scale * load(b, j) - load(k, j) * here) + flow)
            store(g, j, one / (load(k, j) + rest))


@kernel
def coarsen(k: Floats, kk: Floats, g: Floats, h: Floats, t: Floats, levels: Integers, sigma: float) -> None:
    """Write the next level's loss, four times the mean of this one's, and its inverse diagonal."""
    coarse, ny, m, w = tail(levels, N_COLUMNS), levels[NY], levels[HALF], levels[STRIDE]
    per_row = 1 if ny == 1 else 2
    share, one = fill(k, 1.0 / per_row), fill(k, 1.0)
    for z in range(coarse[NZ]):
        rest = fill(k, sigma + neighbours(coarse, z))
        for row in range(coarse[NY]):
            for i in range(2 * per_row):
                o = place(levels, 2 * z + i // per_row) + (per_row * row + i % per_row) * w
                for j in range(0, m, width(k)):
                    mean = (load(k, o + j) + load(kk, o + j)) * share
                    if i > 0:
                        mean = mean + load(t, j)
                    store(t, j, mean)
            o = place(coarse, z) + row * coarse[STRIDE]
            part(t, k, kk, o, coarse[HALF], (z + row) & 1)
            for j in range(o, o + coarse[HALF], width(k)):
                store(g, j, one / (load(k, j) + rest))
                store(h, j, one / (load(kk, j) + rest))


@kernel
def added(lanes: Wide, first: int, n: int) -> float:
    """The sum of n numbers, from left to right."""
    total = 0.0
    for i in range(first, first + n):
        total += element(lanes, i)
    return total


@kernel
def highest(t: Floats, first: int) -> float:
    """The highest number of a pack, or 0."""
    high = 0.0
    for i in range(first, first + width(t)):
        high = max(high, element(t, i))
    return high


@kept
def advance(
    x: Floats, c: Floats, k: Floats, b: Floats, g: Floats, d: Floats, e: Floats, t: Floats, mask: Floats, lanes: Wide,
    levels: Integers, n_levels: int, n_sweeps: int, n_cycles: int, factor: float, found: Wide,
) -> None:  # fmt: skip
    """Solve one stage after another for the change x of the field c.

    Parameters
    ----------
    x : (2, elements) the change, written; ``c, k, b, g`` as `prepare` leaves them.
    d, e, t, lanes : scratch.
    mask : (a row,) 1 on the elements of the finest level's rows, 0 behind them.
    n_levels, n_sweeps, n_cycles : how many levels, sweeps on the coarsest, cycles a stage.
    factor : what of a stage's change is added to the next stage's right side.
    found : (n_stages, 4) after each stage the sums of c + x and of k (c + x), how far it falls below zero at most, and
        its highest value.
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
            for j in range(2 * n):
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


@kept
def write(c: Floats, x: Floats, excess: float, t: Floats, levels: Integers, field: Floats) -> None:
    """Write the field (voxels,): (1 + excess) times c + x, and nought where that is negative."""
    levels_, t_, field_ = flat(levels), flat(t), flat(field)
    nz, ny, m, w = levels_[NZ], levels_[NY], levels_[HALF], levels_[STRIDE]
    n = width(t_)
    more, zero = fill(t_, excess), fill(t_, 0.0)
    for colour in range(2):
        change, part_of = flat(x[colour]), flat(c[colour])
        for o in range(place(levels_, 0), place(levels_, nz), w):
            for j in range(o, o + m, n):
                y = floor_at(load(part_of, j) + load(change, j), zero)
                store(change, j, y + more * y)
    for z in range(nz):
        for row in range(ny):
            o, first, p = place(levels_, z) + row * w, (z * ny + row) * 2 * m, (z + row) & 1
            whole = m - m % n
            join(flat(x[0]), flat(x[1]), o, whole, p, tail(field_, first))
            join(tail(flat(x[0]), whole), tail(flat(x[1]), whole), o, m - whole, p, t_)
            for i in range(2 * (m - whole)):
                put(field_, first + 2 * whole + i, element(t_, i))
