"""SciPy's integrators on the same compiled right side: a second opinion, guarded as SciPy is not."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.kernels import table as entry
from collagensim.solver.compiled import stepper as compiled_stepper
from collagensim.solver.engine import BELOW, DEADLINE, STEP_LIMIT, Engine, Integers, Limits
from collagensim.solver.status import Status
from collagensim.solver.system import Bound

Array = npt.NDArray[np.float64]

# One step takes some 20 evaluations, and no more than n of them for a Jacobian that SciPy would have to difference.
CALLS_A_STEP = 2000
# How far below zero, in absolute tolerances, an amount may be found: a step errs by one, in the mean of all states, so
# that one state of a thousand may err by thirty, and errors add up. Of the shipped model's amounts the lowest seen was
# -22 of them, with BDF at a tolerance of 0.01; at 1e-4 it was -0.4.
BELOW_ZERO = 1000.0


class _Stopped(Exception):  # noqa: N818 - it ends a loop, it is no error of its own
    def __init__(self, ending: int) -> None:
        self.ending = ending


class ScipyEngine(Engine):
    """An `Engine` whose spans are integrated by the classes of ``scipy.integrate``, member after member.

    LSODA from SciPy 1.17 on reports success on a right side that is not finite, and does not return on one that
    blows up; so the right side itself watches finiteness, the number of calls and the clock.
    """

    has_lanes = False

    def __init__(
        self, bound: Bound, links: tuple[Integers, Integers, Array], limits: Limits, method: str
    ) -> None:
        super().__init__(bound, links, limits)
        self.method = method

    def run(self, until: Array, t_out: Array, rows: Array) -> None:
        """As `Engine.run`."""
        ends = np.broadcast_to(until, self.bound.n)
        for member, status in enumerate(self.status):
            if status is Status.COMPLETED:
                # SciPy warns where it fails, which its outcome tells too.
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    ending = self._march(member, float(ends[member]), t_out[member], rows[member])
                self.counts[member, entry.STATUS] = ending
                if ending not in (entry.DONE, entry.NOT_FINITE, BELOW):
                    self._end(np.array([member]), ending)
        self._tell()

    def _march(self, member: int, end: float, t_out: Array, rows: Array) -> int:
        """Bring a member to ``end`` and fill its ``rows``; returns how that ended."""
        import scipy.integrate

        system = _System(self, member)
        y, start = self.own[member, : self.layout.n], float(self.time[member])
        filled = int(np.searchsorted(t_out, start, side="right"))
        rows[:filled] = y
        if end <= start:
            return entry.DONE
        try:
            solver = getattr(scipy.integrate, self.method)(
                system.rates, start, y.copy(), end, rtol=self.limits.rtol, atol=system.atol, jac=system.slopes
            )
            while solver.status == "running":
                system.calls = 0
                solver.step()
                if solver.status == "failed" or solver.t == solver.t_old or not np.all(np.isfinite(solver.y)):
                    raise _Stopped(entry.STEP_TOO_SMALL)
                drained = system.drained(solver)
                reached = solver.t if drained is None else drained
                until = int(np.searchsorted(t_out, reached, side="right"))
                if until > filled:
                    rows[filled:until] = solver.dense_output()(t_out[filled:until]).T
                filled = until
                y[:], self.time[member] = solver.y, reached
                self.counts[member, entry.STEPS] += 1
                if drained is not None:
                    raise _Stopped(BELOW)
                system.watch()
        except _Stopped as stop:
            return stop.ending
        except (ArithmeticError, ValueError):
            # On spans and steps near the smallest float its step control divides by zero.
            return entry.STEP_TOO_SMALL
        return entry.DONE


class _System:
    """The right side of one member and its Jacobian, which stop the solver when it is to stop."""

    def __init__(self, engine: Engine, member: int) -> None:
        self.own, n = engine.own[member], engine.layout.n
        self.atol = self.own[engine.table[entry.AT_ATOL] :][:n]
        floor = self.own[engine.table[entry.AT_FLOOR] :][:n]
        self.lowest = np.where(np.isfinite(floor), -BELOW_ZERO * self.atol, -np.inf)
        self.engine, self.member, self.calls = engine, member, 0
        self.kernels = compiled_stepper()
        row, column = engine.terms
        self.places, self.n = row * n + column, n
        self.values = np.zeros(row.size)

    def rates(self, _t: float, y: Array) -> Array:
        """dy/dt (n,)."""
        engine, out = self.engine, np.empty(self.n)
        self.kernels.rates_of(engine.table, np.ascontiguousarray(y), self.own, out)
        engine.counts[self.member, entry.RATES] += 1
        self._check(out)
        return out

    def slopes(self, _t: float, y: Array) -> Array:
        """The Jacobian (n, n)."""
        self.kernels.jacobian_of(self.engine.table, np.ascontiguousarray(y), self.own, self.values)
        sums = np.bincount(self.places, self.values, self.n * self.n)
        dense: Array = sums.astype(np.float64, copy=False).reshape(self.n, self.n)
        self._check(dense)
        return dense

    def drained(self, solver: Any) -> float | None:
        """When in the last step an amount fell below zero by more than is inexact; None when none did."""
        below = solver.y < self.lowest
        if not below.any():
            return None
        self.engine.counts[self.member, entry.STATE] = np.argmax(below)
        low, high, dense = float(solver.t_old), float(solver.t), solver.dense_output()
        while low < (middle := 0.5 * (low + high)) < high:
            if np.any(dense(middle) < self.lowest):
                high = middle
            else:
                low = middle
        return high

    def _check(self, values: Array) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            self.engine.counts[self.member, entry.STATE] = np.argwhere(~finite)[0][0]
            raise _Stopped(entry.NOT_FINITE)
        self.calls += 1
        if self.calls > CALLS_A_STEP:
            raise _Stopped(entry.STEP_TOO_SMALL)
        if self.calls % 100 == 0:
            self.watch()

    def watch(self) -> None:
        """Stop where the steps or the time allowed are used up."""
        limits = self.engine.limits
        if self.engine.counts[self.member, entry.STEPS] > limits.max_steps:
            raise _Stopped(STEP_LIMIT)
        if time.monotonic() - self.engine.started > limits.deadline_s:
            raise _Stopped(DEADLINE)
