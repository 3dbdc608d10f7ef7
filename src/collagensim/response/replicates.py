"""The same treatment of skins that differ by chance alone: a tissue for each seed."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from collagensim.errors import increasing
from collagensim.notice import NOTICE
from collagensim.response.files import save_replicates
from collagensim.response.pedigree import source_table
from collagensim.response.reading import over_baseline, variable
from collagensim.response.tissue import Tissue


@dataclass(frozen=True, eq=False, repr=False)
class Replicates:
    """What `collagensim.simulate_tissues` returns.

    Replicates of the same seeds under another protocol are paired: skin and luck of a seed are the same, so that
    ``deep.data - shallow.data`` is the treatment's doing, seed by seed.

    Attributes
    ----------
    tissues : mapping
        Seed -> `Tissue`, of those that were finished, in the order given.
    failures : mapping
        Seed -> why it was not finished.
    partial : mapping
        Seed -> `Tissue` with the finished days of the one that an interrupt ended, where all were run in this process.
        It is not among ``tissues``, nor written to a file.
    data : xarray.Dataset
        The averages of all tissues over ``seed``, ``time`` and, in the dermis, ``layer``.
    baseline : xarray.Dataset
        Their resting values over ``seed`` and ``layer``; cells are few, so that skins differ at rest already.
    """

    tissues: Mapping[int, Tissue]
    failures: Mapping[int, str] = field(default_factory=dict)
    partial: Mapping[int, Tissue] = field(default_factory=dict)

    @functools.cached_property
    def data(self) -> xr.Dataset:
        """The averages of all tissues."""
        return self._stacked(self._first.data, lambda values: values.values)

    @functools.cached_property
    def baseline(self) -> xr.Dataset:
        """Resting values of all tissues."""
        return self._stacked(
            self._first.data.isel(time=0, drop=True), lambda values: values.attrs["baseline"]
        )

    def _stacked(self, like: xr.Dataset, read: Callable[[xr.DataArray], Any]) -> xr.Dataset:
        """What is read of each variable of each tissue, over seeds and the axes of ``like``."""
        found = {
            name: xr.Variable(
                ("seed", *values.dims), np.array([read(t.data[name]) for t in self.tissues.values()]),
                {about: values.attrs[about] for about in ("units", "long_name")},
            )
            for name, values in like.data_vars.items()
        }  # fmt: skip
        return xr.Dataset(found, coords={"seed": list(self.tissues), **like.coords}, attrs={"notice": NOTICE})

    @property
    def session_days(self) -> tuple[float, ...]:
        """The days of the sessions [day]."""
        return self._first.session_days

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What all tissues share: as of one of them, with ``seeds`` for its seed."""
        shared = {name: value for name, value in self._first.provenance.items() if name != "seed"}
        return {**shared, "seeds": list(self.tissues)}

    def sources(self) -> pd.DataFrame:
        """Table of what these runs rest on: parameters, figures of skin and devices, and what was assumed."""
        return source_table(self.provenance)

    def mean(self) -> xr.Dataset:
        """Means over the seeds, with the mean of their resting values as ``baseline``."""
        found = {str(name): self.variable(str(name)) for name in self.data.data_vars}
        return xr.Dataset(found, attrs=self.data.attrs)

    def variable(self, name: str) -> xr.DataArray:
        """Mean of a variable over the seeds; an unknown name answers with the nearest one."""
        found = variable(self.data, name, "these replicates").mean("seed", keep_attrs=True)
        return found.assign_attrs(baseline=self._rest(name))

    def fold(self, name: str, layer: str | None = None) -> xr.DataArray:
        """Mean of ``name`` over the mean of its resting values [1], in every layer or in ``layer``.

        A mean over a mean, for a piece of skin may rest without a cell of a kind.

        Raises
        ------
        InputError
            When the variable or layer is unknown, or rests at zero so that no fold exists.
        """
        return over_baseline(self.variable(name), layer)

    def _rest(self, name: str) -> Any:
        return self.baseline[name].mean("seed").values.tolist()

    def bands(self, name: str, q: Sequence[float] | float = (0.05, 0.5, 0.95)) -> xr.DataArray:
        """Quantiles of a variable over the seeds, linear between them, (quantile, time, layer).

        Parameters
        ----------
        name : str
            Of a variable of ``data``.
        q : number or increasing sequence of numbers
            Within [0, 1].
        """
        values = variable(self.data, name, "these replicates")
        levels = increasing("q", [q] if np.ndim(q) == 0 else q, 0.0, 1.0)
        return values.quantile(levels, dim="seed", keep_attrs=True).assign_attrs(baseline=self._rest(name))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a netCDF-4 file that `collagensim.load` reads back, every bit equal; whole or not at all.

        Raises
        ------
        FileError
            When the file cannot be written; one that was there is left as it was.
        """
        return save_replicates(self, path)

    @property
    def _first(self) -> Tissue:
        return next(iter(self.tissues.values()))

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} not finished" if self.failures else ""
        return f"<Replicates of {len(self.tissues)} seeds{failed}. {NOTICE}>"
