"""What an exported system is: blocks of one model, the links between them and the events that change them.

A `System` says in names, numbers and formulas what `sbml` writes; who integrates such a system builds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from collagensim.errors import InputError, nearest, number, shown
from collagensim.model import Derived, Expression, Model, Reaction, Species
from collagensim.model.declarations import Declared
from collagensim.model.expression import add, as_node, constant, multiply
from collagensim.model.units import unit, unit_text
from collagensim.write.lowering import lower, states_read


@dataclass(frozen=True)
class Placed(Declared):
    """A state of one block, as formulas of events name it."""

    species: Species
    block: str

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name that no other state of the system has."""
        return f"{self.species.name}.{self.block}"

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Unit of the state."""
        return self.species.unit


@dataclass(frozen=True)
class Block:
    """One well-mixed part of the tissue.

    ``inputs`` are its own, by name; None stands for one that is not set. ``initial`` are the states at the start, by
    name; those that are missing start at the formula of their baseline. ``basal`` are solved basal rates by
    species; without them they are formulas too. Surface states exist only where ``has_surface``.
    """

    name: str
    title: str
    has_surface: bool = True
    inputs: Mapping[str, float | None] = field(default_factory=dict)
    initial: Mapping[str, float] = field(default_factory=dict)
    basal: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """First-order passage: d ``to`` / dt gains ``rate`` [1/time] times (``source`` - ``to``)."""

    to: Placed
    source: Placed
    rate: float


@dataclass(frozen=True)
class Event:
    """What changes at once on a ``day``: states by formulas of the states just before, the rest by numbers.

    ``inputs`` are keyed by (block, name), the block "" for inputs of the body; ``links`` by position in the system's.
    """

    day: float
    title: str
    states: Mapping[Placed, Expression]
    inputs: Mapping[tuple[str, str], float]
    links: Mapping[int, float]
    shares: Mapping[str, float]

    @property
    def is_felt(self) -> bool:
        """Whether anything changes at all."""
        return bool(self.states or self.inputs or self.links or self.shares)


@dataclass(frozen=True)
class System:
    """A model in one block or several.

    ``body`` are inputs that all blocks share; ``shares`` each block's part of its layer's volume at the start.
    """

    model: Model
    blocks: tuple[Block, ...]
    title: str
    body: Mapping[str, float | None] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    events: tuple[Event, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def one_block(model: Model, inputs: Mapping[str, float] | None = None) -> System:
    """Return a model as one well-mixed block that starts at rest.

    Raises
    ------
    InputError
        When ``inputs`` names what the model does not read, or holds what is no finite number.
    """
    given = {} if inputs is None else inputs
    if not isinstance(given, Mapping):
        raise InputError(
            f"inputs {shown(given)} are not names with their values: give for example {{'skin.age': 40.0}}"
        )
    for name in given:
        if name not in list(model.inputs):
            raise InputError(f"{model.name!r} reads no input {name!r}{nearest(name, model.inputs)}")
    values = {
        name: number(f"input {name!r}", given[name]) if name in given else declared.default
        for name, declared in model.inputs.items()
    }
    missing = [name for name, value in values.items() if value is None]
    remarks = (f"Set these before a run, they have no value here: {', '.join(missing)}.",) if missing else ()
    block = Block("", "the whole", inputs=values)
    return System(model, (block,), model.title or model.name, remarks=remarks)


@dataclass(frozen=True)
class Balances:
    """A block's equations: ``flows`` name the rates of reactions, ``rates`` sum them for each state.

    ``basal`` is, for each species with a basal source, the input that carries its rate and the formula by which
    that rate keeps a block without links at rest.
    """

    flows: Mapping[Derived, Reaction]
    rates: Mapping[Species, Expression]
    basal: Mapping[Species, tuple[Declared, Expression]]


def balances(model: Model, *, has_surface: bool) -> Balances:
    """Return the equations of a block, with or without the surface's states."""
    time = unit(model.time_unit)
    states = [s for s in model.species if has_surface or s.kind != "surface"]
    rates = {s: constant(0.0, unit(s.unit) / time) for s in states}
    flows: dict[Derived, Reaction] = {}
    for reaction in model.reactions:
        if not has_surface and at_surface(reaction.total, *reaction.effect):
            continue
        flow = Derived(
            f"rate_of_{reaction.name}", reaction.total, unit_text(reaction.total.unit), reaction.description
        )
        flows[flow] = reaction
        for species, coefficient in reaction.effect.items():
            rates[species] = add(rates[species], multiply(coefficient, flow))
    basal_inputs = lower(model).basal_inputs
    basal: dict[Species, tuple[Declared, Expression]] = {}
    for source in (b for b in model.basals if b.species in rates):
        carrier = basal_inputs[source.species.name]
        basal[source.species] = carrier, -rates[source.species] / source.modulation
        rates[source.species] = add(rates[source.species], multiply(carrier, source.modulation))
    return Balances(flows, rates, basal)


def at_surface(formula: Expression, *changed: Species) -> bool:
    """Tell whether a formula reads, or a process changes, a state of the surface."""
    return any(s.kind == "surface" for s in {*changed, *states_read(formula)})


def derived_of(model: Model, *, has_surface: bool) -> list[Derived]:
    """Return the derived quantities of a block, with or without those of the surface."""
    return [d for d in model.derived if has_surface or not at_surface(as_node(d))]
