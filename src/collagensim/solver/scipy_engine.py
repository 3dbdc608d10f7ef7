"""SciPy's integrators on the same compiled right side: a second opinion, guarded as SciPy is not."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import SolveError
from collagensim.kernels import stepper
from collagensim.solver.engine import Engine, Integers, Limits
from collagensim.solver.status import Status
from collagensim.solver.system import Bound

Array = npt.NDArray[np.float64]


class _Stopped(Exception):  # noqa: N818 - it ends a loop, it is no error of its own
    def __init__(self, status: Status) -> None:
        self.status = status


class ScipyEngine(Engine):
    """An `Engine` whose spans are integrated by ``scipy.integrate.solve_ivp``.

    LSODA from SciPy 1.17 on reports success on a right side that is not finite, and does not return on one that
    blows up; so the right side itself watches finiteness, the number of calls and the clock.
    """

    def __init__(
        self, bound: Bound, links: tuple[Integers, Integers, Array], limits: Limits, method: str
    ) -> None:
        super().__init__(bound, links, limits)
        self.method = method
        self.calls = 0
        self._out = np.empty_like(self.y)

    def run(self, t_end: float, t_out: Array, rows: Array) -> None:
        """As `Engine.run`."""
        from scipy.integrate import solve_ivp

        inside = t_out <= self.time
        rows[inside] = self.y
        if t_end <= self.time:
            return
        system = (self.bound.p, self.u, self.link_to, self.link_from, self.link_rate)
        wanted = np.unique(np.append(t_out[~inside], t_end))
        rtol, atol, _ = self.tolerances
        try:
            found: Any = solve_ivp(
                lambda t, y: self._rates(t, y, system), (self.time, t_end), self.y, method=self.method,
                t_eval=wanted, rtol=rtol, atol=atol,
            )  # fmt: skip
        except _Stopped as stop:
            self._fail(stop.status)
        if not found.success or not np.all(np.isfinite(found.y)):
            raise SolveError(
                f"{self.method} stopped near {self.time:g}: {found.message}", Status.STEP_TOO_SMALL
            )
        rows[~inside] = found.y[:, np.searchsorted(wanted, t_out[~inside])].T
        self.y[:] = found.y[:, -1]
        self.time = t_end

    def _rates(self, t: float, y: Array, system: tuple[Array, Array, Integers, Integers, Array]) -> Array:
        self.calls += 1
        self.time = t
        self.bound.compiled.module.rates(np.ascontiguousarray(y), system, self.m, self._out)
        finite = np.isfinite(self._out)
        if not finite.all():
            self.counts[stepper.STATE] = int(np.argmin(finite))
            raise _Stopped(Status.NOT_FINITE)
        if self.calls > 20 * self.limits.max_steps:
            raise _Stopped(Status.STEP_LIMIT)
        if time.monotonic() - self.started > self.limits.deadline_s:
            raise _Stopped(Status.DEADLINE)
        return self._out.copy()

    def statistics(self) -> dict[str, Any]:
        """What the solve cost so far."""
        return {"evaluations": self.calls, "seconds": time.monotonic() - self.started}
