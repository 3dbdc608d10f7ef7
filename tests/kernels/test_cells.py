"""Single cells against their plain twins, and the laws of chance and geometry that their walks obey.

Statistical bounds are five standard errors, which chance exceeds once in two million; the seeds are fixed.
"""

import dataclasses
import math

import mpmath
import numpy as np
import pytest
from numba import njit

from collagensim.kernels import cells
from collagensim.kernels import walk as steps
from naive import cells as plain

SEED, EVENT = 11, 3
SHAPES = [(6, 1, 9), (5, 4, 7), (2, 2, 2), (1, 1, 1), (3, 1, 2)]
SURE = 5.0


@dataclasses.dataclass
class Tissue:
    """What cells live in, and how their kinds move."""

    speed: np.ndarray
    persistence: np.ndarray
    attraction: np.ndarray
    attraction_strength: np.ndarray
    guidance: np.ndarray
    guidance_strength: np.ndarray
    room: np.ndarray
    voxel_um: np.ndarray


@dataclasses.dataclass
class Cells:
    """Arrays of n cells, or what belongs to one of them."""

    kind: np.ndarray
    position: np.ndarray
    direction: np.ndarray
    identity: np.ndarray

    def some(self, which) -> "Cells":
        return Cells(*(getattr(self, field.name)[which].copy() for field in dataclasses.fields(self)))


def random_cells(n: int, size: np.ndarray, n_kinds: int = 1, seed: int = 5) -> Cells:
    """Cells anywhere in a box, heading anywhere; in a slice only within it."""
    random = np.random.default_rng(seed)
    direction = random.normal(size=(n, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    identity = random.integers(1, 2**64, n, dtype=np.uint64)
    return Cells(random.integers(0, n_kinds, n), random.random((n, 3)) * size, direction, identity)


def varied_tissue(shape: tuple[int, int, int]) -> Tissue:
    """Three kinds, the last of which does not move; everything different everywhere."""
    random = np.random.default_rng(17)
    fibres = random.normal(size=(*shape, 3))
    fibres *= random.random((*shape, 1)) / np.linalg.norm(fibres, axis=-1)[..., None]
    return Tissue(
        np.array([400.0, 30.0, 0.0]), np.array([0.05, 3.0, 1.0]), random.random((3, *shape)),
        np.array([40.0, -9.0, 1.0]), fibres, np.array([0.8, 1.0, 0.5]), random.random(shape),
        np.array([10.0, 25.0, 8.0]),
    )  # fmt: skip


def open_tissue(n_axes: int, speed: float = 100.0, persistence: float = 0.2) -> Tissue:
    """So large that no cell comes near a face, with nothing in it."""
    shape = (4, 4 if n_axes == 3 else 1, 4)
    return Tissue(
        np.array([speed]), np.array([persistence]), np.zeros((1, *shape)), np.zeros(1), np.zeros((0, 3)),
        np.zeros(1), np.ones(shape), np.full(3, 1e6),
    )  # fmt: skip


def gathered(n: int, n_axes: int, seed: int = 5) -> Cells:
    """Cells in the middle of `open_tissue`, heading anywhere within its axes."""
    found = random_cells(n, np.ones(3), seed=seed)
    found.position[:] = np.array([2e6, 2e6 if n_axes == 3 else 5e5, 2e6])
    if n_axes == 2:
        found.direction[:, 1] = 0.0
        found.direction /= np.linalg.norm(found.direction, axis=1)[:, None]
    return found


def walk(found: Cells, tissue: Tissue, dt: float, n_steps: int = 1, seed: int = SEED) -> None:
    for kind in range(tissue.speed.size):
        if tissue.guidance.size:  # which is felt anew in each step
            for tick in range(n_steps):
                walk_some(found, tissue, kind, dt, 1, seed, tick)
        else:
            walk_some(found, tissue, kind, dt, n_steps, seed, 0)


def walk_some(
    found: Cells, tissue: Tissue, kind: int, dt: float, n_steps: int, seed: int, tick: int, ticks: int = 1
) -> None:
    """Let the cells of one kind walk some steps, by the fibres of the first."""
    who = np.flatnonzero(found.kind == kind)
    voxel, guidance = np.empty(who.size, np.int64), tissue.guidance
    if tissue.guidance.size:
        cells.voxels_of(found.position[who], tissue.voxel_um, tissue.room.shape, voxel)
        guidance = tissue.guidance.reshape(-1, 3)[voxel]
    cells.move(
        who, found.position, found.direction, found.identity, tissue.speed[kind], tissue.persistence[kind], kind,
        tissue.attraction, tissue.attraction_strength[kind], guidance, tissue.guidance_strength[kind], 0,
        tissue.room[None], dt, n_steps, seed, EVENT, tick, ticks, tissue.voxel_um, np.empty(cells.N_WALK),
        np.empty((cells.N_NOTED, cells.CHUNK)), np.empty(cells.CHUNK, np.uint64),
    )  # fmt: skip


def located(position: np.ndarray, voxel_um: np.ndarray, shape: tuple[int, int, int]):
    """Voxels of cells, and the lists of cells in each."""
    n_voxels = math.prod(shape)
    voxel, order = np.empty(len(position), np.int64), np.empty(len(position), np.int64)
    start = np.empty(n_voxels + 1, np.int64)
    cells.voxels_of(position, voxel_um, shape, voxel)
    cells.sort_cells(voxel, n_voxels, start, order)
    return voxel, start, order


def sensed(counts: np.ndarray, weights: np.ndarray, present: int = 10**6, per: float = 1.0) -> np.ndarray:
    out = np.full_like(counts, np.nan)
    padded = np.empty(counts.shape[3] + 2 * (weights.size - 1))
    of_kinds = np.full(counts.shape[0], present), np.full(counts.shape[0], per)
    cells.sense(counts.copy(), *of_kinds, weights, out, np.empty(counts.shape[1:]), padded)
    return out


def furth(t: float, speed: float = 100.0, persistence: float = 0.2) -> float:
    return 2.0 * speed**2 * persistence * (t - persistence * (1.0 - math.exp(-t / persistence)))


# ---- where they are


@pytest.mark.parametrize("shape", SHAPES)
def test_cells_are_in_the_voxels_around_them(shape: tuple[int, int, int]) -> None:
    voxel_um = np.array([10.0, 25.0, 8.0])
    position = random_cells(200, voxel_um * shape).position
    position[:3] = [[0.0, 0.0, 0.0], voxel_um * shape, np.nextafter(voxel_um * shape, 0.0)]
    voxel, _, _ = located(position, voxel_um, shape)
    assert voxel.tolist() == [plain.voxel_of(place, voxel_um, shape) for place in position]


def test_a_place_outside_belongs_to_the_outermost_voxel() -> None:
    voxel, _, _ = located(np.array([[-5.0, 1e9, -1e-9], [1e9, -1e9, 1e9]]), np.full(3, 10.0), (2, 3, 4))
    assert voxel.tolist() == [2 * 4, (3 + 0) * 4 + 3]


@pytest.mark.parametrize("n", [0, 1, 500])
def test_sorted_cells_keep_their_order_within_a_voxel(n: int) -> None:
    voxel = np.random.default_rng(2).integers(0, 40, n)
    start, order = np.full(51, -1), np.full(n, -1)
    cells.sort_cells(voxel, 50, start, order)
    assert order.tolist() == np.argsort(voxel, kind="stable").tolist()
    assert start.tolist() == [int((voxel < v).sum()) for v in range(51)]


def test_counts_are_of_each_kind_in_each_voxel() -> None:
    random = np.random.default_rng(3)
    kind, voxel, out = random.integers(0, 3, 400), random.integers(0, 30, 400), np.full((3, 30), np.nan)
    cells.count(kind, voxel, 3, out)
    expected = np.zeros((3, 30))
    np.add.at(expected, (kind, voxel), 1.0)
    assert np.array_equal(out, expected)


def test_picked_cells_are_those_asked_for_in_that_order() -> None:
    found, births = random_cells(50, np.ones(3), n_kinds=4), np.arange(50)
    which = np.random.default_rng(9).permutation(50)[:20]
    old = found.kind, found.position, found.direction, found.identity, births
    new = [np.zeros((25, *values.shape[1:]), values.dtype) for values in old]
    cells.pick(which, *old, *new)
    for values, picked in zip(old, new, strict=True):
        assert np.array_equal(picked[:20], values[which])
        assert not picked[20:].any()


# ---- what they sense


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [0.0, 0.4, 2.5])
def test_cells_sense_what_the_plain_twin_does(shape: tuple[int, int, int], radius: float) -> None:
    counts = np.random.default_rng(4).random((2, *shape))
    weights = cells.sight(radius, 2 if shape[1] == 1 else 3)
    # Sums of at most 2 * 4 * 9 positive terms in another order, and their weights' products.
    np.testing.assert_allclose(sensed(counts, weights), plain.sense(counts, weights), rtol=80 * 2.2e-16)


@pytest.mark.parametrize("shape", [*SHAPES, (40, 1, 48), (12, 9, 20)])
@pytest.mark.parametrize("radius", [0.0, 0.4, 2.5])
def test_few_cells_are_sensed_as_many_are(shape: tuple[int, int, int], radius: float) -> None:
    random = np.random.default_rng(21)
    counts = np.zeros((2, *shape))
    counts.reshape(2, -1)[:, random.integers(0, counts[0].size, 4)] = random.integers(1, 4, (2, 4))
    weights = cells.sight(radius, 2 if shape[1] == 1 else 3)
    # Sums of at most 2 * 4 * 9 positive terms in another order, some left out as nought, and their weights' products.
    error = 80 * 2.2e-16 * counts.max()
    np.testing.assert_allclose(
        sensed(counts, weights, 1, 0.25),
        plain.sense(4.0 * counts, weights),
        rtol=80 * 2.2e-16,
        atol=4.0 * error,
    )
    found, many = sensed(counts, weights, 1), sensed(counts, weights)
    np.testing.assert_allclose(found, many, rtol=80 * 2.2e-16, atol=error)


def test_of_a_kind_that_is_not_there_nothing_is_sensed() -> None:
    found = sensed(np.zeros((1, 5, 4, 6)), cells.sight(2.5, 3), present=0)
    assert not found.any()


def test_who_senses_nobody_else_counts_its_own_voxel() -> None:
    counts = np.random.default_rng(4).random((1, 5, 4, 6))
    assert np.array_equal(sensed(counts, cells.sight(0.0, 3)), counts)


@pytest.mark.parametrize("n_axes", [2, 3])
@pytest.mark.parametrize("radius", [0.1, 1.0, 3.7, 12.0])
def test_the_reach_of_sensing_is_that_of_a_disc_or_ball(radius: float, n_axes: int) -> None:
    weights = cells.sight(radius, n_axes)
    away = np.arange(weights.size)
    assert weights[0] + 2.0 * weights[1:].sum() == pytest.approx(1.0, rel=1e-14)
    # The mean square of one coordinate over a disc is R^2 / 4, over a ball R^2 / 5.
    assert 2.0 * away**2 @ weights == pytest.approx(radius**2 / (n_axes + 2), rel=1e-12)
    assert np.all(np.diff(weights) <= 0.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_even_tissue_is_sensed_as_it_is(shape: tuple[int, int, int]) -> None:
    found = sensed(np.full((1, *shape), 0.7), cells.sight(2.5, 2 if shape[1] == 1 else 3))
    np.testing.assert_allclose(found, 0.7, rtol=1e-13)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if max(shape) > 1])
def test_a_cell_alone_is_felt_by_all_around_but_not_by_itself(shape: tuple[int, int, int]) -> None:
    counts = np.zeros((1, *shape))
    counts[0, 0, -1, 1] = 1.0
    found = sensed(counts, cells.sight(2.5, 2 if shape[1] == 1 else 3))
    # What is left when it is taken away is the rounding of a sum of some tens of terms below 1.
    assert found[0, 0, -1, 1] == pytest.approx(0.0, abs=1e-14)
    assert found[0, 1, -1, 1] > 0.01
    assert np.all(found >= 0.0)


# ---- how they wander


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dt", [0.001, 0.3])
@pytest.mark.parametrize("n", [40, cells.CHUNK + 1])
def test_cells_move_as_the_plain_twin_does(shape: tuple[int, int, int], dt: float, n: int) -> None:
    tissue = varied_tissue(shape)
    found = random_cells(n, tissue.voxel_um * shape, n_kinds=3)
    before = found.some(slice(None))
    walk(found, tissue, dt)
    for i in [*range(40), n - 1]:
        place, direction = plain.move(
            Cells(before.kind[i], before.position[i], before.direction[i], int(before.identity[i])),
            tissue, dt, SEED, EVENT, 0,
        )  # fmt: skip
        # The twin's path variance loses digits to cancellation, 3 ulp / tau^3 of it: 2e-5 of the noise at the
        # smallest tau of 3e-4, whose noise is 1e-6 days at speed 30.
        np.testing.assert_allclose(found.position[i], place, rtol=1e-10, atol=1e-9)
        np.testing.assert_allclose(found.direction[i], direction, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_walked_at_once_are_those_walked_one_after_the_other(shape: tuple[int, int, int]) -> None:
    tissue = dataclasses.replace(varied_tissue(shape), guidance=np.zeros((0, 3)))
    at_once = random_cells(2 * cells.CHUNK + 1, tissue.voxel_um * shape, n_kinds=3)
    one_by_one = at_once.some(slice(None))
    for kind in range(3):
        walk_some(at_once, tissue, kind, 0.02, 4, SEED, 7, ticks=3)
        for k in range(4):
            walk_some(one_by_one, tissue, kind, 0.02, 1, SEED, 7 + 3 * k)
    np.testing.assert_array_equal(at_once.position, one_by_one.position)
    np.testing.assert_array_equal(at_once.direction, one_by_one.direction)


@njit
def walk_of(persistence, n_axes, dt, out):
    steps.walk_of(persistence, n_axes, dt, out)


@pytest.mark.parametrize("n_axes", [2, 3])
@pytest.mark.parametrize("tau", [1e-8, 1e-3, 0.0399, 0.0401, 1.0, 30.0])
def test_variances_and_covariance_of_a_step_are_those_of_the_process(tau: float, n_axes: int) -> None:
    found, persistence = np.empty(cells.N_WALK), 0.3
    walk_of(persistence, n_axes, tau * persistence, found)
    with mpmath.workdps(60):
        t, p, n = mpmath.mpf(tau * persistence) / mpmath.mpf(persistence), mpmath.mpf(persistence), n_axes
        left = mpmath.exp(-t)
        of_direction, both = (1 - left**2) / n, p * (1 - left) ** 2 / n
        of_path = p**2 * (2 * t - 3 + 4 * left - left**2) / n
        carried = both / mpmath.sqrt(of_direction)
        free = mpmath.sqrt(of_path - carried**2)
        exact = [float(x) for x in (left, p * (1 - left), mpmath.sqrt(of_direction), carried, free)]
    # The series ends before the sixth power of tau / 2 < 0.02; above, the difference loses four digits of sixteen.
    np.testing.assert_allclose(found, exact, rtol=5e-12)


@pytest.mark.parametrize("n_axes", [2, 3])
@pytest.mark.parametrize(
    ("dt", "n_steps"), [(0.002, 100), (0.02, 10), (0.2, 1), (0.2, 15), (1.0, 3), (3.0, 1)]
)
def test_mean_square_displacement_is_furths_at_every_step(n_axes: int, dt: float, n_steps: int) -> None:
    found, tissue = gathered(20_000, n_axes), open_tissue(n_axes)
    start = found.position.copy()
    walk(found, tissue, dt, n_steps)
    squares = ((found.position - start) ** 2).sum(1)
    error = squares.std() / math.sqrt(squares.size)
    assert abs(squares.mean() - furth(dt * n_steps)) < SURE * error


@pytest.mark.parametrize("n_axes", [2, 3])
@pytest.mark.parametrize(("dt", "n_steps"), [(0.02, 10), (0.2, 1)])
def test_direction_is_forgotten_exponentially_and_keeps_its_size(
    n_axes: int, dt: float, n_steps: int
) -> None:
    found, tissue = gathered(20_000, n_axes), open_tissue(n_axes)
    start = found.direction.copy()
    walk(found, tissue, dt, n_steps)
    for products, expected in (
        ((found.direction * start).sum(1), math.exp(-dt * n_steps / tissue.persistence[0])),
        ((found.direction**2).sum(1), 1.0),
    ):
        assert abs(products.mean() - expected) < SURE * products.std() / math.sqrt(products.size)


@pytest.mark.parametrize(("dt", "n_steps"), [(0.02, 50), (1.0, 1)])
def test_cells_climb_a_gradient_at_a_known_share_of_their_speed(dt: float, n_steps: int) -> None:
    found, tissue = gathered(20_000, 2), open_tissue(2)
    gradient, strength = 1e-3, 700.0
    tissue.attraction[0] = gradient * 1e6 * np.arange(4.0)[:, None, None]
    tissue.attraction_strength[:] = strength
    start = found.position.copy()
    walk(found, tissue, dt, n_steps)
    share = strength * gradient / math.sqrt(1.0 + (strength * gradient) ** 2)
    t, persistence, speed = dt * n_steps, tissue.persistence[0], tissue.speed[0]
    # Cells heading anywhere at first take their persistence to turn.
    expected = speed * share * (t - persistence * (1.0 - math.exp(-t / persistence)))
    moved = found.position - start
    error = SURE * moved.std(0) / math.sqrt(len(moved))
    assert abs(moved[:, 0].mean() - expected) < error[0]
    assert abs(moved[:, 2].mean()) < error[2]
    assert np.all(moved[:, 1] == 0.0)


@pytest.mark.parametrize("n_axes", [2, 3])
@pytest.mark.parametrize(("order", "strength"), [(0.6, 0.5), (1.0, 1.0)])
def test_cells_wander_along_fibres(n_axes: int, order: float, strength: float) -> None:
    found, tissue = gathered(20_000, n_axes), open_tissue(n_axes)
    fibre = np.array([0.6, 0.0, 0.8])
    tissue.guidance = np.tile(order * fibre, (*tissue.room.shape, 1))
    tissue.guidance_strength[:] = strength
    start = found.position.copy()
    walk(found, tissue, 0.1, 10)
    moved = found.position - start
    along = moved @ fibre
    across = (moved**2).sum(1) - along**2
    share, one_axis = order * strength, furth(1.0) / n_axes
    expected = (1.0 - share + n_axes * share) * one_axis, (1.0 - share) * (n_axes - 1) * one_axis
    # Rounding of places around 10^6 um leaves 10^-10 um, where nothing else is left across the fibres.
    for squares, wanted in zip((along**2, across), expected, strict=True):
        assert abs(squares.mean() - wanted) < SURE * squares.std() / math.sqrt(squares.size) + 1e-5


def test_crowding_slows_cells_and_stops_them() -> None:
    free, slow, stuck = (gathered(100, 2) for _ in range(3))
    tissue = open_tissue(2)
    start = free.position.copy()
    for found, room in ((free, 1.0), (slow, 0.5), (stuck, 0.0)):
        tissue.room[:] = room
        walk(found, tissue, 0.1)
    # Half of a step, but for the rounding of places around 2e6 um.
    np.testing.assert_allclose(slow.position - start, 0.5 * (free.position - start), rtol=0.0, atol=1e-9)
    assert np.array_equal(stuck.position, start)


def test_cells_without_speed_are_left_alone() -> None:
    tissue = varied_tissue((6, 1, 9))
    found = random_cells(50, tissue.voxel_um * (6, 1, 9), n_kinds=3)
    before = found.some(slice(None))
    walk(found, tissue, 0.1)
    resting = found.kind == 2
    assert np.array_equal(found.position[resting], before.position[resting])
    assert np.array_equal(found.direction[resting], before.direction[resting])


@pytest.mark.parametrize("shape", [(6, 1, 9), (5, 4, 7)])
@pytest.mark.parametrize("dt", [0.01, 100.0])
def test_cells_stay_in_the_box_and_in_their_slice(shape: tuple[int, int, int], dt: float) -> None:
    tissue = varied_tissue(shape)
    size = tissue.voxel_um * shape
    found = random_cells(2000, size, n_kinds=3)
    before = found.position.copy()
    walk(found, tissue, dt, 5)
    assert np.all(found.position >= 0.0)
    assert np.all(found.position[:, 0] <= size[0])
    assert np.all(found.position[:, 1:] < size[1:])
    if shape[1] == 1:
        assert np.array_equal(found.position[:, 1], before[:, 1])


def test_a_cell_walks_the_same_way_in_any_company() -> None:
    tissue = varied_tissue((5, 4, 7))
    everyone = random_cells(700, tissue.voxel_um * (5, 4, 7), n_kinds=3)
    which = np.random.default_rng(8).permutation(700)[:300]
    some = everyone.some(which)
    walk(everyone, tissue, 0.02, 3)
    walk(some, tissue, 0.02, 3)
    assert np.array_equal(some.position, everyone.position[which])
    assert np.array_equal(some.direction, everyone.direction[which])


def test_cells_spread_evenly_between_top_and_bottom() -> None:
    tissue = open_tissue(2)
    tissue.voxel_um = np.full(3, 20.0)
    found = random_cells(20_000, np.array([80.0, 20.0, 80.0]))
    walk(found, tissue, 0.05, 40)
    rows = np.bincount((found.position[:, 0] / 10.0).astype(int), minlength=8)
    # Chi-square of 7 degrees of freedom exceeds 41 once in a million.
    assert ((rows - 2500.0) ** 2 / 2500.0).sum() < 41.0


# ---- how they push


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [3.0, 9.0])
def test_cells_push_as_the_plain_twin_says(shape: tuple[int, int, int], radius: float) -> None:
    voxel_um = np.array([10.0, 25.0, 8.0])
    # So that each cell has some eight neighbours, and no pair is in contact both ways around.
    size = voxel_um * shape
    position = random_cells(60, size).position
    _, start, order = located(position, voxel_um, shape)
    out = np.full_like(position, np.nan)
    cells.repel(position, start, order, radius, 0.7, 2.5, voxel_um, shape, out)
    # Sums of up to 60 terms of up to 0.35 * 18 um in another order.
    expected = plain.repel(position, radius, 0.7, 2.5, voxel_um, shape)
    np.testing.assert_allclose(out, expected, rtol=0.0, atol=60 * 6.3 * 2.2e-16 * 4)


def test_two_cells_alone_are_just_apart_after_a_step() -> None:
    voxel_um, shape = np.full(3, 10.0), (5, 5, 5)
    found = Cells(
        np.zeros(2, int), np.array([[25.0, 1.0, 49.0], [25.0, 48.0, 2.0]]), np.ones((2, 3)), np.ones(2)
    )
    _, start, order = located(found.position, voxel_um, shape)
    shift = np.empty((2, 3))
    cells.repel(found.position, start, order, 4.0, 1.0, 10.0, voxel_um, shape, shift)
    cells.displace(found.position, found.direction, shift, voxel_um, shape)
    apart = found.position[0] - found.position[1]
    apart -= 50.0 * np.round(apart / 50.0)
    assert np.linalg.norm(apart) == pytest.approx(8.0, rel=1e-14)
    np.testing.assert_allclose(shift[0], -shift[1], rtol=1e-14)


def test_no_cell_is_pushed_further_than_allowed() -> None:
    voxel_um, shape = np.full(3, 10.0), (2, 1, 2)
    position = random_cells(200, np.full(3, 10.0)).position
    _, start, order = located(position, voxel_um, shape)
    out = np.empty_like(position)
    cells.repel(position, start, order, 5.0, 1.0, 0.5, voxel_um, shape, out)
    lengths = np.linalg.norm(out, axis=1)
    assert lengths.max() <= 0.5 * (1.0 + 1e-15)
    assert np.all(out[:, 1] == 0.0)


def test_cells_in_the_same_place_do_not_push() -> None:
    position = np.full((2, 3), 5.0)
    _, start, order = located(position, np.full(3, 10.0), (2, 2, 2))
    out = np.empty_like(position)
    cells.repel(position, start, order, 4.0, 1.0, 10.0, np.full(3, 10.0), (2, 2, 2), out)
    assert np.all(out == 0.0)


def test_who_is_shifted_out_of_the_box_comes_back_into_it() -> None:
    position, direction = np.full((3, 3), 5.0), np.ones((3, 3))
    shift = np.array([[-7.0, 16.0, -26.0], [23.0, -6.0, 0.0], [47.0, 0.0, 5.0]])
    cells.displace(position, direction, shift, np.full(3, 10.0), (2, 1, 1))
    # Depth 20: -2 is 2 seen in the top; 28 is 12 seen in the bottom; 52 is 12 seen in the bottom and the top.
    assert position.tolist() == [[2.0, 1.0, 9.0], [12.0, 9.0, 5.0], [12.0, 5.0, 0.0]]
    assert direction.tolist() == [[-1.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
