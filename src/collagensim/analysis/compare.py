"""The paired contrast of two courses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from collagensim.analysis.endpoints import endpoint_table
from collagensim.errors import InputError, instance
from collagensim.response import Response


@dataclass(frozen=True, eq=False, repr=False)
class Contrast:
    """What a second course did that a first did not.

    Attributes
    ----------
    endpoints : pandas.DataFrame
        Indexed by endpoint: ``first``, ``second``, ``difference`` (second - first), ``ratio`` (second over
        first) and ``unit``.
    difference, ratio : xarray.Dataset
        The same for every shared variable on the shared days (those of the first course within the second,
        which is read linearly between its own); a ratio over zero is NaN.
    """

    endpoints: pd.DataFrame
    difference: xr.Dataset
    ratio: xr.Dataset

    def __repr__(self) -> str:
        return f"<Contrast of {len(self.endpoints)} endpoints>\n{self.endpoints.to_string()}"

    def _repr_html_(self) -> str:
        return str(self.endpoints.to_html(escape=True, float_format=lambda value: f"{value:.4g}"))


def compare(response: Response, other: Response) -> Contrast:
    """Return ``other`` against ``response``: endpoints and variables, as differences and ratios."""
    for what, given in (("first response", response), ("second response", other)):
        instance(what, given, Response, "what simulate returned")
    first, second = response.data, other.data
    if first.sizes.get("layer") != second.sizes.get("layer"):
        raise InputError("the two responses have different layers: compare courses of the same model")
    shared = [name for name in first.data_vars if name in second.data_vars]
    time = first["time"].values
    within = time[(time >= second["time"].values[0]) & (time <= second["time"].values[-1])]
    if not shared or not within.size:
        raise InputError("the two responses share no variable or no day: nothing can be compared")
    for name in shared:
        one, two = first[name].attrs["units"], second[name].attrs["units"]
        if one != two:
            raise InputError(f"{name} is in {one} in the first response and in {two} in the second")
    on_days = first[shared].sel(time=within)
    differences, ratios = {}, {}
    for name in shared:
        a, b = on_days[name], _at(second[name], within)
        attributes = {"long_name": a.attrs["long_name"]}
        differences[name] = a.copy(data=b - a.values).assign_attrs(**attributes, units=a.attrs["units"])
        over = np.divide(b, a.values, out=np.full_like(b, np.nan), where=a.values != 0)
        ratios[name] = a.copy(data=over).assign_attrs(**attributes, units="1")
    return Contrast(_paired(response, other), _dataset(differences), _dataset(ratios))


def _dataset(variables: dict[object, xr.DataArray]) -> xr.Dataset:
    for variable in variables.values():
        variable.attrs.pop("baseline", None)
    return xr.Dataset(variables)


def _at(values: xr.DataArray, days: np.ndarray) -> np.ndarray:
    """``values`` read linearly at ``days``; exactly its own numbers on its own days."""
    time = values["time"].values
    columns = values.transpose("time", ...).values.reshape(time.size, -1)
    read = np.stack([np.interp(days, time, column) for column in columns.T], axis=-1)
    return read.reshape(days.size, *values.shape[1:])


def _paired(response: Response, other: Response) -> pd.DataFrame:
    first, second = endpoint_table(response.course), endpoint_table(other.course)
    names = [name for name in first.index if name in second.index]
    table = pd.DataFrame({"first": first.loc[names, "value"], "second": second.loc[names, "value"]})
    table["difference"] = table["second"] - table["first"]
    table["ratio"] = table["second"] / table["first"].where(table["first"] != 0)
    table["unit"] = first.loc[names, "unit"]
    return table
