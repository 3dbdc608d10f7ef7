"""One course as bare arrays (cheap, for scans) and as a labelled dataset (for people)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from collagensim.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Course:
    """The arrays of one course, without labels.

    Attributes
    ----------
    time : (n,) [day], strictly increasing.
    values : variable -> (n, n_layers), or (n,) for what has no layers.
    baseline : variable -> (n_layers,), or () for what has no layers; the resting value.
    units : variable -> unit as text.
    layer_thickness : (n_layers,) [mm] at baseline, top first; empty for a model without layers.
    session_days : the days of the sessions, increasing.
    """

    time: Array
    values: Mapping[str, Array]
    baseline: Mapping[str, Array]
    units: Mapping[str, str] = field(default_factory=dict)
    layer_thickness: Array = field(default_factory=lambda: np.empty(0))
    session_days: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        n, n_layers = self.time.size, self.layer_thickness.size
        for name, values in self.values.items():
            if values.shape not in ((n,), (n, n_layers)):
                raise InputError(f"{name} has shape {values.shape}: needs ({n},) or ({n}, {n_layers})")
            if name not in self.baseline:
                raise InputError(f"{name} has no baseline: give its resting value")
            if np.shape(self.baseline[name]) != values.shape[1:]:
                shape = np.shape(self.baseline[name])
                raise InputError(f"the baseline of {name} has shape {shape}: needs {values.shape[1:]}")


def as_dataset(
    course: Course,
    *,
    layers: Sequence[str] = (),
    long_names: Mapping[str, str] | None = None,
    time_unit: str = "day",
) -> xr.Dataset:
    """Return the course as a dataset over ``time`` and ``layer``.

    Every variable carries the attributes ``units``, ``long_name`` and ``baseline`` (a number, or a list
    with one number a layer, which any netCDF reader understands). ``layer_thickness`` [mm] is a coordinate.
    """
    names = long_names or {}
    variables = {
        name: xr.Variable(
            ("time", "layer") if np.ndim(values) == 2 else ("time",),
            values,
            {
                "units": course.units.get(name, "1"),
                "long_name": names.get(name, name.replace("_", " ")),
                "baseline": np.asarray(course.baseline[name], dtype=np.float64).tolist(),
            },
        )
        for name, values in course.values.items()
    }
    coordinates: dict[str, object] = {
        "time": xr.Variable("time", course.time, {"units": time_unit, "long_name": "time"})
    }
    if len(layers) != course.layer_thickness.size:
        raise InputError(f"{len(layers)} layers are named: needs {course.layer_thickness.size}")
    if layers:
        thickness = {"units": "mm", "long_name": "layer thickness at baseline"}
        coordinates["layer"] = list(layers)
        coordinates["layer_thickness"] = xr.Variable("layer", course.layer_thickness, thickness)
    return xr.Dataset(variables, coords=coordinates)


def course_of(data: xr.Dataset, session_days: Sequence[float] = ()) -> Course:
    """Return the bare arrays of a dataset made by `as_dataset`."""
    thickness = data["layer_thickness"].values if "layer_thickness" in data.coords else np.empty(0)
    return Course(
        time=np.asarray(data["time"].values, dtype=np.float64),
        values={str(name): np.asarray(variable.values) for name, variable in data.data_vars.items()},
        baseline={
            str(name): np.asarray(v.attrs["baseline"], dtype=float) for name, v in data.data_vars.items()
        },
        units={str(name): str(v.attrs["units"]) for name, v in data.data_vars.items()},
        layer_thickness=np.asarray(thickness, dtype=np.float64),
        session_days=tuple(float(day) for day in session_days),
    )
