"""One course as bare arrays (cheap, for scans) and as a labelled dataset (for people)."""

from __future__ import annotations

import functools
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
    if len(layers) != course.layer_thickness.size:
        raise InputError(f"{len(layers)} layers are named: needs {course.layer_thickness.size}")
    names = long_names or {}
    kinds = tuple(
        (name, values.ndim, course.units.get(name, "1"), names.get(name, name.replace("_", " ")))
        for name, values in course.values.items()
    )
    frame = _frame(kinds, tuple(layers), (course.time.dtype.str, course.time.tobytes()), time_unit)
    data = frame.copy(data=dict(course.values))
    variables = data.variables
    for name in course.values:
        baseline = np.asarray(course.baseline[name], dtype=np.float64)
        variables[name].attrs["baseline"] = baseline.tolist()
    if layers:
        variables["layer_thickness"].data = course.layer_thickness
    return data


@functools.lru_cache(maxsize=8)
def _frame(
    kinds: tuple[tuple[str, int, str, str], ...],
    layers: tuple[str, ...],
    time: tuple[str, bytes],
    time_unit: str,
) -> xr.Dataset:
    """A dataset with labels and no values: xarray takes longer to check labels than a small model to be solved.

    ``kinds`` are (name, number of axes, unit, long name) of the variables, ``time`` the type and bytes of the times.
    """
    times = np.frombuffer(time[1], dtype=time[0])  # read-only, for all datasets share it
    shape, dims = (times.size, len(layers)), ("time", "layer")
    variables = {
        name: xr.Variable(
            dims[:n_axes], np.broadcast_to(0.0, shape[:n_axes]), {"units": unit, "long_name": long_name}
        )
        for name, n_axes, unit, long_name in kinds
    }
    coordinates: dict[str, object] = {
        "time": xr.Variable("time", times, {"units": time_unit, "long_name": "time"})
    }
    if layers:
        thickness = {"units": "mm", "long_name": "layer thickness at baseline"}
        coordinates["layer"] = list(layers)
        coordinates["layer_thickness"] = xr.Variable("layer", np.zeros(len(layers)), thickness)
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
