"""How variables are read off labelled averages: by name, over their resting values, and as one long table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from collagensim.errors import InputError, nearest, one_of, shown


def variable(data: xr.Dataset, name: str, holder: str) -> xr.DataArray:
    """Return ``data[name]``; an unknown name answers with the nearest one."""
    if name in list(data.data_vars):
        return data[name]
    names = [str(known) for known in data.data_vars]
    raise InputError(
        f"no variable {shown(name)} in {holder}{nearest(name, names) or ': see list(data.data_vars)'}"
    )


def over_baseline(values: xr.DataArray, layer: str | None = None) -> xr.DataArray:
    """Return values over their attribute ``baseline`` [1], in every layer or in ``layer``.

    Raises
    ------
    InputError
        When the layer is unknown, or the variable rests at zero so that no fold exists.
    """
    baseline: xr.DataArray | float = values.attrs["baseline"]
    if "layer" in values.dims:
        baseline = xr.DataArray(np.asarray(baseline, dtype=float), dims="layer")
    if not np.all(np.asarray(baseline) > 0):
        raise InputError(
            f"{values.name} rests at zero, so it has no fold: use data[{values.name!r}] [{values.attrs['units']}]"
        )
    folded = values / baseline
    folded.attrs = {
        "units": "1",
        "long_name": f"{values.attrs['long_name']} over baseline",
        "baseline": 1.0,
    }
    if layer is None:
        return folded
    if "layer" not in folded.dims:
        raise InputError(f"{values.name} has no layers: leave layer out")
    return folded.sel(layer=one_of("layer", layer, map(str, folded["layer"].values)))


def long_table(data: xr.Dataset) -> pd.DataFrame:
    """Return one row for each time, layer (missing at the surface) and variable, with its unit."""
    frames = []
    for name, values in data.data_vars.items():
        frame = values.drop_vars("layer_thickness", errors="ignore").to_dataframe(name="value").reset_index()
        frames.append(frame.assign(variable=str(name), unit=values.attrs["units"]))
    table = pd.concat(frames, ignore_index=True)
    order = [column for column in ("time", "layer", "variable", "value", "unit") if column in table]
    return table[order]
