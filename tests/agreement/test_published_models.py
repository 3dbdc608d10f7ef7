"""Small published models against the figures that follow from their published equations."""

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import adler_2020, reynolds_2006, robertson, waugh_sherratt_2006

# The figures are stated to three or four digits, so half a unit of the last one is the tolerance.
DIGITS = 2e-3


def last(response, name):
    return float(response.data[name][-1])


def test_robertson_reaches_the_published_values():
    # Mazzia and Magherini, Test set for IVP solvers (2008), and Hairer and Wanner (1996) at t = 40.
    response = cs.solve(robertson(), until=40.0, rtol=1e-9, times=[0.0, 40.0])
    exact = {"aa": 0.7158270688, "bb": 9.185534765e-6, "cc": 0.2841637457}
    for name, value in exact.items():
        assert last(response, name) == pytest.approx(value, rel=1e-8)
    late = cs.solve(robertson(), until=1e11, rtol=1e-8, times=[0.0, 1e11])
    assert last(late, "aa") == pytest.approx(0.2083340149701255e-7, rel=1e-5)


def test_reynolds_heals_as_published():
    response = cs.solve(reynolds_2006(), until=400.0, times=np.linspace(0.0, 400.0, 8001), rtol=1e-8)
    data = response.data
    # The maxima are flat: a tenth of a per mille in height is some tenths of an hour.
    for name, peak, hour in (
        ("phagocytes", 0.1964, 33.8),
        ("damage", 3.411, 32.3),
        ("anti_inflammatory", 0.513, 64.8),
    ):
        assert float(data[name].max()) == pytest.approx(peak, rel=DIGITS), name
        assert float(data["time"][int(np.argmax(data[name].values))]) == pytest.approx(hour, abs=0.3), name
    assert last(settles(pathogen=1.0), "anti_inflammatory") == pytest.approx(0.125, rel=DIGITS)


def settles(until=3000.0, parameters=None, events=(), **initial):
    model = reynolds_2006().with_parameters(parameters or {})
    return cs.solve(model, until=until, initial=initial, events=events, times=[0.0, until], rtol=1e-8)


def test_reynolds_has_two_unhealthy_resting_states():
    aseptic = settles(pathogen=0.0, damage=5.0)
    for name, value in (("phagocytes", 0.635), ("damage", 17.40), ("anti_inflammatory", 0.523)):
        assert last(aseptic, name) == pytest.approx(value, rel=DIGITS)
    septic = settles(parameters={"pathogen_growth_rate": 0.6}, pathogen=1.0)
    for name, value in (("pathogen", 4.94), ("phagocytes", 0.981), ("damage", 17.49)):
        assert last(septic, name) == pytest.approx(value, rel=DIGITS)


@pytest.mark.parametrize(("damage", "heals"), [(3.70, True), (3.72, False)])
def test_reynolds_heals_below_the_separatrix_of_sterile_damage(damage, heals):
    # The separatrix lies at a damage of 3.712.
    assert (last(settles(pathogen=0.0, damage=damage), "damage") < 1e-3) == heals


@pytest.mark.parametrize(("hours", "heals"), [(24.0, False), (48.0, True)])
def test_reynolds_heals_two_sterile_hits_if_they_are_far_enough_apart(hours, heals):
    damage = next(s for s in reynolds_2006().species if s.name == "damage")
    found = settles(pathogen=0.0, damage=3.0, events=[(hours, {"damage": damage + 3.0})])
    assert (last(found, "damage") < 1e-3) == heals


@pytest.mark.parametrize(
    ("share", "day", "expected"),
    [
        # SciPy's LSODA at 1e-10 on the equations of BIOMD0000000680 typed in by hand gives 110.6794 and 0.85908.
        (0.5, 10.0, (110.68, 110.68, 0.859)),
        (0.5, 50.0, (7.15, 7.15, 0.06)),
        (0.5, 400.0, (6.37, 6.37, 0.049)),
        (0.8, 400.0, (905.8, 226.4, 6.97)),
    ],
)
def test_waugh_and_sherratt_resolve_or_stay_chronic(share, day, expected):
    model = waugh_sherratt_2006().with_parameters(inflammatory_share=share)
    response = cs.solve(model, until=day, times=[0.0, day], rtol=1e-8)
    for name, value in zip(model.species_names, expected, strict=True):
        # Half a unit of the last digit given.
        digits = 10.0 ** -len(str(value).split(".")[1])
        assert last(response, name) == pytest.approx(value, abs=0.6 * digits), name


def adler(pulses, until=1500.0):
    """End state after pulses of (start, days, cells a minute)."""
    events = []
    for start, days, per_minute in pulses:
        events += [(start, {"inflammation": per_minute * 1440.0}), (start + days, {"inflammation": 0.0})]
    return cs.solve(adler_2020(), until=until, events=events, times=[0.0, until], rtol=1e-7)


def test_adler_rests_where_published():
    rest = adler([])
    assert last(rest, "myofibroblasts") == pytest.approx(50.7, rel=DIGITS)
    assert last(rest, "macrophages") == pytest.approx(51.6, rel=DIGITS)


def test_adler_stays_in_hot_fibrosis_after_a_long_pulse():
    hot = adler([(0.0, 5.0, 40.0)])
    for name, value in (
        ("myofibroblasts", 4.849e5), ("macrophages", 6.451e5), ("csf_1", 3.60e8), ("pdgf", 1.100e9),
    ):  # fmt: skip
        assert last(hot, name) == pytest.approx(value, rel=DIGITS), name


@pytest.mark.parametrize(("per_minute", "critical"), [(20.0, 3.49), (40.0, 1.95), (140.0, 0.613)])
def test_adler_has_a_critical_pulse(per_minute, critical):
    assert last(adler([(100.0, 0.985 * critical, per_minute)]), "myofibroblasts") < 1e4
    assert last(adler([(100.0, 1.015 * critical, per_minute)]), "myofibroblasts") > 1e5


@pytest.mark.parametrize(
    ("per_minute", "days", "rest"), [(40.0, 1.0, 18.2), (40.0, 1.5, 33.7), (20.0, 2.0, 18.8)]
)
def test_adler_needs_rest_between_two_pulses(per_minute, days, rest):
    def end(pause):
        pulses = [(100.0, days, per_minute), (100.0 + days + pause, days, per_minute)]
        return last(adler(pulses), "myofibroblasts")

    assert end(rest - 1.0) > 1e5
    assert end(rest + 1.0) < 1e4
