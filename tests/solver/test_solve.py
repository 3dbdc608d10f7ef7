import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import robertson
from collagensim.errors import InputError, ModelError, SolveError
from collagensim.model import Basal, Input, Model, Parameter, Reaction, Source, Species, exp

SOURCE = Source("assumed")


def rate(name, value, unit="1/day"):
    return Parameter(name, value, unit, 0.0, 1e9, SOURCE, "assumed")


A = Species("aa", "1", "cell", 1.0)
DECAY = Model("decay", [A], reactions=[Reaction("loss", rate("loss_rate", 2.0) * A, {A: -1})])
FED = Input("feed", "1/day", "body", 0.0)
FEEDING = Model(
    "feeding",
    [A],
    reactions=[Reaction("loss", rate("loss_rate", 2.0) * A, {A: -1}), Reaction("gain", FED, {A: 1})],
)


def test_a_decay_is_an_exponential():
    response = cs.solve(DECAY, until=5.0, times=np.linspace(0, 5, 21), rtol=1e-8)
    exact = np.exp(-2.0 * response.data["time"].values)
    # Global error of a controlled solve stays within some ten times its tolerance rtol |y| + atol.
    np.testing.assert_allclose(response.data["aa"].values, exact, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("method", ["LSODA", "BDF", "Radau"])
def test_scipy_on_the_same_right_side_agrees(method):
    times = np.array([0.0, 0.4, 4.0, 40.0])
    ours = cs.solve(robertson(), until=40.0, times=times, rtol=1e-8)
    theirs = cs.solve(robertson(), until=40.0, times=times, rtol=1e-8, method=method)
    for name in ours.data.data_vars:
        # Two controlled solves differ by some hundred tolerances at most (SciPy's BDF is the loosest).
        np.testing.assert_allclose(ours.data[name], theirs.data[name], rtol=3e-6, atol=1e-12)


def test_an_event_sets_inputs_and_states_and_the_value_before_it_is_reported():
    events = [(1.0, {"feed": 4.0}), (2.0, {"aa": A * 0.5, "feed": 0.0})]
    response = cs.solve(FEEDING, until=3.0, times=[0.0, 1.0, 2.0, 3.0], events=events, rtol=1e-9)
    before_first = np.exp(-2.0)
    before_second = 2.0 + (before_first - 2.0) * np.exp(-2.0)
    exact = [1.0, before_first, before_second, 0.5 * before_second * np.exp(-2.0)]
    np.testing.assert_allclose(response.data["aa"].values, exact, rtol=1e-8)


def test_the_output_grid_does_not_touch_the_solution():
    few = cs.solve(robertson(), until=40.0, times=[0.0, 40.0])
    many = cs.solve(robertson(), until=40.0, times=np.linspace(0.0, 40.0, 333))
    assert few.statistics["steps"] == many.statistics["steps"]
    assert float(few.data[few_name(few)][-1]) == float(many.data[few_name(many)][-1])


def few_name(response):
    return next(iter(response.data.data_vars))


def test_a_basal_source_holds_the_baseline():
    fed = Model("fed", [A], reactions=DECAY.reactions, basals=[Basal(A)])
    response = cs.solve(fed, until=100.0)
    np.testing.assert_allclose(response.data["aa"], 1.0, rtol=1e-12)


def test_a_basal_source_that_would_be_negative_is_refused():
    growing = Model(
        "growing", [A], reactions=[Reaction("gain", rate("gain_rate", 1.0) * A, {A: 1})], basals=[Basal(A)]
    )
    with pytest.raises(ModelError, match="basal source of 'aa' would be negative"):
        cs.solve(growing, until=1.0)


def test_growth_without_bound_ends_as_a_status_that_names_the_variable():
    runaway = Model("runaway", [A], reactions=[Reaction("gain", rate("gain_rate", 1.0) * A**2, {A: 1})])
    with pytest.raises(SolveError, match=r"at day (1|0\.99\d*) \(aa\).*runs away") as caught:
        cs.solve(runaway, until=2.0)
    assert caught.value.status in (cs.Status.STEP_TOO_SMALL, cs.Status.NOT_FINITE)


@pytest.mark.parametrize("method", ["rodas5p", "LSODA"])
def test_an_overflow_ends_as_a_status(method):
    over = Model(
        "over", [A], reactions=[Reaction("gain", rate("gain_rate", 1.0) * exp(A * A * 800.0), {A: 1})]
    )
    with pytest.raises(SolveError) as caught:
        cs.solve(over, until=2.0, method=method)
    assert isinstance(caught.value.status, cs.Status)


def test_the_deadline_ends_a_solve():
    with pytest.raises(SolveError, match="raise deadline_s") as caught:
        cs.solve(robertson(), until=1e9, rtol=1e-12, deadline_s=1e-3)
    assert caught.value.status is cs.Status.DEADLINE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": -1.0}, "until"),
        ({"until": float("nan")}, "until"),
        ({"until": "3"}, "until '3' is not a number"),
        ({"method": "RADAU"}, "did you mean 'Radau'"),
        ({"rtol": 1.0}, "rtol"),
        ({"times": [0.0, 0.8, 0.4]}, "times holds 0.8 before 0.4: give increasing numbers"),
        ({"times": [0.0, 9.0]}, r"times\[1\] 9 is outside 0 to 1"),
        ({"times": []}, "times"),
        ({"initial": {"ab": 1.0}}, "no species or input 'ab'.*did you mean 'aa'"),
        ({"initial": {"aa": float("inf")}}, "aa"),
        ({"inputs": {"feed": 1.0}}, "reads no input 'feed'"),
        ({"events": [(5.0, {"aa": 1.0})]}, "event time 5 is outside 0 to 1"),
    ],
)
def test_bad_input_is_one_sentence(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        cs.solve(DECAY, **{"until": 1.0, **changes})
    assert "\n" not in str(caught.value)


def test_an_unbound_input_is_named():
    bare = Model("bare", [A], reactions=[Reaction("gain", Input("dose", "1/day", "body"), {A: 1})])
    with pytest.raises(InputError, match="input 'dose' \\[1/day\\] of 'bare' has no value"):
        cs.solve(bare, until=1.0)


def test_an_output_time_next_to_the_start_is_reached():
    # The place of that row within the first step underflows to zero.
    found = cs.solve(robertson(), until=1.0, times=[5e-324, 1.0])
    assert found.data["aa"].values[0] == 1.0
