"""A virtual biopsy as a pathologist sees it: a stained section at low power, and a part of it magnified."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnchoredOffsetbox, AuxTransformBox, TextArea, VPacker
from matplotlib.patches import Patch
from matplotlib.path import Path

from collagensim.errors import InputError, instance, one_of, plain
from collagensim.plot import look
from collagensim.plot.epidermis import air, cover_of, epidermis, has_rim, surface
from collagensim.plot.histology import dermis, look_of, nucleus_of
from collagensim.plot.outlines import Shapes
from collagensim.plot.stains import STAINS, Stain
from collagensim.response import Biopsy, Tissue
from collagensim.response.biopsy import Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["biopsy"]

PAGE = 13.0  # inches
HIGH_UM = 120.0  # shown above the dermis
CHARACTERS, LINE = 176, 0.19  # of the caption in a line, inches that a line takes
FULL_ROW = 10  # names of the key that need a second row
DETAIL_UM = 420.0  # edge of the magnified part
DETAIL_TOP_UM = -95.0
BARS = (200.0, 100.0, 50.0, 20.0)  # lengths of a scale bar [um]
NAME_INCHES = 0.33  # height of a layer's name
GLYPH = "#35203f"
DASHES = (0, (4, 3))
Window = tuple[float, float, float, float]  # left, right, top, bottom [um]


def biopsy(
    biopsy: Biopsy | Tissue, day: float | None = None, *, stain: str = "masson", ax: Axes | None = None
) -> Figure:
    """Draw a section of skin in the colours of a stain.

    Parameters
    ----------
    biopsy : Biopsy or Tissue
        A section, or the tissue through whose middle one is cut.
    day : float, optional
        Of a tissue: a kept day; default its last.
    stain : str
        ``"masson"``, ``"picrosirius"`` (polarised light), ``"vvg"`` or ``"cd31"``.
    ax : matplotlib Axes, optional
        Where to draw the section alone, without its magnified part.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    Computed: where each cell is and of which kind; where each piece of vessel is; the share of area under collagen, its
    types, its order and direction in every voxel; elastin, fibrin and capillaries per area; thickness and cover of the
    epidermis; the tracks.

    Drawn, from the tissue's seed and the same on every day: single bundles and fibres, which have these densities on
    average; which vessels a cut meets (a stain of vessels shows those of all its thickness too) and how they wind; the
    shapes of cells and nuclei; ridges, cells and horny layer of the epidermis, and where in a partly covered stretch it
    stands open. Inside a wound whose rim lies beside the section, as after a punch, the surface is drawn bare until
    half of it is covered: the model knows the share and not where. Cells of the section's whole thickness are shown,
    more than in a thin cut.
    Hair, glands, nerves and larger vessels are not modelled and not drawn. In polarised light colour also depends on
    how thick and how closely packed fibres are; here it stands for the type of collagen alone.
    """
    section = _section(biopsy, day)
    colours = STAINS[one_of("stain", stain, STAINS)]
    painted = paint(section, colours)
    high, wide = section.size_um
    whole = (0.0, wide, -HIGH_UM, high)
    if ax is not None:
        show(ax, section, colours, painted, whole)
        label(ax, section, colours, whole)
        return ax.figure  # type: ignore[return-value]
    return _sheet(section, colours, painted, whole)


def _section(given: object, day: float | None) -> Biopsy:
    if isinstance(given, Tissue):
        return given.biopsy(max(given.snapshots) if day is None else day)
    section = instance("biopsy", given, Biopsy, "tissue.biopsy(day), or a tissue")
    if day is not None and abs(section.day - day) > 1e-6:
        raise InputError(
            f"the biopsy is of day {plain(section.day)}, not {plain(day)}: give the tissue with a day"
        )
    return section


def paint(section: Biopsy, stain: Stain) -> list[Shapes]:
    """Everything that is drawn of a section, in the order in which it is painted."""
    border = surface(section)
    return [*dermis(section, stain), *air(border, -HIGH_UM, stain), *epidermis(section, stain, border)]


def show(ax: Axes, section: Biopsy, stain: Stain, painted: list[Shapes], window: Window) -> None:
    """Paint a window of the section, to scale."""
    left, right, top, bottom = window
    ax.set_facecolor(stain.ground)
    for shapes in (shapes.within(*window) for shapes in painted):
        if shapes.outlines.size:
            # an array, unlike a list of outlines, is checked once; the limits are set below
            each = PolyCollection(shapes.outlines, facecolors=shapes.colours, linewidths=0.0)  # type: ignore[arg-type]
            ax.add_collection(each, autolim=False)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
    for track in section.tracks:
        ax.plot(*outline(track), color=stain.ink, linewidth=0.9, linestyle=DASHES, alpha=0.8)
    _scale_bar(ax, window, stain)


def outline(track: Track) -> tuple[np.ndarray, np.ndarray]:
    """The edge of a track, down one side and up the other: x and z [um]."""
    sides = np.concatenate([-track.half_width_um, track.half_width_um[::-1]])
    return track.x_um + sides, np.concatenate([track.depth_um, track.depth_um[::-1]])


def _scale_bar(ax: Axes, window: Window, stain: Stain) -> None:
    length = next((bar for bar in BARS if window[1] - window[0] > 5.0 * bar), BARS[-1])
    bar = AuxTransformBox(ax.transData)
    bar.add_artist(Line2D([0.0, length], [0.0, 0.0], color=stain.ink, linewidth=3.0, solid_capstyle="butt"))
    said = TextArea(f"{length:g} µm", textprops={"color": stain.ink, "fontsize": look.SMALL})
    # The box is as wide as the wider of bar and words, whatever the scale.
    stacked = VPacker(children=[said, bar], align="center", pad=0.0, sep=3.0)
    box = AnchoredOffsetbox(
        "lower right", child=stacked, pad=0.5, borderpad=0.8, prop=FontProperties(size=look.SMALL)
    )
    box.patch.set(facecolor=stain.air, alpha=0.8, linewidth=0.0)
    box.set_zorder(5)
    ax.add_artist(box)


def label(ax: Axes, section: Biopsy, stain: Stain, window: Window) -> None:
    """Name layers beside the section and tracks above it."""
    right = window[1]
    names = section.fields["layer"].values
    bands = [("epidermis", window[2] + 0.4 * HIGH_UM, 0.0)]
    for name in section.layers:
        rows = np.flatnonzero(names == name)
        bands.append((name, rows[0] * section.voxel_um, (rows[-1] + 1) * section.voxel_um))
    inch = (window[3] - window[2]) * ax.figure.dpi / ax.bbox.height
    last = -np.inf
    for name, top, bottom in bands:
        last = max(
            0.5 * (top + bottom), last + NAME_INCHES * inch
        )  # thin layers' names make room for each other
        ax.annotate(look.words(name).replace(" ", "\n"), (right, last), xytext=(8, 0), textcoords="offset points",
                    fontsize=look.SMALL, va="center", annotation_clip=False)  # fmt: skip
        ax.plot([1.0, 1.01], [bottom, bottom], color="black", linewidth=0.8, transform=ax.get_yaxis_transform(),
                clip_on=False)  # fmt: skip
    for track in section.tracks:
        if window[0] <= track.x_um <= right:
            ax.plot([track.x_um], [window[2] + 14.0], marker="v", color=stain.ink, markersize=6)


def _sheet(section: Biopsy, stain: Stain, painted: list[Shapes], whole: Window) -> Figure:
    lines = textwrap.wrap(caption([section], stain), CHARACTERS)
    more = LINE * (len(lines) - 1)
    overview, detail, figure = _axes((whole[3] - whole[2]) / (whole[1] - whole[0]), more)
    part = framed(section, whole)
    show(overview, section, stain, painted, whole)
    label(overview, section, stain, whole)
    frame(overview, part, stain)
    show(detail, section, stain, painted, part)
    heading = f"Day {plain(section.day)}, {stain.title}"
    overview.set_title(heading, fontsize=look.LARGE, loc="left", fontweight="bold")
    detail.set_title("the framed part", fontsize=look.NORMAL, loc="left")
    _key(figure, handles(section, stain, drawn(painted)), 0.72 + more)
    figure.text(0.2 / PAGE, 0.4 / figure.get_figheight(), "\n".join(lines), fontsize=look.SMALL, va="bottom")
    return figure


def frame(ax: Axes, part: Window, stain: Stain) -> None:
    """Draw the edge of the part that is magnified."""
    left, right, top, bottom = part
    ax.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color=stain.ink, linewidth=1.1)


def _axes(shape: float, more: float) -> tuple[Axes, Axes, look.Sheet]:
    """Section and magnified part side by side, placed by hand; ``shape`` is the section's height over its width.

    The caption needs ``more`` inches than a line.
    """
    margin, names, below, above = 0.2, 1.15, 1.2 + more, 0.45
    free = PAGE - 2.0 * margin - names
    wide = min(free / (1.0 + shape), free - 3.0)
    high, side = wide * shape, free - wide
    page = max(high, side) + below + above
    figure = look.sheet(PAGE, page)
    figure.set_layout_engine("none")
    overview = figure.add_axes((margin / PAGE, 1.0 - (above + high) / page, wide / PAGE, high / page))
    left = (margin + wide + names) / PAGE
    detail = figure.add_axes((left, 1.0 - (above + side) / page, side / PAGE, side / page))
    return overview, detail, figure


def framed(section: Biopsy, whole: Window) -> Window:
    """The part to magnify: the upper dermis at the first track inside, or in the middle."""
    edge = min(DETAIL_UM, whole[1], whole[3] - whole[2])
    inside = [track.x_um for track in section.tracks if whole[0] <= track.x_um <= whole[1]]
    middle = inside[0] if inside else 0.5 * whole[1]
    left = min(max(middle - 0.5 * edge, 0.0), whole[1] - edge)
    return left, left + edge, DETAIL_TOP_UM, DETAIL_TOP_UM + edge


def drawn(painted: Iterable[Shapes]) -> set[str]:
    """What shapes that are painted are: names for the key."""
    return {shapes.of for shapes in painted if shapes.outlines.size}


def handles(section: Biopsy, stain: Stain, names: Collection[str]) -> list[Line2D | Patch]:
    """What a key names: the colours of what is `drawn`, the section's kinds of nuclei, and tracks."""
    found: list[Line2D | Patch] = [
        Patch(facecolor=colour, edgecolor=look.GREY, linewidth=0.4, label=name)
        for name, colour, of in stain.key
        if of in names
    ]
    seen = set(section.cells["kind"])
    for kind in () if stain.polarised else (kind for kind in section.kinds if kind in seen):
        shape, zero = look_of(kind), np.zeros(1)
        lobes = nucleus_of(shape, zero, zero, zero, np.ones(1))
        glyph = Path.make_compound_path(*(Path(np.vstack([lobe, lobe[:1]]), closed=True) for lobe in lobes))
        size = float(np.ptp(lobes[..., 0]))
        found.append(
            Line2D(
                [], [], linestyle="none", marker=glyph, markersize=size, color=stain.nucleus, label=shape.name
            )
        )
    if section.tracks:
        found.append(Line2D([], [], color=GLYPH, linewidth=0.9, linestyle=DASHES, label="needle track"))
    return found


def _key(figure: look.Sheet, shown: list[Line2D | Patch], foot: float) -> None:
    """Name what is drawn below the section, ``foot`` inches above that of the page."""
    place = (0.2 / PAGE, foot / figure.get_figheight())
    in_row = len(shown) if len(shown) < FULL_ROW else (len(shown) + 1) // 2
    figure.legend(
        handles=shown, loc="lower left", bbox_to_anchor=place, ncols=in_row, fontsize=look.SMALL,
        frameon=False, columnspacing=1.2, handletextpad=0.5, handlelength=1.6, borderaxespad=0.0,
    )  # fmt: skip


def caption(sections: Sequence[Biopsy], stain: Stain) -> str:
    """What the colours of sections of one tissue mean, and what of the picture is computed."""
    first = sections[0]
    known, laid = (
        ("cells", "fibres and vessels") if first.vessels is None else ("cells and vessels", "fibres")
    )
    return (
        f"{look.title(stain.says)}. Simulated section, {plain(first.thickness_um)} µm thick: {known} where they are, "
        f"{laid} drawn at the densities found.{without_rim(sections)}"
    )


def without_rim(sections: Iterable[Biopsy]) -> str:
    """How epidermis is drawn where a section lies inside the hole; nothing where all have a rim."""
    if all(has_rim(cover_of(section)) for section in sections):
        return ""
    return (
        " Inside a wound without a rim in the section its surface is drawn bare until half of it is covered."
    )
