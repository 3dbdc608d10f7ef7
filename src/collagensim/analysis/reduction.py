"""What is kept of a chunk of courses: values on the output days, and endpoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collagensim.analysis.endpoints import ENDPOINTS, endpoint_arrays
from collagensim.analysis.members import Members
from collagensim.analysis.request import Asked
from collagensim.skin import LAYERS
from collagensim.solver.columns import Courses
from collagensim.solver.status import Status

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(eq=False)
class Found:
    """What is known of the members so far; NaN where nothing is."""

    values: dict[str, Array]
    baseline: dict[str, Array]
    thickness: Array
    endpoints: dict[str, Array]
    failures: dict[int, tuple[str, str]]
    answered: set[str]
    done: NDArray[np.bool_]
    seconds: float = 0.0

    @classmethod
    def nothing(cls, asked: Asked) -> Found:
        """What is known before anything has run."""
        n, n_times = asked.pairs.n, asked.output_days.size
        shapes = {name: () if (k := asked.n_layers(name)) is None else (k,) for name in asked.variables}
        return cls(
            {name: np.full((n, n_times, *shape), np.nan) for name, shape in shapes.items()},
            {name: np.full((n, *shape), np.nan) for name, shape in shapes.items()},
            np.full((n, len(LAYERS)), np.nan),
            {name: np.full(n, np.nan) for name in asked.endpoints},
            {},
            set(),
            np.zeros(n, dtype=bool),
        )

    def answered_endpoints(self) -> dict[str, Array]:
        """Endpoints that some member could answer, in the order of their definition."""
        return {name: values for name, values in self.endpoints.items() if name in self.answered}


def keep(asked: Asked, found: Found, courses: Courses, sound: Integers, members: range) -> None:
    """Write what is asked for of the members in the places ``sound`` of a chunk."""
    numbers = members.start + courses.numbers[sound]
    times = courses.time[sound]
    rows = np.array([np.searchsorted(own, asked.output_days) for own in times])
    kept = {name: courses.values[name][sound[:, None], rows] for name in asked.variables}
    wrong = {name: ~np.isfinite(values).reshape(sound.size, -1).all(axis=1) for name, values in kept.items()}
    for name, where in wrong.items():
        for number in numbers[where].tolist():
            told = (Status.NOT_FINITE.name.lower(), f"{name} is not a finite number on some output day")
            found.failures.setdefault(number, told)
    good = ~np.any(list(wrong.values()), axis=0) if wrong else np.ones(sound.size, dtype=bool)
    for name, values in kept.items():
        found.values[name][numbers[good]] = values[good]
        found.baseline[name][numbers[good]] = courses.baseline[name][sound[good]]
    found.thickness[numbers[good]] = courses.layer_thickness[sound[good]]
    if asked.endpoints and np.any(good):
        values = endpoint_arrays(_members(asked, courses, sound[good], members))
        found.answered.update(values)
        for name in values:
            found.endpoints[name][numbers[good]] = values[name]


def _members(asked: Asked, courses: Courses, sound: Integers, members: range) -> Members:
    """Courses of the places ``sound`` as endpoints read them: on their own grids, the last row repeated."""
    numbers = courses.numbers[sound]
    days = [courses.session_days[i] for i in numbers]
    sessions = np.full((sound.size, max(map(len, days))), np.inf)
    for row, own in zip(sessions, days, strict=True):
        row[: len(own)] = own
    times = courses.time[sound]
    if asked.on_daily_grid:
        last = np.sum(np.isfinite(times), axis=1) - 1
        rows = np.minimum(np.arange(times.shape[1]), last[:, None])
    else:
        grids = [asked.grid(members.start + i) for i in numbers.tolist()]
        length = max(grid.size for grid in grids)
        padded = [np.concatenate([grid, np.repeat(grid[-1], length - grid.size)]) for grid in grids]
        rows = np.array([np.searchsorted(own, grid) for own, grid in zip(times, padded, strict=True)])
    # Most often every row is read as it is, and then nothing needs to be copied.
    whole = sound.size == courses.numbers.size and np.array_equal(
        rows, np.broadcast_to(np.arange(times.shape[1]), times.shape)
    )
    read = {name for e in ENDPOINTS if e.name in asked.endpoints for name in e.needs}
    return Members(
        np.take_along_axis(times, rows, axis=1),
        {
            name: courses.values[name] if whole else courses.values[name][sound[:, None], rows]
            for name in read
        },
        {name: courses.baseline[name][sound] for name in read},
        courses.units,
        courses.layer_thickness[sound],
        sessions,
    )
