import dataclasses
import threading
import time

import numpy as np
import pytest

import collagensim as cs
from collagensim.errors import InputError, ModelError, SolveError
from collagensim.model import Basal, Derived, Input, Model, Parameter, Reaction, Source, Species
from collagensim.model.units import unit
from collagensim.solver.compiled import compiled
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import MeanField, run_course, weighing
from collagensim.solver.resting import INPUT_UNITS, forget, one_at_rest
from collagensim.solver.strike import blend

SOURCE = Source("assumed")
SKIN = cs.Skin(site="cheek", age_years=45)
SESSION = cs.Session(device="pen", depth_mm=1.0, density_per_cm2=250)
X = Species("xx", "1", "cell", 1.0)


def rate(name, value, unit="1/day", high=1e9):
    return Parameter(name, value, unit, 0.0, high, SOURCE, "assumed")


RADIUS = rate("zone_radius", 250.0, "um")


def papillary(protocol, days=180.0, **options):
    response = cs.simulate(SKIN, protocol, days=days, **{"ageing": False, **options})
    return float(response.fold("collagen_total", "papillary")[-1])


def test_untreated_skin_loses_about_one_per_cent_of_collagen_a_year_when_it_ages():
    # Shuster 1975: 1 % a year; Branchet 1990: 0.6 % by thickness. Synthesis makes part of the loss good.
    response = cs.simulate(SKIN, cs.Protocol([]), days=365.25, ageing=True)
    mass = (response.data["collagen_total"] * response.data["layer_thickness"]).sum("layer").values
    assert -0.011 < mass[-1] / mass[0] - 1.0 < -0.006


@pytest.mark.parametrize("day", [1.0, 5.0, 28.0])
def test_a_vanishing_second_session_leaves_the_course_as_it_was(day):
    almost_none = dataclasses.replace(SESSION, density_per_cm2=1e-6)
    one = papillary(cs.Protocol([(0.0, SESSION)]))
    two = papillary(cs.Protocol([(0.0, SESSION), (day, almost_none)]))
    # 4e-9 of the layer is hit; what differs is the restart of the stepper.
    assert abs(two - one) < 1e-5


def test_an_equal_session_divides_the_layer_anew():
    field = MeanField(cs.dermal_healing(), {**SKIN.inputs(), "skin.ageing": 0.0}, Limits())
    from collagensim.solver.mean_field import Happening
    from collagensim.treatment import injure

    wound = injure(SKIN, SESSION, zone_radius_um=float(field.radius_um[0]))
    run_course(field, [Happening(0.0, wound, {}), Happening(7.0, wound, {})], 7.0, np.array([0.0]))
    np.testing.assert_array_equal(field.share[0], wound.inputs()["injury.zone_fraction"])


def test_where_killed_tissue_lies_is_told_of_the_whole_new_zone_and_only_where_a_layer_is_hit():
    from collagensim.solver.mean_field import Happening
    from collagensim.treatment import injure

    field = MeanField(cs.dermal_healing(), {**SKIN.inputs(), "skin.ageing": 0.0}, Limits())
    radius = float(field.radius_um[0])
    deep = injure(SKIN, SESSION, zone_radius_um=radius)
    sparse = dataclasses.replace(SESSION, depth_mm=0.5, density_per_cm2=100)
    shallow = injure(SKIN, sparse, zone_radius_um=radius)
    field.happen({0: Happening(0.0, deep, {})})
    first = field.blocks(field.bound.inputs["injury.dead_share"])[0, :, 0].copy()
    np.testing.assert_array_equal(first, deep.kill_fraction)
    field.happen({0: Happening(0.0, shallow, {})})
    second = field.blocks(field.bound.inputs["injury.dead_share"])[0, :, 0]
    hit, old = shallow.zone_fraction, deep.zone_fraction
    assert hit[2] == 0.0 < hit[0] < old[0]
    assert second[2] == first[2]
    # Of the old zone outside the new channels, as much stays zone as the new one is smaller.
    stays = (1.0 - hit[0] / old[0]) * (1.0 - hit[0]) * old[0]
    mean = (hit[0] * shallow.kill_fraction[0] + stays * deep.kill_fraction[0]) / (hit[0] + stays)
    assert second[0] == pytest.approx(mean, rel=1e-14)
    assert field.bound.inputs["injury.kill_fraction"][0, 0] == shallow.kill_fraction[0]


def test_a_skin_at_rest_is_solved_once_and_its_courses_leave_it_alone():
    from collagensim.solver.mean_field import Happening
    from collagensim.treatment import injure

    model, given = cs.dermal_healing(), {**SKIN.inputs(), "skin.ageing": 0.0}
    rest = one_at_rest(model, given)
    before = {name: values.copy() for name, values in rest.bound.inputs.items()}
    field = MeanField(model, dict(given), Limits())
    wound = injure(SKIN, SESSION, zone_radius_um=float(field.radius_um[0]))
    run_course(field, [Happening(0.0, wound, {"skin.ageing": 1.0})], 1.0, np.array([1.0]))
    assert field.rest is rest is one_at_rest(model, given)
    field.radius_um[:] = 115.0
    assert MeanField(model, dict(given), Limits()).radius_um[0] == rest.radius_um[0] > 115.0
    assert rest.bound.inputs.keys() == before.keys()
    for name, values in before.items():
        np.testing.assert_array_equal(rest.bound.inputs[name], values)
    thicker = {**given, "skin.layer_thickness": 1.1 * given["skin.layer_thickness"]}
    assert one_at_rest(model, thicker).thickness[0, 0] > rest.thickness[0, 0]
    assert one_at_rest(model, given, {"skin.ageing": 1.0}) is not rest
    other = model.with_parameters(zone_radius=260.0)
    assert one_at_rest(other, given).radius_um[0] > rest.radius_um[0]
    forget()
    assert one_at_rest(model, given) is not rest


def test_equal_injuries_leave_what_follows_from_the_inputs_as_it_is():
    from collagensim.solver.mean_field import Happening
    from collagensim.treatment import injure

    field = MeanField(cs.dermal_healing(), {**SKIN.inputs(), "skin.ageing": 0.0}, Limits())
    deeper = dataclasses.replace(SESSION, depth_mm=1.5)
    first, again, other = (injure(SKIN, session) for session in (SESSION, SESSION, deeper))
    field.happen({0: Happening(0.0, first, {})})
    known = dict(field.bound.inputs)
    field.happen({0: Happening(0.0, again, {})})
    assert all(field.bound.inputs[name] is values for name, values in known.items())
    field.happen({0: Happening(0.0, other, {})})
    assert field.bound.inputs["injury.kill_fraction"] is not known["injury.kill_fraction"]


def test_blending_keeps_amounts_and_weighs_intensive_states():
    field = MeanField(cs.dermal_healing(), {**SKIN.inputs(), "skin.ageing": 0.0}, Limits())
    names = field.bound.model.species_names
    rng = np.random.default_rng(4)
    states = field.blocks(field.bound.baseline) * rng.uniform(0.5, 1.5, (1, 3, 2, len(names)))
    volumes = np.array([[0.3, 0.7], [0.1, 0.9], [0.0, 1.0]])
    weighing_by = weighing(field.bound, {})  # the weights of this model are sums of states
    mixed = blend(states, volumes[None], weighing_by)[0]
    states = states[0]
    i, j = names.index("fibroblasts"), names.index("cross_linking")
    np.testing.assert_allclose(mixed[:, i], (states[..., i] * volumes).sum(axis=1), rtol=1e-14)
    weights = (
        sum(states[..., names.index(n)] for n in ("collagen_iii", "collagen_i", "collagen_mature")) * volumes
    )
    exact = (states[..., j] * weights).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(mixed[:, j], exact, rtol=1e-14)


def test_an_idle_session_does_not_change_a_wound_that_is_open():
    punch = cs.Session(device="punch", diameter_mm=4.0)
    idle = dataclasses.replace(SESSION, density_per_cm2=0.0)
    alone = cs.simulate(SKIN, cs.Protocol([(0.0, punch)]), days=10)
    with_idle = cs.simulate(SKIN, cs.Protocol([(0.0, punch), (1.0, idle)]), days=10)
    one, two = (float(r.data["epidermal_cover"][-1]) for r in (alone, with_idle))
    assert abs(one - two) < 1e-6


def test_a_session_between_output_days_has_its_own_row():
    response = cs.simulate(SKIN, cs.Protocol([(10.5, SESSION)]), days=20)
    assert 10.5 in response.data["time"].values
    assert float(response.data["time"][-1]) == 20.0


def test_constants_that_agree_to_six_digits_are_two_models():
    def model(constant):
        return Model(
            "twin", [X], reactions=[Reaction("loss", rate("loss_rate", 1.0) * X * constant, {X: -1})]
        )

    one, two = model(10.00004), model(10.00001)
    assert one.structure_hash != two.structure_hash
    assert compiled(one) is not compiled(two)


def test_derived_quantities_read_the_inputs_of_their_day():
    dose = Input("dose", "1", "body", 1.0)
    model = Model(
        "dosed", [X], derived=[Derived("felt", dose * X, "1")],
        reactions=[Reaction("loss", rate("loss_rate", 0.0) * X, {X: -1})],
    )  # fmt: skip
    response = cs.solve(model, until=2.0, times=[0.0, 1.0, 2.0], events=[(1.0, {"dose": 5.0})])
    np.testing.assert_allclose(response.data["felt"], [1.0, 1.0, 5.0])
    assert response.data["felt"].attrs["baseline"] == 1.0


def test_an_event_at_the_start_leaves_the_first_row_as_it_was():
    model = Model("kept", [X], reactions=[Reaction("loss", rate("loss_rate", 0.0) * X, {X: -1})])
    response = cs.solve(model, until=1.0, times=[0.0, 1.0], events=[(0.0, {"xx": 7.0})])
    np.testing.assert_allclose(response.data["xx"], [1.0, 7.0])


def test_the_deadline_is_kept_between_sessions_too():
    many = cs.Protocol.series(SESSION, sessions=200, spacing_days=1)
    cs.simulate(SKIN, cs.Protocol([(0.0, SESSION)]), days=1)  # compiled beforehand
    start = time.monotonic()
    with pytest.raises(SolveError, match="raise deadline_s"):
        cs.simulate(SKIN, many, days=300, deadline_s=0.05)
    # Set-up and one chunk of steps come on top of the deadline; two seconds is forty times that.
    assert time.monotonic() - start < 2.0


@pytest.mark.parametrize("deadline", [0.0, -1.0, float("nan"), "x", None])
def test_a_deadline_that_is_none_is_refused(deadline):
    with pytest.raises(InputError, match="deadline_s"):
        cs.simulate(SKIN, cs.Protocol([]), days=1, deadline_s=deadline)


def needled(**changes):
    parts = {
        "reactions": [Reaction("loss", rate("loss_rate", 1.0) * X, {X: -1})],
        "basals": [Basal(X)],
        "zone_radius": RADIUS,
    }
    return Model("needled", [X], **{**parts, **changes})


def test_a_model_in_hours_cannot_be_needled():
    hourly = needled(
        time_unit="hour", reactions=[Reaction("loss", rate("loss_rate", 1.0, "1/hour") * X, {X: -1})]
    )
    with pytest.raises(InputError, match="needs days"):
        cs.simulate(SKIN, cs.Protocol([]), days=1, model=hourly)


def test_an_input_in_another_unit_is_refused():
    thickness = Input("skin.layer_thickness", "um", "layer")
    wrong = needled(derived=[Derived("depth", thickness + thickness, "um")])
    with pytest.raises(InputError, match=r"reads skin\.layer_thickness in um, but it is given in mm"):
        cs.simulate(SKIN, cs.Protocol([]), days=1, model=wrong)


def test_a_resting_state_that_does_not_rest_in_every_layer_is_refused():
    cover = Species("cover", "1", "surface", 1.0)
    wrong = Model(
        "uneven", [X, cover], reactions=[Reaction("loss", rate("loss_rate", 1.0) * X, {X: -1})],
        basals=[Basal(X, factor=cover), Basal(cover)], zone_radius=RADIUS,
    )  # fmt: skip
    with pytest.raises(ModelError, match="'xx' does not rest at its baseline in every layer"):
        cs.simulate(SKIN, cs.Protocol([]), days=1, model=wrong)


def test_an_amount_cannot_start_below_zero_but_a_coordinate_can():
    loss = rate("loss_rate", 1.0)
    with pytest.raises(InputError, match="xx -1 1 is negative"):
        cs.solve(
            Model("amount", [X], reactions=[Reaction("loss", loss * X, {X: -1})]),
            until=1.0,
            initial={"xx": -1},
        )
    place = Species("place", "1", "cell", 1.0, signed=True)
    model = Model("coordinate", [place], reactions=[Reaction("pull", loss * place, {place: -1})])
    response = cs.solve(model, until=1.0, initial={"place": -1.0}, times=[0.0, 1.0], rtol=1e-8)
    assert float(response.data["place"][-1]) == pytest.approx(-np.exp(-1.0), rel=1e-6)


@pytest.mark.parametrize("name", ["t_3", "abs", "y", "c_1", "lambda_", "kernel", "out"])
def test_a_species_may_have_any_name(name):
    def model(called):
        a = Species(called, "1", "cell", 1.0)
        b = Species("other", "1", "cell", 0.5)
        k, half = rate("loss_rate", 1.0), rate("half_rate", 0.3, "1")
        flow = k * a * (a / (half + a * b) + (a + b) * (a + b))
        return Model("named", [a, b], reactions=[Reaction("flow", flow, {a: -1, b: 0.5})])

    plain = cs.solve(model("plain"), until=1.0, times=[0.0, 1.0])
    found = cs.solve(model(name), until=1.0, times=[0.0, 1.0])
    assert float(found.data[name][-1]) == float(plain.data["plain"][-1])


def test_threads_that_start_together_share_one_module():
    x = Species("threaded", "1", "cell", 1.0)
    model = Model("threads", [x], reactions=[Reaction("loss", rate("loss_rate", 1.0) * x, {x: -1})])
    failures = []

    def work():
        try:
            cs.solve(model, until=1.0)
        except Exception as error:  # any failure at all is what is tested
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_skin_gives_its_figures_in_the_units_that_models_are_held_to():
    given = {row["quantity"].split(".")[0]: row["unit"] for row in SKIN.table()}
    for name in SKIN.inputs():
        quantity = name.removeprefix("skin.")
        if quantity in given:
            assert unit(given[quantity]).same_as(unit(INPUT_UNITS.get(name, "1"))), name
    assert given.keys() & {"collagen_total", "elastin", "oxygen", "epidermal_thickness", "capillary_density"}
