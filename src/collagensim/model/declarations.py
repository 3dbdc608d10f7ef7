"""What a model is made of: names with units and pedigree, and what happens to them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from collagensim.errors import ModelError, one_of, plain
from collagensim.model.expression import Expression, Operand, Operandlike, as_node, symbol
from collagensim.model.units import DIMENSIONLESS, Unit, unit, unit_text

KINDS = ("cell", "soluble", "matrix", "surface")
PLACES = ("layer", "body")
STATUSES = ("measured", "fitted", "assumed")
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?\Z")


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str) or not _NAME.match(name):
        raise ModelError(
            f"{what} name {name!r} must be lower-case words joined by underscores, such as 'collagen_iii'"
        )


class Declared(Operand):
    """A name with a unit that may stand in a formula."""

    __slots__ = ()
    name: str
    unit: str
    description: str

    @property
    def node(self) -> Expression:
        """The symbol that stands for this name."""
        return symbol(self, unit(self.unit))


@dataclass(frozen=True)
class Source:
    """Where a number comes from: ``key`` into the bibliography, ``where`` in it, ``kind`` of evidence."""

    key: str
    where: str = ""
    kind: str = "paper"


@dataclass(frozen=True)
class Parameter(Declared):
    """A number with its pedigree.

    Raises
    ------
    ModelError
        When the value is not finite, lies outside its range, or the status is none of measured, fitted, assumed.
    """

    name: str
    value: float
    unit: str
    low: float
    high: float
    source: Source
    status: str
    symbol: str = ""
    description: str = ""
    inert: bool = False

    def __post_init__(self) -> None:
        _check_name("parameter", self.name)
        unit(self.unit)
        one_of(f"status of parameter {self.name!r}", self.status, STATUSES)
        if not all(math.isfinite(v) for v in (self.value, self.low, self.high)):
            raise ModelError(f"parameter {self.name!r} has a value or range that is not finite")
        if not self.low <= self.value <= self.high:
            raise ModelError(
                f"parameter {self.name!r} is {plain(self.value)}, outside its range "
                f"{plain(self.low)} to {plain(self.high)} [{self.unit}]"
            )


@dataclass(frozen=True)
class Input(Declared):
    """A named quantity given from outside and constant between events: per ``layer`` or one for the ``body``."""

    name: str
    unit: str
    place: str
    default: float | None = None
    description: str = ""

    def __post_init__(self) -> None:
        _check_name("input", self.name)
        unit(self.unit)
        one_of(f"place of input {self.name!r}", self.place, PLACES)


@dataclass(frozen=True)
class Species(Declared):
    """A state variable.

    ``kind`` gives its place: cell, soluble and matrix live in every layer, surface ones on top. ``baseline`` is its
    initial and resting value, ``scale`` its typical magnitude [unit] for error control, ``weight`` what an intensive
    state is averaged by when compartments are merged (None: by volume). Amounts are never negative; ``signed`` marks
    a coordinate that may be.
    """

    name: str
    unit: str
    kind: str
    baseline: Operandlike = field(compare=False)
    scale: float | None = None
    weight: Operand | None = field(default=None, compare=False)
    symbol: str = ""
    description: str = ""
    signed: bool = False

    def __post_init__(self) -> None:
        _check_name("species", self.name)
        one_of(f"kind of species {self.name!r}", self.kind, KINDS)
        start = as_node(self.baseline)
        if start.op != "const":
            _same(f"baseline of {self.name!r}", start.unit, unit(self.unit))
        if self.scale is None and start.op == "const" and start.value == 0.0:
            raise ModelError(
                f"species {self.name!r} rests at 0: give scale=, its typical magnitude in {self.unit}"
            )


@dataclass(frozen=True)
class Derived(Declared):
    """A quantity without memory: an expression of states, inputs and parameters under a name of its own."""

    name: str
    expression: Operand = field(compare=True)
    unit: str = "1"
    description: str = ""

    def __post_init__(self) -> None:
        _check_name("derived", self.name)
        _same(f"derived {self.name!r}", self.expression.node.unit, unit(self.unit))


@dataclass(frozen=True)
class Reaction:
    """Something that happens: ``effect[species] * actor * rate`` is added to the species' rate of change.

    ``rate`` is per acting cell, per volume where nobody acts; the coefficients of ``effect`` are numbers or
    parameters, free of state.
    """

    name: str
    rate: Operandlike
    effect: Mapping[Species, Operandlike]
    actor: Species | Derived | None = None
    description: str = ""
    source: Source | None = None

    def __post_init__(self) -> None:
        _check_name("reaction", self.name)
        if not self.effect:
            raise ModelError(f"reaction {self.name!r} changes nothing: name a species in effect")
        object.__setattr__(self, "effect", MappingProxyType(dict(self.effect)))

    @property
    def total(self) -> Expression:
        """Rate of all actors together."""
        rate = as_node(self.rate)
        return rate if self.actor is None else self.actor.node * rate


@dataclass(frozen=True)
class Basal:
    """A source ``b * actor * factor`` whose rate b >= 0 is solved so that the baseline is an exact fixed point."""

    species: Species
    actor: Species | Derived | None = None
    factor: Operandlike = 1.0

    @property
    def modulation(self) -> Expression:
        """What the solved rate is multiplied by."""
        factor = as_node(self.factor)
        if not factor.unit.same_as(DIMENSIONLESS):
            raise ModelError(
                f"basal source of {self.species.name!r}: factor is in {unit_text(factor.unit)}, needs 1"
            )
        return factor if self.actor is None else self.actor.node * factor

    def rate_unit(self, time: Unit) -> Unit:
        """Return the unit of the solved rate."""
        return unit(self.species.unit) / time / self.modulation.unit


@dataclass(frozen=True)
class Jump:
    """A sudden change at a session: the species' new value from the old state and the injury's inputs."""

    species: Species
    new_state: Operandlike

    def __post_init__(self) -> None:
        node = as_node(self.new_state)
        if node.op != "const":
            _same(f"jump of {self.species.name!r}", node.unit, unit(self.species.unit))


@dataclass(frozen=True)
class Transport:
    """How a species spreads: diffusion coefficient, and the clearance that bounds its reach sqrt(D / decay)."""

    species: Species
    diffusion: Parameter
    decay: Parameter

    def __post_init__(self) -> None:
        area_per_time = unit("mm^2/day").powers
        if unit(self.diffusion.unit).powers != area_per_time:
            raise ModelError(
                f"diffusion {self.diffusion.name!r} is in {self.diffusion.unit}, needs an area per time"
            )
        if unit(self.decay.unit).powers != unit("1/day").powers:
            raise ModelError(f"decay {self.decay.name!r} is in {self.decay.unit}, needs 1 per time")


def _same(what: str, given: Unit, needed: Unit) -> None:
    if not given.same_as(needed):
        raise ModelError(f"{what} is in {unit_text(given)}, needs {unit_text(needed)}")
