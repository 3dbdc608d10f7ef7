"""Places in the box of tissue: voxels, what lies beyond its faces, and slopes of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import inlined

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Edges: TypeAlias = Floats | tuple[float, float, float]
    Vector: TypeAlias = tuple[float, float, float]

__all__ = ["gradient", "index_along", "inverse", "mirrored", "nearest_image", "put_back", "wrapped"]


@inlined
def inverse(edges: Edges) -> Vector:
    """Voxels per um along each axis: products are cheaper than quotients."""
    return 1.0 / edges[0], 1.0 / edges[1], 1.0 / edges[2]


@inlined
def index_along(x: float, per_um: float, n: int) -> int:
    """The number of the voxel along one axis; a place outside belongs to the outermost one."""
    return min(max(int(x * per_um), 0), n - 1)


@inlined
def wrapped(i: int, n: int) -> int:
    """The index in 0 .. n - 1 of a row that repeats itself."""
    while i < 0:
        i += n
    while i >= n:
        i -= n
    return i


@inlined
def mirrored(i: int, n: int) -> int:
    """The index in 0 .. n - 1 of a row that is reflected at its two faces."""
    while i < 0 or i >= n:
        i = -1 - i if i < 0 else 2 * n - 1 - i
    return i


@inlined
def around(x: float, length: float) -> float:
    """The place in [0, length) of a line that repeats itself."""
    if 0.0 <= x < length:
        return x
    x -= length * np.floor(x / length)
    return x if x < length else 0.0  # what lies just below 0 may be rounded up to the length


@inlined
def reflected(z: float, length: float) -> tuple[float, float]:
    """The place in [0, length] between two mirrors, and -1 if motion is seen the other way round there, else 1."""
    if 0.0 <= z <= length:
        return z, 1.0
    z = around(z, 2.0 * length)
    return (z, 1.0) if z <= length else (2.0 * length - z, -1.0)


@inlined
def put_back(position: Floats, direction: Floats, i: int, voxel_um: Edges, nz: int, ny: int, nx: int) -> None:
    """Bring a cell that left the box to where it is inside, and turn it round if it met top or bottom."""
    position[i, 0], sign = reflected(position[i, 0], nz * voxel_um[0])
    position[i, 1] = around(position[i, 1], ny * voxel_um[1])
    position[i, 2] = around(position[i, 2], nx * voxel_um[2])
    direction[i, 0] *= sign


@inlined
def nearest_image(distance: float, length: float) -> float:
    """The shortest of the distances between two things on a line that repeats itself."""
    if distance > 0.5 * length:
        return distance - length
    if distance < -0.5 * length:
        return distance + length
    return distance


@inlined
def corner(x: float, per_um: float) -> tuple[int, float]:
    """The voxel whose centre lies at or below a place, and how far the place is on the way to the next centre."""
    steps = x * per_um - 0.5
    below = int(np.floor(steps))
    return below, steps - below


@inlined
def between(share: float, low: float, high: float) -> float:
    """Linear interpolation."""
    return low + share * (high - low)


@inlined
def flat_mean(
    field: Floats, z: tuple[int, int], y: int, x: tuple[int, int], in_z: float, in_x: float
) -> float:
    """Bilinear interpolation between four voxels of one y."""
    low = between(in_x, field[z[0], y, x[0]], field[z[0], y, x[1]])
    return between(in_z, low, between(in_x, field[z[1], y, x[0]], field[z[1], y, x[1]]))


@inlined
def mean(field: Floats, z: tuple[int, int], y: tuple[int, int], x: tuple[int, int], share: Vector) -> float:
    """Trilinear interpolation between eight voxels, or four of a slice."""
    near = flat_mean(field, z, y[0], x, share[0], share[2])
    return near if y[0] == y[1] else between(share[1], near, flat_mean(field, z, y[1], x, share[0], share[2]))


@inlined
def gradient(field: Floats, z: float, y: float, x: float, per_um: Vector) -> Vector:
    """The gradient of a field (nz, ny, nx) at a place [1/um]: central differences, interpolated linearly.

    That is the difference between the interpolated values one voxel ahead and one behind. Top and bottom mirror the
    field; in a slice there is no slope along y.
    """
    nz, ny, nx = field.shape
    i, in_z = corner(z, per_um[0])
    j, in_y = corner(y, per_um[1])
    k, in_x = corner(x, per_um[2])
    zs = (mirrored(i, nz), mirrored(i + 1, nz))
    ys = (wrapped(j, ny), wrapped(j + 1, ny))
    xs = (wrapped(k, nx), wrapped(k + 1, nx))
    share = (in_z, in_y, in_x)
    ahead = mean(field, (zs[1], mirrored(i + 2, nz)), ys, xs, share)
    along_z = 0.5 * per_um[0] * (ahead - mean(field, (mirrored(i - 1, nz), zs[0]), ys, xs, share))
    ahead = mean(field, zs, ys, (xs[1], wrapped(k + 2, nx)), share)
    along_x = 0.5 * per_um[2] * (ahead - mean(field, zs, ys, (wrapped(k - 1, nx), xs[0]), share))
    if ny == 1:
        return along_z, 0.0, along_x
    ahead = mean(field, zs, (ys[1], wrapped(j + 2, ny)), xs, share)
    along_y = 0.5 * per_um[1] * (ahead - mean(field, zs, (wrapped(j - 1, ny), ys[0]), xs, share))
    return along_z, along_y, along_x
