"""What decides on steps: which size each lane tries, whether a step is accepted, and which comes next.

What happens at every step is written for all lanes at once, on their ``small`` numbers (see
`collagensim.kernels.table`). What is rare - a first step, a step that is not accepted - looks at one lane at a time:
there ``small`` and ``work`` are flat, number k of a lane at ``k * width + lane``, and ``counts`` are a member's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.numbers import (
    all_above,
    compact,
    driver,
    larger,
    less_product,
    plus_product,
    real_part,
    rough_inverse_tenth_root,
    smaller,
    tail,
    where_negative,
)
from collagensim.kernels.table import (
    ACCEPTED,
    AT_ATOL,
    AT_FLOOR,
    AT_SCRATCH,
    AT_STAGES,
    BLOCK_STRIDE,
    CLOCK,
    DONE,
    ERROR,
    FACTOR,
    INVERSE,
    LAST_FACTOR,
    LAST_STEP,
    LOW,
    MAY_GROW,
    MISSED,
    MORE,
    N_BLOCKS,
    N_ROW,
    N_STAGES,
    N_STATES,
    NEW,
    NOT_FINITE,
    PIVOT,
    REACHED,
    SHIFT,
    SINGULAR,
    SLOPE,
    STATE,
    STATE_STRIDE,
    STEP,
    STEP_TOO_SMALL,
    TAKEN,
    TIME,
    TRIED,
    TRIES,
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
BEYOND = 1e30  # longer than any course; lanes that idle grow no further, so that their clocks never end
NO_STEP = 1e-150  # stands for the size of the step before the first


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
def choose_first_step(
    lane: int, width: int, counts: Integers, small: Floats, work: Numbers, table: Integers, rtol: float
) -> None:
    """Propose a lane's first step after an event; NaN where the rates are not finite, and note which."""
    speed, curvature = np.sqrt(small[ERROR * width + lane]), np.sqrt(small[LOW * width + lane])
    own = tail(small, CLOCK * width + lane)
    h = first_step(speed, curvature, own[UNTIL * width] - own[TIME * width])
    own[LAST_STEP * width], own[STEP * width] = 0.0, h
    if not np.isfinite(h):
        # Now, because the stages to come overwrite the slope.
        slope = table[AT_SCRATCH] + SLOPE * table[N_ROW]
        counts[STATE] = worst_state(work, slope, 0, lane, width, table, rtol)


@compact
def choose_steps(small: Numbers, gamma: float) -> None:
    """The step that each lane tries: the one proposed, but never beyond its end; NaN where that is NaN."""
    own = tail(small, CLOCK)
    h, span = own[STEP], own[UNTIL] - own[TIME]
    # Two equal steps to the end instead of a long one and a sliver.
    short = where_negative(span - 2.0 * h, 0.5 * span, h)
    tried = where_negative(1.0001 * h - span, short, plus_product(span, 0.0, h))
    inverse = 1.0 / tried
    small[TRIED], small[INVERSE], small[SHIFT] = tried, inverse, inverse * (1.0 / gamma)
    small[TRIES] = small[TRIES] + 1.0


@compact
def all_pass(small: Numbers) -> bool:
    """Whether there is no doubt that the step of every lane is accepted; else `judge` looks at each."""
    time = small[CLOCK + TIME]
    return (
        all_above(1.0, small[ERROR])
        and all_above(small[LOW], 0.0)
        and all_above(small[PIVOT], 1e-10 * small[SHIFT])
        and all_above(time + small[TRIED], time)
    )


@driver
def judge(
    lane: int, width: int, counts: Integers, small: Floats, work: Numbers, table: Integers, rtol: float
) -> int:
    """DONE if a lane's step is accepted, MORE if a smaller one is to be tried, else how its member failed."""
    h, pivot, shift = small[TRIED * width + lane], small[PIVOT * width + lane], small[SHIFT * width + lane]
    error, low = np.sqrt(small[ERROR * width + lane]), small[LOW * width + lane]
    time = small[(CLOCK + TIME) * width + lane]
    if not np.isfinite(h):
        return NOT_FINITE
    cause = STEP_TOO_SMALL
    if not pivot > 1e-10 * shift:
        cause = SINGULAR
    elif not np.isfinite(error):
        cause = NOT_FINITE
    elif error <= 1.0 and low >= 0.0 and time + h != time:
        return DONE
    if reject(cause, error, lane, width, small):
        return MORE
    if error <= 1.0 and low < 0.0:
        counts[STATE] = lowest_state(work, lane, width, table)
    else:
        new, last = table[AT_SCRATCH] + NEW * table[N_ROW], table[AT_STAGES] + (N_STAGES - 1) * table[N_ROW]
        counts[STATE] = worst_state(work, last, new, lane, width, table, rtol)
    return cause


@compact
def reach(small: Numbers) -> None:
    """The time that each lane has reached: the end of the span itself where the step was cut to reach it."""
    start, end, h = small[CLOCK + TIME], small[CLOCK + UNTIL], small[TRIED]
    moved = where_negative(h - (end - start), start + h, end)
    small[REACHED] = where_negative(small[ACCEPTED], moved, start)


@compact
def accept(small: Numbers) -> None:
    """Move the clock of each lane whose step is accepted, and propose its next step."""
    own, ok, tried, factor = tail(small, CLOCK), small[ACCEPTED], small[TRIED], small[FACTOR]
    step, last_factor, last_step, most = own[STEP], own[LAST_FACTOR], own[LAST_STEP], small[MAY_GROW]
    proposed = tried * growth(factor, tried, last_factor, last_step, most)
    # A step cut short for the end says nothing against the longer one that was proposed.
    proposed = smaller(where_negative(tried - step, larger(proposed, step), proposed), BEYOND)
    own[TIME], own[STEP] = small[REACHED], where_negative(ok, proposed, step)
    own[LAST_FACTOR] = where_negative(ok, factor, last_factor)
    own[LAST_STEP] = where_negative(ok, tried, last_step)
    small[MAY_GROW] = where_negative(ok, MOST, most)
    small[TAKEN] = where_negative(ok, small[TAKEN] + 1.0, small[TAKEN])


@compact
def growth(factor: Number, tried: Number, last_factor: Number, last_step: Number, most: Number) -> Number:
    """Factor for the step after an accepted one: the smaller of the asymptotic and Gustafsson's predictive proposal.

    ``factor`` and ``last_factor`` are error^-0.2 of this step and of the last one; without a last one, of size zero,
    the predictive proposal is beyond all bounds.
    """
    proposal = SAFETY * factor
    predicted = proposal * (tried / larger(last_step * last_factor, NO_STEP) * factor)
    return smaller(larger(smaller(predicted, proposal), LEAST), most)


@compact
def reject(cause: int, error: float, lane: int, width: int, small: Floats) -> bool:
    """Propose a smaller step; False if it would be too small to advance the clock."""
    share = 0.25
    if cause == STEP_TOO_SMALL:
        share = 0.5 if error <= 1.0 else max(LEAST, SAFETY * small[FACTOR * width + lane])
    h, time = small[TRIED * width + lane] * share, small[(CLOCK + TIME) * width + lane]
    small[(CLOCK + STEP) * width + lane] = h
    small[MISSED * width + lane] += 1.0
    small[MAY_GROW * width + lane] = 1.0
    # The second bound is for a clock at zero, where every step advances.
    return bool(time + 0.25 * h != time and h > 1e-30)


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
