"""What decides on steps: which size each lane tries, whether a step is accepted, and which comes next.

These functions look at one member or lane at a time. ``clock`` and ``counts`` are a member's own (see
`collagensim.kernels.table`); ``small`` and ``work`` are flat, number k of a lane at ``k * width + lane``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.numbers import (
    compact,
    driver,
    less_product,
    plus_product,
    real_part,
    rough_inverse_tenth_root,
    tail,
)
from collagensim.kernels.table import (
    AT_ATOL,
    AT_FLOOR,
    AT_SCRATCH,
    AT_STAGES,
    BLOCK_STRIDE,
    DONE,
    ERROR,
    FACTOR,
    FACTORISATIONS,
    INVERSE,
    LAST_FACTOR,
    LAST_STEP,
    LOW,
    MORE,
    N_BLOCKS,
    N_CLOCK,
    N_COUNTS,
    N_ROW,
    N_STAGES,
    N_STATES,
    NEW,
    NOT_FINITE,
    PIVOT,
    RATES,
    REJECTED,
    RETRY,
    SHIFT,
    SINGULAR,
    SLOPE,
    STATE,
    STATE_STRIDE,
    STEP,
    STEP_TOO_SMALL,
    STEPS,
    TIME,
    TRIED,
    UNTIL,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from collagensim.kernels.numbers import Number, Numbers

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]

# A proposal aims at an error of SAFETY^5 = 0.6 tolerances.
SAFETY, MOST, LEAST = 0.9, 8.0, 0.1
SMALLEST = 1e-20  # mean square of an error below which a step grows no more


@compact
def inverse_tenth_root(x: Number) -> Number:
    """x^-0.1 of a positive number: for the mean square of an error, that error^-0.2; to 4.3e-4 of it.

    The series of (1 - r)^-0.1 in r = 1 - x w^10 from a guess w whose r is 0.32 at most. A proposal keeps a margin of a
    tenth, so more digits would say nothing, and the next step waits for them. A library's power would be called once
    for each lane.
    """
    w = rough_inverse_tenth_root(x)
    square = w * w
    fourth = square * square
    r = less_product(1.0, x, fourth * fourth * square)
    return plus_product(w, w * r, plus_product(0.1, r, plus_product(0.055, r, 0.0385)))


@compact
def any_fresh(who: Integers, width: int, clock: Floats) -> bool:
    """Whether a lane has yet to choose its first step."""
    for lane in range(width):  # noqa: SIM110 - compiled
        if who[lane] >= 0 and clock[who[lane] * N_CLOCK + STEP] <= 0.0:
            return True
    return False


@compact
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
    h: float = scale * inverse_tenth_root((speed * scale) ** 2)
    return min(span, h)


@driver
def choose_steps(
    who: Integers, width: int, clock: Floats, counts: Integers, small: Floats, work: Numbers, table: Integers,
    gamma: float, rtol: float,
) -> None:  # fmt: skip
    """The step that each lane tries, never beyond its end; NaN where the rates are not finite."""
    inverse_gamma = 1.0 / gamma
    for lane in range(width):
        h = 1.0
        member = who[lane]
        if member >= 0:
            own = tail(clock, member * N_CLOCK)
            span = own[UNTIL] - own[TIME]
            if own[STEP] <= 0.0:
                own[LAST_STEP] = 0.0
                own[STEP] = first_step(
                    np.sqrt(small[ERROR * width + lane]), np.sqrt(small[LOW * width + lane]), span
                )
            h = own[STEP]
            if h * 1.0001 >= span:
                h = span
            elif 2.0 * h > span:
                # Two equal steps to the end instead of a long one and a sliver.
                h = 0.5 * span
            if not np.isfinite(h):
                # Now, because the stages to come overwrite the slope.
                slope = table[AT_SCRATCH] + SLOPE * table[N_ROW]
                counts[member * N_COUNTS + STATE] = worst_state(work, slope, 0, lane, width, table, rtol)
        inverse = 1.0 / h
        small[TRIED * width + lane] = h
        small[INVERSE * width + lane] = inverse
        small[SHIFT * width + lane] = inverse * inverse_gamma


@driver
def judge(
    lane: int, width: int, clock: Floats, counts: Integers, small: Floats, work: Numbers, table: Integers,
    rtol: float,
) -> int:  # fmt: skip
    """DONE if a lane's step is accepted, MORE if a smaller one is to be tried, else how its member failed."""
    h, pivot, shift = small[TRIED * width + lane], small[PIVOT * width + lane], small[SHIFT * width + lane]
    error, low = np.sqrt(small[ERROR * width + lane]), small[LOW * width + lane]
    counts[RATES] += N_STAGES
    counts[FACTORISATIONS] += 1
    if not np.isfinite(h):
        return NOT_FINITE
    cause = STEP_TOO_SMALL
    if not pivot > 1e-10 * shift:
        cause = SINGULAR
    elif not np.isfinite(error):
        cause = NOT_FINITE
    elif error <= 1.0 and low >= 0.0 and clock[TIME] + h != clock[TIME]:
        return DONE
    if reject(cause, error, small[FACTOR * width + lane], h, clock, counts):
        return MORE
    if error <= 1.0 and low < 0.0:
        counts[STATE] = lowest_state(work, lane, width, table)
    else:
        new, last = table[AT_SCRATCH] + NEW * table[N_ROW], table[AT_STAGES] + (N_STAGES - 1) * table[N_ROW]
        counts[STATE] = worst_state(work, last, new, lane, width, table, rtol)
    return cause


@compact
def accept(tried: float, factor: float, clock: Floats, counts: Integers) -> None:
    """Move a member's clock and propose its next step; ``factor`` is error^-0.2."""
    proposed = tried * growth(factor, tried, clock[LAST_FACTOR], clock[LAST_STEP], counts[RETRY] == 1)
    # A step cut short for the end says nothing against the longer one that was proposed.
    clock[TIME] = end_of_step(tried, clock)
    clock[STEP] = max(proposed, clock[STEP]) if tried < clock[STEP] else proposed
    clock[LAST_FACTOR], clock[LAST_STEP] = factor, tried
    counts[STEPS] += 1
    counts[RETRY] = 0


@compact
def growth(factor: float, tried: float, last_factor: float, last_step: float, was_rejected: bool) -> float:
    """Factor for the step after an accepted one: the smaller of the asymptotic and Gustafsson's predictive proposal.

    ``factor`` and ``last_factor`` are error^-0.2 of this step and of the last one.
    """
    proposal: float = SAFETY * factor
    if last_step > 0.0:
        proposal = min(proposal, proposal * (tried / (last_step * last_factor) * factor))
    return min(max(proposal, LEAST), 1.0 if was_rejected else MOST)


@compact
def end_of_step(h: float, clock: Floats) -> float:
    """Time after a step of size h: the end of the span itself when h was cut to reach it."""
    start, end = clock[TIME], clock[UNTIL]
    return float(end if h == end - start else start + h)


@compact
def reject(cause: int, error: float, factor: float, tried: float, clock: Floats, counts: Integers) -> bool:
    """Propose a smaller step; False if it would be too small to advance the clock. ``factor`` is error^-0.2."""
    share = 0.25
    if cause == STEP_TOO_SMALL:
        share = 0.5 if error <= 1.0 else max(LEAST, SAFETY * factor)
    h = tried * share
    clock[STEP] = h
    counts[REJECTED] += 1
    counts[RETRY] = 1
    # The second bound is for a clock at zero, where every step advances.
    return bool(clock[TIME] + 0.25 * h != clock[TIME] and h > 1e-30)


@compact
def worst_state(
    work: Numbers, first: int, state: int, lane: int, width: int, table: Integers, rtol: float
) -> int:
    """Index of a lane's first state where x or y is not finite, else of its largest x_i / (atol_i + rtol |y_i|).

    x starts at number ``first``, y at ``state``.
    """
    worst, highest = 0, -1.0
    for i in range(table[N_STATES]):
        for b in range(table[N_BLOCKS]):
            k = i * table[STATE_STRIDE] + b * table[BLOCK_STRIDE]
            x, y = abs(work[(first + k) * width + lane]), abs(work[(state + k) * width + lane])
            ratio = x / (real_part(work[(table[AT_ATOL] + k) * width + lane]) + rtol * y)
            if not (np.isfinite(ratio) and np.isfinite(y)):
                return int(k)
            if ratio > highest:
                worst, highest = k, ratio
    return worst


@compact
def lowest_state(work: Numbers, lane: int, width: int, table: Integers) -> int:
    """Index of the new state of a lane that lies furthest below its floor."""
    worst, low = 0, np.inf
    new = table[AT_SCRATCH] + NEW * table[N_ROW]
    for i in range(table[N_STATES]):
        for b in range(table[N_BLOCKS]):
            k = i * table[STATE_STRIDE] + b * table[BLOCK_STRIDE]
            above = real_part(work[(new + k) * width + lane] + work[(table[AT_FLOOR] + k) * width + lane])
            if above < low:
                worst, low = k, above
    return worst
