import numpy as np
from scipy.integrate import solve_ivp

from collagensim.kernels import table as entry
from collagensim.kernels.tableaus import RODAS5D
from naive.robertson import Run

# Robertson's reactions with rates near 1 over one time unit: nonlinear and smooth, so that the order is visible.
P = np.array([1.0, 0.8, 1.5])
START = (1.0, 0.3, 0.4)
N_STEPS = np.array([8, 16, 32, 64])


def reference(t):
    def rates(t, y):
        ab, bb = P[1] * y[1] * y[2], P[2] * y[1] ** 2
        return [ab - P[0] * y[0], P[0] * y[0] - ab - bb, bb]

    # One solve per time: the reference's own interpolant would be less accurate than what is measured.
    ends = [solve_ivp(rates, (0, end), START, "DOP853", rtol=1e-13, atol=1e-15).y[:, -1] for end in t]
    return np.array(ends)


def slope(n_steps, errors):
    return -np.polyfit(np.log(n_steps), np.log(errors), 1)[0]


def test_the_steps_converge_with_the_declared_order():
    end = reference([2.0])[0]
    errors = []
    for n in N_STEPS:
        run = Run(p=P, start=START)
        for _ in range(n):
            run.step(2.0 / n)
        errors.append(np.max(np.abs(run.y - end)))
    # The finest error must stand clear of rounding, or the slope means nothing.
    assert errors[-1] > 1e-13
    assert abs(slope(N_STEPS, errors) - RODAS5D.order) < 0.1


def test_the_interpolant_converges_with_its_declared_order():
    # Halfway through one single step, where the interpolant's own error, of one order more locally, is all there is.
    n_steps = np.array([128, 256, 512])
    errors = []
    for n in n_steps:
        run = Run(p=P, start=START)
        run.step(2.0 / n, [0.5])
        errors.append(np.max(np.abs(run.rows[0] - reference([1.0 / n])[0])))
    # Rounding of states near 1 is 2e-16.
    assert errors[-1] > 1e-15
    assert abs(slope(n_steps, errors) - (RODAS5D.dense_order + 1)) < 0.15


def test_the_adaptive_error_falls_with_the_tolerance():
    end = reference([2.0])[0]
    errors = []
    for rtol in (1e-5, 1e-7, 1e-9):
        run = Run(p=P, start=START, rtol=rtol, atol=(rtol, rtol, rtol))
        assert run.advance(2.0) == entry.DONE
        errors.append(np.max(np.abs(run.y - end)))
    # Proportional to the tolerance but for the steps' fitting into the interval, a factor of ten at most.
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    assert errors[2] < 1e-9
