"""A tissue under way along its plan, and what is written down of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import plain
from collagensim.response import Course, Snapshot, Tissue, as_dataset
from collagensim.skin import LAYERS
from collagensim.solver.mean_field import Happening
from collagensim.solver.solve import long_names
from collagensim.solver.tissue.record import averages, snapshot, state_of
from collagensim.solver.tissue.stages import STAGES, new_senses, sense, step
from collagensim.solver.tissue.state import State
from collagensim.solver.tissue.world import TICKS, World, resting_state
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import Protocol

Floats: TypeAlias = npt.NDArray[np.float64]

# Days after the last session until which a step takes so many ticks; docs/tissue.md states the error. Steps end on
# whole multiples of themselves, so that they are the same wherever a course begins or ends.
PACE = ((1.0, 3), (7.0, 6), (14.0, 12), (np.inf, 24))
SLOWEST = max(ticks for _, ticks in PACE)


class Running:
    """A tissue under way, and what has been written down of it.

    Parameters
    ----------
    world : World
    plan : what happens to it, on days of the whole course.
    output_days, kept_days : when to write down averages and the whole state.
    past : the course to go on from, on ``day``; its state of that day must have been kept. Default from rest.
    """

    def __init__(
        self,
        world: World,
        plan: Sequence[Happening],
        output_days: Sequence[float],
        kept_days: Sequence[float],
        past: Tissue | None = None,
        day: float = 0.0,
    ) -> None:
        self.world, self.plan = world, sorted(plan, key=lambda h: h.day)
        self.planned = [tick_of(happening.day) for happening in self.plan]
        self.sessions = [tick_of(happening.day) for happening in self.plan if happening.injury is not None]
        self.output: dict[int, list[float]] = {}
        for asked in output_days:
            self.output.setdefault(tick_of(asked), []).append(asked)
        self.kept = {tick_of(day) for day in kept_days}
        self.senses = new_senses(world)
        self.rows: list[tuple[float, dict[str, Floats]]] = []
        self.snapshots: dict[float, Snapshot] = {}
        self.channels: list[tuple[float, Floats]] = []
        self.inputs: dict[str, float] = {}
        self.seconds = dict.fromkeys((stage.__name__ for stage in STAGES), 0.0)
        self.steps, self.status = 0, "completed"
        self.state = resting_state(world) if past is None else self._begun(past, tick_of(day))

    def _begun(self, past: Tissue, tick: int) -> State:
        """Take over what a course was until a tick."""
        before = np.flatnonzero([tick_of(day) < tick for day in past.course.time])
        for k in before:
            row = {name: values[k] for name, values in past.course.values.items()}
            self.rows.append((float(past.course.time[k]), row))
        self.snapshots = {day: found for day, found in past.snapshots.items() if tick_of(day) <= tick}
        self.channels = [(day, drawn) for day, drawn in past.channels if tick_of(day) < tick]
        found = past.snapshot(tick / TICKS)
        self._change(found.inputs)
        return state_of(self.world, found, tick)

    def run(self, days: float, watch: Callable[[float], None] | None = None) -> None:
        """Go on to the last day; an interrupt ends it there, and what was written down stays.

        ``watch`` is told the simulated day after every step.
        """
        end = tick_of(days)
        self.kept.add(end)
        try:
            self._write_down(self.state)
            while self._happen() < end:
                self._step(end)
                if watch is not None:
                    watch(self.state.tick / TICKS)
        except KeyboardInterrupt:
            if not self.rows:
                raise
            self.status = f"interrupted on day {plain(self.state.tick / TICKS)}"

    def _happen(self) -> int:
        """Let happen what is planned now; return the tick."""
        now = self.state.tick
        for happening in (h for h in self.plan if tick_of(h.day) == now):
            self._change(happening.inputs)
            if happening.injury is not None:
                self._change({"injury.opening_radius": self._radius(happening.injury.opening_radius_um)})
                # Sessions count from the first of the course, wherever it was gone on with: they draw by their number.
                drawn = wound(self.world, self.state, happening.injury, len(self.channels))
                self.channels.append((happening.day, drawn))
        return now

    def _radius(self, opened_um: float) -> float:
        """The radius that the closing law reads: the largest while any ground waits for it, as after a punch."""
        cells, known = self.state.epithelium, self.inputs.get("injury.opening_radius", 0.0)
        waits = cells is not None and bool(np.isinf(cells.left).any())
        return max(opened_um, known) if waits else opened_um

    def _change(self, inputs: Mapping[str, float]) -> None:
        self.inputs.update(inputs)
        self.world.change(inputs)

    def _step(self, end: int) -> None:
        """Take a step; what is to be seen before it ends is seen on a copy, so that looking changes nothing."""
        begin = self.state.tick
        stop = next_tick(begin, self.sessions, self.planned)
        for tick in sorted(
            tick for tick in (self.output.keys() | self.kept) if begin < tick < min(stop, end + 1)
        ):
            seen = self.state.copy()
            step(self.world, seen, self.senses, tick - begin)
            self._write_down(seen)
            if tick == end:
                self.state = seen
                return
        for name, seconds in step(self.world, self.state, self.senses, stop - begin).items():
            self.seconds[name] += seconds
        self.steps += 1
        self._write_down(self.state)

    def _write_down(self, state: State) -> None:
        tick = state.tick
        if tick in self.output:
            sense(self.world, state, self.senses, 0.0)
            found = averages(self.world, state, self.senses)
            self.rows += [(day, found) for day in self.output[tick]]
        if tick in self.kept and tick / TICKS not in self.snapshots:
            self.snapshots[tick / TICKS] = snapshot(self.world, state, self.inputs)

    def tissue(self, provenance: Mapping[str, Any]) -> Tissue:
        """What was written down, labelled."""
        world = self.world
        time_ = np.array([day for day, _ in self.rows])
        values = {name: np.stack([row[name] for _, row in self.rows]) for name in self.rows[0][1]}
        rest = resting_state(world)
        sense(world, rest, self.senses, 0.0)
        units = {item.name: item.unit for item in (*world.model.species, *world.model.derived)}
        course = Course(
            time_, values, averages(world, rest, self.senses), units, world.block.layer_thickness_mm,
            tuple(day for day, _ in self.channels),
        )  # fmt: skip
        data = as_dataset(
            course, layers=LAYERS[: course.layer_thickness.size], long_names=long_names(world.model)
        )
        made = self.state.made.tolist()
        statistics = {
            "steps": self.steps, "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "cells": self.state.n_cells, "made": made, "digest": self.state.digest(),
        }  # fmt: skip
        if self.state.vessels is not None:
            statistics["vessels"] = self.state.vessels.told()
        return Tissue(data, self.snapshots, self.channels, provenance=provenance, statistics=statistics)


def next_tick(now: int, sessions: Sequence[int], planned: Sequence[int]) -> int:
    """Return when a step ends that begins now; ``sessions`` are ticks, and so is all that is ``planned``."""
    last = max((tick for tick in sessions if tick <= now), default=None)
    pace = SLOWEST if last is None else next(ticks for until, ticks in PACE if (now - last) / TICKS < until)
    return min([now + pace - now % pace, *(tick for tick in planned if tick > now)])


def timetable(protocol: Protocol, days: float) -> list[float]:
    """Return the day on which each step of a course ends."""
    sessions = [tick_of(day) for day in protocol.days]
    planned = [*sessions, *(tick_of(day) for day, _ in protocol.care_changes())]
    found, now = [], 0
    while now < tick_of(days):
        now = next_tick(now, sessions, planned)
        found.append(now / TICKS)
    return found


def tick_of(day: float) -> int:
    """Return the tick that lies nearest to a day."""
    return round(day * TICKS)
