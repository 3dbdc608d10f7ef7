"""Variables over time, one panel each, responses and layers told apart by colour and line style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import xarray as xr

from collagensim.errors import InputError, one_of
from collagensim.plot import look
from collagensim.plot.look import AnyResponse
from collagensim.response import Replicates
from collagensim.response.reading import over_baseline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND = (0.05, 0.95)  # quantiles over the seeds of replicates


def timeline(
    responses: AnyResponse | Sequence[AnyResponse],
    variables: str | Sequence[str],
    *,
    layers: str | Sequence[str] = ("papillary",),
    fold: bool = False,
    labels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw variables over time.

    Parameters
    ----------
    responses : Response, Tissue or Replicates, or a list of them
        One colour each. Of a tissue its averages by layer; of replicates the mean over their seeds, in a band from the
        5th to the 95th percentile, linear between seeds.
    variables : str or list of str
        One panel each.
    layers : str or list of str
        Layers to show of dermal variables, one line style each; without effect on surface variables.
    fold : bool
        Draw value over baseline instead of the value in its unit; of replicates over the mean of their baselines.
    labels : list of str, optional
        What to call the responses in the legend; default what they are and their number.
    ax : matplotlib Axes, optional
        Where to draw a single variable.

    Returns
    -------
    matplotlib.figure.Figure
    """
    courses = look.as_responses(responses)
    names = look.as_names("variables", variables)
    shown = look.as_names("layers", layers)
    called = _labels(courses, labels)
    _check(courses, names, shown)
    if ax is not None and len(names) > 1:
        raise InputError(f"timeline got {len(names)} variables and one ax: give one variable, or no ax")
    if ax is not None:
        figure, panels = ax.figure, [ax]
    else:
        columns = min(2, len(names)) if len(names) < 5 else 3
        rows = math.ceil(len(names) / columns)
        sheet = look.sheet(5.2 * columns, 3.3 * rows + 0.3)
        grid = sheet.subplots(rows, columns, squeeze=False)
        panels = list(grid.flat)
        figure = sheet
        for unused in panels[len(names) :]:
            unused.remove()
    for name, panel in zip(names, panels, strict=False):
        _draw(panel, courses, called, name, shown, fold)
    return figure  # type: ignore[return-value]


def _check(courses: list[AnyResponse], names: list[str], layers: list[str]) -> None:
    """Refuse what a course does not hold before anything is drawn, into an ``ax`` of the caller above all."""
    for course in courses:
        for name in names:
            values = course.variable(name)
            if "layer" in values.dims:
                for layer in layers:
                    _layer(values, layer)


def _draw(
    ax: Axes, courses: list[AnyResponse], called: list[str], name: str, layers: Sequence[str], fold: bool
) -> None:
    shown = layers if "layer" in courses[0].variable(name).dims else ("",)
    for i, response in enumerate(courses):
        values = response.fold(name) if fold else response.variable(name)
        for j, layer in enumerate(shown):
            curve = _layer(values, layer)
            alone, several = len(courses) == 1, len(shown) > 1
            n = response.data["time"].size
            ax.plot(
                response.data["time"].values, curve.values,
                color=look.COLOURS[(j if alone else i) % len(look.COLOURS)],
                linestyle=look.STYLES[(j if several else i) % len(look.STYLES)],
                # where the style already tells layers apart, a marker tells responses apart without colour
                marker=look.MARKERS[i % len(look.MARKERS)] if several and not alone else "none",
                markevery=(n // 16, max(1, n // 8)), markersize=5,
                linewidth=1.8, label=_name_curve(called[i], layer, len(courses), len(shown)) or _alone(response),
            )  # fmt: skip
            if isinstance(response, Replicates):
                _band(ax, response, name, layer, fold, first=j == 0)
    time = courses[0].data["time"]
    y = "fold of baseline [1]" if fold else f"{look.words(name)} [{look.unit(values.attrs['units'])}]"
    look.dress(ax, x=f"time [{time.attrs['units']}]", y=y, heading=look.words(name))
    ax.set_xlim(
        min(float(c.data["time"][0]) for c in courses), max(float(c.data["time"][-1]) for c in courses)
    )
    if len({course.session_days for course in courses}) == 1:
        look.mark_sessions(ax, courses[0].session_days)
    else:
        for i, course in enumerate(courses):
            look.mark_sessions(
                ax, course.session_days, colour=look.COLOURS[i % len(look.COLOURS)], lines=False
            )
    if len(courses) > 1 or len(shown) > 1 or isinstance(courses[0], Replicates):
        look.legend(ax)
    if len(courses) == len(shown) == 1 and shown != ("",):
        ax.set_title(f"{look.words(shown[0])} layer", fontsize=look.SMALL, loc="right", color=look.GREY)


def _band(ax: Axes, several: Replicates, name: str, layer: str, fold: bool, *, first: bool) -> None:
    """Shade what lies between quantiles of the seeds, in the colour of the last curve; name the first band."""
    quantiles = several.bands(name, BAND)
    low, high = (
        _layer(over_baseline(quantiles) if fold else quantiles, layer).transpose("quantile", "time").values
    )
    low_percent, high_percent = (f"{100.0 * share:g}" for share in BAND)
    said = f"{low_percent} to {high_percent} % of {len(several.tissues)} seeds"
    ax.fill_between(several.data["time"].values, low, high, color=ax.lines[-1].get_color(), alpha=0.2,
                    linewidth=0.0, label=said if first else None)  # fmt: skip


def _layer(values: xr.DataArray, layer: str) -> xr.DataArray:
    if "layer" not in values.dims:
        return values
    return values.sel(layer=one_of("layer", layer, (str(known) for known in values["layer"].values)))


def _alone(response: AnyResponse) -> str:
    """The name of a curve that is the only one: that of replicates is not what was simulated."""
    return "mean" if isinstance(response, Replicates) else ""


def _name_curve(label: str, layer: str, n_responses: int, n_layers: int) -> str:
    parts = [label] if n_responses > 1 else []
    if n_layers > 1:
        parts.append(look.words(layer))
    return ", ".join(parts)


def _labels(courses: list[AnyResponse], labels: Sequence[str] | None) -> list[str]:
    if labels is None:
        return [f"{type(course).__name__.lower()} {i + 1}" for i, course in enumerate(courses)]
    given = look.as_names("labels", labels)
    if len(given) != len(courses):
        raise InputError(f"{len(given)} labels for {len(courses)} responses: give one each")
    return given
