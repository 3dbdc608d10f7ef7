import numpy as np
import pytest

from collagensim.kernels.tableaus import RODAS5P


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


@pytest.mark.parametrize("i", range(17))
def test_every_order_condition_holds_up_to_the_declared_order(i):
    alpha, beta, b, _ = classical(RODAS5P)
    order, value, required = conditions(alpha, beta, b)[i]
    assert order <= RODAS5P.order
    assert abs(value - required) < TOLERANCE


def test_the_embedded_method_is_of_order_four_and_no_higher():
    alpha, beta, b, gammas = classical(RODAS5P)
    embedded = b - gammas[-1]
    errors = [(order, abs(value - required)) for order, value, required in conditions(alpha, beta, embedded)]
    assert max(error for order, error in errors if order <= RODAS5P.order - 1) < TOLERANCE
    assert max(error for order, error in errors if order == RODAS5P.order) > 1e-4


@pytest.mark.parametrize("theta", [0.1, 0.5, 0.9])
def test_the_interpolant_satisfies_the_conditions_of_its_order(theta):
    alpha, beta, b, gammas = classical(RODAS5P)
    rest = 1 - theta
    inside = theta * (
        b + rest * ((RODAS5P.dense[0] + theta * (RODAS5P.dense[1] + theta * RODAS5P.dense[2])) @ gammas)
    )
    for order, value, required in conditions(alpha, beta, inside):
        if order <= RODAS5P.dense_order:
            assert abs(value - required * theta**order) < TOLERANCE
