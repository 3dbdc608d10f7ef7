"""Surfaces that close from their rims: one declaration for the reaction, which knows no rim, and for the tissue."""

from __future__ import annotations

from dataclasses import dataclass

from collagensim.errors import ModelError
from collagensim.model.declarations import Input, Parameter, Species
from collagensim.model.expression import Expression, Operandlike, as_node
from collagensim.model.units import unit, unit_text

__all__ = ["Front", "Sheet"]

# A round hole of radius r whose rim creeps inwards at v loses the share 2 v / r of its area per time.
FRONTS_IN_A_HOLE = 2.0


@dataclass(frozen=True)
class Front:
    """A surface species that spreads over bare ground from where it is.

    Attributes
    ----------
    species : Species
        Of kind ``surface``, the share of the surface that is covered [1].
    speed : formula
        By which round openings close [length/time], of parameters and inputs alone: twice that of the front itself,
        as a round hole loses area twice as fast, over its area, as radius over its radius.
    distance : formula
        Radius of an opening, and what is closed even in the least of them [length].
    """

    species: Species
    speed: Operandlike
    distance: Operandlike

    def __post_init__(self) -> None:
        if self.species.kind != "surface":
            raise ModelError(f"front of {self.species.name!r}, which is no surface but {self.species.kind}")
        for name, needed in (("speed", "um/day"), ("distance", "um")):
            given = as_node(getattr(self, name))
            if given.unit.powers != unit(needed).powers:
                raise ModelError(
                    f"{name} of the front of {self.species.name!r} is in {unit_text(given.unit)}, needs {needed}"
                )
            for leaf in given.symbols:
                if not isinstance(leaf.declared, Parameter | Input):
                    raise ModelError(
                        f"{name} of the front of {self.species.name!r} reads {leaf.name!r}, but may read parameters "
                        f"and inputs only"
                    )

    @property
    def rate(self) -> Expression:
        """What is covered per time where no rim is known: speed / distance of what is bare."""
        return as_node(self.speed) / self.distance * (1.0 - self.species)

    @property
    def crawling(self) -> Expression:
        """Speed of the front itself, straight ahead and whatever the shape of the opening [length/time]."""
        return as_node(self.speed) / FRONTS_IN_A_HOLE

    @property
    def um_per_day(self) -> float:
        """Micrometres a day in the unit of `crawling`."""
        return self.crawling.unit.factor / unit("um/day").factor


@dataclass(frozen=True)
class Sheet:
    """The cells that a front is made of in space.

    Attributes
    ----------
    front : Front
    width : Parameter
        Of a cell in the resting sheet [length]: it holds one cell in the square of it.
    lag : Parameter
        How long after a loss cells begin to divide [time]; those that crawl before come from the layers above.
    """

    front: Front
    width: Parameter
    lag: Parameter

    def __post_init__(self) -> None:
        for name, needed in (("width", "um"), ("lag", "day")):
            given: Parameter = getattr(self, name)
            if unit(given.unit).powers != unit(needed).powers:
                raise ModelError(f"{name} of a sheet: {given.name!r} is in {given.unit}, needs {needed}")
        if self.width.value <= 0.0:
            raise ModelError(
                f"width of a sheet: {self.width.name!r} is {self.width.value}, needs more than 0"
            )

    @property
    def width_um(self) -> float:
        """Width of a cell [um]."""
        return self.width.value * unit(self.width.unit).factor / unit("um").factor

    @property
    def lag_days(self) -> float:
        """How long after a loss cells begin to divide [day]."""
        return self.lag.value * unit(self.lag.unit).factor / unit("day").factor
