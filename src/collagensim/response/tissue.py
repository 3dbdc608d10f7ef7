"""The answer of a tissue simulation: averages by layer, and the cells and fields of chosen days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from collagensim.errors import InputError, plain
from collagensim.notice import NOTICE
from collagensim.response.course import Course, course_of

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Cells and fields of one moment.

    Attributes
    ----------
    kind : (n,) index into ``kinds``; position : (n, 3) z, y, x [um] from the top of the dermis; identity : (n,).
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


@dataclass(frozen=True, eq=False, repr=False)
class Tissue:
    """The course of a tissue of single cells.

    Attributes
    ----------
    data : xarray.Dataset
        Averages over ``time`` [day] and ``layer``: the variables of a `Response`.
    snapshots : dict
        Day -> `Snapshot`; see `cells` and `fields`.
    channels : list
        (day, channels (n, 3)) of each session: y, x and the depth they reach below the surface [um].
    provenance, statistics : dict
        As of a `Response`; ``statistics`` has the seconds of each stage, what became of cells, and the SHA-256 of the
        last state.
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

    def cells(self, day: float) -> pd.DataFrame:
        """Table of the cells alive on a kept day: ``kind``, ``z``, ``y``, ``x`` [um], ``identity``.

        Raises
        ------
        InputError
            When the day was not kept.
        """
        at = self.snapshot(day)
        kinds = np.array(at.kinds, dtype=object)[at.kind]
        places = {axis: at.position[:, k] for k, axis in enumerate("zyx")}
        return pd.DataFrame({"kind": kinds, **places, "identity": at.identity})

    def fields(self, day: float) -> xr.Dataset:
        """Fields of a kept day over ``z``, ``y``, ``x`` [um], and what the surface carries over ``y``, ``x``."""
        at = self.snapshot(day)
        shape = next(iter(at.fields.values())).shape
        places = {
            axis: (np.arange(n) + 0.5) * edge for axis, n, edge in zip("zyx", shape, at.edges_um, strict=True)
        }
        found = {name: (("z", "y", "x"), values) for name, values in at.fields.items()}
        found |= {name: (("y", "x"), values) for name, values in at.surface.items()}
        data = xr.Dataset(found, coords={**places, "layer": ("z", at.layer)})
        for name in found:
            data[name].attrs["units"] = at.units[name]
        return data

    def snapshot(self, day: float) -> Snapshot:
        """Cells and fields of a kept day as arrays; InputError for another day."""
        for kept, found in self.snapshots.items():
            if abs(kept - day) < 1e-6:
                return found
        days = ", ".join(plain(kept) for kept in self.snapshots)
        raise InputError(f"day {plain(day)} was not kept: this tissue has days {days}")

    def __repr__(self) -> str:
        last = plain(float(self.data["time"][-1]))
        cells = self.statistics.get("cells", "?")
        return f"<Tissue of {last} days, {len(self.channels)} sessions, {cells} cells at the end. {NOTICE}>"
