"""Adaptive RODAS5D for many members at once: each lane of a number carries one member with its own time and step.

A system is a chain of equal blocks with linear links: ``n_blocks * m`` states, block ``b`` owns
``y[b*m : (b+1)*m]``, and

    dy/dt = local rates of each block + sum over links k of  link_rate[k] * (y[link_from[k]] - y[link_to[k]]).

Members wait in a queue; a lane that has brought its member to the end of its span takes the next. Nothing that happens
to a member depends on its neighbours, so the bits of its course are the same in any lane, batch or thread. Nothing here
allocates, checks or keeps state: the caller owns every array.

The model comes as addresses of machine code, so that this file is compiled once for all models. Only the functions
marked ``kept`` are called from Python; numba keeps their machine code on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels import coupled, linear
from collagensim.kernels.control import (
    SMALLEST,
    accept,
    all_pass,
    choose_first_step,
    choose_steps,
    inverse_tenth_root,
    judge,
    reach,
)
from collagensim.kernels.numbers import (
    WIDTH,
    all_above,
    as_numbers,
    call,
    columns,
    compact,
    driver,
    flat,
    kept_compact,
    larger,
    n_columns,
    plus_product,
    plus_products,
    real_part,
    smaller,
    sum_of_products,
    tail,
    where_negative,
)  # fmt: skip
from collagensim.kernels.output import write_rows, write_rows_of_lanes
from collagensim.kernels.queue import empty_lanes, forget_counts, note_lane, refill
from collagensim.kernels.table import (
    ACCEPTED,
    AT_ATOL,
    AT_COUPLE,
    AT_FACTORS,
    AT_FLOOR,
    AT_GAMMA,
    AT_GROWN,
    AT_LINK_RATE,
    AT_P,
    AT_SCRATCH,
    AT_SPREAD,
    AT_STAGES,
    AT_TERMS,
    AT_U,
    BLOCK_BACKWARD,
    BLOCK_FACTORISE,
    BLOCK_FORWARD,
    BLOCK_JACOBIAN,
    BLOCK_RATES,
    BLOCK_SOLVE,
    BLOCK_STRIDE,
    BY_BLOCKS,
    BY_LISTS,
    CLOCK,
    DENSE,
    DONE,
    DUE,
    ELIMINATION,
    ERROR,
    FACTOR,
    INVERSE,
    LIST_COLUMN,
    LIST_ELIMINATION,
    LIST_FROM,
    LIST_JOINED,
    LIST_ROW,
    LIST_TO,
    LOW,
    MORE,
    N_BLOCKS,
    N_CALLS,
    N_COUNTS,
    N_FACTORS,
    N_JOINED,
    N_LINKS,
    N_ROW,
    N_STAGES,
    N_STATES,
    N_TERMS,
    NEW,
    PIVOT,
    PULL,
    REACHED,
    SHIFT,
    SLOPE,
    STATE_STRIDE,
    STEP,
    STEP_TERMS,
    STEP_U,
    STEP_Y,
    TIME,
    TRIAL,
    UNTIL,
    N,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]


@compact
def rates(y: Numbers, p: Numbers, u: Numbers, link_rate: Numbers, table: Integers, out: Numbers) -> None:
    """dy/dt of the whole system; y, out (n,), p (n_p,), u (n_u,), link_rate (n_links,)."""
    for k in range(table[N_CALLS]):
        first = k * table[STEP_Y]
        call(table[BLOCK_RATES], (tail(y, first), p, tail(u, k * table[STEP_U]), tail(out, first)))
    if table[N_JOINED] > 0:
        link_side_by_side(y, link_rate, table, out)
    else:
        to, source = tail(table, table[LIST_TO]), tail(table, table[LIST_FROM])
        for k in range(table[N_LINKS]):
            out[to[k]] = plus_product(out[to[k]], link_rate[k], y[source[k]] - y[to[k]])


@compact
def link_side_by_side(y: Numbers, link_rate: Numbers, table: Integers, out: Numbers) -> None:
    """Links of blocks that alternate: into all blocks at once, from one after the other, in the order of the links."""
    # The spread-out rates end where the rates begin.
    n_blocks, n_joined, states = table[N_BLOCKS], table[N_JOINED], tail(table, table[LIST_JOINED])
    spread = columns(tail(link_rate, table[AT_SPREAD] - table[AT_LINK_RATE]))
    levels, sums = columns(y), columns(out)
    for k in range(n_joined):
        i = states[k]
        own, total = levels[i], sums[i]
        for b in range(n_blocks):
            total = plus_product(total, spread[k * n_blocks + b], y[i * WIDTH + b] - own)
        sums[i] = total


@compact
def jacobian(
    y: Numbers, p: Numbers, u: Numbers, link_rate: Numbers, table: Integers, values: Numbers
) -> None:
    """The Jacobian's terms: those of each block, then +rate and -rate of each link, unsummed."""
    for k in range(table[N_CALLS]):
        own, found = tail(y, k * table[STEP_Y]), tail(values, k * table[STEP_TERMS])
        call(table[BLOCK_JACOBIAN], (own, p, tail(u, k * table[STEP_U]), found))
    n_links = table[N_LINKS]
    of_links = tail(values, table[N_TERMS] - 2 * n_links)
    for k in range(n_links):
        of_links[2 * k] = link_rate[k]
        of_links[2 * k + 1] = -link_rate[k]


@driver
def factorise(
    values: Numbers, link_rate: Numbers, small: Numbers, table: Integers, lu: Numbers, dense: Numbers
) -> None:
    """Factors of SHIFT I - J, smallest |pivot| into PIVOT: of joined blocks, of one block, or by operation lists."""
    shift, lists = small[SHIFT], tail(table, table[LIST_ELIMINATION])
    if table[ELIMINATION] == BY_BLOCKS:
        code = table[BLOCK_FACTORISE]
        small[PIVOT] = coupled.factorise_blocks(code, values, link_rate, shift, lists, lu)
    elif table[ELIMINATION] == BY_LISTS:
        small[PIVOT] = linear.factorise(values, shift, lists, lu, dense)
    else:
        # Behind the factors: machine code reads and writes numbers of one kind only.
        own = tail(lu, table[N_FACTORS] - 3)
        own[0], own[1], own[2] = shift, abs(shift), small[INVERSE]
        call(table[BLOCK_FACTORISE], (values, own, lu, dense, tail(own, 1)))
        small[PIVOT] = real_part(own[1])


@driver
def substitute(
    right: Numbers, pull: Numbers, small: Numbers, table: Integers, lu: Numbers, dense: Numbers, out: Numbers
) -> None:
    """Solve for right + INVERSE pull with the factors of `factorise`; right, pull, out (n,)."""
    forward, backward, lists = (
        table[BLOCK_FORWARD],
        table[BLOCK_BACKWARD],
        tail(table, table[LIST_ELIMINATION]),
    )
    if table[ELIMINATION] == BY_BLOCKS:
        coupled.solve_blocks(forward, backward, right, pull, small[INVERSE], lists, lu, dense, out)
    elif table[ELIMINATION] == BY_LISTS:
        linear.substitute(right, pull, small[INVERSE], lists, lu, dense, out)
    else:
        call(table[BLOCK_SOLVE], (right, pull, tail(lu, table[N_FACTORS] - 1), lu, out))


@compact
def mean_square(
    x: Numbers, y: Numbers, other: Numbers, rtol: float, atol: Numbers, ratio: Numbers, table: Integers
) -> Number:
    """Mean square of x_i / (atol_i + rtol size_i) [1], size the larger of |y_i| and |other_i|; ``ratio`` is scratch.

    Summed block after block in four parts, whatever the layout: no addition waits for the one before.
    """
    n = n_columns(x, table[N_ROW])
    tops, olds, news, floors, ratios = columns(x), columns(y), columns(other), columns(atol), columns(ratio)
    for i in range(n):
        size = larger(abs(olds[i]), abs(news[i]))
        ratios[i] = abs(tops[i]) / plus_product(real_part(floors[i]), rtol, size)
    zero, stride, m = real_part(ratio[0]) * 0.0, table[STATE_STRIDE], table[N_STATES]
    total, share = zero, 1.0 / (m * table[N_BLOCKS])
    for b in range(table[N_BLOCKS]):
        own = tail(ratio, b * table[BLOCK_STRIDE])
        one, two, three, four = zero, zero, zero, zero
        for i in range(0, m - 3, 4):
            a, c = real_part(own[i * stride]), real_part(own[(i + 1) * stride])
            d, e = real_part(own[(i + 2) * stride]), real_part(own[(i + 3) * stride])
            one, two = plus_product(one, a, a), plus_product(two, c, c)
            three, four = plus_product(three, d, d), plus_product(four, e, e)
        for i in range(m // 4 * 4, m):
            a = real_part(own[i * stride])
            one = plus_product(one, a, a)
        total = total + ((one + two) + (three + four))
    return total * share


@compact
def combine_stages(
    stage: int, n: int, y: Numbers, stages: Numbers, tableau: Floats, trial: Numbers, pull: Numbers
) -> None:
    """The stage's point y + sum_j combine[j] k_j in ``trial``, sum_j couple[j] k_j in ``pull``, in one pass.

    The first stage's point is y itself, and stays where it is.

    Where the point of the stage before, still in ``trial``, is the same sum with a term less, only that one is added.
    """
    combine = tail(tableau, stage * N_STAGES)
    couple, grown = tail(combine, AT_COUPLE), tableau[AT_GROWN + stage] > 0.0
    k, points, drags, start = columns(stages), columns(trial), columns(pull), columns(trial if grown else y)
    # Each row's own address, and every coefficient in a register: that halves the time.
    k0, k1, k2, k3, k4, k5, k6 = (
        k, tail(k, n), tail(k, 2 * n), tail(k, 3 * n), tail(k, 4 * n), tail(k, 5 * n), tail(k, 6 * n),
    )  # fmt: skip
    a0, a1, a2, a3, a4, a5, a6 = (
        combine[0], combine[1], combine[2], combine[3], combine[4], combine[5], combine[6],
    )  # fmt: skip
    c0, c1, c2, c3, c4, c5, c6 = couple[0], couple[1], couple[2], couple[3], couple[4], couple[5], couple[6]
    if stage == 0:
        for i in range(n):
            drags[i] = 0.0
    elif stage == 1:
        add_terms(start, (k0,), (a0,), (k0,), (c0,), n, points, drags)
    elif stage == 2:
        add_terms(start, (k0, k1), (a0, a1), (k0, k1), (c0, c1), n, points, drags)
    elif stage == 3:
        add_terms(start, (k0, k1, k2), (a0, a1, a2), (k0, k1, k2), (c0, c1, c2), n, points, drags)
    elif stage == 4:
        add_terms(
            start, (k0, k1, k2, k3), (a0, a1, a2, a3), (k0, k1, k2, k3), (c0, c1, c2, c3), n, points, drags
        )
    elif stage == 5:
        five = (k0, k1, k2, k3, k4)
        add_terms(start, five, (a0, a1, a2, a3, a4), five, (c0, c1, c2, c3, c4), n, points, drags)
    elif stage == 6:
        six = (k0, k1, k2, k3, k4, k5)
        add_terms(start, (k5,), (a5,), six, (c0, c1, c2, c3, c4, c5), n, points, drags)
    else:
        seven = (k0, k1, k2, k3, k4, k5, k6)
        add_terms(start, (k6,), (a6,), seven, (c0, c1, c2, c3, c4, c5, c6), n, points, drags)


@compact
def add_terms(
    start: Numbers, added: tuple[Numbers, ...], moves: tuple[float, ...], k: tuple[Numbers, ...],
    pulls: tuple[float, ...], n: int, points: Numbers, drags: Numbers,
) -> None:  # fmt: skip
    """Set points to start + sum_j moves[j] added[j], drags to sum_j pulls[j] k[j]."""
    for i in range(n):
        point = plus_products(start[i], moves, added, i)
        drag = sum_of_products(pulls, k, i)
        points[i], drags[i] = point, drag


@compact
def finish_step(
    y: Numbers, trial: Numbers, last: Numbers, floor: Numbers, new: Numbers, small: Numbers, table: Integers
) -> None:
    """The new state, and how far its lowest state lies above its floor."""
    ends, points, steps = columns(new), columns(trial), columns(last)
    for i in range(n_columns(y, table[N_ROW])):
        ends[i] = points[i] + steps[i]
    low, stride = real_part(y[0]) * 0.0 + np.inf, table[STATE_STRIDE]
    other = low
    for b in range(table[N_BLOCKS]):
        own, above = tail(new, b * table[BLOCK_STRIDE]), tail(floor, b * table[BLOCK_STRIDE])
        for i in range(0, table[N_STATES] - 1, 2):
            low = smaller(real_part(own[i * stride] + above[i * stride]), low)
            other = smaller(real_part(own[(i + 1) * stride] + above[(i + 1) * stride]), other)
        if table[N_STATES] % 2 == 1:
            i = (table[N_STATES] - 1) * stride
            low = smaller(real_part(own[i] + above[i]), low)
    small[LOW] = smaller(low, other)


@driver
def try_step(
    who: Integers, width: int, counts: Integers, small: Numbers, small_flat: Floats, y: Numbers, work_flat: Numbers,
    table: Integers, tableau: Floats, rtol: float,
) -> None:  # fmt: skip
    """Try one step in every lane, each of the size that `choose_steps` finds for it; the lanes' numbers begin at y.

    One loop with one call of the rates and one of the solve: each further call site costs compilation.
    """
    p, u, link_rate = tail(y, table[AT_P]), tail(y, table[AT_U]), tail(y, table[AT_LINK_RATE])
    atol, floor, stages = tail(y, table[AT_ATOL]), tail(y, table[AT_FLOOR]), tail(y, table[AT_STAGES])
    values, lu = tail(y, table[AT_TERMS]), tail(y, table[AT_FACTORS])
    row, scratch = table[N_ROW], tail(y, table[AT_SCRATCH])
    slope, trial = tail(scratch, SLOPE * row), tail(scratch, TRIAL * row)
    pull, dense = tail(scratch, PULL * row), tail(scratch, DENSE * row)
    n_wide = n_columns(y, row)
    for s in range(N_STAGES):
        combine_stages(s, n_wide, y, stages, tableau, trial, pull)
        rates(trial if s > 0 else y, p, u, link_rate, table, slope)
        if s == 0:
            jacobian(y, p, u, link_rate, table, values)
            if not all_above(small[CLOCK + STEP], 0.0):
                rows, places = tail(table, table[LIST_ROW]), tail(table, table[LIST_COLUMN])
                linear.multiply(values, rows, places, table[N_TERMS], slope, dense, table[N])
                small[ERROR] = mean_square(slope, y, y, rtol, atol, lu, table)
                small[LOW] = mean_square(dense, y, y, rtol, atol, lu, table)
                for lane in range(width):
                    if who[lane] >= 0 and small_flat[(CLOCK + STEP) * width + lane] <= 0.0:
                        done = tail(counts, who[lane] * N_COUNTS)
                        choose_first_step(lane, width, done, small_flat, work_flat, table, rtol)
            choose_steps(small, tableau[AT_GAMMA])
            factorise(values, link_rate, small, table, lu, dense)
        substitute(slope, pull, small, table, lu, dense, tail(stages, s * row))
    last, new = tail(stages, (N_STAGES - 1) * row), tail(scratch, NEW * row)
    finish_step(y, trial, last, floor, new, small, table)
    error = mean_square(last, y, new, rtol, atol, lu, table)
    small[ERROR], small[FACTOR] = error, inverse_tenth_root(larger(error, SMALLEST))


@driver
def judge_each(
    who: Integers, verdicts: Integers, width: int, counts: Integers, small: Floats, work: Numbers, table: Integers,
    rtol: float,
) -> None:  # fmt: skip
    """Say of each lane whether its step is accepted; idle ones keep what they have."""
    for lane in range(width):
        verdicts[lane] = MORE
        if who[lane] >= 0:
            done = tail(counts, who[lane] * N_COUNTS)
            verdicts[lane] = judge(lane, width, done, small, work, table, rtol)
        small[ACCEPTED * width + lane] = -1.0 if verdicts[lane] == DONE else 1.0


@compact
def take_steps(passed: bool, small: Numbers, work: Numbers, table: Integers) -> None:
    """Make the new state of every accepted lane its current one; ``passed`` when all are accepted."""
    new, ok = tail(work, table[AT_SCRATCH] + NEW * table[N_ROW]), small[ACCEPTED]
    for i in range(table[N]):
        work[i] = new[i] if passed else where_negative(ok, new[i], work[i])


@kept_compact
def advance(
    table: Integers, queue: Integers, who: Integers, verdicts: Integers, clock: Floats, counts: Integers,
    own: Numbers, t_out: Floats, rows: Numbers, small: Numbers, work: Numbers, tableau: Floats, rtol: float,
    max_tries: int,
) -> int:  # fmt: skip
    """Integrate the members of a queue to the ends of their spans; MORE after ``max_tries`` steps of the lanes.

    Members whose status is MORE are taken; each leaves with its new state, and with DONE or the way it failed as its
    status. Every decision follows from the arrays, so calling again after MORE continues with the same bits whatever
    ``max_tries`` is. After an event set the member's ``clock[STEP] = 0``. A step is accepted when its scaled error is
    at most 1 and no state is below ``-floor``.

    Parameters
    ----------
    table : see `collagensim.kernels.table`, where the places in clock, counts, small and work are named too.
    queue, who, verdicts : (2,) see `refill`; (width,) member in each lane or -1; (width,) scratch.
    clock, counts, own : (n_members, n_clock), (n_members, n_counts), (n_members, n_own).
    t_out, rows : (n_members, n_out) sorted; (n_members, n_out, n).
    small, work : (n_small, width), (n_work, width), or of one axis where `as_numbers` is to make plain numbers of them.
    tableau : `Tableau.coefficients`.
    """
    plan, first, last, verdict = flat(table), flat(queue), flat(who), flat(verdicts)
    clocks, all_counts, all_own, times, all_rows = (
        flat(clock),
        flat(counts),
        flat(own),
        flat(t_out),
        flat(rows),
    )
    lanes, decided, work_flat, small_flat, method = (
        as_numbers(work),
        as_numbers(small),
        flat(work),
        flat(small),
        flat(tableau),
    )
    width, n_out, tries, at_work = who.size, t_out.shape[1], 0, 1
    changed = True
    while True:
        if changed:
            at_work = refill(
                last, width, first, clocks, all_counts, all_own, times, n_out, all_rows, small_flat, work_flat, plan,
            )  # fmt: skip
        if at_work == 0:
            return DONE
        if tries >= max_tries:
            break
        tries += 1
        try_step(last, width, all_counts, decided, small_flat, lanes, work_flat, plan, method, rtol)
        passed = all_pass(decided)
        if passed:
            decided[ACCEPTED] = -1.0
        else:
            judge_each(last, verdict, width, all_counts, small_flat, work_flat, plan, rtol)
        reach(decided)
        if not all_above(decided[DUE], decided[REACHED]):
            if work.ndim == 2:
                write_rows_of_lanes(
                    last, all_counts, times, n_out, all_rows, decided, small_flat, lanes, work_flat, plan, method,
                )  # fmt: skip
            else:
                write_rows(last[0], all_counts, times, n_out, all_rows, decided, lanes, plan, method)
        accept(decided)
        take_steps(passed, decided, lanes, plan)
        changed = not (passed and all_above(decided[CLOCK + UNTIL], decided[CLOCK + TIME]))
        if changed:
            empty_lanes(
                last, verdict, passed, width, clocks, all_counts, all_own, small_flat, work_flat, plan
            )
    for lane in range(width):
        if last[lane] >= 0:
            note_lane(lane, last[lane], width, small_flat, clocks, all_counts)
            forget_counts(lane, width, small_flat)
    return MORE


@kept_compact
def rates_of(table: Integers, y: Numbers, own: Numbers, out: Numbers) -> None:
    """`rates` at y (n,) of a member whose own numbers are ``own``, for callers outside."""
    numbers, plan = flat(own), flat(table)
    p, u, link_rate = tail(numbers, plan[AT_P]), tail(numbers, plan[AT_U]), tail(numbers, plan[AT_LINK_RATE])
    rates(flat(y), p, u, link_rate, plan, flat(out))


@kept_compact
def jacobian_of(table: Integers, y: Numbers, own: Numbers, values: Numbers) -> None:
    """`jacobian` at y (n,) of a member whose own numbers are ``own``, for callers outside."""
    numbers, plan = flat(own), flat(table)
    p, u, link_rate = tail(numbers, plan[AT_P]), tail(numbers, plan[AT_U]), tail(numbers, plan[AT_LINK_RATE])
    jacobian(flat(y), p, u, link_rate, plan, flat(values))
