"""A model's rates over all voxels."""

import numpy as np
import pytest

from collagensim.kernels.machine_code import assemble, load
from collagensim.kernels.numbers import WIDTH, aligned
from collagensim.kernels.straight import straight
from collagensim.kernels.voxels import TILE, evaluate_voxels

TEXT = """
def voxel_rates(y, n, p, u, out):
    both = y[0] + y[1]
    out[0] = p[0] * both - n[0]
    out[1] = u[0] / y[1]
    out[2] = 2.0 * n[0]
"""
CODE = load(assemble(straight(TEXT, "lanes")), ["voxel_rates"])


def plain(levels, actors, p, u):
    """The text on whole arrays; products that are added are rounded once there, hence numbers of few digits here."""
    return np.stack([p * (levels[0] + levels[1]) - actors[0], u / levels[1], 2.0 * actors[0]])


def evaluated(sizes, skipped, seed):
    """Levels, actors, what spans of those sizes read, and their rates; untouched ones are NaN."""
    random = np.random.default_rng(seed)
    first = np.concatenate([[0], np.cumsum(sizes)])
    levels, actors = (random.integers(1, 999, (k, first[-1])) / 8.0 for k in (2, 1))
    u = random.integers(1, 99, len(sizes)).astype(float)
    slots = aligned(len(sizes), 1, WIDTH)
    slots[:] = u[:, None, None]
    p = aligned(1, WIDTH)
    p[:] = 0.5
    y, n, result = (np.ones((TILE * k, WIDTH)) for k in (2, 1, 3))
    out = np.full((3, first[-1]), np.nan)
    evaluate_voxels(
        CODE.addresses["voxel_rates"], levels, actors, p, slots, first, np.array(skipped), y, n, result, out
    )
    return levels, actors, np.repeat(u, sizes), out


@pytest.mark.parametrize("sizes", [[1], [7, 8, 9], [8 * TILE, 8 * TILE + 3, 5, 16 * TILE + 8]])
def test_every_voxel_gets_its_rates_whatever_the_size_of_its_span(sizes):
    levels, actors, u, out = evaluated(sizes, [[0, 0]] * len(sizes), seed=1)
    np.testing.assert_array_equal(out, plain(levels, actors, 0.5, u))


def test_results_that_are_skipped_stay_as_they_are():
    *_, out = evaluated([20, 20], [[2, 3], [0, 2]], seed=2)
    np.testing.assert_array_equal(np.isnan(out[:, :20]).all(axis=1), [False, False, True])
    np.testing.assert_array_equal(np.isnan(out[:, 20:]).all(axis=1), [True, True, False])
    assert np.isnan(out).sum() == 20 + 40
