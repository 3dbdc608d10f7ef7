"""Problems of the Test Set for IVP Solvers in the same language, each with its published solution at the end.

Mazzia and Magherini, *Test Set for Initial Value Problem Solvers*, release 2.4 (2008), University of Bari and INdAM.
The solutions are those of its source files (subroutine ``solut``), computed there with RADAU and RADAU5 at a unit
roundoff of 1e-19. SciPy's Radau and LSODA at rtol 1e-13 agree with every one of them to 1e-12 and 4e-11.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collagensim.model import Model, Operand, Parameter, Reaction, Source, Species

_DECADE = 10.0
_TEST_SET = "mazzia2008"


@dataclass(frozen=True)
class ReferenceProblem:
    """A model whose state is known at time ``until`` [model.time_unit] after it started from its baseline.

    ``values`` maps every species to its published value there, ``source`` says where that was published.
    """

    model: Model
    until: float
    values: Mapping[str, float]
    source: Source


def digits(problem: ReferenceProblem, found: Mapping[str, float]) -> float:
    """Return the significant correct digits of ``found`` (species -> value at the end): those of the worst species.

    ``-log10 max_i |found_i - value_i| / |value_i|``, the test set's ``scd``. (Its ``mescd`` divides by
    ``|value_i| + atol / rtol`` and is kinder to a species that has nearly vanished.) At most 16, what a double holds.
    """
    errors = [abs(found[name] - value) / abs(value) for name, value in problem.values.items()]
    return -math.log10(max(*errors, 1e-16))


def reference_problems() -> tuple[ReferenceProblem, ...]:
    """Return HIRES, ROBER, OREGO, VDPOL and POLLU."""
    return hires(), rober(), orego(), vdpol(), pollu()


def hires() -> ReferenceProblem:
    """Return HIRES: eight species of the high irradiance response of plants; time in the test set's unnamed unit.

    Published at 321.8122 (Test Set for IVP Solvers 2.4, problem HIRES). The sum of y7 and y8 is conserved.
    """
    values = {
        "y1": 0.7371312573325668e-3, "y2": 0.1442485726316185e-3, "y3": 0.5888729740967575e-4,
        "y4": 0.1175651343283149e-2, "y5": 0.2386356198831331e-2, "y6": 0.6238968252742796e-2,
        "y7": 0.2849998395185769e-2, "y8": 0.2850001604814231e-2,
    }  # fmt: skip
    start = {"y1": 1.0, "y8": 0.0057}
    species = {name: Species(name, "1", "soluble", start.get(name, 0.0), 1e-2) for name in values}
    model = Model(
        "hires",
        species=list(species.values()),
        reactions=_mass_action(species, "1", _HIRES),
        time_unit="1",
        title="HIRES (Schaefer 1975)",
        description="High irradiance responses of photomorphogenesis by way of phytochrome.",
    )
    return ReferenceProblem(model, 321.8122, values, Source(_TEST_SET, "problem HIRES"))


_HIRES = (
    ("-> y1", 0.0007), ("y1 -> y2", 1.71), ("y2 -> y1", 0.43), ("y3 -> y1", 8.32), ("y2 -> y4", 8.32),
    ("y3 -> y4", 1.71), ("y4 -> y3", 0.43), ("y5 -> y3", 0.035), ("y4 -> y6", 0.69), ("y5 -> y6", 1.71),
    ("y6 -> y5", 0.43), ("y6 + y8 -> y7", 280.0), ("y7 -> y5 + y8", 0.43), ("y7 -> y6 + y8", 0.69), ("y7 -> y8", 0.69),
)  # fmt: skip


def rober() -> ReferenceProblem:
    """Return ROBER: Robertson's kinetics over eleven decades of time [second].

    Published at 1e11 (Test Set for IVP Solvers 2.4, problem ROBER). The reactions are those of
    :func:`collagensim.biology.small.robertson`, the typical magnitudes those of the end: on the scale of the first
    seconds, on which aa is 1, the 2e-8 that are left of it after 1e11 seconds are nothing.
    """
    values = {"aa": 0.2083340149701255e-7, "bb": 0.8333360770334713e-13, "cc": 0.9999999791665050}
    start = {"aa": 1.0}
    species = {
        name: Species(name, "1", "soluble", start.get(name, 0.0), value) for name, value in values.items()
    }
    rows = (("aa -> bb", 0.04), ("bb + cc -> aa + cc", 1e4), ("2 bb -> bb + cc", 3e7))
    model = Model(
        "rober",
        species=list(species.values()),
        reactions=_mass_action(species, "second", rows),
        time_unit="second",
        title="Robertson's kinetics",
        description="Three reactions over nine orders of magnitude in rate.",
    )
    return ReferenceProblem(model, 1e11, values, Source(_TEST_SET, "problem ROBER"))


def orego() -> ReferenceProblem:
    """Return OREGO: the Oregonator of the Belousov-Zhabotinskii reaction, a relaxation oscillator; all scaled to 1.

    Published at 360 (Test Set for IVP Solvers 2.4, problem OREGO).
    """
    stretch = _constant("stretch", 77.27, "1", "ratio of time scales")
    crowding = _constant("crowding", 8.375e-6, "1", "self-limitation of bromous acid")
    pace = _constant("pace", 0.161, "1", "rate of the catalyst")
    acid = Species("bromous_acid", "1", "soluble", 1.0, description="HBrO2")
    bromide = Species("bromide", "1", "soluble", 2.0, 1.0, description="Br-")
    catalyst = Species("catalyst", "1", "soluble", 3.0, 1.0, description="oxidised cerium")
    model = Model(
        "orego",
        species=[acid, bromide, catalyst],
        reactions=[
            Reaction("bromide_gives_acid", stretch * bromide, {acid: 1}),
            Reaction("acid_grows", stretch * acid * (1.0 - crowding * acid), {acid: 1}),
            Reaction("bromide_takes_acid", stretch * acid * bromide, {acid: -1}),
            Reaction("bromide_is_used", (1.0 + acid) * bromide / stretch, {bromide: -1}),
            Reaction("catalyst_gives_bromide", catalyst / stretch, {bromide: 1}),
            Reaction("catalyst_follows_acid", pace * (acid - catalyst), {catalyst: 1}),
        ],
        time_unit="1",
        title="Oregonator (Field and Noyes 1974)",
        description="Relaxation oscillations over five orders of magnitude.",
    )
    values = {
        "bromous_acid": 0.1000814870318523e1,
        "bromide": 0.1228178521549917e4,
        "catalyst": 0.1320554942846706e3,
    }
    return ReferenceProblem(model, 360.0, values, Source(_TEST_SET, "problem OREGO"))


def vdpol() -> ReferenceProblem:
    """Return VDPOL: van der Pol's oscillator, position and velocity, with damping time 1e-6 of the time unit.

    Published at 2, after two jumps (Test Set for IVP Solvers 2.4, problem VDPOL).
    """
    damping_time = _constant("damping_time", 1e-6, "1", "inverse square of the damping")
    position = Species("position", "1", "soluble", 2.0, 1.0, signed=True)
    velocity = Species("velocity", "1", "soluble", 0.0, 1.0, signed=True)
    pull = ((1.0 - position**2) * velocity - position) / damping_time
    model = Model(
        "vdpol",
        species=[position, velocity],
        reactions=[Reaction("moves", velocity, {position: 1}), Reaction("is_pulled", pull, {velocity: 1})],
        time_unit="1",
        title="Van der Pol's oscillator",
        description="A relaxation oscillator: slow arcs joined by jumps.",
    )
    values = {"position": 0.1706167732170483e1, "velocity": -0.8928097010247975}
    return ReferenceProblem(model, 2.0, values, Source(_TEST_SET, "problem VDPOL"))


def pollu() -> ReferenceProblem:
    """Return POLLU: air pollution, 25 reactions of 20 substances [ppm, here 1]; time in minutes.

    Published at 60 (Test Set for IVP Solvers 2.4, problem POLLU, after Verwer 1994).
    """
    start = {"no": 0.2, "o3": 0.04, "hcho": 0.1, "co": 0.3, "ald": 0.01, "so2": 0.007}
    # What starts at nothing and ends rare has its end as typical magnitude.
    species = {
        name: Species(name, "1", "soluble", start.get(name, 0.0), start.get(name, value))
        for name, value in _POLLU_END.items()
    }
    model = Model(
        "pollu",
        species=list(species.values()),
        reactions=_mass_action(species, "minute", _POLLU),
        time_unit="minute",
        title="Air pollution (Verwer 1994)",
        description="Chemistry of nitrogen oxides, ozone and hydrocarbons in air.",
    )
    return ReferenceProblem(model, 60.0, _POLLU_END, Source(_TEST_SET, "problem POLLU"))


_POLLU = (
    ("no2 -> no + o3p", 0.35), ("no + o3 -> no2", 26.6), ("ho2 + no -> no2 + oh", 12.3e3),
    ("hcho -> 2 ho2 + co", 0.86e-3), ("hcho -> co", 0.82e-3), ("hcho + oh -> ho2 + co", 15e3),
    ("ald -> meo2 + ho2 + co", 0.13e-3), ("ald + oh -> c2o3", 24e3), ("c2o3 + no -> no2 + meo2 + co2", 16.5e3),
    ("c2o3 + no2 -> pan", 9e3), ("pan -> c2o3 + no2", 0.022), ("meo2 + no -> ch3o + no2", 12e3),
    ("ch3o -> hcho + ho2", 1.88), ("no2 + oh -> hno3", 16.3e3), ("o3p -> o3", 4.8e6), ("o3 -> o1d", 0.35e-3),
    ("o3 -> o3p", 0.0175), ("o1d -> 2 oh", 0.1e9), ("o1d -> o3p", 0.444e12), ("so2 + oh -> so4 + ho2", 1.24e3),
    ("no3 -> no", 2.1), ("no3 -> no2 + o3p", 5.78), ("no2 + o3 -> no3", 0.0474), ("no3 + no2 -> n2o5", 1.78e3),
    ("n2o5 -> no3 + no2", 3.12),
)  # fmt: skip
_POLLU_END = {
    "no2": 0.5646255480022769e-1, "no": 0.1342484130422339, "o3p": 0.4139734331099427e-8,
    "o3": 0.5523140207484359e-2, "ho2": 0.2018977262302196e-6, "oh": 0.1464541863493966e-6,
    "hcho": 0.7784249118997964e-1, "co": 0.3245075353396018, "ald": 0.7494013383880406e-2,
    "meo2": 0.1622293157301561e-7, "c2o3": 0.1135863833257075e-7, "co2": 0.2230505975721359e-2,
    "pan": 0.2087162882798630e-3, "ch3o": 0.1396921016840158e-4, "hno3": 0.8964884856898295e-2,
    "o1d": 0.4352846369330103e-17, "so2": 0.6899219696263405e-2, "so4": 0.1007803037365946e-3,
    "no3": 0.1772146513969984e-5, "n2o5": 0.5682943292316392e-4,
}  # fmt: skip


def _mass_action(
    species: Mapping[str, Species], time_unit: str, rows: Iterable[tuple[str, float]]
) -> list[Reaction]:
    """Return reactions from rows of (equation, rate constant), such as ``("o1d -> 2 oh", 1e8)``.

    The rate is the constant times what stands on the left, each to the power of its count.
    """
    found = []
    for k, (equation, value) in enumerate(rows, 1):
        left, right = (_terms(side) for side in equation.split("->"))
        unit = "1" if time_unit == "1" else f"1/{time_unit}"
        rate: Operand = _constant(f"k{k}", value, unit, equation.strip())
        for name, count in left.items():
            rate = rate * species[name] ** count
        change = {name: right.get(name, 0) - left.get(name, 0) for name in {**left, **right}}
        effect = {species[name]: count for name, count in change.items() if count}
        found.append(Reaction(f"reaction_{k}", rate, effect, description=equation.strip()))
    return found


def _terms(side: str) -> dict[str, int]:
    """Return species -> count of one side of an equation: ``"2 oh + co"`` -> oh 2, co 1."""
    words = [term.split() for term in side.split("+") if term.strip()]
    return {word[-1]: int(word[0]) if len(word) == 2 else 1 for word in words}


def _constant(name: str, value: float, unit: str, description: str) -> Parameter:
    """Return a constant of the test set, free within a decade."""
    low, high = value / _DECADE, value * _DECADE
    return Parameter(name, value, unit, low, high, Source(_TEST_SET), "measured", description=description)
