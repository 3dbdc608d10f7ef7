"""The same treatment of skins that differ by chance alone: a tissue for each seed."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from collagensim.errors import increasing, one_of
from collagensim.notice import NOTICE
from collagensim.response.files import save_replicates
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
    data : xarray.Dataset
        The averages of all tissues over ``seed``, ``time`` and, in the dermis, ``layer``.
    baseline : xarray.Dataset
        Their resting values over ``seed`` and ``layer``; cells are few, so that skins differ at rest already.
    """

    tissues: Mapping[int, Tissue]
    failures: Mapping[int, str] = field(default_factory=dict)

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

    def mean(self) -> xr.Dataset:
        """Means over the seeds."""
        return self.data.mean("seed", keep_attrs=True)

    def bands(self, name: str, q: Sequence[float] | float = (0.05, 0.5, 0.95)) -> xr.DataArray:
        """Quantiles of a variable over the seeds, linear between them, (quantile, time, layer).

        Parameters
        ----------
        name : str
            Of a variable of ``data``.
        q : number or increasing sequence of numbers
            Within [0, 1].
        """
        known = one_of("variable", name, map(str, self.data.data_vars))
        levels = increasing("q", [q] if np.ndim(q) == 0 else q, 0.0, 1.0)
        return self.data[known].quantile(levels, dim="seed", keep_attrs=True)

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
