"""What a tissue in space has beyond the reactions of its model, which know no places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from collagensim.errors import ModelError
from collagensim.model.declarations import Declared, Parameter
from collagensim.model.motion import Motion
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
    """

    motions: Sequence[Motion]
    sensing_radius: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "motions", tuple(self.motions))
        if unit(self.sensing_radius.unit).powers != unit("um").powers or self.sensing_radius.value < 0:
            raise ModelError(f"sensing radius {self.sensing_radius.name!r} is no length: give one in um")

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
        for field in fields(part):
            yield from _parameters_in(getattr(part, field.name))
