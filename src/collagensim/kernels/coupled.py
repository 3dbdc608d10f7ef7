"""Linear systems of equal blocks that are coupled through a few states each, by products of small dense matrices.

What a block keeps to itself is eliminated first, by straight-line text of the model. Left are, for each block, the
``t`` states that links join to other blocks. Blocks are joined by twos, the compartments of a layer, to nodes of 2 t
states (an odd number of blocks: one by one): of a chain of layers every node is then eliminated by one inverse, and a
solution is five products of matrix and vector one after the other instead of eighteen. State c of side s of a node
stands at 2 c + s, so that like states of both sides are partners, and what links join lies in two vectors, one for the
same side and one for the other. Matrices off the diagonal are written out only where an elimination fills them.

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
    partners,
    plus_product,
    real_part,
    smaller,
    tail,
    where_negative,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Integers: TypeAlias = npt.NDArray[np.int64]

# The plan begins with: states, Jacobian terms and local factors of a block; joined states; blocks, and those of a node;
# states of a node, made even, and their stride; nodes, matrices, pairs of nodes; where the grid begins; blocks served
# at once; then lengths and beginnings of its lists: links, couplings that fill, operations, moves.
STATES, TERMS, FACTORS, JOINED, BLOCKS, SIDES, SIZE, STRIDE, NODES, MATRICES, PAIRS, GRID, AT_ONCE = range(13)
N_LINKS, LINKS, N_FILLED, FILLED, N_OPERATIONS, OPERATIONS, N_MOVES, MOVES, N_ENTRIES = range(13, 22)
# Operations on the grid: kind, target, left, right, source.
SWEEP, SPREAD, MULTIPLY, SUBTRACT = 0, 1, 2, 3
SCRATCH = 6  # vectors of scratch that `sweep` needs
STAGED = 3  # numbers of each block before those that it hands on
# Operations on vectors: kind, target, matrix or pair, source.
APPLY, LESS_COUPLED, LESS_MATRIX = 0, 1, 2


@compact
def mark(marks: Numbers, stride: int) -> None:
    """Numbers (2, 2 stride) that are 0, but -1 at ``stride`` of both rows and behind it in the second.

    Read from ``stride - p`` on they tell the column of pivot p, or those of p and the next, from all others.
    """
    wide = columns(marks)
    for i in range(n_columns(marks, 4 * stride)):
        wide[i] = 0.0
    marks[stride], marks[3 * stride], marks[3 * stride + 1] = -1.0, -1.0, -1.0


@compact
def sweep(a: Numbers, size: int, stride: int, spare: Numbers, weakest: Number) -> Number:
    """Replace a by its negative inverse, without pivoting.

    Returns the smallest |pivot| so far. Two pivots p and p + 1 at once: what both leave of a row is found in one pass.
    ``spare`` (6, stride) begins with two rows of scratch, what `mark` writes follows. With it whole registers are
    stored, pivots' columns included: a single number stored just before the register around it is read would hold
    that up.
    """
    n_wide = n_columns(a, stride)
    factors, others, marks = spare, tail(spare, stride), tail(spare, 2 * stride)
    for p in range(0, size, 2):
        upper, lower = tail(a, p * stride), tail(a, (p + 1) * stride)
        pivot, factor = upper[p], lower[p]
        first = 1.0 / pivot
        beside = upper[p + 1] * first
        after = less_product(lower[p + 1], factor, beside)
        second = 1.0 / after
        below = factor * first * second
        # The products are 0, or NaN for a pivot that is not finite, and NaN stays.
        weakest = smaller(abs(pivot), weakest) + abs(pivot) * 0.0
        weakest = smaller(abs(after), weakest) + abs(after) * 0.0
        for r in range(size):
            row = tail(a, r * stride)
            factors[r], others[r] = row[p], less_product(row[p + 1], row[p], beside)
        wide, under = columns(upper), columns(lower)
        is_first, is_second = columns(tail(marks, stride - p)), columns(tail(marks, stride - p - 1))
        is_pivot = columns(tail(marks, 3 * stride - p))
        for c in range(n_wide):
            # The pivots' own columns are those of minus their inverses.
            scaled = wide[c] * first
            row = less_product(under[c], factor, scaled) * second
            one, two = real_part(is_first[c]), real_part(is_second[c])
            wide[c] = where_negative(one, -first, where_negative(two, 0.0, scaled))
            under[c] = where_negative(one, below, where_negative(two, -second, row))
        whole = n_wide // 3 * 3
        for c in range(0, whole, 3):
            reduce_three(tail(columns(a), c), size, n_wide, p, tail(is_pivot, c), factors, others)
        for c in range(whole, n_wide):
            reduce_one(tail(columns(a), c), size, n_wide, p, real_part(is_pivot[c]), factors, others)
        for c in range(n_wide):
            wide[c] = less_product(wide[c], beside, under[c])
    return weakest


@compact
def reduce_three(
    a: Numbers, size: int, per_row: int, p: int, is_pivot: Numbers, factors: Numbers, others: Numbers
) -> None:
    """Take the multiples of two scaled pivot rows from all other rows, in three columns from ``a`` on."""
    upper, lower = tail(a, p * per_row), tail(a, (p + 1) * per_row)
    x, y, z, u, v, w = upper[0], upper[1], upper[2], lower[0], lower[1], lower[2]
    one, two, three = real_part(is_pivot[0]), real_part(is_pivot[1]), real_part(is_pivot[2])
    for r in range(size):
        row, f, k = tail(a, r * per_row), factors[r], others[r]
        g = where_negative(one, 0.0, row[0])
        h = where_negative(two, 0.0, row[1])
        i = where_negative(three, 0.0, row[2])
        row[0] = less_product(less_product(g, f, x), k, u)
        row[1] = less_product(less_product(h, f, y), k, v)
        row[2] = less_product(less_product(i, f, z), k, w)
    upper[0], upper[1], upper[2], lower[0], lower[1], lower[2] = x, y, z, u, v, w


@compact
def reduce_one(
    a: Numbers, size: int, per_row: int, p: int, is_pivot: Number, factors: Numbers, others: Numbers
) -> None:
    """`reduce_three` for a single column."""
    x, u = a[p * per_row], a[(p + 1) * per_row]
    for r in range(size):
        kept = where_negative(is_pivot, 0.0, a[r * per_row])
        a[r * per_row] = less_product(less_product(kept, factors[r], x), others[r], u)
    a[p * per_row], a[(p + 1) * per_row] = x, u


@compact
def spread(target: Numbers, source: Numbers, left: Numbers, right: Numbers, size: int, stride: int) -> None:
    """Add coupling source coupling to target; ``left`` and ``right`` are the couplings' two vectors (2, stride).

    Transposed as matrices are: the left one, of the rows here, is what the source takes, the right one what it gives.
    """
    n_wide = n_columns(target, stride)
    same, cross = columns(right), columns(tail(right, stride))
    for r in range(0, size, 2):
        inner, under = tail(source, r * stride), tail(source, (r + 1) * stride)
        a, b, d, e = left[r], left[stride + r + 1], left[stride + r], left[r + 1]
        upper, lower = columns(tail(target, r * stride)), columns(tail(target, (r + 1) * stride))
        own, next_own = columns(inner), columns(under)
        for c in range(n_wide):
            x, y, z, w = own[c], next_own[c], partners(inner, c), partners(under, c)
            f, g, one, two = same[c], cross[c], upper[c], lower[c]
            one = plus_product(one, f, plus_product(a * x, b, y))
            two = plus_product(two, f, plus_product(d * x, e, y))
            upper[c] = plus_product(one, g, plus_product(a * z, b, w))
            lower[c] = plus_product(two, g, plus_product(d * z, e, w))


@compact
def less_matrix(target: Numbers, left: Numbers, right: Numbers, t: int, stride: int) -> None:
    """Subtract left right from target."""
    wide, source, per_row = columns(target), columns(right), n_columns(target, stride)
    rows, pairs = t // 4 * 4, per_row // 2 * 2
    for r in range(0, rows, 4):
        for c in range(0, pairs, 2):
            less_tile(wide, left, source, r, c, t, stride, per_row)
    for r in range(t):
        for c in range(pairs if r < rows else 0, per_row):
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
def apply_inverse(target: Numbers, matrix: Numbers, x: Numbers, size: int, stride: int) -> None:
    """Set target (stride,) to minus (matrix transposed) x, even and odd terms summed apart: no sum waits long."""
    wide, source, n_wide = columns(target), columns(matrix), n_columns(target, stride)
    whole = n_wide // 3 * 3
    for c in range(0, whole, 3):
        place = tail(source, c)
        a, b, d = place[0] * 0.0, place[1] * 0.0, place[2] * 0.0
        e, f, g = a, b, d
        for k in range(0, size, 2):
            upper, lower = tail(place, k * n_wide), tail(place, (k + 1) * n_wide)
            factor, other = x[k], x[k + 1]
            a, e = less_product(a, factor, upper[0]), less_product(e, other, lower[0])
            b, f = less_product(b, factor, upper[1]), less_product(f, other, lower[1])
            d, g = less_product(d, factor, upper[2]), less_product(g, other, lower[2])
        wide[c], wide[c + 1], wide[c + 2] = a + e, b + f, d + g
    for c in range(whole, n_wide):
        place = tail(source, c)
        a = place[0] * 0.0
        e = a
        for k in range(0, size, 2):
            a = less_product(a, x[k], place[k * n_wide])
            e = less_product(e, x[k + 1], place[(k + 1) * n_wide])
        wide[c] = a + e


@compact
def less_vector(target: Numbers, matrix: Numbers, x: Numbers, size: int, stride: int) -> None:
    """Subtract (matrix transposed) x from target (stride,)."""
    wide, source, n_wide = columns(target), columns(matrix), n_columns(target, stride)
    for c in range(n_wide):
        total = wide[c]
        for k in range(size):
            total = less_product(total, x[k], source[k * n_wide + c])
        wide[c] = total


@compact
def less_coupled(target: Numbers, coupling: Numbers, x: Numbers, stride: int) -> None:
    """Subtract from target (stride,) what a coupling (2, stride) makes of x (stride,)."""
    wide, same, cross, source = (
        columns(target),
        columns(coupling),
        columns(tail(coupling, stride)),
        columns(x),
    )
    for c in range(n_columns(target, stride)):
        wide[c] = less_product(less_product(wide[c], same[c], source[c]), cross[c], partners(x, c))


@compact
def matrix(plan: Integers, place: int) -> int:
    """Where a matrix of the grid begins; the grid follows the blocks' own factors."""
    return int(plan[GRID] + place * plan[SIZE] * plan[STRIDE])


@compact
def vector(plan: Integers, place: int) -> int:
    """Where a vector (stride,) begins: right sides and solutions of the nodes, then two for each pair of nodes."""
    return int(matrix(plan, plan[MATRICES]) + place * plan[STRIDE])


@compact
def staging(plan: Integers) -> int:
    """Where a shift, the smallest pivots and a factor stand for machine code, and after them what blocks hand on."""
    return vector(plan, 2 * (plan[NODES] + plan[PAIRS]) + SCRATCH)


@compact
def hand_over(lu: Numbers, plan: Integers, first: int) -> None:
    """Copy the joined part of the blocks from ``first`` on to the matrices of their nodes."""
    t, stride, w, sides = plan[JOINED], plan[STRIDE], plan[AT_ONCE], plan[SIDES]
    staged = tail(lu, staging(plan) + STAGED * w)
    if w > 1 and sides == 2:
        # Both sides of a node lie beside each other.
        for node in range(plan[NODES]):
            target = tail(lu, matrix(plan, node))
            for r in range(t):
                upper, lower = tail(target, 2 * r * stride), tail(target, (2 * r + 1) * stride)
                values = tail(staged, r * t * w + 2 * node)
                for c in range(t):
                    one, two = values[c * w], values[c * w + 1]
                    upper[2 * c], upper[2 * c + 1] = one, 0.0
                    lower[2 * c], lower[2 * c + 1] = 0.0, two
        return
    for b in range(first, min(first + w, plan[BLOCKS])):
        side, target = b % sides, tail(lu, matrix(plan, b // sides))
        for r in range(t):
            row, values = tail(target, (r * sides + side) * stride), tail(staged, r * t * w + b - first)
            for c in range(t):
                row[c * sides + sides - 1 - side] = 0.0
                row[c * sides + side] = values[c * w]


@compact
def hand_vectors(lu: Numbers, plan: Integers, first: int) -> None:
    """Copy the joined part of right sides to the nodes' vectors."""
    t, stride, w, sides = plan[JOINED], plan[STRIDE], plan[AT_ONCE], plan[SIDES]
    staged, vectors = tail(lu, staging(plan) + STAGED * w), tail(lu, vector(plan, 0))
    if w > 1 and sides == 2:
        for node in range(plan[NODES]):
            own, values = tail(vectors, node * stride), tail(staged, 2 * node)
            for c in range(t):
                own[2 * c], own[2 * c + 1] = values[c * w], values[c * w + 1]
        return
    for b in range(first, min(first + w, plan[BLOCKS])):
        own, values = tail(vectors, b // sides * stride + b % sides), tail(staged, b - first)
        for c in range(t):
            own[c * sides] = values[c * w]
        if plan[SIZE] > t * sides:
            own[t] = 0.0


@compact
def hand_back(lu: Numbers, plan: Integers, first: int) -> None:
    """Copy the nodes' solutions to where machine code reads those of the blocks from ``first`` on."""
    t, stride, w, sides = plan[JOINED], plan[STRIDE], plan[AT_ONCE], plan[SIDES]
    staged, vectors = tail(lu, staging(plan) + STAGED * w), tail(lu, vector(plan, plan[NODES]))
    if w > 1 and sides == 2:
        for node in range(plan[NODES]):
            own, values = tail(vectors, node * stride), tail(staged, 2 * node)
            for c in range(t):
                values[c * w], values[c * w + 1] = own[2 * c], own[2 * c + 1]
        return
    for b in range(first, min(first + w, plan[BLOCKS])):
        own, values = tail(vectors, b // sides * stride + b % sides), tail(staged, b - first)
        for c in range(t):
            values[c * w] = own[c * sides]


@compact
def link_blocks(link_rate: Numbers, shift: Number, plan: Integers, lu: Numbers) -> None:
    """Add the links to the nodes' matrices and to the couplings, and write out those couplings that are to fill."""
    size, stride, n_states = plan[SIZE], plan[STRIDE], plan[JOINED] * plan[SIDES]
    first, links = vector(plan, 2 * plan[NODES]), tail(plan, plan[LINKS])
    couplings = tail(lu, first)
    wide = columns(couplings)
    for k in range(n_columns(couplings, 2 * plan[PAIRS] * stride)):
        wide[k] = 0.0
    if size > n_states:
        # An odd number of states is followed by one that nothing reads.
        for node in range(plan[NODES]):
            own = tail(lu, matrix(plan, node))
            for k in range(size):
                own[k * stride + n_states] = 0.0
                own[n_states * stride + k] = 0.0
            own[n_states * stride + n_states] = shift
    for k in range(plan[N_LINKS]):
        rate, own, other = link_rate[k], links[2 * k], links[2 * k + 1]
        lu[own] += rate
        lu[other] -= rate
    filled = tail(plan, plan[FILLED])
    for k in range(plan[N_FILLED]):
        full, coupling = (
            tail(lu, matrix(plan, filled[2 * k])),
            tail(couplings, 2 * filled[2 * k + 1] * stride),
        )
        for i in range(size * stride):
            full[i] = 0.0
        for i in range(size):
            full[i * stride + i] = coupling[i]
            full[(i ^ 1) * stride + i] = coupling[stride + i]


@driver
def factorise_grid(plan: Integers, lu: Numbers, weakest: Number) -> Number:
    """Eliminate by the plan; returns the smallest |pivot| so far."""
    size, stride, n_vectors = plan[SIZE], plan[STRIDE], 2 * plan[NODES]
    spare, operations = tail(lu, matrix(plan, plan[MATRICES] - 1)), tail(plan, plan[OPERATIONS])
    scratch = tail(lu, vector(plan, n_vectors + 2 * plan[PAIRS]))
    mark(tail(scratch, 2 * stride), stride)
    for k in range(plan[N_OPERATIONS]):
        todo = tail(operations, 5 * k)
        target = tail(lu, matrix(plan, todo[1]))
        if todo[0] == SWEEP:
            weakest = sweep(target, size, stride, scratch, weakest)
        elif todo[0] == SPREAD:
            left, right = (
                tail(lu, vector(plan, n_vectors + 2 * todo[2])),
                tail(lu, vector(plan, n_vectors + 2 * todo[3])),
            )
            spread(target, tail(lu, matrix(plan, todo[4])), left, right, size, stride)
        else:
            left, right = tail(lu, matrix(plan, todo[2])), tail(lu, matrix(plan, todo[3]))
            if todo[0] == MULTIPLY:
                for i in range(size * stride):
                    spare[i] = target[i]
                    target[i] = 0.0
                left, right = spare, left
            less_matrix(target, left, right, size, stride)
    return weakest


@driver
def solve_grid(plan: Integers, lu: Numbers) -> None:
    """Solve for the joined states of all nodes: vectors 0 .. hold right sides, vectors n_nodes .. then solutions."""
    size, stride, moves = plan[SIZE], plan[STRIDE], tail(plan, plan[MOVES])
    vectors, grid = tail(lu, vector(plan, 0)), tail(lu, plan[GRID])
    couplings = tail(vectors, 2 * plan[NODES] * stride)
    for k in range(plan[N_MOVES]):
        todo = tail(moves, 4 * k)
        kind, target, source = todo[0], tail(vectors, todo[1] * stride), tail(vectors, todo[3] * stride)
        if kind == APPLY:
            apply_inverse(target, tail(grid, todo[2] * size * stride), source, size, stride)
        elif kind == LESS_COUPLED:
            less_coupled(target, tail(couplings, 2 * todo[2] * stride), source, stride)
        else:
            less_vector(target, tail(grid, todo[2] * size * stride), source, size, stride)


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
    link_blocks(link_rate, shift, plan, lu)
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
        hand_vectors(lu, plan, first)
    solve_grid(plan, lu)
    for first in range(0, plan[BLOCKS], w):
        hand_back(lu, plan, first)
        kept, own = tail(lu, first * plan[FACTORS]), tail(x, first * m)
        call(backward, (tail(out, first * m), own, kept, joined))
