"""A course that goes on from a kept day is the course that was never interrupted."""

import dataclasses

import numpy as np
import pytest

import collagensim as cs
from collagensim.solver.tissue.world import TICKS

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.3, density_per_cm2=4000)
CARE = (cs.Aftercare("retinoid", 0.5, 3.0),)
ONE = cs.Protocol([(0, SESSION)], aftercare=CARE)
TWO = cs.Protocol([(0, SESSION), (2.5, SESSION)], aftercare=CARE)
SMALL = {"seed": 3, "width_mm": 0.3, "depth_mm": 0.3, "slab_um": 200.0}


@pytest.fixture(scope="module")
def straight():
    return cs.simulate_tissue(SKIN, TWO, days=3, **SMALL)


@pytest.fixture(scope="module")
def short():
    return cs.simulate_tissue(SKIN, ONE, days=2, **SMALL)


def same(first, second):
    assert first.statistics["digest"] == second.statistics["digest"]
    assert first.data.identical(second.data)
    assert [day for day, _ in first.channels] == [day for day, _ in second.channels]
    for (_, one), (_, two) in zip(first.channels, second.channels, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_course_saved_loaded_and_gone_on_with_is_the_straight_one(straight, short, tmp_path):
    """Its second session falls after the cut, and its care began before it: both know the whole course."""
    loaded = cs.load(short.save(tmp_path / "short.nc"))
    same(loaded.branch(2, TWO, days=3), straight)


def test_any_kept_day_leads_to_the_same_end(straight):
    same(straight.branch(1), straight)
    same(straight.branch(1).branch(3), straight)


def test_the_past_may_be_left_out_of_a_protocol(straight, short):
    later = cs.Protocol([(2.5, SESSION)])
    same(short.branch(2, later, days=3), straight)


def test_another_protocol_changes_what_follows_alone(straight):
    deeper = dataclasses.replace(SESSION, depth_mm=0.38)
    other = straight.branch(1, cs.Protocol([(1, deeper)]))
    until = slice(0, 1)
    assert other.data.sel(time=until).identical(straight.data.sel(time=until))
    assert not other.data.equals(straight.data)
    assert other.session_days == (0.0, 1.0)
    again = cs.simulate_tissue(
        SKIN, cs.Protocol([(0, SESSION), (1, deeper)], aftercare=CARE), days=3, **SMALL
    )
    same(other, again)


def test_looking_between_steps_changes_no_step():
    """After three days a step takes more than a tick, and this one lies within a step."""
    days, odd = 3.25, 923 / TICKS
    plain = cs.simulate_tissue(SKIN, ONE, days=days, **SMALL)
    seen = cs.simulate_tissue(SKIN, ONE, days=days, output_days=[odd, 3.25], kept_days=[odd], **SMALL)
    assert seen.statistics["digest"] == plain.statistics["digest"]
    assert list(seen.snapshots) == [odd, 3.25]
    assert seen.data["time"].values.tolist() == [odd, 3.25]
    with pytest.raises(
        cs.InputError, match=r"cannot go on .* kept on days 3\.25; give kept_days, in multiples of 2 hours"
    ):
        seen.branch(odd)


def test_a_course_that_ends_within_a_step_ends_where_it_was_told():
    ended = cs.simulate_tissue(SKIN, ONE, days=923 / TICKS, **SMALL)
    went_on = cs.simulate_tissue(SKIN, ONE, days=3.25, kept_days=[923 / TICKS], **SMALL)
    np.testing.assert_array_equal(ended.cells(923 / TICKS), went_on.cells(923 / TICKS))


def test_a_session_at_an_odd_time_leaves_full_hours_on_the_ends_of_steps():
    odd = cs.Protocol([(89 / TICKS, SESSION)])
    course = cs.simulate_tissue(SKIN, odd, days=4.25, kept_days=[4.0], **SMALL)
    same(course.branch(4), course)


def test_a_skin_without_a_session_goes_on_too():
    course = cs.simulate_tissue(SKIN, cs.Protocol(), days=2, **SMALL)
    same(course.branch(1), course)
    assert course.session_days == ()


def test_a_longer_course_has_the_days_asked_for_and_whole_ones_after():
    asked = cs.simulate_tissue(SKIN, ONE, days=1, output_days=[0.5, 1.0], **SMALL)
    assert asked.branch(1, days=2).data["time"].values.tolist() == [0.5, 1.0, 2.0]


def test_changed_parameters_go_along():
    model = cs.dermal_healing().with_parameters({"debris_clearance": 0.5})
    changed = cs.simulate_tissue(SKIN, ONE, days=2, model=model, **SMALL)
    assert changed.branch(1).statistics["digest"] == changed.statistics["digest"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"day": 1.5}, r"cannot go on from day 1\.5: this tissue was kept on days 1, 2"),
        ({"day": -1}, "day"),
        ({"day": 2, "days": 1}, "days 1 days is outside 2"),
        ({"day": 2, "protocol": cs.Protocol([(1, SESSION)])}, r"what comes before day 2 is past"),
        (
            {"day": 2, "protocol": cs.Protocol([(0, SESSION)])},
            r"what comes before day 2 is past",
        ),  # its care left out
        ({"day": 2, "protocol": "none"}, "protocol"),
        ({"day": 1, "protocol": cs.Protocol([(1.5, SESSION)]), "days": 1.2}, "ends before the last session"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(short, given, sentence):
    with pytest.raises(cs.InputError, match=sentence):
        short.branch(**given)


def test_a_biology_that_is_not_known_is_refused(short):
    record = dict(short.provenance)
    other = dataclasses.replace(short, provenance={**record, "model_hash": "other"})
    with pytest.raises(cs.ModelError, match="which this version does not know"):
        other.branch(1)
    told = record["options"]["architecture"]
    restless = {name: {**one, "rests": not one["rests"]} for name, one in told["motions"].items()}
    options = {**record["options"], "architecture": {**told, "motions": restless}}
    with pytest.raises(cs.ModelError, match="told otherwise"):
        dataclasses.replace(short, provenance={**record, "options": options}).branch(1)
    moved = {**record, "options": {**record["options"], "architecture": {}}}
    with pytest.raises(cs.ModelError, match="told otherwise"):
        dataclasses.replace(short, provenance=moved).branch(1)
