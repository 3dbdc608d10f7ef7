"""Quantities in balance at every moment: a closed form where there are no places, two reactions where there are."""

from __future__ import annotations

from dataclasses import dataclass, field

from collagensim.errors import ModelError
from collagensim.model.declarations import (
    Derived,
    Input,
    Parameter,
    Reaction,
    Species,
    Transport,
    _same,
)  # fmt: skip
from collagensim.model.expression import Operand, constant, multiply, sqrt
from collagensim.model.laws import saturation
from collagensim.model.units import DIMENSIONLESS, unit

__all__ = ["Relaxation", "Settled"]


@dataclass(frozen=True)
class Settled(Derived):
    """A level at which supply from a source equals saturable use, at every moment.

    With supply s, source L, use u and half-use K the level O solves::

        s (L - O) = u O / (O + K)

    ``expression`` is the root of that quadratic, written without cancellation where s vanishes. In space, where it
    diffuses too, there is no closed form: then its two sides are ``reactions`` of a species.

    Attributes
    ----------
    supply : Operand
        s [1], not negative.
    source : Operand
        L, what supply alone would lead to [unit of the level].
    use : Operand
        u, what all around would use where there is plenty, over the supply [unit of the level].
    half_use : Operand
        K, the level at half of that use [unit of the level].
    """

    expression: Operand = field(init=False)
    supply: Operand = field(kw_only=True)
    source: Operand = field(kw_only=True)
    use: Operand = field(kw_only=True)
    half_use: Operand = field(kw_only=True)

    def __post_init__(self) -> None:
        supply, source, use, half = (
            part.node for part in (self.supply, self.source, self.use, self.half_use)
        )
        level = unit(self.unit)
        _same(f"supply of {self.name!r}", supply.unit, unit("1"))
        for what, node in (("source", source), ("use", use), ("half-use", half)):
            _same(f"{what} of {self.name!r}", node.unit, level)
        for leaf in sorted(source.symbols | half.symbols, key=lambda s: s.name):
            if not isinstance(leaf.declared, (Parameter, Input)):
                raise ModelError(
                    f"source or half-use of {self.name!r} reads {leaf.name!r}, but may read parameters and inputs only"
                )
        b = supply * (half - source) + use
        product = supply * source * half
        root = 2.0 * product / (b + sqrt(b * b + 4.0 * supply * product))
        object.__setattr__(self, "expression", root)
        super().__post_init__()

    def reactions(self, species: Species, rate: Operand) -> tuple[Reaction, Reaction]:
        """Return supply and use of a species, each ``rate`` [1/time] times its side of the balance."""
        return (
            Reaction(
                f"{self.name}_is_supplied", rate * self.supply * (self.source - species), {species: 1},
                description=f"{self.name} comes from its source, the less the more there is",
            ),
            Reaction(
                f"{self.name}_is_used", rate * self.use * saturation(species, self.half_use), {species: -1},
                description=f"the cells around use up {self.name}",
            ),
        )  # fmt: skip


@dataclass(frozen=True)
class Relaxation:
    """How a settled quantity comes to its balance in space: sqrt(diffusion / rate) is the reach of a neighbour.

    Attributes
    ----------
    of : Settled
    rate : Parameter
        How fast it comes to its balance where supply is 1 and nobody uses it [1/time].
    diffusion : Parameter
        Its diffusion coefficient [area/time].
    """

    of: Settled
    rate: Parameter
    diffusion: Parameter

    def __post_init__(self) -> None:
        if not isinstance(self.of, Settled):
            raise ModelError(
                f"{self.of.name!r} cannot relax: only a Settled quantity has a balance to come to"
            )
        # A transport knows the units that these must have.
        self.transport(Species(self.of.name, self.of.unit, "soluble", 0.0, 1.0))
        for parameter in (self.rate, self.diffusion):
            if parameter.value <= 0.0:
                raise ModelError(
                    f"{parameter.name!r} of {self.of.name!r} is {parameter.value}: give more than 0"
                )

    @property
    def per_day(self) -> float:
        """The rate [1/day]."""
        return self.rate.value * (unit(self.rate.unit) / unit("1/day")).factor

    @property
    def um2_per_day(self) -> float:
        """The diffusion coefficient [um^2/day]."""
        return self.diffusion.value * (unit(self.diffusion.unit) / unit("um^2/day")).factor

    def reactions(self, species: Species, time: str) -> tuple[Reaction, Reaction]:
        """Return what supplies and uses ``species``, which takes the quantity's place, per ``time``."""
        given, needed = unit(self.rate.unit), DIMENSIONLESS / unit(time)
        rate = multiply(constant(given.factor / needed.factor, needed / given), self.rate)
        return self.of.reactions(species, rate)

    def transport(self, species: Species) -> Transport:
        """Return how ``species``, which takes the quantity's place, diffuses."""
        return Transport(species, self.diffusion, self.rate)
