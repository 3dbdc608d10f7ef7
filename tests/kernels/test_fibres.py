"""Tensors of fibres: their directions, how cells lay them, and that their size is an order from 0 to 1."""

import numpy as np
import pytest

from collagensim.solver.compiled import kernels_of
from naive import fibres as naive

agents, fibres = kernels_of("cells"), kernels_of("fibres")


def scratch():
    return np.empty(fibres.CHUNK, dtype=np.int64), np.full((fibres.N_NOTED, fibres.CHUNK), np.nan)


BOTH = pytest.mark.parametrize("n_parts", [2, 5])
SHAPES = {2: (6, 1, 9), 5: (4, 5, 6)}
# What cells add is rounded to half of 2^-40.
GRAIN = 2.0**-41


def random_tensors(rng, n_parts, n, n_fibres=3):
    """(n_parts, n) means over a few fibres of any direction, which are real tensors of order up to 1."""
    found = np.zeros((n_parts, n))
    for v in range(n):
        for way in rng.normal(size=(n_fibres, 3)):
            found[:, v] += naive.parts_of(naive.tensor_of(way, n_parts)) / n_fibres
    return found


def one_path(direction, n_parts):
    """(n_parts,) tensor of one cell that no fibre guides."""
    way = np.array([direction]) * ([1.0, 0.0, 1.0] if n_parts == 2 else [1.0, 1.0, 1.0])
    way /= np.linalg.norm(way)
    out, first = np.empty((n_parts + 1, 1)), np.zeros(1, dtype=np.int64)
    fibres.add_paths(np.zeros((n_parts, 1)), first, first, way, np.ones(1), np.zeros(1), 1.0, out, *scratch())
    assert abs(out[n_parts, 0] - 1.0) <= GRAIN + 1e-15
    return out[:n_parts, 0]


@BOTH
def test_one_direction_has_size_1_and_no_sense(n_parts):
    for way in np.random.default_rng(1).normal(size=(20, 3)):
        parts = one_path(way, n_parts)
        # Each part is off by half a grain at most, and the size by less than the sum of that.
        assert abs(np.linalg.norm(parts) - 1.0) <= n_parts * GRAIN
        np.testing.assert_array_equal(parts, one_path(-way, n_parts))
        np.testing.assert_allclose(parts, naive.parts_of(naive.tensor_of(way, n_parts)), atol=GRAIN + 1e-15)


@BOTH
@pytest.mark.parametrize("sensitivity", [1.0, 2.5, 4.0, 7.0])
def test_a_voxels_axis_is_the_first_eigenvector_as_long_as_it_stands_out(n_parts, sensitivity):
    rng = np.random.default_rng(2)
    tensors = random_tensors(rng, n_parts, 200)
    tensors[:, 0] = 0.0
    voxel, kind, out = np.arange(200), np.zeros(200, dtype=np.int64), np.full((200, 3), np.nan)
    fibres.axes_at(tensors, kind, voxel, np.ones(1), sensitivity, out, *scratch())
    for v in range(200):
        expected = naive.axis_of(tensors[:, v], sensitivity)
        expected *= np.sign(expected @ out[v]) or 1.0
        # An arc cosine near 1 keeps half of the digits: 1e-8 of the eigenvalues, times the sensitivity.
        np.testing.assert_allclose(out[v], expected, atol=1e-7)


@BOTH
def test_guided_steps_spread_as_the_power_of_the_tensor_of_fibres(n_parts):
    """Steps of every direction that fibres stretch: their <s s^T> is <d d^T>^4 of the fibres, over its trace."""
    n, way = (2, (0.6, 0.0, 0.8)) if n_parts == 2 else (3, (0.48, 0.6, 0.64))
    order, out = 0.37, np.empty((1, 3))
    tensors = order * naive.parts_of(naive.tensor_of(way, n_parts))[:, None]
    first = np.zeros(1, dtype=np.int64)
    fibres.axes_at(tensors, first, first, np.ones(1), 4.0, out, *scratch())
    axes = np.eye(3)[[2, 0]] if n == 2 else np.eye(3)[::-1]
    steps = np.array([naive.path_of(axis, out[0], 1.0, n_parts) for axis in axes])[
        :, [2, 0] if n == 2 else [2, 1, 0]
    ]
    power = np.linalg.matrix_power(np.eye(n) / n + (n - 1) / n * naive.matrix_of(tensors[:, 0]), 4)
    np.testing.assert_allclose(steps.T @ steps / n, power / np.trace(power), atol=1e-7)


def test_fibres_that_lie_every_way_in_a_plane_guide_nobody_and_parallel_ones_do():
    plane = 0.5 * (naive.tensor_of((0, 0, 1), 5) + naive.tensor_of((0, 1, 0), 5))
    about = 0.6 * naive.tensor_of((1, 2, 3), 5)
    tensors, out = np.array([naive.parts_of(plane), naive.parts_of(about)]).T.copy(), np.empty((2, 3))
    fibres.axes_at(tensors, np.array([0, 0]), np.array([0, 1]), np.ones(1), 1.0, out, *scratch())
    np.testing.assert_allclose(out[0], 0.0, atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(out[1]), 0.6, atol=1e-7)
    np.testing.assert_allclose(np.abs(out[1]), 0.6 * np.array([1, 2, 3]) / np.sqrt(14.0), atol=1e-7)


def test_cells_whom_fibres_do_not_guide_ask_for_no_axis():
    out = np.full((1, 3), 7.0)
    fibres.axes_at(
        np.array([[1.0], [0.0]]),
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
        np.zeros(1),
        4.0,
        out,
        *scratch(),
    )
    np.testing.assert_array_equal(out, 7.0)


def crowd(rng, n_parts, n=60, n_voxels=None):
    """Fibres and cells of three kinds, of which the first lays nothing and the last is not guided."""
    n_voxels = n_voxels or int(np.prod(SHAPES[n_parts]))
    return {
        "fibres": random_tensors(rng, n_parts, n_voxels),
        "kind": rng.integers(0, 3, n),
        "voxel": rng.integers(0, n_voxels, n),
        "direction": rng.normal(size=(n, 3)),
        "weight": np.array([0.0, 1.0, 2.7]),
        "strength": np.array([0.5, 0.8, 0.0]),
        "sensitivity": 3.0,
    }


def paths_around(shape, weights, fibres_, *of_cells):
    n_parts = len(fibres_)
    sums, out = np.empty((2, n_parts + 1, *shape))
    fibres.add_paths(fibres_, *of_cells, sums.reshape(n_parts + 1, -1), *scratch())
    fibres.spread(sums, weights, out, np.empty(shape))
    return out.reshape(n_parts + 1, -1)


@BOTH
@pytest.mark.parametrize("radius", [0.0, 1.5, 6.0])
def test_paths_are_summed_and_spread_like_the_naive_twin(n_parts, radius):
    given, shape = crowd(np.random.default_rng(3), n_parts), SHAPES[n_parts]
    weights = agents.sight(radius, 2 if n_parts == 2 else 3)
    found = paths_around(shape, weights, given["fibres"], *list(given.values())[1:])
    expected = naive.paths_around(given["fibres"], shape, *list(given.values())[1:], weights)
    # Sixty cells' rounding to the grain, and 1e-7 of an axis where fibres guide (see above).
    np.testing.assert_allclose(found, expected, atol=60 * GRAIN + 1e-7)


@pytest.mark.parametrize(("n", "radius"), [(60, 6.0), (17, 4.0), (15, 4.0), (5, 4.0), (41, 0.0)])
def test_a_row_is_spread_in_the_order_in_which_it_lies_to_the_bit(n, radius):
    weights, row = agents.sight(radius, 2), np.random.default_rng(8).normal(size=n)
    reach, expected, out = weights.size - 1, np.zeros(n), np.empty((1, 1, 1, n))
    for x in range(n):
        for j in range(-reach, reach + 1):
            expected[(x + j) % n] += weights[abs(j)] * row[x]
    # One plane is its own mirror image above and below.
    fibres.spread(row.reshape(1, 1, 1, n), weights, out, np.empty((1, 1, n)))
    down = weights[0] * expected
    for j in range(1, reach + 1):
        down += weights[j] * (expected + expected)
    np.testing.assert_array_equal(out[0, 0, 0], down)


@BOTH
def test_the_order_of_cells_does_not_matter_in_any_bit(n_parts):
    """Many cells share a voxel here: plain sums of their tensors would differ in the last bits."""
    rng = np.random.default_rng(4)
    given = crowd(rng, n_parts, n=400, n_voxels=5)
    shape, weights = (5, 1, 1) if n_parts == 2 else (1, 1, 5), agents.sight(1.0, 2)
    straight = paths_around(shape, weights, *given.values())
    other = rng.permutation(400)
    mixed = {name: given[name][other] for name in ("kind", "voxel", "direction")}
    np.testing.assert_array_equal(paths_around(shape, weights, *{**given, **mixed}.values()), straight)


def laws(rng, n):
    """Order, all that it gains, its loss and what it gains along paths: all, half or none. Targets lie from 0 to 1."""
    level, loss = rng.random(n), 10.0 ** rng.uniform(-3, 2, n)
    gained = loss * rng.random(n)
    return level, gained, loss, gained * rng.integers(0, 3, n) / 2.0


@BOTH
def test_a_step_is_the_naive_twins(n_parts):
    rng, n = np.random.default_rng(5), 50
    level, gained, loss, gain = laws(rng, n)
    net, tensors = gained - loss * level, random_tensors(rng, n_parts, n)
    paths = np.vstack([3.0 * random_tensors(rng, n_parts, n), np.full(n, 3.0)])
    paths[:, :4] = 0.0  # nobody goes there
    rest = naive.parts_of(naive.tensor_of((0.2, 0.0, 1.0), n_parts))
    expected = naive.lay(tensors, level, net, loss, gain, paths, rest, 0.3)
    fibres.lay(tensors, level, net, loss, gain, paths, rest, 0.3)
    # Sums of a few terms of at most dt loss = 30, divided by 1 + dt loss: some roundings of numbers about 1.
    np.testing.assert_allclose(tensors, expected[0], atol=1e-14)
    np.testing.assert_allclose(level, expected[1], atol=1e-14)


@BOTH
@pytest.mark.parametrize("dt", [1.0 / 288.0, 1.0, 1000.0])
def test_where_all_go_one_way_the_order_is_that_of_the_scalar_law(n_parts, dt):
    rng, n = np.random.default_rng(6), 300
    level, gained, loss, gain = laws(rng, n)
    one = one_path((0.4, 0.3, -0.8), n_parts)
    tensors, scalar = one[:, None] * level, level.copy()
    level = np.sqrt((tensors**2).sum(axis=0))
    paths = np.vstack([5.0 * np.outer(one, np.ones(n)), np.full(n, 5.0)])
    for _ in range(5):
        fibres.lay(tensors, level, gained - loss * level, loss, gain, paths, one, dt)
        x = dt * np.maximum(loss, 0.0)
        scalar += dt * (gained - loss * scalar) * (1.0 + 0.5 * x) / (1.0 + x + 0.5 * x * x)
        # One direction is known to its grain, and no step makes the error of an order larger.
        np.testing.assert_allclose(level, scalar, atol=n_parts * GRAIN)


@BOTH
def test_order_never_exceeds_1(n_parts):
    """Of any tensors of size up to 1, with any share of the gain, over steps of any length."""
    rng, n = np.random.default_rng(7), 600
    level, gained, loss, gain = laws(rng, n)
    gained[:200] = loss[:200]  # a target of 1
    gain[:200] = gained[:200] * rng.random(200)
    tensors, cells = random_tensors(rng, n_parts, n, 1), rng.random(n)
    level = np.sqrt((tensors**2).sum(axis=0))
    rest = one_path((0, 0, 1), n_parts)
    for dt in 10.0 ** rng.uniform(-3, 3, 20):
        n_fibres = rng.integers(1, 3)
        paths = np.vstack([random_tensors(rng, n_parts, n, n_fibres), np.ones(n)]) * cells
        fibres.lay(tensors, level, gained - loss * level, loss, gain, paths, rest, dt)
        # A mean of tensors of size 1 or less, rounded a few times in each step.
        assert level.max() <= 1.0 + 1e-14
        np.testing.assert_array_equal(level, np.sqrt(sum(part * part for part in tensors)))


@BOTH
def test_where_cells_go_every_way_no_order_builds_up(n_parts):
    """Cells along axes at right angles: their tensors add up to nothing."""
    ways = np.eye(3) if n_parts == 5 else np.array([[1.0, 0, 1], [1, 0, -1]])
    nobody = np.zeros(len(ways), dtype=np.int64)
    none, paths = np.zeros((n_parts, 1)), np.empty((n_parts + 1, 1))
    fibres.add_paths(none, nobody, nobody, ways, np.ones(1), np.zeros(1), 1.0, paths, *scratch())
    tensors, level = 0.5 * one_path((0, 0, 1), n_parts)[:, None], np.array([0.5])
    loss, gain, dt = np.array([2.0]), np.array([1.8]), 0.1
    for step in range(1, 40):
        fibres.lay(tensors, level, gain - loss * level, loss, gain, paths, np.zeros(n_parts), dt)
        # What was there is lost at each step by 1 / (1 + x + x^2 / 2), x = dt loss, and nothing comes but the grain.
        np.testing.assert_allclose(level, 0.5 * 1.22**-step, atol=n_parts * GRAIN)


def every_way(n):
    """Directions evenly all around, of length 1; sums over them are means over all directions but for 1 / n."""
    angle = 2.0 * np.pi * np.arange(n) / n
    return np.stack([np.sin(angle), np.zeros(n), np.cos(angle)], axis=1)


def order_after(steps, strength, sensitivity=4.0, gain=0.9, order=0.3, dt=0.2, n=400):
    """Order of a slice's voxel, lost at 1 a day, whose cells walk every way but for what fibres make of their steps."""
    kind, ways = np.zeros(n, dtype=np.int64), every_way(n)
    tensors, level, paths = np.array([[order], [0.0]]), np.array([order]), np.empty((3, 1))
    for _ in range(steps):
        fibres.add_paths(
            tensors, kind, kind, ways, np.ones(1), np.array([strength]), sensitivity, paths, *scratch()
        )
        fibres.lay(tensors, level, gain - level, np.ones(1), np.array([gain]), paths, np.zeros(2), dt)
    return level[0]


def test_order_lasts_longer_the_more_fibres_guide_and_the_more_is_laid():
    """The qualitative facts of Dallon, Sherratt and Maini 1999 and McDougall et al. 2006."""
    assert np.all(np.diff([order_after(15, strength) for strength in (0.0, 0.3, 0.6, 1.0)]) > 0.0)
    assert np.all(np.diff([order_after(15, 1.0, sensitivity) for sensitivity in (0.0, 1.0, 2.0, 4.0)]) > 0.0)
    assert np.all(np.diff([order_after(15, 1.0, gain=gain) for gain in (0.0, 0.3, 0.6, 1.0)]) > 0.0)


@pytest.mark.parametrize(
    ("strength", "sensitivity", "gain"), [(1.0, 4.0, 0.9), (0.5, 4.0, 0.6), (0.5, 1.0, 1.0)]
)
def test_weak_order_grows_where_what_cells_pass_on_exceeds_what_is_lost(strength, sensitivity, gain):
    """Weak order q spreads steps by w = strength sensitivity q; weighted by length, their mean cos 2a is 3/4 w.

    So order grows at 3/4 strength sensitivity gain - loss.
    """
    order, dt = 1e-4, 0.01
    grown = order_after(1, strength, sensitivity, gain, order, dt) / order
    # Of the first order in the order, 1e-4, and what the grain is of that order.
    rate = 0.75 * strength * sensitivity * gain - 1.0
    np.testing.assert_allclose(
        (grown - 1.0) * (1.0 + dt + 0.5 * dt**2) / (1.0 + 0.5 * dt) / dt, rate, atol=1e-3
    )
