"""Vessels as a network in space: one declaration that ties a density of the reactions to pieces of vessel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collagensim.errors import ModelError
from collagensim.model.declarations import Parameter, Species
from collagensim.model.units import unit

__all__ = ["Network"]

_LENGTHS = ("piece", "nearness", "reach", "contact", "branching_length")
_SHARES = ("uprightness", "branching_share")


@dataclass(frozen=True)
class Network:
    """The vessels of a tissue, whose density is a species of the reactions.

    In tissue whose vessels run every way, profiles per area of section are half the length per volume, N_A = L_V / 2
    (Underwood 1970, Quantitative Stereology). So the reactions, which speak of profiles, say how much length is drawn
    by tips, pruned and made otherwise; this says where and how.

    Attributes
    ----------
    vessels : Species
        Of kind ``matrix``: profiles of vessels per area of section [1/length^2].
    tips : Species
        Who draws vessels behind them; an architecture that has ``cells`` of them counts them one by one.
    drawn_by : str
        Name of the reaction by which tips make vessels, at a constant rate g for each.
    joined_by : str
        Name of the reaction by which tips end at vessels. What else removes tips lets them end blindly.
    enters : sequence of Species
        Cells that enter the tissue out of its vessels.
    piece : Parameter
        Length of a piece of vessel [length].
    nearness : Parameter
        Radius over which a place feels vessels, whatever feels their density [length].
    reach : Parameter
        How far from itself a tip finds a vessel to join [length].
    uprightness : Parameter
        Of the meshes of resting vessels in the uppermost layer, height over width [1].
    contact : Parameter
        How near to another vessel a tip touches it [length]: of those around, the tip that touches one is the one that
        joins where the reaction says that one does.
    branching_share : Parameter
        Share of new tips that split off a tip around, where there is one; the others leave the wall of a vessel [1].
    branching_length : Parameter
        Length that a tip has drawn since it began or split before it splits (again) [length].
    """

    vessels: Species
    tips: Species
    drawn_by: str
    joined_by: str
    enters: Sequence[Species]
    piece: Parameter
    nearness: Parameter
    reach: Parameter
    uprightness: Parameter
    contact: Parameter
    branching_share: Parameter
    branching_length: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "enters", tuple(self.enters))
        for name, needed in (*((name, "um") for name in _LENGTHS), *((name, "1") for name in _SHARES)):
            given: Parameter = getattr(self, name)
            share = name == "branching_share"
            within = 0.0 <= given.value <= 1.0 if share else given.value > 0.0
            if unit(given.unit).powers != unit(needed).powers or not within:
                raise ModelError(
                    f"{name} of vessels: {given.name!r} is {given.value} {given.unit}, needs "
                    f"{'0 to 1' if share else f'more than 0 {needed}'}"
                )
        if self.vessels.kind != "matrix" or unit(self.vessels.unit).powers != unit("1/mm^2").powers:
            raise ModelError(
                f"density of vessels {self.vessels.name!r} is {self.vessels.kind} in {self.vessels.unit}, needs a "
                f"matrix species in 1/mm^2"
            )
        for species in self.enters:
            if species.kind != "cell":
                raise ModelError(f"{species.name!r} enters out of vessels, but is no cell but {species.kind}")

    def value(self, name: str) -> float:
        """Return one of its lengths [um] or numbers [1] by name."""
        given: Parameter = getattr(self, name)
        return given.value * unit(given.unit).factor / unit("um" if name in _LENGTHS else "1").factor
