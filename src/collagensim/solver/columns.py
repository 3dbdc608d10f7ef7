"""States of courses as named columns: species and derived quantities, by compartment and averaged over the tissue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import CollagensimError, one_of
from collagensim.model import Operand
from collagensim.response import Course
from collagensim.solver.mean_field import MeanField, Record, weighing
from collagensim.solver.resting import BETWEEN, SPACE, ZONE
from collagensim.solver.strike import blend
from collagensim.solver.system import Bound

Array: TypeAlias = npt.NDArray[Any]

# Rows evaluated at once, at least one member's: the few dozen arrays of a formula then stay in a core's own memory.
ROWS = 512
PARTS = {"tissue": None, "zone": ZONE, "between": BETWEEN}


@dataclass(frozen=True, eq=False)
class Courses:
    """The variables of several courses.

    Attributes
    ----------
    numbers : (n,) of the members, in the order of the leading axis below.
    time : (n, n_times) [day], filled up with inf where a member has fewer.
    values : variable -> (n, n_times, layer), or (n, n_times) for what has no layers; NaN without a time, or when the
        solve ended before it.
    baseline : variable -> (n, layer) or (n,), the resting value.
    units : variable -> unit as text.
    layer_thickness : (n, layer) [mm] at baseline.
    session_days : of each number, the days of its sessions.
    failures : number -> error, of members without a course or with a part of it.
    """

    numbers: npt.NDArray[np.int64]
    time: Array
    values: Mapping[str, Array]
    baseline: Mapping[str, Array]
    units: Mapping[str, str]
    layer_thickness: Array
    session_days: Sequence[tuple[float, ...]]
    failures: Mapping[int, CollagensimError]

    def course(self, number: int) -> Course:
        """Return the course of one member; raises what stopped it, if something did."""
        if number in self.failures:
            raise self.failures[number]
        i = int(np.flatnonzero(self.numbers == number)[0])
        n = int(np.sum(np.isfinite(self.time[i])))
        return Course(
            self.time[i, :n],
            {name: values[i, :n] for name, values in self.values.items()},
            {name: values[i] for name, values in self.baseline.items()},
            self.units,
            self.layer_thickness[i],
            self.session_days[number],
        )


class Columns:
    """The variables of finished courses.

    Parameters
    ----------
    field, record : what ran and what it left behind
    sessions : days of the sessions, of all members or one tuple for each number
    variables : the wanted ones; default all
    """

    def __init__(
        self,
        field: MeanField,
        record: Record,
        sessions: Sequence[float] | Sequence[tuple[float, ...]],
        variables: Sequence[str] | None = None,
    ) -> None:
        self.field, self.record = field, record
        self.bound = field.bound
        model = self.bound.model
        items: dict[str, Operand] = {item.name: item for item in (*model.species, *model.derived)}
        self.names = list(items) if variables is None else [one_of("variable", v, items) for v in variables]
        place = self.bound.outline.place
        self.species = [place[name] for name in self.names if name in place]
        self.derived = [name for name in self.names if name not in place]
        self.surface = self.bound.outline.surface
        self.units = {name: items[name].unit for name in self.names}  # type: ignore[attr-defined]
        each = bool(sessions) and isinstance(sessions[0], tuple)
        total = int(self.bound.numbers.max(initial=-1)) + 1
        self.sessions: list[tuple[float, ...]] = list(sessions) if each else [tuple(sessions)] * total  # type: ignore[arg-type]

    def tissue(self) -> Courses:
        """Averages over zone and between."""
        return self.parts("tissue")[0]

    def parts(self, *wanted: str) -> list[Courses]:
        """Courses of the tissue, of the zone or of the tissue between, in the order asked for."""
        n, n_rows = self.record.rows.shape[:2]
        found = [
            {name: np.empty((n, n_rows, *self._layers(name)), self.bound.dtype) for name in self.names}
            for _ in wanted
        ]
        width = max(1, ROWS // n_rows)
        for start in range(0, n, width):
            some = _Some(self.field, self.record, slice(start, min(start + width, n)))
            derived = derived_values(some.bound, self.derived, some.inputs, some.states)
            for part, out in zip(wanted, found, strict=True):
                self._fill(part, some, derived, out)
        return [self._courses(out) for out in found]

    def _layers(self, name: str) -> tuple[int, ...]:
        return () if name in self.surface else (SPACE.n_layers,)

    def _fill(self, part: str, some: _Some, derived: Mapping[str, Array], out: Mapping[str, Array]) -> None:
        """Write the variables of some members in one part."""
        which = PARTS[part]
        if which is not None:
            states = some.states[..., which, :][..., self.species]
            means = {name: values[..., which] for name, values in derived.items()}
        else:
            volumes = some.volumes
            weigh = weighing(some.bound, some.inputs)
            chosen = {k: weigh[i] for k, i in enumerate(self.species) if i in weigh}
            states = blend(
                some.states[..., self.species],
                volumes,
                {k: _held(weight(some.states)) for k, weight in chosen.items()},
            )
            means = {
                name: values[..., ZONE] * volumes[..., ZONE] + values[..., BETWEEN] * volumes[..., BETWEEN]
                for name, values in derived.items()
            }
        species = list(self.bound.outline.place)
        # One transposition for all species instead of a strided copy for each.
        rows = np.ascontiguousarray(np.moveaxis(states, -1, 0))
        means.update({species[i]: row for i, row in zip(self.species, rows, strict=True)})
        for name in self.names:
            out[name][some.where] = means[name][..., 0] if name in self.surface else means[name]

    def _courses(self, out: Mapping[str, Array]) -> Courses:
        return Courses(
            self.bound.numbers,
            self.record.time,
            {name: values[:, 1:] for name, values in out.items()},
            {name: values[:, 0] for name, values in out.items()},
            self.units,
            self.field.thickness,
            self.sessions,
            self.bound.failures,
        )


class _Some:
    """Rows of some members: states (n, n_rows, layer, compartment, m), volumes, and inputs gathered when read."""

    def __init__(self, field: MeanField, record: Record, where: slice) -> None:
        self.where = where
        members = np.arange(field.bound.n)[where]
        self.bound = field.bound if members.size == field.bound.n else field.bound.only(members)
        self.states = record.rows[where]
        self.stage = record.stage[where]
        self.inputs: Mapping[str, Array] = _Inputs(record, where, self.stage)
        share = record.shares[self.stage, members[:, None]]
        self.volumes = np.stack([share, 1.0 - share], axis=-1)


class _Inputs(dict[str, Array]):
    """Inputs of rows, (n, n_rows or 1, layer, compartment), each gathered when it is first read."""

    def __init__(self, record: Record, where: slice, stage: npt.NDArray[np.int64]) -> None:
        super().__init__()
        self.record, self.where, self.stage = record, where, stage

    def __missing__(self, name: str) -> Array:
        found = [inputs[name] for inputs in self.record.inputs]
        if all(values is found[0] for values in found):
            rows = found[0][self.where, None]
        else:
            stacked = np.stack([values[self.where] for values in found])
            rows = stacked[self.stage, np.arange(stacked.shape[1])[:, None]]
        self[name] = rows.reshape(*rows.shape[:2], SPACE.n_layers, SPACE.n_compartments)
        return self[name]

    def items(self) -> Any:
        """Every input, gathered."""
        return [(name, self[name]) for name in self.record.inputs[0]]


def _held(values: Array) -> Any:
    """A weight that is known already, as `blend` asks for it."""
    return lambda states: values


def derived_values(
    bound: Bound, names: Sequence[str], inputs: Mapping[str, Array], states: Array
) -> dict[str, Array]:
    """Derived quantities by name, (N, ...), of states (N, ..., m) and inputs that broadcast to (N, ...)."""
    table = bound.compiled.formulas.DERIVED
    shape = states.shape[:-1]
    parameters = bound.parameters_for(len(shape))
    found: dict[str, Any] = {}

    def find(name: str) -> Any:
        if name not in found:
            function, reads = table[name]
            known = {read: find(read) for read in reads}
            found[name] = function(parameters, inputs, states, known)
        return found[name]

    return {name: np.broadcast_to(find(name), shape) for name in names}
