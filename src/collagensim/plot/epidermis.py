"""The epidermis of a drawn section: ridges, rows of cells and horny layer, open where the model's cover is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collagensim.plot.outlines import Shapes, between, flat, marks, ovals, ribbons, shade
from collagensim.plot.stains import CLOTTED_FIBRIN, Stain
from collagensim.response import Biopsy
from collagensim.response.basal import opened

Array = NDArray[Any]

STREAM = 1000
STEP_UM = 4.0
RIDGE_UM, RIDGE_EVERY_UM = (
    13.0,
    105.0,
)  # how far ridges swing about the mean border, and how far apart they are
CORNEUM_SHARE, CORNEUM_UM = 0.2, 12.0  # of the whole thickness, at most so thick
ROW_UM, CELL_UM = 8.5, 8.0  # keratinocytes
TONGUE_UM = 60.0  # over which an edge of epidermis thins out; what has crept in since thins out all along
LEADER_UM, LEADER_HIGH_UM = 17.0, 5.0  # cells that creep, flat
CRUST_UM = 22.0
CLOSED = 0.99  # share of a column under epidermis from which on it is drawn closed
CLOTTED = 0.2  # mg/mL of provisional matrix in the topmost voxel above which an opening holds a crust


@dataclass(frozen=True, eq=False)
class Surface:
    """Borders of the epidermis along x [um]: its underside, its top, and the part of it that is there (0 to 1).

    ``gaps`` are the stretches where it stands open, ``wounds`` what was opened around each of them.
    """

    x: Array
    under: Array
    top: Array
    there: Array
    gaps: tuple[tuple[float, float], ...]
    wounds: tuple[tuple[float, float], ...]

    def skin(self) -> Array:
        """Height of whatever is outermost."""
        found: Array = np.where(self.there > 0.0, self.top, self.under)
        return found


def surface(biopsy: Biopsy) -> Surface:
    """Borders of the epidermis: its mean thickness is the model's; the mean of its underside lies at depth 0."""
    wide, n = biopsy.size_um[1], biopsy.fields.sizes["x"]
    x = np.arange(-STEP_UM, wide + 1.5 * STEP_UM, STEP_UM)
    centre = biopsy.fields["x"].values
    thick = np.interp(x, centre, _of_surface(biopsy, "epidermal_thickness", 0.0, n))
    gaps = openings(cover_of(biopsy), biopsy.voxel_um)
    wounds = tuple(_wound(biopsy, gap) for gap in gaps)
    ridges = _waves(x, biopsy.seed, RIDGE_EVERY_UM)
    under = np.minimum(RIDGE_UM, 0.25 * thick) * ridges
    top = (
        -thick
        + 0.12 * under
        + np.minimum(2.5, 0.05 * thick) * _waves(x, biopsy.seed + 1, 4.0 * RIDGE_EVERY_UM)
    )
    there = np.ones(x.size)
    for (left, right), (start, end) in zip(gaps, wounds, strict=True):
        before, behind = (left - x) / (left - start + TONGUE_UM), (x - right) / (end - right + TONGUE_UM)
        away = np.clip(np.maximum(before, behind), 0.0, 1.0)
        there = np.minimum(there, away**0.6)
        under = under * away
    top = under + (top - under) * there
    return Surface(x, under, top, there, gaps, wounds)


def openings(cover: Array, voxel_um: float) -> tuple[tuple[float, float], ...]:
    """Where the epidermis stands open, (left, right) [um].

    Columns in a row that are not all covered share one opening, as wide as what is not covered and in the middle of it:
    epidermis grows in from the sides. Without a rim there are no sides: see `has_rim`.
    """
    if not has_rim(cover):
        wide = voxel_um * cover.size  # the opening goes on beside the section
        return ((-wide, 2.0 * wide),) if cover.mean() < 0.5 else ()
    partly = np.concatenate([[0], (cover < CLOSED).astype(int), [0]])
    starts, ends = np.flatnonzero(np.diff(partly) == 1), np.flatnonzero(np.diff(partly) == -1)
    found = []
    for start, end in zip(starts, ends, strict=True):
        bare = 1.0 - cover[start:end]
        half = 0.5 * voxel_um * float(bare.sum())
        middle = voxel_um * float(np.average(np.arange(start, end) + 0.5, weights=bare))
        found.append((middle - half, middle + half))
    return tuple(found)


def has_rim(cover: Array) -> bool:
    """Whether some column is closed, so that openings end within the section.

    The section of a reference punch lies inside its hole: a share of every column is covered, which tells how far the
    whole wound is closed and not where. Then all of the surface is drawn as most of it is.
    """
    return bool(np.any(cover >= CLOSED))


def cover_of(biopsy: Biopsy) -> Array:
    """Share (nx,) of each column that is under epidermis; all where the model has no cover."""
    return _of_surface(biopsy, "epidermal_cover", 1.0, biopsy.fields.sizes["x"])


def _wound(biopsy: Biopsy, gap: tuple[float, float]) -> tuple[float, float]:
    return gap if biopsy.basal_cells is None else opened(biopsy.basal_cells, *gap, biopsy.size_um[1])


def epidermis(biopsy: Biopsy, stain: Stain, border: Surface) -> list[Shapes]:
    """Living cells in rows, their nuclei, the horny layer above them, and crusts in openings."""
    body = _between_lines(border.x, border.top, border.under, border.there > 0.0, stain.epidermis)
    return [
        *body,
        *_keratinocytes(biopsy, stain, border),
        *_leaders(biopsy, stain),
        *_corneum(biopsy, stain, border),
        *_crusts(biopsy, stain, border),
    ]


def air(border: Surface, high: float, stain: Stain) -> list[Shapes]:
    """What hides the drawn dermis above the skin."""
    return _between_lines(
        border.x, np.full(border.x.size, high), border.skin(), np.ones(border.x.size, dtype=bool), stain.air
    )


def _of_surface(biopsy: Biopsy, name: str, missing: float, n: int) -> Array:
    return (
        np.asarray(biopsy.fields[name].values, dtype=float) if name in biopsy.fields else np.full(n, missing)
    )


def _waves(x: Array, seed: int, every: float) -> Array:
    """An uneven wave of mean 0 along x, between about -1 and 1."""
    u = marks(seed, STREAM, 6, 2)
    lengths = every * np.array([0.62, 0.8, 1.0, 1.27, 1.7, 2.6])
    parts = np.sin(2.0 * np.pi * (x[:, None] / lengths + u[0])) * np.array([0.45, 0.7, 0.9, 0.6, 0.4, 0.3])
    wave = parts.sum(axis=1)
    found: Array = (wave - wave.mean()) / 1.6
    return found


def _between_lines(
    x: Array, top: Array, under: Array, there: Array, colour: str, of: str = ""
) -> list[Shapes]:
    """The area between two lines: one outline for each stretch of it that is there."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(int)))
    found = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        part = slice(max(start - 1, 0), end + 1)
        there_and_back = np.concatenate([x[part], x[part][::-1]])
        line = np.column_stack([there_and_back, np.concatenate([top[part], under[part][::-1]])])
        found.append(Shapes(line[None], flat(colour, 1), of))
    return found


def _corneum_thickness(border: Surface) -> Array:
    thick: Array = np.minimum(CORNEUM_UM, CORNEUM_SHARE * (border.under - border.top))
    return thick


def _keratinocytes(biopsy: Biopsy, stain: Stain, border: Surface) -> list[Shapes]:
    living = border.under - border.top - _corneum_thickness(border)
    n_rows = max(round(float(np.median(living)) / ROW_UM), 1)
    n_along = int(biopsy.size_um[1] / CELL_UM)
    u = marks(biopsy.seed, STREAM + 1, n_rows * n_along, 6)
    row = np.repeat(np.arange(n_rows), n_along)
    x = (np.tile(np.arange(n_along), n_rows) + 0.5 * (row % 2) + 0.3 * u[0]) * CELL_UM
    height = np.interp(x, border.x, living) / n_rows
    z = np.interp(x, border.x, border.under) - (row + 0.5 + 0.15 * (u[1] - 0.5)) * height
    rise = row / max(n_rows - 1, 1)  # 0 at the base, 1 below the horny layer
    slope = np.interp(x, border.x, np.arctan(np.gradient(border.under, border.x))) * (1.0 - rise)
    kept = height > 2.5  # no room for a cell at the rim of an opening
    rim = ovals(x, z, slope, 1.02 * CELL_UM * (1.0 + 0.25 * rise), 1.05 * height, m=8)
    core = ovals(x, z, slope, (CELL_UM * (1.0 + 0.25 * rise)) - 1.3, height - 1.2, m=8)
    tone = shade(stain.epidermis, stain.keratinocyte, 0.45 * u[2])
    with_nucleus = kept & ~((row == n_rows - 1) & (u[3] < 0.4))
    # upright at the base, round above it, flat below the horny layer
    long = between(3.6, 6.4, rise) * between(0.9, 1.1, u[4])
    short = np.minimum(between(5.6, 2.4, rise) * between(0.9, 1.1, u[5]), 0.75 * height)
    nuclei = ovals(x, z, slope, long, short, m=9)[with_nucleus]
    dark = shade(stain.nucleus, stain.epidermis, 0.05 + 0.35 * rise[with_nucleus])
    return [
        Shapes(rim[kept], flat(stain.keratinocyte, int(kept.sum()))), Shapes(core[kept], tone[kept]),
        Shapes(nuclei, dark),
    ]  # fmt: skip


def _leaders(biopsy: Biopsy, stain: Stain) -> list[Shapes]:
    """Flat cells that creep on at the tip of each tongue, where they are."""
    if biopsy.basal_cells is None or not biopsy.basal_cells["leading"].any():
        return []
    x = biopsy.basal_cells["x"].to_numpy()[biopsy.basal_cells["leading"].to_numpy()]
    one, level = np.ones(x.size), np.full(x.size, -0.5 * LEADER_HIGH_UM)
    bodies = ovals(x, level, 0.0 * one, LEADER_UM * one, LEADER_HIGH_UM * one, m=10)
    nuclei = ovals(x, level, 0.0 * one, 0.45 * LEADER_UM * one, 0.5 * LEADER_HIGH_UM * one, m=9)
    return [Shapes(bodies, flat(stain.keratinocyte, x.size)), Shapes(nuclei, flat(stain.nucleus, x.size))]


def _corneum(biopsy: Biopsy, stain: Stain, border: Surface) -> list[Shapes]:
    thick = _corneum_thickness(border)
    layer = _between_lines(border.x, border.top, border.top + thick, border.there > 0.5, stain.corneum)
    n = int(biopsy.size_um[1] / 9.0)
    u = marks(biopsy.seed, STREAM + 2, n, 5)
    x, level = u[0] * biopsy.size_um[1], u[1]
    kept = np.interp(x, border.x, border.there) > 0.9
    # clefts of its basket weave, and a few lamellae about to be shed
    z = np.interp(x, border.x, border.top) + level * np.interp(x, border.x, thick)
    slope = np.interp(x, border.x, np.arctan(np.gradient(border.top, border.x)))
    clefts = ribbons(
        x, z, slope, between(12.0, 45.0, u[2]), between(0.7, 2.0, u[3]), wave=0.8 * u[4], phase=6.0 * u[3]
    )
    shed = (np.interp(x, border.x, border.there) == 1.0) & (u[4] < 0.12)
    lamellae = ribbons(
        x, np.interp(x, border.x, border.top) - 1.0 - 3.0 * u[3], slope + 0.06 * (u[1] - 0.5),
        between(30.0, 90.0, u[2]), np.full(n, 1.6), wave=1.5 * u[1], phase=6.0 * u[0],
    )  # fmt: skip
    return [
        *layer, Shapes(clefts[kept], flat(stain.air, int(kept.sum()))),
        Shapes(lamellae[shed], flat(stain.corneum, int(shed.sum()))),
    ]  # fmt: skip


def _crusts(biopsy: Biopsy, stain: Stain, border: Surface) -> list[Shapes]:
    if "provisional_matrix" not in biopsy.fields:
        return []
    fibrin = biopsy.fields["provisional_matrix"].values[0]
    found = []
    for (left, right), (start, end) in zip(border.gaps, border.wounds, strict=True):
        middle, half = 0.5 * (start + end), 0.5 * (end - start)
        column = int(np.clip(middle / biopsy.voxel_um, 0, fibrin.size - 1))
        if right - left < 4.0 or fibrin[column] < CLOTTED:
            continue
        x = np.linspace(middle - half - 8.0, middle + half + 8.0, max(24, int(half / 2.0)))
        dome = 1.0 - ((x - middle) / (half + 8.0)) ** 2
        # New epidermis creeps in beneath it.
        open_ = np.interp(x, border.x, border.there) <= 0.0
        bottom = np.where(open_, 4.0 * dome, np.interp(x, border.x, border.skin()))
        top = np.minimum(-CRUST_UM * dome, bottom)
        found.extend(
            _between_lines(x, top, bottom, np.ones(x.size, dtype=bool), stain.fibrin, CLOTTED_FIBRIN)
        )
    return found
