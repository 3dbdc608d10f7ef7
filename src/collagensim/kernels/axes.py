"""Directions of fibres: the tensor of one direction, the axis of a tensor, and how far cells answer to it.

Tensors are kept as `collagensim.kernels.fibres` says, vectors as (z, y, x).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import inlined

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Indices: TypeAlias = npt.NDArray[np.int64]
    Vector: TypeAlias = tuple[float, float, float]
    Parts: TypeAlias = tuple[float, float, float, float, float]

__all__ = [
    "ACROSS", "AXIS_X", "AXIS_Y", "AXIS_Z", "BASE", "N_NOTED", "ORDER", "STEP_X", "STEP_Y", "STEP_Z", "note_axes",
    "parts_of",
]  # fmt: skip

ROOT_3 = 3.0**0.5
# What is noted of each of some cells: axis, step, and what goes into these; then what its path adds, part after part.
N_NOTED = 9
AXIS_Z, AXIS_Y, AXIS_X, STEP_Z, STEP_Y, STEP_X, ORDER, BASE, ACROSS = range(N_NOTED)


@inlined
def parts_of(z: float, y: float, x: float, n_parts: int) -> Parts:
    """The tensor of one direction, of any length but 0; the last three parts are 0 in a slice."""
    if n_parts == 2:
        per_square = 1.0 / (z * z + x * x)
        return (x * x - z * z) * per_square, 2.0 * x * z * per_square, 0.0, 0.0, 0.0
    per_square = 1.0 / (z * z + y * y + x * x)
    return (
        (x * x - 0.5 * (y * y + z * z)) * per_square,
        0.5 * ROOT_3 * (y * y - z * z) * per_square,
        ROOT_3 * x * y * per_square,
        ROOT_3 * x * z * per_square,
        ROOT_3 * y * z * per_square,
    )


@inlined
def axis_in_plane(along: float, aslant: float) -> Vector:
    """The direction of a slice's tensor (cos 2a, sin 2a times order), as long as its order."""
    order = np.sqrt(along * along + aslant * aslant)
    if order <= 0.0:
        return 0.0, 0.0, 0.0
    # The larger component by a root, the smaller one by a quotient: neither is a difference of close numbers.
    large = np.sqrt(0.5 * order * (order + abs(along)))
    small = 0.5 * order * aslant / large
    if along >= 0.0:
        return small, 0.0, large
    return large, 0.0, small


@inlined
def cross(a: Vector, b: Vector) -> Vector:
    """The vector at right angles to both."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@inlined
def longer(a: Vector, b: Vector) -> Vector:
    """The longer of two vectors, the first of two equal ones."""
    longer_b = b[0] * b[0] + b[1] * b[1] + b[2] * b[2] > a[0] * a[0] + a[1] * a[1] + a[2] * a[2]
    return b if longer_b else a


@inlined
def axis_in_space(q: Parts) -> Vector:
    """The principal direction of a block's tensor, as long as fibres are more ordered along it than along any other.

    With eigenvalues a >= b >= c of 3/2 <d d^T> - 1/2 the length is 2/3 (a - b): the order of parallel fibres that are
    scattered evenly about a direction, 0 of fibres that lie in a plane and every way in it. The eigenvalues are the
    roots of the cubic by cosines, the direction is at right angles to the rows of the matrix less a.
    """
    xx, yy, zz = q[0], -0.5 * (q[0] - ROOT_3 * q[1]), -0.5 * (q[0] + ROOT_3 * q[1])
    xy, xz, yz = 0.5 * ROOT_3 * q[2], 0.5 * ROOT_3 * q[3], 0.5 * ROOT_3 * q[4]
    size = np.sqrt((xx * xx + yy * yy + zz * zz + 2.0 * (xy * xy + xz * xz + yz * yz)) / 6.0)
    if size <= 0.0:
        return 0.0, 0.0, 0.0
    determinant = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    bend = np.arccos(min(max(0.5 * determinant / (size * size * size), -1.0), 1.0)) / 3.0
    first = 2.0 * size * np.cos(bend)
    last = 2.0 * size * np.cos(bend + 2.0 * np.pi / 3.0)
    beyond = 2.0 / 3.0 * (2.0 * first + last)  # of three that add up to nothing, the first less the second
    row_z, row_y, row_x = (zz - first, yz, xz), (yz, yy - first, xy), (xz, xy, xx - first)
    found = longer(longer(cross(row_z, row_y), cross(row_z, row_x)), cross(row_y, row_x))
    length = np.sqrt(found[0] * found[0] + found[1] * found[1] + found[2] * found[2])
    if length <= 0.0 or beyond <= 0.0:
        return 0.0, 0.0, 0.0
    share = beyond / length
    return share * found[0], share * found[1], share * found[2]


@inlined
def raise_to(base: Floats, exponent: float, n: int, out: Floats) -> None:
    """Raise n numbers to an exponent of 0 or more; by products as far as it is whole. The numbers are changed."""
    whole = int(exponent)
    for j in range(n):
        out[j] = 1.0
    if whole < exponent:
        for j in range(n):
            out[j] = np.power(base[j], exponent - whole)
    while whole > 0:
        if whole % 2 == 1:
            for j in range(n):
                out[j] *= base[j]
        for j in range(n):
            base[j] *= base[j]
        whole //= 2


@inlined
def answer(sensitivity: float, n_axes: int, n: int, noted: Floats) -> None:
    """Make the axes of n cells, each as long as its order q, as long as cells are ordered that answer to such fibres.

    Steps of cells spread as the power ``sensitivity`` of the matrix <d d^T>, which has 1 + (n - 1) q along the axis
    and 1 - q across, over n. Cells answer in proportion to weak order, so many times as strong, and are never more
    ordered than wholly.
    """
    axis_z, axis_y, axis_x = noted[AXIS_Z], noted[AXIS_Y], noted[AXIS_X]
    order, base, across = noted[ORDER], noted[BASE], noted[ACROSS]
    for j in range(n):
        order[j] = np.sqrt(axis_z[j] * axis_z[j] + axis_y[j] * axis_y[j] + axis_x[j] * axis_x[j])
        base[j] = (1.0 - min(order[j], 1.0)) / (1.0 + (n_axes - 1) * order[j])
    raise_to(base, sensitivity, n, across)
    for j in range(n):
        share = (1.0 - across[j]) / (1.0 + (n_axes - 1) * across[j]) / order[j]
        share = share if order[j] > 0.0 else 0.0
        axis_z[j] *= share
        axis_y[j] *= share
        axis_x[j] *= share


@inlined
def note_axes(
    fibres: Floats, voxel: Indices, who: Indices, n: int, sensitivity: float, noted: Floats
) -> None:
    """Note the directions of the fibres around the first n of the cells ``who``, as long as they guide."""
    axis_z, axis_y, axis_x = noted[AXIS_Z], noted[AXIS_Y], noted[AXIS_X]
    if fibres.shape[0] == 2:
        along, aslant = noted[BASE], noted[ACROSS]
        for j in range(n):
            along[j], aslant[j] = fibres[0, voxel[who[j]]], fibres[1, voxel[who[j]]]
        for j in range(n):
            axis_z[j], axis_y[j], axis_x[j] = axis_in_plane(along[j], aslant[j])
    else:
        for j in range(n):
            v = voxel[who[j]]
            parts = (fibres[0, v], fibres[1, v], fibres[2, v], fibres[3, v], fibres[4, v])
            axis_z[j], axis_y[j], axis_x[j] = axis_in_space(parts)
    if sensitivity != 1.0:
        answer(sensitivity, 2 if fibres.shape[0] == 2 else 3, n, noted)
