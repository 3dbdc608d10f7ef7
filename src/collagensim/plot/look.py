"""How every figure looks: colours safe for colour-blind readers, line styles beside them, units, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from matplotlib.figure import Figure

from collagensim.errors import InputError, instance, is_listed, shown
from collagensim.notice import NOTICE
from collagensim.response import Replicates, Response, Tissue

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito (2008), without yellow, which is faint on white; black first, strong contrasts early.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
STYLES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (6, 2, 1, 2, 1, 2)),
    (0, (1, 1)),
    (0, (8, 3)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MAP = "cividis"
SMALL, NORMAL, LARGE = 9.5, 11.0, 13.0  # points
GREY = "#666666"
FOOTER = NOTICE.rstrip(".")

_PRETTY = {
    "1": "1",
    "cell/mm^3": "cells/mm³",
    "1/mm^2": "1/mm²",
    "1/cm^2": "1/cm²",
    "mg/cm^2": "mg/cm²",
    "um": "µm",
    "signal": "relative signal",
}
_WORDS = {
    "tnf alpha": "TNF-α",
    "il 1": "IL-1",
    "il 6": "IL-6",
    "il 10": "IL-10",
    "pdgf": "PDGF",
    "latent tgf beta": "latent TGF-β",
    "tgf beta 1": "TGF-β1",
    "tgf beta 3": "TGF-β3",
    "vegf": "VEGF",
    "fgf": "FGF",
    "mmp 1": "MMP-1",
    "mmp 9": "MMP-9",
    "timp 1": "TIMP-1",
    "macrophages m1": "M1 macrophages",
    "macrophages m2": "M2 macrophages",
    "collagen iii": "collagen III",
    "collagen i": "new collagen I",
    "collagen mature": "mature collagen I",
    "collagen total": "total collagen",
    "capillary density": "capillaries",
    "barrier": "water loss (barrier)",
    "erythema": "redness (erythema)",
    "collagen mass change": "change of collagen mass, whole dermis",
    "collagen papillary change": "change of collagen, papillary dermis",
}


# What has variables over time: the mean of a tissue, and of replicates their mean.
AnyResponse: TypeAlias = Response | Tissue | Replicates
ANY_RESPONSE = "a Response, Tissue or Replicates"
SIMULATIONS = "simulate, simulate_tissue or simulate_tissues"


class Sheet(Figure):
    """A matplotlib figure that notebooks show without pyplot, hence without any global state."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def sheet(width: float, height: float, *, footer: bool = True) -> Sheet:
    """Return an empty figure of that size [inch] with the notice at its foot."""
    figure = Sheet(figsize=(width, height), layout="constrained", facecolor="white")
    if footer:
        figure.text(0.995, 0.008, FOOTER, ha="right", va="bottom", fontsize=SMALL, color=GREY)
        foot = 0.30 / height  # inches kept free
        figure.get_layout_engine().set(rect=(0.0, foot, 1.0, 1.0 - foot), h_pad=0.06, w_pad=0.06)  # type: ignore[call-arg, union-attr]
    return figure


def words(name: str) -> str:
    """Return how a variable or endpoint is called on paper."""
    plain = name.replace("_", " ")
    if plain in _WORDS:
        return _WORDS[plain]
    return plain.replace("collagen iii", _WORDS["collagen iii"])


def title(text: str) -> str:
    """Return ``text`` with a capital, leaving names such as mRNA or TGF-β1 alone."""
    return text[:1].upper() + text[1:]


def unit(text: str) -> str:
    """Return a unit as it is printed on an axis."""
    return _PRETTY.get(text, text)


def described(provenance: Mapping[str, Any]) -> str:
    """Skin and sessions of a run in a few words; empty when nothing is known of them."""
    skin = provenance.get("skin") or {}
    sessions = (provenance.get("protocol") or {}).get("sessions", ())
    parts = [str(skin["site"]).replace("_", " ")] if "site" in skin else []
    parts += [f"age {skin['age_years']:g}"] if "age_years" in skin else []
    if sessions:
        kinds = {f"{session['device']} {session['depth_mm']:g} mm" for session in sessions}
        parts.append(f"{len(sessions)} × {kinds.pop() if len(kinds) == 1 else 'sessions'}")
    return ", ".join(parts)


def dress(ax: Axes, *, x: str, y: str, heading: str = "") -> None:
    """Label both axes and set sizes, grid and frame."""
    ax.set_xlabel(x, fontsize=NORMAL)
    ax.set_ylabel(y, fontsize=NORMAL)
    if heading:
        ax.set_title(title(heading), fontsize=LARGE, loc="left", fontweight="bold")
    ax.tick_params(labelsize=SMALL)
    ax.grid(visible=True, color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.margins(x=0.01)


def legend(ax: Axes, n_columns: int = 1, place: Literal["best", "upper right"] = "best") -> None:
    """Name the curves of ``ax``."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=SMALL, ncols=n_columns, loc=place, frameon=True, framealpha=0.85, edgecolor="none",
                  handlelength=2.6, borderaxespad=0.3)  # fmt: skip


def mark_sessions(ax: Axes, days: Iterable[float], *, colour: str = GREY, lines: bool = True) -> None:
    """Draw a small triangle at every session, and a thin line below it."""
    first, last = ax.get_xlim()
    for day in days:
        if first <= day <= last:
            if lines:
                ax.axvline(day, color="#bbbbbb", linewidth=0.8, zorder=0)
            ax.plot([day], [1.0], marker="v", color=colour, markersize=5, transform=ax.get_xaxis_transform(),
                    clip_on=False, zorder=3)  # fmt: skip


def as_response(given: object) -> AnyResponse:
    """Return what a simulation returned, as it is; InputError for anything else."""
    if isinstance(given, Response | Tissue | Replicates):
        return given
    raise InputError(f"response {shown(given)} is not {ANY_RESPONSE}: give what {SIMULATIONS} returned")


def as_responses(given: object) -> list[AnyResponse]:
    """Return one or several responses, tissues and replicates as a list."""
    if isinstance(given, Response | Tissue | Replicates):
        return [given]
    if not is_listed(given):
        raise InputError(
            f"{shown(given)} is not {ANY_RESPONSE} or a list of them: give what {SIMULATIONS} returned"
        )
    responses = [as_response(one) for one in given]
    if not responses:
        raise InputError(f"a figure needs a Response: give one or more that {SIMULATIONS} returned")
    return responses


def as_names(what: str, given: object) -> list[str]:
    """Return one or several names as a list."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, Iterable):
        raise InputError(f"{what} {shown(given)} is not a name or a list of names")
    names = [instance(what, name, str) for name in given]
    if not names:
        raise InputError(f"{what} is empty: give one name or more")
    return names
