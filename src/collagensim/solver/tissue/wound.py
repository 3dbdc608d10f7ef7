"""What a session does to a tissue: its channels are drawn, and the model's jumps happen in the voxels they hit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import ModelError
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.closing import open_surface, tell_cover
from collagensim.solver.tissue.fibres import follow_jump
from collagensim.solver.tissue.soaking import soak, unsoaked
from collagensim.solver.tissue.state import DIED, State
from collagensim.solver.tissue.vessels import sever
from collagensim.solver.tissue.world import World
from collagensim.treatment import Injury

Floats: TypeAlias = npt.NDArray[np.float64]

agents, fates = kernels_of("cells"), kernels_of("fates")


def wound(world: World, state: State, injury: Injury, session: int) -> Floats:
    """Injure the tissue in place; returns the channels (n, 3): y, x and the depth they reach [um].

    The same seed, session, density and block draw the same places; their depth is the protocol's.
    """
    block = world.block
    shape = (block.shape[0], block.shape[2]) if block.is_slice else block.shape
    drawn = injury.field(shape, block.voxel_um, seed=_seed(world.seed, session), top_um=block.top_um)
    whole = injury.channels is None
    layers = block.layer[:, None, None]

    def share(mask: npt.NDArray[np.bool_], values: Floats) -> Floats:
        """In a voxel that is hit, all of it; of a punch, the share that it takes of every row."""
        found = np.broadcast_to(values[layers], block.shape) if whole else mask.reshape(block.shape)
        return np.array(found, dtype=np.float64).reshape(1, -1, 1)

    # Needles take nothing away.
    removed = share(np.zeros(block.n_voxels, dtype=bool), injury.removed_fraction)
    opened = np.broadcast_to(open_surface(world, state, drawn), block.shape)
    hurt = {
        "injury.kill_fraction": share(drawn.killed, injury.kill_fraction),
        "injury.vessel_fraction": share(drawn.struck, injury.vessel_fraction),
        "injury.removed_fraction": removed,
        "injury.epidermal_opening": opened.reshape(1, -1, 1),
    }
    before = unsoaked(world, state)
    jump(world, state, {**world.inputs(), **hurt})
    tell_cover(world, state)
    soak(world, state, before)
    sever(world, state)
    return drawn.channels_um


def _seed(seed: int, session: int) -> int:
    """Seed of a session's channels: another for every tissue and session."""
    return int.from_bytes(hashlib.sha256(f"{seed} {session}".encode()).digest()[:8])


def jump(world: World, state: State, inputs: Mapping[str, Any]) -> None:
    """Set fields and surface to their new state, and let as many cells live as the jump of their species leaves."""
    model, block, n = world.model, world.block, world.block.n_voxels
    levels = np.empty((1, n, 1, len(model.species)))
    for which, fields in ((world.soluble, state.soluble), (world.matrix, state.matrix)):
        levels[0, :, 0, which] = fields.reshape(-1, n)
    columns = np.broadcast_to(state.surface[:, None], (state.surface.shape[0], *block.shape))
    levels[0, :, 0, world.surface] = columns.reshape(-1, n)
    levels[..., world.cells] = 1.0
    found = world.bound.compiled.formulas.jumps(world.bound.parameters_for(3), inputs, levels)
    place = {world.model.species.index(j.species): k for k, j in enumerate(model.jumps)}
    spared = np.ones((world.n_kinds, n))
    for k, i in enumerate(world.cells):
        if i in place:
            spared[k] = np.broadcast_to(found[place[i]], (1, n, 1)).ravel()
    if spared.min() < 0.0 or spared.max() > 1.0:
        raise ModelError("a jump of a cell species that is no share of the cells cannot be read cell by cell")
    for which, fields in ((world.soluble, state.soluble), (world.matrix, state.matrix)):
        for k, i in enumerate(which):
            if i in place:
                fields[k] = np.broadcast_to(found[place[i]], (1, n, 1)).reshape(block.shape)
    if world.weave is not None and world.weave.species in place:
        follow_jump(world, state)
    for k, i in enumerate(world.surface):
        if i in place:
            state.surface[k] = np.broadcast_to(found[place[i]], (1, n, 1)).reshape(block.shape)[0]
    _strike_cells(world, state, spared)


def _strike_cells(world: World, state: State, spared: Floats) -> None:
    voxel, alive = np.empty(state.n_cells, dtype=np.int64), np.empty(state.n_cells, dtype=bool)
    agents.voxels_of(state.position, world.block.edges_um, np.array(world.block.shape), voxel)
    fates.survive(voxel, state.identity, spared, state.kind, world.seed, state.tick, alive)
    state.made[:, DIED] += np.bincount(state.kind[~alive], minlength=world.n_kinds)
    state.keep(alive)
