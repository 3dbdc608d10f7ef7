"""Order of the stepper with fixed steps on nonlinear kinetics: the new state, the embedded one, the interpolant."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from collagensim.kernels import table as entry
from collagensim.kernels.tableaus import RODAS5D
from naive.robertson import Run

# Robertson's reactions with rates near 1, far from rest: every second derivative of the right side matters.
RATES = np.array([0.7, 2.0, 3.0])
START = (0.6, 0.8, 0.2)
SPAN = 1.5


def exact(t):
    def rates(t, y):
        ab, bb = RATES[1] * y[1] * y[2], RATES[2] * y[1] ** 2
        return [ab - RATES[0] * y[0], RATES[0] * y[0] - ab - bb, bb]

    return solve_ivp(rates, (0.0, t), START, "DOP853", rtol=1e-13, atol=1e-15).y[:, -1]


def slope(n_steps, errors):
    # The finest error must stand clear of the rounding of states near 1 and of the reference's 1e-13.
    assert min(errors) > 1e-12
    return -np.polyfit(np.log(n_steps), np.log(errors), 1)[0]


def march(n_steps, *, embedded):
    """State after SPAN in equal steps, each continued from the new or from the embedded solution."""
    run = Run(p=RATES, start=START)
    for _ in range(n_steps):
        run.step(SPAN / n_steps)
        if embedded:
            run.y[:] -= run.work[0][entry.N_STAGES - 1]
    return run.y


@pytest.mark.parametrize(
    ("embedded", "order", "n_steps"),
    [(False, RODAS5D.order, (16, 32, 64, 128)), (True, RODAS5D.order - 1, (64, 128, 256, 512))],
)
def test_both_solutions_converge_with_their_declared_order(embedded, order, n_steps):
    end = exact(SPAN)
    errors = [np.max(np.abs(march(n, embedded=embedded) - end)) for n in n_steps]
    assert abs(slope(n_steps, errors) - order) < 0.1


def interpolation_error(h):
    """Largest error inside one step of length h from the exact start."""
    run = Run(p=RATES, start=START)
    before, after = run.step(h)
    one, two, three = RODAS5D.dense @ run.work[0]
    worst = 0.0
    for theta in np.linspace(0.1, 0.9, 9):
        rest = 1 - theta
        inside = rest * before + theta * (after + rest * (one + theta * (two + theta * three)))
        worst = max(worst, np.max(np.abs(inside - exact(theta * h))))
    return worst


def test_the_interpolant_converges_with_its_declared_order_inside_a_step():
    n_steps = np.array([24, 48, 96])
    errors = [interpolation_error(SPAN / n) for n in n_steps]
    # In one step from the exact start an interpolant of order q errs by h^(q + 1).
    # Of that term little is left, by choice of the coefficients, so the next one still shows: at most the order above.
    assert -0.1 < slope(n_steps, errors) - (RODAS5D.dense_order + 1) < 0.5
