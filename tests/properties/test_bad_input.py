"""Whatever is given, a call ends in a valid result or in one sentence that says what was given and what is valid."""

import decimal
import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import event, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import collagensim as cs
from collagensim.errors import CollagensimError, InputError, in_range, increasing, number
from collagensim.model import Model, Parameter, Reaction, Source, Species

LONGEST = 420  # characters: a sentence that lists fifteen published protocols

NO_NUMBERS = [
    None, True, np.True_, "1", "", b"1", 1 + 0j, [], [1], (), {}, object, np.array(1.0), np.array([1.0, 2.0]),
    decimal.Decimal(1), np.timedelta64(1, "D"), np.datetime64("2020-01-01"), np.ma.masked, xr.Dataset(),
]  # fmt: skip
HUGE = 1e300
NOT_VALID = [math.nan, math.inf, -math.inf, HUGE, -HUGE, -1, 10**400, np.float32(np.nan), *NO_NUMBERS]
ONE = cs.Protocol.series(cs.Session(density_per_cm2=100), sessions=1)
SKIN = cs.Skin()

DECAY = Model(
    "decay",
    [A := Species("aa", "1", "matrix", baseline=1.0)],
    reactions=[Reaction("loss", A * Parameter("k", 1.0, "1/day", 0, 9, Source("x"), "assumed"), {A: -1})],
)

# Every scalar of the public calls, by a call that fails for nothing else.
SCALARS = {
    "depth_mm": lambda v: cs.Session(depth_mm=v),
    "sessions": lambda v: cs.Protocol.series(cs.Session(), sessions=v),
    "spacing_days": lambda v: cs.Protocol.series(cs.Session(), spacing_days=v),
    "start_day": lambda v: cs.Protocol.series(cs.Session(), start_day=v),
    "day": lambda v: cs.Protocol([(v, cs.Session())]),
    "aftercare dose": lambda v: cs.Aftercare("uv", dose=v),
    "age_years": lambda v: cs.Skin(age_years=v),
    "phototype": lambda v: cs.Skin(phototype=v),
    "days": lambda v: cs.simulate(SKIN, ONE, days=v),
    "rtol": lambda v: cs.simulate(SKIN, ONE, days=1, rtol=v),
    "deadline_s": lambda v: cs.simulate(SKIN, ONE, days=1, deadline_s=v),
    "scan days": lambda v: cs.scan(SKIN, ONE, days=v, depth_mm=[1.0], progress=False),
    "scan rtol": lambda v: cs.scan(SKIN, ONE, days=1, rtol=v, depth_mm=[1.0], progress=False),
    "scan depth": lambda v: cs.scan(SKIN, ONE, days=1, depth_mm=[v], progress=False),
    "until": lambda v: cs.solve(DECAY, until=v),
    "initial": lambda v: cs.solve(DECAY, until=1, initial={"aa": v}),
    "parameter": lambda v: DECAY.with_parameters(k=v),
    "output day": lambda v: cs.simulate(SKIN, ONE, days=1, output_days=[v]),
}


UNBOUNDED = ("until", "initial")


@pytest.mark.parametrize("name", SCALARS)
def test_what_is_no_valid_number_is_refused_in_one_sentence(name):
    for value in NOT_VALID:
        if not (name in UNBOUNDED and value is HUGE):
            _, sentence = outcome(lambda value=value: SCALARS[name](value))
            assert is_sentence(sentence), value


def test_numpy_numbers_are_numbers():
    session = cs.Session(depth_mm=np.float32(1.5), density_per_cm2=np.int64(250), needle_count=np.uint8(9))
    assert (session.depth_mm, session.density_per_cm2, session.needle_count) == (1.5, 250.0, 9)
    made = cs.Protocol.series(session, sessions=np.int32(2), spacing_days=np.float64(7))
    assert made.days == (0.0, 7.0)
    assert cs.Skin(site=np.str_("neck"), phototype=np.int16(2)) == cs.Skin(site="neck", phototype=2)
    assert math.copysign(1.0, cs.Session(depth_mm=-0.0).depth_mm) == 1.0


CALLS = {
    "no protocol": (
        lambda: cs.simulate(SKIN, cs.Session()),
        "protocol Session(device='pen', depth_mm=1.5) is not a",
    ),
    "no skin": (
        lambda: cs.simulate("cheek", ONE),
        "skin 'cheek' is not a Skin: give for example Skin(site='cheek')",
    ),
    "swapped": (
        lambda: cs.simulate(ONE, SKIN),
        "skin <Protocol: 1 x pen 1.5 mm, 100/cm2, on day 0> is not a Skin",
    ),
    "uncalled model": (
        lambda: cs.simulate(SKIN, ONE, model=cs.dermal_healing),
        "is not a Model: give for example dermal_healing()",
    ),
    "scan no skin": (lambda: cs.scan(None, ONE, depth_mm=[1]), "skin None is not a Skin"),
    "scan no model": (lambda: cs.scan(SKIN, ONE, depth_mm=[1], model=3), "model 3 is not a Model"),
    "solve no model": (lambda: cs.solve("decay", until=1), "model 'decay' is not a Model"),
    "solve initial": (lambda: cs.solve(DECAY, until=1, initial=[1]), "initial [1] is not a Mapping"),
    "solve events": (lambda: cs.solve(DECAY, until=1, events=[0.5]), "event 0.5 is no (time, changes) pair"),
    "solve negative": (lambda: cs.solve(DECAY, until=1, initial={"aa": -1}), "is negative"),
    "output text": (lambda: cs.simulate(SKIN, ONE, output_days="0, 1"), "is not a list of numbers"),
    "output one": (lambda: cs.simulate(SKIN, ONE, output_days=5), "output_days 5 is not a list of numbers"),
    "output order": (lambda: cs.simulate(SKIN, ONE, output_days=[2, 1]), "output_days holds 2 before 1"),
    "output late": (
        lambda: cs.simulate(SKIN, ONE, days=3, output_days=[0, 9]),
        "output_days[1] 9 days is outside",
    ),
    "ageing": (lambda: cs.simulate(SKIN, ONE, ageing="no"), "ageing 'no' is not True or False"),
    "method case": (lambda: cs.simulate(SKIN, ONE, method="bdf"), "did you mean 'BDF'?"),
    "late session": (lambda: cs.simulate(SKIN, ONE.series(cs.Session()), days=9), "give days of 120 or more"),
    "series of text": (lambda: cs.Protocol.series("pen", sessions=0), "session 'pen' is not a Session"),
    "assumptions": (lambda: cs.Protocol([], assumptions="none"), "is not a list of sentences"),
    "risks": (lambda: cs.Skin(risks="eczema"), "give for example risks=['eczema']"),
    "table number": (lambda: cs.Protocol.from_table(3), "neither a file name nor a list of rows"),
    "table empty": (lambda: cs.Protocol.from_table([]), "has no row"),
    "compare": (lambda: cs.compare(1, 2), "first response 1 is not a Response: give what simulate returned"),
    "plot": (lambda: cs.plot.timeline(None, "elastin"), "None is not a Response"),
    "plot overview": (lambda: cs.plot.overview([]), "response [] is not a Response"),
    "plot layers": (lambda: cs.plot.layers("run.nc", "elastin"), "response 'run.nc' is not a Response"),
    "plot scan": (lambda: cs.plot.scan(None), "dataset None is not a Dataset: give what scan returned"),
    "plot foreign": (lambda: cs.plot.scan(xr.Dataset({"a": ("x", [1.0])})), "holds no endpoint"),
    "write": (lambda: cs.write.latex("dermal_healing"), "is not a Model"),
    "parameters": (lambda: DECAY.with_parameters("k"), "parameters 'k' are not names with values"),
    "parameter": (lambda: DECAY.parameter([]), "no parameter []"),
    "tissue ageing": (
        lambda: cs.simulate_tissue(SKIN, ONE, ageing="yes"),
        "ageing 'yes' is not True or False",
    ),
    "tissue ageing none": (
        lambda: cs.simulate_tissue(SKIN, ONE, ageing=None),
        "ageing None is not True or False",
    ),
    "tissue ageing half": (
        lambda: cs.simulate_tissue(SKIN, ONE, ageing=0.5),
        "ageing 0.5 is not True or False",
    ),
    "tissue no model": (lambda: cs.simulate_tissue(SKIN, ONE, model="x"), "model 'x' is not a Model"),
    "tissue no architecture": (
        lambda: cs.simulate_tissue(SKIN, ONE, architecture=3),
        "architecture 3 is not an Architecture",
    ),
    "tissue kept one": (
        lambda: cs.simulate_tissue(SKIN, ONE, kept_days=7),
        "kept_days 7 is not a list of num",
    ),
    "tissue output one": (
        lambda: cs.simulate_tissue(SKIN, ONE, output_days=7),
        "output_days 7 is not a list",
    ),
    "tissue output array": (
        lambda: cs.simulate_tissue(SKIN, ONE, output_days=np.array(3.0)),
        "output_days array(3.) is not a list of numbers",
    ),
    "tissue late session": (
        lambda: cs.simulate_tissue(SKIN, ONE.series(cs.Session()), days=9),
        "give days of 120 or more",
    ),
    "tissues no model": (lambda: cs.simulate_tissues(SKIN, ONE, model=3), "model 3 is not a Model"),
    "tissues ageing": (lambda: cs.simulate_tissues(SKIN, ONE, ageing="x"), "ageing 'x' is not True or False"),
    "tissues output one": (
        lambda: cs.simulate_tissues(SKIN, ONE, output_days=7),
        "output_days 7 is not a list",
    ),
    "sensitivities no model": (lambda: cs.sensitivities(SKIN, ONE, model=3), "model 3 is not a Model"),
    "sensitivities threads": (
        lambda: cs.sensitivities(SKIN, ONE, threads=0),
        "threads 0 is outside 1 to 1024",
    ),
    "sensitivities days": (lambda: cs.sensitivities(SKIN, ONE, days="x"), "days 'x' is not a number"),
    "sensitivities one name": (
        lambda: cs.sensitivities(SKIN, ONE, "collagen_synthesis"),
        "parameters 'collagen_synthesis' is one name: give a list, ['collagen_synthesis']",
    ),
    "sensitivities no names": (lambda: cs.sensitivities(SKIN, ONE, 3), "parameters 3 is not a list of names"),
    "sensitivities one variable": (
        lambda: cs.sensitivities(SKIN, ONE, variables="elastin"),
        "variables 'elastin' is one name",
    ),
    "sensitivities one day": (
        lambda: cs.sensitivities(SKIN, ONE, output_days=7),
        "output_days 7 is not a list",
    ),
    "ensemble variables": (
        lambda: cs.simulate_many(SKIN, ONE, variables=3),
        "variables 3 is not a list of names",
    ),
    "wide array": (lambda: cs.Session(depth_mm=np.zeros((90, 9))), "... is not a number: give 0 to 3.5 mm"),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_wrong_thing_in_the_wrong_place_is_named(call):
    wrong, says = CALLS[call]
    with pytest.raises(CollagensimError) as refusal:
        wrong()
    assert says in str(refusal.value)
    assert is_sentence(str(refusal.value))
    # Each of these families has its own door: a value is a matter of input wherever it was given.
    if call.startswith(("tissue", "sensitivities", "ensemble")):
        assert isinstance(refusal.value, InputError)


@given(st.floats(0.001, 1e5), st.floats(1e-7, 1e5))
def test_bounds_are_told_as_values_that_are_valid(low, width):
    high = low + width
    with pytest.raises(InputError) as refusal:
        in_range("length", high + width, low, high)
    told = str(refusal.value).split("outside ")[1].split(";")[0].split(" to ")
    assert all(in_range("length", float(bound), low, high) == float(bound) for bound in told)
    assert f"nearest valid value is {told[1]}" in str(refusal.value)


def test_a_bound_of_many_digits_is_told_short():
    with pytest.raises(
        InputError, match=r"outside 0\.1 to 0\.84034 mm; the nearest valid value is 0\.84034 mm"
    ):
        in_range("depth_mm", 0.85, 0.1, 0.840340909090909, "mm")


def test_a_course_draws_nothing_into_an_ax_when_a_layer_is_unknown(response):
    ax = Figure().subplots()
    with pytest.raises(InputError, match="did you mean 'papillary'"):
        cs.plot.timeline(response, "elastin", layers=["lower_reticular", "papilary"], ax=ax)
    assert not ax.lines
    for layers in ([], None, 3):
        with pytest.raises(InputError, match="layers"):
            cs.plot.timeline(response, "elastin", layers=layers)
    assert cs.plot.timeline(response, "elastin", layers="papillary").axes[0].lines


@pytest.mark.parametrize(
    ("protocol", "short"),
    [
        (cs.Protocol.none(), "<Protocol: no session>"),
        (ONE.series(cs.Session(density_per_cm2=250)), "<Protocol: 5 x pen 1.5 mm, 250/cm2, every 30 days>"),
        (ONE.series(cs.Session(passes=3), sessions=2, spacing_days=0.1, start_day=7),
         "<Protocol: 2 x pen 1.5 mm, 3 passes, every 0.1 days from day 7>"),
        (ONE.series(cs.Session(density_per_cm2=9), sessions=100, spacing_days=0.7),
         "<Protocol: 100 x pen 1.5 mm, 9/cm2, every 0.7 days>"),
        (cs.Protocol([(0, cs.Session(passes=1)), (3, cs.Session(passes=2)), (9, cs.Session(passes=1))]),
         "<Protocol: 3 x pen 1.5 mm, 1 pass and others, on days 0, 3, 9>"),
        (ONE.series(cs.Session(device="punch"), sessions=1, aftercare=[cs.Aftercare("uv")]),
         "<Protocol: 1 x punch 4 mm, on day 0; aftercare: uv>"),
        (cs.Protocol.published("lotfi_2013"), "<Protocol lotfi_2013: 5 x roller 1.5 mm, 250/cm2, every 30 days>"),
    ],
)  # fmt: skip
def test_a_protocol_reads_in_one_line(protocol, short):
    assert repr(protocol) == short
    assert repr(cs.Session(depth_mm=1)) == "Session(device='pen', depth_mm=1.0)"


CSV = {
    "a spreadsheet's mark": ("\ufeffday, depth_mm\n0,1\n30, 1\n", None),
    "blank lines": ("day,depth_mm\n0,1\n\n,\n30,1\n", None),
    "semicolons": ("day;depth_mm\n0;1,5\n", "has no commas"),
    "tabs": ("day\tdepth_mm\n0\t1\n", "has no commas"),
    "nothing": ("", "has no row"),
    "a head only": ("day,depth_mm\n", "has no row"),
    "too many cells": ("day,depth_mm\n0,1,5\n", "row 1 of the protocol table"),
    "a column twice": ("day,day\n0,1\n", "has the column 'day' twice"),
    "no number": ("day,depth_mm\n0,deep\n", "depth_mm 'deep' is not a number"),
    "infinite needles": ("day,needle_count\n0,1e400\n", "needle_count inf is not finite"),
    "no text": (b"\x00\xff\xfe", "not a text file in UTF-8"),
}


@pytest.mark.parametrize("case", CSV)
def test_a_table_is_read_or_refused_in_one_sentence(tmp_path, case):
    contents, says = CSV[case]
    path = tmp_path / "table.csv"
    path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    if says is None:
        assert cs.Protocol.from_table(path).days == (0.0, 30.0)
        return
    with pytest.raises(CollagensimError) as refusal:
        cs.Protocol.from_table(path)
    assert says in str(refusal.value)
    assert "Errno" not in str(refusal.value)


@pytest.mark.parametrize("path", [None, 3, "", "a\0b", "x" * 300 + ".nc", ".", "missing/run.nc"])
def test_a_name_no_file_can_have_is_refused(monkeypatch, tmp_path, response, path):
    monkeypatch.chdir(tmp_path)
    for act in (response.save, cs.load):
        with pytest.raises(cs.FileError) as refusal:
            act(path)
        assert is_sentence(str(refusal.value))
    assert not list(tmp_path.iterdir())


@given(st.one_of(st.floats(), st.integers(), st.text(), st.booleans(), st.complex_numbers(), st.none()))
def test_a_checked_number_is_finite_and_in_range_or_refused(value):
    checked, sentence = outcome(lambda: in_range("depth_mm", value, 0.0, 3.5, "mm"))
    if checked is None:
        assert is_sentence(sentence)
    else:
        assert 0.0 <= checked <= 3.5
        assert checked == value == number("depth_mm", value)


@given(st.lists(st.floats()))
def test_a_checked_list_increases_or_is_refused(values):
    checked, sentence = outcome(lambda: increasing("days", values))
    if checked is None:
        assert is_sentence(sentence)
    else:
        assert checked == sorted(set(values))


def mostly(*good):
    """One of ``good``, and once in thirty something wrong: eight such arguments are all good in three of four calls."""
    return st.integers(0, 29).flatmap(lambda i: st.sampled_from(NOT_VALID if i == 0 else list(good)))


def usually(good, *others):
    """``good`` nine times in ten."""
    return st.integers(0, 9).flatmap(lambda i: st.sampled_from(others) if i == 0 else st.just(good))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    depth=mostly(0, 1e-300, 0.01, 0.5, 1.5, 3.5, np.float32(2)),
    density=mostly(0.0, 1e-300, 1e-3, 250, np.int64(5000), 10000),
    sessions=mostly(0, 1, 2, 5, 20, np.int64(3)),
    spacing=mostly(1e-300, 1e-9, 0.5, 1, 30, 45.5),
    age=mostly(18, 45, 100),
    days=mostly(60, 400, 900, np.float32(900.5), 900),
    rtol=mostly(1e-2, 1e-4, 1e-6),
    output=mostly(0.5, 1, np.float64(60)),
    device=st.sampled_from(["pen", "roller", "stamp", "array"]) | usually("pen", "punch", "laser"),
    method=usually("rodas5p", "LSODA", "euler"),
    ageing=usually(True, False, np.False_, 1),
)
def test_simulate_gives_a_finite_course_or_one_sentence(
    depth, density, sessions, spacing, age, days, rtol, output, device, method, ageing
):
    def course():
        session = cs.Session(device=device, depth_mm=depth, density_per_cm2=density)
        protocol = cs.Protocol.series(session, sessions=sessions, spacing_days=spacing)
        grid = None if isinstance(output, int) else [output]
        skin = cs.Skin(age_years=age)
        return cs.simulate(
            skin, protocol, days=days, rtol=rtol, method=method, ageing=ageing, output_days=grid
        )

    found, sentence = outcome(course)
    event("refused" if found is None else "simulated")
    if found is None:
        assert is_sentence(sentence)
        return
    for name, values in found.data.data_vars.items():
        assert np.isfinite(values.values).all(), name
    assert len(found.summary())


def outcome(call):
    """The result of ``call`` and no sentence, or None and the sentence with which it was refused."""
    try:
        return call(), ""
    except CollagensimError as refusal:
        return None, str(refusal)


def is_sentence(text):
    return bool(text) and "\n" not in text and len(text) <= LONGEST
