"""What a tissue in space has beyond the reactions of its model, which know no places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from collagensim.model.declarations import Declared, Parameter
from collagensim.model.motion import Motion

__all__ = ["Architecture"]


@dataclass(frozen=True)
class Architecture:
    """How the parts of a tissue lie and move in space.

    Attributes
    ----------
    motions : sequence of Motion
        How each cell species moves.
    """

    motions: Sequence[Motion]

    def __post_init__(self) -> None:
        object.__setattr__(self, "motions", tuple(self.motions))

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
