"""The skin that is treated: whose, where, and in what state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collagensim.errors import InputError, in_range, nearest, one_of, shown, whole
from collagensim.skin.anatomy import LAYERS, conditions, sites
from collagensim.skin.risks import RISKS
from collagensim.skin.state import State

SEXES = ("female", "male")


@dataclass(frozen=True)
class Layer:
    """A layer of the dermis: its name, thickness [mm] and the depth of its top below the skin surface [mm]."""

    name: str
    thickness_mm: float
    top_mm: float

    @property
    def bottom_mm(self) -> float:
        """Depth of its lower border below the skin surface [mm]."""
        return self.top_mm + self.thickness_mm


@dataclass(frozen=True, kw_only=True)
class Skin:
    """Skin of one person at one site.

    Parameters
    ----------
    site : str
        One of ``sites()``.
    age_years : float
        18 to 100.
    sex : str
        ``"female"`` or ``"male"``.
    phototype : int
        Fitzpatrick's, 1 to 6.
    condition : str
        One of ``conditions()``.
    risks : sequence of str
        What speaks against needling, see ``risks()``; they warn and, for a tendency to keloid, also act.

    Examples
    --------
    >>> Skin(site="cheek", age_years=45, condition="photoaged").layers[0].name
    'papillary'
    """

    site: str = "cheek"
    age_years: float = 45.0
    sex: str = "female"
    phototype: int = 3
    condition: str = "healthy"
    risks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "site", one_of("site", self.site, sites()))
        object.__setattr__(self, "age_years", in_range("age_years", self.age_years, 18, 100, "years"))
        object.__setattr__(self, "sex", one_of("sex", self.sex, SEXES))
        object.__setattr__(self, "phototype", whole("phototype (Fitzpatrick)", self.phototype, 1, 6))
        object.__setattr__(self, "condition", one_of("condition", self.condition, conditions()))
        object.__setattr__(self, "risks", _risks(self.risks))

    @property
    def layers(self) -> tuple[Layer, Layer, Layer]:
        """The three layers of the dermis, top first."""
        state = self._state()
        thickness = state.layer_thickness()
        tops = state.epidermal_thickness() / 1000.0 + np.concatenate([[0.0], np.cumsum(thickness)[:-1]])
        first, second, third = (
            Layer(name, float(h), float(top)) for name, h, top in zip(LAYERS, thickness, tops, strict=True)
        )
        return first, second, third

    @property
    def epidermal_thickness_um(self) -> float:
        """Thickness of the epidermis with its corneum [um]."""
        return self._state().epidermal_thickness()

    @property
    def dermal_thickness_mm(self) -> float:
        """Thickness of the whole dermis [mm]."""
        return float(self._state().layer_thickness().sum())

    def inputs(self) -> dict[str, NDArray[np.float64]]:
        """Values that the model reads, by name; of shape (3,) over the layers or () for the body."""
        return self._state().inputs()

    def table(self) -> list[dict[str, str | float]]:
        """Figures that these values rest on: quantity, value, unit, range, status, source, evidence, of, note."""
        state = self._state()
        state.inputs()
        return [figure.row() for figure in state.used]

    def warnings(self) -> tuple[str, ...]:
        """Reasons not to needle this skin, or only with care, one sentence each with its source."""
        return tuple(f"{risk.replace('_', ' ')}: {RISKS[risk]}" for risk in self.risks)

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments, as JSON holds them."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**given, "risks": list(self.risks)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Skin:
        """Return the skin that ``to_dict`` described."""
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise InputError(f"a skin has no {name!r}: it has {', '.join(known)}{nearest(name, known)}")
        return cls(**dict(given))

    def _state(self) -> State:
        return State(self.site, self.age_years, self.sex, self.phototype, self.condition, self.risks)


def _risks(given: object) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, tuple | list | set | frozenset):
        example = given if isinstance(given, str) and given in RISKS else next(iter(RISKS))
        raise InputError(f"risks {shown(given)} is not a list of names: give for example risks=['{example}']")
    return tuple(dict.fromkeys(one_of("risk", name, RISKS) for name in given))


__all__ = ["Layer", "Skin"]
