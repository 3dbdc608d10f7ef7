"""The same injury on a grid, from channels that are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collagensim.errors import InputError, in_range, shown
from collagensim.treatment.geometry import Channels

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class InjuryField:
    """Channels drawn in a piece of skin, and what they do at the centre of each voxel.

    Attributes
    ----------
    killed : numpy.ndarray of bool
        Cells are killed there; (z, y, x) or (z, x).
    struck : numpy.ndarray of bool
        The needle itself passes there, so that a capillary would be cut; same shape.
    opened : numpy.ndarray of bool
        The surface stands open there after recoil; (y, x) or (x,).
    channels_um : numpy.ndarray
        (n, 3): y, x of each channel and the depth that it reaches [um].
    openings_um : numpy.ndarray
        (n, 3): y, x and radius of the hole in the surface that each leaves open [um].
    """

    killed: Mask
    struck: Mask
    opened: Mask
    channels_um: Array
    openings_um: Array


def sample_field(
    channels: Channels | None,
    shape: tuple[int, ...],
    voxel_um: float | tuple[float, ...],
    *,
    zone_radius_mm: float,
    bottom_mm: float,
    seed: int,
    top_um: float,
    periodic: bool,
) -> InjuryField:
    """Return channels drawn with ``seed`` in a piece of skin; ``Injury.field`` is the friendly way here."""
    n_voxels, edge = _grid(shape, voxel_um)
    z, y, x = ((np.arange(n) + 0.5) * h / 1000.0 for n, h in zip(n_voxels, edge, strict=True))
    z = z + in_range("top_um", top_um, 0, 10000, "um") / 1000.0
    start = _seed(seed)
    if channels is None:
        whole = np.broadcast_to((z <= bottom_mm)[:, None, None], n_voxels).copy()
        surface = np.ones(n_voxels[1:], dtype=bool)
        return _squeezed(whole, whole.copy(), surface, np.empty((0, 3)), np.empty((0, 3)), len(shape))
    extent = np.array([n_voxels[1] * edge[1], n_voxels[2] * edge[2]]) / 1000.0
    margin = 0.0 if periodic else channels.needle_radius_mm + channels.crush_mm
    if periodic and extent.min() < 2.0 * zone_radius_mm:
        raise InputError(
            f"a periodic grid of {1000 * extent.min():g} um is narrower than a zone: "
            f"give at least {2000 * zone_radius_mm:g} um in y and x"
        )
    drawn = _draw(channels, extent, margin, np.random.Generator(np.random.Philox(start)))
    killed, struck = np.zeros(n_voxels, dtype=bool), np.zeros(n_voxels, dtype=bool)
    opened = np.zeros(n_voxels[1:], dtype=bool)
    for centre_y, centre_x, reach in drawn:
        _carve(
            channels,
            (z, y, x),
            (centre_y, centre_x, reach),
            extent if periodic else None,
            killed,
            struck,
            opened,
        )
    openings = np.column_stack([drawn[:, :2], _surface_radius(channels, drawn[:, 2])])
    return _squeezed(killed, struck, opened, 1000.0 * drawn, 1000.0 * openings, len(shape))


def _seed(given: object) -> int:
    if not isinstance(given, int | np.integer) or isinstance(given, bool | np.timedelta64) or given < 0:
        raise InputError(f"seed {shown(given)} is not a whole number from 0 upwards")
    return int(given)


def _grid(shape: tuple[int, ...], voxel_um: float | tuple[float, ...]) -> tuple[tuple[int, int, int], Array]:
    if len(shape) not in (2, 3) or any(int(n) < 1 for n in shape):
        raise InputError(f"shape {shape!r} is not (z, y, x) or (z, x) in whole voxels")
    edge = np.broadcast_to(np.asarray(voxel_um, dtype=float), (len(shape),))
    if not np.all(np.isfinite(edge)) or np.any(edge <= 0.0):
        raise InputError(f"voxel_um {voxel_um!r} is not a positive length in um")
    sizes = [int(n) for n in shape]
    if len(sizes) == 2:
        return (sizes[0], 1, sizes[1]), np.array([edge[0], edge[1], edge[1]])
    return (sizes[0], sizes[1], sizes[2]), edge


def _draw(channels: Channels, extent: Array, margin: float, rng: np.random.Generator) -> Array:
    """Return drawn channels, (n, 3): y, x, reach [mm], in the piece of skin and a margin around it."""
    low, size = -margin, extent + 2.0 * margin
    if channels.layout == "random":
        n = rng.poisson(channels.density_per_mm2 * channels.n_passes * size.prod())
        places = low + rng.random((n, 2)) * size
    else:
        spacing = _spacings(channels, extent if margin == 0.0 else None)
        passes = [_lattice(spacing, low, size, rng) for _ in range(_whole_passes(channels))]
        places = np.concatenate([np.empty((0, 2)), *passes])
    reach = rng.choice(channels.reach_mm, size=len(places))
    drawn = np.column_stack([places, reach])
    return drawn[drawn[:, 2] > 0.0]


def _whole_passes(channels: Channels) -> int:
    if channels.n_passes != int(channels.n_passes):
        raise InputError(
            f"{channels.n_passes:g} passes of a lattice cannot be drawn: give a whole number of passes"
        )
    return int(channels.n_passes)


def _spacings(channels: Channels, period: Array | None) -> Array:
    """Return the distance of lattice sites along y and x [mm], (2,), fitted to the period when there is one."""
    if channels.density_per_mm2 <= 0.0:
        return np.full(2, np.inf)
    spacing = channels.density_per_mm2**-0.5
    if period is None:
        return np.full(2, spacing)
    fitted: Array = period / np.maximum(np.round(period / spacing), 1.0)
    if np.any(np.abs(fitted / spacing - 1.0) > 0.01):
        raise InputError(
            f"a periodic grid of {1000 * period[0]:g} x {1000 * period[1]:g} um does not fit a lattice of "
            f"{1000 * spacing:.1f} um: give multiples of that to 1 %"
        )
    return fitted


def _lattice(spacing: Array, low: float, size: Array, rng: np.random.Generator) -> Array:
    """Return the sites of one lattice at a random offset, (n, 2): y, x [mm]."""
    if not np.all(np.isfinite(spacing)):
        return np.empty((0, 2))
    # half a millionth of a spacing keeps rounding from adding a site on the far edge of a periodic grid
    axes = [
        low + np.arange(rng.random() * h, length - 5e-7 * h, h)
        for h, length in zip(spacing, size, strict=True)
    ]
    grid = np.meshgrid(*axes, indexing="ij")
    return np.column_stack([axis.ravel() for axis in grid])


def _carve(
    channels: Channels,
    axes: tuple[Array, Array, Array],
    channel: tuple[float, float, float],
    period: Array | None,
    killed: Mask,
    struck: Mask,
    opened: Mask,
) -> None:
    """Mark the voxels of one channel in ``killed``, ``struck`` and ``opened``."""
    z, y, x = axes
    centre_y, centre_x, reach = channel
    from_y, from_x = y - centre_y, x - centre_x
    if period is not None:
        from_y -= period[0] * np.round(from_y / period[0])
        from_x -= period[1] * np.round(from_x / period[1])
    widest = channels.needle_radius_mm + channels.crush_mm
    rows, columns = np.flatnonzero(np.abs(from_y) <= widest), np.flatnonzero(np.abs(from_x) <= widest)
    planes = np.flatnonzero(z < reach)
    if not (rows.size and columns.size):
        return
    squared = from_y[rows, None] ** 2 + from_x[None, columns] ** 2
    inside = np.clip((reach - z[planes]) / channels.tip_length_mm, 0.0, 1.0)
    needle = channels.needle_radius_mm * inside[:, None, None]
    where = np.ix_(planes, rows, columns)
    killed[where] |= squared <= (needle + channels.crush_mm) ** 2
    struck[where] |= squared <= needle**2
    opened[np.ix_(rows, columns)] |= squared <= _surface_radius(channels, reach) ** 2


def _surface_radius(channels: Channels, reach: Array | float) -> Array:
    """Return the radius of the holes that stand open in the surface after recoil [mm]."""
    return np.asarray(
        channels.recoil * channels.needle_radius_mm * np.minimum(reach / channels.tip_length_mm, 1.0)
    )


def _squeezed(
    killed: Mask, struck: Mask, opened: Mask, drawn: Array, openings: Array, n_axes: int
) -> InjuryField:
    if n_axes == 2:
        return InjuryField(killed[:, 0], struck[:, 0], opened[0], drawn, openings)
    return InjuryField(killed, struck, opened, drawn, openings)
