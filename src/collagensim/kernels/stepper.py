"""Adaptive RODAS5P for a chain of equal blocks with linear links: one file, because numba caches one file.

The full system has ``n_blocks * m`` states; block ``b`` owns ``y[b*m : (b+1)*m]`` and

    dy/dt = local rates of each block + sum over links k of  link_rate[k] * (y[link_from[k]] - y[link_to[k]]).

The two functions between the marker comments are a small model, Robertson's kinetics, so that this file runs as it
is; :func:`collagensim.kernels.assemble` replaces them by those of another model. Nothing here allocates, checks or
keeps state: the caller owns every array (see :mod:`collagensim.solver.factorization` for ``plan``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias, TypeVar

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]
    Indices: TypeAlias = npt.NDArray[np.uint32]
    System: TypeAlias = tuple[Floats, Floats, Integers, Integers, Floats]
    Plan: TypeAlias = tuple[Indices, ...]
    Tableau: TypeAlias = tuple[Floats, Floats, Floats, float]
    Tolerances: TypeAlias = tuple[float, Floats, Floats]
    Work: TypeAlias = tuple[Floats, Floats, Floats, Floats]
    Kernel = TypeVar("Kernel", bound=Callable[..., object])

    def kernel(function: Kernel) -> Kernel:
        """Compile on first use; typed here so that every kernel keeps its own signature."""
        return function

else:
    from numba import njit

    kernel = njit(cache=True, nogil=True, error_model="numpy")

# How a call of `advance` ends.
DONE, MORE, NOT_FINITE, STEP_TOO_SMALL, SINGULAR = 0, 1, 2, 3, 4
# clock: time [unit of t]; next step, 0 = choose one; error and size of the last accepted step; the step being tried.
TIME, STEP, LAST_ERROR, LAST_STEP, TRIED = 0, 1, 2, 3, 4
N_CLOCK = 5
# counts: work done so far; next output row; state to blame for a failure; whether the stored Jacobian belongs to y;
# whether the last attempt was rejected.
STEPS, REJECTED, RATES, FACTORISATIONS, ROW, STATE, FRESH, RETRY = 0, 1, 2, 3, 4, 5, 6, 7
N_COUNTS = 8
# Rows of `scratch`; BLEND is the first of three.
SLOPE, TRIAL, NEW, PERMUTED, DENSE, INVERSE, BLEND = 0, 1, 2, 3, 4, 5, 6
N_SCRATCH = 9
N_STAGES = 8
# Step control: a proposal aims at an error of SAFETY^5 = 0.6 tolerances.
SAFETY, MOST, LEAST = 0.9, 8.0, 0.1


# --- model: begin
M = 3
N_LOCAL = 7
LOCAL_ROW = (0, 0, 0, 1, 1, 1, 2)
LOCAL_COLUMN = (0, 1, 2, 0, 1, 2, 1)


@kernel
def block_rates(y: Floats, o: int, p: Floats, u: Floats, out: Floats) -> None:
    """Robertson: A -> B (p0), 2 B -> B + C (p2), B + C -> A + C (p1)."""
    first = p[0] * y[o]
    second = p[1] * y[o + 1] * y[o + 2]
    third = p[2] * y[o + 1] * y[o + 1]
    out[o] = second - first
    out[o + 1] = first - second - third
    out[o + 2] = third


@kernel
def block_jacobian(y: Floats, o: int, p: Floats, u: Floats, values: Floats, v: int) -> None:
    """The nonzeros of the local Jacobian in the order of ``LOCAL_ROW``, ``LOCAL_COLUMN``."""
    values[v] = -p[0]
    values[v + 1] = p[1] * y[o + 2]
    values[v + 2] = p[1] * y[o + 1]
    values[v + 3] = p[0]
    values[v + 4] = -p[1] * y[o + 2] - 2.0 * p[2] * y[o + 1]
    values[v + 5] = -p[1] * y[o + 1]
    values[v + 6] = 2.0 * p[2] * y[o + 1]


# --- model: end


@kernel
def rates(y: Floats, system: System, m: int, out: Floats) -> None:
    """dy/dt of the whole system; y, out (n,), system = (p, inputs, link_to, link_from, link_rate)."""
    p, inputs, link_to, link_from, link_rate = system
    for b in range(inputs.shape[0]):
        block_rates(y, b * m, p, inputs[b], out)
    for k in range(link_rate.size):
        out[link_to[k]] += link_rate[k] * (y[link_from[k]] - y[link_to[k]])


@kernel
def jacobian(y: Floats, system: System, m: int, n_local: int, values: Floats) -> None:
    """The Jacobian's terms: ``n_local`` of each block, then +rate and -rate of each link.

    They stay unsummed; the entry lists of ``plan`` say at which row and column each is added.
    """
    p, inputs, _, _, link_rate = system
    for b in range(inputs.shape[0]):
        block_jacobian(y, b * m, p, inputs[b], values, b * n_local)
    first = inputs.shape[0] * n_local
    for k in range(link_rate.size):
        values[first + 2 * k] = link_rate[k]
        values[first + 2 * k + 1] = -link_rate[k]


@kernel
def factorise(values: Floats, shift: float, plan: Plan, lu: Floats, inverse: Floats, dense: Floats) -> bool:
    """LU factors of ``shift * I - J``, row by row in the plan's order, without pivoting; False if one fails.

    An error-controlled step needs no pivoting: a smaller one makes the matrix diagonally dominant, and that is how
    the caller answers a failure. A pivot of a decaying system is at least ``shift``; one 1e-10 times smaller has lost
    ten digits to cancellation.
    """
    _, entry_start, entry_column, entry_source, lu_start, lu_upper, lu_column = plan
    for i in range(inverse.size):
        first, upper, last = lu_start[i], lu_upper[i], lu_start[i + 1]
        for q in range(first, last):
            dense[lu_column[q]] = 0.0
        dense[i] = shift
        for e in range(entry_start[i], entry_start[i + 1]):
            dense[entry_column[e]] -= values[entry_source[e]]
        for q in range(first, upper):
            k = lu_column[q]
            factor = dense[k] * inverse[k]
            lu[q] = factor
            for r in range(lu_upper[k], lu_start[k + 1]):
                dense[lu_column[r]] -= factor * lu[r]
        for q in range(upper, last):
            lu[q] = dense[lu_column[q]]
        pivot = dense[i]
        if not (abs(pivot) > 1e-10 * shift and np.isfinite(pivot)):
            return False
        inverse[i] = 1.0 / pivot
    return True


@kernel
def substitute(right: Floats, plan: Plan, lu: Floats, inverse: Floats, x: Floats, solution: Floats) -> None:
    """Solve with the factors of `factorise`; right and solution (n,) in the order of y, x (n,) is scratch."""
    order, _, _, _, lu_start, lu_upper, lu_column = plan
    n = order.size
    for i in range(n):
        total = right[order[i]]
        for q in range(lu_start[i], lu_upper[i]):
            total -= lu[q] * x[lu_column[q]]
        x[i] = total
    for back in range(n):
        i = n - 1 - back
        total = x[i]
        for q in range(lu_upper[i], lu_start[i + 1]):
            total -= lu[q] * x[lu_column[q]]
        x[i] = total * inverse[i]
        solution[order[i]] = x[i]


@kernel
def scaled_norm(x: Floats, y: Floats, z: Floats, tolerances: Tolerances) -> float:
    """Root mean square of x_i / (atol_i + rtol max(|y_i|, |z_i|)) [1]."""
    rtol, atol, _ = tolerances
    total = 0.0
    for i in range(x.size):
        ratio = x[i] / (atol[i] + rtol * max(abs(y[i]), abs(z[i])))
        total += ratio * ratio
    return float(np.sqrt(total / x.size))


@kernel
def worst_state(x: Floats, y: Floats, tolerances: Tolerances) -> int:
    """Index of the first state where x or y is not finite, else of the largest x_i / (atol_i + rtol |y_i|)."""
    rtol, atol, _ = tolerances
    worst, largest = 0, -1.0
    for i in range(x.size):
        ratio = abs(x[i]) / (atol[i] + rtol * abs(y[i]))
        if not np.isfinite(ratio) or not np.isfinite(y[i]):
            return i
        if ratio > largest:
            worst, largest = i, ratio
    return worst


@kernel
def below_floor(y: Floats, floor: Floats) -> int:
    """Index of the first state with y_i < -floor_i, or -1."""
    for i in range(y.size):
        if y[i] < -floor[i]:
            return i
    return -1


@kernel
def first_step(
    y: Floats, scratch: Floats, plan: Plan, values: Floats, tolerances: Tolerances, span: float
) -> float:
    """Step with a fifth-order error of about one tolerance, were |f| / |J f| the time scale of y.

    ``scratch[SLOPE]`` holds f; NaN if it is not finite. For an autonomous system J f is the second derivative, so no
    trial step is needed.
    """
    order, entry_start, entry_column, entry_source, _, _, _ = plan
    slope, bend = scratch[SLOPE], scratch[BLEND]
    for i in range(order.size):
        total = 0.0
        for e in range(entry_start[i], entry_start[i + 1]):
            total += values[entry_source[e]] * slope[order[entry_column[e]]]
        bend[order[i]] = total
    speed = scaled_norm(slope, y, y, tolerances)
    curvature = scaled_norm(bend, y, y, tolerances)
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
def choose_step(
    y: Floats, clock: Floats, counts: Integers, t_end: float, system: System, plan: Plan, tolerances: Tolerances,
    work: Work, m: int, n_local: int,
) -> float:  # fmt: skip
    """The step to try from y, never beyond ``t_end``; NaN if the rates are not finite. Renews a stale Jacobian."""
    _, scratch, values, _ = work
    span: float = t_end - clock[TIME]
    if counts[FRESH] == 0:
        jacobian(y, system, m, n_local, values)
        counts[FRESH] = 1
    if clock[STEP] <= 0.0:
        clock[LAST_STEP] = 0.0
        clock[STEP] = first_step(y, scratch, plan, values, tolerances, span)
    h: float = clock[STEP]
    if h * 1.0001 >= span:
        return span
    # Two equal steps to the end instead of a long one and a sliver; a NaN passes through.
    return 0.5 * span if 2.0 * h > span else h


@kernel
def try_step(
    y: Floats, clock: Floats, counts: Integers, t_end: float, system: System, plan: Plan, tableau: Tableau,
    tolerances: Tolerances, work: Work, m: int, n_local: int,
) -> int:  # fmt: skip
    """Compute all stages of one step of size ``clock[TRIED]``; DONE, or why it could not be tried.

    One loop with one call of the rates and one of the solve: each further call site costs seconds of compilation.
    """
    combine, couple, _, gamma = tableau
    stages, scratch, values, lu = work
    slope, trial, new = scratch[SLOPE], scratch[TRIAL], scratch[NEW]
    n = y.size
    for s in range(N_STAGES):
        for i in range(n):
            trial[i] = y[i]
        for j in range(s):
            weight = combine[s, j]
            for i in range(n):
                trial[i] += weight * stages[j, i]
        rates(trial, system, m, slope)
        counts[RATES] += 1
        if s == 0:
            h = choose_step(y, clock, counts, t_end, system, plan, tolerances, work, m, n_local)
            clock[TRIED] = h
            if not np.isfinite(h):
                return NOT_FINITE
            counts[FACTORISATIONS] += 1
            if not factorise(values, 1.0 / (h * gamma), plan, lu, scratch[INVERSE], scratch[DENSE]):
                return SINGULAR
        for j in range(s):
            weight = couple[s, j] / clock[TRIED]
            for i in range(n):
                slope[i] += weight * stages[j, i]
        substitute(slope, plan, lu, scratch[INVERSE], scratch[PERMUTED], stages[s])
    for i in range(n):
        new[i] = trial[i] + stages[N_STAGES - 1, i]
    return DONE


@kernel
def write_rows(
    after: float, t_out: Floats, rows: Floats, y: Floats, clock: Floats, counts: Integers, dense: Floats,
    floor: Floats, work: Work,
) -> None:  # fmt: skip
    """Fill the rows with ``t_out <= after`` by the method's own fourth-order interpolant between y and the new state.

    Between two accepted states the interpolant of a fast decay may dip under the floor although neither end does.
    There it is replaced, component by component, by the straight line between the ends. That is no clip: a true
    solution with both ends above the floor and a dip below it would have failed the error test, so the dip is the
    polynomial's own, and the line differs from it by a few absolute tolerances.
    """
    stages, scratch, _, _ = work
    row, n = counts[ROW], y.size
    if row >= t_out.size or t_out[row] > after:
        return
    new, one, two, three = scratch[NEW], scratch[BLEND], scratch[BLEND + 1], scratch[BLEND + 2]
    for d in range(3):
        for i in range(n):
            scratch[BLEND + d, i] = 0.0
        for s in range(N_STAGES):
            weight = dense[d, s]
            for i in range(n):
                scratch[BLEND + d, i] += weight * stages[s, i]
    while row < t_out.size and t_out[row] <= after:
        theta = (t_out[row] - clock[TIME]) / (after - clock[TIME])
        rest = 1.0 - theta
        for i in range(n):
            value = rest * y[i] + theta * (new[i] + rest * (one[i] + theta * (two[i] + theta * three[i])))
            if value < -floor[i]:
                value = rest * y[i] + theta * new[i]
            rows[row, i] = value
        row += 1
    counts[ROW] = row


@kernel
def growth(error: float, clock: Floats, was_rejected: bool) -> float:
    """Factor for the step after an accepted one: the smaller of the asymptotic and Gustafsson's predictive proposal."""
    error = max(error, 1e-10)
    factor: float = SAFETY * error**-0.2
    if clock[LAST_STEP] > 0.0:
        trend = clock[TRIED] / clock[LAST_STEP] * (clock[LAST_ERROR] / error) ** 0.2
        factor = min(factor, factor * trend)
    return min(max(factor, LEAST), 1.0 if was_rejected else MOST)


@kernel
def accept(y: Floats, new: Floats, after: float, error: float, clock: Floats, counts: Integers) -> None:
    """Make the new state the current one and propose the next step."""
    h = clock[TRIED]
    proposed = h * growth(error, clock, counts[RETRY] == 1)
    # A step cut short for t_end says nothing against the longer one that was proposed.
    clock[STEP] = max(proposed, clock[STEP]) if h < clock[STEP] else proposed
    clock[TIME], clock[LAST_ERROR], clock[LAST_STEP] = after, max(error, 1e-10), h
    counts[STEPS] += 1
    counts[FRESH] = 0
    counts[RETRY] = 0
    for i in range(y.size):
        y[i] = new[i]


@kernel
def reject(cause: int, error: float, clock: Floats, counts: Integers) -> bool:
    """Propose a smaller step; False if it would be too small to advance the clock."""
    factor = 0.25
    if cause == STEP_TOO_SMALL:
        factor = 0.5 if error <= 1.0 else max(LEAST, SAFETY * error**-0.2)
    h = clock[TRIED] * factor
    clock[STEP] = h
    counts[REJECTED] += 1
    counts[RETRY] = 1
    # The second bound is for a clock at zero, where every step advances.
    return bool(clock[TIME] + 0.25 * h != clock[TIME] and h > 1e-30)


@kernel
def advance(
    y: Floats, clock: Floats, counts: Integers, t_end: float, max_steps: int, t_out: Floats, rows: Floats,
    system: System, plan: Plan, tableau: Tableau, tolerances: Tolerances, work: Work, m: int, n_local: int,
) -> int:  # fmt: skip
    """Integrate y from ``clock[TIME]`` to ``t_end``, trying at most ``max_steps`` steps, and say how that ended.

    Every decision follows from y, clock, counts and work, so calling again after MORE continues with the same bits
    whatever ``max_steps`` is. After an event set ``clock[STEP] = 0`` and ``counts[FRESH] = 0``. A step is accepted
    when its scaled error is at most 1 and no state is below ``-floor``.

    Parameters
    ----------
    y : (n,) the state, changed in place.
    clock, counts : (N_CLOCK,), (N_COUNTS,), see the constants above; zeros before the first call.
    t_out, rows : (n_out,), (n_out, n); rows at the sorted times are filled from ``counts[ROW]`` on, times that are
        already past with the present state. They have no influence on the steps.
    system : (p, inputs, link_to, link_from, link_rate): (n_parameters,), (n_blocks, n_inputs), (n_links,) thrice.
    plan, tableau : `Plan.arrays()`, `Tableau.arrays()`.
    tolerances : (rtol, atol, floor): number, (n,) positive, (n,).
    work : (N_STAGES, n), (N_SCRATCH, n), (n_terms,), (n_lu,); kept between calls.
    m, n_local : states, and Jacobian nonzeros, of one block.
    """
    new, last_stage = work[1][NEW], work[0][N_STAGES - 1]
    while counts[ROW] < t_out.size and t_out[counts[ROW]] <= clock[TIME]:
        # Not `rows[...] = y`: the text of the error that an assignment of arrays can raise takes 1 s to compile.
        for i in range(y.size):
            rows[counts[ROW], i] = y[i]
        counts[ROW] += 1
    tries = 0
    while clock[TIME] < t_end:
        if tries >= max_steps:
            return MORE
        tries += 1
        cause = try_step(y, clock, counts, t_end, system, plan, tableau, tolerances, work, m, n_local)
        error = 0.0
        if cause == NOT_FINITE:
            counts[STATE] = worst_state(work[1][SLOPE], y, tolerances)
            return NOT_FINITE
        if cause == DONE:
            error = scaled_norm(last_stage, y, new, tolerances)
            low = below_floor(new, tolerances[2])
            h = clock[TRIED]
            after = t_end if h == t_end - clock[TIME] else clock[TIME] + h
            counts[STATE] = low if error <= 1.0 and low >= 0 else worst_state(last_stage, new, tolerances)
            if after == clock[TIME]:
                return STEP_TOO_SMALL
            if error <= 1.0 and low < 0:
                write_rows(after, t_out, rows, y, clock, counts, tableau[2], tolerances[2], work)
                accept(y, new, after, error, clock, counts)
                continue
            cause = STEP_TOO_SMALL if np.isfinite(error) else NOT_FINITE
        if not reject(cause, error, clock, counts):
            return cause
    return DONE
