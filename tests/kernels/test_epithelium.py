"""Distances of bare ground from the rim, discs on the ground, and the identity of those who set out."""

import numpy as np
import pytest

from collagensim.solver.compiled import kernels_of

kernels = kernels_of("epithelium")
EDGE = 2.5


def rim(squares):
    steps = np.empty(squares.shape, dtype=np.int32)
    kernels.rim_along(squares, steps)
    bare = np.flatnonzero(squares == kernels.BARE)
    gap, way = np.empty(bare.size), np.empty((bare.size, 2))
    kernels.rim(steps, EDGE, bare, gap, way)
    return bare, gap, way


def nearest_square(squares, row, column):
    """Distance from the middle of a square to the nearest covered square, over all of them and their images."""
    ny, nx = squares.shape
    rows, columns = np.nonzero(squares == kernels.COVERED)
    off_y, off_x = np.abs(rows - row), np.abs(columns - column)
    off_y, off_x = np.minimum(off_y, ny - off_y), np.minimum(off_x, nx - off_x)
    return EDGE * np.hypot(np.maximum(off_y - 0.5, 0.0), np.maximum(off_x - 0.5, 0.0)).min()


@pytest.mark.parametrize("shape", [(1, 40), (13, 20), (32, 16)])
@pytest.mark.parametrize("share", [0.03, 0.3])
def test_the_rim_is_as_far_as_the_nearest_covered_square(shape, share):
    rng = np.random.Generator(np.random.Philox(5))
    squares = rng.choice(3, size=shape, p=[share, 0.9 - share, 0.1]).astype(np.int8)
    squares[0, 3] = kernels.COVERED
    bare, gap, way = rim(squares)
    assert bare.size
    found = [nearest_square(squares, *divmod(int(k), shape[1])) for k in bare]
    # Sums, a product and a root of numbers of some hundred: a few roundings of 1e-16.
    np.testing.assert_allclose(gap, found, rtol=1e-14)
    np.testing.assert_allclose(np.hypot(*way.T), 1.0, rtol=1e-14)


def test_the_way_leads_from_the_rim_to_the_square():
    squares = np.full((9, 9), kernels.BARE, dtype=np.int8)
    squares[2, 4] = kernels.COVERED
    bare, gap, way = rim(squares)
    for k, distance, (y, x) in zip(bare, gap, way, strict=True):
        row, column = divmod(int(k), 9)
        # Back along the way by the gap, one stands on the edge of the covered square or an image of it.
        foot = np.array([row, column]) - distance / EDGE * np.array([y, x]) - [2, 4]
        assert np.abs(foot - 9 * np.round(foot / 9)).max() == pytest.approx(0.5, abs=1e-12)


def test_ground_without_any_cover_has_no_rim():
    _, gap, _ = rim(np.array([[kernels.BARE, kernels.REMOTE], [kernels.BARE] * 2], dtype=np.int8))
    assert np.all(np.isinf(gap))


def test_discs_mark_the_squares_whose_middles_they_hold():
    discs = np.array([[20.0, 30.0, 11.0], [-3.0, 59.0, 14.0], [40.0, 12.0, 0.0]])
    y, x = (np.arange(18) + 0.5) * EDGE, (np.arange(24) + 0.5) * EDGE
    marked = np.zeros((18, 24), dtype=bool)
    kernels.mark_discs(discs, y, EDGE, marked)
    inside = [(y[:, None] - d[0]) ** 2 + (x - d[1]) ** 2 <= d[2] ** 2 for d in discs[:2]]
    np.testing.assert_array_equal(marked, inside[0] | inside[1])


def test_a_daughter_belongs_to_the_nearest_cell_that_is_nearer_to_rest():
    place = np.array([[5.0, 10.0 * k + 5.0] for k in range(8)])
    left = np.array([0.0, 0.0, 3.0, 9.0, 20.0, 20.0, 20.0, 0.0])
    identity = np.array([1, 2, 3, 0, 5, 0, 0, 8], dtype=np.uint64)
    births, size = np.zeros(8, dtype=np.int64), np.array([10.0, 80.0])
    who, new = np.array([3, 6]), np.empty(2, dtype=np.uint64)
    origin = np.array([[5.0, 36.0], [5.0, 75.0]])
    n = kernels.recruit(
        who, np.array([True, True]), 8, place, origin, left, identity, births, size, 7, 2560, new
    )
    assert n == 2
    # Seat 4 is 9 um away, but farther from rest than seat 3; seat 2, 11 um away, is nearer. Seat 7 ends the row.
    np.testing.assert_array_equal(births, [0, 0, 1, 0, 0, 0, 0, 1])
    same = np.empty(2, dtype=np.uint64)
    assert (
        kernels.recruit(
            who, np.array([False, False]), 8, place, origin, left, identity, births, size, 7, 2560, same
        )
        == 0
    )
    assert np.unique(np.concatenate([new, same])).size == 4


def test_seats_are_taken_as_cover_says_and_stay_taken_as_it_rises():
    waiting, n = np.arange(4000), 4000
    low, high = np.empty(n, dtype=bool), np.empty(n, dtype=bool)
    kernels.take(waiting, np.full(n, 0.3), 1, 40, low)
    kernels.take(waiting, np.full(n, 0.6), 1, 40, high)
    assert np.all(high[low])
    # Binomial shares: five standard deviations of 0.0072 and 0.0077.
    assert low.mean() == pytest.approx(0.3, abs=0.036)
    assert high.mean() == pytest.approx(0.6, abs=0.039)


def test_seats_lie_evenly_off_their_rows():
    off = np.empty((4000, 2))
    kernels.unevenness(3, 40, 0.15, off)
    assert np.abs(off).max() < 0.15
    # Uniform within 0.15: its mean has a standard error of 0.15 / sqrt(3 n), taken five times.
    np.testing.assert_allclose(off.mean(axis=0), 0.0, atol=5 * 0.15 / np.sqrt(3 * 4000))
    assert abs(np.corrcoef(off.T)[0, 1]) < 5 / np.sqrt(4000)
