"""States between steps: the method's interpolant, evaluated where output rows lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.control import end_of_step
from collagensim.kernels.numbers import (
    columns,
    driver,
    kernel,
    n_columns,
    plus_product,
    real_part,
    tail,
    where_negative,
)
from collagensim.kernels.table import (
    AT_DENSE,
    AT_FLOOR,
    AT_SCRATCH,
    AT_STAGES,
    BLEND,
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
    N,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]


@kernel
def blend(work: Numbers, tableau: Floats, table: Integers) -> None:
    """The three coefficients of the interpolant of every state."""
    row, dense = table[N_ROW], tail(tableau, AT_DENSE)
    slopes = columns(tail(work, table[AT_STAGES]))
    blends = columns(tail(work, table[AT_SCRATCH] + BLEND * row))
    n = n_columns(work, row)
    for d in range(3):
        for i in range(n):
            total = slopes[i] * dense[d * N_STAGES]
            for s in range(1, N_STAGES):
                total = plus_product(total, dense[d * N_STAGES + s], slopes[s * n + i])
            blends[d * n + i] = total


@kernel
def interpolate(work: Numbers, theta: Number, table: Integers) -> None:
    """States at ``theta`` of the step, into PLACED, by the method's own fourth-order interpolant.

    Between two accepted states the interpolant of a fast decay may dip under the floor although neither end does.
    There it is replaced, component by component, by the straight line between the ends. That is no clip: a true
    solution with both ends above the floor and a dip below it would have failed the error test, so the dip is the
    polynomial's own, and the line differs from it by a few absolute tolerances.
    """
    row, scratch = table[N_ROW], tail(work, table[AT_SCRATCH])
    y, floor = columns(work), columns(tail(work, table[AT_FLOOR]))
    new, out = columns(tail(scratch, NEW * row)), columns(tail(scratch, PLACED * row))
    blends, rest, n = columns(tail(scratch, BLEND * row)), 1.0 - theta, n_columns(work, row)
    for i in range(n):
        line = rest * y[i] + theta * new[i]
        bend = plus_product(blends[n + i], theta, blends[2 * n + i])
        value = plus_product(line, rest * theta, plus_product(blends[i], theta, bend))
        out[i] = where_negative(real_part(value + floor[i]), line, value)


@kernel
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
    """Fill the rows that lie inside the accepted steps, one of each lane at a time."""
    n, placed, blended = table[N], tail(work_flat, (table[AT_SCRATCH] + PLACED * table[N_ROW]) * width), False
    while find_due(who, verdicts, width, clock, counts, t_out, n_out, small_flat):
        if not blended:
            blend(work, tableau, table)
            blended = True
        interpolate(work, small[THETA], table)
        for lane in range(width):
            if small_flat[THETA * width + lane] >= 0.0:
                own = tail(counts, who[lane] * N_COUNTS)
                row = tail(rows, (who[lane] * n_out + own[ROW]) * n)
                for i in range(n):
                    row[i] = placed[i * width + lane]
                own[ROW] += 1
