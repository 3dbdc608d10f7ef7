"""The order in which a model's Jacobian is eliminated and the pattern that results, found once per model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from collagensim.kernels import linear
from collagensim.solver.tables import packed

Integers = npt.NDArray[np.int64]


class Plan(NamedTuple):
    """What the numeric factorisation needs to know of the pattern; rows and columns are in elimination order.

    Attributes
    ----------
    order : numpy.ndarray
        (n,) state eliminated at each place.
    entry_start, entry_column, entry_source : numpy.ndarray
        (n + 1,), (n_terms,), (n_terms,): term ``entry_source[e]`` of the Jacobian is added to column
        ``entry_column[e]`` of the row ``i`` with ``entry_start[i] <= e < entry_start[i + 1]``.
    lu_start, lu_upper, lu_column : numpy.ndarray
        (n + 1,), (n,), (n_lu,): row ``i`` of L has the columns ``lu_column[lu_start[i]:lu_upper[i]]``, ascending;
        row ``i`` of U, without its diagonal, ``lu_column[lu_upper[i]:lu_start[i + 1]]``.
    """

    order: Integers
    entry_start: Integers
    entry_column: Integers
    entry_source: Integers
    lu_start: Integers
    lu_upper: Integers
    lu_column: Integers

    @property
    def table(self) -> Integers:
        """The plan as `collagensim.kernels.linear` takes it."""
        numbers = {linear.N: self.order.size, linear.N_LU: self.lu_column.size}
        return packed(linear.N_ENTRIES, numbers, dict(enumerate(self, start=linear.ORDER)))

    @property
    def n_lu(self) -> int:
        """Length of the array that holds both factors and the reciprocal pivots."""
        return int(self.lu_column.size + self.order.size)

    @property
    def n_terms(self) -> int:
        """Length of the array that holds the Jacobian's terms."""
        return int(self.entry_source.size)


def terms(
    local_row: Integers,
    local_column: Integers,
    link_to: Integers,
    link_from: Integers,
    *,
    m: int,
    n_blocks: int,
) -> tuple[Integers, Integers]:
    """Row and column of each term that the kernel ``jacobian`` writes: blocks first, then +rate, -rate per link."""
    shift = m * np.arange(n_blocks)[:, None]
    row = (np.asarray(local_row, dtype=np.int64) + shift).ravel()
    column = (np.asarray(local_column, dtype=np.int64) + shift).ravel()
    link_row = np.repeat(np.asarray(link_to, dtype=np.int64), 2)
    link_column = np.stack([link_from, link_to], axis=1).astype(np.int64).ravel()
    return np.concatenate([row, link_row]), np.concatenate([column, link_column])


def eliminate(
    rows: list[set[int]], columns: list[set[int]]
) -> tuple[list[int], list[list[int]], list[list[int]]]:
    """Eliminate the diagonal entry of least fill (Markowitz) until none is left.

    ``rows[i]`` and ``columns[j]`` hold the off-diagonal pattern and are used up. Ties go to the lowest index, so
    equal blocks are ordered alike and the result depends on nothing else.

    Returns
    -------
    order, upper, lower : list
        The state eliminated at each step, and the patterns of its row of U and of its column of L, as states.
    """
    left = list(range(len(rows)))
    cost = [len(rows[i]) * len(columns[i]) for i in left]
    order: list[int] = []
    upper: list[list[int]] = []
    lower: list[list[int]] = []
    while left:
        k = min(left, key=cost.__getitem__)
        left.remove(k)
        row, column = rows[k], columns[k]
        order.append(k)
        upper.append(list(row))
        lower.append(list(column))
        for i in column:
            rows[i] |= row
            rows[i] -= {i, k}
        for j in row:
            columns[j] |= column
            columns[j] -= {j, k}
        for i in row | column:
            cost[i] = len(rows[i]) * len(columns[i])
    return order, upper, lower


def plan(
    local_row: Integers,
    local_column: Integers,
    link_to: Integers,
    link_from: Integers,
    *,
    m: int,
    n_blocks: int,
) -> Plan:
    """Elimination order and patterns of a chain of equal blocks with links.

    Parameters
    ----------
    local_row, local_column : numpy.ndarray
        (n_local,) pattern of one block's Jacobian, in the order in which the model's ``block_jacobian`` writes it.
    link_to, link_from : numpy.ndarray
        (n_links,) states joined by links, all that can ever occur.
    m, n_blocks : int
        States of a block, and blocks.
    """
    term_row, term_column = terms(local_row, local_column, link_to, link_from, m=m, n_blocks=n_blocks)
    n = m * n_blocks
    rows: list[set[int]] = [set() for _ in range(n)]
    columns: list[set[int]] = [set() for _ in range(n)]
    for i, j in zip(term_row.tolist(), term_column.tolist(), strict=True):
        if i != j:
            rows[i].add(j)
            columns[j].add(i)
    order, upper, lower = eliminate(rows, columns)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    by_row = np.argsort(place[term_row], kind="stable")
    entry_start = np.searchsorted(place[term_row][by_row], np.arange(n + 1))
    left_of: list[list[int]] = [[] for _ in range(n)]
    where = place.tolist()
    for k in range(n):
        for state in lower[k]:
            left_of[where[state]].append(k)
    pattern: list[int] = []
    lu_start, lu_upper = [0], []
    for i in range(n):
        pattern += left_of[i]
        lu_upper.append(len(pattern))
        pattern += sorted(where[state] for state in upper[i])
        lu_start.append(len(pattern))
    fields = (order, entry_start, place[term_column][by_row], by_row, lu_start, lu_upper, pattern)
    return Plan(*(np.array(field, dtype=np.int64) for field in fields))
