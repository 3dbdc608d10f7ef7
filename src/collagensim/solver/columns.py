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
from collagensim.solver.averages import find_derived
from collagensim.solver.mean_field import MeanField, Record, weighing
from collagensim.solver.resting import BETWEEN, SPACE, ZONE
from collagensim.solver.strike import blend
from collagensim.solver.system import Bound

Array: TypeAlias = npt.NDArray[Any]

# Rows evaluated at once, at least one member's: many enough that calling NumPy costs little, and few enough that the
# arrays of a formula stay in a core's own memory.
ROWS = 2048
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

    @classmethod
    def of_nobody(cls, failures: Mapping[int, CollagensimError]) -> Courses:
        """Return what is left when every member fails before it runs."""
        none = np.empty((0, 0))
        return cls(np.empty(0, dtype=np.int64), none, {}, {}, {}, none, (), failures)

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
        self.bound, self.record, self.thickness = field.bound, record, field.thickness
        model = self.bound.model
        items: dict[str, Operand] = {item.name: item for item in (*model.species, *model.derived)}
        wanted = items if variables is None else [one_of("variable", name, items) for name in variables]
        self.names = list(dict.fromkeys(wanted))
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
        if self.bound.dtype != np.float64:
            return self.part("tissue")
        record, bound = self.record, self.bound
        n, n_rows = record.rows.shape[:2]
        step, beside = record.rows.strides[-1] // 8, record.rows.strides[-2] // 8
        averages = bound.compiled.averages(step, beside)
        m, places = (
            len(bound.model.species),
            {derived.name: k for k, derived in enumerate(bound.model.derived)},
        )
        chosen: list[int] | slice = [*self.species, *(m + places[name] for name in self.derived)]
        if chosen == list(range(averages.n_found)):
            chosen = slice(None)
        found = np.empty((len(self.names), n, n_rows, SPACE.n_layers))
        for i in range(n):
            p = [
                bound.parameters[name][i, 0] if name in bound.varied else bound.parameters[name]
                for name in averages.written.parameters
            ]
            u = [[one[name][i] for name in averages.written.inputs] for one in record.inputs]
            rows = averages(record.rows[i], record.stage[i], record.shares[:, i], np.array(p), np.array(u))
            found[:, i] = np.moveaxis(rows[..., chosen], -1, 0)
        return self._courses(found)

    def part(self, wanted: str) -> Courses:
        """Courses of the tissue, of the zone or of the tissue between."""
        n, n_rows = self.record.rows.shape[:2]
        # Species before derived quantities.
        found = np.empty((len(self.names), n, n_rows, SPACE.n_layers), self.bound.dtype)
        every = self.species == list(range(self.record.rows.shape[-1]))
        width = max(1, ROWS // n_rows)
        for start in range(0, n, width):
            some = _Some(self.bound, self.record, slice(start, min(start + width, n)), every)
            self._fill(PARTS[wanted], some, found[:, some.where], slice(None) if every else self.species)
        return self._courses(found)

    def _fill(self, which: int | None, some: _Some, out: Array, chosen: slice | list[int]) -> None:
        """Write the ``chosen`` states and the derived quantities of some members into ``out``.

        ``out`` is (variable, n, n_rows, layer); ``which`` is the compartment, or None for the average.
        """
        derived = derived_values(some.bound, self.derived, some.inputs, some.states)
        of_species, of_derived = np.split(out, [len(self.species)])
        if which is not None:
            of_species[:] = np.moveaxis(some.states[..., which, :], -1, 0)[chosen]
            for row, values in zip(of_derived, derived.values(), strict=True):
                row[:] = values[..., which]
            return
        weigh = weighing(some.bound, some.inputs)
        weights = {k: weigh[i](some.states) for k, i in enumerate(self.species) if i in weigh}
        held = {k: _held(values) for k, values in weights.items()}
        blend(some.states[..., chosen], some.volumes, held, of_species)
        for row, values in zip(of_derived, derived.values(), strict=True):
            np.multiply(values[..., ZONE], some.volumes[..., ZONE], out=row)
            row += values[..., BETWEEN] * some.volumes[..., BETWEEN]

    def _courses(self, found: Array) -> Courses:
        species = list(self.bound.outline.place)
        rows = dict(zip([*(species[i] for i in self.species), *self.derived], found, strict=True))
        out = {
            name: np.ascontiguousarray(rows[name][..., 0]) if name in self.surface else rows[name]
            for name in self.names
        }
        return Courses(
            self.bound.numbers,
            self.record.time,
            {name: values[:, 1:] for name, values in out.items()},
            {name: values[:, 0] for name, values in out.items()},
            self.units,
            self.thickness,
            self.sessions,
            self.bound.failures,
        )


class _Some:
    """Rows of some members: states (n, n_rows, layer, compartment, m), volumes, and inputs gathered when read."""

    def __init__(self, bound: Bound, record: Record, where: slice, every: bool) -> None:
        self.where = where
        members = np.arange(bound.n)[where]
        self.bound = bound if members.size == bound.n else bound.only(members)
        self.states = record.rows[where]
        if every:
            # Each state along contiguous memory: worth its while where all of them are read.
            self.states = np.moveaxis(np.ascontiguousarray(np.moveaxis(self.states, -1, 0)), 0, -1)
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
    shape, found = states.shape[:-1], dict[str, Any]()
    given = (bound.parameters_for(len(shape)), inputs, states)
    for name in names:
        find_derived(name, bound.compiled.formulas.DERIVED, given, found)
    return {name: np.broadcast_to(found[name], shape) for name in names}
