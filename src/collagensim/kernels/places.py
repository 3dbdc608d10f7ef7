"""Places in the box of tissue: voxels, what lies beyond its faces, and slopes of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.draws import inlined
from collagensim.kernels.numbers import tail

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Edges: TypeAlias = Floats | tuple[float, float, float]
    Vector: TypeAlias = tuple[float, float, float]
    Pair: TypeAlias = tuple[Any, Any]
    Four: TypeAlias = tuple[int, ...]

__all__ = [
    "around", "gradient", "index_along", "inverse", "mirrored", "nearest_image", "put_back", "reflected", "wrapped",
]  # fmt: skip


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
    return 0.0 if x >= length else x  # what lies just below 0 may be rounded up to the length


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
def beside(i: int, n: int) -> int:
    """The index of a neighbour, up to two voxels over the side of a row that repeats itself."""
    i = i + n if i < 0 else i
    i = i - n if i >= n else i
    return min(max(i, 0), n - 1)  # matters for one voxel alone, and for nothing else in the box


@inlined
def above_or_below(i: int, n: int) -> int:
    """The index of a neighbour, up to two voxels beyond the mirrors at top and bottom."""
    i = -1 - i if i < 0 else i
    i = 2 * n - 1 - i if i >= n else i
    return min(max(i, 0), n - 1)


@inlined
def mean(field: Floats, z: Pair, x: Pair, in_z: float, in_x: float) -> float:
    """Bilinear interpolation between four elements of a field, those at z[.] + x[.]."""
    low = between(in_x, field[z[0] + x[0]], field[z[0] + x[1]])
    return between(in_z, low, between(in_x, field[z[1] + x[0]], field[z[1] + x[1]]))


@inlined
def slopes(field: Floats, z: Four, x: Four, in_z: float, in_x: float) -> Pair:
    """Along z and x, the difference between the interpolated values one voxel ahead and one behind."""
    z_here, x_here = (z[1], z[2]), (x[1], x[2])
    along_z = mean(field, (z[2], z[3]), x_here, in_z, in_x) - mean(field, (z[0], z[1]), x_here, in_z, in_x)
    along_x = mean(field, z_here, (x[2], x[3]), in_z, in_x) - mean(field, z_here, (x[0], x[1]), in_z, in_x)
    return along_z, along_x


@inlined
def gradient(field: Floats, shape: Four, z: float, y: float, x: float, per_um: Vector) -> Vector:
    """The gradient of a field at a place [1/um]: central differences, interpolated linearly.

    ``field`` are flat numbers of shape (nz, ny, nx). Top and bottom mirror them; in a slice there is no slope along y.
    """
    nz, ny, nx = shape
    i, in_z = corner(z, per_um[0])
    j, in_y = corner(y, per_um[1])
    k, in_x = corner(x, per_um[2])
    area = ny * nx
    zs = (
        area * above_or_below(i - 1, nz), area * above_or_below(i, nz), area * above_or_below(i + 1, nz),
        area * above_or_below(i + 2, nz),
    )  # fmt: skip
    xs = (beside(k - 1, nx), beside(k, nx), beside(k + 1, nx), beside(k + 2, nx))
    along_y = 0.0
    along_z, along_x = slopes(tail(field, nx * beside(j, ny)), zs, xs, in_z, in_x)
    if ny > 1:
        far_z, far_x = slopes(tail(field, nx * beside(j + 1, ny)), zs, xs, in_z, in_x)
        along_z, along_x = between(in_y, along_z, far_z), between(in_y, along_x, far_x)
        ys = (beside(j - 1, ny), beside(j, ny), beside(j + 1, ny), beside(j + 2, ny))
        z_here, x_here = (zs[1], zs[2]), (xs[1], xs[2])
        near = mean(tail(field, nx * ys[2]), z_here, x_here, in_z, in_x)
        near -= mean(tail(field, nx * ys[0]), z_here, x_here, in_z, in_x)
        far = mean(tail(field, nx * ys[3]), z_here, x_here, in_z, in_x)
        far -= mean(tail(field, nx * ys[1]), z_here, x_here, in_z, in_x)
        along_y = between(in_y, near, far)
    return 0.5 * per_um[0] * along_z, 0.5 * per_um[1] * along_y, 0.5 * per_um[2] * along_x
