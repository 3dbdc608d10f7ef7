"""What a tissue in space has beyond the reactions of its model, which know no places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any

from collagensim.errors import ModelError
from collagensim.model.declarations import Declared, Parameter, Species
from collagensim.model.front import Sheet
from collagensim.model.motion import Motion
from collagensim.model.network import Network
from collagensim.model.orientation import Orientation
from collagensim.model.settled import Relaxation
from collagensim.model.units import unit

__all__ = ["Architecture"]


@dataclass(frozen=True)
class Architecture:
    """How the parts of a tissue lie and move in space.

    Attributes
    ----------
    motions : sequence of Motion
        How each cell species moves.
    sensing_radius : Parameter
        How far a cell feels the cells around it [length].
    cells : sequence of Species
        What the model knows as a density and the tissue counts as single cells.
    relaxations : sequence of Relaxation
        How each settled quantity of the model comes to its balance.
    sheet : Sheet, optional
        The cells that cover the surface; without it openings close by the law of their reaction, column by column.
    orientation : Orientation, optional
        Which way fibres lie; without it their order has no direction.
    network : Network, optional
        The vessels as pieces in space; without it they are a density in every voxel.
    soaks : mapping
        Matrix species that an injury lays -> how far it spreads sideways meanwhile, the standard deviation along an
        axis [length].
    """

    motions: Sequence[Motion]
    sensing_radius: Parameter
    cells: Sequence[Species] = ()
    relaxations: Sequence[Relaxation] = ()
    sheet: Sheet | None = None
    orientation: Orientation | None = None
    network: Network | None = None
    soaks: Mapping[Species, Parameter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in ("motions", "cells", "relaxations"):
            object.__setattr__(self, part, tuple(getattr(self, part)))
        if unit(self.sensing_radius.unit).powers != unit("um").powers or self.sensing_radius.value < 0:
            raise ModelError(f"sensing radius {self.sensing_radius.name!r} is no length: give one in um")
        object.__setattr__(self, "soaks", MappingProxyType(dict(self.soaks)))
        for species, reach in self.soaks.items():
            if species.kind != "matrix":
                raise ModelError(
                    f"{species.name!r} is {species.kind}: only matrix that an injury lays soaks tissue"
                )
            if unit(reach.unit).powers != unit("um").powers or reach.value < 0:
                raise ModelError(f"reach {reach.name!r} of {species.name!r} is no length: give one in um")

    @property
    def soaked_um(self) -> dict[str, float]:
        """How far what an injury lays spreads [um], by name of the species."""
        return {
            species.name: reach.value * unit(reach.unit).factor / unit("um").factor
            for species, reach in self.soaks.items()
        }

    @property
    def sensing_um(self) -> float:
        """How far a cell feels the cells around it [um]."""
        return self.sensing_radius.value * unit(self.sensing_radius.unit).factor / unit("um").factor

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Every parameter that it holds, by name."""
        return {parameter.name: parameter for parameter in _parameters_in(self)}


def _parameters_in(part: Any) -> Iterator[Parameter]:
    if isinstance(part, Parameter):
        yield part
    elif isinstance(part, Mapping):
        for each in part.values():
            yield from _parameters_in(each)
    elif isinstance(part, tuple | list):
        for each in part:
            yield from _parameters_in(each)
    elif is_dataclass(part) and not isinstance(part, Declared):
        for each in fields(part):
            yield from _parameters_in(getattr(part, each.name))
