"""What there is to climb is added up, answered to by its logarithm, and wakes cells that rest."""

import numpy as np
import pytest

from collagensim.kernels import climbing

ROUNDING = 2.2e-16
NZ, N = 4, 50


def levels(seed=1):
    """From nothing over the smallest to thousands; the first row is as at rest."""
    random = np.random.default_rng(seed)
    found = 10.0 ** random.uniform(-17.0, 4.0, (NZ, N))
    found[1, :3], found[0] = [0.0, 5e-324, 1e-300], 0.3
    return found


def test_levels_are_weighed_and_added_whatever_their_kind():
    random, out = np.random.default_rng(2), np.full(30, np.nan)
    first, further = random.random(30), random.random(30).astype(np.float32)
    climbing.weigh_first(first, 3.0, out)
    climbing.weigh_further(further, 0.1, out)
    np.testing.assert_array_equal(out, 3.0 * first + 0.1 * further.astype(float))


def test_cells_answer_to_the_logarithm_of_one_and_the_level():
    found = levels()
    expected = np.log1p(found)
    climbing.answer(found, np.zeros(NZ), np.ones((NZ, N)), np.empty((0, N)))
    # Two roundings of the logarithm, one each of the sum, the quotient and what is put right.
    np.testing.assert_allclose(found, expected, rtol=6 * ROUNDING, atol=0.0)


def test_who_rests_walks_by_what_there_is_more_than_at_rest():
    level, rest, pace = levels(), np.array([0.3, 0.0, 2.0, 1e-9]), np.full((NZ, N), np.nan)
    crowding = np.random.default_rng(3).random((NZ, N))
    more = np.maximum(np.log1p(level) - np.log1p(rest)[:, None], 0.0)
    climbing.answer(level.copy(), rest, crowding, pace)
    # The logarithms are below 10, and their difference is rounded at that.
    np.testing.assert_allclose(pace, crowding * -np.expm1(-more), rtol=4 * ROUNDING, atol=40 * ROUNDING)
    assert not pace[0].any()
    assert np.all(pace[1, 3:] > 0.0)


def test_what_is_not_a_number_stays_so():
    level, pace = np.array([[np.nan, 1.0]]), np.empty((1, 2))
    climbing.answer(level, np.zeros(1), np.ones((1, 2)), pace)
    assert np.isnan(level[0]).tolist() == [True, False]


@pytest.mark.parametrize("size", [1, 7, 41])
def test_a_voxel_alone_is_answered_as_among_others(size):
    """The loop takes eight voxels at a time, and what is left over one by one: with the same bits."""
    whole = levels()
    some = whole[:, :size].copy()
    climbing.answer(whole, np.zeros(NZ), np.ones((NZ, N)), np.empty((0, N)))
    climbing.answer(some, np.zeros(NZ), np.ones(some.shape), np.empty((0, size)))
    np.testing.assert_array_equal(some, whole[:, :size])
