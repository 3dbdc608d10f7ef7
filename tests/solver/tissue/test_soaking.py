"""Blood soaks the tissue beside a channel, and cells that rest walk only when woken."""

import dataclasses

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.errors import ModelError
from collagensim.model import Motion
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import move, new_senses, sense
from collagensim.solver.tissue.world import resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.35, density_per_cm2=1500)
DRY = dataclasses.replace(dermal_architecture(), soaks={})
PIECE = {"width_mm": 1.28, "depth_mm": 0.3, "slab_um": 100.0}


def world(architecture, **piece):
    return world_of(cs.dermal_healing(), SKIN, block_of(SKIN, **{**PIECE, **piece}), architecture, 1)


def struck(architecture, **piece):
    """Matrix fields by name after a session that hits something."""
    made = world(architecture, **piece)
    state = resting_state(made)
    assert len(wound(made, state, injure(SKIN, SESSION), 0))
    return {made.model.species[i].name: values for i, values in zip(made.matrix, state.matrix, strict=True)}


@pytest.mark.parametrize("piece", [{}, {"width_mm": 0.64, "breadth_mm": 0.64}], ids=["slice", "block"])
def test_soaking_moves_the_clot_sideways_and_nothing_else(piece):
    wet, dry = struck(dermal_architecture(), **piece), struck(DRY, **piece)
    assert dry["provisional_matrix"].max() > 0.0
    for name, values in dry.items():
        if name == "provisional_matrix":
            rows = values.mean(axis=(1, 2))
            np.testing.assert_allclose(wet[name].mean(axis=(1, 2)), rows, rtol=1e-12, atol=1e-15)
            assert np.all(wet[name] >= 0.0)
            assert wet[name].max() < values.max()
        else:
            np.testing.assert_array_equal(wet[name], values)


def test_the_clot_spreads_by_its_reach():
    """In a wide slice the variance along x grows by the square of the reach: variances of a convolution add."""
    found = {}
    for name, architecture in (("wet", dermal_architecture()), ("dry", DRY)):
        row = struck(architecture, width_mm=5.12)["provisional_matrix"][0, 0]
        # A turn of the circle is the width: |mean of exp(i k x)|, with k small, falls by exp(-k^2 reach^2 / 2).
        found[name] = abs(np.fft.rfft(row)[1]) / row.sum()
    reach, wave = dermal_architecture().soaked_um["provisional_matrix"], 2.0 * np.pi / 5120.0
    # The weights are a Gaussian cut at three deviations that keeps its second moment: its fourth differs by less than
    # a fifth, of k^4 reach^4 / 8, which is 4e-5 here.
    assert found["wet"] / found["dry"] == pytest.approx(np.exp(-((wave * reach) ** 2) / 2.0), rel=1e-5)


def walked(raised, kind, signal):
    """Paths of a kind of cells in a quarter of an hour [um], left and right; on the left a signal has been raised."""
    made = world(DRY, slab_um=1000.0)
    state, senses = resting_state(made), new_senses(made)
    half = made.block.shape[2] // 2
    for which, fields in ((made.soluble, state.soluble), (made.matrix, state.matrix)):
        names = [made.model.species[i].name for i in which]
        if signal in names:
            fields[names.index(signal), :, :, :half] += raised
    sense(made, state, senses, 0.0)
    ours = state.kind == [made.model.species[i].name for i in made.cells].index(kind)
    before, edge = state.position.copy(), made.block.size_um[2] / 2.0
    move(made, state, senses, 0.01)
    paths = np.abs(state.position - before).sum(axis=1)
    left = (before[:, 2] < edge - 30.0) & (before[:, 2] > 30.0)
    right = (before[:, 2] > edge + 30.0) & (before[:, 2] < 2.0 * edge - 30.0)
    return paths[ours & left], paths[ours & right]


@pytest.mark.parametrize(("kind", "signal"), [("fibroblasts", "pdgf"), ("macrophages_m2", "debris")])
def test_who_rests_walks_only_where_there_is_more_to_climb_than_at_rest(kind, signal):
    still = np.concatenate(walked(0.0, kind, signal))
    woken, asleep = walked(1.0, kind, signal)
    assert still.size > 100
    # Levels at rest are single precision: 1e-7 of them, times a way of at most 1 um/min * 14.4 min along each axis.
    assert still.max() < 1e-4
    assert asleep.max() < 1e-4
    assert woken.min() > 0.0
    assert woken.mean() > 0.5


def test_what_rests_needs_something_to_wake_it():
    motion = dermal_architecture().motions[0]
    with pytest.raises(ModelError, match="nothing would ever wake it"):
        dataclasses.replace(motion, climbs={}, rests=True)
    assert isinstance(motion, Motion)
