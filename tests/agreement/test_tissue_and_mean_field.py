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
# Of every voxel a punch of this size takes two fifths, so that cells of every kind are left.
TAKEN = np.full(3, 0.4)
PUNCH = dataclasses.replace(
    injure(SKIN, cs.Session(device="punch", diameter_mm=4)),
    kill_fraction=TAKEN, removed_fraction=TAKEN, vessel_fraction=TAKEN,
)  # fmt: skip
TICKS = 144  # half a day
SHOWN = ("neutrophils", "macrophages_m1", "macrophages_m2", "fibroblasts")
# Two decades of tissue, and so of cells, in the same voxels.
SLABS = (10.0, 100.0, 1000.0)
SEEDS = 10


def well_mixed(slab_um, seed):
    """A block of papillary dermis after a punch, which hits every voxel alike, with fields that level at once."""
    model = cs.dermal_healing()
    block = block_of(SKIN, width_mm=1.28, depth_mm=0.15, slab_um=slab_um)
    assert not block.layer.any()
    world = world_of(model, SKIN, block, dermal_architecture(), seed)
    fast = np.full(world.soluble.size, 1e10)
    world = dataclasses.replace(world, diffuser=Diffuser(block.shape, block.voxel_um, fast))
    state = resting_state(world)
    wound(world, state, PUNCH, 0)
    return world, state


def mean_field():
    """Densities of the cells in the papillary block alone, by the model's own equations."""
    world, state = well_mixed(SLABS[-1], 1)
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
    for slab in SLABS:
        runs = []
        for seed in range(SEEDS):
            world, state = well_mixed(slab, seed)
            senses = new_senses(world)
            for _ in range(TICKS):
                step(world, state, senses, 1)
            volume = world.block.n_voxels * world.block.voxel_mm3
            names = [world.model.species[i].name for i in world.cells]
            numbers = dict(zip(names, np.bincount(state.kind, minlength=world.n_kinds), strict=True))
            mean = np.array([expected[name] * volume for name in SHOWN])
            runs.append((np.array([numbers[name] for name in SHOWN]) - mean) / np.sqrt(mean))
        found[slab] = np.array(runs)
    return found


@pytest.mark.parametrize("slab", SLABS)
def test_numbers_of_cells_scatter_about_the_mean_field_by_their_roots(deviations, slab):
    squares = deviations[slab] ** 2
    # Numbers of independent cells are Poisson: such a square has the mean 1 and the variance 2 + 1 / mean, which is at
    # most 2.9 here on average over the kinds. Of forty the mean has a standard deviation of 0.27; four of them, and a
    # fifth for steps of first order, which shift the most numerous kind by about half a root. Below, as chi-square.
    assert 0.3 < squares.mean() < 2.3


def test_the_error_falls_with_the_root_of_the_number_of_cells(deviations):
    """Over two decades the relative error goes as the number of cells to the power of -1/2."""
    sizes = np.log(SLABS)
    # Over the expected number, not its root; all kinds count alike.
    errors = [
        np.log(np.sqrt(np.mean(deviations[slab] ** 2))) - size / 2
        for slab, size in zip(SLABS, sizes, strict=True)
    ]
    slope = np.polyfit(sizes, errors, 1)[0]
    # The logarithm of the root of such a mean has half the standard deviation of the mean, 0.135, at either end: 0.041
    # for the slope over 4.6 in the logarithm. Four of them, and 0.02 for the steps' error in the largest.
    assert slope == pytest.approx(-0.5, abs=0.19)


def test_the_mean_over_seeds_is_the_mean_field(deviations):
    # Of ten runs, in units of one run's spread: 3.3 standard errors for four kinds at once, and for steps of five
    # minutes, of first order, 2 % of the numbers: 0.7 roots of the 1200 neutrophils, less of the others.
    assert np.all(np.abs(deviations[SLABS[-1]].mean(axis=0)) < 3.3 / np.sqrt(SEEDS) + 0.7)
