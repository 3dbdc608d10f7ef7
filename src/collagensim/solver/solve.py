"""The engine for any model: from an initial state, along events, to a labelled response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import (
    InputError,
    SolveError,
    SolveInterrupted,
    in_range,
    increasing,
    instance,
    nearest,
    number,
    one_of,
    plain,
    shown,
)
from collagensim.model import Jump, Model, Operand, Species, evaluate
from collagensim.model.expression import text
from collagensim.response import Course, Response, as_dataset
from collagensim.solver.columns import derived_values
from collagensim.solver.engine import Engine, Limits, make_engine
from collagensim.solver.provenance import provenance_of
from collagensim.solver.status import Status
from collagensim.solver.system import Bound, Space

Array = npt.NDArray[np.float64]
METHODS = ("rodas5p", "LSODA", "BDF", "Radau")
Event = tuple[float, Mapping[str, Any]]
_NO_LINKS = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty((1, 0)))


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
    InputError
        For a value that is not valid.
    SolveError
        When the solve ends before its time; its ``finished`` is the `Course` up to there.
    SolveInterrupted
        Of Ctrl-C, a `KeyboardInterrupt`; its ``partial`` is the `Course` up to there.
    """
    instance("model", model, Model, "for example dermal_healing()")
    end = number("until", until, f"a time in {model.time_unit}s, 0 or later")
    if end < 0:
        raise InputError(f"until {plain(end)} is negative: give a time in {model.time_unit}s, 0 or later")
    one_of("method", method, METHODS)
    limits = limits_of(rtol, deadline_s)
    grid = _grid(times, end)
    for what, given in (("initial", initial), ("inputs", inputs)):
        if given is not None:
            instance(what, given, Mapping, "names with their values, as {'name': 1.0}")  # type: ignore[type-abstract]
    bound_inputs = {name: number(f"input {name!r}", value) for name, value in (inputs or {}).items()}
    due = sorted(_checked(events, end), key=lambda event: event[0])
    bound = Bound(model, Space(), bound_inputs)
    if model.basals:
        bound.solve_basal(np.zeros_like(bound.baseline))
    bound.renew()
    table = _Table(bound, grid)
    engine = make_engine(method, bound, _NO_LINKS, limits)
    change(engine, bound, initial or {})
    table.add(engine, 0.0)
    for at, changes in [*due, (end, {})]:
        table.add(engine, at)
        change(engine, bound, changes)
    data = as_dataset(table.course(), long_names=long_names(model), time_unit=model.time_unit)
    asked = {
        "until": end,
        "rtol": rtol,
        "method": method,
        "initial": _plain(initial),
        "inputs": bound_inputs,
    }
    asked["events"] = [[float(at), _plain(changes)] for at, changes in due]
    return Response(data, provenance=provenance_of(model, asked), statistics=engine.statistics())


class _Table:
    """Output rows, each with the inputs that held when it was written."""

    def __init__(self, bound: Bound, grid: Array) -> None:
        self.bound, self.grid = bound, grid
        self.columns: list[dict[str, Array]] = []
        self.rest = self._evaluate(bound.baseline[0, :1])
        self.written = 0

    def add(self, engine: Engine, until: float) -> None:
        """Integrate to ``until`` and keep the rows on the way, the one at ``until`` included."""
        last = int(np.searchsorted(self.grid, until, side="right"))
        times = self.grid[self.written : last]
        laid_out = np.full((times.size, engine.layout.n), np.nan)
        rows = engine.layout.blocks(laid_out)[:, 0]
        try:
            engine.run(np.array([until]), times[None], laid_out[None])
        except (SolveError, KeyboardInterrupt) as error:
            self._keep(rows[np.isfinite(rows[:, 0])])
            if isinstance(error, SolveError):
                error.finished = self.course()
                raise
            raise SolveInterrupted(Status.INTERRUPTED, self.course()) from None
        self._keep(rows)

    def _keep(self, rows: Array) -> None:
        self.columns.append(self._evaluate(rows))
        self.written += rows.shape[0]

    def _evaluate(self, rows: Array) -> dict[str, Array]:
        names = [derived.name for derived in self.bound.model.derived]
        # One block, so an input is one number that holds for all rows.
        derived = derived_values(self.bound, names, self.bound.inputs, rows[None])
        return {**self.bound.by_name(rows), **{name: value[0] for name, value in derived.items()}}

    def course(self) -> Course:
        """The rows written so far as a course."""
        model = self.bound.model
        names = [item.name for item in (*model.species, *model.derived)]
        return Course(
            self.grid[: self.written],
            {name: np.concatenate([part[name] for part in self.columns]) for name in names},
            {name: np.asarray(self.rest[name][0]) for name in names},
            {item.name: item.unit for item in (*model.species, *model.derived)},
        )


def limits_of(rtol: float, deadline_s: float) -> Limits:
    """Return the limits of a solve, checked."""
    return Limits(
        rtol=in_range("rtol", rtol, 1e-12, 1e-2),
        deadline_s=in_range("deadline_s", deadline_s, 1e-3, 1e7, "s"),
    )


def _plain(changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Changes as values that fit in a file: numbers as they are, formulas as text."""
    return {
        name: text(value.node) if isinstance(value, Operand) else float(value)
        for name, value in (changes or {}).items()
    }


def change(engine: Engine, bound: Bound, changes: Mapping[str, Any]) -> None:
    """Set species and inputs by name at an event; expressions read the state just before."""
    if not changes:
        return
    model, place, state = bound.model, bound.outline.place, engine.state
    before = {**bound.parameters, **bound.inputs, **bound.by_name(state.copy())}
    fresh: dict[str, Any] = {}
    for name, value in changes.items():
        if name in place:
            state[..., place[name]] = _new_value(model, model.species[place[name]], value, before)
        elif name in model.inputs:
            fresh[name] = number(name, value)
        else:
            known = [*place, *model.inputs]
            raise InputError(f"{model.name!r} has no species or input {name!r}{nearest(name, known)}")
    bound.set_inputs(fresh)
    bound.renew()
    engine.restart()


def _new_value(model: Model, species: Species, value: Any, before: Mapping[str, Any]) -> Any:
    """The value of a species after an event; ``before`` has parameters, inputs and states by name."""
    if isinstance(value, Operand):
        Jump(species, value)  # refuses a wrong unit
        derived = {item.name for item in model.derived}
        for leaf in value.node.symbols:
            if leaf.name not in before and leaf.name not in derived:
                raise InputError(
                    f"the new value of {species.name!r} reads {leaf.name!r}, which the model lacks"
                )
        new = evaluate(value.node, before)
    else:
        new = number(species.name, value)
    if not species.signed and np.any(np.asarray(new) < 0):
        raise InputError(f"{species.name} {np.min(new):g} {species.unit} is negative: an amount is 0 or more")
    return new


def long_names(model: Model) -> dict[str, str]:
    """Name -> description of every species and derived quantity that has one."""
    return {item.name: item.description for item in (*model.species, *model.derived) if item.description}


def _grid(times: Iterable[float] | None, end: float) -> Array:
    if times is None:
        return np.linspace(0.0, end, 402)
    return np.asarray(increasing("times", times, 0.0, end))


def _checked(events: object, end: float) -> list[Event]:
    if not isinstance(events, tuple | list):
        raise InputError(
            f"events {shown(events)} are not (time, changes) pairs: give for example [(1.0, {{'x': 2}})]"
        )
    found: list[Event] = []
    for event in events:
        if not isinstance(event, tuple | list) or len(event) != 2 or not isinstance(event[1], Mapping):
            raise InputError(
                f"event {shown(event)} is no (time, changes) pair: give for example (1.0, {{'x': 2}})"
            )
        found.append((in_range("event time", event[0], 0.0, end), event[1]))
    return found
