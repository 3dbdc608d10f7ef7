"""One step of a tissue, as named stages in the order in which they happen.

sense    where cells are, and what there is to feel: fields, and cells as densities of the neighbourhood
secrete  what every law says there, and once more in the middle of the step: sources and losses of the soluble fields,
         what the others become, and what may happen to cells
fate     who dies, changes, divides, and who enters
diffuse  the soluble fields, a step onward
deposit  matrix and surface, a step onward
cover    bare surface, by fronts of cells from its rims
move     every cell walks
vessels  are drawn, joined, grown and pruned

Fields have an array of before the step and one of after it. What is made and lost, and what befalls cells, follows from
the middle of the step, as it is foreseen from its beginning; cells walk by fields of after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue import fibres
from collagensim.solver.tissue.closing import cover
from collagensim.solver.tissue.foresight import foresee
from collagensim.solver.tissue.laws import Acts, Levels
from collagensim.solver.tissue.settling import settle_fields
from collagensim.solver.tissue.state import BECAME, BORN, DIED, LEFT, Newcomers, State
from collagensim.solver.tissue.vessels import vessels
from collagensim.solver.tissue.waking import Climbs, climbs_of, sniff
from collagensim.solver.tissue.world import TICKS, World, arrivals
from collagensim.write.events import BECOMES, DIES

Floats: TypeAlias = npt.NDArray[np.float64]
Singles: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.int64]

agents, fates = kernels_of("cells"), kernels_of("fates")

# What befalls a cell a second time in a step is drawn as if so many ticks later, when no course still goes on.
AGAIN = 1 << 31
# How far a cell goes, by its speed, before it feels its way anew, unless that takes less than a tick [um]: slopes are
# felt over two voxels of 10 um.
STRIDE_UM = 16.0
# Ticks after which cells are laid out anew by kind and voxel: cells that are neighbours in memory then read the same
# parts of fields. Nothing that happens depends on their order.
GROUPED = 24


@dataclass(eq=False)
class Senses:
    """What the stages of one step hand on.

    Attributes
    ----------
    voxel : (n,) where each cell is.
    levels : what there is to sense, ``levels[i]`` of species i: as the step begins, then what laws read in its middle.
    actors : (n_kinds, n_voxels) densities of the cells in the voxel itself [as the species], then as ``levels``.
    acts : what the laws say.
    soluble : what the fields are after the step, written by `diffuse`, which changes it for the state's.
    climbs : what cells climb and what slows them; scratch : (nz, ny, nx). Both are written anew each step.
    sensed : (n_kinds, n_voxels) memory for cells as they are sensed.
    middle, middle_actors : levels and actors in the middle of the step, as they are foreseen.
    """

    voxel: Integers
    levels: Levels
    actors: Floats
    acts: Acts
    soluble: Singles
    climbs: Climbs
    scratch: Floats
    sensed: Floats
    middle: Levels
    middle_actors: Floats

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
    # Arrays of one kind lie in one piece: the system gives large ones larger pages.
    soluble = np.zeros((4, world.soluble.size, n), np.float32)
    cells = np.zeros((4, world.n_kinds, n))
    matrix, surface = np.zeros((2, world.matrix.size, n)), np.zeros((2, world.surface.size, n_columns))
    acts = Acts(
        soluble[0], soluble[1], np.full(world.soluble.size, np.nan), np.zeros((0, n)), np.zeros((0, n)), matrix[0],
        surface[0], np.full((laws.n_out, n), np.nan),
    )  # fmt: skip
    levels = Levels(cells[0], acts.matrix, acts.source, acts.surface, world.order)
    middle = Levels(cells[1], matrix[1], soluble[2], surface[1], world.order)
    return Senses(
        np.zeros(0, dtype=np.int64), levels, cells[2], acts, soluble[3].reshape(-1, *block.shape),
        climbs_of(world), np.zeros(block.shape), levels.cells, middle, cells[3],
    )  # fmt: skip


def sense(world: World, state: State, senses: Senses, days: float) -> None:
    """Read cells and fields at every voxel."""
    block, n = world.block, world.block.n_voxels
    senses.voxel = voxels_of(world, state.position)
    agents.count(state.kind, senses.voxel, world.n_kinds, senses.actors)
    per, present = block.voxel_mm3 / world.per_cell, state.present(world.n_kinds)
    shape, weights, sensed = (world.n_kinds, *block.shape), world.sight, senses.sensed
    padded = np.empty(block.shape[2] + 2 * weights.size - 2)
    agents.sense(
        senses.actors.reshape(shape), present, per, weights, sensed.reshape(shape), senses.scratch, padded
    )
    senses.levels = Levels(
        sensed, state.matrix.reshape(-1, n), state.soluble.reshape(-1, n),
        state.surface.reshape(world.surface.size, -1), world.order,
    )  # fmt: skip
    if days > 0.0:
        fibres.feel_paths(world, state, senses.voxel)


def secrete(world: World, state: State, senses: Senses, days: float) -> None:
    """Let the laws say what is made and lost in every voxel, and what may happen to cells there.

    They say it of the middle of the step, from what they let expect there: so it is of order two.
    """
    begun, middle = senses.levels, senses.middle
    half = replace(
        senses.acts, cells=middle.cells, actors=senses.middle_actors, matrix=middle.matrix, surface=middle.surface
    )  # fmt: skip
    world.laws.act(begun, senses.actors, 0.5 * days, half)
    settle_fields(world, state, senses)
    foresee(world, state, senses, 0.5 * days)
    senses.levels = middle
    senses.actors, senses.middle_actors = senses.middle_actors, senses.actors
    world.laws.act(middle, senses.actors, days, senses.acts, begun=begun)


def fate(world: World, state: State, senses: Senses, days: float) -> None:
    """Let the events of cells happen, and let cells enter.

    Who enters, is born, divides or changes its kind is taken to do so in the middle of the step, and goes on with it:
    in half a step there may befall it what befalls its kind. So numbers are of order two on average.
    """
    plan, newcomers = world.laws.plan, []
    for kind, row in enumerate(plan.entry_rows):
        if row >= 0:
            share = world.block.voxel_mm3 * days
            newcomers += arrivals(world, state, kind, senses.found[row], share, fates.PLACE)
    anew = befall(world, state, senses, None, days, state.tick, newcomers)
    befall(world, state, senses, anew, 0.5 * days, state.tick + AGAIN, [])
    if (state.tick + round(days * TICKS)) // GROUPED > state.tick // GROUPED:
        place = state.kind * world.block.n_voxels + voxels_of(world, state.position)
        state.renew(np.argsort(place, kind="stable"))


def befall(
    world: World,
    state: State,
    senses: Senses,
    who: Integers | None,
    days: float,
    tick: int,
    newcomers: list[Newcomers],
) -> Integers:
    """Let events happen to the cells ``who``, all as they were sensed when None, and add newcomers and daughters.

    Returns who is new or other than before. ``tick`` is that of their luck.
    """
    if who is None:
        kind, voxel, identity = state.kind, senses.voxel, state.identity
    else:
        kind, voxel, identity = state.kind[who], voxels_of(world, state.position[who]), state.identity[who]
    plan, chosen = world.laws.plan, np.empty(kind.size, dtype=np.int64)
    fates.choose_fates(
        kind, voxel, identity, senses.found[plan.hazard_rows], plan.first_event, world.seed, tick, days, chosen,
        np.empty((fates.N_NOTED, fates.CHUNK)),
    )  # fmt: skip
    struck, newcomers = np.flatnonzero(chosen >= 0), list(newcomers)
    what, struck = chosen[struck], struck if who is None else who[struck]
    alive, other = np.ones(state.n_cells, dtype=bool), np.zeros(state.n_cells, dtype=bool)
    for j in np.unique(what):
        event, those = plan.events[j], struck[what == j]
        if event.outcome == DIES:
            alive[those] = False
            state.made[event.kind, DIED] += those.size
            continue
        other[those] = True
        if event.outcome == BECOMES:
            state.kind[those] = event.other
            state.made[event.kind, LEFT] += those.size
            state.made[event.other, BECAME] += those.size
        else:
            newcomers.append((event.other, *daughters(world, state, those)))
            state.made[event.other, BORN] += those.size
    which = np.flatnonzero(alive)
    if which.size < alive.size or newcomers:
        state.renew(which, newcomers)
    return np.concatenate([np.flatnonzero(other[which]), np.arange(which.size, state.n_cells)])


def voxels_of(world: World, position: Floats) -> Integers:
    """In which voxel some places (n, 3) are."""
    found = np.empty(position.shape[0], dtype=np.int64)
    agents.voxels_of(position, world.block.edges_um, np.array(world.block.shape), found)
    return found


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
    world.diffuser.step(
        state.soluble, source, drain, days, which=world.spreading, out=senses.soluble, one_loss=senses.acts.one_drain
    )  # fmt: skip
    for each in world.settlings:
        senses.soluble[each.field] = state.soluble[each.field]
    state.soluble, senses.soluble = senses.soluble, state.soluble


def deposit(world: World, state: State, senses: Senses, days: float) -> None:
    """Let matrix and surface be what they become; fibres that have a direction are laid."""
    acts = senses.acts
    matrix, surface = state.matrix.reshape(acts.matrix.shape), state.surface.reshape(acts.surface.shape)
    if world.weave is not None:
        acts.matrix[world.weave.place] = matrix[world.weave.place]
    state.matrix, acts.matrix = acts.matrix.reshape(state.matrix.shape), matrix
    state.surface, acts.surface = acts.surface.reshape(state.surface.shape), surface
    fibres.lay(world, state, senses.found, days)


def move(world: World, state: State, senses: Senses, days: float) -> None:
    """Let every cell walk, by fields as they are after the step; the fast in stretches, to feel their way in each."""
    gait, climbs, n, ticks = world.gait, senses.climbs, world.block.n_voxels, round(days * TICKS)
    felt = replace(senses.levels, matrix=state.matrix.reshape(-1, n), soluble=state.soluble.reshape(-1, n))
    sniff(climbs, felt, state.present(world.n_kinds))
    who, start = np.empty(state.n_cells, dtype=np.int64), np.empty(world.n_kinds + 1, dtype=np.int64)
    agents.sort_cells(state.kind, world.n_kinds, start, who)
    for kind, n_parts in enumerate(stretches(gait["speed"], ticks)):
        those, part, begun = who[start[kind] : start[kind + 1]], ticks // n_parts, state.tick
        # Who is guided feels the fibres anew in each stretch.
        n_turns, n_walks = (n_parts, 1) if gait["guidance"][kind] > 0.0 else (1, n_parts)
        for k in range(n_turns if those.size else 0):
            _walk(world, state, climbs, kind, those, days / n_parts, n_walks, begun + k * part, part)


def stretches(speed: Floats, ticks: int) -> Integers:
    """In how many parts cells of some speeds [um/day] walk so many ticks: equal ones, of whole ticks each."""
    whole = np.array([n for n in range(1, ticks + 1) if ticks % n == 0], dtype=np.int64)
    needed = speed * (ticks / TICKS) / STRIDE_UM
    found: Integers = whole[np.minimum(np.searchsorted(whole, needed), whole.size - 1)]
    return found


def _walk(
    world: World, state: State, climbs: Climbs, kind: int, who: Integers, days: float, n_steps: int, tick: int,
    ticks: int,
) -> None:  # fmt: skip
    """Let the cells ``who``, all those of a kind, walk some steps of so many days and ticks."""
    names = "speed", "persistence", "attraction", "guidance"
    speed, persistence, attraction, guided = (world.gait[name][kind] for name in names)
    guidance = fibres.guidance(world, state, who) if guided > 0.0 else np.empty((0, 3))
    agents.move(
        who, state.position, state.direction, state.identity, speed, persistence, climbs.field[kind],
        climbs.attraction, attraction, guidance, guided, climbs.place[kind], climbs.room, days, n_steps, world.seed,
        fates.WALK, tick, ticks, world.block.edges_um, np.empty(agents.N_WALK),
        np.empty((agents.N_NOTED, agents.CHUNK)), np.empty(agents.CHUNK, dtype=np.uint64),
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
