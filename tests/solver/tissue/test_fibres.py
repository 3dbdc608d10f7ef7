"""Fibres of a tissue: laid along the paths of cells as fast as the reactions say, and otherwise as they rest."""

import dataclasses

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.biology.cast import fibre_alignment, fibroblasts, tgf_beta_1
from collagensim.biology.inputs import injury as injured
from collagensim.model import Jump
from collagensim.solver.tissue import fibres
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import deposit, new_senses, secrete, sense, step
from collagensim.solver.tissue.world import resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure
from naive import fibres as naive

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.35, density_per_cm2=4000)
SLICE = {"width_mm": 0.6, "depth_mm": 0.3, "slab_um": 200.0}
BLOCK = {"width_mm": 0.32, "breadth_mm": 0.32, "depth_mm": 0.32, "voxel_um": 20.0}
KNOWN = dermal_architecture().orientation
BOTH = pytest.mark.parametrize("space", [SLICE, BLOCK], ids=["slice", "block"])


def world_in(space, architecture=None, model=None):
    block = block_of(SKIN, **space)
    return world_of(model or cs.dermal_healing(), SKIN, block, architecture or dermal_architecture(), 1)


def healing_world(space, **given):
    """A world whose tissue has been struck and lays collagen: some days of healing in a few long steps."""
    world = world_in(space, **given)
    state, senses = resting_state(world), new_senses(world)
    wound(world, state, injure(SKIN, SESSION), 0)
    for _ in range(16):
        step(world, state, senses, 72)
    return world, state, senses


def felt(world, state, senses, days):
    """What a step of that length begins with."""
    sense(world, state, senses, days)
    secrete(world, state, senses, days)


def order_of(world, state):
    return state.matrix[world.weave.place]


def laws_of(world, senses):
    """Net rate, loss and gain along paths of the order, (n_voxels,) each."""
    plan, i = world.laws.plan, world.weave.species
    return [senses.found[rows[i]] for rows in (plan.net_rows, plan.loss_rows, plan.gain_rows)]


@BOTH
def test_resting_fibres_lie_along_x_in_the_order_of_their_layer(space):
    world = world_in(space)
    state = resting_state(world)
    assert state.fibres.orientation.shape == (2 if world.block.is_slice else 5, *world.block.shape)
    order = world.resting[world.block.layer, world.weave.species][:, None, None]
    np.testing.assert_allclose(state.fibres.orientation[0], np.broadcast_to(order, world.block.shape))
    assert not state.fibres.orientation[1:].any()


@BOTH
def test_resting_fibres_may_slope_and_their_order_is_their_size_in_every_bit(space):
    slope = dataclasses.replace(KNOWN.slope, value=0.2)
    sloping = dataclasses.replace(KNOWN, slope=slope)
    world = world_in(space, dataclasses.replace(dermal_architecture(), orientation=sloping))
    state = resting_state(world)
    size = np.sqrt(sum(part * part for part in state.fibres.orientation))
    np.testing.assert_array_equal(order_of(world, state), size)
    z, y, x = naive.axis_of(state.fibres.orientation[:, 0, 0, 0])
    assert (z / x, y) == pytest.approx((0.2, 0.0))


@BOTH
def test_a_resting_tissue_keeps_its_fibres_to_the_last_bit(space):
    """At rest the reactions gain as much order as they lose, and what they gain lies as the fibres do."""
    world = world_in(space)
    state, senses = resting_state(world), new_senses(world)
    before = state.fibres.orientation.copy()
    felt(world, state, senses, 1.0)
    net, loss, gain = laws_of(world, senses)
    np.testing.assert_array_equal(gain, 0.0)  # nothing is laid beyond what rest needs
    np.testing.assert_allclose(net, 0.0, atol=1e-15 * loss.max())
    deposit(world, state, senses, 1.0)
    # A day at a loss below one a day: a few roundings of the order.
    np.testing.assert_allclose(state.fibres.orientation, before, atol=1e-15)


@BOTH
def test_the_order_that_laws_read_is_the_size_of_the_tensors_in_every_bit(space):
    world, state, _ = healing_world(space)
    size = np.sqrt(sum(part * part for part in state.fibres.orientation))
    np.testing.assert_array_equal(order_of(world, state), size)
    assert 0.0 < size.max() <= 1.0


@BOTH
def test_gain_along_paths_is_that_of_the_reactions_named(space):
    """Newness times target: what deposition gains, and no more than all that is gained."""
    world, state, senses = healing_world(space)
    felt(world, state, senses, 0.1)
    net, loss, gain = laws_of(world, senses)
    recovery = world.model.values["alignment_recovery"]
    rest = np.repeat(world.resting[world.block.layer, world.weave.species], np.prod(world.block.shape[1:]))
    # All gain less that of recovery, which is its rate times the order at rest; roundings of loss times order.
    level = senses.levels[world.weave.species]
    np.testing.assert_allclose(gain, net + loss * level - recovery * rest, atol=1e-14 * loss.max())
    assert gain.max() > 10.0 * recovery * rest.max()


@BOTH
def test_where_all_cells_go_as_fibres_rest_the_order_is_that_of_the_scalar_law(space):
    world, state, senses = healing_world(space)
    state.fibres = fibres.resting_fibres(world, state)  # along x, in the order that there is
    state.direction[:] = [0.0, 0.0, 0.7]
    felt(world, state, senses, 0.25)
    before, gain = order_of(world, state).ravel().copy(), laws_of(world, senses)[2]
    scalar = senses.acts.matrix[world.weave.place].copy()  # what the reactions alone make of it
    deposit(world, state, senses, 0.25)
    near = world.weave.paths[:-1].any(axis=0).ravel()  # of someone who lays
    assert (near & (gain > 0.0)).any()
    # One direction is known to 2^-41, the paths' smoothed sums to a few roundings.
    np.testing.assert_allclose(order_of(world, state).ravel()[near], scalar[near], atol=1e-12)
    assert np.abs(scalar - before).max() > 1e-6


def test_cells_that_go_down_lay_upright_fibres():
    world, state, senses = healing_world(SLICE)
    state.direction[:] = [1.0, 0.0, 0.0]
    state.fibres.orientation[:] = 0.0
    felt(world, state, senses, 0.25)
    gain = laws_of(world, senses)[2].reshape(world.block.shape)
    deposit(world, state, senses, 0.25)
    at = np.unravel_index(np.argmax(gain), gain.shape)
    assert state.fibres.orientation[(0, *at)] < -1e-6
    # Without fibres that could turn them, cells that go straight down have no share aslant.
    np.testing.assert_allclose(state.fibres.orientation[1], 0.0, atol=1e-14)


@BOTH
def test_cells_are_guided_by_the_fibres_of_their_voxel(space):
    world, state, _ = healing_world(space)
    axes = fibres.guidance(world, state)
    voxel = np.floor(state.position / world.block.edges_um).astype(int)
    guided = world.gait["guidance"][state.kind] > 0.0
    assert guided.any()
    for (z, y, x), axis in zip(voxel[guided][:50], axes[guided], strict=False):
        expected = naive.axis_of(state.fibres.orientation[:, z, y, x], world.weave.sensitivity)
        expected *= np.sign(expected @ axis)
        np.testing.assert_allclose(axis, expected, atol=1e-7)  # as of the kernel's own test


@BOTH
def test_a_session_turns_no_fibre(space):
    world = world_in(space)
    state = resting_state(world)
    before = state.fibres.orientation.copy()
    wound(world, state, injure(SKIN, SESSION), 0)
    np.testing.assert_array_equal(state.fibres.orientation, before)


@BOTH
def test_a_model_whose_sessions_change_the_order_changes_the_tensors_with_it(space):
    model = cs.dermal_healing()
    halved = Jump(fibre_alignment, fibre_alignment * (1.0 - 0.5 * injured.kill_fraction))
    world = world_in(space, model=dataclasses.replace(model, jumps=[*model.jumps, halved]))
    state = resting_state(world)
    before = state.fibres.orientation.copy()
    wound(world, state, injure(SKIN, SESSION), 0)
    share = (state.fibres.orientation[0] / before[0]).ravel()
    assert set(np.round(share, 12)) == {0.5, 1.0}
    np.testing.assert_array_equal(order_of(world, state), np.abs(state.fibres.orientation[0]))


def test_without_an_orientation_the_order_follows_the_scalar_law_and_guides_nobody():
    plain = dataclasses.replace(dermal_architecture(), orientation=None)
    world = world_in(SLICE, plain)
    state, senses = resting_state(world), new_senses(world)
    assert state.fibres is None
    assert fibres.guidance(world, state).size == 0
    wound(world, state, injure(SKIN, SESSION), 0)
    step(world, state, senses, 72)
    assert "fibres" not in state.structures()


def test_fibres_are_saved(tmp_path):
    tissue = cs.simulate_tissue(SKIN, cs.Protocol([(0, SESSION)]), days=0.1, seed=3, **SLICE)
    loaded = cs.load(tissue.save(tmp_path / "fibres.nc"))
    (day,) = tissue.snapshots
    kept, found = (each.snapshot(day).structures["fibres"]["orientation"] for each in (tissue, loaded))
    np.testing.assert_array_equal(found, kept)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"species": tgf_beta_1}, "needs a matrix species in 1"),
        ({"layers": 1.0}, "layers needs a sum of cell species"),
        (
            {"slope": dermal_architecture().sensing_radius},
            "slope of fibres 'sensing_radius' is in um, needs 1",
        ),
        ({"sensitivity": dermal_architecture().sensing_radius}, "sensitivity of fibres .* needs 1"),
    ],
)
def test_an_orientation_that_cannot_be_is_refused(given, sentence):
    with pytest.raises(cs.ModelError, match=sentence):
        dataclasses.replace(KNOWN, **given)


@pytest.mark.parametrize(
    ("layers", "laid_by", "sentence"),
    [
        (fibroblasts.node, ["deposition_aligns"], "'deposition_aligns' lays no 'fibre_alignment'"),
        (fibroblasts.node * fibroblasts.node, ["deposition_aligns_fibres"], "is no sum of the model's cells"),
        (-1.0 * fibroblasts.node, ["deposition_aligns_fibres"], "lays less than nothing"),
    ],
)
def test_an_orientation_that_the_model_does_not_bear_out_is_refused(layers, laid_by, sentence):
    wrong = dataclasses.replace(KNOWN, layers=layers, laid_by=laid_by)
    with pytest.raises(cs.ModelError, match=sentence):
        resting_state(world_in(SLICE, dataclasses.replace(dermal_architecture(), orientation=wrong)))
