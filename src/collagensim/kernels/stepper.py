"""Adaptive RODAS5P for many members at once: each lane of a number carries one member with its own time and step.

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
from collagensim.kernels.numbers import (
    as_numbers,
    at,
    call,
    columns,
    kept,
    kernel,
    larger,
    plus_product,
    put,
    real_part,
    segment,
    smaller,
    where_negative,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]
    Links: TypeAlias = tuple[Integers, Integers]
    Plans: TypeAlias = tuple[tuple[Integers, ...], tuple[npt.NDArray[np.uint32], ...]]
    Tableau: TypeAlias = tuple[Floats, Floats, Floats, float]

# How a span ends for a member; how a call of `advance` ends (DONE or MORE).
DONE, MORE, NOT_FINITE, STEP_TOO_SMALL, SINGULAR = 0, 1, 2, 3, 4
# clock: time [unit of t]; next step, 0 = choose one; error and size of the last accepted step; end of the span.
TIME, STEP, LAST_ERROR, LAST_STEP, UNTIL = 0, 1, 2, 3, 4
N_CLOCK = 5
# counts: work done so far; next output row; state to blame for a failure; whether the last attempt was rejected; how
# the span ended (MORE while it has not).
STEPS, REJECTED, RATES, FACTORISATIONS, ROW, STATE, RETRY, STATUS = 0, 1, 2, 3, 4, 5, 6, 7
N_COUNTS = 8
# Numbers of `small`: the step being tried, its inverse, 1/(h gamma); error, lowest state above its floor, smallest
# pivot; place within the step of an output row.
TRIED, INVERSE, SHIFT, ERROR, LOW, PIVOT, THETA = 0, 1, 2, 3, 4, 5, 6
N_SMALL = 7
# Of `functions`, the model's machine code: see `collagensim.kernels.module_text`.
BLOCK_RATES, BLOCK_JACOBIAN, BLOCK_FACTORISE, BLOCK_FORWARD, BLOCK_BACKWARD = range(5)
# Of `sizes`: lengths of y, p, u, link_rate, terms, factors; states of a block and blocks, without padding;
# y[i * STATE_STRIDE + b * BLOCK_STRIDE] is state i of block b; length of a row of stages and scratch; blocks that one
# call serves.
N, N_P, N_U, N_LINKS, N_TERMS, N_LU = 0, 1, 2, 3, 4, 5
N_STATES, N_BLOCKS, STATE_STRIDE, BLOCK_STRIDE, N_ROW, AT_ONCE = 6, 7, 8, 9, 10, 11
# Rows of `scratch`, each (N_ROW,); BLEND is the first of three.
SLOPE, TRIAL, NEW, PULL, DENSE, PLACED, BLEND = 0, 1, 2, 3, 4, 5, 6
N_SCRATCH = 9
N_STAGES = 8
# Step control: a proposal aims at an error of SAFETY^5 = 0.6 tolerances.
SAFETY, MOST, LEAST = 0.9, 8.0, 0.1


@kernel
def rates(
    functions: Integers, y: Numbers, p: Numbers, u: Numbers, links: Links, link_rate: Numbers, sizes: Integers,
    out: Numbers,
) -> None:  # fmt: skip
    """dy/dt of the whole system; y, out (n,), p (n_p,), u (n_blocks * n_u,), link_rate (n_links,)."""
    m = sizes[N_STATES]
    n_blocks = y.size // m
    n_u = u.size // n_blocks
    for b in range(0, n_blocks, sizes[AT_ONCE]):
        call(
            functions[BLOCK_RATES], (segment(y, b * m, 0), p, segment(u, b * n_u, 0), segment(out, b * m, 0))
        )
    link_to, link_from = links
    for k in range(link_to.size):
        to = link_to[k]
        put(out, to, plus_product(at(out, to), at(link_rate, k), at(y, link_from[k]) - at(y, to)))


@kernel
def jacobian(
    functions: Integers,
    y: Numbers,
    p: Numbers,
    u: Numbers,
    link_rate: Numbers,
    sizes: Integers,
    values: Numbers,
) -> None:
    """The Jacobian's terms: those of each block, then +rate and -rate of each link, unsummed."""
    m = sizes[N_STATES]
    n_blocks = y.size // m
    n_u = u.size // n_blocks
    n_local = (values.size - 2 * link_rate.size) // n_blocks
    for b in range(0, n_blocks, sizes[AT_ONCE]):
        own = segment(y, b * m, 0), segment(u, b * n_u, 0)
        call(functions[BLOCK_JACOBIAN], (own[0], p, own[1], segment(values, b * n_local, 0)))
    first = n_blocks * n_local
    for k in range(link_rate.size):
        put(values, first + 2 * k, at(link_rate, k))
        put(values, first + 2 * k + 1, -at(link_rate, k))


@kernel
def factorise(
    functions: Integers,
    values: Numbers,
    link_rate: Numbers,
    small: Numbers,
    plans: Plans,
    lu: Numbers,
    dense: Numbers,
) -> None:
    """Factors of SHIFT I - J, smallest |pivot| into PIVOT: of joined blocks, of one block, or by operation lists."""
    shift, weakest = segment(small, SHIFT, 1), segment(small, PIVOT, 1)
    grid, sparse = plans
    if grid[0].size > 0:
        coupled.factorise_blocks(functions[BLOCK_FACTORISE], values, link_rate, shift, weakest, grid, lu)
    elif sparse[0].size > 0:
        linear.factorise(values, shift, weakest, sparse, lu, dense)
    else:
        # Behind the factors: machine code reads and writes numbers of one kind only.
        own = segment(lu, lu.size - 2, 1), segment(lu, lu.size - 1, 1)
        own[0][0], own[1][0] = shift[0], abs(shift[0])
        call(functions[BLOCK_FACTORISE], (values, own[0], lu, dense, own[1]))
        weakest[0] = real_part(own[1][0])


@kernel
def substitute(
    functions: Integers, right: Numbers, plans: Plans, lu: Numbers, dense: Numbers, out: Numbers
) -> None:
    """Solve with the factors of `factorise`; right, out (n,)."""
    grid, sparse = plans
    if grid[0].size > 0:
        coupled.solve_blocks(functions[BLOCK_FORWARD], functions[BLOCK_BACKWARD], right, grid, lu, dense, out)
    elif sparse[0].size > 0:
        linear.substitute(right, sparse, lu, dense, out)
    else:
        call(functions[BLOCK_FORWARD], (right, lu, dense, dense))
        call(functions[BLOCK_BACKWARD], (out, dense, lu, dense))


@kernel
def mean_square(x: Numbers, y: Numbers, rtol: float, atol: Numbers, sizes: Integers) -> Number:
    """Mean square of x_i / (atol_i + rtol |y_i|) [1]; summed state by state, whatever the layout."""
    total = abs(x[0]) * 0.0
    for i in range(sizes[N_STATES]):
        for b in range(sizes[N_BLOCKS]):
            k = i * sizes[STATE_STRIDE] + b * sizes[BLOCK_STRIDE]
            ratio = abs(at(x, k)) / plus_product(real_part(at(atol, k)), rtol, abs(at(y, k)))
            total = plus_product(total, ratio, ratio)
    return total / (sizes[N_STATES] * sizes[N_BLOCKS])


@kernel
def combine_stages(
    stage: int, y: Numbers, stages: Numbers, tableau: Tableau, trial: Numbers, pull: Numbers
) -> None:
    """The stage's point y + sum_j combine[j] k_j in ``trial``, sum_j couple[j] k_j in ``pull``, in one pass."""
    first = stage * N_STAGES
    combine, couple = (
        segment(tableau[0].reshape(-1), first, stage),
        segment(tableau[1].reshape(-1), first, stage),
    )
    start, slopes, points, drags = columns(y), columns(stages), columns(trial), columns(pull)
    n = start.size
    for i in range(n):
        point, drag = at(start, i), at(start, i) * 0.0
        for j in range(stage):
            k = at(slopes, j * n + i)
            point = plus_product(point, at(combine, j), k)
            drag = plus_product(drag, at(couple, j), k)
        put(points, i, point)
        put(drags, i, drag)


@kernel
def finish_step(
    y: Numbers, trial: Numbers, last: Numbers, rtol: float, atol: Numbers, floor: Numbers, new: Numbers,
    small: Numbers, sizes: Integers,
) -> None:  # fmt: skip
    """The new state, the mean square of its scaled error, and how far its lowest state lies above its floor."""
    total = abs(y[0]) * 0.0
    low = total + np.inf
    for i in range(sizes[N_STATES]):
        for b in range(sizes[N_BLOCKS]):
            k = i * sizes[STATE_STRIDE] + b * sizes[BLOCK_STRIDE]
            z = at(trial, k) + at(last, k)
            put(new, k, z)
            size = larger(abs(at(y, k)), abs(z))
            ratio = abs(at(last, k)) / plus_product(real_part(at(atol, k)), rtol, size)
            total = plus_product(total, ratio, ratio)
            low = smaller(real_part(z + at(floor, k)), low)
    small[ERROR] = total / (sizes[N_STATES] * sizes[N_BLOCKS])
    small[LOW] = low


@kernel
def first_step(speed: float, curvature: float, span: float) -> float:
    """Step with a fifth-order error of about one tolerance, were |f| / |J f| the time scale of y.

    For an autonomous system J f is the second derivative, so no trial step is needed. NaN where f or J f is not finite.
    """
    if not (np.isfinite(speed) and np.isfinite(curvature)):
        return np.nan
    if speed == 0.0:
        return span
    if curvature == 0.0:
        return min(span, 1.0 / speed)
    scale = speed / curvature
    h: float = scale * (1.0 / (speed * scale)) ** 0.2
    return min(span, h)


@kernel
def growth(error: float, tried: float, last_error: float, last_step: float, was_rejected: bool) -> float:
    """Factor for the step after an accepted one: the smaller of the asymptotic and Gustafsson's predictive proposal."""
    factor: float = SAFETY * error**-0.2
    if last_step > 0.0:
        trend = tried / last_step * (last_error / error) ** 0.2
        factor = min(factor, factor * trend)
    return min(max(factor, LEAST), 1.0 if was_rejected else MOST)


@kernel
def accept(member: int, tried: float, error: float, clock: Floats, counts: Integers) -> None:
    """Move a member's clock and propose its next step."""
    error = max(error, 1e-10)
    retry = counts[member, RETRY] == 1
    proposed = tried * growth(error, tried, clock[member, LAST_ERROR], clock[member, LAST_STEP], retry)
    # A step cut short for the end says nothing against the longer one that was proposed.
    clock[member, TIME] = end_of_step(member, tried, clock)
    clock[member, STEP] = max(proposed, clock[member, STEP]) if tried < clock[member, STEP] else proposed
    clock[member, LAST_ERROR], clock[member, LAST_STEP] = error, tried
    counts[member, STEPS] += 1
    counts[member, RETRY] = 0


@kernel
def end_of_step(member: int, h: float, clock: Floats) -> float:
    """Time after a step of size h: the end of the span itself when h was cut to reach it."""
    start, end = clock[member, TIME], clock[member, UNTIL]
    return float(end if h == end - start else start + h)


@kernel
def reject(member: int, cause: int, error: float, tried: float, clock: Floats, counts: Integers) -> bool:
    """Propose a smaller step; False if it would be too small to advance the clock."""
    factor = 0.25
    if cause == STEP_TOO_SMALL:
        factor = 0.5 if error <= 1.0 else max(LEAST, SAFETY * error**-0.2)
    h = tried * factor
    clock[member, STEP] = h
    counts[member, REJECTED] += 1
    counts[member, RETRY] = 1
    # The second bound is for a clock at zero, where every step advances.
    return bool(clock[member, TIME] + 0.25 * h != clock[member, TIME] and h > 1e-30)


@kernel
def try_step(
    functions: Integers, links: Links, who: Integers, clock: Floats, counts: Integers, small: Numbers,
    small_flat: Floats, work: Numbers,
    work_flat: Numbers, sizes: Integers, terms_at: Links, plans: Plans, tableau: Tableau, rtol: float,
) -> None:  # fmt: skip
    """Try one step in every lane, each of the size that `choose_steps` finds for it.

    One loop with one call of the rates and one of the solve: each further call site costs compilation.
    """
    n, row, scratch, first_stage = sizes[N], sizes[N_ROW], first_scratch(sizes), n_own(sizes)
    y, atol, floor = (
        segment(work, 0, n),
        segment(work, first_stage - 2 * n, n),
        segment(work, first_stage - n, n),
    )
    p, u = segment(work, n, sizes[N_P]), segment(work, n + sizes[N_P], sizes[N_U])
    link_rate = segment(work, n + sizes[N_P] + sizes[N_U], sizes[N_LINKS])
    stages, terms = segment(work, first_stage, N_STAGES * row), scratch + N_SCRATCH * row
    values, lu = segment(work, terms, sizes[N_TERMS]), segment(work, terms + sizes[N_TERMS], sizes[N_LU])
    slope, trial = segment(work, scratch + SLOPE * row, n), segment(work, scratch + TRIAL * row, n)
    pull, dense = segment(work, scratch + PULL * row, n), segment(work, scratch + DENSE * row, n)
    whole = (
        segment(work, 0, row),
        segment(work, scratch + TRIAL * row, row),
        segment(work, scratch + PULL * row, row),
    )
    for s in range(N_STAGES):
        combine_stages(s, whole[0], stages, tableau, whole[1], whole[2])
        rates(functions, trial, p, u, links, link_rate, sizes, slope)
        if s == 0:
            jacobian(functions, y, p, u, link_rate, sizes, values)
            if any_fresh(who, clock):
                linear.multiply(values, terms_at[0], terms_at[1], slope, dense)
                small[ERROR] = mean_square(slope, y, rtol, atol, sizes)
                small[LOW] = mean_square(dense, y, rtol, atol, sizes)
            choose_steps(who, clock, counts, small_flat, work_flat, sizes, tableau[3], rtol)
            factorise(functions, values, link_rate, small, plans, lu, dense)
        inverse = at(small, INVERSE)
        for i in range(n):
            put(slope, i, plus_product(at(slope, i), inverse, at(pull, i)))
        substitute(functions, slope, plans, lu, dense, segment(stages, s * row, n))
    last, new = segment(stages, (N_STAGES - 1) * row, n), segment(work, scratch + NEW * row, n)
    finish_step(y, trial, last, rtol, atol, floor, new, small, sizes)


@kernel
def n_own(sizes: Integers) -> int:
    """Length of a row of ``own``: y, p, u, link_rate, atol, floor."""
    return int(3 * sizes[N] + sizes[N_P] + sizes[N_U] + sizes[N_LINKS])


@kernel
def first_scratch(sizes: Integers) -> int:
    """Place of the scratch rows in ``work``."""
    return n_own(sizes) + N_STAGES * int(sizes[N_ROW])


@kernel
def any_fresh(who: Integers, clock: Floats) -> bool:
    """Whether a lane has yet to choose its first step."""
    for lane in range(who.size):  # noqa: SIM110 - compiled
        if who[lane] >= 0 and clock[who[lane], STEP] <= 0.0:
            return True
    return False


@kernel
def choose_steps(
    who: Integers, clock: Floats, counts: Integers, small: Floats, work: Numbers, sizes: Integers, gamma: float,
    rtol: float,
) -> None:  # fmt: skip
    """The step that each lane tries, never beyond its end; NaN where the rates are not finite."""
    width = who.size
    for lane in range(width):
        h = 1.0
        member = who[lane]
        if member >= 0:
            span = clock[member, UNTIL] - clock[member, TIME]
            if clock[member, STEP] <= 0.0:
                speed, curvature = small[ERROR * width + lane], small[LOW * width + lane]
                clock[member, LAST_STEP] = 0.0
                clock[member, STEP] = first_step(np.sqrt(speed), np.sqrt(curvature), span)
            h = clock[member, STEP]
            if h * 1.0001 >= span:
                h = span
            elif 2.0 * h > span:
                # Two equal steps to the end instead of a long one and a sliver.
                h = 0.5 * span
            if not np.isfinite(h):
                # Now, because the stages to come overwrite the slope.
                slope = first_scratch(sizes) + SLOPE * sizes[N_ROW]
                counts[member, STATE] = worst_state(work, slope, 0, lane, width, sizes, rtol)
        small[TRIED * width + lane] = h
        small[INVERSE * width + lane] = 1.0 / h
        small[SHIFT * width + lane] = 1.0 / (h * gamma)


@kernel
def worst_state(
    work: Numbers, first: int, state: int, lane: int, width: int, sizes: Integers, rtol: float
) -> int:
    """Index of a lane's first state where x or y is not finite, else of its largest x_i / (atol_i + rtol |y_i|).

    ``work`` is flat; x starts at number ``first``, y at ``state``.
    """
    worst, highest = 0, -1.0
    tolerance = n_own(sizes) - 2 * sizes[N]
    for i in range(sizes[N_STATES]):
        for b in range(sizes[N_BLOCKS]):
            k = i * sizes[STATE_STRIDE] + b * sizes[BLOCK_STRIDE]
            x, y = abs(work[(first + k) * width + lane]), abs(work[(state + k) * width + lane])
            ratio = x / (real_part(work[(tolerance + k) * width + lane]) + rtol * y)
            if not (np.isfinite(ratio) and np.isfinite(y)):
                return int(k)
            if ratio > highest:
                worst, highest = k, ratio
    return worst


@kernel
def lowest_state(work: Numbers, lane: int, width: int, sizes: Integers) -> int:
    """Index of the new state of a lane that lies furthest below its floor."""
    worst, low = 0, np.inf
    new, floor = first_scratch(sizes) + NEW * sizes[N_ROW], n_own(sizes) - sizes[N]
    for i in range(sizes[N_STATES]):
        for b in range(sizes[N_BLOCKS]):
            k = i * sizes[STATE_STRIDE] + b * sizes[BLOCK_STRIDE]
            above = real_part(work[(new + k) * width + lane] + work[(floor + k) * width + lane])
            if above < low:
                worst, low = k, above
    return worst


@kernel
def judge(
    lane: int, width: int, member: int, clock: Floats, counts: Integers, small: Floats, work: Numbers,
    sizes: Integers, rtol: float,
) -> int:  # fmt: skip
    """DONE if a lane's step is accepted, MORE if a smaller one is to be tried, else how its member failed."""
    h, pivot, shift = small[TRIED * width + lane], small[PIVOT * width + lane], small[SHIFT * width + lane]
    error, low = np.sqrt(small[ERROR * width + lane]), small[LOW * width + lane]
    counts[member, RATES] += N_STAGES
    counts[member, FACTORISATIONS] += 1
    if not np.isfinite(h):
        return NOT_FINITE
    cause = STEP_TOO_SMALL
    if not pivot > 1e-10 * shift:
        cause = SINGULAR
    elif not np.isfinite(error):
        cause = NOT_FINITE
    elif error <= 1.0 and low >= 0.0 and clock[member, TIME] + h != clock[member, TIME]:
        return DONE
    if reject(member, cause, error, h, clock, counts):
        return MORE
    if error <= 1.0 and low < 0.0:
        counts[member, STATE] = lowest_state(work, lane, width, sizes)
    else:
        new, last = first_scratch(sizes) + NEW * sizes[N_ROW], n_own(sizes) + (N_STAGES - 1) * sizes[N_ROW]
        counts[member, STATE] = worst_state(work, last, new, lane, width, sizes, rtol)
    return cause


@kernel
def blend(work: Numbers, dense: Floats, sizes: Integers) -> None:
    """The three coefficients of the interpolant of every state."""
    row, scratch = sizes[N_ROW], first_scratch(sizes)
    slopes = columns(segment(work, n_own(sizes), N_STAGES * row))
    blends = columns(segment(work, scratch + BLEND * row, 3 * row))
    n = slopes.size // N_STAGES
    for d in range(3):
        for i in range(n):
            total = at(slopes, i) * dense[d, 0]
            for s in range(1, N_STAGES):
                total = plus_product(total, dense[d, s], at(slopes, s * n + i))
            put(blends, d * n + i, total)


@kernel
def interpolate(work: Numbers, theta: Number, sizes: Integers) -> None:
    """States at ``theta`` of the step, into PLACED, by the method's own fourth-order interpolant.

    Between two accepted states the interpolant of a fast decay may dip under the floor although neither end does.
    There it is replaced, component by component, by the straight line between the ends. That is no clip: a true
    solution with both ends above the floor and a dip below it would have failed the error test, so the dip is the
    polynomial's own, and the line differs from it by a few absolute tolerances.
    """
    row, scratch = sizes[N_ROW], first_scratch(sizes)
    y, floor = columns(segment(work, 0, row)), columns(segment(work, n_own(sizes) - sizes[N], row))
    new, out = (
        columns(segment(work, scratch + NEW * row, row)),
        columns(segment(work, scratch + PLACED * row, row)),
    )
    blends = columns(segment(work, scratch + BLEND * row, 3 * row))
    rest, n = 1.0 - theta, y.size
    for i in range(n):
        line = rest * y[i] + theta * new[i]
        bend = plus_product(blends[n + i], theta, blends[2 * n + i])
        value = plus_product(line, rest * theta, plus_product(blends[i], theta, bend))
        out[i] = where_negative(real_part(value + floor[i]), line, value)


@kernel
def is_due(member: int, after: float, counts: Integers, t_out: Floats) -> bool:
    """Whether the member's next output row lies at or before ``after``."""
    row = counts[member, ROW]
    return bool(row < t_out.shape[1] and t_out[member, row] <= after)


@kernel
def find_due(
    who: Integers, verdicts: Integers, clock: Floats, counts: Integers, t_out: Floats, small: Floats
) -> bool:
    """Set each lane's THETA to the place of its next row within its step, -1 for none; whether there is any."""
    due, width = False, who.size
    for lane in range(width):
        small[THETA * width + lane] = -1.0
        member = who[lane]
        if member >= 0 and verdicts[lane] == DONE:
            h = small[TRIED * width + lane]
            if is_due(member, end_of_step(member, h, clock), counts, t_out):
                small[THETA * width + lane] = (t_out[member, counts[member, ROW]] - clock[member, TIME]) / h
                due = True
    return due


@kernel
def write_rows(
    who: Integers, verdicts: Integers, clock: Floats, counts: Integers, t_out: Floats, rows: Numbers, small: Numbers,
    small_flat: Floats, work: Numbers, work_flat: Numbers, sizes: Integers, tableau: Tableau,
) -> None:  # fmt: skip
    """Fill the rows that lie inside the accepted steps, one of each lane at a time."""
    width, out, blended = who.size, first_scratch(sizes) + PLACED * sizes[N_ROW], False
    while find_due(who, verdicts, clock, counts, t_out, small_flat):
        if not blended:
            blend(work, tableau[2], sizes)
            blended = True
        interpolate(work, small[THETA], sizes)
        for lane in range(width):
            if small_flat[THETA * width + lane] >= 0.0:
                for i in range(sizes[N]):
                    rows[who[lane], counts[who[lane], ROW], i] = at(work_flat, (out + i) * width + lane)
                counts[who[lane], ROW] += 1


@kernel
def take_steps(
    who: Integers, verdicts: Integers, clock: Floats, counts: Integers, small: Floats, work: Numbers,
    work_flat: Numbers, sizes: Integers,
) -> None:  # fmt: skip
    """Make the new state of every accepted lane its current one and move its clock."""
    width, n, new, at_one = who.size, sizes[N], first_scratch(sizes) + NEW * sizes[N_ROW], True
    for lane in range(width):
        at_one = at_one and (who[lane] < 0 or verdicts[lane] == DONE)
    if at_one:
        for i in range(n):
            put(work, i, at(work, new + i))
    for lane in range(width):
        if who[lane] >= 0 and verdicts[lane] == DONE:
            if not at_one:
                for i in range(n):
                    work_flat[i * width + lane] = work_flat[(new + i) * width + lane]
            accept(
                who[lane], small[TRIED * width + lane], np.sqrt(small[ERROR * width + lane]), clock, counts
            )


@kernel
def refill(
    who: Integers, queue: Integers, clock: Floats, counts: Integers, own: Numbers, t_out: Floats, rows: Numbers,
    work: Numbers, n: int,
) -> int:  # fmt: skip
    """Give every idle lane the next member that has something left to do; returns the lanes at work.

    queue (2,): the next member, and one past the last. A member's rows at times already reached are its present state.
    """
    at_work = 0
    for lane in range(who.size):
        while who[lane] < 0 and queue[0] < queue[1]:
            member = queue[0]
            queue[0] = member + 1
            if counts[member, STATUS] == MORE:
                while is_due(member, clock[member, TIME], counts, t_out):
                    # Not `rows[...] = own[...]`: the text of the error that this can raise takes 1 s to compile.
                    for i in range(n):
                        rows[member, counts[member, ROW], i] = own[member, i]
                    counts[member, ROW] += 1
                if clock[member, TIME] < clock[member, UNTIL]:
                    who[lane] = member
                    for i in range(own.shape[1]):
                        work[i * who.size + lane] = own[member, i]
                else:
                    counts[member, STATUS] = DONE
        at_work += who[lane] >= 0
    return at_work


@kernel
def empty_lanes(
    who: Integers, verdicts: Integers, clock: Floats, counts: Integers, own: Numbers, work: Numbers, n: int
) -> None:
    """Unload the lanes whose members are at their end or have failed, and note how that came."""
    for lane in range(who.size):
        member, verdict = who[lane], verdicts[lane]
        if member < 0 or verdict == MORE or (verdict == DONE and clock[member, TIME] < clock[member, UNTIL]):
            continue
        for i in range(n):
            own[member, i] = work[i * who.size + lane]
        counts[member, STATUS] = verdict
        who[lane] = -1


@kept
def advance(
    functions: Integers, links: Links, queue: Integers, who: Integers, verdicts: Integers, clock: Floats,
    counts: Integers, own: Numbers,
    t_out: Floats, rows: Numbers, small: Numbers, work: Numbers, sizes: Integers, terms_at: Links, plans: Plans,
    tableau: Tableau, rtol: float, max_tries: int,
) -> int:  # fmt: skip
    """Integrate the members of a queue to the ends of their spans; MORE after ``max_tries`` steps of the lanes.

    Members whose status is MORE are taken; each leaves with its new state, and with DONE or the way it failed as its
    status. Every decision follows from the arrays, so calling again after MORE continues with the same bits whatever
    ``max_tries`` is. After an event set the member's ``clock[STEP] = 0``. A step is accepted when its scaled error is
    at most 1 and no state is below ``-floor``.

    Parameters
    ----------
    functions : (5,) addresses of the model's machine code.
    links : (link_to, link_from), (n_links,) each.
    queue, who, verdicts : (2,) see `refill`; (width,) member in each lane or -1; (width,) scratch.
    clock, counts, own, t_out, rows, small, work, sizes : see the module; (n, width) or (n,) where `as_numbers` makes
        numbers of them.
    terms_at : (rows, columns) of the Jacobian's terms, (n_terms,) each.
    plans, tableau : arrays of the two kinds of elimination plan, empty where not used; `Tableau.arrays()`.
    """
    numbers, decided = as_numbers(work), as_numbers(small)
    work_flat, small_flat = work.reshape(-1), small.reshape(-1)
    n, tries = sizes[N], 0
    while refill(who, queue, clock, counts, own, t_out, rows, work_flat, n) > 0:
        if tries >= max_tries:
            return MORE
        tries += 1
        try_step(
            functions,
            links,
            who,
            clock,
            counts,
            decided,
            small_flat,
            numbers,
            work_flat,
            sizes,
            terms_at,
            plans,
            tableau,
            rtol,
        )
        for lane in range(who.size):
            if who[lane] >= 0:
                verdicts[lane] = judge(
                    lane, who.size, who[lane], clock, counts, small_flat, work_flat, sizes, rtol
                )
        write_rows(
            who, verdicts, clock, counts, t_out, rows, decided, small_flat, numbers, work_flat, sizes, tableau
        )
        take_steps(who, verdicts, clock, counts, small_flat, numbers, work_flat, sizes)
        empty_lanes(who, verdicts, clock, counts, own, work_flat, n)
    return DONE


@kept
def rates_of(
    functions: Integers, y: Numbers, p: Numbers, u: Numbers, links: Links, link_rate: Numbers, sizes: Integers,
    out: Numbers,
) -> None:  # fmt: skip
    """`rates`, for callers outside."""
    rates(functions, y, p, u, links, link_rate, sizes, out)


@kept
def jacobian_of(
    functions: Integers,
    y: Numbers,
    p: Numbers,
    u: Numbers,
    link_rate: Numbers,
    sizes: Integers,
    values: Numbers,
) -> None:
    """`jacobian`, for callers outside."""
    jacobian(functions, y, p, u, link_rate, sizes, values)
