"""The answer of a simulation: labelled courses that know their units and where they come from."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from collagensim.errors import instance, plain
from collagensim.notice import NOTICE
from collagensim.response.course import Course, course_of
from collagensim.response.files import save
from collagensim.response.pedigree import source_table
from collagensim.response.reading import long_table, over_baseline, variable

if TYPE_CHECKING:
    from collagensim.treatment import Protocol


class Later:
    """A dataset of a `Response`; given as a function, it is made when it is first read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.place = f"_{name}"

    def __set__(self, holder: object, given: xr.Dataset | Callable[[], xr.Dataset] | None) -> None:
        vars(holder)[self.place] = given

    def __get__(self, holder: object | None, owner: type | None = None) -> xr.Dataset | None:
        if holder is None:
            return None  # the default of the field
        held = vars(holder)
        given: xr.Dataset | Callable[[], xr.Dataset] | None = held[self.place]
        if given is None or isinstance(given, xr.Dataset):
            return given
        held[self.place] = made = given()
        return made


@dataclass(frozen=True, eq=False, repr=False)
class Response:
    """The course of every variable after a protocol.

    Attributes
    ----------
    data : xarray.Dataset
        Tissue averages over ``time`` [day] and, in the dermis, ``layer``; every variable carries ``units``,
        ``long_name`` and ``baseline``. A model without layers has ``time`` only, in its own unit.
    zone, between : xarray.Dataset or None
        The same around the channels and in the tissue between them; computed when first read.
    provenance : dict
        Plain JSON values: model, hash, parameters, skin, protocol, options, versions, status, sources.
    statistics : dict
        What the solve cost: steps, evaluations, seconds.
    """

    data: xr.Dataset
    _: KW_ONLY
    zone: Later = Later()
    between: Later = Later()
    provenance: Mapping[str, Any]
    statistics: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        instance("data", self.data, xr.Dataset)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: the datasets, and not what makes them."""
        made = {f"_{name}": getattr(self, name) for name in ("zone", "between")}
        return {**vars(self), **made}

    @property
    def session_days(self) -> tuple[float, ...]:
        """The days of the sessions [day], increasing; empty when the model knows none."""
        sessions = (self.provenance.get("protocol") or {}).get("sessions", ())
        return tuple(float(entry["day"]) for entry in sessions)

    @property
    def course(self) -> Course:
        """The tissue averages as bare arrays, for endpoints."""
        return course_of(self.data, self.session_days)

    def fold(self, name: str, layer: str | None = None) -> xr.DataArray:
        """``name`` over its baseline [1], in every layer or in ``layer``.

        Raises
        ------
        InputError
            When the variable or layer is unknown, or rests at zero so that no fold exists.
        """
        return over_baseline(self.variable(name), layer)

    def variable(self, name: str) -> xr.DataArray:
        """``data[name]``; an unknown name answers with the nearest one."""
        return variable(self.data, name, "this response")

    def summary(self) -> pd.DataFrame:
        """Table of endpoints with value, unit, place and definition: see `collagensim.analysis.endpoints`."""
        from collagensim.analysis.endpoints import endpoint_table

        return endpoint_table(self.course)

    def sources(self) -> pd.DataFrame:
        """Table of what this run rests on: parameters, figures of skin and devices, and what was assumed."""
        return source_table(self.provenance)

    def to_dataframe(self) -> pd.DataFrame:
        """Tidy long table of ``data``: one row for each time, layer (missing at the surface) and variable."""
        return long_table(self.data)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a netCDF-4 file that `collagensim.load` reads back, every bit equal; whole or not at all."""
        return save(self, path)

    def branch(self, day: float, protocol: Protocol | None = None, *, days: float | None = None) -> Response:
        """The same course up to ``day`` [day], then ``protocol`` instead (days on the original clock).

        ``protocol`` None means no further session; ``days`` defaults to the length of this course.
        The sessions before ``day`` are simulated again, so the two courses agree until then.
        """
        import collagensim
        from collagensim.analysis.branch import branched

        return branched(
            self, day, protocol, days=days, simulate=collagensim.simulate, model=collagensim.dermal_healing()
        )

    def __repr__(self) -> str:
        return f"<Response of {self._heading()}>"

    def _heading(self) -> str:
        time = self.data["time"]
        unit = str(time.attrs.get("units", "day"))
        model = self.provenance.get("model", "a model")
        held = _counted(len(self.data.data_vars), "variable")
        if self.provenance.get("protocol"):
            held = f"{_counted(len(self.session_days), 'session')}, {held}"
        return f"{model}: {held} over {_counted(float(time[-1]), unit)}"

    def _repr_html_(self) -> str:
        table = self.summary()
        body = (
            str(table.to_html(escape=True, float_format=lambda value: f"{value:.4g}")) if len(table) else ""
        )
        return f"<p><b>{html.escape(self._heading())}</b></p>{body}<p><small>{NOTICE}</small></p>"


def _counted(n: float, thing: str) -> str:
    return f"{plain(n)} {thing}{'' if n == 1 else 's'}"
