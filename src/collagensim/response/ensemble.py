"""The answer of many simulations: what each member came to, which failed and why, and quantiles over the rest."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from collagensim.errors import InputError, SolveError, increasing, instance
from collagensim.notice import NOTICE
from collagensim.response.course import Array
from collagensim.response.files import save_ensemble
from collagensim.response.pedigree import source_table

FAILURE_COLUMNS = ("member", "status", "message")


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble:
    """What `collagensim.simulate_many` returns; members are numbered from 0 in the order given.

    Attributes
    ----------
    data : xarray.Dataset
        Tissue averages over ``member``, ``time`` [day] and, in the dermis, ``layer``, with ``units`` and
        ``long_name``. All of a failed member is NaN.
    baseline : xarray.Dataset
        The resting values of the same variables over ``member`` and ``layer``.
    endpoints : xarray.Dataset
        One variable an endpoint over ``member``, with ``units`` and ``definition``. NaN where a member failed, where
        the endpoint does not apply to it, and where it is not reached within the course.
    parameters : pandas.DataFrame
        The parameters that were given, one row a member; those not given are the model's.
    failures : pandas.DataFrame
        Of each failed member: ``member``, ``status``, ``message`` and its parameters.
    provenance : mapping
        Plain JSON values: model, hash, skins, protocols, options, versions, sources. ``skins`` and ``protocols`` list
        the distinct ones; ``skin_of_member`` and ``protocol_of_member`` say whose is which.
    statistics : mapping
        What it cost: seconds, trajectories per second, chunks, threads.
    """

    data: xr.Dataset
    baseline: xr.Dataset = field(kw_only=True)
    endpoints: xr.Dataset = field(kw_only=True)
    parameters: pd.DataFrame = field(kw_only=True)
    failures: pd.DataFrame = field(kw_only=True)
    provenance: Mapping[str, Any] = field(kw_only=True)
    statistics: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        instance("data", self.data, xr.Dataset)

    @property
    def n(self) -> int:
        """Members, failed ones included."""
        return int(self.data.sizes["member"])

    @property
    def sound(self) -> NDArray[np.int64]:
        """The numbers of the members that did not fail."""
        return np.setdiff1d(np.arange(self.n), self.failures["member"].to_numpy(dtype=np.int64))

    def quantiles(self, q: Sequence[float] | float = (0.05, 0.5, 0.95)) -> xr.Dataset:
        """Quantiles over the members of every variable and every endpoint, linear between members.

        Failed members are left out; ``attrs`` of the dataset count them, and those of each endpoint the ``members``
        it rests on. A duration that some members do not reach lies beyond the course for them: it counts as larger
        than every one that was reached, and a quantile that falls there is inf. Members to which an endpoint does not
        apply (no session, a baseline of zero) are left out of it.

        Parameters
        ----------
        q : number or increasing sequence of numbers
            Within [0, 1].

        Raises
        ------
        SolveError
            When every member failed.
        InputError
            For a ``q`` outside [0, 1], or when a member that did not fail holds NaN.
        """
        levels = np.asarray(increasing("q", [q] if np.ndim(q) == 0 else q, 0.0, 1.0))
        sound = self.sound
        if sound.size == 0:
            raise SolveError(f"all {self.n} members failed, so there is no quantile: see failures")
        found = {name: _of_variable(v[sound], levels) for name, v in self.data.data_vars.items()}
        found |= {name: _of_endpoint(v[sound], levels) for name, v in self.endpoints.data_vars.items()}
        coordinates: dict[str, Any] = {
            "quantile": xr.Variable("quantile", levels, {"units": "1", "long_name": "quantile over members"}),
            **{name: self.data[name].variable for name in ("time", "layer") if name in self.data.coords},
        }
        about = {"members": int(sound.size), "failed_members": self.n - int(sound.size), "notice": NOTICE}
        return xr.Dataset(found, coords=coordinates, attrs=about)

    def summary(self, q: Sequence[float] | float = (0.05, 0.5, 0.95)) -> pd.DataFrame:
        """Table of quantiles of the endpoints: one row an endpoint, one column a quantile, with unit and members."""
        found = self.quantiles(q)
        names = [str(name) for name in self.endpoints.data_vars if name in found]
        rows = [
            {
                "endpoint": name,
                **{f"{level:g}": float(v) for level, v in zip(found["quantile"].values, found[name], strict=True)},
                "unit": found[name].attrs["units"],
                "members": found[name].attrs["members"],
                "not reached": found[name].attrs["not_reached"],
                "definition": found[name].attrs["definition"],
            }
            for name in names
        ]  # fmt: skip
        columns = ["endpoint", *(f"{level:g}" for level in found["quantile"].values), "unit", "members"]
        return pd.DataFrame(rows, columns=[*columns, "not reached", "definition"]).set_index("endpoint")

    def sources(self) -> pd.DataFrame:
        """Table of what these runs rest on: parameters, figures of skins and devices, and what was assumed."""
        return source_table(self.provenance)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a netCDF-4 file that `collagensim.load` reads back, every bit equal; whole or not at all."""
        return save_ensemble(self, path)

    def __repr__(self) -> str:
        return f"<Ensemble of {self._heading()}>"

    def _heading(self) -> str:
        failed = len(self.failures)
        return (
            f"{self.provenance.get('model', 'a model')}: {self.n} member{'' if self.n == 1 else 's'}"
            f"{f' ({failed} failed)' if failed else ''}, {len(self.data.data_vars)} variables at "
            f"{self.data.sizes['time']} times, {len(self.endpoints.data_vars)} endpoints"
        )

    def _repr_html_(self) -> str:
        shown = self.sound.size and len(self.endpoints.data_vars)
        table = (
            self.summary().to_html(escape=True, float_format=lambda value: f"{value:.4g}") if shown else ""
        )
        failed = self.failures.head(5).to_html(escape=True, index=False) if len(self.failures) else ""
        return f"<p><b>{html.escape(self._heading())}</b></p>{table}{failed}<p><small>{NOTICE}</small></p>"


def with_parameters(failures: pd.DataFrame, parameters: pd.DataFrame) -> pd.DataFrame:
    """Return failures (member, status, message) with the parameters of each failed member beside them."""
    own = parameters.iloc[failures["member"].to_numpy(dtype=np.int64)].reset_index(drop=True)
    return pd.concat([failures.reset_index(drop=True), own], axis=1)


def _of_variable(values: xr.DataArray, levels: Array) -> xr.Variable:
    """Quantiles of one variable over members that did not fail."""
    if np.any(np.isnan(values.values)):
        raise InputError(f"{values.name} holds NaN in a member that did not fail: leave that member out")
    about = {name: values.attrs[name] for name in ("units", "long_name") if name in values.attrs}
    return xr.Variable(("quantile", *values.dims[1:]), _quantiles(values.values, levels), about)


def _of_endpoint(values: xr.DataArray, levels: Array) -> xr.Variable:
    """Quantiles of one endpoint over the members it applies to; what is not reached counts as inf."""
    given = values.values
    late = np.isnan(given) & (values["sessions"].values > 0) & bool(values.attrs.get("may_be_late", 0))
    rests_on = np.where(late, np.inf, given)
    rests_on = rests_on[~np.isnan(rests_on)]
    found = _quantiles(rests_on, levels) if rests_on.size else np.full(levels.size, np.nan)
    about = {
        name: values.attrs[name] for name in ("units", "long_name", "definition") if name in values.attrs
    }
    counts = {"members": int(rests_on.size), "not_reached": int(np.sum(late))}
    return xr.Variable(("quantile",), found, {**about, **counts})


def _quantiles(values: Array, levels: Array) -> Array:
    """Quantiles (levels, ...) over the first axis, linear between neighbours; inf from the first neighbour that is."""
    ordered = np.sort(values, axis=0)
    place = levels * (ordered.shape[0] - 1)
    low = np.floor(place).astype(np.int64)
    share = (place - low).reshape(-1, *(1,) * (values.ndim - 1))
    below, above = ordered[low], ordered[np.minimum(low + 1, ordered.shape[0] - 1)]
    with np.errstate(invalid="ignore"):
        between = below + share * (above - below)
    return np.asarray(np.where((share == 0) | (below == above), below, between))
