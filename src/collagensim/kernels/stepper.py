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
# clock: time [unit of t]; next step size, 0 = choose one; error and size of the last accepted step.
TIME, STEP, LAST_ERROR, LAST_STEP = 0, 1, 2, 3
N_CLOCK = 4
# counts: work done so far; next output row; state to blame; whether the stored Jacobian belongs to y; whether the
# last attempt was rejected.
STEPS, REJECTED, RATES, FACTORISATIONS, ROW, STATE, FRESH, RETRY = 0, 1, 2, 3, 4, 5, 6, 7
N_COUNTS = 8
# rows of `scratch`
SLOPE, TRIAL, NEW, PERMUTED, DENSE, INVERSE, PRODUCT = 0, 1, 2, 3, 4, 5, 6
N_SCRATCH = 7
N_STAGES = 8


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
    p, inputs, link_to, link_from, link_rate = system
    for b in range(inputs.shape[0]):
        block_jacobian(y, b * m, p, inputs[b], values, b * n_local)
    first = inputs.shape[0] * n_local
    for k in range(link_rate.size):
        values[first + 2 * k] = link_rate[k]
        values[first + 2 * k + 1] = -link_rate[k]


@kernel
def factorise(values: Floats, shift: float, plan: Plan, lu: Floats, inverse: Floats, dense: Floats) -> bool:
    """LU factors of ``shift * I - J``, row by row in the plan's order, without pivoting; False if one fails.

    Pivoting is not needed for error-controlled steps: a small step makes the matrix diagonally dominant, so the
    caller answers a failed pivot with a smaller step. A pivot of a decaying system is at least ``shift``; one
    1e-10 times smaller has lost ten digits to cancellation.
    """
    order, entry_start, entry_column, entry_source, lu_start, lu_upper, lu_column = plan
    for i in range(order.size):
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
        if not abs(pivot) > 1e-10 * shift:
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
    return np.sqrt(total / x.size)


@kernel
def worst_state(x: Floats, new: Floats, tolerances: Tolerances) -> int:
    """Index of the state to blame: the first that is not finite, else the one with the largest scaled error."""
    rtol, atol, _ = tolerances
    worst, largest = 0, -1.0
    for i in range(x.size):
        ratio = abs(x[i]) / (atol[i] + rtol * abs(new[i]))
        if not np.isfinite(ratio) or not np.isfinite(new[i]):
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
def first_step(y: Floats, scratch: Floats, plan: Plan, values: Floats, tolerances: Tolerances, span: float) -> float:
    """Step at which the fifth-order error is about the tolerance, if y varies on the time scale |f| / |J f|.

    ``scratch[SLOPE]`` holds f; J f is the second derivative of an autonomous system, so no trial step is needed.
    """
    order, entry_start, entry_column, entry_source, _, _, _ = plan
    slope, product = scratch[SLOPE], scratch[PRODUCT]
    for i in range(order.size):
        total = 0.0
        for e in range(entry_start[i], entry_start[i + 1]):
            total += values[entry_source[e]] * slope[order[entry_column[e]]]
        product[order[i]] = total
    speed = scaled_norm(slope, y, y, tolerances)
    curvature = scaled_norm(product, y, y, tolerances)
    if not speed > 0.0:
        return span
    if not curvature > 0.0:
        return min(span, 1.0 / speed)
    scale = speed / curvature
    return min(span, scale * (1.0 / (speed * scale)) ** 0.2)


@kernel
def write_rows(
    before: float, after: float, t_out: Floats, rows: Floats, y: Floats, stages: Floats, scratch: Floats,
    dense: Floats, floor: Floats, counts: Integers,
) -> None:
    """Fill the rows with ``t_out <= after`` by the method's own fourth-order interpolant between y and y_new.

    Between two accepted states an interpolant of a fast decay may dip under the floor although neither end does.
    There it is replaced, component by component, by the straight line between the ends: both ends are then within a
    few absolute tolerances of zero or the dip is an artefact of the polynomial, and the line keeps the sign.
    """
    new, row = scratch[NEW], counts[ROW]
    if row >= t_out.size or t_out[row] > after:
        return
    n = y.size
    for d in range(3):
        blend = scratch[TRIAL + d] if d == 0 else scratch[PERMUTED + d - 1]
        for i in range(n):
            blend[i] = 0.0
        for s in range(N_STAGES):
            weight = dense[d, s]
            for i in range(n):
                blend[i] += weight * stages[s, i]
    one, two, three = scratch[TRIAL], scratch[PERMUTED], scratch[PERMUTED + 1]
    while row < t_out.size and t_out[row] <= after:
        theta = (t_out[row] - before) / (after - before)
        rest = 1.0 - theta
        for i in range(n):
            value = rest * y[i] + theta * (new[i] + rest * (one[i] + theta * (two[i] + theta * three[i])))
            if value < -floor[i]:
                value = rest * y[i] + theta * new[i]
            rows[row, i] = value
        row += 1
    counts[ROW] = row


@kernel
def growth(error: float, h: float, clock: Floats, was_rejected: bool) -> float:
    """Growth of the step after an accepted one: the smaller of the asymptotic and the predictive proposal."""
    factor = 0.9 * max(error, 1e-10) ** -0.2
    if clock[LAST_STEP] > 0.0:
        predicted = factor * (h / clock[LAST_STEP]) * (clock[LAST_ERROR] / max(error, 1e-10)) ** 0.2
        factor = min(factor, predicted)
    return min(max(factor, 0.2), 1.0 if was_rejected else 8.0)


@kernel
def advance(
    y: Floats, clock: Floats, counts: Integers, t_end: float, max_steps: int, t_out: Floats, rows: Floats,
    system: System, plan: Plan, tableau: Tableau, tolerances: Tolerances, work: Work, m: int, n_local: int,
) -> int:
    """Integrate y from ``clock[TIME]`` to ``t_end``, trying at most ``max_steps`` steps, and say how that ended.

    Every decision depends on y, clock and counts alone, so calling again after MORE continues with the same bits
    for any ``max_steps``. After an event set ``clock[STEP] = 0`` and ``counts[FRESH] = 0``: a step is then chosen
    anew. Rows of ``rows`` (n_out, n) at the sorted ``t_out`` are filled from ``counts[ROW]`` on.
    """
    combine, couple, dense, gamma = tableau
    rtol, atol, floor = tolerances
    stages, scratch, values, lu = work
    slope, trial, new = scratch[SLOPE], scratch[TRIAL], scratch[NEW]
    n = y.size
    while counts[ROW] < t_out.size and t_out[counts[ROW]] <= clock[TIME]:
        rows[counts[ROW]] = y
        counts[ROW] += 1
    tries = 0
    while clock[TIME] < t_end:
        if tries >= max_steps:
            return MORE
        tries += 1
        t, span = clock[TIME], t_end - clock[TIME]
        h = span
        is_last = True
        solvable = True
        for s in range(N_STAGES):
            for i in range(n):
                trial[i] = y[i]
            for j in range(s):
                weight = combine[s, j]
                for i in range(n):
                    trial[i] += weight * stages[j, i]
            rates(trial, system, m, slope)
            if s == 0:
                if counts[FRESH] == 0:
                    jacobian(y, system, m, n_local, values)
                    counts[FRESH] = 1
                if clock[STEP] <= 0.0:
                    clock[LAST_STEP] = 0.0
                    clock[STEP] = first_step(y, scratch, plan, values, tolerances, span)
                    if not np.isfinite(clock[STEP]):
                        counts[STATE] = worst_state(slope, y, tolerances)
                        return NOT_FINITE
                h = clock[STEP]
                is_last = h * 1.0001 >= span
                if is_last:
                    h = span
                elif 2.0 * h > span:
                    h = 0.5 * span
                counts[FACTORISATIONS] += 1
                solvable = factorise(values, 1.0 / (h * gamma), plan, lu, scratch[INVERSE], scratch[DENSE])
                if not solvable:
                    break
            for j in range(s):
                weight = couple[s, j] / h
                for i in range(n):
                    slope[i] += weight * stages[j, i]
            substitute(slope, plan, lu, scratch[INVERSE], scratch[PERMUTED], stages[s])
            counts[RATES] += 1
        cause = SINGULAR
        factor = 0.25
        if solvable:
            for i in range(n):
                new[i] = trial[i] + stages[N_STAGES - 1, i]
            error = scaled_norm(stages[N_STAGES - 1], y, new, tolerances)
            low = below_floor(new, floor)
            if error <= 1.0 and low < 0:
                after = t_end if is_last else t + h
                write_rows(t, after, t_out, rows, y, stages, scratch, dense, floor, counts)
                h_next = h * growth(error, h, clock, counts[RETRY] == 1)
                # A step cut short by t_end says nothing against the longer one that was proposed.
                clock[STEP] = max(h_next, clock[STEP]) if is_last else h_next
                clock[TIME], clock[LAST_ERROR], clock[LAST_STEP] = after, error, h
                counts[STEPS] += 1
                counts[FRESH] = 0
                counts[RETRY] = 0
                for i in range(n):
                    y[i] = new[i]
                continue
            if error <= 1.0:
                cause = STEP_TOO_SMALL
                counts[STATE] = low
                factor = 0.5
            else:
                cause = STEP_TOO_SMALL if np.isfinite(error) else NOT_FINITE
                counts[STATE] = worst_state(stages[N_STAGES - 1], new, tolerances)
                if cause == STEP_TOO_SMALL:
                    factor = max(0.1, 0.9 * error**-0.2)
        counts[REJECTED] += 1
        counts[RETRY] = 1
        clock[STEP] = h * factor
        if t + 0.25 * clock[STEP] == t or clock[STEP] < 1e-30 * span:
            return cause
    return DONE
