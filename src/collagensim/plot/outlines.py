"""Closed outlines that a drawn section is made of, and the numbers that vary them, which a seed fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

N_ALONG = 10  # points along each side of a ribbon


@dataclass(frozen=True, eq=False)
class Shapes:
    """Outlines (n, m, 2) as x, z [um] with a colour (n, 3) each, in the order in which they are painted.

    ``of`` is what they are, for a key; empty for what a key does not name.
    """

    outlines: Array
    colours: Array
    of: str = ""

    def within(self, left: float, right: float, top: float, bottom: float) -> Shapes:
        """Those that reach into a window [um]."""
        low, high = self.outlines.min(axis=1), self.outlines.max(axis=1)
        meets = (high[:, 0] > left) & (low[:, 0] < right) & (high[:, 1] > top) & (low[:, 1] < bottom)
        return Shapes(self.outlines[meets], self.colours[meets], self.of)


def marks(seed: int, stream: int, n: int, each: int) -> Array:
    """Uniform numbers (each, n) of a seed, other ones in every stream."""
    return np.random.Generator(np.random.Philox(key=[seed, stream])).random((n, each)).T


def marks_of(identity: Array, stream: int) -> Array:
    """One uniform number (n,) for each cell, the same on every day that it lives (mixed as in SplitMix64)."""
    with np.errstate(over="ignore"):
        bits = np.asarray(identity, dtype=np.uint64) + np.uint64(stream + 1) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Array = ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)).astype(float) * 2.0**-53
    return found


def between(low: ArrayLike, high: ArrayLike, share: Array) -> Array:
    """The value at a share of the way from low to high."""
    start, end = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    found: Array = start + (end - start) * share
    return found


def shade(light: str, dark: str, tone: Array) -> Array:
    """Colours (n, 3) between two, by tones (n,) from 0 to 1."""
    return between(np.array(to_rgb(light)), np.array(to_rgb(dark)), np.clip(tone, 0.0, 1.0)[:, None])


def flat(colour: str, n: int) -> Array:
    """One colour for all, (n, 3)."""
    return np.tile(np.array(to_rgb(colour)), (n, 1))


def scores(first: Array, second: Array) -> Array:
    """Normal numbers of mean 0 and variance 1 from pairs of uniform ones (Box and Muller)."""
    found: Array = np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second)
    return found


def drift(x: Array, z: Array, seed: int, length_um: float) -> Array:
    """A smooth normal field of mean 0 and variance 1 at places [um], alike within about ``length_um``."""
    u = marks(seed, 2000, 48, 5)
    waves = scores(u[0:2], u[2:4]) / length_um
    phases = waves[0] * x[:, None] + waves[1] * z[:, None] + 2.0 * np.pi * u[4]
    found: Array = np.sqrt(2.0 / 48) * np.cos(phases).sum(axis=1)
    return found


def angle_of(order: Array, score: Array) -> Array:
    """Angles [rad] to the surface of fibres of a given order, from normal numbers.

    Normal around the surface with the standard deviation s of which the order is the mean of cos 2a: exp(-2 s^2).
    """
    found: Array = np.sqrt(-0.5 * np.log(np.clip(order, 1e-3, 1.0))) * score
    return found


def ribbons(
    x: Array, z: Array, angle: Array, length: Array, width: Array, *,
    wave: Array, phase: Array, across: tuple[float, float] = (-1.0, 1.0),
) -> Array:  # fmt: skip
    """Wavy ribbons with thin ends, (n, 2 N_ALONG, 2).

    Parameters
    ----------
    x, z, angle, length, width : array (n,)
        Middle [um], angle to the surface [rad], length and greatest width [um].
    wave, phase : array (n,)
        How far the middle line swings [um], and where in its wave it begins [rad].
    across : (float, float)
        The part of the width that is wanted, from -1 to 1: a strand of the ribbon.
    """
    along = np.linspace(-1.0, 1.0, N_ALONG)
    half = np.sqrt(1.0 - 0.98 * along**4) * (0.5 * width)[:, None]
    turns = np.maximum(length / 55.0, 0.7)[:, None]  # a swing every 55 um, as bundles of skin are crimped
    swing = wave[:, None] * np.sin(np.pi * turns * along + phase[:, None])
    run = 0.5 * length[:, None] * along
    left, right = swing + across[0] * half, swing + across[1] * half
    sides = np.concatenate([right, left[:, ::-1]], axis=1)
    runs = np.concatenate([run, run[:, ::-1]], axis=1)
    return turned(x, z, angle, runs, sides)


def ovals(
    x: Array, z: Array, angle: Array, long: Array, short: Array, *, uneven: Array | None = None, m: int = 12
) -> Array:
    """Ovals (n, m, 2) of given axes [um]; ``uneven`` (n,), 0 to 0.3, makes them beans."""
    around = np.linspace(0.0, 2.0 * np.pi, m, endpoint=False)
    bend = 0.0 if uneven is None else uneven[:, None]
    radius = 0.5 * (1.0 + bend * np.cos(2.0 * around + 7.0 * bend) - bend * np.sin(around))
    return turned(
        x, z, angle, radius * long[:, None] * np.cos(around), radius * short[:, None] * np.sin(around)
    )


def turned(x: Array, z: Array, angle: Array, along: Array, across: Array) -> Array:
    """Points (n, m) given along and across an axis, as outlines (n, m, 2)."""
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.stack([x[:, None] + c * along - s * across, z[:, None] + s * along + c * across], axis=-1)


def areas(outlines: Array) -> Array:
    """Area (...) inside each outline (..., m, 2) [um^2]."""
    x, z = outlines[..., 0], outlines[..., 1]
    crossed = x * np.roll(z, -1, axis=-1) - z * np.roll(x, -1, axis=-1)
    found: Array = 0.5 * np.abs(crossed.sum(axis=-1))
    return found
