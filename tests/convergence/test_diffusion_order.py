"""Diffusion of soluble fields: second order in time and in space, measured."""

import numpy as np
import pytest

from collagensim.solver.tissue.diffusion import Diffuser

WIDTH = 640.0  # um, of the square of tissue
D = 6000 * 1440.0  # um2/day
TIGHT = 12  # cycles: what multigrid leaves is far below the errors measured


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


def grid(n, n_y=1):
    """Centres of n voxels in z and x [um], as (n, 1, 1) and (1, 1, n), and their edge."""
    edge = WIDTH / n
    centres = (np.arange(n) + 0.5) * edge
    return centres[:, None, None], centres[None, None, :], edge


def run(shape, edge, field, source, loss, days, n_steps):
    found = np.ascontiguousarray(np.broadcast_to(field, shape), dtype=np.float64)[None].copy()
    source, loss = (np.broadcast_to(array, (1, *shape)).astype(np.float64) for array in (source, loss))
    diffuser = Diffuser(shape, edge, [D], np.float64, cycles=TIGHT)
    for _ in range(n_steps):
        diffuser.step(found, source, loss, days / n_steps)
    assert diffuser.first_order[0] == 0
    return found[0]


def test_a_decaying_cosine_converges_with_the_second_order_in_time():
    # Of the grid's own Laplacian the cosine is an eigenvector: there is no error in space.
    z, x, edge = grid(32)
    shape, wave = (32, 1, 32), np.cos(np.pi * z / WIDTH) * np.cos(4 * np.pi * x / WIDTH)
    rate = D / edge**2 * (4 - 2 * np.cos(np.pi / 32) - 2 * np.cos(4 * np.pi / 32)) + 20
    days = 1.5 / rate
    exact = 1.5 / 20 + (2 - 1.5 / 20) * np.exp(-20 * days) + wave * np.exp(-rate * days)
    n_steps = np.array([4, 8, 16, 32])
    errors = [np.max(np.abs(run(shape, edge, 2 + wave, 1.5, 20.0, days, n) - exact)) for n in n_steps]
    assert errors[-1] > 1e-7
    assert abs(slope(1 / n_steps, errors) - 2) < 0.1


@pytest.mark.parametrize("n_y", [1, 4])
def test_a_decaying_cosine_converges_with_the_second_order_in_space(n_y):
    sizes, errors = np.array([16, 32, 64]), []
    rate = D * ((np.pi / WIDTH) ** 2 + (4 * np.pi / WIDTH) ** 2)
    days = 1 / rate
    for n in sizes:
        z, x, edge = grid(n)
        wave = np.cos(np.pi * z / WIDTH) * np.cos(4 * np.pi * x / WIDTH)
        # With 400 steps the error in time is 1/400 of the finest error in space.
        found = run((n, n_y, n), edge, 2 + wave, 0.0, 0.0, days, 400 if n_y == 1 else 200)
        errors.append(np.max(np.abs(found - 2 - wave * np.exp(-1))))
    assert abs(slope(1 / sizes, errors) - 2) < 0.1


def test_a_steady_field_with_a_loss_that_varies_converges_with_the_second_order_in_space():
    """Manufactured: c and k are chosen, s = k c - D laplace(c) follows."""
    sizes, errors = np.array([16, 32, 64, 128]), []
    for n in sizes:
        z, x, edge = grid(n)
        p, q = np.pi / WIDTH, 2 * np.pi / WIDTH
        wave = np.cos(p * z) * np.sin(q * x)
        loss = 100 * (1.2 + np.sin(q * x) * np.cos(2 * p * z))
        # At most 1.3 D q2 is taken up by curvature, so the constant keeps the source above zero.
        exact = 60 + wave
        source = loss * exact + D * (p**2 + q**2) * wave
        assert source.min() > 0
        shape = (n, 1, n)
        found, made, lost = (
            np.ascontiguousarray(np.broadcast_to(a, shape))[None].astype(np.float64)
            for a in (0 * exact, source, loss)
        )
        Diffuser(shape, edge, [D], np.float64).steady(found, made, lost, tolerance=1e-10)
        errors.append(np.sqrt(np.mean((found[0] - exact) ** 2)))
    assert abs(slope(1 / sizes, errors) - 2) < 0.1


def test_a_step_with_a_loss_that_varies_converges_with_the_second_order_in_time():
    z, x, edge = grid(32)
    shape = (32, 1, 32)
    loss = 200 * (1.5 + np.cos(2 * np.pi * x / WIDTH) * np.cos(3 * np.pi * z / WIDTH))
    field = 2 + np.cos(np.pi * z / WIDTH) * np.sin(4 * np.pi * x / WIDTH)
    source = 300 * (1 + np.sin(2 * np.pi * x / WIDTH)) + 0 * z
    days = 2e-3
    reference = run(shape, edge, field, source, loss, days, 512)
    n_steps = np.array([8, 16, 32, 64])
    errors = [np.max(np.abs(run(shape, edge, field, source, loss, days, n) - reference)) for n in n_steps]
    assert errors[-1] > 1e-7
    assert abs(slope(1 / n_steps, errors) - 2) < 0.1
