"""Chance in the life of cells: rates become numbers of events, entries and survivors as they should."""

import numpy as np
import pytest

from collagensim.kernels import draws, fates

N = 40_000
IDENTITY = np.arange(1, N + 1, dtype=np.uint64)


def noted():
    return np.full((fates.N_NOTED, fates.CHUNK), np.nan)


def fates_of(hazard, dt, kind=0, seed=5, tick=3):
    """Fates of cells of one kind, all in one voxel, of two kinds with two and one events."""
    found = np.empty(N, dtype=np.int64)
    table = np.array(hazard, dtype=float).reshape(3, 1)
    first = np.array([0, 2, 3])
    kinds, voxels = np.full(N, kind), np.zeros(N, dtype=np.int64)
    fates.choose_fates(kinds, voxels, IDENTITY, table, first, seed, tick, dt, found, noted())
    return found


def test_events_happen_at_their_rates():
    found = fates_of([0.8, 0.3, 9.0], 0.5)
    happens = 1.0 - np.exp(-1.1 * 0.5)
    for event, share in ((0, happens * 0.8 / 1.1), (1, happens * 0.3 / 1.1)):
        # Binomial: five standard deviations.
        assert abs(np.mean(found == event) - share) < 5.0 * np.sqrt(share * (1.0 - share) / N)
    assert set(np.unique(found)) == {-1, 0, 1}


def test_a_cell_knows_the_events_of_its_own_kind_alone():
    assert set(np.unique(fates_of([9.0, 9.0, 0.5], 0.5, kind=1))) == {-1, 2}


def test_without_a_hazard_nothing_happens_and_with_an_endless_one_everything():
    assert np.all(fates_of([0.0, 0.0, 1.0], 10.0) == -1)
    assert np.all(fates_of([0.0, 1e6, 1.0], 10.0) == 1)


def test_a_fate_depends_on_who_and_when_and_not_on_the_others():
    whole = fates_of([0.8, 0.3, 9.0], 0.5)
    found = np.empty(10, dtype=np.int64)
    who = np.arange(100, 110)
    zeros = np.zeros(10, dtype=np.int64)
    table = np.array([[0.8], [0.3], [9.0]])
    fates.choose_fates(zeros, zeros, IDENTITY[who], table, np.array([0, 2, 3]), 5, 3, 0.5, found, noted())
    np.testing.assert_array_equal(found, whole[who])
    assert np.any(fates_of([0.8, 0.3, 9.0], 0.5, tick=4) != whole)
    assert np.any(fates_of([0.8, 0.3, 9.0], 0.5, seed=6) != whole)


def test_entries_are_poisson_in_every_voxel():
    expected = np.tile([0.0, 0.2, 1.5], 20_000)
    voxels = np.empty(60_000, dtype=np.int64)
    n = fates.enter(2.0 * expected, 0.5, 1, 7, 11, fates.PLACE, voxels)
    counts = np.bincount(voxels[:n], minlength=expected.size).reshape(-1, 3)
    assert not counts[:, 0].any()
    for column, mean in ((1, 0.2), (2, 1.5)):
        # Of a Poisson number mean and variance are equal; the latter's own spread is sqrt((mean + 2 mean^2) / n).
        assert abs(counts[:, column].mean() - mean) < 5.0 * np.sqrt(mean / 20_000)
        assert abs(counts[:, column].var() - mean) < 5.0 * np.sqrt((mean + 2.0 * mean**2) / 20_000)


@pytest.mark.parametrize("n_voxels", [1, 63, 64, 1000])
def test_cells_enter_where_the_points_of_one_poisson_process_fall(n_voxels):
    """Whole blocks of voxels are passed over: the points must fall where a sum from voxel to voxel puts them."""
    rate = np.random.default_rng(4).exponential(size=n_voxels) ** 4 / 500.0
    voxels, ends = np.empty(5000, dtype=np.int64), np.cumsum(rate * 0.7)
    n = fates.enter(rate, 0.7, 2, 3, 9, fates.PLACE, voxels)
    event, expected, point = (fates.GAP * 16 + fates.PLACE) * 64 + 2, [], 0.0
    while True:
        point += draws.exponential(3, event, 9, len(expected))
        if point >= ends[-1]:
            break
        expected.append(int(np.searchsorted(ends, point, side="right")))
    # A point within the rounding of a bound might fall on either side: none of these does.
    assert voxels[:n].tolist() == expected
    assert n_voxels < 1000 or n > 10


def test_entries_without_room_are_counted_and_come_again_with_it():
    expected = np.full(100, 0.5)
    little, enough = np.empty(3, dtype=np.int64), np.empty(200, dtype=np.int64)
    n = fates.enter(expected, 1.0, 0, 1, 1, fates.PLACE, little)
    assert n == fates.enter(expected, 1.0, 0, 1, 1, fates.PLACE, enough) > 3
    np.testing.assert_array_equal(little, enough[:3])
    otherwise = np.empty(200, dtype=np.int64)
    fates.enter(expected, 1.0, 0, 1, 1, fates.START, otherwise)
    assert np.any(otherwise[:3] != little)


def test_who_enters_a_voxel_does_not_depend_on_entries_elsewhere():
    names = []
    for voxels in (np.array([2, 5, 5, 9]), np.array([5, 5])):
        n = voxels.size
        identity, position, direction = np.empty(n, dtype=np.uint64), np.empty((n, 3)), np.empty((n, 3))
        fates.place(
            voxels, 0, 1, 1, fates.PLACE, np.array([4, 1, 4]), np.full(3, 10.0), position, direction, identity
        )
        names.append(identity[voxels == 5])
    np.testing.assert_array_equal(*names)
    assert names[0][0] != names[0][1]


@pytest.mark.parametrize("shape", [(8, 1, 16), (8, 4, 16)])
def test_a_cell_appears_in_its_voxel_facing_anywhere(shape):
    n_voxels = int(np.prod(shape))
    voxels = np.arange(n_voxels)
    edges = np.array([10.0, 30.0, 10.0])
    position, direction = np.empty((n_voxels, 3)), np.empty((n_voxels, 3))
    identity = np.empty(n_voxels, dtype=np.uint64)
    fates.place(voxels, 2, 9, 4, fates.PLACE, np.array(shape), edges, position, direction, identity)
    at = np.floor(position / edges).astype(int)
    np.testing.assert_array_equal(np.ravel_multi_index(tuple(at.T), shape), voxels)
    assert np.unique(identity).size == n_voxels
    np.testing.assert_allclose((direction**2).sum(axis=1), 1.0, rtol=1e-12)
    if shape[1] == 1:
        assert not direction[:, 1].any()
    # Components of a random direction have mean 0 and variance 1 over the number of axes.
    axes = [0, 2] if shape[1] == 1 else [0, 1, 2]
    assert np.all(np.abs(direction[:, axes].mean(axis=0)) < 5.0 / np.sqrt(n_voxels * len(axes)))


def test_daughters_are_new_where_their_mothers_are():
    parents = np.array([3, 1, 3])
    births, position = np.zeros(5, dtype=np.int64), np.arange(15.0).reshape(5, 3)
    directions, places = np.zeros((5, 3)), np.empty((3, 3))
    facing, names = np.empty((3, 3)), np.empty(3, dtype=np.uint64)
    mothers = np.arange(1, 6, dtype=np.uint64)
    fates.bear(parents, mothers, births, position, directions, 1, 2, 1, places, facing, names)
    np.testing.assert_array_equal(places, position[parents])
    np.testing.assert_array_equal(births, [0, 1, 0, 2, 0])
    assert np.unique(np.concatenate([names, mothers])).size == 8
    np.testing.assert_allclose((facing**2).sum(axis=1), 1.0, rtol=1e-12)


def test_survivors_of_a_milder_blow_include_those_of_a_harder_one():
    voxel, kind = np.zeros(N, dtype=np.int64), np.zeros(N, dtype=np.int64)
    alive = {}
    for share in (0.3, 0.6):
        alive[share] = np.empty(N, dtype=bool)
        fates.survive(voxel, IDENTITY, np.array([[share]]), kind, 2, 8, alive[share])
        assert abs(alive[share].mean() - share) < 5.0 * np.sqrt(share * (1.0 - share) / N)
    assert np.all(alive[0.6] >= alive[0.3])
