"""Smoothing of fields over voxels with the same weights along every axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.draws import inlined
from collagensim.kernels.numbers import flat, kernel
from collagensim.kernels.packs import element, fill, load, put, store, width
from collagensim.kernels.places import mirrored, wrapped

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

__all__ = ["leave_out", "sight", "smooth_across", "smooth_down", "smooth_rows"]


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


@kernel
def weigh_all(
    weights: Any, reach: int, row: Any, first: int, apart: int, out: Any, begin: int, n: int
) -> None:  # fmt: skip
    """Write n sums of a row's elements, from ``first`` on, and of those up to ``reach`` times ``apart`` beside them.

    Each is w[0] c[i] + w[1] (c[i - apart] + c[i + apart]) + ..., added in that order, without a way to memory between.
    """
    whole = n - n % width(out)
    for i in range(0, whole, width(out)):
        total = fill(out, weights[0]) * load(row, first + i)
        for j in range(1, reach + 1):
            beside = load(row, first + i - j * apart) + load(row, first + i + j * apart)
            total = total + fill(out, weights[j]) * beside
        store(out, begin + i, total)
    for i in range(whole, n):
        one = weights[0] * element(row, first + i)
        for j in range(1, reach + 1):
            one += weights[j] * (element(row, first + i - j * apart) + element(row, first + i + j * apart))
        put(out, begin + i, one)


@inlined
def smooth_rows(source: Floats, weights: Floats, padded: Floats, out: Floats) -> None:
    """Smooth along x, around the sides; (nz, ny, nx), ``padded`` (nx + 2 reach,) is scratch."""
    nz, ny, nx = out.shape
    reach = weights.size - 1
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                padded[reach + x] = source[z, y, x]
            for x in range(reach):
                padded[reach - 1 - x] = source[z, y, wrapped(-1 - x, nx)]
                padded[reach + nx + x] = source[z, y, wrapped(nx + x, nx)]
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
def smooth_down(source: Floats, weights: Floats, out: Floats) -> None:
    """Smooth along z, with what lies beyond top and bottom their mirror image; (nz, ny, nx)."""
    nz, ny, nx = out.shape
    reach, plane = weights.size - 1, ny * nx
    for z in range(nz):
        if reach <= z < nz - reach:
            weigh_all(flat(weights), reach, flat(source), z * plane, plane, flat(out), z * plane, plane)
            continue
        for y in range(ny):
            weigh(weights[0], source[z, y], out[z, y])
            for j in range(1, weights.size):
                weigh_both(
                    weights[j], source[mirrored(z - j, nz), y], source[mirrored(z + j, nz), y], out[z, y]
                )


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
def leave_out(source: Floats, weights: Floats, out: Floats) -> None:
    """Take from what is smoothed along all axes each voxel's own share, and weigh the others more; (nz, ny, nx)."""
    nz, ny, nx = out.shape
    beside = own_share(weights, nx)
    if ny > 1:
        beside *= own_share(weights, ny)
    for z in range(nz):
        own = beside * own_share_down(weights, z, nz)
        if own >= 1.0 - 1e-12:
            continue
        more = 1.0 / (1.0 - own)
        for y in range(ny):
            for x in range(nx):
                # Where nobody else is felt, rounding may leave a little less than nobody.
                out[z, y, x] = max(more * (out[z, y, x] - own * source[z, y, x]), 0.0)
