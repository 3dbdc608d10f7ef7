"""Where nothing depends on place, the tissue is the mean field of its many cells."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.solver.tissue.diffusion import Diffuser
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import new_senses, step
from collagensim.solver.tissue.world import resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin()
PUNCH = injure(SKIN, cs.Session(device="punch", diameter_mm=4))
TICKS = 144  # half a day
SHOWN = ("neutrophils", "macrophages_m1", "macrophages_m2", "fibroblasts")


def well_mixed(slab_um, seed):
    """A block of papillary dermis after a punch, which hits every voxel alike, with fields that level at once."""
    model = cs.dermal_healing()
    block = block_of(SKIN, width_mm=0.32, depth_mm=0.15, slab_um=slab_um)
    assert not block.layer.any()
    world = world_of(model, SKIN, block, dermal_architecture(), seed)
    fast = np.full(world.soluble.size, 1e10)
    world = dataclasses.replace(world, diffuser=Diffuser(block.shape, block.voxel_um, fast))
    state = resting_state(world)
    wound(world, state, PUNCH, 0)
    return world, state


def mean_field():
    """Densities of the cells in the papillary block alone, by the model's own equations."""
    world, state = well_mixed(2000.0, 1)
    bound, n = world.bound, len(world.model.species)
    start = bound.baseline[0, 0].copy()
    columns = np.broadcast_to(state.surface[:, None], (state.surface.shape[0], *world.block.shape))
    fields = ((world.soluble, state.soluble), (world.matrix, state.matrix), (world.surface, columns))
    for which, values in fields:
        start[which] = values.reshape(which.size, -1).mean(axis=1)
    start[world.cells] *= 1.0 - PUNCH.kill_fraction[0]
    blocks = bound.space.n_blocks

    def rates(t, y):
        states = np.broadcast_to(y, (1, blocks, n))
        out = bound.compiled.formulas.rates(
            bound.parameters_for(2), bound.inputs, states, np.empty((1, blocks, n))
        )
        return out[0, 0]

    found = solve_ivp(rates, (0.0, TICKS / 288), start, "LSODA", rtol=1e-8, atol=1e-10).y[:, -1]
    return dict(zip(world.model.species_names, found, strict=True))


@pytest.fixture(scope="module")
def deviations():
    """Numbers of cells less those of the mean field, over the roots of the latter: slab -> (seeds, kinds)."""
    expected = mean_field()
    found = {}
    for slab in (100.0, 1600.0):
        runs = []
        for seed in range(5):
            world, state = well_mixed(slab, seed)
            senses = new_senses(world)
            for _ in range(TICKS // 2):
                step(world, state, senses, 2)
            volume = world.block.n_voxels * world.block.voxel_mm3
            names = [world.model.species[i].name for i in world.cells]
            numbers = dict(zip(names, np.bincount(state.kind, minlength=world.n_kinds), strict=True))
            mean = np.array([expected[name] * volume for name in SHOWN])
            runs.append((np.array([numbers[name] for name in SHOWN]) - mean) / np.sqrt(mean))
        found[slab] = np.array(runs)
    return found


@pytest.mark.parametrize("slab", [100.0, 1600.0])
def test_numbers_of_cells_scatter_about_the_mean_field_by_their_roots(deviations, slab):
    """So that the relative deviation falls with the root of the number of cells."""
    squares = deviations[slab] ** 2
    # Numbers of independent cells are Poisson: the mean of twenty such squares is 1, and beyond these bounds once in a
    # thousand (chi-square). Steps of ten minutes, of first order, add less.
    assert 0.25 < squares.mean() < 2.4


def test_the_mean_over_seeds_is_the_mean_field(deviations):
    # Of five runs, in units of one run's spread: 3.3 standard errors for four kinds at once, and a tenth for the steps.
    assert np.all(np.abs(deviations[1600.0].mean(axis=0)) < 3.3 / np.sqrt(5) + 0.1)
