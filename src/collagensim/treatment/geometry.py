"""Channels as geometry: how wide at which depth, and what share of the skin they cover.

All lengths in mm, densities per mm2. The channels of a session differ only in how deep they reach; their reaches are
held as equally likely values, so that a mean over channels is a plain mean and sampled channels have exactly the
distribution that the averages use.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

N_REACHES = 32
_CELL_POINTS = 48


def reaches(mean_mm: float, spread: float, longest_mm: float) -> Array:
    """Return the depths that channels reach below the surface, equally likely, (N_REACHES,) [mm], rising.

    A normal distribution around ``mean_mm`` with standard deviation ``spread * mean_mm``, at the midpoints of equal
    shares of probability (so within 2.2 standard deviations), cut off at the needle's length ``longest_mm``: what the
    distribution has beyond it stops there. Every value rises with the mean and with the length, hence a longer needle
    never injures less.
    """
    return np.minimum(mean_mm * (1.0 + spread * _scores()), longest_mm)


@functools.cache
def _scores() -> Array:
    """Standard normal values at the midpoints of equal shares of probability, (N_REACHES,)."""
    normal = NormalDist()
    scores = np.array([normal.inv_cdf((k + 0.5) / N_REACHES) for k in range(N_REACHES)])
    scores.flags.writeable = False  # it is shared
    return scores


@dataclass(frozen=True, eq=False)
class Channels:
    """The channels of one session.

    ``density_per_mm2`` per pass, ``n_passes`` of it, ``layout`` "random" (Poisson) or "lattice" (square, each pass at
    its own random offset), ``reach_mm`` (n,) equally likely, a needle of ``needle_radius_mm`` with a cone of
    ``tip_length_mm`` at its end; cells die within ``crush_mm`` of the needle; after recoil the open hole has
    ``recoil`` times the needle's radius.
    """

    density_per_mm2: float
    n_passes: float
    layout: str
    reach_mm: Array
    needle_radius_mm: float
    tip_length_mm: float
    crush_mm: float
    recoil: float

    @property
    def total_per_mm2(self) -> float:
        """Channels of all passes, whatever they reach [per mm2]; those that reach nothing are none."""
        return float(self.density_per_mm2 * self.n_passes * np.mean(self.reach_mm > 0.0))

    def needle_radii(self, depth_mm: Array) -> Array:
        """Return the needle's radius at each depth for each reach, (n depths, n reaches) [mm]; 0 beyond the tip."""
        inside = self.reach_mm[None, :] - np.asarray(depth_mm)[:, None]
        radii: Array = self.needle_radius_mm * np.clip(inside / self.tip_length_mm, 0.0, 1.0)
        return radii

    def kill_radii(self, depth_mm: Array) -> Array:
        """Return the radius within which cells die, (n depths, n reaches) [mm]; 0 beyond the tip."""
        radii = self.needle_radii(depth_mm)
        return np.where(radii > 0.0, radii + self.crush_mm, 0.0)

    def hole_radii(self, depth_mm: Array) -> Array:
        """Return the radius of the open hole after recoil, (n depths, n reaches) [mm]."""
        return self.recoil * self.needle_radii(depth_mm)

    def disc_radii(self, depth_mm: Array, radius_mm: float) -> Array:
        """Return ``radius_mm`` for every reach that goes below the depth, else 0, (n depths, n reaches) [mm]."""
        return np.where(self.reach_mm[None, :] > np.asarray(depth_mm)[:, None], radius_mm, 0.0)

    def covered(self, radii_mm: Array) -> Array:
        """Return the share of the area inside at least one disc, (n depths,), for radii (n depths, n reaches)."""
        if self.layout == "random":
            return random_coverage(self.density_per_mm2 * self.n_passes, radii_mm)
        once = np.array([lattice_coverage(self.density_per_mm2, row) for row in radii_mm])
        every_pass: Array = 1.0 - (1.0 - once) ** self.n_passes
        return every_pass


def random_coverage(density_per_mm2: float, radii_mm: Array) -> Array:
    """Return the area share covered by discs at random places: 1 - exp(-n pi mean(r^2)), (n depths,)."""
    covered: Array = -np.expm1(-density_per_mm2 * np.pi * np.mean(np.asarray(radii_mm) ** 2, axis=-1))
    return covered


def lattice_coverage(density_per_mm2: float, radii_mm: Array) -> float:
    """Return the area share covered by discs on a square lattice, each with one of ``radii_mm`` (n,) at random.

    Exact while no disc reaches beyond spacing / sqrt(2): then only nearest neighbours overlap and no point is under
    three discs. Larger discs with one radius cover everything; with mixed radii (some channels stop above the depth)
    the uncovered share is averaged over points of the unit cell.
    """
    if density_per_mm2 <= 0.0:
        return 0.0
    spacing = density_per_mm2**-0.5
    largest = spacing / np.sqrt(2.0)
    radii = np.asarray(radii_mm, dtype=float)
    near = np.minimum(radii, largest)
    pairs = np.mean(overlap_area(near[:, None], near[None, :], spacing)) if near.max() > spacing / 2 else 0.0
    exact = density_per_mm2 * float(np.pi * np.mean(near**2) - 2.0 * pairs)
    if radii.max() <= largest:
        return min(exact, 1.0)
    # the larger of the two keeps the result from falling where the rule changes
    return min(max(exact, _cell_coverage(spacing, np.sort(radii))), 1.0)


def _cell_coverage(spacing: float, radii: Array) -> float:
    """Return the covered share by looking at points of a quarter of the unit cell; error about 1 / _CELL_POINTS."""
    if radii[0] == radii[-1]:
        return 1.0
    x = (np.arange(_CELL_POINTS) + 0.5) / _CELL_POINTS * spacing / 2.0
    n_beyond = int(np.ceil(radii[-1] / spacing)) + 1
    sites = np.arange(-n_beyond, n_beyond + 1) * spacing
    squared = (x[:, None] - sites[None, :]) ** 2
    uncovered = np.ones((_CELL_POINTS, _CELL_POINTS))
    for along_y in squared.T:
        for along_x in squared.T:
            distance = np.sqrt(along_y[:, None] + along_x[None, :])
            uncovered *= np.searchsorted(radii, distance) / radii.size
    return float(1.0 - uncovered.mean())


def overlap_area(a: Array, b: Array, distance: float) -> Array:
    """Return the area common to discs of radius ``a`` and ``b`` whose centres are ``distance`` apart [mm2]."""
    a, b = np.broadcast_arrays(np.asarray(a, dtype=float), np.asarray(b, dtype=float))
    small, large = np.minimum(a, b), np.maximum(a, b)
    meets = (small > 0.0) & (a + b > distance)
    within = meets & (large - small >= distance)
    lens = meets & ~within
    area = np.where(within, np.pi * small**2, 0.0)
    r, s = a[lens], b[lens]
    to_chord = (distance**2 + r**2 - s**2) / (2.0 * distance)
    from_chord = distance - to_chord
    area[lens] = (
        r**2 * np.arccos(np.clip(to_chord / r, -1.0, 1.0))
        + s**2 * np.arccos(np.clip(from_chord / s, -1.0, 1.0))
        - distance * np.sqrt(np.maximum(r**2 - to_chord**2, 0.0))
    )
    return area
