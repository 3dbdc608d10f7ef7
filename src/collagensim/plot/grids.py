"""An endpoint over scanned protocols: a curve for one coordinate, a map with contours for two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from collagensim.analysis.endpoints import UNITS
from collagensim.errors import InputError, instance, one_of
from collagensim.plot import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEFAULT = "collagen_mass_change"


def scan(dataset: xr.Dataset, endpoint: str | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw one endpoint of a scan.

    Parameters
    ----------
    dataset : xarray.Dataset
        From ``scan``, over one or two coordinates; coordinates of length one are dropped.
    endpoint : str, optional
        A variable of ``dataset``; by default the change of collagen mass in the whole dermis.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
        Failed points stay empty (a map marks them with a cross).
    """
    values = _values(dataset, endpoint)
    if ax is None:
        figure: Figure = look.sheet(7.6, 5.2)
        ax = figure.subplots()
    else:
        figure = ax.figure  # type: ignore[assignment]
    label = f"{look.words(str(values.name))} [{look.unit(values.attrs['units'])}]"
    if values.ndim == 1:
        _curve(ax, values, label)
    else:
        _map(figure, ax, values, label)
    days = dataset.attrs.get("days")
    if days is not None:
        ax.set_title(f"course of {days:g} days", fontsize=look.SMALL, loc="right", color=look.GREY)
    return figure


def _values(dataset: xr.Dataset, endpoint: str | None) -> xr.DataArray:
    instance("dataset", dataset, xr.Dataset, "what scan returned")
    numbers = {str(name) for name, values in dataset.data_vars.items() if values.dtype.kind == "f"}
    names = [name for name in UNITS if name in numbers]
    if not names:
        raise InputError("this dataset holds no endpoint: give one that scan returned")
    if endpoint is None:
        endpoint = DEFAULT if DEFAULT in names else names[0]
    values = dataset[one_of("endpoint", endpoint, names)].squeeze(drop=True)
    if values.ndim == 0:
        raise InputError("the scan has one point: a figure needs two or more along a coordinate")
    if values.ndim > 2:
        raise InputError(
            f"the scan varies {values.ndim} coordinates ({', '.join(map(str, values.dims))}): "
            "a figure shows one or two; choose the others with dataset.sel or dataset.isel"
        )
    if not np.isfinite(values.values).any():
        raise InputError(f"{endpoint} is NaN at every point: see dataset.status")
    return values


def _axis_label(values: xr.DataArray, dim: object) -> str:
    coordinate = values[dim]
    name = str(coordinate.attrs.get("long_name", look.words(str(dim))))
    return f"{name} [{look.unit(str(coordinate.attrs.get('units', '1')))}]"


def _curve(ax: Axes, values: xr.DataArray, label: str) -> None:
    dim = values.dims[0]
    ax.plot(values[dim].values, values.values, color=look.COLOURS[0], marker="o", markersize=5, linewidth=1.8)
    look.dress(ax, x=_axis_label(values, dim), y=label, heading=look.words(str(values.name)))
    ax.margins(x=0.04, y=0.08)
    if float(values.min()) < 0.0 < float(values.max()):
        ax.axhline(0.0, color=look.GREY, linewidth=1.0)


def _map(figure: Figure, ax: Axes, values: xr.DataArray, label: str) -> None:
    across, up = values.dims
    x, y, z = values[across].values, values[up].values, values.transpose(up, across).values
    image = ax.pcolormesh(x, y, z, cmap=look.MAP, shading="nearest", rasterized=True)
    if min(z.shape) > 1 and float(np.nanmin(z)) < float(np.nanmax(z)):
        lines = ax.contour(x, y, z, levels=6, colors="white", linewidths=1.1)
        if min(lines.levels) < 0.0 < max(lines.levels):
            ax.contour(x, y, z, levels=[0.0], colors="white", linewidths=2.2)
        halo = ax.clabel(lines, fontsize=look.SMALL, fmt="%.3g")
        for text in halo:
            text.set_bbox({"facecolor": "#333333", "edgecolor": "none", "alpha": 0.55, "pad": 1.0})
    bar = figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_label(label, fontsize=look.NORMAL)
    bar.ax.tick_params(labelsize=look.SMALL)
    look.dress(
        ax, x=_axis_label(values, across), y=_axis_label(values, up), heading=look.words(str(values.name))
    )
    ax.grid(visible=False)
    ax.margins(0)
    failed = np.argwhere(~np.isfinite(z))
    if failed.size:
        ax.plot(
            x[failed[:, 1]],
            y[failed[:, 0]],
            linestyle="none",
            marker="x",
            color=look.COLOURS[1],
            label="failed",
        )
        look.legend(ax)
