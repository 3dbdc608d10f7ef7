"""One step of a tissue, as named stages in the order in which they happen.

sense    where cells are, how dense their neighbourhoods, and what every law says there
fate     who dies, changes, divides, and who enters
secrete  what cells and tissue add to the soluble fields and take from them
diffuse  the soluble fields, a step onward
deposit  matrix and surface, a step onward
move     every cell walks
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.state import BECAME, BORN, DIED, LEFT, State
from collagensim.solver.tissue.world import TICKS, World, settle
from collagensim.write.events import BECOMES, DIES

Floats: TypeAlias = npt.NDArray[np.float64]
Singles: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.int64]

agents, fates, local = kernels_of("cells"), kernels_of("fates"), kernels_of("local")


@dataclass(eq=False)
class Senses:
    """What the stages of one step hand on.

    Attributes
    ----------
    voxel : (n,) where each cell is.
    levels : (n_species, n_voxels) what there is to sense: cells as densities of the neighbourhood.
    actors : (n_kinds, n_voxels) densities of the cells in the voxel itself [cell/mm^3].
    found : (n_out, n_voxels) what the laws say.
    source, drain : (n_soluble, n_voxels) of the soluble fields, rate = source - drain * level.
    version : of the laws whose constant rows ``found`` holds.
    """

    voxel: Integers
    levels: Floats
    actors: Floats
    found: Floats
    source: Singles
    drain: Singles
    version: int = -1


def new_senses(world: World) -> Senses:
    """Return memory for a world's steps."""
    n, soluble = world.block.n_voxels, world.soluble.size
    return Senses(
        np.zeros(0, dtype=np.int64), np.zeros((len(world.model.species), n)), np.zeros((world.n_kinds, n)),
        np.zeros((world.laws.plan.n_out, n)), np.zeros((soluble, n), np.float32), np.zeros((soluble, n), np.float32),
    )  # fmt: skip


def sense(world: World, state: State, senses: Senses, days: float) -> None:
    """Read cells and fields at every voxel, and the laws there."""
    block, n = world.block, world.block.n_voxels
    senses.voxel = np.empty(state.n_cells, dtype=np.int64)
    shape = np.array(block.shape)
    agents.voxels_of(state.position, block.edges_um, shape, senses.voxel)
    agents.count(state.kind, senses.voxel, world.n_kinds, senses.actors)
    senses.actors /= block.voxel_mm3
    sensed, weights = np.empty((world.n_kinds, *block.shape)), world.sight
    scratch, padded = np.empty(block.shape), np.empty(block.shape[2] + 2 * weights.size - 2)
    agents.sense(senses.actors.reshape(sensed.shape), weights, sensed, scratch, padded)
    senses.levels[world.cells] = sensed.reshape(world.n_kinds, n)
    senses.levels[world.soluble] = state.soluble.reshape(-1, n)
    senses.levels[world.matrix] = state.matrix.reshape(-1, n)
    columns = np.broadcast_to(state.surface[:, None], (state.surface.shape[0], *block.shape))
    senses.levels[world.surface] = columns.reshape(-1, n)
    stale = senses.version != world.laws.version
    world.laws.evaluate(senses.levels, senses.actors, senses.found, constants=stale)
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


def secrete(world: World, state: State, senses: Senses, days: float) -> None:
    """Write the rates of the soluble fields as sources and drains."""
    for k, i in enumerate(world.soluble):
        net, loss = rates_of(world, senses, i)
        local.split(senses.levels[i], net, loss, senses.source[k], senses.drain[k])


def rates_of(world: World, senses: Senses, species: int) -> tuple[Floats, Floats]:
    """Net rate of a field in every voxel and its loss, -d net / d level, (n_voxels,) each."""
    plan = world.laws.plan
    return senses.found[plan.net_rows[species]], senses.found[plan.loss_rows[species]]


def diffuse(world: World, state: State, senses: Senses, days: float) -> None:
    """Let the soluble fields spread."""
    shape = state.soluble.shape
    world.diffuser.step(state.soluble, senses.source.reshape(shape), senses.drain.reshape(shape), days)


def deposit(world: World, state: State, senses: Senses, days: float) -> None:
    """Let matrix and surface gain and lose."""
    columns = world.block.shape[1] * world.block.shape[2]
    for k, i in enumerate(world.matrix):
        local.relax(state.matrix[k].reshape(-1), *rates_of(world, senses, i), days)
    for k, i in enumerate(world.surface):
        net, loss = rates_of(world, senses, i)
        local.relax(state.surface[k].reshape(-1), net[:columns], loss[:columns], days)


def move(world: World, state: State, senses: Senses, days: float) -> None:
    """Let every cell walk."""
    block, gait = world.block, world.gait
    attraction = np.zeros((world.n_kinds, *block.shape))
    known: dict[tuple[tuple[int, float], ...], int] = {}
    for kind, climbs in enumerate(world.climbs):
        if climbs in known:
            attraction[kind] = attraction[known[climbs]]
        elif climbs:
            known[climbs] = kind
            for i, weight in climbs:
                attraction[kind] += weight * senses.levels[i].reshape(block.shape)
            np.log1p(attraction[kind], out=attraction[kind])
    agents.move(
        state.kind, state.position, state.direction, state.identity, gait["speed"], gait["persistence"], attraction,
        gait["attraction"], np.zeros((0, 0, 0, 3)), gait["guidance"], world.room, days, world.seed, fates.WALK,
        state.tick, block.edges_um, np.empty((world.n_kinds, agents.N_WALK)),
        np.empty((agents.N_NOISE, agents.CHUNK)),
    )  # fmt: skip


Stage: TypeAlias = Callable[[World, State, Senses, float], None]
STAGES: tuple[Stage, ...] = (sense, fate, secrete, diffuse, deposit, move)


def step(world: World, state: State, senses: Senses, ticks: int) -> dict[str, float]:
    """Advance a tissue by some ticks; returns the seconds that each stage took."""
    days, seconds = ticks / TICKS, {}
    for stage in STAGES:
        begun = time.perf_counter()
        stage(world, state, senses, days)
        seconds[stage.__name__] = time.perf_counter() - begun
    state.tick += ticks
    return seconds
