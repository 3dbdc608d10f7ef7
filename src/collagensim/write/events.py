"""What a reaction means to single cells: one arrives, dies, divides, becomes another kind, or makes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from collagensim.errors import ModelError
from collagensim.model import Derived, Expression, Input, Model, Species
from collagensim.model.expression import as_node, is_number, multiply
from collagensim.model.units import unit, unit_text
from collagensim.write.algebra import acted, doubts, quotient
from collagensim.write.lowering import TOP, gradient, states_read

__all__ = ["ARRIVES", "BECOMES", "DIES", "DIVIDES", "MAKES", "Event", "Flow", "Term", "flows", "happenings"]

ARRIVES, DIES, DIVIDES, BECOMES, MAKES = "arrives", "dies", "divides", "becomes", "makes"


@dataclass(frozen=True, eq=False)
class Flow:
    """A reaction or basal source of a model.

    Attributes
    ----------
    name : of the reaction; of a basal source ``basal.<species>``.
    rate : per acting cell, or per volume without an actor.
    actor : who acts. effect : species -> coefficient.
    """

    name: str
    rate: Expression
    actor: Species | Derived | None
    effect: Mapping[Species, Expression]

    @property
    def acted(self) -> Expression:
        """Rate of all who act in a voxel, each at what it senses."""
        return self.rate if self.actor is None else multiply(acted(self.actor.node), self.rate)

    @property
    def sensed(self) -> Expression:
        """Rate of all actors of the neighbourhood."""
        return self.rate if self.actor is None else multiply(self.actor.node, self.rate)

    @property
    def touches_surface(self) -> bool:
        """Whether it reads or changes what lies on top, and so belongs to the uppermost voxels."""
        involved = set(self.effect) | states_read(self.rate)
        involved |= states_read(self.actor.node) if self.actor is not None else frozenset()
        return any(species.kind == "surface" for species in involved)


@dataclass(frozen=True)
class Event:
    """What happens to a cell: ``outcome`` is arrives, dies, divides, becomes or makes; ``other`` who appears."""

    cell: Species
    outcome: str
    other: Species | None = None


@dataclass(frozen=True)
class Term:
    """A part of an event's rate: ``rate``, or its positive part (1), or minus its negative part (-1).

    ``over`` is a species that is sensed, by whose density it is divided.
    """

    rate: Expression
    part: int = 0
    over: Species | None = None


def flows(model: Model) -> list[Flow]:
    """Return everything that happens in a model, reactions first, in its order."""
    time = unit(model.time_unit)
    found = [
        Flow(r.name, as_node(r.rate), r.actor, {s: as_node(c) for s, c in r.effect.items()})
        for r in model.reactions
    ]
    for basal in model.basals:
        name = f"basal.{basal.species.name}"
        rate = multiply(Input(name, unit_text(basal.rate_unit(time)), "layer"), basal.factor)
        found.append(Flow(name, rate, basal.actor, {basal.species: as_node(1.0)}))
    return found


def happenings(flow: Flow) -> Iterator[tuple[Event, Term]]:
    """Yield what a flow means to cells.

    A rate whose sign rests on the state acts as the opposite event while it is negative: growth towards a capacity is
    division below it and death above.

    Raises
    ------
    ModelError
        Where the effect on cells cannot be read as such events.
    """
    cells = {s: c for s, c in flow.effect.items() if s.kind == "cell"}
    scale: Expression = TOP.node if flow.touches_surface else as_node(1.0)
    lost = {s: multiply(-1.0, c) for s, c in cells.items() if _is_negative(c)}
    gained = {s: c for s, c in cells.items() if s not in lost}
    if lost and gained:
        yield from _change(flow, lost, gained, scale)
        return
    for cell, coefficient in lost.items():
        yield from _loss(flow, cell, multiply(coefficient, scale))
    for cell, coefficient in gained.items():
        yield from _gain(flow, cell, multiply(coefficient, scale))


def _is_negative(coefficient: Expression) -> bool:
    first = coefficient.args[0] if coefficient.op == "mul" else coefficient
    return first.op == "const" and first.value < 0.0


def _change(
    flow: Flow, lost: Mapping[Species, Expression], gained: Mapping[Species, Expression], scale: Expression
) -> Iterator[tuple[Event, Term]]:
    if len(lost) != 1 or len(gained) != 1 or [*lost.values()] != [*gained.values()]:
        raise ModelError(
            f"reaction {flow.name!r} cannot be read cell by cell: it turns "
            f"{', '.join(s.name for s in lost)} into {', '.join(s.name for s in gained)}, but not one into one"
        )
    (cell, coefficient), (into,) = *lost.items(), gained
    term = _per_cell(flow, cell, multiply(coefficient, scale))
    if doubts(term.rate) is None:
        raise _no_sign(flow)
    yield Event(cell, BECOMES, into), term


def _loss(flow: Flow, cell: Species, factor: Expression) -> Iterator[tuple[Event, Term]]:
    term = _per_cell(flow, cell, factor)
    if doubts(term.rate) is not None:
        yield Event(cell, DIES), term
        return
    yield Event(cell, DIES), Term(term.rate, 1, term.over)
    if flow.actor == cell:
        yield Event(cell, DIVIDES, cell), Term(term.rate, -1)
    else:
        yield Event(cell, ARRIVES), Term(multiply(factor, flow.sensed), -1)


def _gain(flow: Flow, cell: Species, factor: Expression) -> Iterator[tuple[Event, Term]]:
    parents = _parents(flow)
    if not parents:
        total = multiply(factor, flow.sensed)
        if doubts(total) is not None:
            yield Event(cell, ARRIVES), Term(total)
            return
        yield Event(cell, ARRIVES), Term(total, 1)
        yield Event(cell, DIES), _minus(_per_cell(flow, cell, factor))
        return
    for parent, share in parents.items():
        rate = multiply(multiply(factor, share), flow.rate)
        event = Event(parent, DIVIDES, parent) if parent == cell else Event(parent, MAKES, cell)
        if doubts(rate) is not None:
            yield event, Term(rate)
        elif parent == cell:
            yield event, Term(rate, 1)
            yield Event(cell, DIES), Term(rate, -1)
        else:
            raise _no_sign(flow)


def _per_cell(flow: Flow, cell: Species, factor: Expression) -> Term:
    """The rate at which a flow takes each cell of a kind: its own where it acts itself, else its share of the total.

    The total is that of the actors around, since two cells are hardly ever in one voxel, and it is shared by all cells
    around, so that it must vanish with them. Where their density is no factor of the formula, the total is divided by
    it.
    """
    if flow.actor == cell:
        return Term(multiply(factor, flow.rate))
    total = multiply(factor, flow.sensed)
    shared = quotient(total, cell)
    return Term(total, 0, cell) if shared is None else Term(shared)


def _minus(term: Term) -> Term:
    return Term(term.rate, -1, term.over)


def _parents(flow: Flow) -> dict[Species, Expression]:
    """The kinds of cell that act, with the weight of each in the actor; none where nobody or no cell acts."""
    if flow.actor is None:
        return {}
    if isinstance(flow.actor, Species):
        return {flow.actor: as_node(1.0)} if flow.actor.kind == "cell" else {}
    node = flow.actor.expression.node
    kinds = [s for s in states_read(node) if s.kind == "cell"]
    weights = {s: gradient(node, s) for s in sorted(kinds, key=lambda s: s.name)}
    if any(s.kind == "cell" for weight in weights.values() for s in states_read(weight)):
        raise ModelError(
            f"reaction {flow.name!r} makes cells: its actor {flow.actor.name!r} must be a sum of cells, "
            f"so that each has its share"
        )
    return {s: weight for s, weight in weights.items() if not is_number(weight, 0.0)}


def _no_sign(flow: Flow) -> ModelError:
    return ModelError(
        f"reaction {flow.name!r} changes cells at a rate that may turn negative: write it as two reactions"
    )
