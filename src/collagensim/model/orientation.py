"""Which way fibres lie: what turns the order of fibres, a number of the reactions, into a direction in space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collagensim.errors import ModelError
from collagensim.model.declarations import Parameter, Species
from collagensim.model.expression import Operandlike, as_node
from collagensim.model.units import DIMENSIONLESS, unit

__all__ = ["Orientation"]


@dataclass(frozen=True)
class Orientation:
    """The direction of fibres whose order is a species.

    The reactions say how fast order is gained and lost; this says along which direction it is gained. What they lose
    is lost of the order in every direction alike.

    Attributes
    ----------
    species : Species
        Of kind ``matrix``, dimensionless: 0 for fibres that lie every way, 1 for parallel ones.
    layers : formula
        A sum of cell species, each weighted by what one of its cells lays: whose paths fibres are laid along.
    laid_by : sequence of str
        Names of the reactions of ``species`` whose gain lies along these paths; all other gain lies as fibres rest.
    slope : Parameter
        Of resting fibres [1]: depth gained per length along x, 0 for fibres parallel to the surface.
    sensitivity : Parameter
        Of the cells that fibres guide [1]: how many times stronger they are ordered than fibres of little order are,
        the power of the fibres' tensor with which steps of cells spread (Barocas and Tranquillo 1997,
        doi:10.1115/1.2796072). Each Motion's guidance says which share of a walk this is.
    """

    species: Species
    layers: Operandlike
    laid_by: Sequence[str]
    slope: Parameter
    sensitivity: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "laid_by", tuple(self.laid_by))
        if self.species.kind != "matrix" or not unit(self.species.unit).same_as(DIMENSIONLESS):
            raise ModelError(
                f"order of fibres {self.species.name!r} is {self.species.kind} in {self.species.unit}, needs a matrix "
                f"species in 1"
            )
        symbols = {leaf.declared for leaf in as_node(self.layers).symbols}
        if not any(isinstance(each, Species) and each.kind == "cell" for each in symbols):
            raise ModelError(
                f"nobody lays the fibres of {self.species.name!r}: layers needs a sum of cell species"
            )
        for what in ("slope", "sensitivity"):
            given: Parameter = getattr(self, what)
            if not unit(given.unit).same_as(DIMENSIONLESS):
                raise ModelError(f"{what} of fibres {given.name!r} is in {given.unit}, needs 1")
        if self.sensitivity.value < 0.0:
            raise ModelError(
                f"{self.sensitivity.name!r} is {self.sensitivity.value:g}: cells answer with 0 or more"
            )

    @property
    def rest(self) -> tuple[float, float, float]:
        """Direction of resting fibres, z, y, x, of length 1."""
        length = float((1.0 + self.slope.value**2) ** 0.5)
        return self.slope.value / length, 0.0, 1.0 / length
