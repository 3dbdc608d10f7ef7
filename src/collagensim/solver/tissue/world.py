"""What a tissue is made with and never changes: grid, laws, motion, and the resting state that it begins in."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import ModelError
from collagensim.model import Architecture, Model, Motion, in_space
from collagensim.response.tissue import TICKS_A_DAY
from collagensim.skin import Skin
from collagensim.solver.compiled import kernels_of
from collagensim.solver.resting import SPACE, at_rest
from collagensim.solver.system import Bound
from collagensim.solver.tissue.diffusion import Diffuser
from collagensim.solver.tissue.epithelium import resting_sheet
from collagensim.solver.tissue.fibres import Weave, gains_apart, resting_fibres, weave_of
from collagensim.solver.tissue.laws import VoxelLaws
from collagensim.solver.tissue.rest import bound_in_space, diffusion_of
from collagensim.solver.tissue.settling import Settling, settlings_of
from collagensim.solver.tissue.space import Block
from collagensim.solver.tissue.state import ENTERED, Newcomers, State
from collagensim.solver.tissue.vessels import leave_vessels
from collagensim.solver.tissue.web import Web, drawn_apart, resting_web, tips_per_cell, web_of
from collagensim.solver.tissue.workers import Workers
from collagensim.write.lowering import states_read

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

agents, fates = kernels_of("cells"), kernels_of("fates")

TICKS = TICKS_A_DAY


@dataclass(frozen=True, eq=False)
class World:
    """Grid, biology and motion of a tissue.

    Attributes
    ----------
    cells, soluble, matrix, surface : positions of the species of each place in the model's list. What is soluble but
        bound, so that nothing spreads it, counts as matrix.
    resting : (n_layers, n_species) levels at rest.
    bound : the model with its values and inputs, which sessions and aftercare change.
    architecture : how the parts of the tissue lie and move.
    per_cell : (n_kinds,) which density, in the unit of the species, one cell per mm^3 is.
    """

    model: Model
    block: Block
    seed: int
    cells: Integers
    soluble: Integers
    matrix: Integers
    surface: Integers
    resting: Floats
    radius_um: float
    bound: Bound
    laws: VoxelLaws
    diffuser: Diffuser
    architecture: Architecture
    per_cell: Floats

    @functools.cached_property
    def motions(self) -> tuple[Motion, ...]:
        """Of each cell species."""
        moves = {motion.species: motion for motion in self.architecture.motions}
        return tuple(moves[self.model.species[i]] for i in self.cells)

    @property
    def n_kinds(self) -> int:
        """Cell species."""
        return int(self.cells.size)

    @functools.cached_property
    def order(self) -> Integers:
        """Species by place: cells, matrix, what is soluble, surface."""
        return np.concatenate([self.cells, self.matrix, self.soluble, self.surface])

    @functools.cached_property
    def sight(self) -> Floats:
        """Weights with which a cell feels the cells around it."""
        found: Floats = agents.sight(
            self.architecture.sensing_um / self.block.voxel_um, 2 if self.block.is_slice else 3
        )
        return found

    @functools.cached_property
    def climbs(self) -> tuple[tuple[tuple[int, float], ...], ...]:
        """Of each cell species what it climbs: positions in the model's list and weights."""
        index = self.model.species.index
        return tuple(tuple((index(s), weight) for s, weight in m.weights().items()) for m in self.motions)

    @functools.cached_property
    def gait(self) -> dict[str, Floats]:
        """Speed, persistence, attraction and guidance of the cell species, (n_kinds,) each."""
        names = ("speed", "persistence", "attraction", "guidance")
        return {name: np.array([motion.value(name) for motion in self.motions]) for name in names}

    @functools.cached_property
    def room(self) -> Floats:
        """By what crowding slows cells (nz, ny, nx): by nothing, so far."""
        return np.ones(self.block.shape)

    @functools.cached_property
    def weave(self) -> Weave | None:
        """What its fibres follow, where they have a direction."""
        return weave_of(self)

    @functools.cached_property
    def web(self) -> Web | None:
        """What its vessels follow, where they are a network."""
        return web_of(self)

    @functools.cached_property
    def settlings(self) -> tuple[Settling, ...]:
        """The soluble fields that are in balance at every moment."""
        return settlings_of(self)

    @functools.cached_property
    def spreading(self) -> tuple[int, ...]:
        """Places of the other soluble fields, which take their time."""
        settled = {each.field for each in self.settlings}
        return tuple(k for k in range(self.soluble.size) if k not in settled)

    @functools.cached_property
    def read_by_derived(self) -> tuple[int, ...]:
        """Positions of the species that derived quantities read."""
        read = frozenset().union(*(states_read(derived.expression.node) for derived in self.model.derived))
        return tuple(i for i, species in enumerate(self.model.species) if species in read)

    @functools.cached_property
    def surface_names(self) -> frozenset[str]:
        """Derived quantities that read the surface."""
        names = {self.model.species[i] for i in self.surface}
        return frozenset(d.name for d in self.model.derived if states_read(d.expression.node) & names)

    def inputs(self) -> dict[str, Floats]:
        """Every input by name, at each voxel (1, n_voxels, 1)."""
        rows, (_, ny, nx) = self.block.layer * SPACE.n_compartments, self.block.shape
        return {
            name: np.repeat(values[0, rows], ny * nx).reshape(1, -1, 1)
            for name, values in self.bound.inputs.items()
        }

    def change(self, inputs: Mapping[str, float]) -> None:
        """Set inputs, from now on."""
        known = {name: value for name, value in inputs.items() if name in self.model.inputs}
        if known:
            self.bound.set_inputs(known)
            self.bound.renew()
            self.laws.renew()


def world_of(
    model: Model, skin: Skin, block: Block, architecture: Architecture, seed: int, *, ageing: bool = True,
    threads: int = 1,
) -> World:  # fmt: skip
    """Return what a tissue of that skin is made with: the model in space, at rest as its mean field is.

    ``threads`` share voxels and fields of a step, with the same bits for any number of them.
    """
    workers = Workers(threads)
    drive = {"skin.ageing": float(ageing)}
    rest = at_rest(model, {**skin.inputs(), "skin.ageing": 0.0}, drive)
    model = in_space(model, architecture)
    bound = bound_in_space(rest.bound, model)
    spreads = {t.species for t in model.transports}
    place: dict[str, list[int]] = {"cell": [], "soluble": [], "matrix": [], "surface": []}
    for i, species in enumerate(model.species):
        stays = species.kind == "soluble" and species not in spreads
        place["matrix" if stays else species.kind].append(i)
    index = {kind: np.array(found, dtype=np.int64) for kind, found in place.items()}
    tips = tips_per_cell(model, architecture, bound.parameters)
    moving = {motion.species for motion in architecture.motions}
    for i in index["cell"]:
        if model.species[i] not in moving:
            raise ModelError(
                f"{model.species[i].name!r} has no motion: a tissue needs one of every cell species"
            )
    return World(
        model, block, seed, index["cell"], index["soluble"], index["matrix"], index["surface"],
        bound.baseline[0].reshape(SPACE.n_layers, SPACE.n_compartments, -1)[:, 0],
        float(rest.radius_um[0]), bound,
        VoxelLaws(
            model, bound, block.layer, block.shape, told_apart(architecture),
            [relaxation.of.name for relaxation in architecture.relaxations], workers,
        ),
        Diffuser(block.shape, block.voxel_um, diffusion_of(bound, index["soluble"]), workers=workers), architecture,
        np.array([tips.get(model.species[i].name, 1.0) for i in index["cell"]]),
    )  # fmt: skip


def told_apart(architecture: Architecture) -> dict[str, tuple[str, ...]]:
    """Return the species whose rates stages read themselves, and of each the reactions whose gain they need apart."""
    balanced: dict[str, tuple[str, ...]] = {relaxation.of.name: () for relaxation in architecture.relaxations}
    return balanced | gains_apart(architecture) | drawn_apart(architecture)


def resting_state(world: World) -> State:
    """Return the tissue at rest: fields at their resting levels, cells anywhere in their layer."""
    block, levels = world.block, world.resting[world.block.layer]  # (nz, n_species)
    shape = block.shape

    def filled(which: Integers) -> Floats:
        rows = levels[:, which].T[:, :, None, None]
        return np.ascontiguousarray(np.broadcast_to(rows, (which.size, *shape)))

    columns = np.broadcast_to(levels[0, world.surface][:, None, None], (world.surface.size, *shape[1:]))
    none = np.zeros(0, dtype=np.int64)
    state = State(
        0, filled(world.soluble).astype(np.float32), filled(world.matrix), np.ascontiguousarray(columns), none,
        np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, dtype=np.uint64), none.copy(),
        np.zeros((world.n_kinds, 5), dtype=np.int64),
    )  # fmt: skip
    state.fibres = resting_fibres(world, state)
    state.vessels = resting_web(world, state)
    for kind, i in enumerate(world.cells):
        density = np.repeat(levels[:, i], shape[1] * shape[2])
        settle(world, state, kind, density, block.voxel_mm3, fates.START)
    state.epithelium = resting_sheet(world)
    return state


def settle(world: World, state: State, kind: int, rate: Floats, share: float, event: int) -> None:
    """Let cells of a kind appear: on average as many in each voxel as ``rate`` (n_voxels,) times ``share`` says.

    The rate is in the unit of the species.
    """
    for newcomers in arrivals(world, state, kind, rate, share, event):
        state.add(newcomers)


def arrivals(
    world: World, state: State, kind: int, rate: Floats, share: float, event: int
) -> list[Newcomers]:  # fmt: skip
    """Return the cells that appear, if any, as `settle` says, and count them; trails of tips are begun."""
    block, voxels = world.block, np.empty(1024, dtype=np.int64)
    share /= float(world.per_cell[kind])
    n = fates.enter(rate, share, kind, world.seed, state.tick, event, voxels)
    if n > voxels.size:
        voxels = np.empty(n, dtype=np.int64)
        fates.enter(rate, share, kind, world.seed, state.tick, event, voxels)
    if n == 0:
        return []
    position, direction, identity = np.empty((n, 3)), np.empty((n, 3)), np.empty(n, dtype=np.uint64)
    fates.place(
        voxels[:n], kind, world.seed, state.tick, event, np.array(block.shape), block.edges_um, position, direction,
        identity,
    )  # fmt: skip
    leave_vessels(world, state, kind, position, identity, event)
    state.made[kind, ENTERED] += n
    return [(kind, position, direction, identity)]
