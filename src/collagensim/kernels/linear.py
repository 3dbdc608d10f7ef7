"""Sparse LU by lists of operations: rows in the plan's order, no pivoting, numbers of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.numbers import compact, less_product, plus_product, smaller, tail

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Integers: TypeAlias = npt.NDArray[np.int64]

# The plan begins with: states, entries of both factors; then where its lists begin.
N, N_LU, ORDER, ENTRY_START, ENTRY_COLUMN, ENTRY_SOURCE, LU_START, LU_UPPER, LU_COLUMN, N_ENTRIES = range(10)


@compact
def factorise(values: Numbers, shift: Number, plan: Integers, lu: Numbers, dense: Numbers) -> Number:
    """LU factors of ``shift * I - J``; returns the smallest |pivot|.

    An error-controlled step needs no pivoting: a smaller one makes the matrix diagonally dominant, and that is how
    the caller answers a pivot that is too small. ``values`` are the Jacobian's terms, those of links included; ``lu``
    ends with the reciprocal pivots; ``dense`` (n,) is scratch.
    """
    entry_start, entry_column = tail(plan, plan[ENTRY_START]), tail(plan, plan[ENTRY_COLUMN])
    entry_source, lu_column = tail(plan, plan[ENTRY_SOURCE]), tail(plan, plan[LU_COLUMN])
    lu_start, lu_upper, inverse = tail(plan, plan[LU_START]), tail(plan, plan[LU_UPPER]), tail(lu, plan[N_LU])
    low = abs(shift)
    for i in range(plan[N]):
        first, upper, last = lu_start[i], lu_upper[i], lu_start[i + 1]
        for q in range(first, last):
            dense[lu_column[q]] = 0.0
        dense[i] = shift
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
    return low


@compact
def substitute(
    right: Numbers, pull: Numbers, factor: Number, plan: Integers, lu: Numbers, x: Numbers, out: Numbers
) -> None:
    """Solve for right + factor pull with the factors of `factorise`; all (n,), x is scratch."""
    order, lu_column, n = tail(plan, plan[ORDER]), tail(plan, plan[LU_COLUMN]), plan[N]
    lu_start, lu_upper, inverse = tail(plan, plan[LU_START]), tail(plan, plan[LU_UPPER]), tail(lu, plan[N_LU])
    for i in range(n):
        total = plus_product(right[order[i]], factor, pull[order[i]])
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


@compact
def multiply(
    values: Numbers,
    rows: Integers,
    columns: Integers,
    n_terms: int,
    vector: Numbers,
    product: Numbers,
    n: int,
) -> None:
    """Set ``product`` to J vector, both (n,); term k of ``values`` stands at rows[k], columns[k]."""
    for i in range(n):
        product[i] = 0.0
    for k in range(n_terms):
        product[rows[k]] = plus_product(product[rows[k]], values[k], vector[columns[k]])
