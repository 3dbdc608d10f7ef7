"""A tissue from protocol to averages: the same bits every time, no cell lost, and the biology of the mean field."""

import dataclasses

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.solver.tissue.course import Running
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import STAGES, new_senses, sense, step
from collagensim.solver.tissue.state import BECAME, BORN, DIED, ENTERED, LEFT
from collagensim.solver.tissue.world import resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.35, density_per_cm2=4000)
PROTOCOL = cs.Protocol([(0, SESSION)])
FINE = cs.Protocol([(0, dataclasses.replace(SESSION, needle_diameter_mm=0.04))])
SMALL = {"width_mm": 0.6, "depth_mm": 0.3, "slab_um": 200.0}


def small_world(seed=1, **given):
    block = block_of(SKIN, **{**SMALL, **given})
    return world_of(cs.dermal_healing(), SKIN, block, dermal_architecture(), seed)


def struck_world(seed=1, **given):
    world = small_world(seed, **given)
    state = resting_state(world)
    channels = wound(world, state, injure(SKIN, SESSION), 0)
    assert len(channels)
    return world, state


@pytest.fixture(scope="module")
def tissue():
    return cs.simulate_tissue(SKIN, PROTOCOL, days=2, seed=3, **SMALL)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tissue):
    again = cs.simulate_tissue(SKIN, PROTOCOL, days=2, seed=3, **SMALL)
    other = cs.simulate_tissue(SKIN, PROTOCOL, days=2, seed=4, **SMALL)
    assert again.statistics["digest"] == tissue.statistics["digest"] != other.statistics["digest"]


def test_what_is_written_down_changes_nothing(tissue):
    often = cs.simulate_tissue(
        SKIN, PROTOCOL, days=2, seed=3, output_days=[0.0, 0.25, 1.0, 1.1, 2.0], **SMALL
    )
    assert often.statistics["digest"] == tissue.statistics["digest"]


def test_every_cell_is_accounted_for():
    world, state = struck_world()
    senses, start = new_senses(world), state.made.copy()
    for _ in range(60):
        step(world, state, senses, 1)
        made = state.made
        alive = made[:, ENTERED] + made[:, BORN] + made[:, BECAME] - made[:, LEFT] - made[:, DIED]
        np.testing.assert_array_equal(np.bincount(state.kind, minlength=world.n_kinds), alive)
        assert np.unique(state.identity).size == state.n_cells
        assert np.all(state.position >= 0.0)
        assert np.all(state.position < world.block.size_um)
    # Something of each kind happened on the way, or nothing was counted.
    happened = (state.made - start).sum(axis=0)
    assert happened[ENTERED] > 0
    assert happened[DIED] > 0
    assert happened[BECAME] == happened[LEFT] > 0


def test_no_field_is_ever_negative():
    world, state = struck_world()
    senses = new_senses(world)
    for _ in range(120):
        step(world, state, senses, 1)
        assert state.soluble.min() >= 0.0
        assert state.matrix.min() >= 0.0
        assert state.surface.min() >= 0.0


def test_a_tissue_at_rest_stays_there():
    world = small_world(slab_um=1000.0)
    state, senses = resting_state(world), new_senses(world)
    sense(world, state, senses, 0.0)
    before = {name: values.copy() for name, values in state.arrays().items()}
    for _ in range(48):
        step(world, state, senses, 6)
    names = [world.model.species[i].name for i in world.matrix]
    for name in ("collagen_mature", "elastin", "fibre_alignment"):
        k = names.index(name)
        # A day of chance in single cells moves what takes years to turn over by much less than a thousandth.
        np.testing.assert_allclose(state.matrix[k].mean(), before["matrix"][k].mean(), rtol=1e-3)


def test_a_session_kills_what_it_hits_and_nothing_else():
    world = small_world(slab_um=1000.0)
    state = resting_state(world)
    before, identity = state.n_cells, state.identity.copy()
    injury = injure(SKIN, SESSION)
    wound(world, state, injury, 0)
    hit = state.matrix[[world.model.species[i].name for i in world.matrix].index("necrotic_tissue")] > 0.0
    share = hit.mean()
    assert 0.0 < share < 1.0
    assert set(state.identity) <= set(identity)
    # Of cells laid anywhere each dies with probability ``share``: five standard deviations of a binomial.
    lost = (before - state.n_cells) / before
    spread = np.sqrt(share * (1.0 - share) / before)
    # The three layers differ in density and in the share hit, which this bounds too.
    assert abs(lost - share) < 5.0 * spread + 0.15 * share
    assert state.made[:, DIED].sum() == before - state.n_cells


def test_what_rounding_adds_below_the_dermis_counts_in_no_mean():
    skin = cs.Skin(site="abdomen")
    block = block_of(skin, width_mm=0.64)
    thickness = [layer.thickness_mm for layer in skin.layers]
    # The middle of a row decides where it belongs: half a row at either edge of a layer.
    assert block.layer_thickness_mm == pytest.approx(thickness, abs=0.01)
    assert block.n_dermis < block.shape[0]
    rows = np.zeros(block.shape)
    rows[block.n_dermis :] = 1.0
    assert not block.by_layer(rows).any()


def test_a_punch_takes_its_share_of_every_row():
    made = world_of(cs.dermal_healing(), SKIN, block_of(SKIN, width_mm=0.64), dermal_architecture(), 1)
    state = resting_state(made)
    before = state.matrix.copy()
    punch = injure(SKIN, cs.Session(device="punch"))
    wound(made, state, punch, 0)
    k = [made.model.species[i].name for i in made.matrix].index("collagen_i")
    left = (state.matrix[k] / before[k]).mean(axis=(1, 2))
    assert made.block.n_dermis < left.size
    np.testing.assert_allclose(left, 1.0 - punch.removed_fraction[0], rtol=1e-12)


def test_a_shallower_session_with_the_same_seed_spares_the_same_cells():
    """Paired luck: under the same seed nobody dies of the shallower session who lives through the deeper one."""
    survivors = []
    for depth in (0.35, 0.2):
        world = small_world()
        state = resting_state(world)
        session = dataclasses.replace(SESSION, depth_mm=depth)
        wound(world, state, injure(SKIN, session), 0)
        survivors.append(set(state.identity))
    deep, shallow = survivors
    assert len(deep) < len(shallow)
    assert deep <= shallow


def test_a_step_is_a_printable_tuple_of_stages(tissue):
    order = ["sense", "secrete", "fate", "diffuse", "deposit", "cover", "move", "vessels"]
    assert [stage.__name__ for stage in STAGES] == order
    assert list(tissue.statistics["seconds"]) == [stage.__name__ for stage in STAGES]


@pytest.mark.parametrize("day", ["one", None, np.nan])
def test_a_day_that_is_no_number_is_refused_in_a_sentence(tissue, day):
    for look in (tissue.cells, tissue.fields, tissue.vessels, tissue.keratinocytes, tissue.biopsy):
        with pytest.raises(cs.InputError, match="give a day that was kept"):
            look(day)


def test_an_interrupted_course_keeps_its_finished_days(monkeypatch):
    calls = []

    def interrupted(self, end):
        calls.append(end)
        if len(calls) > 100:
            raise KeyboardInterrupt
        return went_on(self, end)

    went_on = Running._step
    monkeypatch.setattr(Running, "_step", interrupted)
    with pytest.warns(
        RuntimeWarning, match=r"interrupted on day [\d.]+ of 3: the tissue holds the finished days"
    ) as told:
        found = cs.simulate_tissue(SKIN, PROTOCOL, days=3, seed=3, **SMALL)
    assert told[0].filename == __file__
    assert found.data["time"].values.tolist() == [0.0, 1.0]
    assert found.provenance["status"].startswith("interrupted on day 1.0")


def test_cells_and_fields_of_a_kept_day_are_labelled(tissue):
    cells, fields = tissue.cells(2.0), tissue.fields(2.0)
    assert set(cells["kind"]) <= {s.name for s in cs.dermal_healing().species if s.kind == "cell"}
    assert len(cells) == tissue.statistics["cells"]
    assert fields["collagen_iii"].dims == ("z", "y", "x")
    assert fields["collagen_iii"].attrs["units"] == "mg/mL"
    assert fields["epidermal_cover"].dims == ("y", "x")
    with pytest.raises(cs.InputError, match=r"day 1\.5 was not kept: this tissue has days 1, 2"):
        tissue.cells(1.5)


def test_days_between_steps_of_five_minutes_are_kept_and_told_apart():
    asked = {"output_days": [0.0, 0.001, 0.1], "kept_days": [0.05, 0.1], "days": 0.1}
    found = cs.simulate_tissue(SKIN, cs.Protocol(), seed=1, **{**SMALL, **asked})
    assert found.data["time"].values.tolist() == asked["output_days"]
    assert len(found.cells(0.05)) > 0
    assert len(found.cells(0.1)) > 0
    with pytest.raises(cs.InputError, match="was not kept"):
        found.cells(0.07)


def test_data_hold_the_variables_of_a_response(tissue):
    response = cs.simulate(SKIN, PROTOCOL, days=1)
    assert set(tissue.data.data_vars) == set(response.data.data_vars)
    for name, values in response.data.data_vars.items():
        assert tissue.data[name].dims == values.dims, name
        assert tissue.data[name].attrs["units"] == values.attrs["units"], name


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"days": -1}, "days"),
        ({"width_mm": 0.01}, "width_mm"),
        ({"depth_mm": 9.0}, "depth_mm"),
        ({"voxel_um": 0.0}, "voxel_um"),
        ({"slab_um": 1.0}, "slab_um"),
        ({"width_mm": 20, "breadth_mm": 20, "voxel_um": 5}, "million"),
        ({"output_days": [2.0, 1.0]}, "output_days"),
        (
            {"depth_mm": 0.1},
            "is thinner than the needle, which reaches 0.2823 mm into it: give depth_mm 0.29",
        ),
        (
            {"protocol": FINE, "voxel_um": 50.0},
            "voxels of 50 um are larger than the channel of a needle, 40 um wide",
        ),
    ],
)
def test_bad_input_is_refused_in_a_sentence(given, sentence):
    with pytest.raises(cs.InputError, match=sentence):
        cs.simulate_tissue(SKIN, **{"protocol": PROTOCOL, "days": 1, **given})
