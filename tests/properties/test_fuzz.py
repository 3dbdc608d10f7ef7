"""Two thousand calls with anything in them: each ends in finite numbers or in an error of this package, soon."""

import math
import time
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import collagensim as cs
from collagensim.biology import adler_2020, reynolds_2006, robertson, waugh_sherratt_2006
from collagensim.errors import CollagensimError, ContraindicationWarning
from collagensim.model import Input, Model, Parameter, Reaction, Source, Species, exp, log, sqrt
from collagensim.solver.solve import METHODS

ALLOWED = 0.1  # [s] wall time that a solve is given
SOON = 5.0  # [s] a call ends within this, on a busy machine too
SOURCE = Source("assumed")


def rate(name, value):
    return Parameter(name, value, "1/day", 1e-300, 1e300, SOURCE, "assumed")


A, B = Species("aa", "1", "cell", 1.0), Species("bb", "1", "cell", 0.5)
FEED = Input("feed", "1/day", "body", 0.0)
IN, OUT = rate("come", 1.0), rate("go", 2.0)


def model(name, *reactions):
    species = list({s: None for _, effect in reactions for s in effect})
    return Model(name, species, reactions=[Reaction(f"r{i}", *r) for i, r in enumerate(reactions)])


# Eleven structures in all, with the shipped one, are compiled once.
MODELS = [
    model("fed", (FEED, {A: 1}), (OUT * A, {A: -1})),
    model("square", (IN * A * B, {A: 1}), (OUT * B, {B: -1})),
    model("exponential", (IN * exp(A), {A: 1}), (OUT * A, {A: -1})),
    model("logarithmic", (IN * log(A + B), {A: -1}), (OUT * B, {B: -1})),
    model("root", (IN * sqrt(A), {A: -1}), (OUT * A * B, {B: 1})),
    model("quotient", (IN / (A + B), {A: -1}), (OUT / B, {B: -1})),
    robertson(), reynolds_2006(), waugh_sherratt_2006(), adler_2020(),
]  # fmt: skip
DERMAL = cs.dermal_healing()
SKIN = cs.Skin()

EXTREMES = [0.0, -0.0, 1e-300, 5e-324, 1e300, -1e300, math.nan, math.inf, -math.inf, 1.0, -1.0]
JUNK = [
    *EXTREMES, None, "", "3", "rodas5p", b"1", True, [], [1.0], [[1.0]], (1.0, 2.0), {}, {"aa": 1.0}, object(), 1j,
    10**400, np.float32(1e-3), np.int64(2), np.array(1.0), np.array([0.0, 1.0]), np.ones((2, 2)), np.array(["x"]),
]  # fmt: skip
junk = st.sampled_from(JUNK)
sizes = st.one_of(st.floats(-12, 12).map(lambda e: 10.0**e), st.sampled_from(EXTREMES))


def or_junk(valid, junk=junk):
    """Mostly what is valid, so that most calls come as far as the solver."""
    return st.integers(0, 59).flatmap(lambda i: junk if i == 7 else valid)


def fuzz(n):
    return settings(
        max_examples=n,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def grids(end):
    within = st.lists(st.floats(0.0, end), min_size=1, max_size=5).map(lambda times: sorted(set(times)))
    return or_junk(st.one_of(within, st.none()), st.lists(sizes, max_size=4))


def judge(call):
    """The result of a call, found valid, or None for an error of this package."""
    begun = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ContraindicationWarning)
            result = call()
    except CollagensimError as error:
        assert "\n" not in str(error)  # noqa: PT017 - an error is one way to be right
        event(f"{type(error).__name__} {getattr(error, 'status', '')}")
        result = None
    assert time.monotonic() - begun < SOON
    if result is not None:
        event("result")
        for name, values in result.data.data_vars.items():
            assert np.all(np.isfinite(values)), name
    return result


def near(value):
    """Values around one, a few decades up or down, and now and then the extremes."""
    close = st.floats(-3, 3).map(lambda e: float(value or 1.0) * 10.0**e)
    return or_junk(close, st.one_of(sizes, junk))


def some(names, values, most):
    """A few of the names with values; seldom a name that nobody has."""
    chosen = st.lists(or_junk(st.sampled_from(names), st.just("nobody")), max_size=most, unique=True)
    return chosen.flatmap(lambda found: st.fixed_dictionaries({name: values(name) for name in found}))


@st.composite
def solves(draw):
    """A model of a few equations and the arguments of a solve."""
    chosen = draw(st.sampled_from(MODELS))
    inputs = list(chosen.inputs)
    changes = some([*chosen.species_names, *inputs], lambda name: near(1.0), 2)
    end = draw(st.sampled_from([0.5, 2.0]))
    arguments = {
        "until": draw(or_junk(st.just(end))),
        "times": draw(grids(end)),
        "method": draw(or_junk(st.sampled_from(METHODS))),
        "rtol": draw(or_junk(st.sampled_from([1e-12, 1e-8, 1e-6, 1e-3, 1e-2]))),
        "initial": draw(or_junk(some(chosen.species_names, lambda name: near(1.0), 2))),
        "inputs": draw(or_junk(some(inputs, lambda name: near(1.0), 1) if inputs else st.none())),
        "events": draw(or_junk(st.lists(st.tuples(st.floats(0.0, end), changes), max_size=3))),
    }
    parameters = some(list(chosen.values), lambda name: near(chosen.values.get(name)), 2)
    return chosen, draw(parameters), arguments


def check_solve(asked):
    chosen, parameters, arguments = asked
    judge(lambda: cs.solve(chosen.with_parameters(parameters), deadline_s=ALLOWED, **arguments))


@st.composite
def courses(draw):
    """The arguments of a course, and of what makes it up."""
    session = {
        "device": draw(or_junk(st.sampled_from(["pen", "roller", "stamp", "punch"]))),
        "depth_mm": draw(or_junk(st.floats(0.0, 3.5))),
        "density_per_cm2": draw(or_junk(st.one_of(st.none(), st.floats(0.0, 1e4)))),
    }
    if session["device"] == "punch":
        session = {"device": "punch", "diameter_mm": draw(or_junk(st.floats(0.5, 10.0)))}
    end = draw(st.sampled_from([2.0, 7.0]))
    # Sessions that fall together are refused, so most lists hold whole days.
    days = st.lists(st.integers(0, int(end)).map(float), max_size=4, unique=True).map(sorted)
    days = or_junk(
        days, st.one_of(junk, st.lists(sizes, max_size=3), st.lists(st.floats(0.0, 20.0), max_size=3))
    )
    skin = {"age_years": draw(or_junk(st.floats(18, 100))), "phototype": draw(or_junk(st.integers(1, 6)))}
    options = {
        "days": draw(or_junk(st.just(end))),
        "output_days": draw(grids(end)),
        "rtol": draw(or_junk(st.sampled_from([1e-7, 1e-5, 1e-3, 1e-2]))),
        "method": draw(or_junk(st.sampled_from(["rodas5p"] * 5 + ["LSODA"]))),
        "ageing": draw(or_junk(st.booleans())),
    }
    return session, draw(days), skin, options


def check_course(asked):
    session, days, skin, options = asked

    def call():
        one = cs.Session(**{name: value for name, value in session.items() if value is not None})
        events = [(day, one) for day in days] if isinstance(days, list) else days
        return cs.simulate(cs.Skin(**skin), cs.Protocol(events), deadline_s=ALLOWED, **options)

    judge(call)


@st.composite
def parameter_sets(draw):
    """A few parameters of the shipped model, within their ranges, at their ends and beyond."""
    names = draw(st.lists(st.sampled_from(list(DERMAL.values)), min_size=1, max_size=4, unique=True))
    found = {}
    for name in names:
        declared = DERMAL.parameter(name)
        within = st.sampled_from([declared.low, declared.high, declared.value])
        between = st.floats(0, 1).map(lambda w, d=declared: d.low + w * (d.high - d.low))
        found[name] = draw(or_junk(st.one_of(within, between), st.one_of(junk, sizes)))
    return found


def check_parameters(parameters):
    def call():
        changed = DERMAL.with_parameters(parameters)
        protocol = cs.Protocol([(1.0, cs.Session(depth_mm=1.5))])
        return cs.simulate(
            SKIN, protocol, model=changed, days=8.0, rtol=1e-4, deadline_s=ALLOWED, output_days=[8.0]
        )

    judge(call)


@pytest.fixture(scope="module", autouse=True)
def _all_is_compiled():
    """What is compiled once takes its time once, so that the calls below can be held to theirs."""
    for chosen in MODELS:
        cs.solve(chosen, until=1e-9)
    for method in METHODS:
        cs.solve(robertson(), until=1.0, method=method)
    for method in ("rodas5p", "LSODA"):
        cs.simulate(SKIN, cs.Protocol.none(), days=1.0, method=method)


@fuzz(1200)
@given(solves())
def test_a_solve_ends_in_finite_numbers_or_an_error(asked):
    check_solve(asked)


@fuzz(450)
@given(courses())
def test_a_course_ends_in_finite_numbers_or_an_error(asked):
    check_course(asked)


@fuzz(350)
@given(parameter_sets())
def test_any_parameters_end_in_finite_numbers_or_an_error(parameters):
    check_parameters(parameters)


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "check"),
    [(solves(), check_solve), (courses(), check_course), (parameter_sets(), check_parameters)],
    ids=["solves", "courses", "parameters"],
)
def test_ten_times_as_many(asked, check):
    @fuzz(7000)
    @given(asked)
    def each(drawn):
        check(drawn)

    each()
