"""Sparse LU by lists of operations: rows in the plan's order, no pivoting, numbers of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.numbers import at, kernel, less_product, plus_product, put, segment, smaller

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from collagensim.kernels.numbers import Numbers

    Integers: TypeAlias = npt.NDArray[np.int64]
    Plan: TypeAlias = tuple[npt.NDArray[np.uint32], ...]


@kernel
def factorise(
    values: Numbers, shift: Numbers, weakest: Numbers, plan: Plan, lu: Numbers, dense: Numbers
) -> None:
    """LU factors of ``shift[0] * I - J``; the smallest |pivot| goes to ``weakest[0]``.

    An error-controlled step needs no pivoting: a smaller one makes the matrix diagonally dominant, and that is how
    the caller answers a pivot that is too small. ``values`` are the Jacobian's terms, those of links included; ``lu``
    ends with the reciprocal pivots; ``dense`` (n,) is scratch.
    """
    _, entry_start, entry_column, entry_source, lu_start, lu_upper, lu_column = plan
    inverse = segment(lu, lu_column.size, lu_upper.size)
    low = abs(shift[0])
    for i in range(inverse.size):
        first, upper, last = lu_start[i], lu_upper[i], lu_start[i + 1]
        for q in range(first, last):
            dense[lu_column[q]] = 0.0
        dense[i] = shift[0]
        for e in range(entry_start[i], entry_start[i + 1]):
            dense[entry_column[e]] -= values[entry_source[e]]
        for q in range(first, upper):
            k = lu_column[q]
            factor = dense[k] * inverse[k]
            lu[q] = factor
            for r in range(lu_upper[k], lu_start[k + 1]):
                dense[lu_column[r]] = less_product(dense[lu_column[r]], factor, lu[r])
        for q in range(upper, last):
            lu[q] = dense[lu_column[q]]
        # The product is 0, or NaN for a pivot that is not finite, and NaN stays.
        low = smaller(abs(dense[i]), low) + abs(dense[i]) * 0.0
        inverse[i] = 1.0 / dense[i]
    weakest[0] = low


@kernel
def substitute(right: Numbers, plan: Plan, lu: Numbers, x: Numbers, out: Numbers) -> None:
    """Solve with the factors of `factorise`; right, out (n,) in the order of the states, x (n,) is scratch."""
    order, _, _, _, lu_start, lu_upper, lu_column = plan
    n = order.size
    inverse = segment(lu, lu_column.size, n)
    for i in range(n):
        total = right[order[i]]
        for q in range(lu_start[i], lu_upper[i]):
            total = less_product(total, lu[q], x[lu_column[q]])
        x[i] = total
    for back in range(n):
        i = n - 1 - back
        total = x[i]
        for q in range(lu_upper[i], lu_start[i + 1]):
            total = less_product(total, lu[q], x[lu_column[q]])
        x[i] = total * inverse[i]
        out[order[i]] = x[i]


@kernel
def multiply(values: Numbers, rows: Integers, columns: Integers, vector: Numbers, product: Numbers) -> None:
    """Set ``product`` to J vector, both (n,); term k of ``values`` stands at rows[k], columns[k]."""
    for i in range(product.size):
        product[i] = 0.0
    for k in range(rows.size):
        put(product, rows[k], plus_product(at(product, rows[k]), at(values, k), at(vector, columns[k])))
