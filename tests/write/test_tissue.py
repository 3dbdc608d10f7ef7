"""A model as single cells and voxels read it."""

import numpy as np
import pytest

from collagensim.biology.dermal_healing import dermal_healing
from collagensim.errors import ModelError
from collagensim.model import (
    Basal,
    Derived,
    Model,
    Parameter,
    Reaction,
    Source,
    Species,
    evaluate,
    hill,
    saturation,
)
from collagensim.write.algebra import doubts, quotient
from collagensim.write.lowering import TOP
from collagensim.write.tissue import CellEvent, write_tissue

GUESS = Source("", kind="assumed")


def parameter(name, unit, value=1.0, low=0.0):
    return Parameter(name, value, unit, low, 100.0, GUESS, "assumed")


RATE = parameter("pace", "1/day", 2.0)
HALF = parameter("half", "cell/mm^3", 10.0)
INFLUX = parameter("influx", "cell/(mm^3*day)", 3.0)
YIELD = parameter("yield_of_one", "mm^3/cell", 0.5)
CROWDING = parameter("crowding", "mm^3/cell", 0.1)
VALUES = {each.name: each.value for each in (RATE, HALF, INFLUX, YIELD, CROWDING)}
FIRST = Species("first", "cell/mm^3", "cell", 10.0)
SECOND = Species("second", "cell/mm^3", "cell", 10.0)
BOTH = Derived("both", FIRST + 2.0 * SECOND, "cell/mm^3")
FIELD = Species("field", "1", "soluble", 1.0)
COVER = Species("cover", "1", "surface", 1.0)
SPECIES = (FIRST, SECOND, FIELD, COVER)


def plan_of(*reactions, basals=()):
    return write_tissue(Model("try", SPECIES, [BOTH], list(reactions), list(basals)))


def rates(plan, y=(3.0, 4.0, 5.0, 0.5), n=(1.0, 2.0), surface=1.0):
    """What the text gives, run as Python."""
    values = {**VALUES, "basal.first": 7.0, TOP.name: surface}
    p, u = ([evaluate(node, values) for node in slots] for slots in (plan.parameter_slots, plan.input_slots))
    scope, out = {"smaller": min}, [np.nan] * plan.n_out
    exec(plan.text, scope)  # noqa: S102 - our own text
    scope["voxel_rates"](y, n, p, u, out)
    return out


def hazards(plan, **given):
    return dict(zip(plan.events, rates(plan, **given)[plan.hazard_rows], strict=True))


@pytest.mark.parametrize(
    ("effect", "event"),
    [
        ({FIRST: -1}, CellEvent(0, "dies", -1)),
        ({FIRST: 1}, CellEvent(0, "divides", 0)),
        ({FIRST: -1, SECOND: 1}, CellEvent(0, "becomes", 1)),
        ({SECOND: 1}, CellEvent(0, "makes", 1)),
    ],
)
def test_a_cells_own_reaction_is_an_event_at_its_rate(effect, event):
    plan = plan_of(Reaction("it_happens", RATE, effect, actor=FIRST))
    assert hazards(plan) == {event: 2.0}
    assert plan.results[plan.hazard_rows.start].made_by == ("it_happens",)


def test_events_of_one_outcome_are_one_hazard_that_names_both_reactions():
    plan = plan_of(
        Reaction("some_die", RATE, {FIRST: -1}, actor=FIRST),
        Reaction("others_die", 0.5 * RATE, {FIRST: -1}, actor=FIRST),
    )
    assert hazards(plan) == {CellEvent(0, "dies", -1): 3.0}
    assert plan.results[plan.hazard_rows.start].made_by == ("some_die", "others_die")


def test_what_others_take_is_shared_by_those_who_are_sensed_and_finite_without_any():
    plan = plan_of(Reaction("they_are_eaten", RATE * saturation(FIRST, HALF), {FIRST: -1}, actor=SECOND))
    # 4 eaters around, wherever they are, eat 2/day x / (10 + x), x = 3: each of 3 has a third of it, and without any
    # the eaters' rate over 10.
    assert hazards(plan)[CellEvent(0, "dies", -1)] == pytest.approx(4.0 * 2.0 / 13.0, rel=1e-15)
    alone = hazards(plan, y=(0.0, 4.0, 5.0, 0.5))
    assert alone[CellEvent(0, "dies", -1)] == pytest.approx(4.0 * 2.0 / 10.0, rel=1e-15)


def test_a_loss_that_does_not_vanish_with_its_victims_is_divided_by_their_density():
    plan = plan_of(Reaction("they_are_taken", INFLUX, {FIRST: -1}))
    assert hazards(plan)[CellEvent(0, "dies", -1)] == pytest.approx(1.0, rel=1e-15)
    assert np.isfinite(hazards(plan, y=(0.0, 4.0, 5.0, 0.5))[CellEvent(0, "dies", -1)])


def test_cells_that_nobody_makes_arrive():
    plan = plan_of(Reaction("they_come", INFLUX, {FIRST: 1}), basals=[Basal(FIRST)])
    assert rates(plan)[plan.entry_rows[0]] == 10.0
    assert plan.entry_rows[1] == -1


def test_a_sum_of_cells_makes_others_each_by_its_share():
    plan = plan_of(Reaction("they_make", RATE, {SECOND: 1}, actor=BOTH))
    assert hazards(plan) == {CellEvent(0, "makes", 1): 2.0, CellEvent(1, "divides", 1): 4.0}


def test_growth_beyond_its_capacity_is_death():
    plan = plan_of(Reaction("they_grow", RATE * (1.0 - CROWDING * FIRST), {FIRST: 1}, actor=FIRST))
    divides, dies = CellEvent(0, "divides", 0), CellEvent(0, "dies", -1)
    assert hazards(plan, y=(5.0, 0.0, 1.0, 1.0)) == {divides: 1.0, dies: 0.0}
    assert hazards(plan, y=(15.0, 0.0, 1.0, 1.0)) == {divides: 0.0, dies: 1.0}


def test_a_loss_that_turns_negative_is_division():
    plan = plan_of(Reaction("they_fade", RATE * (CROWDING * FIRST - 1.0), {FIRST: -1}, actor=FIRST))
    divides, dies = CellEvent(0, "divides", 0), CellEvent(0, "dies", -1)
    assert hazards(plan, y=(5.0, 0.0, 1.0, 1.0)) == {divides: 1.0, dies: 0.0}
    assert hazards(plan, y=(15.0, 0.0, 1.0, 1.0)) == {divides: 0.0, dies: 1.0}


def test_a_loss_to_others_that_turns_negative_is_arrival():
    plan = plan_of(Reaction("they_are_taken", INFLUX * (FIELD - 1.0), {FIRST: -1}))
    assert rates(plan, y=(3.0, 4.0, 0.0, 1.0))[plan.entry_rows[0]] == 3.0
    assert hazards(plan, y=(3.0, 4.0, 0.0, 1.0)) == {CellEvent(0, "dies", -1): 0.0}
    assert rates(plan, y=(3.0, 4.0, 5.0, 1.0))[plan.entry_rows[0]] == 0.0


def test_arrivals_that_turn_negative_take_those_who_are_there():
    plan = plan_of(Reaction("they_come_and_go", INFLUX * (1.0 - FIELD), {FIRST: 1}))
    assert rates(plan, y=(3.0, 4.0, 0.0, 1.0))[plan.entry_rows[0]] == 3.0
    assert rates(plan, y=(3.0, 4.0, 5.0, 1.0))[plan.entry_rows[0]] == 0.0
    assert hazards(plan, y=(3.0, 4.0, 5.0, 1.0))[CellEvent(0, "dies", -1)] == pytest.approx(4.0, rel=1e-15)


@pytest.mark.parametrize("effect", [{FIRST: -1, SECOND: 2}, {FIRST: -2, SECOND: 1}])
def test_a_change_of_unequal_numbers_is_refused_by_name(effect):
    with pytest.raises(
        ModelError, match=r"'they_split' cannot be read cell by cell: it turns first into second"
    ):
        plan_of(Reaction("they_split", RATE, effect, actor=FIRST))


def test_a_change_whose_sign_rests_on_the_state_is_refused_by_name():
    with pytest.raises(ModelError, match=r"'they_change' changes cells at a rate that may turn negative"):
        plan_of(Reaction("they_change", RATE * (1.0 - FIELD), {FIRST: -1, SECOND: 1}, actor=FIRST))


def test_what_an_event_does_to_fields_is_a_flux_of_those_who_act():
    plan = plan_of(Reaction("they_burst", RATE, {FIRST: -1, FIELD: YIELD}, actor=FIRST))
    assert rates(plan)[plan.net_rows[2]] == 1.0


def test_the_surface_scales_what_it_does_below_but_not_what_happens_to_itself():
    plan = plan_of(Reaction("it_drips", RATE * COVER, {FIELD: 1, COVER: -1}))
    found = rates(plan, surface=10.0)
    assert [found[plan.net_rows[i]] for i in (2, 3)] == [10.0, -1.0]
    assert [rates(plan, surface=0.0)[plan.net_rows[i]] for i in (2, 3)] == [0.0, -1.0]


def test_cells_feel_the_surface_where_it_is():
    plan = plan_of(Reaction("it_kills", RATE * COVER, {FIRST: -1}, actor=FIRST))
    assert hazards(plan, surface=4.0) == {CellEvent(0, "dies", -1): 4.0}
    assert hazards(plan, surface=0.0) == {CellEvent(0, "dies", -1): 0.0}


def test_a_quotient_is_found_in_sums_powers_and_laws_and_nowhere_else():
    def value(node):
        return evaluate(node, {"first": 3.0, "second": 4.0, "half": HALF.value})

    for node in (
        FIRST * SECOND + FIRST**2,
        hill(FIRST, HALF, 2),
        FIRST**1.5,
        SECOND * saturation(FIRST, HALF),
    ):
        assert value(quotient(node.node, FIRST)) == pytest.approx(value(node) / 3.0, rel=1e-15)
    for node in (FIRST + SECOND, SECOND.node, BOTH.node, FIRST**0.5, 1.0 / FIRST):
        assert quotient(node.node, FIRST) is None


def test_signs_are_known_where_formulas_show_them():
    signed = Species("signed_one", "1", "matrix", 0.0, 1.0, signed=True)
    root = (FIELD - 2.0) + ((FIELD - 2.0) * (FIELD - 2.0) + COVER) ** 0.5
    for node in (FIELD.node, (FIELD - 1.0) ** 2, root, FIRST * COVER):
        assert doubts(node) == frozenset()
    assert doubts(hill(FIRST, HALF, 2)) == {HALF.node}
    for node in (1.0 - FIELD, signed.node, -1.0 * FIELD, signed**3):
        assert doubts(node.node) is None
    assert doubts((1.0 - RATE / RATE) * FIELD) == {(1.0 - RATE / RATE).node}


def test_dermal_healing_links_every_event_to_its_reactions():
    rows = {(species, what): made_by for species, what, _, made_by in write_tissue(dermal_healing()).table()}
    assert rows["apoptotic_neutrophils", "dies"] == (
        "macrophages_engulf_neutrophils", "uncleared_neutrophils_burst",
    )  # fmt: skip
    assert rows["neutrophils", "becomes apoptotic_neutrophils"] == ("neutrophils_die",)
    assert rows["neutrophils", "arrives"] == ("neutrophils_arrive", "basal.neutrophils")
    named = {name for made_by in rows.values() for name in made_by}
    assert {reaction.name for reaction in dermal_healing().reactions} <= named


def test_the_gain_of_named_reactions_is_told_apart_and_no_plan_has_it_unasked():
    fills = Reaction("fills", RATE * (3.0 - FIELD), {FIELD: 1})
    leaks = Reaction("leaks", RATE * (1.0 - FIELD), {FIELD: 2})
    model = Model("try", SPECIES, [BOTH], [fills, leaks], [])
    plan = write_tissue(model, {"field": ["fills"]})
    i = SPECIES.index(FIELD)
    # What it adds beside what it takes of a level of 5: 2 a day times 3.
    assert rates(plan)[plan.gain_rows[i]] == pytest.approx(6.0)
    assert plan.results[plan.gain_rows[i]].made_by == ("fills",)
    plain = write_tissue(model)
    assert (plain.gain_rows == -1).all()
    assert plain.n_out == plan.n_out - 1
