"""States between steps: the method's interpolant, evaluated where output rows lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.control import end_of_step
from collagensim.kernels.numbers import (
    columns,
    compact,
    driver,
    n_columns,
    plus_product,
    plus_products,
    real_part,
    tail,
    where_negative,
)
from collagensim.kernels.table import (
    AT_DENSE,
    AT_FLOOR,
    AT_SCRATCH,
    AT_STAGES,
    DONE,
    N_CLOCK,
    N_COUNTS,
    N_ROW,
    N_STAGES,
    NEW,
    PLACED,
    ROW,
    THETA,
    TIME,
    TRIED,
    WEIGHT,
    N,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    from collagensim.kernels.numbers import Numbers

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]


@compact
def weigh_stages(small: Numbers, tableau: Floats) -> None:
    """What each stage weighs in the interpolant at THETA, beside the straight line between the ends."""
    theta, dense = small[THETA], tail(tableau, AT_DENSE)
    bulge = theta * (1.0 - theta)
    for s in range(N_STAGES):
        bend = plus_product(dense[N_STAGES + s], theta, dense[2 * N_STAGES + s])
        small[WEIGHT + s] = bulge * plus_product(dense[s], theta, bend)


@compact
def interpolate(
    y: Numbers,
    floor: Numbers,
    k: Numbers,
    new: Numbers,
    step: int,
    row: int,
    small: Numbers,
    n: int,
    out: Numbers,
) -> None:
    """States at THETA of the step, into ``out``, by the method's own fourth-order interpolant.

    Between two accepted states the interpolant of a fast decay may dip under the floor although neither end does.
    There it is replaced, component by component, by the straight line between the ends. That is no clip: a true
    solution with both ends above the floor and a dip below it would have failed the error test, so the dip is the
    polynomial's own, and the line differs from it by a few absolute tolerances.

    State i lies at ``i * step``, the next stage ``row`` further. Either a number has eight states, or eight members'
    states, at the place of each; or it is one member's state, and the places are eight.
    """
    theta, weight = small[THETA], tail(small, WEIGHT)
    rest = 1.0 - theta
    early = (weight[0], weight[1], weight[2], weight[3])
    late = (weight[4], weight[5], weight[6], weight[7])
    first = (k, tail(k, row), tail(k, 2 * row), tail(k, 3 * row))
    last = (tail(k, 4 * row), tail(k, 5 * row), tail(k, 6 * row), tail(k, 7 * row))
    for i in range(n):
        j = i * step
        line = rest * y[j] + theta * new[j]
        value = plus_products(line, early, first, j) + plus_products(line * 0.0, late, last, j)
        out[i] = where_negative(real_part(value + floor[j]), line, value)


@compact
def is_due(member: int, after: float, counts: Integers, t_out: Floats, n_out: int) -> bool:
    """Whether the member's next output row lies at or before ``after``."""
    row = counts[member * N_COUNTS + ROW]
    return bool(row < n_out and t_out[member * n_out + row] <= after)


@driver
def find_due(
    who: Integers, verdicts: Integers, width: int, clock: Floats, counts: Integers, t_out: Floats, n_out: int,
    small: Floats,
) -> bool:  # fmt: skip
    """Set each lane's THETA to the place of its next row within its step, -1 for none; whether there is any."""
    due = False
    for lane in range(width):
        small[THETA * width + lane] = -1.0
        member = who[lane]
        if member >= 0 and verdicts[lane] == DONE:
            h, own = small[TRIED * width + lane], tail(clock, member * N_CLOCK)
            if is_due(member, end_of_step(h, own), counts, t_out, n_out):
                at = t_out[member * n_out + counts[member * N_COUNTS + ROW]]
                small[THETA * width + lane] = (at - own[TIME]) / h
                due = True
    return due


@driver
def write_rows(
    who: Integers, verdicts: Integers, width: int, clock: Floats, counts: Integers, t_out: Floats, n_out: int,
    rows: Numbers, small: Numbers, small_flat: Floats, work: Numbers, work_flat: Numbers, table: Integers,
    tableau: Floats,
) -> None:  # fmt: skip
    """Fill the rows that lie inside the accepted steps: one of each lane at a time, then many of one lane."""
    n, row, wide = table[N], table[N_ROW], n_columns(work, table[N_ROW])
    scratch = tail(work, table[AT_SCRATCH])
    y, floor, k = columns(work), columns(tail(work, table[AT_FLOOR])), columns(tail(work, table[AT_STAGES]))
    new, out = columns(tail(scratch, NEW * row)), columns(tail(scratch, PLACED * row))
    placed = tail(work_flat, (table[AT_SCRATCH] + PLACED * row) * width)
    while find_due(who, verdicts, width, clock, counts, t_out, n_out, small_flat):
        weigh_stages(small, tableau)
        interpolate(y, floor, k, new, 1, wide, small, wide, out)
        for lane in range(width):
            if small_flat[THETA * width + lane] >= 0.0:
                own = tail(counts, who[lane] * N_COUNTS)
                target = tail(rows, (who[lane] * n_out + own[ROW]) * n)
                for i in range(n):
                    target[i] = placed[i * width + lane]
                own[ROW] += 1
        if width > 1:
            for lane in range(width):
                if who[lane] >= 0 and verdicts[lane] == DONE and is_due(
                    who[lane], end_of_step(small_flat[TRIED * width + lane], tail(clock, who[lane] * N_CLOCK)),
                    counts, t_out, n_out,
                ):  # fmt: skip
                    write_rows_of(
                        lane, who[lane], width, tail(clock, who[lane] * N_CLOCK), counts, t_out, n_out, rows, small,
                        small_flat, work, work_flat, table, tableau,
                    )  # fmt: skip


@driver
def write_rows_of(
    lane: int, member: int, width: int, clock: Floats, counts: Integers, t_out: Floats, n_out: int,
    rows: Numbers, small: Numbers, small_flat: Floats, work: Numbers, work_flat: Numbers, table: Integers,
    tableau: Floats,
) -> None:  # fmt: skip
    """Fill all rows inside the step of one lane, as many at a time as there are lanes."""
    n, row, h = table[N], table[N_ROW], small_flat[TRIED * width + lane]
    scratch, end, own = table[AT_SCRATCH], end_of_step(h, clock), tail(counts, member * N_COUNTS)
    mine = tail(work_flat, lane)
    floor, k = tail(mine, table[AT_FLOOR] * width), tail(mine, table[AT_STAGES] * width)
    new, out = tail(mine, (scratch + NEW * row) * width), tail(work, scratch + PLACED * row)
    placed = tail(work_flat, (scratch + PLACED * row) * width)
    while is_due(member, end, counts, t_out, n_out):
        first, due = member * n_out + own[ROW], min(width, n_out - own[ROW])
        while t_out[first + due - 1] > end:
            due -= 1
        for r in range(width):
            small_flat[THETA * width + r] = (t_out[first + min(r, due - 1)] - clock[TIME]) / h
        weigh_stages(small, tableau)
        interpolate(mine, floor, k, new, width, row * width, small, n, out)
        target = tail(rows, first * n)
        for r in range(due):
            for i in range(n):
                target[r * n + i] = placed[i * width + r]
        own[ROW] += due
