"""From skin and protocol to a tissue's course: sessions, steps, and what is written down on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import in_range, increasing, instance, plain, whole
from collagensim.model import Model, Motion
from collagensim.response import Course, Snapshot, Tissue, as_dataset
from collagensim.skin import LAYERS, Skin
from collagensim.solver.columns import derived_values
from collagensim.solver.mean_field import Happening
from collagensim.solver.provenance import provenance_of
from collagensim.solver.simulate import happenings, sources_used, warn
from collagensim.solver.solve import long_names
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import STAGES, Senses, new_senses, sense, step
from collagensim.solver.tissue.state import State
from collagensim.solver.tissue.world import TICKS, World, resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import Protocol

Floats: TypeAlias = npt.NDArray[np.float64]

# Days after the last session until which a step takes so many ticks.
PACE = ((3.0, 1), (7.0, 2), (28.0, 4), (np.inf, 12))
KEPT_DAYS = (1.0, 3.0, 7.0, 14.0, 28.0)


def simulate_tissue(
    model: Model,
    motions: Sequence[Motion],
    skin: Skin,
    protocol: Protocol,
    *,
    days: float = 28.0,
    seed: int = 1,
    width_mm: float = 2.0,
    breadth_mm: float | None = None,
    depth_mm: float | None = None,
    voxel_um: float | None = None,
    slab_um: float = 100.0,
    ageing: bool = True,
    output_days: Iterable[float] | None = None,
) -> Tissue:
    """Return the tissue's course; see `collagensim.simulate_tissue`."""
    instance("skin", skin, Skin, "for example Skin(site='cheek')")
    instance("protocol", protocol, Protocol, "for example Protocol.series(Session(depth_mm=1.5))")
    span, number = in_range("days", days, 0.0, 3650.0, "days"), whole("seed", seed, 0, 2**63 - 1)
    grid = np.arange(np.floor(span) + 1.0) if output_days is None else output_days
    asked = increasing("output_days", grid, 0.0, span, "days")
    block = block_of(
        skin, width_mm=width_mm, breadth_mm=breadth_mm, depth_mm=depth_mm, voxel_um=voxel_um, slab_um=slab_um
    )
    warn(skin, protocol)
    world = world_of(model, skin, block, motions, number, ageing=ageing)
    plan = happenings(skin, protocol, float(world.radius_um), span)
    course = _Course(world, plan, asked)
    course.run(span)
    options = {
        "days": span, "seed": number, "ageing": ageing, "shape": block.shape, "voxel_um": block.voxel_um,
        "slab_um": block.slab_um, "output_days": asked,
    }  # fmt: skip
    notes = [note for happening in plan if happening.injury is not None for note in happening.injury.warnings]
    provenance = provenance_of(
        model, options, skin=skin.to_dict(), protocol=protocol.to_dict(), sources=sources_used(skin, protocol),
        assumptions=[*protocol.all_assumptions, *dict.fromkeys(notes)],
    )  # fmt: skip
    return course.tissue({**provenance, "seed": number, "status": course.status})


class _Course:
    """A tissue under way, and what has been written down of it."""

    def __init__(self, world: World, plan: Sequence[Happening], output_days: Sequence[float]) -> None:
        self.world, self.plan = world, sorted(plan, key=lambda h: h.day)
        self.output = {_tick(day): day for day in output_days}
        self.kept = {_tick(day) for day in KEPT_DAYS}
        self.state, self.senses = resting_state(world), new_senses(world)
        self.rows: list[tuple[float, dict[str, Floats]]] = []
        self.snapshots: dict[float, Snapshot] = {}
        self.channels: list[tuple[float, Floats]] = []
        self.seconds = dict.fromkeys((stage.__name__ for stage in STAGES), 0.0)
        self.steps, self.status = 0, "completed"

    def run(self, span: float) -> None:
        """Go on to the last day; an interrupt ends it there, and what was written down stays."""
        end, sessions = _tick(span), 0
        try:
            while True:
                self._write_down(end)
                for happening in [h for h in self.plan if _tick(h.day) == self.state.tick]:
                    self.world.change(happening.inputs)
                    if happening.injury is not None:
                        self.world.change(_opening(happening))
                        drawn = wound(self.world, self.state, happening.injury, sessions)
                        self.channels.append((happening.day, drawn))
                        sessions += 1
                if self.state.tick >= end:
                    return
                self._step(end)
        except KeyboardInterrupt:
            self.status = f"interrupted on day {plain(self.state.tick / TICKS)}"

    def _step(self, end: int) -> None:
        tick = self.state.tick
        stops = [end, *self.output, *self.kept, *(_tick(h.day) for h in self.plan)]
        last = max(
            (_tick(h.day) for h in self.plan if h.injury is not None and _tick(h.day) <= tick), default=None
        )
        since = (tick - last) / TICKS if last is not None else np.inf
        wanted = next(ticks for until, ticks in PACE if since < until)
        ticks = min([wanted, *(stop - tick for stop in stops if stop > tick)])
        for name, seconds in step(self.world, self.state, self.senses, ticks).items():
            self.seconds[name] += seconds
        self.steps += 1

    def _write_down(self, end: int) -> None:
        tick = self.state.tick
        if tick in self.output:
            sense(self.world, self.state, self.senses, 0.0)
            self.rows.append((self.output[tick], averages(self.world, self.state, self.senses)))
        if tick in self.kept or tick == end:
            self.snapshots[tick / TICKS] = snapshot(self.world, self.state)

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
        data = as_dataset(course, layers=LAYERS[: course.layer_thickness.size], long_names=long_names(world.model))
        made = self.state.made.tolist()
        statistics = {
            "steps": self.steps, "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "cells": self.state.n_cells, "made": made, "digest": self.state.digest(),
        }  # fmt: skip
        return Tissue(data, self.snapshots, self.channels, provenance=provenance, statistics=statistics)


def averages(world: World, state: State, senses: Senses) -> dict[str, Floats]:
    """Every variable averaged by layer, (3,), or over the surface, ()."""
    model, block = world.model, world.block
    found: dict[str, Floats] = {}
    for i, species in enumerate(model.species):
        if species.kind == "surface":
            k = int(np.flatnonzero(world.surface == i)[0])
            found[species.name] = np.asarray(state.surface[k].mean())
        else:
            values = (
                senses.actors[np.flatnonzero(world.cells == i)[0]] if i in world.cells else senses.levels[i]
            )
            found[species.name] = block.by_layer(values.reshape(block.shape))
    levels = senses.levels.T[None, :, None, :]
    derived = derived_values(world.bound, [d.name for d in model.derived], world.inputs(), levels)
    on_top = world.surface_names
    for name, values in derived.items():
        at = values.reshape(block.shape)
        found[name] = np.asarray(at[0].mean()) if name in on_top else block.by_layer(at)
    return found


def snapshot(world: World, state: State) -> Snapshot:
    """Cells and fields of this moment by name."""
    model, block = world.model, world.block
    names = [model.species[i].name for i in world.cells]
    fields = {model.species[i].name: state.soluble[k].copy() for k, i in enumerate(world.soluble)}
    fields |= {model.species[i].name: state.matrix[k].copy() for k, i in enumerate(world.matrix)}
    surface = {model.species[i].name: state.surface[k].copy() for k, i in enumerate(world.surface)}
    units = {species.name: species.unit for species in model.species}
    return Snapshot(
        state.kind.copy(), state.position.copy(), state.identity.copy(), names, fields, surface, units,
        block.edges_um, block.layer,
    )  # fmt: skip


def _tick(day: float) -> int:
    return round(day * TICKS)


def _opening(happening: Happening) -> dict[str, float]:
    assert happening.injury is not None
    return {"injury.opening_radius": happening.injury.opening_radius_um}
