"""What a tissue in space has beyond the reactions of its model, which know no places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
