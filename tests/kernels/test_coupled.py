"""Blocks that are coupled through a few states each: solved as a grid of small matrices, as lanes, and densely."""

import itertools

import numpy as np
import pytest

from collagensim.kernels.numbers import WIDTH, aligned
from collagensim.solver.cache import load_module
from collagensim.solver.compiled import digest, machine_code
from collagensim.solver.grid import grid_plan, pivot_order
from collagensim.solver.layout import Layout
from collagensim.write.elimination import write_elimination

SHIFT, INVERSE = 30.0, 3.0
COUPLINGS = {
    "none": lambda n: [],
    "chain": lambda n: [(b, b + 1) for b in range(n - 1)],
    "ring": lambda n: [(b, (b + 1) % n) for b in range(n)],
    "star": lambda n: [(0, b) for b in range(1, n)],
    "ladder": lambda n: [(b, b + 1) for b in range(0, n - 1, 2)] + [(b, b + 2) for b in range(n - 2)],
    "all": lambda n: list(itertools.combinations(range(n), 2)),
}


# Kept in the cache folder, where the stepper is: it takes as long to compile.
SOLVE = """
from collagensim.kernels import coupled
from collagensim.kernels.numbers import as_numbers, flat, kept


@kept
def solve(code, values, link_rate, small, plan, lu, right, pull, x, out):
    rates, numbers, both, lists = as_numbers(link_rate), as_numbers(lu), as_numbers(small), flat(plan)
    both[1] = coupled.factorise_blocks(code[0], as_numbers(values), rates, both[0], lists, numbers)
    begun, wanted = as_numbers(right), as_numbers(out)
    coupled.solve_blocks(
        code[1], code[2], begun, as_numbers(pull), both[2], lists, numbers, as_numbers(x), wanted
    )
"""
solve = load_module(f"collagensim_solve_for_a_test_{digest(SOLVE)}", SOLVE).solve


class Blocks:
    """Random equal blocks with links both ways; ``values`` and the like have a column for each of eight systems."""

    def __init__(self, n_blocks, coupling, *, m=11, n_joined=5, seed=0, share=1.0):
        rng = np.random.default_rng([seed, n_blocks, m, n_joined])
        self.n_blocks, self.m = n_blocks, m
        row, column = np.nonzero((rng.random((m, m)) < 0.3) | np.eye(m, dtype=bool))
        self.pattern = tuple(zip(row.tolist(), column.tolist(), strict=True))
        self.row, self.column = row, column
        self.joined = tuple(sorted(rng.permutation(m)[:n_joined].tolist()))
        pairs = [(a, b) for i, j in COUPLINGS[coupling](n_blocks) for a, b in ((i, j), (j, i)) if a != b]
        links = [(a * m + s, b * m + s) for a, b in dict.fromkeys(pairs) for s in self.joined]
        # Where blocks share a state but not every one of them, a coupling has zeros on its diagonal.
        links = [
            link for link in links if share == 1.0 or rng.random() < share or link[0] % m == self.joined[0]
        ]
        back = [(b, a) for a, b in links]
        links = sorted(dict.fromkeys(links + back))
        self.to, self.source = np.array(links, dtype=np.int64).reshape(-1, 2).T.copy()
        self.values = rng.normal(size=(n_blocks, row.size, WIDTH))
        self.link_rate = rng.uniform(0.0, 9.0, (self.to.size, WIDTH))
        self.right, self.pull = rng.normal(size=(2, n_blocks, m, WIDTH))
        self.elimination = write_elimination(self.pattern, m, self.joined)

    def dense(self, i):
        """Matrix SHIFT I - J of system i."""
        n = self.n_blocks * self.m
        matrix = SHIFT * np.eye(n)
        for b in range(self.n_blocks):
            np.subtract.at(matrix, (self.row + b * self.m, self.column + b * self.m), self.values[b, :, i])
        np.subtract.at(matrix, (self.to, self.source), self.link_rate[:, i])
        np.add.at(matrix, (self.to, self.to), self.link_rate[:, i])
        return matrix

    def code(self, kind):
        """Addresses of the elimination of a block's own states."""
        addresses = machine_code("blocks_for_a_test", self.elimination.text, kind)
        return np.array([addresses[f"block_{what}"] for what in ("factorise", "forward", "backward")])

    def plan(self, layout):
        return grid_plan(
            self.to, self.source, layout, n_terms=self.row.size, n_factors=self.elimination.n_factors,
            joined=self.joined,
        )  # fmt: skip

    def as_lanes(self):
        """Solutions (n_blocks, m, 8) and smallest pivots (8,), one system in each lane."""
        plan = self.plan(Layout(self.n_blocks, self.m, alternating=False))
        n, small = self.n_blocks * self.m, aligned(3, WIDTH)
        small[0], small[2] = SHIFT, INVERSE
        values = np.concatenate([self.values.reshape(-1, WIDTH), np.zeros((2 * self.to.size, WIDTH))])
        out = aligned(n, WIDTH)
        solve(
            self.code("lanes"), values, self.link_rate, small, plan.table, aligned(plan.n_lu, WIDTH),
            self.right.reshape(n, WIDTH), self.pull.reshape(n, WIDTH), aligned(n, WIDTH), out,
        )  # fmt: skip
        return out.reshape(self.right.shape), small[1]

    def alternating(self, i, lu=None):
        """Solution (n_blocks, m) and smallest pivot of system i, its blocks in the lanes; ``lu`` may have been used."""
        layout = Layout(self.n_blocks, self.m, alternating=True)
        plan = self.plan(layout)
        values, right, pull = (
            layout.place(given[None, ..., i], 0.0)[0] for given in (self.values, self.right, self.pull)
        )
        small, out = np.array([SHIFT, 0.0, INVERSE]), np.zeros(layout.n)
        solve(
            self.code("lanes"), values, self.link_rate[:, i].copy(), small, plan.table,
            np.zeros(plan.n_lu) if lu is None else lu, right, pull,
            np.zeros(layout.n), out,
        )  # fmt: skip
        return layout.blocks(out), small[1]


CASES = [
    *((n, coupling, {}) for n in (2, 3, 6, 8) for coupling in ("chain", "ring", "star", "ladder", "all")),
    (1, "none", {}), (5, "none", {}),
    *((6, "ladder", {"n_joined": t}) for t in (1, 2, 3, 4, 7, 8, 9, 11)),
    *((4, "all", {"m": m, "n_joined": t}) for m, t in ((1, 1), (2, 1), (14, 13), (20, 17))),
    (6, "all", {"share": 0.5}), (7, "ladder", {"share": 0.4, "n_joined": 9}),
]  # fmt: skip


@pytest.mark.parametrize(("n_blocks", "coupling", "options"), CASES)
def test_solutions_are_those_of_dense_elimination_with_the_same_bits_in_either_layout(
    n_blocks, coupling, options
):
    blocks = Blocks(n_blocks, coupling, **options)
    lanes, weakest = blocks.as_lanes()
    for i in range(WIDTH):
        whole = blocks.right[..., i] + INVERSE * blocks.pull[..., i]
        exact = np.linalg.solve(blocks.dense(i), whole.ravel()).reshape(n_blocks, -1)
        # Backward stable without pivoting, as the diagonal dominates: some n eps.
        np.testing.assert_allclose(lanes[..., i], exact, rtol=1e-11, atol=1e-14)
    for i in (0, 3):
        found, pivot = blocks.alternating(i)
        np.testing.assert_array_equal(found, lanes[..., i])
        assert pivot == weakest[i]


def test_a_block_that_cannot_be_eliminated_is_told_in_its_lane_alone():
    blocks = Blocks(6, "ladder")
    own = next(i for i in range(blocks.m) if i not in blocks.joined)
    sound, weakest = blocks.as_lanes()
    # The shift is cancelled at a diagonal place that nothing else feeds.
    blocks.values[2, blocks.row == own, 5] = np.where(blocks.column[blocks.row == own] == own, SHIFT, 0.0)
    found, pivots = blocks.as_lanes()
    others = np.arange(WIDTH) != 5
    # Zero, or what a division by it leaves.
    assert not pivots[5] > 1e-10 * SHIFT
    np.testing.assert_array_equal(found[..., others], sound[..., others])
    np.testing.assert_array_equal(pivots[others], weakest[others])
    assert not blocks.alternating(5)[1] > 1e-10 * SHIFT


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("joined", [True, False])
def test_a_term_that_is_not_finite_leaves_no_pivot_to_trust(bad, joined):
    blocks = Blocks(6, "ladder")
    state = next(i for i in range(blocks.m) if (i in blocks.joined) == joined)
    blocks.values[3, (blocks.row == state) & (blocks.column == state), 2] = bad
    _, pivots = blocks.as_lanes()
    # Taken as a pivot, infinity would silently freeze its state.
    assert not pivots[2] > 1e-10 * SHIFT
    assert not blocks.alternating(2)[1] > 1e-10 * SHIFT
    assert np.all(np.delete(pivots, 2) > 1e-10 * SHIFT)


@pytest.mark.parametrize("n_blocks", [5, 6])
def test_what_is_not_finite_is_gone_with_the_next_elimination(n_blocks):
    blocks = Blocks(n_blocks, "chain")
    plan = blocks.plan(Layout(n_blocks, blocks.m, alternating=True))
    sound, lu = blocks.alternating(1), np.zeros(plan.n_lu)
    kept = blocks.values.copy()
    blocks.values[:, blocks.row == blocks.joined[0]] = np.nan
    assert not blocks.alternating(1, lu)[1] > 0.0
    blocks.values = kept
    found = blocks.alternating(1, lu)
    np.testing.assert_array_equal(found[0], sound[0])
    assert found[1] == sound[1]


def test_every_block_is_eliminated_once_and_a_chain_from_its_ends():
    for coupling, n_blocks in itertools.product(COUPLINGS, (1, 2, 5, 8)):
        pairs = {(a, b) for i, j in COUPLINGS[coupling](n_blocks) for a, b in ((i, j), (j, i)) if a != b}
        order = pivot_order(pairs, n_blocks, 6)
        assert sorted(b for b, _, _ in order) == list(range(n_blocks))
    chain = pivot_order({(a, b) for i in range(5) for a, b in ((i, i + 1), (i + 1, i))}, 6, 6)
    # A block at an end has one neighbour, and eliminating it fills nothing: every coupling stays diagonal.
    assert all(len(beside) <= 1 and diagonal for _, beside, diagonal in chain)


def test_a_plan_depends_on_its_links_alone():
    one, other = (Blocks(6, "all").plan(Layout(6, 11, alternating=False)) for _ in range(2))
    assert one.n_lu == other.n_lu
    np.testing.assert_array_equal(one.table, other.table)
