"""One step of a tissue, as named stages in the order in which they happen.

sense    where cells are, and what there is to feel: fields, and cells as densities of the neighbourhood
secrete  what every law says there: sources and losses of the soluble fields, what the others become, and what may
         happen to cells
fate     who dies, changes, divides, and who enters
diffuse  the soluble fields, a step onward
deposit  matrix and surface, a step onward
cover    bare surface, by fronts of cells from its rims
move     every cell walks
vessels  are drawn, joined, grown and pruned

Fields have an array of before the step and one of after it: all stages read what was sensed at the beginning.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue import fibres
from collagensim.solver.tissue.closing import cover
from collagensim.solver.tissue.laws import Acts, Levels
from collagensim.solver.tissue.settling import settle_fields
from collagensim.solver.tissue.state import BECAME, BORN, DIED, LEFT, State
from collagensim.solver.tissue.vessels import vessels
from collagensim.solver.tissue.waking import paces
from collagensim.solver.tissue.world import TICKS, World, settle
from collagensim.write.events import BECOMES, DIES

Floats: TypeAlias = npt.NDArray[np.float64]
Singles: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.int64]

agents, fates = kernels_of("cells"), kernels_of("fates")


@dataclass(eq=False)
class Senses:
    """What the stages of one step hand on.

    Attributes
    ----------
    voxel : (n,) where each cell is.
    levels : what there is to sense; ``levels[i]`` of species i.
    actors : (n_kinds, n_voxels) densities of the cells in the voxel itself [as the species].
    acts : what the laws say.
    soluble : what the fields are after the step, written by `diffuse`, which changes it for the state's.
    attraction, room : (n_kinds, nz, ny, nx) what cells climb and what slows them; scratch : (nz, ny, nx). All three are
        written anew each step.
    version : of the laws whose constant rows ``found`` holds.
    """

    voxel: Integers
    levels: Levels
    actors: Floats
    acts: Acts
    soluble: Singles
    attraction: Floats
    room: Floats
    scratch: Floats
    version: int = -1

    @property
    def found(self) -> Floats:
        """What the laws say of arrivals, hazards and the species told apart, (n_out, n_voxels)."""
        return self.acts.found

    @property
    def source(self) -> Singles:
        """What is made of the soluble fields, (n_soluble, n_voxels)."""
        return self.acts.source

    @property
    def drain(self) -> Singles:
        """At what rate they are lost, (n_soluble, n_voxels)."""
        return self.acts.drain


def new_senses(world: World) -> Senses:
    """Return memory for a world's steps."""
    block, laws = world.block, world.laws
    n, n_columns = block.n_voxels, block.n_voxels // block.shape[0]
    acts = Acts(
        np.zeros((world.soluble.size, n), np.float32), np.zeros((world.soluble.size, n), np.float32),
        np.zeros((world.matrix.size, n)), np.zeros((world.surface.size, n_columns)), np.full((laws.n_out, n), np.nan),
    )  # fmt: skip
    levels = Levels(np.zeros((world.n_kinds, n)), acts.matrix, acts.source, acts.surface, world.order)
    soluble = np.zeros((world.soluble.size, *block.shape), np.float32)
    return Senses(
        np.zeros(0, dtype=np.int64), levels, np.zeros((world.n_kinds, n)), acts, soluble,
        np.zeros((world.n_kinds, *block.shape)), np.ones((world.n_kinds, *block.shape)), np.zeros(block.shape),
    )  # fmt: skip


def sense(world: World, state: State, senses: Senses, days: float) -> None:
    """Read cells and fields at every voxel."""
    block, n = world.block, world.block.n_voxels
    senses.voxel = np.empty(state.n_cells, dtype=np.int64)
    agents.voxels_of(state.position, block.edges_um, np.array(block.shape), senses.voxel)
    agents.count(state.kind, senses.voxel, world.n_kinds, senses.actors)
    senses.actors /= (block.voxel_mm3 / world.per_cell)[:, None]
    shape, weights, sensed = (world.n_kinds, *block.shape), world.sight, senses.levels.cells
    padded = np.empty(block.shape[2] + 2 * weights.size - 2)
    agents.sense(senses.actors.reshape(shape), weights, sensed.reshape(shape), senses.scratch, padded)
    senses.levels = Levels(
        sensed, state.matrix.reshape(-1, n), state.soluble.reshape(-1, n),
        state.surface.reshape(world.surface.size, -1), world.order,
    )  # fmt: skip
    if days > 0.0:
        fibres.feel_paths(world, state, senses.voxel)


def secrete(world: World, state: State, senses: Senses, days: float) -> None:
    """Let the laws say what is made and lost in every voxel, and what may happen to cells there."""
    stale = senses.version != world.laws.version
    world.laws.act(senses.levels, senses.actors, days, senses.acts, constants=stale)
    senses.version = world.laws.version


def fate(world: World, state: State, senses: Senses, days: float) -> None:
    """Let the events of cells happen, and let cells enter."""
    plan, chosen = world.laws.plan, np.empty(state.n_cells, dtype=np.int64)
    hazards = senses.found[plan.hazard_rows]
    fates.choose_fates(
        state.kind,
        senses.voxel,
        state.identity,
        hazards,
        plan.first_event,
        world.seed,
        state.tick,
        days,
        chosen,
    )
    alive = np.ones(state.n_cells, dtype=bool)
    newborn = []
    for j, event in enumerate(plan.events):
        who = np.flatnonzero(chosen == j)
        if event.outcome == DIES:
            alive[who] = False
            state.made[event.kind, DIED] += who.size
        elif event.outcome == BECOMES:
            state.kind[who] = event.other
            state.made[event.kind, LEFT] += who.size
            state.made[event.other, BECAME] += who.size
        else:
            newborn.append((event.other, *daughters(world, state, who)))
            state.made[event.other, BORN] += who.size
    if not alive.all():
        state.keep(alive)
    for kind, position, direction, identity in newborn:
        state.add(np.full(identity.size, kind, dtype=np.int64), position, direction, identity)
    for kind, row in enumerate(plan.entry_rows):
        if row >= 0:
            settle(world, state, kind, senses.found[row], world.block.voxel_mm3 * days, fates.PLACE)


def daughters(world: World, state: State, mothers: Integers) -> tuple[Floats, Floats, npt.NDArray[np.uint64]]:
    """Position, direction and identity of a daughter of each of the cells ``mothers``."""
    n = mothers.size
    position, direction, identity = np.empty((n, 3)), np.empty((n, 3)), np.empty(n, dtype=np.uint64)
    fates.bear(
        mothers, state.identity, state.births, state.position, state.direction, world.seed, state.tick,
        world.block.shape[1], position, direction, identity,
    )  # fmt: skip
    return position, direction, identity


def diffuse(world: World, state: State, senses: Senses, days: float) -> None:
    """Let the soluble fields spread, those in balance at once."""
    shape = state.soluble.shape
    source, drain = senses.source.reshape(shape), senses.drain.reshape(shape)
    world.diffuser.step(state.soluble, source, drain, days, which=world.spreading, out=senses.soluble)
    state.soluble, senses.soluble = senses.soluble, state.soluble
    settle_fields(world, state, senses)


def deposit(world: World, state: State, senses: Senses, days: float) -> None:
    """Let matrix and surface be what they become; fibres that have a direction are laid."""
    acts, before = senses.acts, senses.levels
    if world.weave is not None:
        acts.matrix[world.weave.place] = before.matrix[world.weave.place]
    state.matrix, acts.matrix = acts.matrix.reshape(state.matrix.shape), before.matrix
    state.surface, acts.surface = acts.surface.reshape(state.surface.shape), before.surface
    fibres.lay(world, state, senses.found, days)


def move(world: World, state: State, senses: Senses, days: float) -> None:
    """Let every cell walk."""
    block, gait, attraction = world.block, world.gait, senses.attraction
    known: dict[tuple[tuple[int, float], ...], int] = {}
    for kind, climbs in enumerate(world.climbs):
        if climbs in known:
            attraction[kind] = attraction[known[climbs]]
        elif climbs:
            known[climbs] = kind
            attraction[kind] = 0.0
            for i, weight in climbs:
                np.multiply(senses.levels[i].reshape(block.shape), np.float64(weight), out=senses.scratch)
                attraction[kind] += senses.scratch
            np.log1p(attraction[kind], out=attraction[kind])
    along = fibres.guidance(world, state)
    for kinds, pace in paces(world, attraction):
        for slowed in np.flatnonzero(kinds):
            senses.room[slowed] = pace
    agents.move(
        state.kind, state.position, state.direction, state.identity, gait["speed"], gait["persistence"], attraction,
        gait["attraction"], along, gait["guidance"], senses.room, days, world.seed, fates.WALK, state.tick,
        block.edges_um, np.empty((world.n_kinds, agents.N_WALK)), np.empty((agents.N_NOISE, agents.CHUNK)),
    )  # fmt: skip


Stage: TypeAlias = Callable[[World, State, Senses, float], None]
STAGES: tuple[Stage, ...] = (sense, secrete, fate, diffuse, deposit, cover, move, vessels)


def step(world: World, state: State, senses: Senses, ticks: int) -> dict[str, float]:
    """Advance a tissue by some ticks; returns the seconds that each stage took."""
    days, seconds = ticks / TICKS, {}
    for stage in STAGES:
        begun = time.perf_counter()
        stage(world, state, senses, days)
        seconds[stage.__name__] = time.perf_counter() - begun
    state.tick += ticks
    return seconds
