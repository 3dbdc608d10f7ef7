"""The page on which a moving picture is drawn: a section at a fixed place, its key, and a time line with a marker."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

from collagensim.errors import plain
from collagensim.plot import look
from collagensim.plot.biopsy import Window
from collagensim.plot.views import View, window
from collagensim.response import Biopsy, Tissue

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

# Inches.
WIDE, TALL, LEAST = 8.3, 5.2, 8.4  # the section is at most so wide and tall, the page at least so wide
PAGE, DETAIL = 10.0, 2.6  # a part is magnified where a page so wide leaves room for an edge of this,
MAGNIFIED = 1.5  # and where it is then at least so many times as large as in the section
MARGIN, NAMES, BAR, BAR_WIDE = 0.2, 1.1, 1.0, 0.16
HEADING, KEY_WIDE, KEY_HIGH, GAP = 0.45, 1.5, 0.23, 0.16
LINE_HIGH, LINE_LEFT, LINE_LABEL, LEGEND = 1.2, 0.75, 0.55, 3.7
NOTICE_HIGH, TEXT_HIGH, CHARACTERS = 0.32, 0.19, 14.0  # the last: of the caption in an inch

SECONDS = "Every frame is shown equally long."
MARKER, VEIL = "#222222", 0.62  # the veil pales what is still to come
LINES = (*look.COLOURS, "#000000", MARKER, look.GREY, "#bbbbbb", "#dddddd")
SAME_DAY = 1e-6


def veiled(colour: str) -> str:
    """A colour under the veil."""
    red, green, blue = (VEIL + (1.0 - VEIL) * part for part in to_rgb(colour))
    return to_hex((red, green, blue))


PAGE_COLOURS = ("#ffffff", *LINES, *map(veiled, LINES))


class Layout(NamedTuple):
    """Where things stand [inch]: sizes of page, section and detail, feet of section, key and line; columns."""

    page: float
    high: float
    wide: float
    tall: float
    detail: float
    section_foot: float
    key_foot: float
    line_foot: float
    columns: int
    caption: list[str]

    def place(self, x: float, y: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """A rectangle [inch] as shares of the page."""
        return x / self.page, y / self.high, wide / self.page, high / self.high


def laid_out(whole: Window, view: View) -> Layout:
    """Stack notice, caption, time line, key, section and heading for sections of that size."""
    shape = (whole[3] - whole[2]) / (whole[1] - whole[0])
    wide = min(WIDE, TALL / shape)
    beside = wide + 2.0 * MARGIN + NAMES + (BAR if view.scale else 0.0)
    detail = min(PAGE - beside, wide * shape - 2.0 * TEXT_HIGH)  # its name stands below it
    if view.part is None or detail < max(DETAIL, MAGNIFIED * wide * (view.part[1] - view.part[0]) / whole[1]):
        detail = 0.0
    page = max(beside + detail, LEAST)
    caption = textwrap.wrap(f"{view.says} {SECONDS}", int(CHARACTERS * page))
    columns = int((page - 2.0 * MARGIN) / KEY_WIDE)
    line_foot = NOTICE_HIGH + TEXT_HIGH * len(caption) + LINE_LABEL
    key_foot = line_foot + LINE_HIGH + GAP
    section_foot = key_foot + KEY_HIGH * math.ceil(len(view.key()) / columns) + GAP
    high = section_foot + wide * shape + HEADING
    return Layout(page, high, wide, wide * shape, detail, section_foot, key_foot, line_foot, columns, caption)


class Scene:
    """One page, drawn again for every frame: only the section, the heading and the marker change.

    Parameters
    ----------
    tissue : Tissue
    sections : list of Biopsy
        Those of all frames.
    view : View
        How a section is drawn.
    courses : list of str
        Variables of the time line.
    width_px : int
        Width of a picture [pixel].

    Attributes
    ----------
    figure : the page; said : skin and sessions in words.
    colours : those that a picture of few colours must hold exactly.
    """

    def __init__(
        self, tissue: Tissue, sections: Sequence[Biopsy], view: View, courses: Sequence[str], width_px: int
    ) -> None:
        self._view, self._sessions = view, tissue.session_days
        self.said, self.colours = look.described(tissue.provenance), (*PAGE_COLOURS, *view.colours)
        at = laid_out(window(sections[0]), view)
        self.figure = look.sheet(at.page, at.high)
        self.figure.set_layout_engine("none")
        self.figure.set_dpi(width_px / at.page)
        self._canvas = FigureCanvasAgg(self.figure)
        self._section = self.figure.add_axes(at.place(MARGIN, at.section_foot, at.wide, at.tall))
        self._detail = self._beside(at) if at.detail else None
        self._heading = self._words(at)
        self._key(at)
        line = self.figure.add_axes(
            at.place(LINE_LEFT, at.line_foot, at.page - LINE_LEFT - LEGEND, LINE_HIGH)
        )
        self._marker, self._ahead = time_line(line, tissue, courses, [section.day for section in sections])
        self._moving: list[Artist] = [self._section, self._heading, self._ahead, self._marker]
        self._moving += [self._detail] if self._detail else []
        for artist in self._moving:
            artist.set_animated(True)
        self._canvas.draw()  # type: ignore[no-untyped-call]  # what stands still is drawn once
        self._still = self._canvas.copy_from_bbox(self.figure.bbox)  # type: ignore[no-untyped-call]

    def _beside(self, at: Layout) -> Axes:
        """Empty axes for the magnified part, its top at that of the section."""
        left, foot = at.page - MARGIN - at.detail, at.section_foot + at.tall - at.detail
        self.figure.text(
            left / at.page, (foot - 0.08) / at.high, "the framed part", fontsize=look.SMALL, va="top"
        )
        return self.figure.add_axes(at.place(left, foot, at.detail, at.detail))

    def _words(self, at: Layout) -> Artist:
        """Write whose skin it is, and the caption; return the heading, still empty."""
        x, below = MARGIN / at.page, 1.0 - 0.12 / at.high
        self.figure.text(
            1.0 - x, below, self.said, fontsize=look.SMALL, color=look.GREY, va="top", ha="right"
        )
        self.figure.text(x, NOTICE_HIGH / at.high, "\n".join(at.caption), fontsize=look.SMALL, va="bottom")
        return self.figure.text(x, below, "", fontsize=look.LARGE, fontweight="bold", va="top")

    def _key(self, at: Layout) -> None:
        """Name below the section what is drawn in it, and beside it the colours of a map."""
        handles, scale = self._view.key(), self._view.scale
        if handles:
            self.figure.legend(
                handles=handles, loc="lower left", bbox_to_anchor=(MARGIN / at.page, at.key_foot / at.high),
                ncols=at.columns, fontsize=look.SMALL, frameon=False, columnspacing=1.2, handletextpad=0.5,
                handlelength=1.6, borderaxespad=0.0,
            )  # fmt: skip
        if scale:
            bar = self.figure.add_axes(at.place(MARGIN + at.wide + NAMES, at.section_foot, BAR_WIDE, at.tall))
            colours = ScalarMappable(scale.limits, scale.tones)
            self.figure.colorbar(colours, cax=bar, extend=scale.beyond).set_label(
                scale.label, fontsize=look.NORMAL
            )
            bar.tick_params(labelsize=look.SMALL)

    def moment(self, section: Biopsy) -> str:
        """The day of a frame in words."""
        before = any(abs(section.day - day) < SAME_DAY for day in self._sessions)
        return f"day {plain(section.day)}{', before the session' if before else ''}"

    def picture(self, section: Biopsy) -> Image.Image:
        """The page with this section, in true colours."""
        for ax in (self._section, self._detail):
            if ax is not None:
                ax.clear()
        self._view.draw(self._section, section, self._detail)
        self._heading.set(text=f"{look.title(self.moment(section))} · {self._view.title}")
        self._marker.set_xdata([section.day, section.day])
        self._ahead.set_x(section.day)
        self._canvas.restore_region(self._still)  # type: ignore[no-untyped-call]
        for artist in self._moving:
            self.figure.draw_artist(artist)
        pixels = np.asarray(self._canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        return Image.fromarray(pixels[..., :3].copy())


def time_line(
    ax: Axes, tissue: Tissue, courses: Sequence[str], days: Sequence[float]
) -> tuple[Line2D, Rectangle]:
    """Draw courses of the whole piece, each from its lowest to its highest; return the marker and the veil after it."""
    time = tissue.data["time"].values
    last = max(float(time[-1]), days[-1])
    for i, name in enumerate(courses):
        curve, said = scaled(tissue.data[name])
        ax.plot(time, curve, color=look.COLOURS[i], linestyle=look.STYLES[i], linewidth=1.7,
                label=f"{look.words(name)}, {said}")  # fmt: skip
    look.dress(ax, x="time [day]", y="scaled [1]")
    ax.set(xlim=(min(float(time[0]), days[0]), last), ylim=(-0.04, 1.06), yticks=(0.0, 0.5, 1.0))
    ax.set_xticks(days, minor=True)
    ax.tick_params(axis="x", which="minor", length=6, width=1.2, color=look.GREY)
    look.mark_sessions(ax, tissue.session_days)
    if courses:
        ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=look.SMALL, frameon=False, handlelength=2.6,
                  borderaxespad=0.0, labelspacing=0.35, title="mean of the piece, lowest to highest",
                  title_fontsize=look.SMALL, alignment="left")  # fmt: skip
    veil = ax.axvspan(days[0], days[0] + 2.0 * last, color="white", alpha=VEIL, linewidth=0.0, zorder=3)
    return ax.axvline(days[0], color=MARKER, linewidth=1.6, zorder=4, clip_on=False), veil


def scaled(values: xr.DataArray) -> tuple[np.ndarray, str]:
    """Mean over the depth of a tissue, 0 at its lowest and 1 at its highest, and these two in words."""
    curve = np.asarray(values.values, dtype=float)
    if "layer" in values.dims:  # layers weigh by their thickness
        weights = values["layer_thickness"].values if "layer_thickness" in values.coords else None
        curve = np.average(values.transpose(..., "layer").values, axis=-1, weights=weights)
    low, high = float(curve.min()), float(curve.max())
    unit = look.unit(str(values.attrs["units"]))
    said = f"{_short(low)} to {_short(high)}{'' if unit == '1' else f' {unit}'}"
    return (curve - low) / ((high - low) or 1.0), said


def _short(value: float) -> str:
    """A number with three digits, without a power of ten where it can be."""
    return f"{float(f'{value:.3g}'):g}"
