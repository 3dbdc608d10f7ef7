import numpy as np
import pytest
from numba import njit

from collagensim.kernels import linear
from collagensim.kernels.numbers import flat
from collagensim.solver.factorization import plan


def chain(seed, m=7, n_blocks=4, n_linked=3):
    """A random local pattern with full diagonal, every neighbouring pair of blocks linked in some species."""
    rng = np.random.default_rng(seed)
    row, column = np.nonzero((rng.random((m, m)) < 0.3) | np.eye(m, dtype=bool))
    species = rng.permutation(m)[:n_linked]
    upper = np.concatenate([b * m + species for b in range(n_blocks - 1)])
    to, source = np.concatenate([upper, upper + m]), np.concatenate([upper + m, upper])
    return plan(row, column, to, source, m=m, n_blocks=n_blocks), rng, (row, column, to, source, m, n_blocks)


@njit
def factorise_arrays(values, shift, plan, lu, dense):
    return linear.factorise(flat(values), shift, flat(plan), flat(lu), flat(dense))


@njit
def substitute_arrays(right, pull, factor, plan, lu, x, out):
    linear.substitute(flat(right), flat(pull), factor, flat(plan), flat(lu), flat(x), flat(out))


def factorise(found, values, shift):
    """The factors and whether every pivot can be trusted."""
    lu = np.zeros(found.n_lu)
    weakest = factorise_arrays(values, shift, found.table, lu, np.zeros(found.order.size))
    return lu, weakest > 1e-10 * shift


def dense(values, row, column, to, source, m, n_blocks):
    matrix = np.zeros((m * n_blocks, m * n_blocks))
    local = values[: row.size * n_blocks].reshape(n_blocks, row.size)
    for b in range(n_blocks):
        np.add.at(matrix, (row + b * m, column + b * m), local[b])
    for k in range(to.size):
        matrix[to[k], source[k]] += values[row.size * n_blocks + 2 * k]
        matrix[to[k], to[k]] += values[row.size * n_blocks + 2 * k + 1]
    return matrix


@pytest.mark.parametrize("seed", range(8))
def test_solutions_agree_with_dense_elimination(seed):
    found, rng, where = chain(seed)
    n = found.order.size
    values = rng.normal(size=found.n_terms)
    shift = 20.0
    lu, sound = factorise(found, values, shift)
    assert sound
    right, pull, solution = *rng.normal(size=(2, n)), np.zeros(n)
    substitute_arrays(right, pull, 3.0, found.table, lu, np.zeros(n), solution)
    matrix = shift * np.eye(n) - dense(values, *where)
    # Backward stable for these well-conditioned matrices: some n eps.
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, right + 3.0 * pull), rtol=1e-11, atol=1e-13)


def test_a_singular_matrix_is_reported():
    found, _, where = chain(0)
    row, column = where[:2]
    values = np.zeros(found.n_terms)
    # The shift is cancelled at one diagonal place, and nothing else stands in that row or column.
    values[np.flatnonzero((row == 2) & (column == 2))[0]] = 20.0
    assert not factorise(found, values, 20.0)[1]


def test_every_state_is_eliminated_once():
    found, _, _ = chain(3)
    assert sorted(found.order.tolist()) == list(range(28))


def test_a_chain_without_loops_has_no_fill():
    # A tridiagonal matrix can be eliminated without fill, and least-fill elimination must find how.
    m = 40
    row = np.concatenate([np.arange(m), np.arange(m - 1), np.arange(1, m)])
    column = np.concatenate([np.arange(m), np.arange(1, m), np.arange(m - 1)])
    none = np.zeros(0, dtype=np.int64)
    assert plan(row, column, none, none, m=m, n_blocks=1).lu_column.size == 2 * (m - 1)


def test_an_arrow_is_eliminated_from_its_feathers():
    # State 0 couples to all: eliminated first it would fill the matrix, eliminated last it fills nothing.
    m = 30
    tip = np.zeros(m - 1, dtype=np.int64)
    rest = np.arange(1, m)
    row, column = np.concatenate([np.arange(m), tip, rest]), np.concatenate([np.arange(m), rest, tip])
    none = np.zeros(0, dtype=np.int64)
    assert plan(row, column, none, none, m=m, n_blocks=1).lu_column.size == 2 * (m - 1)


def test_the_same_pattern_gives_the_same_plan():
    first, second = chain(5)[0], chain(5)[0]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_an_infinite_entry_is_reported():
    found, _, (row, column, *_) = chain(0)
    values = np.zeros(found.n_terms)
    values[np.flatnonzero((row == 2) & (column == 2))[0]] = np.inf
    # Taken as a pivot it would silently freeze its state.
    assert not factorise(found, values, 20.0)[1]


def test_least_fill_beats_the_natural_order_on_a_grid():
    # Row by row, the band of a k x k grid fills: min(i, k) below the diagonal in row i, as much above.
    k = 12
    place = np.arange(k * k).reshape(k, k)
    one = np.concatenate([place[:, :-1].ravel(), place[:-1].ravel()])
    other = np.concatenate([place[:, 1:].ravel(), place[1:].ravel()])
    row, column = np.concatenate([place.ravel(), one, other]), np.concatenate([place.ravel(), other, one])
    none = np.zeros(0, dtype=np.int64)
    natural = 2 * int(np.minimum(np.arange(k * k), k).sum())
    # Published counts of minimum degree on such grids are near one half; 0.7 leaves room for other ties.
    assert plan(row, column, none, none, m=k * k, n_blocks=1).lu_column.size < 0.7 * natural
