import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collagensim.errors import ModelError
from collagensim.model import (
    Parameter,
    Source,
    Species,
    evaluate,
    exp,
    hill,
    inhibition,
    log,
    smooth_positive,
    sqrt,
)
from collagensim.model.expression import constant, derivative, text

SOURCE = Source("assumed")


def parameter(name: str, unit: str = "1", value: float = 1.0) -> Parameter:
    return Parameter(name, value, unit, 0.0, 1e9, SOURCE, "assumed")


X = Species("signal_x", "1", "cell", 1.0)
Y = Species("signal_y", "1", "cell", 1.0)
K = parameter("half_signal")

FORMULAS = {
    "sum": X + 2.0 * Y - 1.5,
    "product": 3.0 * X * Y / K,
    "power": X**2 * Y**-1.5,
    "exponential": exp(-X / K) + log(1.0 + Y),
    "root": sqrt(X * X + Y),
    "hill 1": hill(X, K, 1),
    "hill 1.5": hill(X * Y, K, 1.5),
    "hill 4 of an unknown half": hill(X, Y, 4),
    "inhibition": X * inhibition(Y, K, 3),
    "smooth positive part": smooth_positive(X - Y, 0.1),
}


@pytest.mark.parametrize("name", FORMULAS)
@given(x=st.floats(0.05, 20.0), y=st.floats(0.05, 20.0), half=st.floats(0.1, 5.0))
def test_derivatives_agree_with_central_differences(name, x, y, half):
    formula = FORMULAS[name].node
    point = {"signal_x": x, "signal_y": y, "half_signal": half}
    step = 1e-4 * x

    def f(shift):
        return evaluate(formula, {**point, "signal_x": x + shift})

    central = (8 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12 * step)
    exact = evaluate(derivative(formula, X.node), point)
    # Fourth-order differences: rounding |f| 1e-16 / step dominates the truncation (1e-4)^4 of the scale.
    scale = max(abs(f(0.0)), 1.0) / step
    assert exact == pytest.approx(central, rel=1e-6, abs=1e-14 * scale + 1e-9)


def test_equal_trees_are_one_object():
    assert (X + Y * K).node is (X + Y * K).node


def test_numbers_are_folded():
    assert (2.0 * (3.0 * X)).node is (6.0 * X).node
    assert (X * 1.0).node is X.node
    assert (0.0 * X).node.op == "const"


def test_a_half_power_of_a_rounding_level_negative_stays_a_small_number():
    assert evaluate((X**1.5).node, {"signal_x": -1e-16}) == pytest.approx(-1e-24)


def test_units_are_refused_where_they_are_written():
    rate = parameter("loss_rate", "1/day")
    density = parameter("density", "cell/mm^3")
    with pytest.raises(ModelError, match="cannot add loss_rate in 1/day and density in cell/mm\\^3"):
        rate + density
    with pytest.raises(ModelError, match="hill compares signal_x in 1 with density in cell/mm\\^3"):
        hill(X, density, 2)
    with pytest.raises(ModelError, match="exp needs a dimensionless argument"):
        exp(density)


@pytest.mark.parametrize("exponent", [1.3, "2", None])
def test_only_whole_and_half_exponents_are_taken(exponent):
    with pytest.raises(ModelError, match="whole or half"):
        X**exponent


def test_a_formula_is_not_a_condition():
    with pytest.raises(ModelError, match="no truth value"):
        bool(X + Y)


def test_an_expression_cannot_be_changed():
    with pytest.raises(AttributeError, match="immutable"):
        (X + Y).node.value = 3.0


def test_text_of_a_formula_names_everything_in_full():
    assert text(hill(X, K, 2) * Y) == "hill(signal_x, half_signal, 2)*signal_y"
    assert text(constant(0.1).node) == "0.1"


def test_evaluation_works_on_arrays():
    x = np.linspace(0.1, 2.0, 5)
    np.testing.assert_allclose(
        evaluate(hill(X, K, 2).node, {"signal_x": x, "half_signal": 1.0}), x**2 / (1 + x**2), rtol=4e-16
    )
