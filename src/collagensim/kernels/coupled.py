"""Linear systems of equal blocks that are coupled through a few states each, by products of small dense matrices.

What a block keeps to itself is eliminated first, by straight-line text of the model. Left are, for each block, the
``t`` states that links join to other blocks: a grid of t x t matrices, of which those off the diagonal are themselves
diagonal until an elimination fills them. A pivot whose couplings are still diagonal costs one inverse and elementwise
products.

Matrices are kept transposed, rows padded to ``stride``, a multiple of the lanes' width. Plain floats are therefore
worked on eight columns at a time, and numbers that are lanes already one column at a time, by the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.numbers import (
    call,
    columns,
    compact,
    driver,
    less_product,
    n_columns,
    plus_product,
    real_part,
    smaller,
    tail,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Integers: TypeAlias = npt.NDArray[np.int64]

# The plan begins with: states, Jacobian terms and local factors of a block; joined states, their stride; blocks,
# matrices, pairs; where the grid begins; blocks served at once; then lengths and beginnings of its lists: links,
# couplings that fill, operations, moves.
STATES, TERMS, FACTORS, JOINED, STRIDE, BLOCKS, MATRICES, PAIRS, GRID, AT_ONCE = range(10)
N_LINKS, LINK_DIAGONAL, LINK_VECTOR, LINK_STATE, N_FILLED, FILLED = range(10, 16)
N_OPERATIONS, OPERATIONS, N_MOVES, MOVES, N_ENTRIES = range(16, 21)
# Operations on the grid: kind, target, left, right, source.
SWEEP, SPREAD, MULTIPLY, SUBTRACT = 0, 1, 2, 3
STAGED = 3  # numbers of each block before those that it hands on
# Operations on vectors: kind, target, matrix or diagonal, source.
APPLY, LESS_DIAGONAL, LESS_MATRIX, CLEAR = 0, 1, 2, 3


@compact
def sweep(a: Numbers, t: int, stride: int, factors: Numbers, weakest: Number) -> Number:
    """Replace a by its negative inverse, without pivoting; ``factors`` (t,) is scratch.

    Returns the smallest |pivot| so far. The pivot's column is updated with the others and overwritten afterwards: a
    single number that is stored just before the whole register around it is read would hold that up.
    """
    wide, per_row = columns(a), n_columns(a, stride)
    n_wide = min(t, per_row)
    for p in range(t):
        pivot = a[p * stride + p]
        # The product is 0, or NaN for a pivot that is not finite, and NaN stays.
        weakest = smaller(abs(pivot), weakest) + abs(pivot) * 0.0
        reciprocal = 1.0 / pivot
        for r in range(t):
            factors[r] = a[r * stride + p]
        for c in range(0, n_wide - 1, 2):
            sweep_pair(tail(wide, c), p, t, per_row, reciprocal, factors)
        if n_wide % 2 == 1:
            last = tail(wide, n_wide - 1)
            row = last[p * per_row] * reciprocal
            for r in range(t):
                last[r * per_row] = less_product(last[r * per_row], factors[r], row)
            last[p * per_row] = row
        for r in range(t):
            a[r * stride + p] = factors[r] * reciprocal
        a[p * stride + p] = -reciprocal
    return weakest


@compact
def sweep_pair(wide: Numbers, p: int, t: int, per_row: int, reciprocal: Number, factors: Numbers) -> None:
    """Two columns of a sweep's pass for pivot p: its row is scaled, its multiples leave the others."""
    one, two = wide[p * per_row] * reciprocal, wide[p * per_row + 1] * reciprocal
    for r in range(t):
        row = tail(wide, r * per_row)
        row[0], row[1] = less_product(row[0], factors[r], one), less_product(row[1], factors[r], two)
    wide[p * per_row], wide[p * per_row + 1] = one, two


@compact
def spread(target: Numbers, source: Numbers, left: Numbers, right: Numbers, t: int, stride: int) -> None:
    """Add diag(left) source diag(right) to target."""
    wide, inner, across, per_row = columns(target), columns(source), columns(right), n_columns(target, stride)
    n_wide = min(t, per_row)
    for r in range(t):
        factor, first = left[r], r * per_row
        for c in range(n_wide):
            wide[first + c] = plus_product(wide[first + c], factor * across[c], inner[first + c])


@compact
def less_matrix(target: Numbers, left: Numbers, right: Numbers, t: int, stride: int) -> None:
    """Subtract left right from target."""
    wide, source, per_row = columns(target), columns(right), n_columns(target, stride)
    n_wide = min(t, per_row)
    rows, pairs = t // 4 * 4, n_wide // 2 * 2
    for r in range(0, rows, 4):
        for c in range(0, pairs, 2):
            less_tile(wide, left, source, r, c, t, stride, per_row)
    for r in range(t):
        for c in range(pairs if r < rows else 0, n_wide):
            total = wide[r * per_row + c]
            for k in range(t):
                total = less_product(total, left[r * stride + k], source[k * per_row + c])
            wide[r * per_row + c] = total


@compact
def less_tile(
    wide: Numbers, left: Numbers, source: Numbers, r: int, c: int, t: int, stride: int, per_row: int
) -> None:
    """`less_matrix` for four rows and two columns: eight sums that need not wait for each other."""
    one, two = tail(wide, r * per_row + c), tail(wide, (r + 1) * per_row + c)
    three, four = tail(two, per_row), tail(two, 2 * per_row)
    a, b, d, e = one[0], one[1], two[0], two[1]
    f, g, h, i = three[0], three[1], four[0], four[1]
    for k in range(t):
        upper, lower = source[k * per_row + c], source[k * per_row + c + 1]
        factor = left[r * stride + k]
        a, b = less_product(a, factor, upper), less_product(b, factor, lower)
        factor = left[(r + 1) * stride + k]
        d, e = less_product(d, factor, upper), less_product(e, factor, lower)
        factor = left[(r + 2) * stride + k]
        f, g = less_product(f, factor, upper), less_product(g, factor, lower)
        factor = left[(r + 3) * stride + k]
        h, i = less_product(h, factor, upper), less_product(i, factor, lower)
    one[0], one[1] = a, b
    two[0], two[1] = d, e
    three[0], three[1] = f, g
    four[0], four[1] = h, i


@compact
def less_vector(target: Numbers, matrix: Numbers, x: Numbers, from_zero: bool, t: int, stride: int) -> None:
    """Subtract (matrix transposed) x from target (stride,), from zero where that is asked."""
    wide, source, per_row = columns(target), columns(matrix), n_columns(target, stride)
    n_wide = min(t, per_row)
    whole = n_wide // 4 * 4
    if from_zero:
        clear(target, t, stride)
    for c in range(0, whole, 4):
        one, two, three, four = wide[c], wide[c + 1], wide[c + 2], wide[c + 3]
        for k in range(t):
            factor, row = x[k], tail(source, k * per_row + c)
            one, two = less_product(one, factor, row[0]), less_product(two, factor, row[1])
            three, four = less_product(three, factor, row[2]), less_product(four, factor, row[3])
        wide[c], wide[c + 1], wide[c + 2], wide[c + 3] = one, two, three, four
    pairs = whole + (n_wide - whole) // 2 * 2
    for c in range(whole, pairs, 2):
        one, two = wide[c], wide[c + 1]
        for k in range(t):
            factor, row = x[k], tail(source, k * per_row + c)
            one, two = less_product(one, factor, row[0]), less_product(two, factor, row[1])
        wide[c], wide[c + 1] = one, two
    for c in range(pairs, n_wide):
        total = wide[c]
        for k in range(t):
            total = less_product(total, x[k], source[k * per_row + c])
        wide[c] = total


@compact
def matrix(plan: Integers, place: int) -> int:
    """Where a matrix of the grid begins; the grid follows the blocks' own factors."""
    return int(plan[GRID] + place * plan[JOINED] * plan[STRIDE])


@compact
def vector(plan: Integers, place: int) -> int:
    """Where a vector (stride,) begins: right sides and solutions of the blocks, then the diagonals."""
    return int(matrix(plan, plan[MATRICES]) + place * plan[STRIDE])


@compact
def staging(plan: Integers) -> int:
    """Where a shift, the smallest pivots and a factor stand for machine code, and after them what blocks hand on."""
    return vector(plan, 2 * plan[BLOCKS] + plan[PAIRS])


@compact
def hand_over(lu: Numbers, plan: Integers, first: int) -> None:
    """Copy the joined part of the blocks from ``first`` on, which alternate, to their matrices."""
    t, stride, w = plan[JOINED], plan[STRIDE], plan[AT_ONCE]
    staged = tail(lu, staging(plan) + STAGED * w)
    for b in range(first, min(first + w, plan[BLOCKS])):
        target = tail(lu, matrix(plan, b))
        for r in range(t):
            for c in range(t):
                target[r * stride + c] = staged[(r * t + c) * w + b - first]
            for c in range(t, stride):
                target[r * stride + c] = 0.0


@compact
def hand_vectors(lu: Numbers, plan: Integers, first: int, back: bool) -> None:
    """Copy the joined part of right sides to the blocks' vectors, or of solutions back."""
    t, w = plan[JOINED], plan[AT_ONCE]
    staged = tail(lu, staging(plan) + STAGED * w)
    for b in range(first, min(first + w, plan[BLOCKS])):
        own = tail(lu, vector(plan, b + plan[BLOCKS] if back else b))
        for c in range(t):
            if back:
                staged[c * w + b - first] = own[c]
            else:
                own[c] = staged[c * w + b - first]


@compact
def link_blocks(link_rate: Numbers, plan: Integers, lu: Numbers) -> None:
    """Add the links to the blocks' matrices and to the couplings, and write out those couplings that are to fill."""
    t, stride, couplings = plan[JOINED], plan[STRIDE], tail(lu, vector(plan, 2 * plan[BLOCKS]))
    diagonal, pair, state = (
        tail(plan, plan[LINK_DIAGONAL]), tail(plan, plan[LINK_VECTOR]), tail(plan, plan[LINK_STATE]),
    )  # fmt: skip
    for k in range(plan[N_LINKS]):
        couplings[pair[k] * stride + state[k]] = 0.0
    for k in range(plan[N_LINKS]):
        c, own = state[k], tail(lu, matrix(plan, diagonal[k]))
        own[c * stride + c] += link_rate[k]
        couplings[pair[k] * stride + c] -= link_rate[k]
    filled = tail(plan, plan[FILLED])
    for k in range(plan[N_FILLED]):
        full, coupling = tail(lu, matrix(plan, filled[2 * k])), tail(couplings, filled[2 * k + 1] * stride)
        for i in range(t * stride):
            full[i] = 0.0
        for c in range(t):
            full[c * stride + c] = coupling[c]


@driver
def factorise_grid(plan: Integers, lu: Numbers, weakest: Number) -> Number:
    """Eliminate by the plan; returns the smallest |pivot| so far."""
    t, stride, n_vectors = plan[JOINED], plan[STRIDE], 2 * plan[BLOCKS]
    spare, operations = tail(lu, matrix(plan, plan[MATRICES] - 1)), tail(plan, plan[OPERATIONS])
    for k in range(plan[N_OPERATIONS]):
        todo = tail(operations, 5 * k)
        target = tail(lu, matrix(plan, todo[1]))
        if todo[0] == SWEEP:
            weakest = sweep(target, t, stride, spare, weakest)
        elif todo[0] == SPREAD:
            left, right = (
                tail(lu, vector(plan, n_vectors + todo[2])),
                tail(lu, vector(plan, n_vectors + todo[3])),
            )
            spread(target, tail(lu, matrix(plan, todo[4])), left, right, t, stride)
        else:
            left, right = tail(lu, matrix(plan, todo[2])), tail(lu, matrix(plan, todo[3]))
            if todo[0] == MULTIPLY:
                for i in range(t * stride):
                    spare[i] = target[i]
                    target[i] = 0.0
                left, right = spare, left
            less_matrix(target, left, right, t, stride)
    return weakest


@compact
def clear(vector: Numbers, t: int, stride: int) -> None:
    """Make zeros of a vector (stride,)."""
    wide, n = columns(vector), min(t, n_columns(vector, stride))
    for c in range(n):
        wide[c] = 0.0


@compact
def less_diagonal(target: Numbers, diagonal: Numbers, x: Numbers, t: int, stride: int) -> None:
    """Subtract diag(diagonal) x from target, all (stride,)."""
    wide, factors, source = columns(target), columns(diagonal), columns(x)
    for c in range(min(t, n_columns(target, stride))):
        wide[c] = less_product(wide[c], factors[c], source[c])


@driver
def solve_grid(plan: Integers, lu: Numbers) -> None:
    """Solve for the joined states of all blocks: vectors 0 .. hold right sides, vectors n_blocks .. then solutions."""
    t, stride, moves = plan[JOINED], plan[STRIDE], tail(plan, plan[MOVES])
    vectors = tail(lu, vector(plan, 0))
    diagonals = tail(vectors, 2 * plan[BLOCKS] * stride)
    for k in range(plan[N_MOVES]):
        todo = tail(moves, 4 * k)
        kind, target, source = todo[0], tail(vectors, todo[1] * stride), tail(vectors, todo[3] * stride)
        if kind == CLEAR:
            clear(target, t, stride)
        elif kind == LESS_DIAGONAL:
            less_diagonal(target, tail(diagonals, todo[2] * stride), source, t, stride)
        else:
            less_vector(target, tail(lu, matrix(plan, todo[2])), source, kind == APPLY, t, stride)


@driver
def factorise_blocks(
    code: int, values: Numbers, link_rate: Numbers, shift: Number, plan: Integers, lu: Numbers
) -> Number:
    """Factors of ``shift`` I - J: each block's own states by the code at that address, then what links join.

    Returns the smallest |pivot|.
    """
    w, staged = plan[AT_ONCE], tail(lu, staging(plan))
    low = abs(shift)
    for first in range(0, plan[BLOCKS], w):
        for i in range(w):
            staged[i] = shift
            staged[w + i] = low
        kept = tail(lu, first * plan[FACTORS])
        call(
            code, (tail(values, first * plan[TERMS]), staged, kept, tail(staged, STAGED * w), tail(staged, w))
        )
        # Padding is followed nowhere: nothing keeps it within reason.
        for i in range(min(w, plan[BLOCKS] - first)):
            lowest = real_part(staged[w + i])
            low = smaller(lowest, low) + lowest * 0.0
        hand_over(lu, plan, first)
    link_blocks(link_rate, plan, lu)
    return factorise_grid(plan, lu, low)


@driver
def solve_blocks(
    forward: int, backward: int, right: Numbers, pull: Numbers, inverse: Number, plan: Integers, lu: Numbers,
    x: Numbers, out: Numbers,
) -> None:  # fmt: skip
    """Solve for right + inverse pull with the factors of `factorise_blocks`; all (n,), x is scratch."""
    m, w = plan[STATES], plan[AT_ONCE]
    factor = tail(lu, staging(plan) + 2 * w)
    for i in range(w):
        factor[i] = inverse
    joined = tail(factor, (STAGED - 2) * w)
    for first in range(0, plan[BLOCKS], w):
        kept, own = tail(lu, first * plan[FACTORS]), tail(x, first * m)
        call(forward, (tail(right, first * m), tail(pull, first * m), factor, kept, own, joined))
        hand_vectors(lu, plan, first, False)
    solve_grid(plan, lu)
    for first in range(0, plan[BLOCKS], w):
        hand_vectors(lu, plan, first, True)
        kept, own = tail(lu, first * plan[FACTORS]), tail(x, first * m)
        call(backward, (tail(out, first * m), own, kept, joined))
