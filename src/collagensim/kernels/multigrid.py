"""Diffusion with loss on a grid of cubes, implicit in time, solved by multigrid.

One field obeys dc/dt = D laplace(c) - k c + s; periodic in y and x, no flux in z. Divided by D/h2, an implicit stage
asks for the change e of the field in

    (sigma + loss) e - sum over neighbours (e_j - e_i) = b,    sigma = 1 / (gamma dt) and loss = k in units of D/h2.

All levels keep a field as two colours, like a chess board: ``x`` holds red (even z + y + i), ``y`` black. In a row, red
and black voxels lie side by side: element j of red is voxel 2j + p, of black voxel 2j + 1 - p, with p the row's own
parity. A colour's neighbours are then contiguous runs of the other, and the residual after a sweep is nought on black:
only red is restricted, only black is corrected. Neither needs the order of a loop, so the bits are always the same.

Rows have one element to either side that repeats the far end (periodic); the planes above and below are zero, and the
number of neighbours on the diagonal tells that nothing passes there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.numbers import kept, kernel

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[Any]
    Integers: TypeAlias = npt.NDArray[np.int64]

__all__ = ["close", "finish", "prepare", "raise_stage", "solve", "totals"]

# Columns of the table of levels: planes, rows, elements of a colour in a row, from row to row, the first element of
# plane -1, the first voxel among those of all levels.
NZ, NY, HALF, STRIDE, FIRST, VOXEL = range(6)


# ---- one plane at a time; unsigned offsets, because signed indices are checked for wrapping and that stops SIMD


@kernel
def plane(levels: Integers, l: int, z: int) -> Any:
    """Where plane z of level l begins among the coloured elements."""
    return np.uintp(levels[l, FIRST] + (z + 1) * levels[l, NY] * levels[l, STRIDE])


@kernel
def wrap(x: Floats, o: Any, m: Any) -> None:
    """Repeat the far ends of a row beside it."""
    x[o - np.uintp(1)] = x[o + m - np.uintp(1)]
    x[o + m] = x[o]


@kernel
def start_plane(x: Floats, b: Floats, g: Floats, levels: Integers, l: int, z: int) -> None:
    """Sweep one colour where the other is zero: x = b g."""
    m, w, o = np.uintp(levels[l, HALF]), np.uintp(levels[l, STRIDE]), plane(levels, l, z)
    for _ in range(levels[l, NY]):
        for j in range(m):
            x[o + j] = b[o + j] * g[o + j]
        wrap(x, o, m)
        o += w


@kernel
def sweep_plane(x: Floats, y: Floats, b: Floats, g: Floats, levels: Integers, l: int, z: int, colour: int) -> None:
    """Solve for one colour's plane given the other: x = (b + sum of y beside) g."""
    one, ny = np.uintp(1), np.uintp(levels[l, NY])
    m, w, first = np.uintp(levels[l, HALF]), np.uintp(levels[l, STRIDE]), plane(levels, l, z)
    up = ny * w
    for row in range(ny):
        o, s = first + row * w, (np.uintp(z + colour) + row) & one
        if ny == one:
            for j in range(m):
                q = o + j
                x[q] = (b[q] + ((y[q - up] + y[q + up]) + (y[q + s - one] + y[q + s]))) * g[q]
        else:
            back, front = first + (row + ny - one) % ny * w, first + (row + one) % ny * w
            for j in range(m):
                q = o + j
                beside = (y[q - up] + y[q + up]) + (y[q + s - one] + y[q + s]) + (y[back + j] + y[front + j])
                x[q] = (b[q] + beside) * g[q]
        wrap(x, o, m)


@kernel
def changes_plane(
    x: Floats, y: Floats, b: Floats, g: Floats, d: Floats, levels: Integers, l: int, z: int, colour: int
) -> None:
    """As `sweep_plane`, and write into d by how much x has changed."""
    ny, m, w, o = levels[l, NY], np.uintp(levels[l, HALF]), np.uintp(levels[l, STRIDE]), plane(levels, l, z)
    for row in range(ny):
        q = o + np.uintp(row) * w
        for j in range(m):
            d[q + j] = x[q + j]
    sweep_plane(x, y, b, g, levels, l, z, colour)
    for row in range(ny):
        q = o + np.uintp(row) * w
        for j in range(m):
            d[q + j] = x[q + j] - d[q + j]
        wrap(d, q, m)


@kernel
def split(t: Floats, x: Floats, y: Floats, o: Any, m: Any, p: Any) -> None:
    """Part a row of voxels into its red and its black ones."""
    two, other = np.uintp(2), np.uintp(1) - p
    for j in range(m):
        x[o + j] = t[two * j + p]
        y[o + j] = t[two * j + other]


@kernel
def join(x: Floats, y: Floats, o: Any, m: Any, p: Any, t: Floats, first: Any) -> None:
    """Put a row's red and black voxels side by side again, from ``first`` on."""
    two, other = np.uintp(2), np.uintp(1) - p
    for j in range(m):
        t[first + two * j + p] = x[o + j]
        t[first + two * j + other] = y[o + j]


@kernel
def restrict_plane(d: Floats, x: Floats, y: Floats, t: Floats, levels: Integers, l: int, z: int) -> None:
    """Write plane z of the coarse right side (x, y): four times the mean residual of the finer voxels.

    After red and then black have been swept, only red has a residual: what its black neighbours have changed by.
    """
    one, two, ny, ny_coarse = np.uintp(1), np.uintp(2), np.uintp(levels[l, NY]), np.uintp(levels[l + 1, NY])
    m, w = np.uintp(levels[l, HALF]), np.uintp(levels[l, STRIDE])
    m_coarse, w_coarse = np.uintp(levels[l + 1, HALF]), np.uintp(levels[l + 1, STRIDE])
    up, deep = ny * w, ny != one
    share = x.dtype.type(0.5) if deep else x.dtype.type(1.0)
    for row_coarse in range(ny_coarse):
        for j in range(m):
            t[j] = 0
        for z_fine in range(2 * z, 2 * z + 2):
            first = plane(levels, l, z_fine)
            for i in range(np.uintp(2 if deep else 1)):
                row = two * row_coarse + i
                o, s = first + row * w, (np.uintp(z_fine) + row) & one
                for j in range(m):
                    q = o + j
                    t[j] += ((d[q - up] + d[q + up]) + (d[q + s - one] + d[q + s])) * share
                if deep:
                    back, front = first + (row + ny - one) % ny * w, first + (row + one) % ny * w
                    for j in range(m):
                        t[j] += (d[back + j] + d[front + j]) * share
        o_coarse = plane(levels, l + 1, z) + row_coarse * w_coarse
        split(t, x, y, o_coarse, m_coarse, (np.uintp(z) + row_coarse) & one)


@kernel
def correct_plane(e: Floats, y: Floats, t: Floats, levels: Integers, l: int, z: int) -> None:
    """Add to plane z of black the coarse correction e, interpolated linearly between the centres of voxels."""
    one, ny, ny_coarse = np.uintp(1), np.uintp(levels[l, NY]), np.uintp(levels[l + 1, NY])
    m, w, first = np.uintp(levels[l, HALF]), np.uintp(levels[l, STRIDE]), plane(levels, l, z)
    most, least = y.dtype.type(0.75), y.dtype.type(0.25)
    near = z // 2
    far = min(max(near + 2 * (z % 2) - 1, 0), levels[l + 1, NZ] - 1)
    origin, area = np.uintp(levels[l + 1, VOXEL]), ny_coarse * m
    above, below = origin + np.uintp(near) * area, origin + np.uintp(far) * area
    for row in range(ny):
        o, p = first + row * w, (np.uintp(z) + row) & one
        if ny == one:
            for j in range(m):
                t[one + j] = most * e[above + j] + least * e[below + j]
        else:
            beside = row // np.uintp(2)
            away = (beside + ny_coarse + (row & one) * np.uintp(2) - one) % ny_coarse
            a, c = beside * m, away * m
            for j in range(m):
                t[one + j] = most * (most * e[above + a + j] + least * e[below + a + j]) + least * (
                    most * e[above + c + j] + least * e[below + c + j]
                )
        wrap(t, one, m)
        side = np.uintp(2) - np.uintp(2) * p
        for j in range(m):
            y[o + j] += most * t[one + j] + least * t[side + j]
        wrap(y, o, m)


@kernel
def bound_plane(y: Floats, low: Floats, levels: Integers, l: int, z: int) -> None:
    """Raise black to its lowest allowed value: the solution lies above it, so this brings y no farther from it."""
    m, w, o = np.uintp(levels[l, HALF]), np.uintp(levels[l, STRIDE]), plane(levels, l, z)
    for _ in range(levels[l, NY]):
        for j in range(m):
            y[o + j] = y[o + j] if y[o + j] > low[o + j] else low[o + j]
        wrap(y, o, m)
        o += w


# ---- a level


@kernel
def descend(
    x: Floats, y: Floats, b: Floats, c: Floats, g: Floats, h: Floats, d: Floats, t: Floats,
    levels: Integers, l: int, fresh: bool,
) -> None:  # fmt: skip
    """Sweep red and black once and write the next level's right side, three planes of one colour in the cache at a time.

    ``b, g`` belong to red, ``c, h`` to black; ``fresh``: x and y count as zero.
    """
    nz = levels[l, NZ]
    for z in range(nz + 2):
        if z < nz:
            if fresh:
                start_plane(x, b, g, levels, l, z)
            else:
                sweep_plane(x, y, b, g, levels, l, z, 0)
        if 1 <= z <= nz:
            if fresh:
                sweep_plane(y, x, c, h, levels, l, z - 1, 1)
            else:
                changes_plane(y, x, c, h, d, levels, l, z - 1, 1)
        if z >= 3 and z % 2 == 1:
            restrict_plane(y if fresh else d, b, c, t, levels, l, (z - 3) // 2)


@kernel
def ascend(
    x: Floats, y: Floats, b: Floats, c: Floats, g: Floats, h: Floats, e: Floats, low: Floats, t: Floats,
    levels: Integers, l: int,
) -> None:  # fmt: skip
    """Add the coarse level's solution and sweep red and black once."""
    nz = levels[l, NZ]
    ny, m, w, n = levels[l + 1, NY], np.uintp(levels[l + 1, HALF]), np.uintp(levels[l + 1, STRIDE]), levels[l + 1, NZ]
    for z in range(n):
        o, q = plane(levels, l + 1, z), np.uintp(levels[l + 1, VOXEL] + z * ny * 2 * levels[l + 1, HALF])
        for row in range(ny):
            join(x, y, o, m, np.uintp((z + row) & 1), e, q)
            o += w
            q += np.uintp(2) * m
    for z in range(nz + 2):
        if z < nz:
            correct_plane(e, y, t, levels, l, z)
            if l == 0:
                bound_plane(y, low, levels, l, z)
        if 1 <= z <= nz:
            sweep_plane(x, y, b, g, levels, l, z - 1, 0)
        if z >= 2:
            sweep_plane(y, x, c, h, levels, l, z - 2, 1)


@kernel
def settle(
    x: Floats, y: Floats, b: Floats, c: Floats, g: Floats, h: Floats, levels: Integers, l: int, n_sweeps: int, fresh: bool
) -> None:
    """Solve the coarsest level: close the balance of the whole with a constant, then sweep often."""
    nz, ny, m, w = levels[l, NZ], levels[l, NY], np.uintp(levels[l, HALF]), np.uintp(levels[l, STRIDE])
    total, weight = 0.0, 0.0
    for z in range(nz):
        o = plane(levels, l, z)
        n = neighbours(levels, l, z)
        for _ in range(ny):
            for j in range(m):
                red, black = 1.0 / g[o + j] - n, 1.0 / h[o + j] - n
                weight += red + black
                total += b[o + j] + c[o + j]
                if not fresh:
                    total -= red * x[o + j] + black * y[o + j]
            o += w
    shift = x.dtype.type(total / weight)
    for z in range(nz):
        o = plane(levels, l, z)
        for _ in range(ny):
            for j in range(m):
                y[o + j] = shift if fresh else y[o + j] + shift
            wrap(y, o, m)
            o += w
    for _ in range(n_sweeps):
        for z in range(nz):
            sweep_plane(x, y, b, g, levels, l, z, 0)
        for z in range(nz):
            sweep_plane(y, x, c, h, levels, l, z, 1)


@kernel
def neighbours(levels: Integers, l: int, z: int) -> Any:
    """How many neighbours a voxel of plane z has."""
    n = 2.0 if levels[l, NY] == 1 else 4.0
    return n + (1.0 if z > 0 else 0.0) + (1.0 if z < levels[l, NZ] - 1 else 0.0)


# ---- entries


@kept
def prepare(
    field: Floats, source: Floats, loss: Floats, unit: float, sigma: float, coarse_loss: Floats,
    b: Floats, g: Floats, low: Floats, t: Floats, levels: Integers,
) -> None:  # fmt: skip
    """Write all levels' inverse diagonals g = 1 / (sigma + loss + neighbours) and the right side of the finest.

    Parameters
    ----------
    field, source, loss : (nz * ny * nx,), with ``unit`` = h2 / D [day], the right side is
        unit (source - loss field) + sum of differences to the neighbours.
    coarse_loss : (voxels of all levels,) scratch, of a level's own unit.
    b, g : (2, elements) of red and black.
    low : (elements,) what black must not fall below: the change that would empty a voxel.
    t : (a row and more,) scratch.
    """
    scale, shift, four = field.dtype.type(unit), field.dtype.type(sigma), field.dtype.type(4.0)
    one, two, zero = np.uintp(1), np.uintp(2), field.dtype.type(0.0)
    for l in range(levels.shape[0]):
        nz, ny, m, w = levels[l, NZ], levels[l, NY], np.uintp(levels[l, HALF]), np.uintp(levels[l, STRIDE])
        nx, here = two * m, np.uintp(levels[l, VOXEL])
        for z in range(nz):
            n = field.dtype.type(neighbours(levels, l, z))
            first = plane(levels, l, z)
            for row in range(ny):
                q = here + np.uintp(z * ny + row) * nx
                if l == 0:
                    for i in range(nx):
                        coarse_loss[q + i] = scale * loss[q + i] + shift
                for i in range(nx):
                    t[i] = field.dtype.type(1.0) / (coarse_loss[q + i] + n)
                o, p = first + np.uintp(row) * w, np.uintp((z + row) & 1)
                split(t, g[0], g[1], o, m, p)
        if l + 1 < levels.shape[0]:
            average(coarse_loss, levels, l, four)
    nz, ny, m, w = levels[0, NZ], levels[0, NY], np.uintp(levels[0, HALF]), np.uintp(levels[0, STRIDE])
    nx = two * m
    area = np.uintp(ny) * nx
    for z in range(nz):
        first = plane(levels, 0, z)
        for row in range(ny):
            begin = np.uintp(z) * area + np.uintp(row) * nx
            o, p = first + np.uintp(row) * w, np.uintp((z + row) & 1)
            for i in range(nx):
                t[i] = -field[begin + i]
            split(t, b[0], low, o, m, p)
            for i in range(nx):
                q = begin + i
                t[i] = scale * (source[q] - loss[q] * field[q])
            if z > 0:
                for i in range(nx):
                    t[i] += field[begin + i - area] - field[begin + i]
            if z < nz - 1:
                for i in range(nx):
                    t[i] += field[begin + i + area] - field[begin + i]
            if ny > 1:
                back = np.uintp(z) * area + np.uintp((row + ny - 1) % ny) * nx
                front = np.uintp(z) * area + np.uintp((row + 1) % ny) * nx
                for i in range(nx):
                    t[i] += (field[back + i] - field[begin + i]) + (field[front + i] - field[begin + i])
            last = begin + nx - one
            for i in range(nx - two):
                q = begin + one + i
                t[one + i] += (field[q - one] - field[q]) + (field[q + one] - field[q])
            t[0] += (field[last] - field[begin]) + (field[begin + one] - field[begin])
            t[nx - one] += (field[last - one] - field[last]) + (field[begin] - field[last])
            split(t, b[0], b[1], o, m, p)
    t[:] = zero


@kernel
def average(k: Floats, levels: Integers, l: int, four: Any) -> None:
    """Write the next level's loss: four times the mean of this level's, because a coarse D/h2 is a quarter."""
    ny, nx = levels[l, NY], 2 * levels[l, HALF]
    n, rows, columns = levels[l + 1, NZ], levels[l + 1, NY], 2 * levels[l + 1, HALF]
    fine, coarse = levels[l, VOXEL], levels[l + 1, VOXEL]
    per_row = 2 if ny > 1 else 1
    for z in range(n):
        for row in range(rows):
            q = np.uintp(coarse + (z * rows + row) * columns)
            for i in range(np.uintp(columns)):
                k[q + i] = 0
            for z_fine in range(2 * z, 2 * z + 2):
                for row_fine in range(per_row * row, per_row * row + per_row):
                    f = np.uintp(fine + (z_fine * ny + row_fine) * nx)
                    for i in range(np.uintp(columns)):
                        k[q + i] += k[f + np.uintp(2) * i] + k[f + np.uintp(2) * i + np.uintp(1)]
            if per_row == 2:
                for i in range(np.uintp(columns)):
                    k[q + i] /= k.dtype.type(2.0)


@kept
def solve(
    x: Floats, b: Floats, g: Floats, d: Floats, e: Floats, low: Floats, t: Floats, levels: Integers,
    n_cycles: int, n_sweeps: int, fresh: bool,
) -> None:  # fmt: skip
    """Improve x (2, elements) by cycles from the finest level to the coarsest and back.

    ``b``, ``g`` as of `prepare`; ``d`` (elements,), ``e`` (voxels of all levels,) and ``t`` scratch; ``fresh``: begin
    from zero. A cycle cuts the error about twelvefold.
    """
    last = levels.shape[0] - 1
    for cycle in range(n_cycles):
        first = fresh and cycle == 0
        if last == 0:
            settle(x[0], x[1], b[0], b[1], g[0], g[1], levels, 0, n_sweeps, first)
            continue
        for l in range(last):
            descend(x[0], x[1], b[0], b[1], g[0], g[1], d, t, levels, l, first or l > 0)
        settle(x[0], x[1], b[0], b[1], g[0], g[1], levels, last, n_sweeps, True)
        for l in range(last - 1, -1, -1):
            ascend(x[0], x[1], b[0], b[1], g[0], g[1], e, low, t, levels, l)


@kept
def raise_stage(x: Floats, b: Floats, factor: float, levels: Integers) -> None:
    """Turn the first stage's right side into the second's: b + factor x on the finest level."""
    a = x.dtype.type(factor)
    n = np.uintp((levels[0, NZ] + 2) * levels[0, NY] * levels[0, STRIDE])
    o = np.uintp(levels[0, FIRST])
    for colour in range(2):
        red, side = x[colour], b[colour]
        for j in range(n):
            side[o + j] += a * red[o + j]


@kept
def finish(field: Floats, x: Floats, out: Floats, levels: Integers) -> None:
    """Write field + x, voxel by voxel."""
    nz, ny, m, w = levels[0, NZ], levels[0, NY], np.uintp(levels[0, HALF]), np.uintp(levels[0, STRIDE])
    nx = np.uintp(2) * m
    for z in range(nz):
        o = plane(levels, 0, z)
        for row in range(ny):
            q = np.uintp(z * ny + row) * nx
            join(x[0], x[1], o, m, np.uintp((z + row) & 1), out, q)
            for i in range(nx):
                out[q + i] = field[q + i] + out[q + i]
            o += w


@kept
def totals(field: Floats, source: Floats, loss: Floats, sums: Floats, found: Floats) -> None:
    """Write the sums of field, source, loss * field and loss, and the lowest of field, source and loss, and the highest field.

    In columns of 64 that are added last, so that the order of addition is fixed and SIMD can be used; ``sums`` (4, 64)
    and ``found`` (8,) are float64.
    """
    n, width = field.size, 64
    sums[:] = 0.0
    low_field, low_source, low_loss, high = field[0], source[0], loss[0], field[0]
    for begin in range(0, n - width + 1, width):
        o = np.uintp(begin)
        for j in range(np.uintp(width)):
            sums[0, j] += field[o + j]
            sums[1, j] += source[o + j]
            sums[2, j] += np.float64(loss[o + j]) * np.float64(field[o + j])
            sums[3, j] += loss[o + j]
    for i in range(n - n % width, n):
        sums[0, 0] += field[i]
        sums[1, 0] += source[i]
        sums[2, 0] += np.float64(loss[i]) * np.float64(field[i])
        sums[3, 0] += loss[i]
    for i in range(n):
        low_field = min(low_field, field[i])
        high = max(high, field[i])
        low_source = min(low_source, source[i])
        low_loss = min(low_loss, loss[i])
    for k in range(4):
        found[k] = 0.0
        for j in range(width):
            found[k] += sums[k, j]
    found[4], found[5], found[6], found[7] = low_field, low_source, low_loss, high


@kept
def close(field: Floats, out: Floats, factor: float) -> None:
    """Write factor times the field, computed in float64 and rounded once, and nought where it is negative."""
    for i in range(field.size):
        value = factor * np.float64(field[i])
        out[i] = value if value > 0.0 else 0.0
