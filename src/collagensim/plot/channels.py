"""The wound of one session in the skin's layers, drawn to scale, and the share of skin it injures at each depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from collagensim.plot import look
from collagensim.skin import Skin
from collagensim.treatment import Injury, Session, injure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_MM = 3.0
SLAB_MM = 1.0  # thickness of the drawn piece: a thinner cut would miss most channels
ABOVE_MM, BELOW_MM = 0.1, 0.12  # air and fat shown beyond skin and needles
PAGE = (11.4, 7.2, 9.45, 1.75)  # inches: width, width of the section, left edge and width of the profile
LAYER_COLOURS = {
    "epidermis": "#c9a58b",
    "papillary": "#f3d9cf",
    "upper_reticular": "#f8e8e1",
    "lower_reticular": "#fbf2ee",
    "fat": "#fdf6d8",
}
NEEDLE, KILLED, ZONE = "#222222", "#D55E00", "#56B4E9"


def injury(skin: Skin, session: Session, *, seed: int = 2) -> Figure:
    """Draw the channels of a session in the layers of a skin.

    Parameters
    ----------
    skin : Skin
    session : Session
    seed : int
        Places and depths of the channels are drawn with it; the default gives about the mean number of them.

    Returns
    -------
    matplotlib.figure.Figure
        Left, to scale: the channels in a slab of skin 3 mm wide and 1 mm thick, seen from the side, with the
        tissue killed around them and the zone that the model follows. Right: the share of the skin's area killed
        at each depth, which is what the model reads.
    """
    wound = injure(skin, session)
    bottom = skin.layers[-1].bottom_mm
    width = max(WIDTH_MM, 2.0 * session.punch_diameter_mm)
    deepest = BELOW_MM + (
        bottom if wound.channels is None else max(bottom, float(wound.channels.reach_mm[-1]))
    )
    left, right, figure = _axes((deepest + ABOVE_MM) / width)
    figure.suptitle(_headline(skin, session), fontsize=look.LARGE, x=0.01, y=0.985, va="top", ha="left")
    _layers(left, skin, width, deepest)
    n_drawn = (
        _punch(left, session, bottom, width) if wound.channels is None else _needles(left, wound, width, seed)
    )
    look.dress(left, x="across the skin [mm]", y="depth below the surface [mm]")
    left.grid(visible=False)
    left.set_xlim(0.0, width)
    left.set_ylim(deepest, -ABOVE_MM)
    _scale_bar(left, width, deepest)
    _key(left, n_drawn, is_punch=wound.channels is None)
    _profile(right, wound, skin)
    return figure


def _axes(shape: float) -> tuple[Axes, Axes, look.Sheet]:
    """Two axes side by side that share their depth; the left one has ``shape`` as height over width."""
    page, across, second, narrow = PAGE
    tall, below, above = across * shape, 1.25, 0.85
    high = tall + below + above
    figure = look.sheet(page, high)
    figure.set_layout_engine("none")  # placed by hand: equal scales and equal heights at once
    left = figure.add_axes((0.75 / page, below / high, across / page, tall / high))
    right = figure.add_axes((second / page, below / high, narrow / page, tall / high), sharey=left)
    right.tick_params(labelleft=False)
    return left, right, figure


def _layers(ax: Axes, skin: Skin, width: float, deepest: float) -> None:
    bands = [("epidermis", 0.0, skin.layers[0].top_mm)]
    bands += [(layer.name, layer.top_mm, layer.bottom_mm) for layer in skin.layers]
    bands.append(("fat", skin.layers[-1].bottom_mm, deepest))
    for name, top, bottom in bands:
        ax.axhspan(top, bottom, color=LAYER_COLOURS[name], linewidth=0, zorder=0)
        ax.axhline(top, color="white", linewidth=0.8, zorder=1)
        # beside the section, where no channel hides it; the two thin bands at the top are drawn apart
        nudge = {"epidermis": 3.0, "papillary": -3.0}.get(name, 0.0)
        ax.annotate(look.words(name), (width, 0.5 * (top + bottom)), xytext=(5, nudge), textcoords="offset points",
                    fontsize=look.SMALL, va="center", color="#444444", annotation_clip=False)  # fmt: skip


def _needles(ax: Axes, wound: Injury, width: float, seed: int) -> int:
    """Draw needle tracks, killed tissue and zones; return how many channels there are."""
    channels = wound.channels
    assert channels is not None
    # one voxel deep and as wide as the slab: only the places and reaches of the channels are wanted
    drawn = wound.field((1, 1, 8), (10.0, 1000.0 * SLAB_MM, 125.0 * width), seed=seed).channels_um / 1000.0
    zone = wound.zone_radius_um / 1000.0
    inside = drawn[
        (drawn[:, 1] >= 0.0) & (drawn[:, 1] <= width) & (drawn[:, 0] >= 0.0) & (drawn[:, 0] <= SLAB_MM)
    ]
    for _, x, reach in inside:
        ax.fill_betweenx([0.0, reach], x - zone, x + zone, color=ZONE, alpha=0.16, linewidth=0, zorder=2)
    for _, x, reach in inside:
        depth = np.array([0.0, max(reach - channels.tip_length_mm, 0.0), reach])
        blunt = min(reach / channels.tip_length_mm, 1.0)  # a shallow needle enters with its cone only
        radius = channels.needle_radius_mm * np.array([blunt, blunt, 0.0])
        _track(ax, x, depth, radius + channels.crush_mm, KILLED, 0.55, 3)
        _track(ax, x, depth, radius, NEEDLE, 1.0, 4)
    return len(inside)


def _track(
    ax: Axes,
    x: float,
    depth: NDArray[np.float64],
    radius: NDArray[np.float64],
    colour: str,
    alpha: float,
    order: int,
) -> None:
    ax.fill_betweenx(depth, x - radius, x + radius, color=colour, alpha=alpha, linewidth=0, zorder=order)


def _punch(ax: Axes, session: Session, bottom: float, width: float) -> int:
    radius = 0.5 * session.punch_diameter_mm
    middle = 0.5 * width
    ax.fill_betweenx([-ABOVE_MM, bottom], middle - radius, middle + radius, color="white", zorder=3)
    for edge in (middle - radius, middle + radius):
        ax.plot([edge, edge], [0.0, bottom], color=KILLED, linewidth=2.0, zorder=4)
    return 1


def _scale_bar(ax: Axes, width: float, deepest: float) -> None:
    end, y = width - 0.12, deepest - 0.5 * BELOW_MM
    ax.plot([end - 0.5, end], [y, y], color="black", linewidth=3, solid_capstyle="butt", zorder=7)
    ax.text(end - 0.56, y, "0.5 mm", fontsize=look.SMALL, va="center", ha="right", zorder=7)


def _key(ax: Axes, n_drawn: int, *, is_punch: bool) -> None:
    from matplotlib.patches import Patch

    if is_punch:
        handles = [Patch(color=KILLED, label="edge of the tissue taken out")]
    else:
        handles = [
            Patch(color=NEEDLE, label="needle"),
            Patch(color=KILLED, alpha=0.55, label="cells killed"),
            Patch(color=ZONE, alpha=0.25, label="zone around a channel"),
        ]
        plural = "channel" if n_drawn == 1 else "channels"
        ax.set_title(f"{n_drawn} {plural} in a slab {SLAB_MM:g} mm thick", fontsize=look.NORMAL, loc="left")
    below = (0.5, -0.5 * ax.figure.dpi / ax.bbox.height)  # half an inch, where the axis label ends
    ax.legend(
        handles=handles, fontsize=look.SMALL, loc="upper center", ncols=3, bbox_to_anchor=below, frameon=False
    )


def _profile(ax: Axes, wound: Injury, skin: Skin) -> None:
    depth = np.linspace(0.0, skin.layers[-1].bottom_mm, 300)
    share = 100.0 * wound.profile(depth)
    ax.plot(share, depth, color=KILLED, linewidth=1.8)
    ax.fill_betweenx(depth, 0.0, share, color=KILLED, alpha=0.25, linewidth=0)
    for layer in skin.layers:
        ax.axhline(layer.top_mm, color="#bbbbbb", linewidth=0.8)
    look.dress(ax, x="area killed [%]", y="")
    ax.set_xlim(0.0, max(1.05 * float(share.max()), 1e-3))
    ax.set_title("over depth", fontsize=look.NORMAL, loc="left")


def _headline(skin: Skin, session: Session) -> str:
    site = f"{skin.site.replace('_', ' ')}, age {skin.age_years:g}"
    if session.is_punch:
        return f"Punch of {session.punch_diameter_mm:g} mm, {site}"
    dose = f"{session.depth_mm:g} mm setting, {session.channels_per_cm2:.3g} channels/cm²"
    return f"{look.title(session.device)}, {dose}, {site}"
