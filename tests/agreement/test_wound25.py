"""The benchmark problem says the same to collagensim, to NumPy and to libRoadRunner."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import collagensim as cs
from collagensim.model import evaluate

_PLACE = Path(__file__).parents[2] / "benchmarks" / "problems" / "wound25.py"
_SPEC = importlib.util.spec_from_file_location("wound25", _PLACE)
wound25 = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(wound25)


def states(n, seed):
    """(25, n) states about the size of those that occur."""
    return np.random.default_rng(seed).uniform(0.01, 2.0, (len(wound25.STATES), n))


def daily(response):
    return np.stack([response.data[name.lower()].values for name in wound25.STATES], axis=1)


def test_the_models_right_side_is_the_plain_formula():
    y = states(50, seed=1)
    model = wound25.model()
    values = {**model.values, **dict(zip(model.species_names, y, strict=True))}
    rates = np.array([evaluate(reaction.total, values) for reaction in model.reactions])
    plain = wound25.right_side(y)
    # At most 30 operations an equation, whose intermediate results are below 1e3 of these states and parameters.
    assert np.abs(rates - plain).max() < 30 * 2e-16 * 1e3
    assert [tuple(reaction.effect) for reaction in model.reactions] == [
        (species,) for species in model.species
    ]


@pytest.mark.slow
def test_six_sessions_agree_with_scipy_on_the_plain_formula():
    y, rows = wound25.start(), [wound25.start()[None]]
    for begin, end in zip(wound25.SESSIONS, [*wound25.SESSIONS[1:], wound25.END], strict=True):
        found = solve_ivp(
            lambda t, y: wound25.right_side(y), (begin, end), wound25.jump(y), "LSODA",
            np.arange(begin + 1, end + 1), rtol=1e-10, atol=1e-13,
        )  # fmt: skip
        rows.append(found.y.T)
        y = found.y[:, -1]
    response = cs.solve(
        wound25.model(), until=wound25.END, times=wound25.TIMES, events=wound25.events(), rtol=1e-8
    )
    # Either is about a hundred of its tolerances from the truth, LSODA 1e-8 and ours 1e-6.
    assert wound25.error(daily(response), np.concatenate(rows)) < 1e-6


@pytest.mark.slow
def test_the_problem_stays_as_it_is():
    # SciPy's Radau at rtol 1e-12; LSODA at 1e-12 agrees to 2e-10. Figures of other years rest on this problem.
    ends = {
        "TA": 0.0599808419834,
        "F": 2.2407707437,
        "C3": 0.704406596694,
        "C1": 0.185576084353,
        "CX": 2.88218853666,
    }
    response = cs.solve(
        wound25.model(), until=wound25.END, times=[0.0, wound25.END], events=wound25.events(), rtol=1e-9
    )
    for name, end in ends.items():
        # A hundred tolerances.
        assert float(response.data[name.lower()][-1]) == pytest.approx(end, rel=1e-7)
    assert len(wound25.STATES) == 25
    assert len(wound25.PARAMETERS) == 104


def test_jumps_of_the_model_are_the_plain_jumps():
    y = states(1, seed=2)[:, 0]
    names = dict(zip(wound25.model().species_names, y, strict=True))
    day, changes = wound25.events()[3]
    after = [evaluate(changes[name].node, names) if name in changes else names[name] for name in names]
    assert day == 84.0
    # One product or sum each.
    assert after == pytest.approx(wound25.jump(y), rel=4e-16)


def test_antimony_names_every_state_parameter_and_session():
    text = wound25.antimony()
    for name, number in wound25.PARAMETERS.items():
        assert f"  {name} = {number!r};" in text
    assert text.count("' = ") == len(wound25.STATES)
    # The first session is in the initial state.
    assert text.count(" at (time >= ") == wound25.SESSIONS.size - 1
    assert "  D = 0.6;" in text


@pytest.mark.slow
def test_libroadrunner_reads_the_same_problem():
    antimony = pytest.importorskip("antimony")
    roadrunner = pytest.importorskip("roadrunner")
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(wound25.antimony()) >= 0
    simulator = roadrunner.RoadRunner(antimony.getSBMLString(antimony.getMainModuleName()))
    simulator.timeCourseSelections = list(wound25.STATES)
    simulator.integrator.setValue("relative_tolerance", 1e-9)
    simulator.integrator.setValue("absolute_tolerance", 1e-12)
    theirs = np.array(simulator.simulate(0.0, wound25.END, wound25.TIMES.size))
    response = cs.solve(
        wound25.model(), until=wound25.END, times=wound25.TIMES, events=wound25.events(), rtol=1e-8
    )
    # CVODE's error is some hundred tolerances, as ours.
    assert wound25.error(daily(response), theirs) < 1e-6


@pytest.mark.parametrize("text", ["f(x)", "x.y", "x if x else 1", "'x'", "x // 2", "[x]"])
def test_formulas_read_arithmetic_only(text):
    with pytest.raises(ValueError, match="no sum"):
        wound25.value(text, {"x": 1.0})


def test_the_error_is_relative_with_a_floor_and_leaves_session_days_out():
    reference = np.ones((366, 25))
    reference[:, 3] = np.linspace(0.0, 1.0, 366)
    off = reference.copy()
    off[28] += 1.0
    assert wound25.error(off, reference) == 0.0
    off[7, 0] += 1e-3
    assert wound25.error(off, reference) == pytest.approx(1e-3 / 1.001)
    off[1, 3] += 1e-3
    assert wound25.error(off, reference) == pytest.approx(1e-3 / (1e-3 + 1 / 365))
