"""States between steps: the method's interpolant, evaluated where output rows lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.numbers import (
    WIDTH,
    columns,
    compact,
    driver,
    fetch,
    fetch_far,
    n_columns,
    picked,
    plus_product,
    real_part,
    tail,
    where_negative,
)
from collagensim.kernels.packs import load, store, turn_over
from collagensim.kernels.table import (
    AFTER,
    AT_DENSE,
    AT_FLOOR,
    AT_SCRATCH,
    AT_STAGES,
    CLOCK,
    DUE,
    LENGTH,
    N_COUNTS,
    N_ROW,
    N_STAGES,
    NEW,
    OF_LANE,
    PLACED,
    REACHED,
    ROW,
    TARGET,
    TIME,
    TRIED,
    TURNED,
    N,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]


# How many rows ahead of the one that is written memory is fetched, near and far: else the steps wait for it.
AHEAD, FAR = 2, 24


@compact
def weigh_stages(theta: Number, tableau: Floats) -> tuple[Number, ...]:
    """What each stage weighs in the interpolant at ``theta``, beside the straight line between the ends."""
    bulge, dense = theta * (1.0 - theta), tail(tableau, AT_DENSE)
    return (
        weight_of(0, theta, bulge, dense), weight_of(1, theta, bulge, dense), weight_of(2, theta, bulge, dense),
        weight_of(3, theta, bulge, dense), weight_of(4, theta, bulge, dense), weight_of(5, theta, bulge, dense),
        weight_of(6, theta, bulge, dense), weight_of(7, theta, bulge, dense),
    )  # fmt: skip


@driver
def weight_of(s: int, theta: Number, bulge: Number, dense: Floats) -> Number:
    """What stage s weighs."""
    bend = plus_product(dense[N_STAGES + s], theta, dense[2 * N_STAGES + s])
    return bulge * plus_product(dense[s], theta, bend)


@compact
def between(
    theta: Number, weight: tuple[Number, ...], y: Number, new: Number, floor: Number, k: tuple[Number, ...]
) -> Number:
    """A state at ``theta`` of the step from y to new, by the method's own fourth-order interpolant.

    Between two accepted states the interpolant of a fast decay may dip under the floor although neither end does.
    There it is replaced by the straight line between the ends. That is no clip: a true solution with both ends above
    the floor and a dip below it would have failed the error test, so the dip is the polynomial's own, and the line
    differs from it by a few absolute tolerances.
    """
    line = (1.0 - theta) * y + theta * new
    early = plus_product(plus_product(line, weight[0], k[0]), weight[1], k[1])
    early = plus_product(plus_product(early, weight[2], k[2]), weight[3], k[3])
    late = plus_product(plus_product(weight[4] * k[4], weight[5], k[5]), weight[6], k[6])
    value = early + plus_product(late, weight[7], k[7])
    return where_negative(real_part(value + floor), line, value)


@compact
def time_due(member: int, row: int, t_out: Floats, n_out: int) -> float:
    """When an output row of a member lies; infinite when there are no more."""
    return float(t_out[member * n_out + row]) if row < n_out else np.inf


@driver
def write_rows(
    member: int, counts: Integers, t_out: Floats, n_out: int, rows: Numbers, small: Numbers, work: Numbers,
    table: Integers, tableau: Floats,
) -> None:  # fmt: skip
    """Fill the rows that lie inside the accepted step of a lone member."""
    done, n, row = tail(counts, member * N_COUNTS), table[N], table[N_ROW]
    scratch = tail(work, table[AT_SCRATCH])
    y, floor, k = columns(work), columns(tail(work, table[AT_FLOOR])), columns(tail(work, table[AT_STAGES]))
    new, placed = columns(tail(scratch, NEW * row)), tail(scratch, PLACED * row)
    while small[DUE] <= small[REACHED]:
        theta = (small[DUE] - small[CLOCK + TIME]) / small[TRIED]
        interpolate(y, floor, k, new, theta, tableau, n_columns(work, row), columns(placed))
        target = tail(rows, (member * n_out + done[ROW]) * n)
        for i in range(n):
            target[i] = placed[i]
        done[ROW] += 1
        small[DUE] = time_due(member, done[ROW], t_out, n_out)


@compact
def interpolate(
    y: Numbers, floor: Numbers, k: Numbers, new: Numbers, theta: float, tableau: Floats, n: int, out: Numbers
) -> None:
    """All states at a place ``theta`` within the step, into ``out``; see `between`."""
    weight = weigh_stages(theta, tableau)
    k0, k1, k2, k3, k4, k5, k6, k7 = (
        k, tail(k, n), tail(k, 2 * n), tail(k, 3 * n), tail(k, 4 * n), tail(k, 5 * n), tail(k, 6 * n), tail(k, 7 * n),
    )  # fmt: skip
    for i in range(n):
        stages = k0[i], k1[i], k2[i], k3[i], k4[i], k5[i], k6[i], k7[i]
        out[i] = between(theta, weight, y[i], new[i], floor[i], stages)


@driver
def write_rows_of_lanes(
    who: Integers, counts: Integers, t_out: Floats, n_out: int, rows: Numbers, small: Numbers, small_flat: Floats,
    work: Numbers, work_flat: Numbers, table: Integers, tableau: Floats,
) -> None:  # fmt: skip
    """Fill the rows that lie inside the accepted steps, eight at a time, whichever lanes they are of."""
    lane, due = 0, 0
    while lane < WIDTH:
        lane, due = find_due(lane, who, counts, t_out, n_out, table[N], small_flat)
        if due > 0:
            interpolate_picked(work, small, tableau, table)
            write_turned(due, rows, small_flat, work_flat, table)


@driver
def find_due(
    lane: int, who: Integers, counts: Integers, t_out: Floats, n_out: int, n: int, small: Floats
) -> tuple[int, int]:
    """Find up to eight rows that are due in ``lane`` or further on, and count them as written.

    Returns
    -------
    lane : where there may be more; WIDTH at the end.
    due : how many were found.
    """
    due = 0
    while lane < WIDTH:
        at, end = small[DUE * WIDTH + lane], small[REACHED * WIDTH + lane]
        if who[lane] >= 0 and at <= end:
            member = who[lane]
            done, start = tail(counts, member * N_COUNTS), small[(CLOCK + TIME) * WIDTH + lane]
            row = done[ROW]
            while at <= end and due < WIDTH:
                small[AFTER * WIDTH + due] = at - start
                small[LENGTH * WIDTH + due] = small[TRIED * WIDTH + lane]
                small[OF_LANE * WIDTH + due] = float(lane)
                small[TARGET * WIDTH + due] = float((member * n_out + row) * n)
                row += 1
                due += 1
                at = time_due(member, row, t_out, n_out)
            done[ROW], small[DUE * WIDTH + lane] = row, at
            if at <= end:
                return lane, due
        lane += 1
    return lane, due


@compact
def interpolate_picked(work: Numbers, small: Numbers, tableau: Floats, table: Integers) -> None:
    """Rows of some lanes, each at its own place within a step, side by side into PLACED."""
    theta, lanes, row = small[AFTER] / small[LENGTH], small[OF_LANE], table[N_ROW]
    weight = weigh_stages(theta, tableau)
    floor, k, new = (
        tail(work, table[AT_FLOOR]), tail(work, table[AT_STAGES]), tail(work, table[AT_SCRATCH] + NEW * row),
    )  # fmt: skip
    out = tail(work, table[AT_SCRATCH] + PLACED * row)
    for i in range(table[N]):
        stages = (
            picked(k, i, lanes), picked(k, row + i, lanes), picked(k, 2 * row + i, lanes),
            picked(k, 3 * row + i, lanes), picked(k, 4 * row + i, lanes), picked(k, 5 * row + i, lanes),
            picked(k, 6 * row + i, lanes), picked(k, 7 * row + i, lanes),
        )  # fmt: skip
        start, end, above = picked(work, i, lanes), picked(new, i, lanes), picked(floor, i, lanes)
        out[i] = between(theta, weight, start, end, above, stages)


@compact
def write_turned(due: int, rows: Numbers, small: Floats, work: Numbers, table: Integers) -> None:
    """Write each of the rows that lie side by side where it belongs."""
    n, scratch = table[N], table[AT_SCRATCH]
    placed, whole = tail(work, (scratch + PLACED * table[N_ROW]) * WIDTH), n // WIDTH * WIDTH
    turned = tail(work, (scratch + TURNED * table[N_ROW]) * WIDTH)
    for i in range(0, whole, WIDTH):
        turn_over(placed, i * WIDTH, WIDTH, turned, i, whole)
    for r in range(due):
        target = tail(rows, int(small[TARGET * WIDTH + r]))
        for i in range(0, whole, WIDTH):
            store(target, i, load(turned, r * whole + i))
        for i in range(whole, n):
            target[i] = placed[i * WIDTH + r]
        for i in range(0, n, 8):
            fetch(target, AHEAD * n + i)
            fetch_far(target, FAR * n + i)
