import math

import numpy as np
import pytest

from collagensim.kernels.tableaus import RODAS5D, RODAS5P

each_method = pytest.mark.parametrize("method", [RODAS5D, RODAS5P], ids=lambda method: method.name)


def classical(tableau):
    """alpha, beta and b of the Rosenbrock method, from the form that has no products with the Jacobian."""
    n = len(tableau.combine)
    gammas = np.linalg.inv(np.eye(n) / tableau.gamma - tableau.couple)
    alpha = tableau.combine @ gammas
    weights = np.append(tableau.combine[-1, :-1], 1.0)
    return alpha, alpha + gammas, weights @ gammas, gammas


def conditions(alpha, beta, b):
    """(order, value, required) for each rooted tree of a Rosenbrock method (Hairer and Wanner II, table IV.7.1)."""
    a, c = alpha.sum(axis=1), beta.sum(axis=1)
    return [
        (1, b.sum(), 1),
        (2, b @ c, 1 / 2),
        (3, b @ a**2, 1 / 3),
        (3, b @ beta @ c, 1 / 6),
        (4, b @ a**3, 1 / 4),
        (4, b @ (a * (alpha @ c)), 1 / 8),
        (4, b @ beta @ a**2, 1 / 12),
        (4, b @ beta @ beta @ c, 1 / 24),
        (5, b @ a**4, 1 / 5),
        (5, b @ (a**2 * (alpha @ c)), 1 / 10),
        (5, b @ (alpha @ c) ** 2, 1 / 20),
        (5, b @ (a * (alpha @ a**2)), 1 / 15),
        (5, b @ (a * (alpha @ beta @ c)), 1 / 30),
        (5, b @ beta @ a**3, 1 / 20),
        (5, b @ beta @ (a * (alpha @ c)), 1 / 40),
        (5, b @ beta @ beta @ a**2, 1 / 60),
        (5, b @ beta @ beta @ beta @ c, 1 / 120),
    ]


# The published coefficients have 15 or 16 digits and reach 166 in size: sums of products keep 1e-11.
TOLERANCE = 1e-11


@each_method
@pytest.mark.parametrize("i", range(17))
def test_every_order_condition_holds_up_to_the_declared_order(i, method):
    alpha, beta, b, _ = classical(method)
    order, value, required = conditions(alpha, beta, b)[i]
    assert order <= method.order
    assert abs(value - required) < TOLERANCE


@each_method
def test_the_embedded_method_is_of_order_four_and_no_higher(method):
    alpha, beta, b, gammas = classical(method)
    embedded = b - gammas[-1]
    errors = [(order, abs(value - required)) for order, value, required in conditions(alpha, beta, embedded)]
    assert max(error for order, error in errors if order <= method.order - 1) < TOLERANCE
    assert max(error for order, error in errors if order == method.order) > 1e-4


@each_method
@pytest.mark.parametrize("theta", [0.1, 0.5, 0.9])
def test_the_interpolant_satisfies_the_conditions_of_its_order(theta, method):
    alpha, beta, _, _ = classical(method)
    inside = weights_inside(method, theta)
    for order, value, required in conditions(alpha, beta, inside):
        if order <= method.dense_order:
            assert abs(value - required * theta**order) < TOLERANCE


def weights_inside(method, theta):
    """What each stage's slope weighs in the interpolant at theta; b at its end."""
    _, _, b, gammas = classical(method)
    bend = method.dense[0] + theta * (method.dense[1] + theta * method.dense[2])
    return theta * (b + (1 - theta) * (bend @ gammas))


def follows(method, theta, order, z):
    """Error at theta of y' = z (y - f) + f' with f = t^order / order! from f(0), in one step of length one."""
    alpha, beta, _, gammas = classical(method)
    a, rates = alpha.sum(axis=1), np.eye(len(alpha)) - z * beta
    right = a ** (order - 1) / math.factorial(order - 1) - z * a**order / math.factorial(order)
    if order == 2:
        right = right + gammas.sum(axis=1)
    return weights_inside(method, theta) @ np.linalg.solve(rates, right) - theta**order / math.factorial(
        order
    )


STIFFNESS = -np.array([0.1, 1.0, 3.0, 8.0, 20.0, 60.0, 300.0, 3000.0])


@each_method
@pytest.mark.parametrize("theta", [0.15, 0.3, 0.5, 0.75, 0.9, 1.0])
def test_a_cubic_is_followed_exactly_however_stiff_the_pull_towards_it(theta, method):
    # The condition that keeps the order at 4 where a Rosenbrock method may fall to 2 (Prothero and Robinson).
    for order in (2, 3):
        assert max(abs(follows(method, theta, order, z)) for z in STIFFNESS) < TOLERANCE


def test_a_quartic_is_followed_more_closely_than_by_rodas5p():
    # Between steps, where its coefficients were chosen for that, to less than half of it; at their end to two thirds.
    def largest(method, thetas):
        return max(abs(follows(method, theta, 4, z)) for theta in thetas for z in STIFFNESS)

    inside = np.linspace(0.05, 0.95, 19)
    assert largest(RODAS5D, inside) < 0.5 * largest(RODAS5P, inside)
    assert largest(RODAS5D, [1.0]) < 0.67 * largest(RODAS5P, [1.0])


@each_method
def test_nothing_that_decays_or_swings_grows_and_what_decays_fast_is_gone(method):
    _, beta, b, _ = classical(method)

    def growth(z):
        return abs(1 + z * (b @ np.linalg.solve(np.eye(len(b)) - z * beta, np.ones(len(b)))))

    # On the imaginary axis suffices: there is no pole to its left. 1e-13 is rounding.
    assert max(growth(1j * y) for y in np.geomspace(1e-2, 1e4, 2000)) <= 1 + 1e-13
    assert growth(-1e12) < 1e-9
