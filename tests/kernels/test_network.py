"""Vessels as arrays: what kernels do with pieces and nodes is what the sentences that describe them say, longhand."""

import numpy as np
import pytest

from collagensim.solver.compiled import kernels_of

kernels = kernels_of("network")

SIZE = np.array([200.0, 160.0, 320.0])


def a_web(seed, n=60, m=70):
    """Nodes anywhere in a block and pieces between some of them."""
    rng = np.random.Generator(np.random.Philox(seed))
    return rng, rng.random((n, 3)) * SIZE, rng.integers(n, size=(m, 2))


def gap(one, other):
    """The vector from one place to another, the short way around the sides, of nine images the nearest."""
    images = [other - one + SIZE * [0, j, i] for j in (-1, 0, 1) for i in (-1, 0, 1)]
    return min(images, key=lambda way: (way**2).sum())


def test_what_grows_is_what_is_made_beyond_what_tips_draw_and_what_is_lost_is_what_lacks():
    net, drawn = np.array([2.0, -1.0, 1.0, 0.0]), np.array([0.5, 0.0, 3.0, 0.0])
    grown = np.empty(4)
    assert kernels.gains(net, drawn, grown)
    assert grown.tolist() == [1.5, 0.0, 0.0, 0.0]
    assert not kernels.gains(net[1:], drawn[1:], grown[1:])
    voxel, length = np.array([0, 1, 2, 3, 1]), np.array([20.0, 10.0, 5.0, 20.0, 8.0])
    lost = np.empty(5)
    kernels.losses(voxel, length, net, drawn, np.array([4.0, 2.0, 8.0, 0.0]), lost)
    assert lost.tolist() == [0.0, 5.0, 1.25, 0.0, 4.0]
    # Where nothing was felt before, nothing is lost.
    kernels.losses(voxel, length, net, drawn, np.zeros(4), lost)
    assert lost.tolist() == [0.0] * 5


def test_a_branch_loses_what_its_pieces_lose():
    rng = np.random.Generator(np.random.Philox(4))
    branch, number = rng.permutation(np.arange(50) % 7), rng.permutation(50).astype(np.uint64)
    loss, length = rng.random(50), rng.random(50)
    lost, whole, first = np.empty(7), np.empty(7), np.empty(7, dtype=np.uint64)
    kernels.of_branches(branch, loss, length, number, lost, whole, first)
    for k in range(7):
        mine = branch == k
        # The same seven or eight numbers in another order of additions.
        np.testing.assert_allclose([lost[k], whole[k]], [loss[mine].sum(), length[mine].sum()], rtol=1e-14)
        assert first[k] == number[mine].min()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_piece_lies_in_the_voxel_of_its_middle_the_short_way_around(seed):
    _, node, ends = a_web(seed)
    edges, shape = np.array([10.0, 20.0, 10.0]), np.array([20, 8, 32])
    voxel, length = np.empty(ends.shape[0], dtype=np.int64), np.empty(ends.shape[0])
    kernels.lie(node, ends, SIZE, edges, shape, voxel, length)
    for i, (one, other) in enumerate(ends):
        way = gap(node[one], node[other])
        # Coordinates up to 500 um, each rounded a few times.
        assert length[i] == pytest.approx(np.linalg.norm(way), abs=1e-11)
        z, y, x = (node[one] + 0.5 * way) % SIZE // edges
        assert voxel[i] == (z * shape[1] + y) * shape[2] + x


def test_the_nearest_node_is_the_nearest_of_all_images_and_none_that_is_barred():
    rng, node, _ = a_web(5)
    for place in rng.random((40, 3)) * SIZE:
        order = np.argsort([np.linalg.norm(gap(place, each)) for each in node])
        assert kernels.nearest(place, node, SIZE, order[:0]) == order[0]
        assert kernels.nearest(place, node, SIZE, order[:3]) == order[3]
    assert kernels.nearest(node[0], node, SIZE, np.arange(node.shape[0])) == -1


def test_the_nearest_nodes_to_many_places_are_those_to_each():
    rng, node, _ = a_web(5)
    places, barred, found = rng.random((30, 3)) * SIZE, np.array([3, 5]), np.empty(30, dtype=np.int64)
    kernels.nearest_to_each(places, node, SIZE, barred, found)
    assert found.tolist() == [kernels.nearest(place, node, SIZE, barred) for place in places]


def test_a_tip_has_walked_as_far_as_it_is_from_its_last_node():
    rng, node, _ = a_web(6)
    place, last, found = rng.random((20, 3)) * SIZE, rng.integers(60, size=20), np.empty(20)
    kernels.walked(place, node, last, SIZE, found)
    expected = [np.linalg.norm(gap(node[k], p)) for k, p in zip(last, place, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-11)


@pytest.mark.parametrize("steps", [0, 1, 3, 50])
def test_reachable_are_the_nodes_so_many_pieces_away(steps):
    _, node, ends = a_web(7)
    found = np.empty(node.shape[0], dtype=bool)
    kernels.reachable(ends, 4, steps, np.empty(node.shape[0], dtype=np.int64), found)
    expected = {4}
    for _ in range(steps):
        expected |= {int(b) for a, b in [*ends, *ends[:, ::-1]] if int(a) in expected}
    assert set(np.flatnonzero(found).tolist()) == expected


def test_pieces_that_are_left_keep_their_nodes_their_numbers_and_their_order():
    rng, node, ends = a_web(8)
    number, left = rng.permutation(70).astype(np.uint64), rng.random(70) < 0.3
    tips = np.array([3, 9], dtype=np.int64)
    pieces, numbers = np.empty((left.sum(), 2), dtype=np.int64), np.empty(left.sum(), dtype=np.uint64)
    new, nodes, tip_node = np.empty(60, dtype=np.int64), np.empty_like(node), tips.copy()
    n = kernels.keep(left, node, ends, number, tip_node, new, nodes, pieces, numbers)
    needed = np.unique(np.append(ends[left].ravel(), tips))
    np.testing.assert_array_equal(nodes[:n], node[needed])
    np.testing.assert_array_equal(numbers, number[left])
    np.testing.assert_array_equal(nodes[pieces], node[ends[left]])
    np.testing.assert_array_equal(nodes[tip_node], node[tips])
