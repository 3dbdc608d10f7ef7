"""One sheet that shows a whole response: the first weeks above, the whole course below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr

from collagensim.plot import look
from collagensim.plot.look import AnyResponse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EARLY_DAYS = 21.0  # inflammation and signals of one session are over by then
SURFACE_DAYS = 7.0  # and barrier and redness
BEFORE = 0.02  # share of the window shown before the session


@dataclass(frozen=True)
class _Panel:
    title: str
    variables: tuple[str, ...]
    days: float | None
    mode: Literal["value", "fold", "change"]
    right: str = ""  # a rarer variable of the same unit, on an axis of its own


_PANELS = (
    _Panel("Inflammation", ("neutrophils", "macrophages_m1", "macrophages_m2"), days=EARLY_DAYS, mode="value"),
    _Panel("Signals", ("tnf_alpha", "il_1", "fgf", "tgf_beta_1", "vegf"), days=EARLY_DAYS, mode="value"),
    _Panel("Surface", ("barrier", "erythema", "epidermal_cover"), days=SURFACE_DAYS, mode="fold"),
    _Panel("Repair cells", ("fibroblasts",), days=None, mode="value", right="myofibroblasts"),
    _Panel("Collagen", ("collagen_total", "collagen_iii", "collagen_i", "collagen_mature"), days=None, mode="change"),
    _Panel(
        "Elastin, vessels, thickness",
        ("elastin", "capillary_density", "epidermal_thickness", "dermal_thickness"),
        days=None, mode="fold",
    ),
)  # fmt: skip


def overview(response: AnyResponse) -> Figure:
    """Draw a whole response on one sheet.

    Top row: inflammation, signals and surface in the weeks after the first session. Bottom row: repair cells,
    collagen (total, III, new and mature I) and elastin, vessels, epidermis, dermis over the whole course.
    Dermal variables are those of the papillary layer; triangles mark sessions. What the response does not
    hold is left out. Of a tissue its averages are drawn, of replicates their mean.
    """
    look.as_response(response)
    panels = [
        (panel, [v for v in panel.variables if _can_show(response, v, panel.mode == "fold")])
        for panel in _PANELS
    ]
    panels = [(panel, variables) for panel, variables in panels if variables]
    if not panels:
        return _everything(response)
    figure = look.sheet(14.0, 8.2)
    figure.suptitle(_headline(response), fontsize=look.LARGE, x=0.01, ha="left")
    grid = figure.subplots(2, 3)
    early, late = iter(grid[0]), iter(grid[1])
    for panel, variables in panels:
        _draw(next(late) if panel.days is None else next(early), response, panel, variables)
    for unused in (*early, *late):
        unused.remove()
    return figure


def _draw(ax: Axes, response: AnyResponse, panel: _Panel, variables: Sequence[str]) -> None:
    time = response.data["time"].values
    first, last = _window(response, time, panel.days)
    shown = (time >= first) & (time <= last)
    quantity = ""
    for i, name in enumerate(variables):
        values = response.fold(name) if panel.mode == "fold" else response.variable(name)
        resting = np.ravel(values.attrs["baseline"])[0] if panel.mode == "change" else 0.0
        ax.plot(time[shown], _top(values)[shown] - resting, color=look.COLOURS[i], linestyle=look.STYLES[i],
                linewidth=1.8, label=look.words(name))  # fmt: skip
        quantity = _quantity(panel, variables, str(values.attrs["units"]))
    look.dress(ax, x="time [day]", y=quantity, heading=panel.title)
    ax.set_xlim(first - BEFORE * (last - first), last)
    _headroom(ax)
    look.mark_sessions(ax, response.session_days)
    if panel.right and _can_show(response, panel.right, fold=False):
        _on_the_right(ax, response, panel.right, shown)
    look.legend(ax, n_columns=2 if len(variables) > 3 else 1, place="upper right")


def _quantity(panel: _Panel, variables: Sequence[str], unit: str) -> str:
    if panel.mode == "fold":
        return "fold of baseline [1]"
    if panel.mode == "change":
        return f"change from baseline [{look.unit(unit)}]"
    known = {"cell/mm^3": "density", "signal": "level"}
    name = look.words(variables[0]) if len(variables) == 1 else known.get(unit, "value")
    return f"{name} [{look.unit(unit)}]"


def _on_the_right(ax: Axes, response: AnyResponse, name: str, shown: np.ndarray) -> None:
    """Draw ``name`` on an axis of its own, in the second colour and style, and name it in the legend of ``ax``."""
    values = response.variable(name)
    colour, style, time = look.COLOURS[1], look.STYLES[1], response.data["time"].values
    twin = ax.twinx()
    twin.plot(time[shown], _top(values)[shown], color=colour, linestyle=style, linewidth=1.8)
    ax.plot([], [], color=colour, linestyle=style, linewidth=1.8, label=f"{look.words(name)} (right)")
    twin.set_ylabel(f"{look.words(name)} [{look.unit(values.attrs['units'])}]", fontsize=look.NORMAL)
    twin.tick_params(labelsize=look.SMALL)
    twin.spines[["top", "left"]].set_visible(False)
    _headroom(twin)


def _top(values: xr.DataArray) -> np.ndarray:
    return np.asarray(values.values[:, 0] if "layer" in values.dims else values.values)


def _can_show(response: AnyResponse, name: str, fold: bool) -> bool:
    """Whether the response holds ``name``, and a fold of it where one is asked for."""
    if name not in response.data.data_vars:
        return False
    return not fold or bool(np.all(np.asarray(response.variable(name).attrs["baseline"]) > 0))


def _headroom(ax: Axes) -> None:
    """Leave the top fifth of the panel to the legend."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.28 * (high - low))


def _window(response: AnyResponse, time: np.ndarray, length: float | None) -> tuple[float, float]:
    """The ``length`` days from the first session, at most until the second; the whole course when None."""
    if length is None:
        return float(time[0]), float(time[-1])
    days = response.session_days or (float(time[0]),)
    following = [day for day in days if day > days[0]]
    end = min([days[0] + length, float(time[-1]), *following[:1]])
    return days[0], end


def _headline(response: AnyResponse) -> str:
    parts = [look.described(response.provenance), "papillary dermis and surface"]
    return "Predicted course: " + ", ".join(part for part in parts if part)


def _everything(response: AnyResponse) -> Figure:
    """A model of another kind: every variable in a panel of its own, nine at most."""
    from collagensim.plot.courses import timeline

    names = [str(name) for name in response.data.data_vars][:9]
    draw: Callable[..., Figure] = timeline
    if "layer" not in response.data.dims:
        return draw(response, names)
    return draw(response, names, layers=str(response.data["layer"].values[0]))
