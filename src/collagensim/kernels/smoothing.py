"""Smoothing of fields over voxels with the same weights along every axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.draws import inlined
from collagensim.kernels.numbers import driver, flat
from collagensim.kernels.packs import element, fill, load, put, store, width
from collagensim.kernels.places import mirrored, wrapped

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

__all__ = ["few_around", "others_around", "sight", "smooth_across", "smooth_down", "smooth_rows"]


def sight(radius_voxels: float, n_axes: int) -> Floats:
    """Weights of `sense` for cells that feel all around them up to a radius.

    A Gaussian, as the only weight that is round and yet a product of its axes, cut at three standard deviations. It is
    as wide as the disc or ball of that radius: its second moment along an axis is radius^2 / (n_axes + 2), exactly.

    Parameters
    ----------
    radius_voxels : float
        In voxels, 0 or more; with 0 a cell senses its own voxel.
    n_axes : int
        2 in a slice, 3 in a block.

    Returns
    -------
    array (reach + 1,)
        Weight of voxels 0, 1, ... reach away along one axis; w[0] + 2 (w[1] + ... + w[reach]) = 1.
    """
    variance = radius_voxels**2 / (n_axes + 2)
    squares = np.arange(np.ceil(3.0 * np.sqrt(variance)) + 1.0) ** 2

    def weights(decay: float) -> Floats:
        bell: Floats = decay**squares
        bell /= bell[0] + 2.0 * bell[1:].sum()
        return bell

    # A sum of point weights has not quite the moment of the integral: the decay from a voxel to the next that has it
    # is found by bisection; the moment grows with it.
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2.0) < high:
        if 2.0 * squares @ weights(middle) < variance:
            low = middle
        else:
            high = middle
    return weights(low)


@inlined
def weigh(weight: float, row: Floats, out: Floats) -> None:
    """Return out = weight * row."""
    for x in range(out.size):
        out[x] = weight * row[x]


@inlined
def weigh_both(weight: float, left: Floats, right: Floats, out: Floats) -> None:
    """Add weight * (left + right) to out."""
    for x in range(out.size):
        out[x] += weight * (left[x] + right[x])


@driver
def weigh_all(
    weights: Any, reach: int, row: Any, first: int, apart: int, out: Any, begin: int, n: int
) -> None:  # fmt: skip
    """Write n sums of a row's elements, from ``first`` on, and of those up to ``reach`` times ``apart`` beside them.

    Each is w[0] c[i] + w[1] (c[i - apart] + c[i + apart]) + ..., added in that order, without a way to memory between.
    """
    one = width(out)
    two, three, four = 2 * one, 3 * one, 4 * one
    fours, ones = n - n % four, n - n % one
    # One sum waits for its last term before it takes the next: four of them keep the processor busy.
    for i in range(0, fours, four):
        at = first + i
        weight = fill(out, weights[0])
        a, b = weight * load(row, at), weight * load(row, at + one)
        c, d = weight * load(row, at + two), weight * load(row, at + three)
        for j in range(1, reach + 1):
            low, high, weight = at - j * apart, at + j * apart, fill(out, weights[j])
            a = a + weight * (load(row, low) + load(row, high))
            b = b + weight * (load(row, low + one) + load(row, high + one))
            c = c + weight * (load(row, low + two) + load(row, high + two))
            d = d + weight * (load(row, low + three) + load(row, high + three))
        store(out, begin + i, a)
        store(out, begin + i + one, b)
        store(out, begin + i + two, c)
        store(out, begin + i + three, d)
    for i in range(fours, ones, one):
        at = first + i
        total = fill(out, weights[0]) * load(row, at)
        for j in range(1, reach + 1):
            total = total + fill(out, weights[j]) * (load(row, at - j * apart) + load(row, at + j * apart))
        store(out, begin + i, total)
    for i in range(ones, n):
        at = first + i
        rest = weights[0] * element(row, at)
        for j in range(1, reach + 1):
            rest += weights[j] * (element(row, at - j * apart) + element(row, at + j * apart))
        put(out, begin + i, rest)


@inlined
def smooth_rows(source: Floats, weights: Floats, padded: Floats, out: Floats) -> None:
    """Smooth along x, around the sides; (nz, ny, nx), ``padded`` (nx + 2 reach,) is scratch."""
    nz, ny, nx = out.shape
    reach = weights.size - 1
    for z in range(nz):
        for y in range(ny):
            row = source[z, y]
            for x in range(nx):
                padded[reach + x] = row[x]
            for x in range(reach):
                padded[reach - 1 - x] = row[wrapped(-1 - x, nx)]
                padded[reach + nx + x] = row[wrapped(nx + x, nx)]
            weigh_all(flat(weights), reach, flat(padded), reach, 1, flat(out), (z * ny + y) * nx, nx)


@inlined
def smooth_across(source: Floats, weights: Floats, out: Floats) -> None:
    """Smooth along y, around the sides; (nz, ny, nx)."""
    nz, ny, _ = out.shape
    for z in range(nz):
        for y in range(ny):
            weigh(weights[0], source[z, y], out[z, y])
            for j in range(1, weights.size):
                weigh_both(
                    weights[j], source[z, wrapped(y - j, ny)], source[z, wrapped(y + j, ny)], out[z, y]
                )


@inlined
def smooth_row_down(source: Floats, weights: Floats, z: int, out: Floats) -> None:
    """Smooth row z along z, with what lies beyond top and bottom their mirror image; (nz, ny, nx)."""
    nz, ny, nx = out.shape
    reach, plane = weights.size - 1, ny * nx
    if reach <= z < nz - reach:
        weigh_all(flat(weights), reach, flat(source), z * plane, plane, flat(out), z * plane, plane)
        return
    for y in range(ny):
        weigh(weights[0], source[z, y], out[z, y])
        for j in range(1, weights.size):
            weigh_both(weights[j], source[mirrored(z - j, nz), y], source[mirrored(z + j, nz), y], out[z, y])


@inlined
def smooth_down(source: Floats, weights: Floats, out: Floats) -> None:
    """Smooth along z, row after row."""
    for z in range(out.shape[0]):
        smooth_row_down(source, weights, z, out)


@inlined
def own_share(weights: Floats, n: int) -> float:
    """The weight of a voxel for itself along an axis of n voxels that repeats itself."""
    own = float(weights[0])
    for j in range(1, weights.size):
        if j % n == 0:
            own += 2.0 * weights[j]
    return own


@inlined
def own_share_down(weights: Floats, z: int, nz: int) -> float:
    """The weight of a voxel of row z for itself and for what mirrors at top and bottom show of it."""
    own = float(weights[0])
    for j in range(1, weights.size):
        if mirrored(z - j, nz) == z:
            own += weights[j]
        if mirrored(z + j, nz) == z:
            own += weights[j]
    return own


@inlined
def is_empty(row: Floats) -> bool:
    """Whether all elements are 0: of whole registers at a time, which a loop with a way out is not."""
    bits = np.int64(0)
    for word in row.view(np.int64):
        bits |= word
    return bool(bits == 0)


@inlined
def leave_out(source: Floats, own: float, out: Floats) -> None:
    """Take each voxel's own share of the ``source`` from what is felt in a plane (ny, nx); the others weigh more."""
    if own >= 1.0 - 1e-12:
        return
    more = 1.0 / (1.0 - own)
    for y in range(out.shape[0]):
        felt, here = out[y], source[y]
        if is_empty(felt):
            continue
        for x in range(felt.size):
            # Where nobody else is felt, rounding may leave a little less than nobody.
            felt[x] = max(more * (felt[x] - own * here[x]), 0.0)


@inlined
def others_around(smooth: Floats, source: Floats, weights: Floats, out: Floats) -> None:
    """Smooth along z what is smooth along the other axes, and take from it each voxel's own share of the ``source``.

    The others are weighed more instead; (nz, ny, nx).
    """
    nz, ny, nx = out.shape
    beside = own_share(weights, nx)
    if ny > 1:
        beside *= own_share(weights, ny)
    for z in range(nz):
        smooth_row_down(smooth, weights, z, out)
        leave_out(source[z], beside * own_share_down(weights, z, nz), out[z])


@inlined
def both_sides(weights: Floats, out: Floats) -> int:
    """Write the weights of all voxels of a row from the first to the last that is felt, and zeros up to whole packs.

    Returns how many they are; 0 where there is no room for them.
    """
    reach = weights.size - 1
    n = -(-(2 * reach + 1) // width(out)) * width(out)
    if n > out.size:
        return 0
    for j in range(n):
        out[j] = weights[abs(j - reach)] if j <= 2 * reach else 0.0
    return n


@driver
def add_packs(amount: float, weights: Any, n: int, out: Any, begin: int) -> None:
    """Add an amount, weighted, to n elements, a multiple of packs."""
    for i in range(0, n, width(out)):
        store(out, begin + i, load(out, begin + i) + fill(out, amount) * load(weights, i))


@inlined
def add_around(weights: Floats, row_weights: Floats, n: int, x: int, amount: float, out: Floats) -> None:
    """Add an amount, weighted, to the elements of a row around one of them, around the sides.

    ``row_weights`` are the ``n`` of `both_sides`.
    """
    reach = weights.size - 1
    if n > 0 and reach <= x <= out.size - n + reach:
        add_packs(amount, flat(row_weights), n, flat(out), x - reach)
        return
    for j in range(-reach, reach + 1):
        out[wrapped(x + j, out.size)] += amount * weights[abs(j)]


@inlined
def few_around(counts: Floats, per: float, weights: Floats, padded: Floats, out: Floats) -> None:
    """As `others_around` of what is smoothed along the other axes, where most voxels hold nobody; (nz, ny, nx).

    What there is in a voxel is added to all around it, voxel after voxel, instead of every voxel asking around.
    ``counts`` are divided by ``per`` before; ``padded`` is scratch, as of `smooth_rows`.
    """
    nz, ny, nx = out.shape
    reach, n = weights.size - 1, both_sides(weights, padded)
    beside = own_share(weights, nx)
    if ny > 1:
        beside *= own_share(weights, ny)
    out[:] = 0.0
    for z in range(nz):
        for y in range(ny):
            row = counts[z, y]
            if is_empty(row):
                continue
            for x in range(nx):
                if row[x] == 0.0:
                    continue
                row[x] /= per
                for i in range(-reach, reach + 1):
                    at, amount = mirrored(z + i, nz), row[x] * weights[abs(i)]
                    if ny == 1:
                        add_around(weights, padded, n, x, amount, out[at, y])
                        continue
                    for j in range(-reach, reach + 1):
                        to = out[at, wrapped(y + j, ny)]
                        add_around(weights, padded, n, x, amount * weights[abs(j)], to)
    for z in range(nz):
        leave_out(counts[z], beside * own_share_down(weights, z, nz), out[z])
