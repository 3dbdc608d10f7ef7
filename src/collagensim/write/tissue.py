"""The biology as one voxel of tissue reads it: what fields gain and lose, and what happens to single cells.

Nothing is stated twice: the rates are those of the model's reactions. What is sensed stands in ``y``, who acts in
``n``. A reaction that changes a cell species is an event of single cells; every other effect is a flux, also that of an
event (the debris of a bursting neutrophil flows at the mean rate of bursting). Where sensed and acting densities are
equal, fluxes and events add up to the right side of the ordinary differential equations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from collagensim.model import Expression, Model, Species
from collagensim.model.expression import add, constant, multiply
from collagensim.write.algebra import Acting, doubts
from collagensim.write.events import ARRIVES, Event, Flow, Term, flows, happenings
from collagensim.write.kernel import _bare, _function, _Writer
from collagensim.write.lowering import TOP, gradient, level, states_read

__all__ = ["CellEvent", "Result", "TissuePlan", "write_tissue"]


Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CellEvent:
    """What happens to a cell of a kind, kinds counted as in ``n``.

    ``outcome`` is "dies", "divides", "becomes" or "makes"; ``other`` is the kind that appears, -1 where none does.
    """

    kind: int
    outcome: str
    other: int


@dataclass(frozen=True)
class Result:
    """What one element of ``out`` is.

    ``species`` it happens to, ``what``: "changes" (net rate of a field), "is lost" (its loss), "gains apart" (what some
    of its reactions add), "arrives" or the outcome of an event; ``other`` is the species that an event makes; ``unit``
    and ``made_by``, names of the reactions and basal sources (``basal.<species>``) that make it.
    """

    species: str
    what: str
    other: str
    unit: str
    made_by: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TissuePlan:
    """The text of ``voxel_rates(y, n, p, u, out)`` and what each element of its arrays is.

    ``y`` holds the m species of the model as the voxel senses them, ``n`` the density of each cell species that acts in
    it: these make the fluxes, while arrivals and hazards depend on what is sensed alone. ``out`` holds the net rate of
    each field [unit of the field / time], the loss of each field, -d net / d field [1 / time], the arrivals of each
    cell species [unit of the species / time] and the hazard of each event [1 / time].
    A loss may be negative where a field makes more of itself. Of the reactions that were asked for apart, it holds what
    they add to a field: their net rate and what they take, slope times level.

    Attributes
    ----------
    text : straight-line text, see `collagensim.kernels.straight`.
    cells : positions in the model's species of the cell species, in the order of ``n``.
    events : what happens to single cells, in the order of the hazards, those of one kind together.
    net_rows, loss_rows : (m,) where a species' net rate and loss stand in ``out``, -1 for cells.
    gain_rows : (m,) where a species' gain apart stands, -1 where none was asked for.
    entry_rows : (n_cells,) where the arrivals of each kind of cell stand, -1 where none ever arrives.
    hazard_rows : where the hazards stand, one after the other.
    first_event : (n_cells + 1,) the events of kind k are first_event[k] to first_event[k + 1].
    constant : (n_out,) which elements are free of state.
    n_everywhere, n_on_top : the first n_everywhere elements of ``out`` depend on the state of every voxel, those up to
        n_on_top tell what happens to the surface, and the others are free of state.
    parameter_slots, input_slots : formulas whose values ``p`` and ``u`` hold; in ``u``, ``surface.present`` scales
        what the surface does to the tissue below, never what happens to the surface itself.
    results : what each element of ``out`` is.
    trusted : formulas free of state that must not be negative for a hazard never to be.
    """

    text: str
    cells: tuple[int, ...]
    events: tuple[CellEvent, ...]
    net_rows: Integers
    loss_rows: Integers
    gain_rows: Integers
    entry_rows: Integers
    hazard_rows: slice
    first_event: Integers
    constant: npt.NDArray[np.bool_]
    n_everywhere: int
    n_on_top: int
    parameter_slots: tuple[Expression, ...]
    input_slots: tuple[Expression, ...]
    results: tuple[Result, ...]
    trusted: tuple[Expression, ...]

    @property
    def n_out(self) -> int:
        """Elements of ``out``."""
        return len(self.results)

    def table(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """Rows (species, what happens, unit, names of the reactions and basal sources that make it)."""
        return [(r.species, f"{r.what} {r.other}".strip(), r.unit, r.made_by) for r in self.results]


def write_tissue(model: Model, apart: Mapping[str, Collection[str]] | None = None) -> TissuePlan:
    """Return the text of a model's rates in one voxel, and what it reads and gives.

    ``apart`` names species of fields, and of each some reactions whose gain is to be told apart.

    Raises
    ------
    ModelError
        For a reaction whose effect on cells cannot be read as events of single cells.
    """
    rows = sorted(_rows(model, apart or {}), key=lambda row: row.rank)
    cells = tuple(i for i, s in enumerate(model.species) if s.kind == "cell")
    kinds = {model.species[i]: k for k, i in enumerate(cells)}
    happening = [(k, row.event) for k, row in enumerate(rows) if row.rank == _HAZARD]
    events = [
        CellEvent(kinds[e.cell], e.outcome, -1 if e.other is None else kinds[e.other]) for _, e in happening
    ]
    first = happening[0][0] if happening else 0
    writer = _VoxelWriter(model, cells, [node for row in rows for node in row.formulas()])
    body = [f"    out[{k}] = {writer.whole(row.plain, row.parts)}" for k, row in enumerate(rows)]
    return TissuePlan(
        text=_function(
            "voxel_rates(y, n, p, u, out)", "Rates of one voxel: of fields, their losses, arrivals, hazards.",
            writer.lines, body,
        ),
        cells=cells,
        events=tuple(events),
        net_rows=_places(rows, _CHANGES, model.species),
        loss_rows=_places(rows, _IS_LOST, model.species),
        gain_rows=_places(rows, _GAINS_APART, model.species),
        entry_rows=_places(rows, ARRIVES, [*kinds]),
        hazard_rows=slice(first, first + len(events)),
        first_event=np.searchsorted([e.kind for e in events], np.arange(len(cells) + 1)).astype(np.int64),
        constant=np.array([row.is_constant for row in rows], dtype=np.bool_),
        n_everywhere=sum(row.rank <= _HAZARD for row in rows),
        n_on_top=sum(row.rank <= _ON_TOP for row in rows),
        parameter_slots=tuple(writer.slots[0]),
        input_slots=tuple(writer.slots[1]),
        results=tuple(row.told(model.time_unit) for row in rows),
        trusted=tuple(dict.fromkeys(node for row in rows for node in row.trusted())),
    )  # fmt: skip


_CHANGES, _IS_LOST, _GAINS_APART = "changes", "is lost", "gains apart"
_OF_FIELDS = (_CHANGES, _IS_LOST, _GAINS_APART)
_EVERYWHERE, _HAZARD, _ON_TOP, _CONSTANT = range(4)


@dataclass(frozen=True)
class _Row:
    """One element of ``out``: a formula, and parts of formulas that are added to it."""

    event: Event
    plain: Expression
    parts: tuple[Term, ...]
    made_by: tuple[str, ...]

    @property
    def rank(self) -> int:
        """Where it stands among the others."""
        if self.event.outcome not in (*_OF_FIELDS, ARRIVES):
            return _HAZARD
        if self.is_constant:
            return _CONSTANT
        return _ON_TOP if self.event.cell.kind == "surface" else _EVERYWHERE

    @property
    def is_constant(self) -> bool:
        """Whether it is free of state."""
        return level(self.plain) < 3 and not self.parts

    def formulas(self) -> list[Expression]:
        """Every formula in it."""
        return [self.plain, *(term.rate for term in self.parts)]

    def trusted(self) -> frozenset[Expression]:
        """Formulas that its sign rests on."""
        if self.event.outcome in _OF_FIELDS:
            return frozenset()
        whole = [self.plain, *(term.rate for term in self.parts if term.part == 0)]
        return frozenset().union(*(doubts(node) or () for node in whole))

    def told(self, time: str) -> Result:
        """What it is, in words."""
        cell, what, other = self.event.cell, self.event.outcome, self.event.other
        amount = cell.unit if what in (_CHANGES, _GAINS_APART, ARRIVES) else "1"
        return Result(
            cell.name, what, "" if other in (None, cell) else other.name, f"{amount}/{time}", self.made_by
        )


def _places(rows: Sequence[_Row], what: str, species: Sequence[Species]) -> Integers:
    """(n,) places of the rows that tell this of each species, -1 where none does."""
    found = {row.event.cell: k for k, row in enumerate(rows) if row.event.outcome == what}
    return np.array([found.get(each, -1) for each in species], dtype=np.int64)


def _rows(model: Model, apart: Mapping[str, Collection[str]]) -> list[_Row]:
    """Everything that happens in a voxel, in the order of the species."""
    everything, found = flows(model), []
    happening = _happening(everything)
    for species in model.species:
        if species.kind == "cell":
            found += [_event_row(e, terms) for e, terms in happening.items() if e.cell == species]
            continue
        changing = [f for f in everything if species in f.effect]
        losing = [f for f in changing if species in states_read(f.acted)]
        effects = [_effect(f, species) for f in changing]
        slopes = [multiply(-1.0, gradient(_effect(f, species), species)) for f in losing]
        found.append(_Row(Event(species, _CHANGES), _sum(effects), (), tuple(f.name for f in changing)))
        found.append(_Row(Event(species, _IS_LOST), _sum(slopes), (), tuple(f.name for f in losing)))
        if species.name in apart:
            found.append(_gains(species, [f for f in changing if f.name in apart[species.name]]))
    return found


def _gains(species: Species, adding: Sequence[Flow]) -> _Row:
    rates = [_effect(flow, species) for flow in adding]
    taken = [multiply(multiply(-1.0, gradient(rate, species)), species.node) for rate in rates]
    return _Row(Event(species, _GAINS_APART), _sum([*rates, *taken]), (), tuple(flow.name for flow in adding))


def _event_row(event: Event, terms: Sequence[tuple[Term, str]]) -> _Row:
    plain = [term.rate for term, _ in terms if term == Term(term.rate)]
    parts = [term for term, _ in terms if term != Term(term.rate)]
    return _Row(event, _sum(plain), tuple(parts), tuple(dict.fromkeys(name for _, name in terms)))


def _effect(flow: Flow, species: Species) -> Expression:
    """What a flow adds to a field per time: from the surface to the tissue only where the surface is."""
    rate = multiply(flow.effect[species], flow.acted)
    return multiply(rate, TOP) if flow.touches_surface and species.kind != "surface" else rate


def _happening(everything: Sequence[Flow]) -> dict[Event, list[tuple[Term, str]]]:
    """Events with their terms and the names of the flows that these come from."""
    found: dict[Event, list[tuple[Term, str]]] = {}
    for flow in everything:
        for event, term in happenings(flow):
            found.setdefault(event, []).append((term, flow.name))
    return found


def _sum(nodes: Sequence[Expression]) -> Expression:
    total = constant(0.0)
    for node in nodes:
        total = add(total, node)
    return total


_OWN = frozenset({"n", "smaller"})


class _VoxelWriter(_Writer):
    """Turns the formulas of a voxel into statements, acting cells and parts of a sign included."""

    def __init__(self, model: Model, cells: Sequence[int], roots: Sequence[Expression]) -> None:
        position = {species: i for i, species in enumerate(model.species)}
        super().__init__(position, ({}, {}), roots, model)
        self.taken |= _OWN
        self.acting: Mapping[Species, int] = {model.species[i]: k for k, i in enumerate(cells)}

    def whole(self, plain: Expression, parts: Sequence[Term]) -> str:
        """Text of a formula and what is added to it."""
        return " + ".join([_bare(self.use(plain)), *(self._part(term) for term in parts)])

    def _part(self, term: Term) -> str:
        value = self._named(term.rate)
        if term.part:
            negative = f"smaller({value}, 0.0)"
            value = f"({value} - {negative})" if term.part > 0 else f"(0.0 - {negative})"
        return value if term.over is None else f"({value} / {self._sensed(term.over)})"

    def _sensed(self, species: Species) -> str:
        """A density that is divided by: kept from 0 where there is no such cell to be asked about."""
        least = 1e-12 * (species.scale or 1.0)
        return f"(0.0 - smaller(0.0 - {self.use(species.node)}, {-least!r}))"

    def _symbol(self, node: Expression) -> str:
        declared = node.declared
        if isinstance(declared, Acting):
            return self._define(node, declared.name, f"n[{self.acting[declared.cell]}]", declared.unit)
        return super()._symbol(node)

    def _free(self, wanted: str, *, owned: bool) -> str:
        return super()._free(wanted, owned=owned and wanted not in _OWN)
