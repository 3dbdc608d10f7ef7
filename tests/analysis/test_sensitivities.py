import numpy as np
import pytest

import collagensim as cs
from collagensim.analysis.sensitivities import sensitivities
from collagensim.solver.simulate import simulate_courses

MODEL = cs.dermal_healing()
SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250)
PROTOCOL = cs.Protocol.series(SESSION, sessions=2, spacing_days=20)
DAYS = [1.0, 10.0, 21.0, 40.0]
VARIABLES = ["collagen_total", "fibroblasts", "erythema"]
# Two of the inflammation, one of the resting skin, one of the late dermis.
NAMES = ["neutrophil_phagocytosis", "debris_clearance", "papillary_iii", "tension_activation"]


@pytest.fixture(scope="module")
def exact():
    return sensitivities(
        MODEL, SKIN, PROTOCOL, NAMES, days=40, output_days=DAYS, variables=VARIABLES, rtol=1e-8
    )


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_agree_with_central_differences(exact, name):
    # Central differences err by h^2/6 of the third derivative, of the size of the first in logarithms, and by twice the
    # solutions' own error 1e-9 over 2 h: about 1e-7 and 1e-6 of the variable, which is a thousandth of what is asked.
    h, value = 1e-3, MODEL.values[name]
    found = simulate_courses(
        MODEL, SKIN, PROTOCOL, [{name: value * np.exp(h)}, {name: value * np.exp(-h)}], days=40, grids=DAYS,
        variables=VARIABLES, rtol=1e-10,
    )  # fmt: skip
    for variable in VARIABLES:
        difference = (found.values[variable][0] - found.values[variable][1]) / (2 * h)
        derivative = exact[variable].sel(parameter=name).values
        size = np.abs(found.values[variable]).max()
        np.testing.assert_allclose(derivative, difference, atol=1e-5 * np.abs(derivative).max() + 1e-7 * size)


def test_more_parameters_change_no_derivative(exact):
    alone = sensitivities(
        MODEL, SKIN, PROTOCOL, NAMES[:1], days=40, output_days=DAYS, variables=VARIABLES, rtol=1e-8
    )
    for variable in VARIABLES:
        assert np.array_equal(alone[variable].values[0], exact[variable].values[0])


@pytest.mark.parametrize(("days", "expected"), [(0.5, [0.5]), (7, [1, 3, 7]), (10, [1, 3, 7, 10])])
def test_the_last_day_is_among_the_usual_ones(days, expected):
    one = cs.Protocol([(0, SESSION)])
    found = sensitivities(MODEL, SKIN, one, NAMES[:1], days=days, variables=VARIABLES[:1])
    assert found["time"].values.tolist() == expected


def test_what_shapes_the_zones_is_refused():
    with pytest.raises(cs.InputError, match="simulate_many"):
        sensitivities(MODEL, SKIN, PROTOCOL, [MODEL.zone_radius.name], days=1)


def test_a_misspelled_parameter_is_named():
    with pytest.raises(cs.InputError, match="did you mean 'debris_clearance'"):
        sensitivities(MODEL, SKIN, PROTOCOL, ["debris_clearence"], days=1)
