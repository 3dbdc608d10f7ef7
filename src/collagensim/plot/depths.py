"""One variable through the skin: a curve for every layer, and a map of depth against time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.errors import InputError
from collagensim.plot import look
from collagensim.plot.look import AnyResponse

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def layers(response: AnyResponse, variable: str) -> Figure:
    """Draw ``variable`` of every layer over time, beside a map of depth [mm] against time.

    Depths are those of the dermis at baseline, 0 at its border with the epidermis; within a layer the model
    knows one value, so the map has one band a layer. Of a tissue its averages are drawn, of replicates their mean.
    """
    values = look.as_response(response).variable(variable)
    if "layer" not in values.dims:
        raise InputError(f"{variable} has no layers: use plot.timeline(response, {variable!r})")
    time = response.data["time"]
    x = f"time [{time.attrs['units']}]"
    quantity = f"{look.words(variable)} [{look.unit(values.attrs['units'])}]"
    names = [str(name) for name in values["layer"].values]
    figure = look.sheet(11.0, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.15))
    for i, name in enumerate(names):
        left.plot(time.values, values.sel(layer=name).values, color=look.COLOURS[i], linestyle=look.STYLES[i],
                  linewidth=1.8, label=look.words(name))  # fmt: skip
    look.dress(left, x=x, y=quantity, heading="by layer")
    left.set_xlim(float(time[0]), float(time[-1]))
    look.mark_sessions(left, response.session_days)
    look.legend(left)

    edges = np.concatenate([[0.0], np.cumsum(response.data["layer_thickness"].values)])
    shown = values.transpose("layer", "time").values
    middles = 0.5 * (shown[:, 1:] + shown[:, :-1])
    image = right.pcolormesh(time.values, edges, middles, cmap=look.MAP, shading="flat", rasterized=True)
    bar = figure.colorbar(image, ax=right, pad=0.02)
    bar.set_label(quantity, fontsize=look.NORMAL)
    bar.ax.tick_params(labelsize=look.SMALL)
    look.dress(right, x=x, y="depth below the epidermis [mm]", heading="through the dermis")
    right.grid(visible=False)
    right.invert_yaxis()
    for edge in edges[1:-1]:
        right.axhline(edge, color="white", linewidth=1.0)
    look.mark_sessions(right, response.session_days)
    return figure
