"""The engine for any model: from an initial state, along events, to a labelled response."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, nearest, one_of
from collagensim.model import Model, Operand
from collagensim.response import Course, Response, as_dataset
from collagensim.solver.engine import Engine, Limits
from collagensim.solver.provenance import provenance_of
from collagensim.solver.system import Bound, Space

Array = npt.NDArray[np.float64]
METHODS = ("rodas5p", "LSODA", "BDF", "Radau")
Event = tuple[float, Mapping[str, Any]]
_NO_LINKS = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))


def solve(
    model: Model,
    *,
    until: float,
    initial: Mapping[str, float] | None = None,
    inputs: Mapping[str, float] | None = None,
    events: Sequence[Event] = (),
    times: Iterable[float] | None = None,
    method: str = "rodas5p",
    rtol: float = 1e-6,
    deadline_s: float = 600.0,
) -> Response:
    """Integrate any model of one block in its own time unit.

    Parameters
    ----------
    model : Model
    until : float
        End [model.time_unit]; the start is 0.
    initial : mapping, optional
        Species name -> initial value; the others start at their baseline.
    inputs : mapping, optional
        Input name -> value; the others take their default.
    events : sequence of (time, changes)
        ``changes`` maps species and input names to a number, or species to an expression of the state just before.
    times : iterable of float, optional
        When to report, increasing within [0, until]; default 401 equal steps.
    method : {"rodas5p", "LSODA", "BDF", "Radau"}
        The package's own stepper, or SciPy's on the same compiled right side.
    rtol : float
        Relative tolerance; the absolute one is 1e-3 of it times each state's scale.
    deadline_s : float
        Wall seconds allowed.

    Returns
    -------
    Response
        ``data`` over ``time``; at an event the value just before it.

    Raises
    ------
    InputError, SolveError
    """
    end = _finite("until", until, low=0.0)
    one_of("method", method, METHODS)
    limits = Limits(rtol=_tolerance(rtol), deadline_s=deadline_s)
    grid = _grid(times, end)
    bound = Bound(model, Space(), inputs or {})
    if model.basals:
        bound.solve_basal(np.zeros_like(bound.baseline))
    rest = bound.baseline[0].copy()
    engine = _engine(method, bound, limits)
    change(engine, bound, initial or {})
    rows = np.empty((grid.size, bound.compiled.m))
    due = sorted(_checked(events, end), key=lambda event: event[0])
    for start, changes in [*due, (end, {})]:
        within = (grid > engine.time) & (grid <= start) if engine.time > 0 else grid <= start
        if start > engine.time or within.any():
            part = np.empty((int(within.sum()), rows.shape[1]))
            engine.run(start, grid[within], part)
            rows[within] = part
        engine.time = start
        change(engine, bound, changes)
    course = _course(bound, grid, rows, rest)
    data = as_dataset(course, long_names=long_names(model), time_unit=model.time_unit)
    record = provenance_of(
        model, {"until": end, "rtol": rtol, "method": method, "initial": dict(initial or {})}
    )
    return Response(data, provenance=record, statistics=engine.statistics())


def change(engine: Engine, bound: Bound, changes: Mapping[str, Any]) -> None:
    """Set species and inputs by name at an event; expressions read the state just before."""
    if not changes:
        return
    names = bound.model.species_names
    before = bound.by_name(engine.state.copy())
    fresh: dict[str, Any] = {}
    for name, value in changes.items():
        if name in names:
            new = bound.value(value.node, before) if isinstance(value, Operand) else _finite(name, value)
            engine.state[:, names.index(name)] = new
        elif name in bound.model.inputs:
            fresh[name] = value
        else:
            known = [*names, *bound.model.inputs]
            raise InputError(f"{bound.model.name!r} has no species or input {name!r}{nearest(name, known)}")
    bound.set_inputs(fresh)
    engine.restart()


def long_names(model: Model) -> dict[str, str]:
    """Name -> description of every species and derived quantity that has one."""
    return {item.name: item.description for item in (*model.species, *model.derived) if item.description}


def _course(bound: Bound, grid: Array, rows: Array, rest: Array) -> Course:
    model = bound.model
    values = bound.by_name(rows)
    resting = bound.by_name(rest)
    units = {s.name: s.unit for s in model.species}
    inputs = {name: value[0] for name, value in bound.inputs.items()}
    for derived in model.derived:
        node = derived.expression.node
        values[derived.name] = np.broadcast_to(bound.value(node, {**inputs, **values}), grid.shape)
        resting[derived.name] = np.asarray(bound.value(node, {**inputs, **resting}))
        units[derived.name] = derived.unit
    return Course(grid, values, {name: np.asarray(v, dtype=float) for name, v in resting.items()}, units)


def _engine(method: str, bound: Bound, limits: Limits) -> Engine:
    if method == "rodas5p":
        return Engine(bound, _NO_LINKS, limits)
    from collagensim.solver.scipy_engine import ScipyEngine

    return ScipyEngine(bound, _NO_LINKS, limits, method)


def _grid(times: Iterable[float] | None, end: float) -> Array:
    grid = np.linspace(0.0, end, 402) if times is None else np.asarray(list(times), dtype=np.float64)
    if grid.ndim != 1 or not grid.size or not np.all(np.isfinite(grid)):
        raise InputError("times must be a list of finite numbers")
    if np.any(np.diff(grid) <= 0) or grid[0] < 0 or grid[-1] > end:
        raise InputError(f"times must increase within 0 to {end:g}: got {grid[0]:g} to {grid[-1]:g}")
    return grid


def _checked(events: Sequence[Event], end: float) -> list[Event]:
    for at, _ in events:
        if not 0.0 <= _finite("event time", at) <= end:
            raise InputError(f"an event at {at:g} lies outside 0 to {end:g}")
    return list(events)


def _tolerance(rtol: float) -> float:
    value = _finite("rtol", rtol)
    if not 1e-12 <= value <= 1e-2:
        raise InputError(f"rtol {value:g} is outside 1e-12 to 0.01; 1e-6 is the default")
    return value


def _finite(what: str, value: Any, low: float = -math.inf) -> float:
    if isinstance(value, (bool, str)) or value is None:
        raise InputError(f"{what} {value!r} is not a number")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{what} {value!r} is not a number") from None
    if not math.isfinite(number) or number <= low:
        raise InputError(
            f"{what} {number:g} must be finite" + (f" and above {low:g}" if low > -math.inf else "")
        )
    return number
