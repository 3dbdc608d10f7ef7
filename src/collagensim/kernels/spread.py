"""A step of diffusion with a loss that is the same everywhere: exact in time, by the waves of the grid.

On cubes of edge h, periodic in y and x, closed in z, the seven-point Laplacian has cosines in z and Fourier waves in y
and x for eigenvectors. While source s and loss k stand still, the field c after a time t is

    c + P r,    r = s + D laplace(c) - k c,    P = (exp(l t) - 1) / l

with l the eigenvalue of D laplace - k. Only the rate of change r is transformed: where nothing changes no bit does.

Lines are transformed as many at a time as a pack has elements, and two packs of them as one complex line: waves of the
two are told apart because those of a real line come in conjugate pairs. Cosine waves are Fourier waves of the line with
its even elements in front and its odd ones, in reverse, behind them (Makhoul 1980, doi:10.1109/TASSP.1980.1163351).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.numbers import driver, flat, kept_compact, tail
from collagensim.kernels.packs import (
    element,
    fill,
    floor_at,
    fused,
    fused_less,
    load,
    load_wide,
    put,
    store,
    turn_over,
    wide,
    width,
    wrap,
)  # fmt: skip
from collagensim.kernels.waves import transform, transform_back

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[Any]
    Wide: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]

__all__ = ["spread", "write_change"]


@driver
def place_of_row(z: int, nz: int) -> int:
    """Where a row goes: the even ones in front, the odd ones in reverse behind them."""
    half = z // 2
    return half if z % 2 == 0 else nz - 1 - half


@kept_compact
def write_change(
    field: Floats, source: Floats, loss: float, rate: float, shape: Integers, t: Floats, lanes: Wide, change: Floats,
    found: Wide,
) -> None:  # fmt: skip
    """Write source - loss field + rate times the differences to the neighbours, its rows in the order of cosine waves.

    Parameters
    ----------
    field, source, change : (nz * ny * nx,); rows of whole packs.
    loss : [1/day]; rate : D/h2 [1/day].
    shape : (nz, ny, nx).
    t, lanes : scratch of a row and four packs, and of two packs.
    found : (4,) the sums of field and source, and how far each of them falls below zero at most.
    """
    field_, source_, change_, t_, lanes_ = flat(field), flat(source), flat(change), flat(t), flat(lanes)
    nz, ny, nx = shape[0], shape[1], shape[2]
    n, first = width(t_), 3 * width(t_)
    for i in range(2 * n):
        lanes_[i] = 0.0
        put(t_, i, 0.0)
    for z in range(nz):
        up, down = -min(z, 1) * ny * nx, min(nz - 1 - z, 1) * ny * nx
        for y in range(ny):
            o, out = (z * ny + y) * nx, (place_of_row(z, nz) * ny + y) * nx
            back, front = ((y + ny - 1) % ny - y) * nx, ((y + 1) % ny - y) * nx
            for x in range(0, nx, n):
                store(t_, first + x, load(field_, o + x))
            wrap(t_, first, nx)
            change_row(
                field_, source_, t_, first, loss, rate, (o, nx, out), (up, down, back, front), lanes_, change_
            )
    for i in range(2):
        total, low = 0.0, 0.0
        for j in range(i * n, (i + 1) * n):
            total += lanes_[j]
            low = max(low, element(t_, j))
        found[i], found[2 + i] = total, low


@driver
def change_row(
    field: Floats, source: Floats, t: Floats, first: int, loss: float, rate: float, row: Any, beside: Any, lanes: Wide,
    change: Floats,
) -> None:  # fmt: skip
    """One row of `write_change`, which t repeats from ``first`` on with its own ends.

    ``row``: where it begins, its length, and where its change goes; ``beside``: how far it is to the other neighbours.
    """
    (begin, nx, out), (up, down, back, front) = row, beside
    n = width(t)
    zero, k, a = fill(t, 0.0), fill(t, loss), fill(t, rate)
    low_c, low_s = load(t, 0), load(t, n)
    sum_c, sum_s = load_wide(lanes, 0, t), load_wide(lanes, n, t)
    for x in range(0, nx, n):
        o = begin + x
        here, made = load(field, o), load(source, o)
        flow = (load(t, first + x - 1) - here) + (load(t, first + x + 1) - here)
        flow = flow + ((load(field, o + up) - here) + (load(field, o + down) - here))
        if front != 0:
            flow = flow + ((load(field, o + back) - here) + (load(field, o + front) - here))
        store(change, out + x, fused(fused_less(made, k, here), a, flow))
        sum_c, sum_s = sum_c + wide(here), sum_s + wide(made)
        low_c, low_s = floor_at(low_c, zero - here), floor_at(low_s, zero - made)
    store(t, 0, low_c)
    store(t, n, low_s)
    store(lanes, 0, sum_c)
    store(lanes, n, sum_s)


@driver
def cosine_waves(re: Floats, im: Floats, a: Floats, b: Floats, nz: int, along: Any) -> None:
    """Part the Fourier waves of two packs of lines into the cosine waves of either, in their own order."""
    halves, places = along
    n = width(re)
    store(a, 0, load(re, 0))
    store(b, 0, load(im, 0))
    for i in range(1, nz // 2 + 1):
        one, other, c, s = places[i] * n, places[nz - i] * n, element(halves, i), element(halves, nz - i)
        cosine, sine = fill(re, c), fill(re, s)
        ar, ai, br, bi = load(re, one), load(im, one), load(re, other), load(im, other)
        p, q, v, w = ar + br, ai - bi, ai + bi, br - ar
        store(a, i * n, fused(cosine * p, sine, q))
        store(b, i * n, fused(cosine * v, sine, w))
        store(a, (nz - i) * n, fused_less(sine * p, cosine, q))
        store(b, (nz - i) * n, fused_less(sine * v, cosine, w))


@driver
def fourier_waves(a: Floats, b: Floats, re: Floats, im: Floats, nz: int, along: Any) -> None:
    """Undo `cosine_waves`, but for a factor of 1/2."""
    halves, places = along
    n = width(re)
    store(re, 0, load(a, 0))
    store(im, 0, load(b, 0))
    for i in range(1, nz // 2 + 1):
        one, other, c, s = places[i] * n, places[nz - i] * n, element(halves, i), element(halves, nz - i)
        cosine, sine = fill(re, c + c), fill(re, s + s)
        first, second = load(a, i * n), load(a, (nz - i) * n)
        third, fourth = load(b, i * n), load(b, (nz - i) * n)
        ar, ai = fused(cosine * first, sine, second), fused_less(sine * first, cosine, second)
        br, bi = fused(cosine * third, sine, fourth), fused_less(sine * third, cosine, fourth)
        store(re, one, ar - bi)
        store(im, one, ai + br)
        store(re, other, ar + bi)
        store(im, other, br - ai)


@driver
def grow(re: Floats, im: Floats, ny: int, nx: int, g: int, rates: Any, beside: Any) -> None:
    """Multiply each wave of two packs of planes, which make one complex plane, by its own P."""
    down, gains, ones, across, grown = rates
    places_y, places_x = beside
    n = width(re)
    down_a, down_b = load(down, g * n), load(down, (g + 1) * n)
    gain_a, gain_b = load(gains, g * n), load(gains, (g + 1) * n)
    one_a, one_b = load(ones, g * n), load(ones, (g + 1) * n)
    half = fill(re, 0.5)
    for ky in range(ny // 2 + 1):
        my = (ny - ky) % ny
        for kx in range(nx // 2 + 1 if ky == my else nx):
            mx = (nx - kx) % nx
            one, other = (places_y[ky] * nx + places_x[kx]) * n, (places_y[my] * nx + places_x[mx]) * n
            x, y = element(grown, kx), element(grown, nx + ky)
            along, more = fill(re, element(across, kx) + element(across, nx + ky)), fill(re, x + y + x * y)
            gain = fused(gain_a, more, one_a) / (down_a + along)
            gain_other = fused(gain_b, more, one_b) / (down_b + along)
            if one == other:
                store(re, one, gain * load(re, one))
                store(im, one, gain_other * load(im, one))
            else:
                gain, gain_other = gain * half, gain_other * half
                ar, ai, br, bi = load(re, one), load(im, one), load(re, other), load(im, other)
                p, q = gain * (ar + br), gain * (ai - bi)
                v, w = gain_other * (ai + bi), gain_other * (br - ar)
                store(re, one, p - w)
                store(im, one, q + v)
                store(re, other, p + w)
                store(im, other, v - q)


@driver
def grow_planes(
    waves: Floats, shape: Integers, total: float, turns: Any, rates: Any, places: Any, t: Floats
) -> None:
    """Let the planes (n_packs, ny, nx) of cosine waves, packs, become what they add to the field."""
    nz, ny, nx = shape[0], shape[1], shape[2]
    n = width(waves)
    for g in range(0, nz // n, 2):
        re, im = tail(waves, g * ny * nx * n), tail(waves, (g + 1) * ny * nx * n)
        if ny > 1:
            for x in range(nx):
                transform(re, im, x * n, nx * n, ny, turns[1], t)
        for y in range(ny):
            transform(re, im, y * nx * n, n, nx, turns[2], t)
        if g == 0:
            # What all voxels gain together is known better than a sum of rounded numbers.
            put(waves, 0, total)
        grow(re, im, ny, nx, g, rates, places)
        for y in range(ny):
            transform_back(re, im, y * nx * n, n, nx, turns[2], t)
        if ny > 1:
            for x in range(nx):
                transform_back(re, im, x * n, nx * n, ny, turns[1], t)


@kept_compact
def spread(
    field: Floats, change: Floats, shape: Integers, total: float, along_z: Any, along_y: Any, along_x: Any,
    rates: Any, halves: Floats, panels: Floats, waves: Floats, out: Floats,
) -> None:  # fmt: skip
    """Write what the field becomes, and nought where rounding leaves less.

    Parameters
    ----------
    field, change : as of `write_change`; nz and ny nx are multiples of a pack.
    shape : (nz, ny, nx).
    total : the sum of ``change``.
    along_z, along_y, along_x : turns and table of steps as of `collagensim.kernels.waves.turns_of`, and its order.
    rates : the eigenvalues of the waves in z, with the loss, and filled up to twice whole packs; of their growth
        exp(l t) - 1 and of exp(l t) the share of one voxel; then eigenvalues and growth of those in x, and in y.
    halves : (nz,) the cosines of a quarter turn's parts, halved.
    panels, waves : scratch of 4 nz packs and as many as the largest odd factor needs, and of an even number of planes.
    out : as ``field``, written; it may be the field.
    """
    field_, change_, out_, waves_, panel = flat(field), flat(change), flat(out), flat(waves), flat(panels)
    nz, columns, n = shape[0], shape[1] * shape[2], width(panel)
    re, im, a, b = panel, tail(panel, nz * n), tail(panel, 2 * nz * n), tail(panel, 3 * nz * n)
    t = tail(panel, 4 * nz * n)
    turns = (unpacked(along_z), unpacked(along_y), unpacked(along_x))
    along = (flat(halves), flat(along_z[2]))
    for j in range(0, columns, 2 * n):
        paired = j + n < columns
        for z in range(nz):
            store(re, z * n, load(change_, z * columns + j))
            store(im, z * n, load(change_, z * columns + j + n) if paired else fill(t, 0.0))
        transform(re, im, 0, n, nz, turns[0], t)
        cosine_waves(re, im, a, b, nz, along)
        for g in range(nz // n):
            turn_over(a, g * n * n, n, waves_, (g * columns + j) * n, n)
            if paired:
                turn_over(b, g * n * n, n, waves_, (g * columns + j + n) * n, n)
    given = (flat(rates[0]), flat(rates[1]), flat(rates[2]), flat(rates[3]), flat(rates[4]))
    grow_planes(waves_, shape, total, turns, given, (flat(along_y[2]), flat(along_x[2])), t)
    for j in range(0, columns, 2 * n):
        paired = j + n < columns
        for g in range(nz // n):
            turn_over(waves_, (g * columns + j) * n, n, a, g * n * n, n)
            if paired:
                turn_over(waves_, (g * columns + j + n) * n, n, b, g * n * n, n)
        fourier_waves(a, b, re, im, nz, along)
        transform_back(re, im, 0, n, nz, turns[0], t)
        for z in range(nz):
            at, o = place_of_row(z, nz) * n, z * columns + j
            store(out_, o, floor_at(load(field_, o) + load(re, at), fill(t, 0.0)))
            if paired:
                store(out_, o + n, floor_at(load(field_, o + n) + load(im, at), fill(t, 0.0)))


@driver
def unpacked(along: Any) -> Any:
    """Cosines, sines, table of steps and how many there are."""
    return flat(along[0][0]), flat(along[0][1]), flat(along[1]), along[1].shape[0]
