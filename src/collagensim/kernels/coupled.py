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

import numpy as np

from collagensim.kernels.numbers import (
    at,
    call,
    columns,
    kernel,
    less_product,
    put,
    real_part,
    segment,
    smaller,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Integers: TypeAlias = npt.NDArray[np.int64]
    Plan: TypeAlias = tuple[Integers, ...]

# shape of a plan: states, Jacobian terms and local factors of a block; joined states, their stride; blocks, matrices,
# pairs; where the grid begins; blocks served at once.
STATES, TERMS, FACTORS, JOINED, STRIDE, BLOCKS, MATRICES, PAIRS, GRID, AT_ONCE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
# Operations on the grid: kind, target, left, right, source.
INVERT, SPREAD, MULTIPLY, SUBTRACT = 0, 1, 2, 3
# Operations on vectors: kind, target, matrix or diagonal, source.
APPLY, LESS_DIAGONAL, LESS_MATRIX, CLEAR, ADD = 0, 1, 2, 3, 4


@kernel
def invert(a: Numbers, t: int, stride: int, weakest: Number) -> Number:
    """Replace a by its inverse, without pivoting; returns the smallest |pivot| so far."""
    wide = columns(a)
    per_row = wide.size * stride // a.size
    n_columns = min(t, per_row)
    for p in range(t):
        pivot = at(a, p * stride + p)
        # The product is 0, or NaN for a pivot that is not finite, and NaN stays.
        weakest = smaller(abs(pivot), weakest) + abs(pivot) * 0.0
        reciprocal = 1.0 / pivot
        put(a, p * stride + p, 1.0)
        row = segment(wide, p * per_row, per_row)
        for c in range(n_columns):
            put(row, c, at(row, c) * reciprocal)
        for r in range(t):
            if r != p:
                factor = at(a, r * stride + p)
                put(a, r * stride + p, 0.0)
                other = segment(wide, r * per_row, per_row)
                for c in range(n_columns):
                    put(other, c, less_product(at(other, c), factor, at(row, c)))
    return weakest


@kernel
def spread(target: Numbers, source: Numbers, left: Numbers, right: Numbers, t: int, stride: int) -> None:
    """Subtract diag(left) source diag(right) from target."""
    wide, inner, across = columns(target), columns(source), columns(right)
    per_row = wide.size * stride // target.size
    n_columns = min(t, per_row)
    for r in range(t):
        factor = at(left, r)
        for c in range(n_columns):
            k = r * per_row + c
            put(wide, k, less_product(at(wide, k), factor * at(across, c), at(inner, k)))


@kernel
def less_matrix(target: Numbers, left: Numbers, right: Numbers, t: int, stride: int) -> None:
    """Subtract left right from target."""
    wide, source = columns(target), columns(right)
    per_row = wide.size * stride // target.size
    n_columns = min(t, per_row)
    rows, pairs = t // 4 * 4, n_columns // 2 * 2
    for r in range(0, rows, 4):
        for c in range(0, pairs, 2):
            less_tile(wide, left, source, r, c, t, stride, per_row)
    for r in range(t):
        for c in range(pairs if r < rows else 0, n_columns):
            total = at(wide, r * per_row + c)
            for k in range(t):
                total = less_product(total, at(left, r * stride + k), at(source, k * per_row + c))
            put(wide, r * per_row + c, total)


@kernel
def less_tile(
    wide: Numbers, left: Numbers, source: Numbers, r: int, c: int, t: int, stride: int, per_row: int
) -> None:
    """`less_matrix` for four rows and two columns: eight sums that need not wait for each other."""
    first, second, third, fourth = (
        r * per_row + c,
        (r + 1) * per_row + c,
        (r + 2) * per_row + c,
        (r + 3) * per_row + c,
    )
    a, b, d, e = at(wide, first), at(wide, first + 1), at(wide, second), at(wide, second + 1)
    f, g, h, i = at(wide, third), at(wide, third + 1), at(wide, fourth), at(wide, fourth + 1)
    for k in range(t):
        one, two = at(source, k * per_row + c), at(source, k * per_row + c + 1)
        factor = at(left, r * stride + k)
        a, b = less_product(a, factor, one), less_product(b, factor, two)
        factor = at(left, (r + 1) * stride + k)
        d, e = less_product(d, factor, one), less_product(e, factor, two)
        factor = at(left, (r + 2) * stride + k)
        f, g = less_product(f, factor, one), less_product(g, factor, two)
        factor = at(left, (r + 3) * stride + k)
        h, i = less_product(h, factor, one), less_product(i, factor, two)
    put(wide, first, a)
    put(wide, first + 1, b)
    put(wide, second, d)
    put(wide, second + 1, e)
    put(wide, third, f)
    put(wide, third + 1, g)
    put(wide, fourth, h)
    put(wide, fourth + 1, i)


@kernel
def less_vector(target: Numbers, matrix: Numbers, x: Numbers, t: int) -> None:
    """Subtract (matrix transposed) x from target (stride,)."""
    wide, source = columns(target), columns(matrix)
    per_row = wide.size
    n_columns = min(t, per_row)
    whole = n_columns // 4 * 4
    for c in range(0, whole, 4):
        one, two, three, four = at(wide, c), at(wide, c + 1), at(wide, c + 2), at(wide, c + 3)
        for k in range(t):
            factor, first = at(x, k), k * per_row + c
            one = less_product(one, factor, at(source, first))
            two = less_product(two, factor, at(source, first + 1))
            three = less_product(three, factor, at(source, first + 2))
            four = less_product(four, factor, at(source, first + 3))
        put(wide, c, one)
        put(wide, c + 1, two)
        put(wide, c + 2, three)
        put(wide, c + 3, four)
    for c in range(whole, n_columns):
        total = at(wide, c)
        for k in range(t):
            total = less_product(total, at(x, k), at(source, k * per_row + c))
        put(wide, c, total)


@kernel
def matrix(shape: Integers, place: int) -> int:
    """Where a matrix of the grid begins; the grid follows the blocks' own factors."""
    return int(shape[GRID] + place * shape[JOINED] * shape[STRIDE])


@kernel
def vector(shape: Integers, place: int) -> int:
    """Where a vector (stride,) begins: those of the blocks, twice, then the diagonals, then a spare."""
    return int(matrix(shape, shape[MATRICES]) + place * shape[STRIDE])


@kernel
def staging(shape: Integers) -> int:
    """Where the blocks' own elimination leaves what it hands on."""
    return vector(shape, 2 * shape[BLOCKS] + shape[PAIRS] + 1)


@kernel
def hand_over(lu: Numbers, shape: Integers, first: int, at_once: int) -> None:
    """Copy the joined part of the blocks from ``first`` on, ``at_once`` of them alternating, to their matrices."""
    t, stride = shape[JOINED], shape[STRIDE]
    source = segment(lu, staging(shape) + 2 * at_once, t * t * at_once)
    for b in range(first, min(first + at_once, shape[BLOCKS])):
        target = segment(lu, matrix(shape, b), t * stride)
        for r in range(t):
            for c in range(t):
                put(target, r * stride + c, at(source, (r * t + c) * at_once + b - first))
            for c in range(t, stride):
                target[r * stride + c] = 0.0


@kernel
def hand_vectors(lu: Numbers, shape: Integers, first: int, at_once: int, back: bool) -> None:
    """Copy the joined part of right sides to the blocks' vectors, or of solutions back."""
    t = shape[JOINED]
    staged = segment(lu, staging(shape) + 2 * at_once, t * at_once)
    for b in range(first, min(first + at_once, shape[BLOCKS])):
        own = segment(lu, vector(shape, b), t)
        for c in range(t):
            if back:
                staged[c * at_once + b - first] = own[c]
            else:
                own[c] = staged[c * at_once + b - first]


@kernel
def factorise_grid(link_rate: Numbers, plan: Plan, lu: Numbers, weakest: Numbers) -> None:
    """Add the links to the blocks' matrices and eliminate by the plan; the smallest |pivot| goes to ``weakest``."""
    shape, link_diagonal, link_vector, link_state, filled, operations, _ = plan
    t, stride, n_vectors = shape[JOINED], shape[STRIDE], 2 * shape[BLOCKS]
    size = t * stride
    for k in range(link_vector.size):
        segment(lu, vector(shape, n_vectors + link_vector[k]), stride)[link_state[k]] = 0.0
    for k in range(link_vector.size):
        c = link_state[k]
        own, coupling = (
            segment(lu, matrix(shape, link_diagonal[k]), size),
            segment(lu, vector(shape, n_vectors + link_vector[k]), stride),
        )
        own[c * stride + c] += link_rate[k]
        coupling[c] -= link_rate[k]
    for k in range(filled.shape[0]):
        full, coupling = (
            segment(lu, matrix(shape, filled[k, 0]), size),
            segment(lu, vector(shape, n_vectors + filled[k, 1]), stride),
        )
        for i in range(t * stride):
            full[i] = 0.0
        for c in range(t):
            full[c * stride + c] = coupling[c]
    spare = segment(lu, matrix(shape, shape[MATRICES] - 1), size)
    low = weakest[0]
    for k in range(operations.shape[0]):
        target = segment(lu, matrix(shape, operations[k, 1]), size)
        left, right = operations[k, 2], operations[k, 3]
        if operations[k, 0] == INVERT:
            low = invert(target, t, stride, low)
        elif operations[k, 0] == SPREAD:
            source = segment(lu, matrix(shape, operations[k, 4]), size)
            spread(
                target,
                source,
                segment(lu, vector(shape, n_vectors + left), stride),
                segment(lu, vector(shape, n_vectors + right), stride),
                t,
                stride,
            )
        elif operations[k, 0] == MULTIPLY:
            for i in range(t * stride):
                spare[i] = -target[i]
                target[i] = 0.0
            less_matrix(target, spare, segment(lu, matrix(shape, left), size), t, stride)
        else:
            less_matrix(
                target,
                segment(lu, matrix(shape, left), size),
                segment(lu, matrix(shape, right), size),
                t,
                stride,
            )
    weakest[0] = low


@kernel
def solve_grid(plan: Plan, lu: Numbers) -> None:
    """Solve for the joined states of all blocks: vectors 0 .. n_blocks - 1 hold right sides, then solutions."""
    shape, _, _, _, _, _, operations = plan
    t, stride, n_vectors = shape[JOINED], shape[STRIDE], 2 * shape[BLOCKS]
    size = t * stride
    spare = segment(lu, vector(shape, n_vectors + shape[PAIRS]), stride)
    for k in range(operations.shape[0]):
        target, source = (
            segment(lu, vector(shape, operations[k, 1]), stride),
            segment(lu, vector(shape, operations[k, 3]), stride),
        )
        if operations[k, 0] == CLEAR:
            for c in range(t):
                target[c] = 0.0
        elif operations[k, 0] == ADD:
            for c in range(t):
                target[c] = target[c] + source[c]
        elif operations[k, 0] == APPLY:
            # target = matrix source, where the two may be the same.
            for c in range(t):
                spare[c] = -source[c]
                target[c] = 0.0
            less_vector(target, segment(lu, matrix(shape, operations[k, 2]), size), spare, t)
        elif operations[k, 0] == LESS_DIAGONAL:
            diagonal = segment(lu, vector(shape, n_vectors + operations[k, 2]), stride)
            for c in range(t):
                target[c] = less_product(target[c], diagonal[c], source[c])
        else:
            less_vector(target, segment(lu, matrix(shape, operations[k, 2]), size), source, t)


@kernel
def factorise_blocks(
    code: int, values: Numbers, link_rate: Numbers, shift: Numbers, weakest: Numbers, plan: Plan, lu: Numbers
) -> None:
    """Factors of ``shift[0]`` I - J: each block's own states by the code at that address, then what links join."""
    shape = plan[0]
    w, size, first_staged = shape[AT_ONCE], shape[JOINED] * shape[JOINED], staging(shape)
    low = abs(shift[0])
    for first in range(0, shape[BLOCKS], w):
        for i in range(w):
            put(lu, first_staged + i, shift[0])
            put(lu, first_staged + w + i, low)
        own = segment(values, first * shape[TERMS], 0), segment(lu, first_staged, w)
        kept = segment(lu, first * shape[FACTORS], 0), segment(lu, first_staged + 2 * w, size * w)
        call(code, (own[0], own[1], kept[0], kept[1], segment(lu, first_staged + w, w)))
        # Padding is followed nowhere: nothing keeps it within reason.
        for i in range(min(w, shape[BLOCKS] - first)):
            lowest = real_part(at(lu, first_staged + w + i))
            low = smaller(lowest, low) + lowest * 0.0
        hand_over(lu, shape, first, w)
    weakest[0] = low
    factorise_grid(link_rate, plan, lu, weakest)


@kernel
def solve_blocks(
    forward: int, backward: int, right: Numbers, plan: Plan, lu: Numbers, x: Numbers, out: Numbers
) -> None:
    """Solve with the factors of `factorise_blocks`; right, out (n,), x (n,) is scratch."""
    shape = plan[0]
    m, w = shape[STATES], shape[AT_ONCE]
    joined = segment(lu, staging(shape) + 2 * w, shape[JOINED] * w)
    for first in range(0, shape[BLOCKS], w):
        kept, own = segment(lu, first * shape[FACTORS], 0), segment(x, first * m, 0)
        call(forward, (segment(right, first * m, 0), kept, own, joined))
        hand_vectors(lu, shape, first, w, False)
    solve_grid(plan, lu)
    for first in range(0, shape[BLOCKS], w):
        hand_vectors(lu, shape, first, w, True)
        kept, own = segment(lu, first * shape[FACTORS], 0), segment(x, first * m, 0)
        call(backward, (segment(out, first * m, 0), own, kept, joined))
