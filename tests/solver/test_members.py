"""Members of an ensemble: each is what it would be alone, and one that fails stops nobody."""

import numpy as np
import pytest

import collagensim as cs
from collagensim.errors import InputError, ModelError, SolveError
from collagensim.kernels import table
from collagensim.model import Model, Parameter, Reaction, Source, Species
from collagensim.solver import engine, exchange
from collagensim.solver.mean_field import weighing
from collagensim.solver.resting import SPACE, at_rest
from collagensim.solver.simulate import simulate_course, simulate_courses
from collagensim.solver.status import Status
from collagensim.solver.strike import strike
from collagensim.solver.system import Bound, Space
from naive.robertson import NO_LINKS, RATES, engine_of

MODEL = cs.dermal_healing()
PEN = cs.Session(device="pen", depth_mm=1.2, density_per_cm2=200)
DAYS = 12.0
N = 17


def members(n):
    """Skins, protocols and parameters of n members that differ in everything, with a seed each."""
    sites = ("cheek", "abdomen", "back", "periorbital")
    names = ("fibroblast_mitosis", "cytokine_diffusion", "arterial_oxygen", "vegf_clearance")
    skins, protocols, sets = [], [], []
    for i in range(n):
        rng = np.random.default_rng([7, i])
        skins.append(cs.Skin(site=sites[i % 4], age_years=float(rng.uniform(20, 80))))
        session = (
            cs.Session(device="punch", diameter_mm=3.0)
            if i % 5 == 4
            else cs.Session(
                device=("pen", "roller", "stamp")[i % 3],
                depth_mm=float(rng.uniform(0.3, 2.0)),
                density_per_cm2=float(rng.uniform(50, 400)),
            )
        )
        care = [cs.Aftercare("retinoid", start_day=1.0, days=4.0)] if i % 2 else []
        protocols.append(
            cs.Protocol.series(session, sessions=i % 4, spacing_days=2.5)
            if not care
            else cs.Protocol([(0.5, session)], aftercare=care)
        )
        parameters = [MODEL.parameter(name) for name in names]
        sets.append(
            {p.name: float(np.clip(p.value * rng.uniform(0.9, 1.1), p.low, p.high)) for p in parameters}
        )
    return skins, protocols, sets


SKINS, PROTOCOLS, SETS = members(N)


def courses(which, **options):
    return simulate_courses(
        MODEL, [SKINS[i] for i in which], [PROTOCOLS[i] for i in which], [SETS[i] for i in which],
        **{"days": DAYS, **options},
    )  # fmt: skip


@pytest.fixture(scope="module")
def together():
    return courses(range(N))


@pytest.mark.parametrize("which", [[0], [4], [16], [2, 9, 11], [16, 0, 5], list(range(N))[::-1]])
def test_a_members_bits_depend_neither_on_the_others_nor_on_its_place(together, which):
    alone = courses(which)
    assert not together.failures
    assert not alone.failures
    for k, i in enumerate(which):
        one, other = alone.course(k), together.course(i)
        np.testing.assert_array_equal(one.time, other.time)
        for name, values in one.values.items():
            np.testing.assert_array_equal(values, other.values[name], err_msg=f"{name} of member {i}")
            np.testing.assert_array_equal(one.baseline[name], other.baseline[name], err_msg=name)


@pytest.mark.parametrize(
    ("threads", "share", "chunk"), [(1, 64, 1), (1, 64, 7), (1, 3, 400), (2, 4, 400), (2, 1, 7), (2, 5, 1)]
)
def test_a_members_bits_depend_neither_on_threads_nor_on_portions(
    together, threads, share, chunk, monkeypatch
):
    monkeypatch.setattr(engine, "SHARE", share)
    monkeypatch.setattr(engine, "CHUNK", chunk)
    monkeypatch.setattr(engine, "WORK", 0)
    found = courses(range(N), threads=threads)
    assert not found.failures
    for name, values in found.values.items():
        np.testing.assert_array_equal(values, together.values[name], err_msg=name)


def integrated(p, start, links):
    """States, clocks and work counts of Robertson's kinetics at 40 s, and how each member ended."""
    made = engine_of(p, start, links=links)
    made.run(np.full(len(p), 40.0), np.empty((len(p), 0)), np.empty((len(p), 0, made.layout.n)))
    return made.state.copy(), made.clock.copy(), made.counts.copy(), made.status


@pytest.mark.parametrize("n_blocks", [1, 2])
def test_a_neighbour_that_fails_touches_nobody(n_blocks):
    rng = np.random.default_rng(6)
    n, to = 21, np.array([0, 3, 2, 5])
    links = NO_LINKS if n_blocks == 1 else (to, to[[1, 0, 3, 2]], np.array([0.3, 0.1, 2.0, 0.7]))
    p, start = (
        RATES * rng.uniform(0.5, 2.0, (n, 3)),
        rng.uniform(0.0, 1.0, (n, n_blocks, 3)) * [1.0, 1e-5, 1.0],
    )
    sound = integrated(p, start, links)
    assert set(sound[3]) == {Status.COMPLETED}
    # A rate that is no number, a state that is none, a blow-up in finite time, a matrix that is not finite.
    p[2, 2], start[5, 0, 1], p[9] = np.nan, np.nan, [0.0, 0.0, -1e3]
    p[14], start[14] = [0.0, 0.0, 1e308], [0.0, 1e-160, 0.0]
    start[9] = [0.0, 1.0, 0.0]
    bad = np.isin(np.arange(n), [2, 5, 9, 14])
    found = integrated(p, start, links)
    assert [status is Status.COMPLETED for status in found[3]] == (~bad).tolist()
    for one, other in zip(sound[:3], found[:3], strict=True):
        np.testing.assert_array_equal(one[~bad], other[~bad])
    alone = integrated(p[16:17], start[16:17], links)
    for one, other in zip(found[:3], alone[:3], strict=True):
        np.testing.assert_array_equal(one[16:17], other)


def test_a_member_is_the_course_of_the_model_with_its_parameters(together):
    # Alone its blocks fill the lanes, together members do: every sum runs in the same order either way.
    for i in range(9):
        one = simulate_course(MODEL.with_parameters(SETS[i]), SKINS[i], PROTOCOLS[i], days=DAYS)
        for name, values in one.values.items():
            np.testing.assert_array_equal(values, together.course(i).values[name], err_msg=name)


def test_some_variables_are_those_of_all(together):
    some = courses([3, 8], variables=["oxygen", "fibroblasts", "cross_linking", "barrier"])
    assert list(some.values) == ["oxygen", "fibroblasts", "cross_linking", "barrier"]
    for k, i in enumerate((3, 8)):
        for name, values in some.course(k).values.items():
            np.testing.assert_array_equal(values, together.course(i).values[name], err_msg=name)


def test_all_species_are_those_of_some_whatever_their_order(together):
    # Where every species is wanted in the model's order, another layout of memory is used.
    names = list(MODEL.species_names)
    for wanted in (names, names[::-1], [*names, names[0]]):
        found = courses([3, 8], variables=wanted)
        assert list(found.values) == list(dict.fromkeys(wanted))
        for k, i in enumerate((3, 8)):
            for name, values in found.course(k).values.items():
                np.testing.assert_array_equal(values, together.course(i).values[name], err_msg=name)


def test_members_may_have_their_own_output_days(together):
    grids = [[0.0, 3.0], [1.0, 2.0, 7.5, 12.0]]
    found = courses([3, 8], grids=grids)
    for k, i in enumerate((3, 8)):
        assert found.course(k).time.tolist() == grids[k]
        whole = together.course(i)
        shared = np.isin(grids[k], whole.time)
        np.testing.assert_array_equal(
            found.course(k).values["debris"][shared],
            whole.values["debris"][np.isin(whole.time, np.array(grids[k])[shared])],
        )
    assert np.isnan(found.values["debris"][0, 2:]).all()
    shared_grid = courses([3, 8], grids=[0.0, 4.0])
    assert shared_grid.values["debris"].shape[:2] == (2, 2)


def test_a_parameter_out_of_range_fails_its_member_alone(together):
    sets = [SETS[3], {"arterial_oxygen": 1e9}, SETS[8]]
    found = simulate_courses(
        MODEL, [SKINS[i] for i in (3, 0, 8)], [PROTOCOLS[i] for i in (3, 0, 8)], sets, days=DAYS
    )
    assert list(found.failures) == [1]
    with pytest.raises(InputError, match=r"member 1: parameter 'arterial_oxygen' .* is outside"):
        found.course(1)
    np.testing.assert_array_equal(found.course(2).values["oxygen"], together.course(8).values["oxygen"])


def test_parameters_count_by_value_whatever_kind_of_number_they_are():
    low, value = MODEL.parameter("arterial_oxygen").low, MODEL.parameter("arterial_oxygen").value
    kinds = [
        {"arterial_oxygen": kind} for kind in (np.float64(low), np.float32(low), int(value), "much", True)
    ]
    mixed = simulate_courses(MODEL, SKINS[3], PROTOCOLS[3], kinds, days=DAYS, variables=["oxygen"])
    floats = [{"arterial_oxygen": x} for x in (float(low), float(np.float32(low)), float(int(value)), np.nan)]
    plain = simulate_courses(MODEL, SKINS[3], PROTOCOLS[3], floats, days=DAYS, variables=["oxygen"])
    assert list(mixed.failures) == [3, 4]
    assert list(plain.failures) == [3]
    assert "is not a number" in str(mixed.failures[3])
    assert "nan is not finite" in str(plain.failures[3])
    np.testing.assert_array_equal(mixed.values["oxygen"], plain.values["oxygen"])


def test_a_member_without_a_resting_state_fails_alone():
    names = [p.name for p in MODEL.parameters.values() if p.name.endswith("_clearance")]
    given = {
        name: v for name, v in {**cs.Skin().inputs(), "skin.ageing": 0.0}.items() if name in MODEL.inputs
    }
    values = {name: np.array([MODEL.values[name], 0.0, MODEL.values[name]]) for name in names}
    bound = Bound(MODEL, SPACE, [given] * 3, values)
    bound.solve_basal(np.full(bound.baseline.shape, 0.0) + np.array([0.0, 1.0, 0.0])[:, None, None])
    assert list(bound.failures) == [1]
    assert isinstance(bound.failures[1], ModelError)
    assert str(bound.failures[1]).startswith("member 1: the basal source of ")
    one = Bound(MODEL, SPACE, given)
    with pytest.raises(ModelError, match=r"^the basal source of "):
        one.solve_basal(np.full(one.baseline.shape, 1.0))


def test_a_member_with_an_input_that_does_not_fit_fails_alone():
    given = {
        name: v for name, v in {**cs.Skin().inputs(), "skin.ageing": 0.0}.items() if name in MODEL.inputs
    }
    wrong = {**given, "skin.layer_thickness": [1.0, 2.0]}
    missing = {**given, "skin.age": float("nan")}
    bound = Bound(MODEL, SPACE, [given, wrong, missing])
    assert sorted(bound.failures) == [1, 2]
    assert "shape (2,)" in str(bound.failures[1])
    assert "not finite" in str(bound.failures[2])
    alone = Bound(MODEL, SPACE, given)
    np.testing.assert_array_equal(bound.baseline[0], alone.baseline[0])


def test_a_session_after_the_end_fails_its_member_alone():
    late = cs.Protocol([(30.0, PEN)])
    found = simulate_courses(MODEL, cs.Skin(), [PROTOCOLS[0], late], days=DAYS)
    assert "member 1: days 12 ends before the last session" in str(found.failures[1])
    found.course(0)


def test_a_solve_that_ends_early_is_told_with_its_session():
    twice = cs.Protocol([(1.0, PEN), (5.0, PEN)])
    with pytest.raises(SolveError, match=r"after session \d: the solve stopped at day"):
        simulate_courses(MODEL, cs.Skin(), twice, days=DAYS, deadline_s=1e-3)
    two = simulate_courses(MODEL, [cs.Skin(), cs.Skin()], twice, days=DAYS, deadline_s=1e-3)
    assert sorted(two.failures) == [0, 1]
    assert str(two.failures[1]).startswith("member 1: after session ")
    # Whenever it stopped, the stages after that were never begun.
    assert np.isnan(two.values["debris"][:, -1]).all()
    assert np.isfinite(two.values["debris"][:, 0]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"skins": [cs.Skin()] * 2, "protocols": [PROTOCOLS[0]] * 3}, "2 skins for 3 members"),
        ({"parameter_sets": [{"arterial_oxigen": 1.0}]}, "did you mean 'arterial_oxygen'"),
        ({"variables": ["oxigen"]}, "did you mean 'oxygen'"),
        ({"grids": [[0.0], [0.0], [1.0]]}, "3 grids for 1 members"),
    ],
)
def test_a_wrong_call_is_refused(changes, message):
    given = {"skins": cs.Skin(), "protocols": PROTOCOLS[0], **changes}
    with pytest.raises((InputError, ModelError), match=message):
        simulate_courses(MODEL, given.pop("skins"), given.pop("protocols"), days=DAYS, **given)


@pytest.mark.parametrize("function", ["exp", "log", "root"])
def test_transcendental_functions_give_one_value_whatever_the_array_around_it(function):
    take = getattr(Bound(MODEL, SPACE, {**_inputs()}).compiled.formulas, function)
    x = np.random.default_rng(5).uniform(0.01, 30.0, 257)
    whole = take(x)
    for n in (1, 2, 3, 7, 8, 9, 17, 64):
        np.testing.assert_array_equal(take(x[:n]), whole[:n])
        np.testing.assert_array_equal(take(x[-n:]), whole[-n:])
    for step in (2, 3, 5, 8):
        np.testing.assert_array_equal(take(x[::step]), whole[::step])
        np.testing.assert_array_equal(take(x[::-step]), whole[::-step])
    np.testing.assert_array_equal(take(x[:256].reshape(32, 8).T).T.ravel(), whole[:256])
    assert [float(take(value)) for value in x] == whole.tolist()
    assert [float(take(x[None, i : i + 1])[0, 0]) for i in range(x.size)] == whole.tolist()


def _inputs():
    return {name: v for name, v in {**cs.Skin().inputs(), "skin.ageing": 0.0}.items() if name in MODEL.inputs}


@pytest.mark.parametrize("layout", ["random", "lattice", "whole"])
def test_link_rates_of_a_member_do_not_depend_on_the_others(layout):
    rng = np.random.default_rng(9)
    w, h = rng.uniform(0.0, 1.0, (N, 3)), rng.uniform(0.1, 1.0, (N, 3))
    spread, decay = rng.uniform(0.1, 9.0, (N, 12)), rng.uniform(1.0, 99.0, (N, 12))
    names, radius = np.full((N, 3), layout), rng.uniform(100.0, 500.0, N)
    whole = exchange.link_rates(w, h, spread, decay, layouts=names, radius_um=radius)
    for some in ([0], [3], [5, 2, 11]):
        part = exchange.link_rates(
            w[some], h[some], spread[some], decay[some], layouts=names[some], radius_um=radius[some]
        )
        np.testing.assert_array_equal(part, whole[some])
    alone = exchange.link_rates(w[4], h[4], spread[4], decay[4], layouts=names[4], radius_um=radius[4])
    np.testing.assert_array_equal(alone, whole[4])


def test_remembered_link_rates_are_the_computed_ones():
    memory = exchange.Memory(size=2)
    rng = np.random.default_rng(2)
    for _ in range(3):
        w, h = rng.uniform(0.0, 1.0, (4, 3)), rng.uniform(0.1, 1.0, (4, 3))
        spread, decay = rng.uniform(0.1, 9.0, (4, 2)), rng.uniform(1.0, 99.0, (4, 2))
        given = {"layouts": np.full((4, 3), "random"), "radius_um": np.full(4, 250.0)}
        exact = exchange.link_rates(w, h, spread, decay, **given)
        for _ in range(2):
            np.testing.assert_array_equal(memory.rates(w, h, spread, decay, **given), exact)


def test_a_strike_carries_a_complex_derivative():
    """The new states' slope by a parameter: by a complex step, and by differences of two real strikes."""
    names, value = (
        ["stored_il_1", "clot_fibrin"],
        {name: MODEL.values[name] for name in ("stored_il_1", "clot_fibrin")},
    )
    rng = np.random.default_rng(8)
    noise = rng.uniform(0.5, 1.5, (1, 3, 2, len(MODEL.species)))
    old, hit = np.array([[0.3, 0.2, 0.0]]), np.array([[0.2, 0.25, 0.0]])

    def struck(factor):
        rest = at_rest(
            MODEL, {**cs.Skin().inputs(), "skin.ageing": 0.0}, None, {n: [value[n] * factor] for n in names}
        )
        bound = rest.bound
        states = bound.baseline.reshape(1, 3, 2, -1).real * noise + 0.1
        inputs = {name: values.reshape(1, 3, 2)[..., :1] for name, values in bound.inputs.items()}
        inputs["injury.kill_fraction"] = np.full((1, 3, 1), 0.4)

        def jumped(mean):
            new = mean.astype(bound.dtype)
            found = bound.compiled.formulas.jumps(bound.parameters_for(3), inputs, mean[..., None, :])
            for i, jump in zip(bound.outline.jump_place, found, strict=True):
                new[..., i] = np.broadcast_to(jump, (1, 3, 1))[..., 0]
            return new

        return strike(states, old, hit, weighing(bound, inputs), jumped)

    carried = struck(1.0 + 1e-20j).imag / 1e-20
    differences = (struck(1.0 + 1e-4) - struck(1.0 - 1e-4)) / 2e-4
    # Jumps are at most linear in these parameters: what differs is rounding of states of size 1, over the step.
    assert np.any(carried != 0.0)
    size = np.abs(struck(1.0))
    np.testing.assert_array_less(np.abs(carried - differences), 1e-10 * size + 1e-10)


def test_where_every_member_fails_nobody_raises():
    model, skin = cs.dermal_healing(), cs.Skin()
    protocol = cs.Protocol([(0, cs.Session(device="pen", depth_mm=1.0, density_per_cm2=250))])
    name = next(iter(model.values))
    found = simulate_courses(model, skin, protocol, [{name: 1e30}, {name: 1e31}], days=10)
    assert sorted(found.failures) == [0, 1]
    assert not found.numbers.size
    with pytest.warns(RuntimeWarning, match="2 of 2"):
        many = cs.simulate_many(skin, protocol, parameters={name: [1e30, 1e31]}, days=10, progress=False)
    assert len(many.failures) == 2


def test_clocks_of_idle_lanes_stay_within_numbers(monkeypatch):
    """Lanes without a member go along with every step, however many there are in a row."""
    x, y = (Species(name, "1", "cell", start, 1.0, signed=True) for name, start in (("xx", 1.0), ("yy", 0.0)))
    k = Parameter("k", 1.0, "1/day", 0.0, 1e9, Source("assumed"), "assumed")
    turning = Model(
        "turning", [x, y], reactions=[Reaction("one", k * y, {x: 1}), Reaction("two", k * x, {y: -1})]
    )
    bound = Bound(turning, Space(), {}, {"k": np.array([0.0] * 7 + [1.0])})
    bound.renew()
    empty = np.empty(0, dtype=np.int64)
    made = engine.make_engine("rodas5p", bound, (empty, empty, np.empty((8, 0))), engine.Limits(rtol=1e-9))
    clocks, guard = [], made._guard

    def look(lanes, late):
        clocks.append(lanes.small.reshape(-1, lanes.width)[table.CLOCK + table.TIME].copy())
        guard(lanes, late)

    monkeypatch.setattr(made, "_guard", look)
    # Seven members in which nothing moves end soon; their lanes go on with what they left while the last turns.
    made.run(np.array([1.0] * 7 + [500.0]), np.empty((8, 0)), np.empty((8, 0, made.layout.n)))
    assert made.counts[7, 0] > 2000
    # Steps of an idle lane end at 1e30 days, of which there are some thousands.
    assert np.abs(clocks).max() < 1e34
    assert all(status is Status.COMPLETED for status in made.status)
