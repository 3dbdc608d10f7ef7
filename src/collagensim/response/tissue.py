"""The answer of a tissue simulation: averages by layer, and the cells, fields and vessels of chosen days."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from collagensim.errors import InputError, number, plain
from collagensim.notice import NOTICE
from collagensim.response.biopsy import Biopsy, cut
from collagensim.response.course import Course, course_of
from collagensim.response.files import save_tissue
from collagensim.response.pedigree import source_table
from collagensim.response.reading import long_table, over_baseline, variable

if TYPE_CHECKING:
    from collagensim.treatment import Protocol

Array = NDArray[Any]

# Days are rounded to ticks of five minutes.
TICKS_A_DAY = 288
HALF_A_TICK = 0.5 / TICKS_A_DAY + 1e-9


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Cells, fields and structures of one moment: all that a course needs to go on from it.

    Attributes
    ----------
    kind : (n,) index into ``kinds``; position : (n, 3) z, y, x [um] from the top of the dermis; identity : (n,).
    direction : (n, 3) unit vectors; births : (n,) daughters that a cell has had.
    made : (n_kinds, 5) cells of each kind that have entered, been born, become it, left it, died.
    inputs : what sessions and aftercare have set, input -> value.
    structures : name -> arrays by name, of what is neither a field nor a free cell: vessels, fibres, basal sheet.
    fields : species -> (nz, ny, nx); surface : species -> (ny, nx); units : species -> unit.
    edges_um : (3,) edges of a voxel; layer : (nz,) layer of each row.
    """

    kind: Array
    position: Array
    identity: Array
    kinds: Sequence[str]
    fields: Mapping[str, Array]
    surface: Mapping[str, Array]
    units: Mapping[str, str]
    edges_um: Array
    layer: Array
    direction: Array
    births: Array
    made: Array
    inputs: Mapping[str, float]
    structures: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class Tissue:
    """The course of a tissue of single cells.

    Attributes
    ----------
    data : xarray.Dataset
        Averages over ``time`` [day] and ``layer``: the variables of a `Response`.
    snapshots : dict
        Day -> `Snapshot`; see `cells`, `fields`, `vessels` and `keratinocytes`.
    channels : list
        (day, channels (n, 3)) of each session: y, x and the depth they reach below the surface [um].
    provenance, statistics : dict
        As of a `Response`; ``statistics`` has the seconds of each stage, what became of cells and vessels, and the
        SHA-256 of the last state.
    """

    data: xr.Dataset
    snapshots: Mapping[float, Snapshot]
    channels: Sequence[tuple[float, Array]]
    _: KW_ONLY
    provenance: Mapping[str, Any]
    statistics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def session_days(self) -> tuple[float, ...]:
        """The days of the sessions [day]."""
        return tuple(day for day, _ in self.channels)

    @property
    def course(self) -> Course:
        """The averages as bare arrays, for endpoints."""
        return course_of(self.data, self.session_days)

    def variable(self, name: str) -> xr.DataArray:
        """``data[name]``; an unknown name answers with the nearest one."""
        return variable(self.data, name, "this tissue")

    def fold(self, name: str, layer: str | None = None) -> xr.DataArray:
        """``name`` over its baseline [1], in every layer or in ``layer``.

        The baseline is that of this piece of skin before its first session, of so many cells as it then held.

        Raises
        ------
        InputError
            When the variable or layer is unknown, or rests at zero so that no fold exists.
        """
        return over_baseline(self.variable(name), layer)

    def summary(self) -> pd.DataFrame:
        """Table of endpoints with value, unit, place and definition: see `collagensim.analysis.endpoints`."""
        from collagensim.analysis.endpoints import endpoint_table

        return endpoint_table(self.course)

    def to_dataframe(self) -> pd.DataFrame:
        """Tidy long table of ``data``: one row for each time, layer (missing at the surface) and variable."""
        return long_table(self.data)

    def cells(self, day: float) -> pd.DataFrame:
        """Table of the cells alive on a kept day: ``kind``, ``z``, ``y``, ``x`` [um], ``identity``.

        Tips of vessels are among them; cells of the epidermis are in `keratinocytes`.

        Raises
        ------
        InputError
            When the day was not kept.
        """
        at = self.snapshot(day)
        kinds = np.array(at.kinds, dtype=object)[at.kind]
        places = {axis: at.position[:, k] for k, axis in enumerate("zyx")}
        return pd.DataFrame({"kind": kinds, **places, "identity": at.identity})

    def keratinocytes(self, day: float) -> pd.DataFrame:
        """Table of the cells of the epidermis on a kept day, one for each that touches the dermis.

        Returns
        -------
        pandas.DataFrame
            ``y``, ``x`` [um], ``identity``, and ``leading``: on its way to where it will rest, behind a front.

        Raises
        ------
        InputError
            When the day was not kept, or the tissue has a cover and no cells of it.
        """
        found = self.snapshot(day).structures.get("epithelium")
        if found is None:
            raise InputError("this tissue has no cells of the epidermis: its architecture has no Sheet")
        alive = found["identity"] != 0
        places = {axis: found["position"][alive, k] for k, axis in enumerate("yx")}
        return pd.DataFrame(
            {**places, "identity": found["identity"][alive], "leading": found["left"][alive] > 0.0}
        )

    def vessels(self, day: float) -> pd.DataFrame:
        """Table of the pieces of vessel on a kept day.

        Returns
        -------
        pandas.DataFrame
            ``z0``, ``y0``, ``x0`` and ``z1``, ``y1``, ``x1``: the ends [um], the second the short way from the first,
            so that it may lie a piece beyond a side; ``length`` [um]; ``branch``: pieces of the same number follow each
            other between junctions or ends; ``has_tip``: a tip is drawing on from it; ``number``, the same on all days.

        Raises
        ------
        InputError
            When the day was not kept, or the vessels of the tissue are a density and no network.
        """
        from collagensim.solver.tissue.network import columns_of

        return pd.DataFrame(columns_of(self.snapshot(day)))

    def fields(self, day: float) -> xr.Dataset:
        """Fields of a kept day over ``z``, ``y``, ``x`` [um], and what the surface carries over ``y``, ``x``."""
        at = self.snapshot(day)
        shape = next(iter(at.fields.values())).shape
        places = {
            axis: (np.arange(n) + 0.5) * edge for axis, n, edge in zip("zyx", shape, at.edges_um, strict=True)
        }
        found: dict[str, Any] = {name: (("z", "y", "x"), values) for name, values in at.fields.items()}
        found |= {name: (("y", "x"), values) for name, values in at.surface.items()}
        data = xr.Dataset(found, coords={**places, "layer": ("z", at.layer)})
        for name in found:
            data[name].attrs["units"] = at.units[name]
        return data

    def biopsy(self, day: float, y_um: float | None = None) -> Biopsy:
        """The upright section at ``y_um`` [um] on a kept day, one voxel thick; in the middle when not told where."""
        return cut(self, day, y_um)

    def snapshot(self, day: float) -> Snapshot:
        """All that was kept of a day, as arrays; InputError for another day."""
        asked = number("day", day, "a day that was kept")
        for kept, found in sorted(self.snapshots.items(), key=lambda each: abs(each[0] - asked)):
            if abs(kept - asked) <= HALF_A_TICK:
                return found
        days = ", ".join(plain(kept) for kept in self.snapshots)
        raise InputError(f"day {plain(asked)} was not kept: this tissue has days {days}")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a netCDF-4 file that `collagensim.load` reads back, every bit equal; whole or not at all."""
        return save_tissue(self, path)

    def branch(self, day: float, protocol: Protocol | None = None, *, days: float | None = None) -> Tissue:
        """Go on from the state of a kept ``day`` [day], with ``protocol`` from then on (days on the same clock).

        Without a protocol, that of this tissue goes on. Sessions before ``day`` are past: a protocol may leave them
        out or repeat them. ``days`` is the length of the whole course, by default that of this one. The same
        protocol gives the bits of a course that was never interrupted.

        Raises
        ------
        InputError
            When the day was not kept or is no multiple of two hours, or the past would be another.
        ModelError
            When the tissue was made by a model, or in an architecture, that this version does not know.
        """
        from collagensim.face import branch_tissue

        return branch_tissue(self, day, protocol, days=days)

    def sources(self) -> pd.DataFrame:
        """Table of what this run rests on: parameters, figures of skin and devices, and what was assumed."""
        return source_table(self.provenance)

    def __repr__(self) -> str:
        options, status = self.provenance.get("options", {}), self.provenance.get("status", "completed")
        asked = plain(float(options.get("days", self.data["time"][-1])))
        ended = "" if status == "completed" else f", {status}"
        sessions = "1 session" if len(self.channels) == 1 else f"{len(self.channels)} sessions"
        cells = self.statistics.get("cells", "?")
        return f"<Tissue of {asked} days{ended}: {sessions}, {cells} cells at the end. {NOTICE}>"
