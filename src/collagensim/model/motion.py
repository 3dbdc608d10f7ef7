"""How cells move: what a tissue of single cells needs beyond the reactions, which know no places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from collagensim.errors import ModelError
from collagensim.model.declarations import Parameter, Species
from collagensim.model.units import unit

_UNITS = {"speed": "um/day", "persistence": "day", "attraction": "um", "guidance": "1"}


@dataclass(frozen=True)
class Motion:
    """How the cells of a species move.

    Attributes
    ----------
    species : Species
        Of kind ``cell``.
    speed : Parameter
        Of the walk [length/time].
    persistence : Parameter
        Time over which a cell keeps its direction [time].
    attraction : Parameter
        How strongly it climbs [length]: with b = attraction * gradient, it drifts at speed * b / sqrt(1 + b^2).
    guidance : Parameter
        Share of its walk that fully ordered fibres turn along themselves [1], 0 to 1.
    climbs : mapping
        Soluble or matrix species -> Parameter in its unit, the level that a cell begins to answer to: it climbs
        ln(1 + sum of what there is over that level), so that it answers to relative differences, and to none where
        there is far less.
    rests : bool
        Whether it stays where it is until there is more to climb than at rest.
    """

    species: Species
    speed: Parameter
    persistence: Parameter
    attraction: Parameter
    guidance: Parameter
    climbs: Mapping[Species, Parameter]
    rests: bool = False

    def __post_init__(self) -> None:
        if self.species.kind != "cell":
            raise ModelError(f"motion of {self.species.name!r}, which is no cell but {self.species.kind}")
        for name, needed in _UNITS.items():
            given: Parameter = getattr(self, name)
            if unit(given.unit).powers != unit(needed).powers:
                raise ModelError(
                    f"{name} of {self.species.name!r}: {given.name!r} is in {given.unit}, needs {needed}"
                )
        climbs: Mapping[Species, object] = self.climbs
        for species, level in climbs.items():
            if not isinstance(level, Parameter) or unit(level.unit).powers != unit(species.unit).powers:
                raise ModelError(
                    f"{self.species.name!r} climbs {species.name!r} from a level that is no Parameter in {species.unit}"
                )
            if level.value <= 0.0:
                raise ModelError(f"{level.name!r} is {level.value}: a level that cells answer to is above 0")
            if species.kind not in ("soluble", "matrix"):
                raise ModelError(
                    f"{self.species.name!r} cannot climb {species.name!r}, which is {species.kind}"
                )
        if self.rests and not self.climbs:
            raise ModelError(f"{self.species.name!r} rests and climbs nothing: nothing would ever wake it")
        object.__setattr__(self, "climbs", MappingProxyType(dict(self.climbs)))

    def weights(self) -> dict[Species, float]:
        """Return one over the level that the cell answers to [1 / unit of the species], of each that it climbs."""
        return {s: unit(s.unit).factor / (p.value * unit(p.unit).factor) for s, p in self.climbs.items()}

    def value(self, name: str) -> float:
        """Return ``speed`` [um/day], ``persistence`` [day], ``attraction`` [um] or ``guidance`` [1] as a number."""
        given: Parameter = getattr(self, name)
        return given.value * unit(given.unit).factor / unit(_UNITS[name]).factor
