"""What a frame of a moving picture shows of a section: the tissue in a stain, or one field as a map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import Colormap, Normalize
from matplotlib.lines import Line2D

from collagensim.errors import plain
from collagensim.plot import look
from collagensim.plot.biopsy import (
    GLYPH,
    HIGH_UM,
    Window,
    caption,
    drawn,
    frame,
    framed,
    handles,
    label,
    outline,
    paint,
    show,
    without_rim,
)
from collagensim.plot.epidermis import air, epidermis, surface
from collagensim.plot.histology import ABOVE_UM, look_of
from collagensim.plot.stains import Stain
from collagensim.response import Biopsy

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

N_TONES = 64  # of a map: a picture of 256 colours holds them all exactly
DOTS = ("#ffffff", "#D55E00", "#000000", "#CC79A7", "#56B4E9", "#E69F00", "#009E73")


class Scale(NamedTuple):
    """The colours of a map, the values at their ends, whether values lie beyond, and what they are, with its unit."""

    tones: Colormap
    limits: Normalize
    beyond: Literal["neither", "min", "max", "both"]
    label: str


class View(Protocol):
    """One way to draw every section of a course.

    Attributes
    ----------
    title : what it shows, for the heading; says : what its colours mean, for the caption.
    part : what of it is worth a closer look [um]; None when nothing is.
    colours : those that a picture of few colours must hold exactly.
    """

    title: str
    says: str
    part: Window | None
    colours: tuple[str, ...]

    @property
    def scale(self) -> Scale | None:
        """What a bar beside the section explains; None without one."""

    def draw(self, ax: Axes, section: Biopsy, detail: Axes | None) -> None:
        """Paint a section into empty axes, and a part of it magnified where there are axes for it."""

    def key(self) -> Sequence[Artist]:
        """Handles of the legend, the same in every frame."""


def window(section: Biopsy) -> Window:
    """The whole section with some air above it [um]."""
    high, wide = section.size_um
    return 0.0, wide, -HIGH_UM, high


class Stained:
    """The sections in the colours of a stain."""

    scale = None

    def __init__(self, sections: Sequence[Biopsy], stain: Stain) -> None:
        self._stain, self._all = stain, _united(sections)
        self.part: Window | None = framed(self._all, window(self._all))
        self.title, self.says = stain.title, caption(sections, stain)
        self._drawn = {name for section in sections for name in drawn(paint(section, stain))}
        self.colours = _colours_of(stain)

    def draw(self, ax: Axes, section: Biopsy, detail: Axes | None) -> None:
        """Paint the stained section."""
        painted = paint(section, self._stain)
        show(ax, section, self._stain, painted, window(section))
        label(ax, section, self._stain, window(section))
        if detail is not None and self.part is not None:
            frame(ax, self.part, self._stain)
            show(detail, section, self._stain, painted, self.part)

    def key(self) -> Sequence[Artist]:
        """Every kind of cell and fibre that some frame shows."""
        return handles(self._all, self._stain, self._drawn)


class Mapped:
    """A field of the dermis as a map with one colour scale, below the epidermis in the colours of a stain."""

    part: Window | None = None

    def __init__(
        self, sections: Sequence[Biopsy], stain: Stain, field: str, limits: tuple[float, float] | None,
        kinds: Sequence[str],
    ) -> None:  # fmt: skip
        self._stain, self._field, self._kinds = stain, field, tuple(kinds)
        self._has_tracks = any(section.tracks for section in sections)
        unit = look.unit(str(sections[0].fields[field].attrs["units"]))
        found = _ends(section.fields[field].values for section in sections)
        low, high = limits or found
        tones = mpl.colormaps[look.MAP].resampled(N_TONES)
        self.scale = Scale(
            tones, Normalize(low, high), _beyond(found, (low, high)), f"{look.words(field)} [{unit}]"
        )
        self.title = look.words(field)
        self.says = (
            f"{look.title(look.words(field))} of each voxel of {plain(sections[0].voxel_um)} µm in a simulated "
            f"section {plain(sections[0].thickness_um)} µm thick, the same colours in every frame"
            f"{'; cells as dots where they are' if kinds else ''}; epidermis drawn.{without_rim(sections)}"
        )
        used = [
            "#{:02x}{:02x}{:02x}".format(*tones(i, bytes=True)) for i in range(N_TONES)
        ]  # as images have them
        self.colours = (*_colours_of(stain), *used, *DOTS[: len(kinds)])

    def draw(self, ax: Axes, section: Biopsy, detail: Axes | None) -> None:
        """Paint the map, the epidermis above it, and cells as dots."""
        high, wide = section.size_um
        values, edge = section.fields[self._field].values, section.voxel_um
        rows = math.ceil(ABOVE_UM / edge)  # papillae rise above the mean border, where the first row goes on
        image, border = np.pad(values, ((rows, 0), (0, 0)), mode="edge"), surface(section)
        ax.imshow(image, cmap=self.scale.tones, norm=self.scale.limits, interpolation="nearest",
                  extent=(0.0, wide, high, -rows * edge))  # fmt: skip
        for track in section.tracks:  # a pale line behind the dashes, which a dark map would hide
            ax.plot(*outline(track), color=self._stain.air, linewidth=1.6, alpha=0.55)
        painted = [*air(border, -HIGH_UM, self._stain), *epidermis(section, self._stain, border)]
        show(ax, section, self._stain, painted, window(section))
        label(ax, section, self._stain, window(section))
        for i, kind in enumerate(self._kinds):
            here = section.cells[section.cells["kind"] == kind]
            ax.plot(here["x"].to_numpy(), here["z"].to_numpy(), **_dot(i), zorder=4)

    def key(self) -> Sequence[Artist]:
        """Kinds shown as dots, and tracks."""
        found: list[Artist] = [
            Line2D([], [], **_dot(i), label=look_of(kind).name) for i, kind in enumerate(self._kinds)
        ]
        if self._has_tracks:
            found.append(Line2D([], [], color=GLYPH, linewidth=0.9, linestyle="--", label="needle track"))
        return found


def _united(sections: Sequence[Biopsy]) -> Biopsy:
    """A section with every cell and track that one of the sections has."""
    tracks = tuple(track for section in sections for track in section.tracks)
    return replace(sections[0], cells=pd.concat([section.cells for section in sections]), tracks=tracks)


def _colours_of(stain: Stain) -> tuple[str, ...]:
    """Every colour that a stain names."""
    found: list[str] = [colour for _, colour, _ in stain.key]
    for each in fields(stain):
        value = getattr(stain, each.name)
        found += [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, str)]
    return tuple(colour for colour in found if colour.startswith("#"))


def _ends(values: Iterable[np.ndarray]) -> tuple[float, float]:
    """Lowest and highest of all, a little apart where they are one."""
    ends = np.array([(part.min(), part.max()) for part in values])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    return (low, high) if high > low else (low, low + (abs(low) or 1.0))


def _beyond(
    found: tuple[float, float], limits: tuple[float, float]
) -> Literal["neither", "min", "max", "both"]:
    if found[0] < limits[0]:
        return "both" if found[1] > limits[1] else "min"
    return "max" if found[1] > limits[1] else "neither"


def _dot(i: int) -> dict[str, Any]:
    colour = DOTS[i % len(DOTS)]
    return {
        "linestyle": "none", "marker": look.MARKERS[i % len(look.MARKERS)], "markersize": 4.8, "color": colour,
        "markeredgecolor": "#ffffff" if colour == "#000000" else "#000000", "markeredgewidth": 0.5,
    }  # fmt: skip
