"""Units as exponents of base dimensions and a factor; the texts are read by pint, once each."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from collagensim.errors import ModelError

# Only what the models need: a small registry loads in a few milliseconds, pint's own in half a second.
_DEFINITIONS = """
meter = [length] = m
um = 1e-6 * meter
mm = 1e-3 * meter
cm = 1e-2 * meter
day = [time] = d
hour = day / 24
minute = hour / 60
second = minute / 60
month = 30.4375 * day
year = 365.25 * day
gram = [mass] = g
kg = 1e3 * gram
mg = 1e-3 * gram
ug = 1e-6 * gram
ng = 1e-9 * gram
pg = 1e-12 * gram
liter = 1e-3 * meter ** 3 = L
mL = 1e-3 * liter
mmHg = [pressure]
cell = [cell]
molecule = [molecule]
signal = [signal]
"""


@dataclass(frozen=True)
class Unit:
    """A product of base dimensions: ``factor`` relative to metre, day, gram, mmHg, cell, molecule, signal."""

    factor: float
    powers: tuple[tuple[str, Fraction], ...]

    def __mul__(self, other: Unit) -> Unit:
        powers = dict(self.powers)
        for base, power in other.powers:
            powers[base] = powers.get(base, Fraction(0)) + power
        kept = tuple(sorted((base, power) for base, power in powers.items() if power))
        return Unit(self.factor * other.factor, kept)

    def __pow__(self, exponent: Fraction) -> Unit:
        kept = tuple((base, power * exponent) for base, power in self.powers if exponent)
        return Unit(self.factor ** float(exponent), kept)

    def __truediv__(self, other: Unit) -> Unit:
        return self * other ** Fraction(-1)

    def same_as(self, other: Unit) -> bool:
        """Tell whether both mean the same, factor included, so that hours never pass for days."""
        return self.powers == other.powers and abs(self.factor / other.factor - 1.0) < 1e-9

    def __str__(self) -> str:
        return unit_text(self)


DIMENSIONLESS = Unit(1.0, ())


@functools.cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(None)
    for line in _DEFINITIONS.strip().splitlines():
        registry.define(line)
    return registry


@functools.cache
def unit(text: str) -> Unit:
    """Read a unit such as ``"mg/(cell*day)"``.

    Raises
    ------
    ModelError
        When the text is not a product of known units.
    """
    if text in ("1", ""):
        return DIMENSIONLESS
    registry = _registry()
    try:
        quantity = registry.Quantity(registry.parse_expression(text)).to_base_units()
    except Exception as error:
        known = ", ".join(line.split(" ")[0] for line in _DEFINITIONS.strip().splitlines())
        raise ModelError(f"unit {text!r} is not known: write a product of {known} or 1") from error
    powers = {
        str(base): Fraction(power).limit_denominator(12) for base, power in quantity.dimensionality.items()
    }
    return Unit(float(quantity.magnitude), tuple(sorted(powers.items())))


_BASE_NAMES = {
    "[length]": "m", "[time]": "day", "[mass]": "g", "[pressure]": "mmHg",
    "[cell]": "cell", "[molecule]": "molecule", "[signal]": "signal",
}  # fmt: skip
_SHOWN = (
    "1 1/day day cell/mm^3 cell/mm^3/day mg/mL mg/mL/day signal signal/day 1/signal mm mm/day um um/day "
    "um^2/second mm^2/day 1/mm^2 1/mm^2/day mmHg mm^3/cell signal*mm^3/cell/day mg/mL*mm^3/cell/day mL/mg cell "
    "hour 1/hour year 1/year"
).split()


@functools.cache
def unit_text(of: Unit) -> str:
    """Return the text of a unit that `unit` reads back: a familiar one where there is one."""
    for text in _SHOWN:
        if unit(text).same_as(of):
            return text
    factor = [] if of.factor == 1.0 else [repr(of.factor)]
    parts = [_BASE_NAMES[base] + ("" if power == 1 else f"^({power})") for base, power in of.powers]
    return "*".join(factor + parts) or "1"
