"""Several courses side by side, as bare arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collagensim.response import Course
from collagensim.response.course import Array


@dataclass(frozen=True, eq=False)
class Members:
    """The arrays of several courses side by side: endpoints are computed for all at once.

    Attributes
    ----------
    time : (n, n_times) [day]; a member with fewer times repeats its last one, and its last values.
    values : variable -> (n, n_times, n_layers), or (n, n_times) for what has no layers.
    baseline : variable -> (n, n_layers) or (n,), the resting value.
    units : variable -> unit as text.
    layer_thickness : (n, n_layers) [mm]; no layers for a model without any.
    sessions : (n, n_sessions) [day], filled up with inf where a member has fewer.
    """

    time: Array
    values: Mapping[str, Array]
    baseline: Mapping[str, Array]
    units: Mapping[str, str]
    layer_thickness: Array
    sessions: Array

    @classmethod
    def of(cls, course: Course) -> Members:
        """One course as its own only member."""
        return cls(
            course.time[None],
            {name: values[None] for name, values in course.values.items()},
            {name: np.asarray(course.baseline[name])[None] for name in course.values},
            course.units,
            course.layer_thickness[None],
            np.asarray(course.session_days, dtype=np.float64)[None],
        )

    @property
    def last_session(self) -> Array:
        """(n,) day of the last session, 0 when there is none."""
        days = np.where(np.isfinite(self.sessions), self.sessions, 0.0)
        return np.asarray(np.max(days, axis=1, initial=0.0))

    def layered(self, name: str) -> bool:
        """Whether a variable has a value in each layer."""
        return self.values[name].ndim == 3

    def at(self, places: NDArray[np.int64]) -> Array:
        """(n,) times of the given outputs, one of each member."""
        return np.asarray(self.time[np.arange(places.size), places])
