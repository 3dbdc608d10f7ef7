"""A model's rates over all voxels, and what becomes of fields by them."""

import numpy as np
import pytest

from collagensim.kernels.machine_code import assemble, load
from collagensim.kernels.numbers import WIDTH, aligned
from collagensim.kernels.straight import straight
from collagensim.kernels.voxels import TILE, evaluate_voxels

# Of what lies at rest, y[2], spreads, y[3], and lies on top, y[4], the rates are told in y[0], their slopes in y[1].
TEXT = """
def voxel_rates(y, n, p, u, out):
    both = y[0] + y[1]
    out[0] = p[0] * both - n[0]
    out[1] = u[0] / y[1]
    out[2] = y[2] + y[3] + y[4]
    out[3] = y[0]
    out[4] = y[1]
"""
N_OUT = 5
CODE = load(assemble(straight(TEXT, "lanes")), ["voxel_rates"])
SIZES = [[8], [8, 16], [8 * TILE, 8 * TILE + 8, 8, 16 * TILE + 8]]


class Voxels:
    """Fields over spans of those sizes, the first of which lies on top, and what is written of them."""

    code, slots = CODE, np.arange(5)

    def __init__(self, sizes, told=((0, 99), (1, 99), (2, 99)), days=0.25, seed=1):
        random = np.random.default_rng(seed)
        first = np.concatenate([[0], np.cumsum(sizes)])
        n = first[-1]
        # Numbers of few digits: products that are added are rounded once by the machine code.
        self.cells, self.actors, self.matrix = (random.integers(1, 999, (k, n)) / 8.0 for k in (2, 1, 1))
        self.soluble = (random.integers(1, 999, (1, n)) / 8.0).astype(np.float32)
        self.surface = random.integers(1, 999, (1, sizes[0])) / 8.0
        self.u, self.found = random.integers(1, 99, len(sizes)).astype(float), np.full((N_OUT, n), np.nan)
        self.source, self.drain = np.full_like(self.soluble, np.nan), np.full_like(self.soluble, np.nan)
        self.matrix_next, self.surface_next = (
            np.full_like(self.matrix, np.nan),
            np.full_like(self.surface, np.nan),
        )
        self.begun = self.matrix, self.surface
        self.one_drain, self.entries = np.full(1, np.nan), np.array([-1, -1])
        self.leaves, self.makes = np.full((2, 1), -1), np.full((2, 1, 2), -1)
        self.cells_next, self.actors_next = np.empty((0, n)), np.empty((0, n))
        self.sizes, self.first, self.told, self.days = sizes, first, np.array(told), days

    def run(self, begin=0, end=None):
        slots, p = aligned(len(self.sizes), 1, WIDTH), aligned(1, WIDTH)
        slots[:], p[:] = self.u[:, None, None], 0.5
        n_cells = self.actors.shape[0]
        y, n, result = (aligned(TILE * k, WIDTH) for k in (self.slots.size, n_cells, N_OUT))
        evaluate_voxels(
            self.code.addresses["voxel_rates"], self.cells, self.matrix, self.soluble, self.surface, self.slots,
            self.actors, p, slots, self.first, begin, self.first[-1] if end is None else end, self.told, self.found,
            np.array([[3, 4]] * 3), self.days, *self.begun, self.source, self.drain, self.one_drain,
            self.matrix_next, self.surface_next, self.entries, self.leaves, self.makes, self.cells_next,
            self.actors_next, y, n, result,
        )  # fmt: skip
        return self


@pytest.mark.parametrize("sizes", SIZES)
def test_every_voxel_gets_its_rates_whatever_the_size_of_its_span(sizes):
    has = Voxels(sizes).run()
    on_top = np.resize(has.surface[0], has.first[-1])
    expected = [
        0.5 * (has.cells[0] + has.cells[1]) - has.actors[0], np.repeat(has.u, sizes) / has.cells[1],
        has.matrix[0] + has.soluble[0] + on_top,
    ]  # fmt: skip
    np.testing.assert_array_equal(has.found[:3], expected)
    assert np.all(np.isnan(has.found[3:]))


def test_what_is_told_of_the_uppermost_spans_alone_is_written_there_alone():
    has = Voxels([24, 16, 8], told=[(0, 0), (1, 1), (2, 2)]).run()
    np.testing.assert_array_equal((~np.isnan(has.found)).sum(axis=1), [0, 24, 40, 0, 0])
    assert not np.isnan(has.found[2, :40]).any()


@pytest.mark.parametrize("sizes", SIZES)
def test_voxels_have_the_same_bits_whichever_range_they_are_worked_on_in(sizes):
    whole, parts = Voxels(sizes).run(), Voxels(sizes)
    middle = parts.first[-1] // (2 * WIDTH) * WIDTH
    parts.run(0, middle).run(middle)
    for name in ("found", "source", "drain", "matrix_next", "surface_next"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
        assert name == "found" or not np.isnan(getattr(whole, name)).any()


def relaxed(level, net, loss, days):
    """What a level becomes."""
    has = Voxels([8], days=days)
    has.cells[0], has.cells[1], has.matrix[:], has.surface[:] = net, loss, level, level
    has.run()
    np.testing.assert_array_equal(has.matrix_next, has.surface_next)
    return float(has.matrix_next[0, 0])


def test_what_stays_decays_with_order_two_and_is_never_negative():
    errors = []
    for n in (20, 40):
        level = 2.0
        for _ in range(n):
            level = relaxed(level, 3.0 - 5.0 * level, 5.0, 1.0 / n)
        errors.append(abs(level - (0.6 + 1.4 * np.exp(-5.0))))
    # Halved steps, a quarter of the error: the next term is a tenth of it at these steps.
    assert 3.6 < errors[0] / errors[1] < 4.4
    assert 0.0 < relaxed(1.0, -1e6, 1e6, 1.0) < 1e-5
    assert relaxed(1.0, 2.0, -3.0, 1.0) == 3.0  # a slope that is no loss is left out


def test_what_stays_goes_on_from_before_the_step_wherever_its_rate_was_read():
    has = Voxels([8], days=0.5)
    read, before, rate, loss = 5.0, 2.0, -7.0, 4.0
    has.cells[0], has.cells[1], has.matrix[:], has.surface[:] = rate, loss, read, read
    has.begun = np.full_like(has.matrix, before), np.full_like(has.surface, before)
    has.run()
    # Of a rate that is linear in the level nothing is lost by reading it elsewhere.
    np.testing.assert_allclose(
        has.matrix_next, relaxed(before, rate - loss * (before - read), loss, 0.5), rtol=1e-15
    )
    np.testing.assert_array_equal(has.matrix_next, has.surface_next)


def test_a_rate_is_parted_into_source_and_drain_that_are_not_negative():
    has = Voxels([8])
    has.soluble[0, :4], has.cells[0, :4] = [2.0, 2.0, 2.0, 0.0], [1.0, 3.0, -3.0, 0.5]
    has.cells[1, :4] = [4.0, -1.0, 0.5, 2.0]
    has.run()
    np.testing.assert_array_equal(has.drain[0, :4], [4.0, 0.0, 1.5, 2.0])
    np.testing.assert_array_equal(has.source[0, :4], [9.0, 3.0, 0.0, 0.5])
    np.testing.assert_allclose((has.source - has.drain * has.soluble)[0], has.cells[0])
    # A law that takes from an empty voxel finds nothing there.
    has.soluble[:], has.cells[0], has.cells[1] = 0.0, -1.0, 2.0
    has.run()
    np.testing.assert_array_equal(has.source, 0.0)
    np.testing.assert_array_equal(has.drain, 0.0)


def test_a_drain_that_stands_already_is_written_only_where_a_law_bends():
    has = Voxels([8, 16])
    has.cells[0], has.cells[1], has.one_drain[:], has.drain[:] = 1.0, 4.0, 4.0, -1.0
    has.run()
    np.testing.assert_array_equal(has.drain, -1.0)
    assert has.one_drain[0] == 4.0
    has.cells[0, 9], has.cells[1, 9], has.soluble[0, 9] = -3.0, 0.5, 2.0
    has.run()
    assert np.isnan(has.one_drain[0])
    assert has.drain[0, 9] == 1.5
    # What shares a register with it has its own loss.
    np.testing.assert_array_equal(has.drain[0], [*[-1.0] * 8, 4.0, 1.5, *[4.0] * 6, *[-1.0] * 8])


# Of three kinds the first dies or becomes the second, the second dies as fast as it divides and the third arrives.
OF_CELLS = """
def voxel_rates(y, n, p, u, out):
    out[0] = 0.5 * y[0]
    out[1] = 0.25 * y[1]
    out[2] = 0.125 * y[2]
    out[3] = y[3]
    out[4] = y[4]
"""


@pytest.mark.parametrize("sizes", SIZES)
def test_cells_are_expected_as_their_laws_say(sizes):
    has = Voxels(sizes, told=np.zeros((0, 2), int))
    has.code, random, n = (
        load(assemble(straight(OF_CELLS, "lanes")), ["voxel_rates"]),
        np.random.default_rng(3),
        sum(sizes),
    )
    # Slots 0 to 2 are read as rates of the fields; three kinds of cells lie behind them.
    has.slots = np.array([3, 4, 5, 0, 1, 2])
    has.cells, has.actors = random.uniform(0.0, 9.0, (2, 3, n))
    # Nobody of the first kind, and of the second those alone who do not feel themselves, but in the last voxels.
    has.cells[:2, :-8] = has.actors[0, :-8] = 0.0
    has.cells_next, has.actors_next = np.full((2, 3, n), np.nan)
    has.entries, days = np.array([-1, -1, 3]), has.days
    has.leaves = np.array([[0, 1], [2, -1], [-1, -1]])
    nobody = [-1, -1]
    has.makes = np.array([[[0, -1], nobody, nobody], [[0, 1], [1, -1], [1, 2]], [[2, -1], nobody, nobody]])
    now = [values.copy() for values in (has.cells, has.actors)]
    has.run()
    dies, becomes, divides = 0.5 * has.matrix[0], 0.25 * has.soluble[0], 0.125 * np.resize(has.surface[0], n)
    for (first, second, third), then in zip(now, (has.cells_next, has.actors_next), strict=True):
        left = first / (1.0 + days * (dies + becomes))
        stays = second / (1.0 + days * divides)
        expected = [left, stays * (1.0 + days * divides) + days * becomes * left, third + days * now[0][0]]
        np.testing.assert_allclose(then, expected, rtol=1e-13)
