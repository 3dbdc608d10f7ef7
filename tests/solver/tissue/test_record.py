"""What is written down of a tissue: means of every voxel's own levels and inputs."""

import numpy as np

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.solver.columns import derived_values
from collagensim.solver.tissue.record import BAND, averages, bands
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import new_senses, sense, step
from collagensim.solver.tissue.world import resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.35, density_per_cm2=4000)


def test_derived_quantities_are_averaged_over_what_they_are_in_every_voxel():
    block = block_of(SKIN, width_mm=0.32, depth_mm=0.8, slab_um=200.0)
    assert np.unique(block.layer).size == 3
    assert max(np.bincount(block.layer)) > BAND
    world = world_of(cs.dermal_healing(), SKIN, block, dermal_architecture(), 1)
    state, senses = resting_state(world), new_senses(world)
    wound(world, state, injure(SKIN, SESSION), 0)
    step(world, state, senses, 3)
    sense(world, state, senses, 0.0)
    found, model = averages(world, state, senses), world.model
    levels = np.stack([senses.levels[i] for i in range(len(model.species))], axis=-1)[None, :, None]
    names = [derived.name for derived in model.derived]
    for name, values in derived_values(world.bound, names, world.inputs(), levels).items():
        at = values.reshape(block.shape)
        # A mean of n numbers is off by no more than n roundings; here it is summed in the same order.
        expected = at[0].mean() if name in world.surface_names else block.by_layer(at)
        np.testing.assert_array_equal(found[name], expected, err_msg=name)
    voxels = np.bincount(block.layer) * block.shape[1] * block.shape[2]
    for k, i in enumerate(world.cells):
        density = found[model.species[i].name]
        cells = density @ voxels * block.voxel_mm3 / world.per_cell[k]
        np.testing.assert_allclose(cells, (state.kind == k).sum(), rtol=1e-9)


def test_bands_hold_every_row_once_and_none_of_two_layers():
    layer = np.repeat([0, 1, 2], [1, BAND, 2 * BAND + 3])
    found = bands(layer)
    np.testing.assert_array_equal(
        np.concatenate([np.arange(layer.size)[rows] for rows in found]), np.arange(layer.size)
    )
    assert all(0 < np.unique(layer[rows]).size < 2 for rows in found)
    assert max(rows.stop - rows.start for rows in found) == BAND
