"""Drives the compiled stepper over spans between events, guarded: step cap, deadline, finite states, Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import SolveError
from collagensim.kernels import stepper
from collagensim.kernels.tableaus import RODAS5P
from collagensim.solver.status import Status
from collagensim.solver.system import Bound

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CHUNK = 400  # steps between two looks at the clock: about 50 ms of a full model
ATOL_SHARE = 1e-3  # absolute tolerance = rtol * this * scale
FLOOR = 1e-12  # no accepted state lies below -FLOOR * scale

_ENDINGS = {
    stepper.NOT_FINITE: Status.NOT_FINITE,
    stepper.STEP_TOO_SMALL: Status.STEP_TOO_SMALL,
    stepper.SINGULAR: Status.SINGULAR,
}


def make_engine(method: str, bound: Bound, links: tuple[Integers, Integers, Array], limits: Limits) -> Engine:
    """Return the engine of a method: the package's own stepper, or one of SciPy's on the same right side."""
    if method == "rodas5p":
        return Engine(bound, links, limits)
    from collagensim.solver.scipy_engine import ScipyEngine

    return ScipyEngine(bound, links, limits, method)


@dataclass(frozen=True)
class Limits:
    """How exact and how long a solve may be: ``rtol`` relative tolerance, steps, seconds of wall time."""

    rtol: float = 1e-6
    max_steps: int = 200_000
    deadline_s: float = 600.0


class Engine:
    """One integration: state, step memory and work arrays, advanced from event to event.

    Attributes
    ----------
    y : (n_blocks * m,) the current state; callers change it in place at events and then call `restart`.
    """

    def __init__(self, bound: Bound, links: tuple[Integers, Integers, Array], limits: Limits) -> None:
        self.bound, self.limits = bound, limits
        self.m, self.n_blocks = bound.compiled.m, bound.space.n_blocks
        self.link_to, self.link_from, self.link_rate = links
        found = bound.compiled.plan(self.link_to, self.link_from, self.n_blocks)
        self.plan = found.arrays()
        n = self.m * self.n_blocks
        self.work = (
            np.zeros((stepper.N_STAGES, n)), np.zeros((stepper.N_SCRATCH, n)), np.zeros(found.n_terms),
            np.zeros(found.n_lu),
        )  # fmt: skip
        scale = np.tile(bound.scales, self.n_blocks)
        signed = np.tile([species.signed for species in bound.model.species], self.n_blocks)
        floor = np.where(signed, np.inf, FLOOR * scale)
        self.tolerances = (limits.rtol, limits.rtol * ATOL_SHARE * scale, floor)
        self.y = bound.baseline.ravel().copy()
        self.clock = np.zeros(stepper.N_CLOCK)
        self.counts = np.zeros(stepper.N_COUNTS, dtype=np.int64)
        self.u = bound.u()
        self._advance: Callable[..., int] = bound.compiled.module.advance
        self.started = time.monotonic()

    @property
    def state(self) -> Array:
        """The current state as (n_blocks, m), a view."""
        return self.y.reshape(self.n_blocks, self.m)

    @property
    def time(self) -> float:
        """Current time [time unit of the model]."""
        return float(self.clock[stepper.TIME])

    @time.setter
    def time(self, value: float) -> None:
        self.clock[stepper.TIME] = value

    def restart(self, link_rate: Array | None = None) -> None:
        """Take note of a change of state or inputs: read the inputs anew, choose the next step anew."""
        self.u = self.bound.u()
        if link_rate is not None:
            self.link_rate = link_rate
        self.clock[stepper.STEP] = 0.0
        self.counts[stepper.FRESH] = 0

    def run(self, t_end: float, t_out: Array, rows: Array) -> None:
        """Integrate to ``t_end``; fill ``rows`` (n_out, n) at the sorted ``t_out`` within (time, t_end].

        Raises
        ------
        SolveError
            When the solve ends before ``t_end``; ``status`` says how, the message when and in which variable.
        """
        self.counts[stepper.ROW] = 0
        system = (self.bound.p, self.u, self.link_to, self.link_from, self.link_rate)
        while True:
            ending = self._advance(
                self.y, self.clock, self.counts, float(t_end), CHUNK, t_out, rows, system, self.plan,
                RODAS5P.arrays(), self.tolerances, self.work, self.m, self.bound.compiled.source_nonzeros,
            )  # fmt: skip
            if ending in _ENDINGS:
                self._fail(_ENDINGS[ending])
            if self.counts[stepper.STEPS] + self.counts[stepper.REJECTED] > self.limits.max_steps:
                self._fail(Status.STEP_LIMIT)
            if time.monotonic() - self.started > self.limits.deadline_s:
                self._fail(Status.DEADLINE)
            if ending == stepper.DONE:
                return

    def _fail(self, status: Status) -> None:
        block, i = divmod(int(self.counts[stepper.STATE]), self.m)
        name, unit = self.bound.model.species[i].name, self.bound.model.time_unit
        where = f"{name} in block {block}" if self.n_blocks > 1 else name
        raise SolveError(
            f"the solve stopped at {unit} {self.time:.6g} ({where}): {status.value}; {status.advice}", status
        )

    def statistics(self) -> dict[str, Any]:
        """What the solve cost so far."""
        return {
            "steps": int(self.counts[stepper.STEPS]),
            "rejected": int(self.counts[stepper.REJECTED]),
            "evaluations": int(self.counts[stepper.RATES]),
            "factorisations": int(self.counts[stepper.FACTORISATIONS]),
            "seconds": time.monotonic() - self.started,
        }
