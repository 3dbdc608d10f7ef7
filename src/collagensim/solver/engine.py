"""Drives the compiled stepper over spans between events, guarded: step cap, deadline, finite states, Ctrl-C."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import SolveError
from collagensim.kernels import table as entry
from collagensim.kernels.numbers import WIDTH
from collagensim.kernels.tableaus import RODAS5D
from collagensim.solver.compiled import stepper as compiled_stepper
from collagensim.solver.grid import GridPlan
from collagensim.solver.lanes import LaneSet
from collagensim.solver.layout import Layout
from collagensim.solver.status import Status
from collagensim.solver.system import Bound
from collagensim.solver.tables import packed

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]

CHUNK = 400  # steps between two looks at the clock: some 20 to 50 ms of a full model
LONGEST = 2000  # the same where a step is short: a look takes longer than ten steps of a small model
WORK = 2_500_000  # steps times factors that are long enough between two looks
SHARE = 64  # members that a thread takes at a time, at least
ATOL_SHARE = 1e-3  # absolute tolerance = rtol * this * scale
FLOOR = 1e-12  # no accepted state lies below -FLOOR * scale
STEP_LIMIT, DEADLINE, BELOW = 101, 102, 103

_ENDINGS = {
    entry.DONE: Status.COMPLETED,
    entry.NOT_FINITE: Status.NOT_FINITE,
    entry.STEP_TOO_SMALL: Status.STEP_TOO_SMALL,
    entry.SINGULAR: Status.SINGULAR,
    STEP_LIMIT: Status.STEP_LIMIT,
    DEADLINE: Status.DEADLINE,
    BELOW: Status.BELOW_ZERO,
}


def make_engine(
    method: str, bound: Bound, links: tuple[Integers, Integers, Array], limits: Limits, threads: int = 1
) -> Engine:
    """Return the engine of a method: the package's own stepper, or one of SciPy's on the same right side."""
    if method == "rodas5p":
        return Engine(bound, links, limits, threads)
    from collagensim.solver.scipy_engine import ScipyEngine

    return ScipyEngine(bound, links, limits, method)


@dataclass(frozen=True)
class Limits:
    """How exact and how long a solve may be: ``rtol`` relative tolerance, steps, seconds of wall time."""

    rtol: float = 1e-6
    max_steps: int = 200_000
    deadline_s: float = 600.0


class Engine:
    """N integrations: states and step memories, advanced from event to event by any number of threads.

    Attributes
    ----------
    time : (N,) current times [time unit of the model].
    status : how each stands: COMPLETED so far, or how it failed; failed members are not advanced any more.
    messages : what stopped each, or None.
    has_lanes : whether numbers may be eight lanes wide; other integrators need plain ones, blocks one after the other.
    """

    has_lanes = True

    def __init__(
        self, bound: Bound, links: tuple[Integers, Integers, Array], limits: Limits, threads: int = 1
    ) -> None:
        self.bound, self.limits, self.threads = bound, limits, threads
        # For each state in the order of the blocks it is linked from: a sum has the same bits in either layout.
        self._order = np.argsort(links[1], kind="stable")
        self.link_to, self.link_from, link_rate = (part[..., self._order] for part in links)
        self.m, self.n_blocks = bound.compiled.m, bound.space.n_blocks
        # A lone member's blocks fill the lanes; members of an ensemble do so themselves.
        side_by_side = self.has_lanes and self.plain and bound.compiled.n_factors and bound.compiled.joined
        self.layout = Layout(self.n_blocks, self.m, bool(side_by_side))
        kind = "lanes" if self.has_lanes and (not self.plain or self.layout.alternating) else "plain"
        self.functions = bound.compiled.functions("complex" if bound.dtype == np.complex128 else kind)
        self.plan = bound.compiled.plan(self.link_to, self.link_from, self.layout)
        self.n_factors = bound.compiled.n_factors + 3 if self.plan is None else self.plan.n_lu
        self.chunk = max(CHUNK, min(WORK // self.n_factors, LONGEST, limits.max_steps))
        self._compiled = compiled_stepper()
        self.terms = bound.compiled.terms(self.link_to, self.link_from, self.layout)
        self.own, self.table = self._laid_out(link_rate)
        self._u = slice(*self.table[[entry.AT_U, entry.AT_ATOL]])
        self._links = slice(*self.table[[entry.AT_SPREAD, entry.N_OWN]])
        self.clock = np.zeros((bound.n, entry.N_CLOCK))
        self.counts = np.zeros((bound.n, entry.N_COUNTS), dtype=np.int64)
        self.status = [Status.COMPLETED] * bound.n
        self.messages: list[str | None] = [None] * bound.n
        self.started = time.monotonic()
        self._idle: list[LaneSet] = []
        self._stop = self._some_failed = False
        # Views that a span writes to: a short span takes little longer than finding them.
        self._own_u, self._next_step = self.own[:, self._u], self.clock[:, entry.STEP]
        self._until, self._row = self.clock[:, entry.UNTIL], self.counts[:, entry.ROW]
        self._ending = self.counts[:, entry.STATUS]

    @property
    def plain(self) -> bool:
        """Whether there is one member of plain floats whose blocks, where they are joined, fit into the lanes."""
        fits = not self.bound.compiled.joined or self.n_blocks <= WIDTH
        return self.bound.n == 1 and self.bound.dtype == np.float64 and fits

    def _laid_out(self, link_rate: Array) -> tuple[Array, Integers]:
        """What the stepper reads of each member in a row, and the table that says where."""
        bound, place = self.bound, self.layout.place
        table: dict[int, Any] = {}
        scale = np.repeat(bound.scales[:, None], self.n_blocks, axis=1)
        signed = np.array([species.signed for species in bound.model.species])
        floor = np.where(signed, np.inf, FLOOR * scale)
        parts = (
            place(bound.baseline), self.layout.everywhere(bound.p), place(bound.u),
            place(self.limits.rtol * ATOL_SHARE * scale, np.inf), place(floor, np.inf),
            self._spread_out(link_rate), link_rate,
        )  # fmt: skip
        own = np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=bound.dtype)
        lengths = [part.shape[1] for part in parts]
        n = self.layout.n
        row = -(-n // WIDTH) * WIDTH if self.plain else n
        n_terms = self.terms[0].size
        lengths += [max(row * entry.N_STAGES, n_terms), row * entry.N_SCRATCH, max(self.n_factors, row)]
        table.update(enumerate(self.functions, start=entry.BLOCK_RATES))
        sizes = *lengths[:3], self.link_to.size, n_terms, self.n_factors
        table.update(enumerate(sizes, start=entry.N))
        strides, at_once = self.layout.strides, WIDTH if self.layout.alternating else 1
        table.update(enumerate((self.m, self.n_blocks, *strides, at_once, row), start=entry.N_STATES))
        n_calls = self.layout.width // at_once
        n_local = n_terms - 2 * self.link_to.size
        steps = n_calls, self.m, lengths[2] // n_calls, n_local // n_calls
        table.update(enumerate(steps, start=entry.N_CALLS))
        table.update(enumerate(np.cumsum(lengths[:7]), start=entry.AT_P))
        # Rows of stages and factors begin at whole vectors: one that spans two lines of the cache is read twice.
        whole = [-(-length // WIDTH) * WIDTH for length in (sum(lengths[:7]), *lengths[7:])]
        table.update(enumerate(np.cumsum(whole), start=entry.AT_STAGES))
        table[entry.AT_TERMS] = table[entry.AT_STAGES]
        lists: dict[int, Any] = {
            entry.LIST_TO: self.layout.index(self.link_to), entry.LIST_FROM: self.layout.index(self.link_from),
            entry.LIST_ROW: self.terms[0], entry.LIST_COLUMN: self.terms[1],
            entry.LIST_JOINED: bound.compiled.joined if self.layout.alternating else (),
        }  # fmt: skip
        table[entry.N_JOINED] = len(lists[entry.LIST_JOINED])
        if self.plan is not None:
            lists[entry.LIST_ELIMINATION] = self.plan.table
            by_blocks = isinstance(self.plan, GridPlan)
            table[entry.ELIMINATION] = entry.BY_BLOCKS if by_blocks else entry.BY_LISTS
        return own, packed(entry.N_ENTRIES, table, lists)

    def _spread_out(self, link_rate: Array) -> Array:
        """Link rates (N, n_links) as blocks that alternate read them, see `collagensim.kernels.table`."""
        if not self.layout.alternating:
            return link_rate[:, :0]
        joined = np.array(self.bound.compiled.joined)
        to, source = np.divmod(self.link_to, self.m), self.link_from // self.m
        spread = np.zeros((link_rate.shape[0], joined.size, self.n_blocks, WIDTH), dtype=link_rate.dtype)
        spread[:, np.searchsorted(joined, to[1]), source, to[0]] = link_rate
        return spread.reshape(link_rate.shape[0], -1)

    @property
    def state(self) -> Array:
        """The current states as (N, n_blocks, m), a view; callers change it at events and then call `restart`."""
        return self.layout.blocks(self.own[:, : self.layout.n])

    @property
    def time(self) -> Array:
        """Current times (N,), a view."""
        return self.clock[:, entry.TIME]

    def restart(self, link_rate: Array | None = None, who: Array | None = None) -> None:
        """Take note of a change of state or inputs: read the inputs anew, choose the next step anew."""
        chosen: Array | slice = slice(None) if who is None else who
        if self._own_u.size:
            self._own_u[chosen] = self.layout.place(self.bound.u[chosen])
        if link_rate is not None:
            ordered = link_rate[chosen][:, self._order]
            self.own[chosen, self._links] = np.concatenate([self._spread_out(ordered), ordered], axis=1)
        if who is None:
            self._next_step.fill(0.0)
        else:
            self._next_step[who] = 0.0

    def run(self, until: Array, t_out: Array, rows: Array) -> None:
        """Integrate to ``until`` (N,); fill ``rows`` (N, n_out, n) at the sorted ``t_out`` (N, n_out) up to there.

        Rows lie as the engine's `layout` has them.

        Raises
        ------
        SolveError
            When the only member ends before ``until``; of several members `status` and `messages` tell.
        """
        self._row.fill(0)
        if self._some_failed:
            self._ending[[status is Status.COMPLETED for status in self.status]] = entry.MORE
        else:
            self._ending.fill(entry.MORE)
        if self._is_late():
            self._end(np.flatnonzero(self._ending == entry.MORE), DEADLINE)
        self._until[:] = until
        t_out = np.ascontiguousarray(t_out, dtype=np.float64)
        kept = np.ascontiguousarray(rows)
        self._stop = False
        if self.threads == 1:
            self._advance((0, self.bound.n), t_out, kept)
        else:
            self._advance_together(self._shares(), t_out, kept)
        if kept is not rows:
            rows[:] = kept
        if np.count_nonzero(self._ending):  # DONE is 0
            self._some_failed = True
            self._tell()

    def _shares(self) -> list[tuple[int, int]]:
        """First member and one past the last of what a thread takes at a time.

        At the end of a share lanes run dry one after the other, so shares are large; but several for each thread, for
        one may find its core busy.
        """
        n = self.bound.n
        size = max(SHARE, -(-n // (4 * self.threads)))
        return [(first, min(first + size, n)) for first in range(0, n, size)]

    def _advance_together(self, shares: list[tuple[int, int]], t_out: Array, rows: Array) -> None:
        with ThreadPoolExecutor(min(self.threads, len(shares))) as pool:
            try:
                for done in [pool.submit(self._advance, share, t_out, rows) for share in shares]:
                    done.result()
            except BaseException:
                self._stop = True
                raise

    def _advance(self, share: tuple[int, int], t_out: Array, rows: Array) -> None:
        """Bring a share of the members to the end of their spans."""
        lanes = self._idle.pop() if self._idle else self._new_lanes()
        queue = lanes.queue
        queue[:] = share
        ending, advance = entry.MORE, self._compiled.advance
        while ending == entry.MORE and not self._stop:
            known, began = len(advance.overloads), time.monotonic()
            ending = advance(
                self.table, queue, lanes.who, lanes.verdicts, self.clock, self.counts, self.own, t_out, rows,
                lanes.small, lanes.work, RODAS5D.coefficients, self.limits.rtol, self.chunk,
            )  # fmt: skip
            if len(advance.overloads) > known:
                # Compilation, once on a machine, is no part of the time allowed.
                self.started += time.monotonic() - began
            late = self._is_late()
            if late or ending == entry.MORE:
                self._guard(lanes, late)
            if late:
                waiting = self.counts[slice(*share), entry.STATUS] == entry.MORE
                self._end(share[0] + np.flatnonzero(waiting), DEADLINE)
                break
        lanes.who.fill(-1)
        self._idle.append(lanes)

    def _is_late(self) -> bool:
        return time.monotonic() - self.started > self.limits.deadline_s

    def _guard(self, lanes: LaneSet, late: bool) -> None:
        """Unload the members that used up their steps; all of them when it is too ``late`` to go on."""
        n, work = self.layout.n, self.counts[:, entry.STEPS] + self.counts[:, entry.REJECTED]
        for lane, member in enumerate(lanes.who):
            if member >= 0 and (late or work[member] > self.limits.max_steps):
                self.own[member, :n] = lanes.work.reshape(-1, lanes.width)[:n, lane]
                lanes.who[lane] = -1
                if not late:
                    self._end(np.array([member]), STEP_LIMIT)

    def _end(self, members: Integers, ending: int) -> None:
        """End members early; to blame is the state that changes fastest for its size."""
        if not members.size:
            return
        self.counts[members, entry.STATUS] = ending
        some, y = self.bound.only(members), self.state[members]
        with np.errstate(all="ignore"):
            rates = some.compiled.formulas.rates(some.parameters_for(2), some.inputs, y, np.empty_like(y))
            speed = np.abs(rates) / (ATOL_SHARE * some.scales[:, None] + np.abs(y))
        fastest = np.argmax(speed.reshape(members.size, -1), axis=1)
        self.counts[members, entry.STATE] = self.layout.index(fastest)

    def _new_lanes(self) -> LaneSet:
        # Derivatives travel as complex numbers, which have no lanes.
        has_lanes = not self.plain and self.own.dtype == np.float64
        return LaneSet(WIDTH if has_lanes else 1, self.table, self.own.dtype)

    def _tell(self) -> None:
        """Turn endings into statuses and messages."""
        for member in np.flatnonzero(self.counts[:, entry.STATUS] != entry.DONE):
            if self.status[member] is Status.COMPLETED:
                status = _ENDINGS[int(self.counts[member, entry.STATUS])]
                message = self._message(int(member), status)
                if self.bound.n == 1:
                    raise SolveError(message, status)
                self.status[member], self.messages[member] = status, message

    def _message(self, member: int, status: Status) -> str:
        block, i = self.layout.named(int(self.counts[member, entry.STATE]))
        name, unit = self.bound.model.species[i].name, self.bound.model.time_unit
        where = f"{name}{self.bound.space.told(block)}"
        now = self.clock[member, entry.TIME]
        return f"the solve stopped at {unit} {now:.6g} ({where}): {status.value}; {status.advice}"

    def statistics(self) -> dict[str, Any]:
        """What the solve cost so far, all members together."""
        counts = self.counts.sum(axis=0)
        return {
            "steps": int(counts[entry.STEPS]),
            "rejected": int(counts[entry.REJECTED]),
            "evaluations": int(counts[entry.RATES]),
            "factorisations": int(counts[entry.FACTORISATIONS]),
            "seconds": time.monotonic() - self.started,
        }
