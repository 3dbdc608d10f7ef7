"""What NumPy does is written down and runs as machine code: the same bits, for members and layers of any number."""

import ctypes

import numpy as np
import pytest

import collagensim as cs
from collagensim.kernels.straight import MANY
from collagensim.solver.columns import Columns
from collagensim.solver.compiled import machine_code
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import Happening, MeanField, Record, _Zone, run_course, weighing
from collagensim.solver.resting import SPACE
from collagensim.solver.strike import Division, strike
from collagensim.solver.trace import Named, Traced, elements, function_text
from collagensim.treatment import injure

MODEL, SKIN = cs.dermal_healing(), cs.Skin(age_years=61)
M = len(MODEL.species)
# Of the old zone and of the session: nothing hit, nothing there before, an equal one, a smaller, a larger, everything.
OLD = np.array([[0.3, 0.0, 0.25], [0.5, 0.0, 0.1], [0.2, 0.7, 1.0]])
HIT = np.array([[0.0, 0.2, 0.25], [0.1, 0.0, 0.6], [1.0, 0.3, 0.4]])


def field_of(n=1):
    """Members at rest whose inputs are those of a session."""
    field = MeanField(MODEL, [{**SKIN.inputs(), "skin.ageing": 1.0}] * n, Limits())
    wound = injure(SKIN, cs.Session(depth_mm=1.2))
    known = {name: value for name, value in wound.inputs().items() if name in MODEL.inputs}
    field.bound.set_inputs([known] * n)
    return field


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_session_as_machine_code_has_the_bits_of_numpy(n):
    field = field_of(n)
    bound, zone = field.bound, _Zone(field.bound.inputs)
    rng = np.random.default_rng(5)
    states = field.blocks(bound.baseline) * rng.uniform(0.2, 3.0, (n, 3, 2, M)) + rng.uniform(
        0.0, 1e-3, (n, 3, 2, M)
    )
    old, hit = OLD[:n], HIT[:n]
    made = []

    def jumped(mean):
        made.append(field._jumped(bound, mean, zone, np.arange(n)))
        return made[0]

    exact = strike(states, old, hit, weighing(bound, zone), jumped)
    after, share, new = bound.compiled.strike(states, old, hit, bound.parameters, bound.inputs)
    np.testing.assert_array_equal(after, exact)
    np.testing.assert_array_equal(share, Division.of(old, hit).share)
    below = ~bound.outline.jump_on_top
    np.testing.assert_array_equal(new[..., below], made[0][..., bound.outline.jump_place[below]])
    assert np.any(after != states)


@pytest.mark.parametrize("n", [1, 2])
def test_averages_as_machine_code_have_the_bits_of_numpy(n):
    # One member's blocks alternate in memory, those of several follow each other.
    field = field_of(n)
    wound = injure(SKIN, cs.Session(depth_mm=1.2))
    plan = [Happening(0.0, wound, {}), Happening(3.0, wound, {})]
    record = run_course(field, plan, 9.0, np.linspace(0.0, 9.0, 19))
    columns = Columns(field, record, (0.0, 3.0))
    found, exact = columns.tissue(), columns.part("tissue")
    assert list(found.values) == [item.name for item in (*MODEL.species, *MODEL.derived)]
    for name, values in exact.values.items():
        np.testing.assert_array_equal(found.values[name], values, err_msg=name)
        np.testing.assert_array_equal(found.baseline[name], exact.baseline[name], err_msg=name)


def test_rows_that_were_never_reached_stay_without_a_number():
    field = field_of()
    record = run_course(field, [], 4.0, np.array([0.0, 2.0, 5.0]))
    found = Columns(field, record, ()).tissue()
    reached = np.isfinite(found.values["collagen_total"][0, :, 0])
    assert reached.tolist() == [True, True, False]
    assert isinstance(record, Record)
    assert record.rows.shape[2:] == (SPACE.n_layers, SPACE.n_compartments, M)


def test_arithmetic_is_written_one_operation_a_statement():
    lines = []
    x, y = elements("a", lines, (0, 1))
    found = np.sqrt(abs(2.0 - x * y)) / (1 + x)
    text = function_text("some(a, out)", lines, [found, 3])
    assert text.splitlines() == [
        "def some(a, out):", "    t0 = a[0] * a[1]", "    t1 = 2.0 - t0", "    t2 = abs(t1)", "    t3 = root(t2)",
        "    t4 = 1.0 + a[0]", "    t5 = t3 / t4", "    out[0] = t5", "    out[1] = 3.0",
    ]  # fmt: skip
    named = Named("p", lines, 2)
    assert [named[name].item().name for name in ("one", "two", "one")] == ["p[0]", "p[1]", "p[0]"]


def test_a_loop_calls_its_function_with_every_argument_further():
    lines = []
    x, scale = Traced("x[0]", lines), Traced("s[0]", lines)
    text = function_text(
        "one(x, s, out)", lines, [x.where_positive(x * scale, -1.0), x.exp() + x.log() - x.smaller(2)]
    )
    address = machine_code("looped_for_a_test", text, "plain", many=True)[f"one{MANY}"]
    given, factor, out = np.array([3.0, 9.0, -0.5, 9.0]), np.array([7.0]), np.full((3, 3), np.nan)
    run = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * 4)(address)
    with np.errstate(invalid="ignore"):
        expected = [[21.0, np.exp(3.0) + np.log(3.0) - 2.0], [-1.0, np.nan]]
    run(2, np.array([2, 0, 3]).ctypes.data, given.ctypes.data, factor.ctypes.data, out.ctypes.data)
    # Of exp and log the last bit may be another library's: 4 eps of the sum.
    np.testing.assert_allclose(out[:2, :2], expected, rtol=1e-15)
    run(0, np.array([2, 0, 3]).ctypes.data, given.ctypes.data, factor.ctypes.data, out[2:].ctypes.data)
    assert np.all(np.isnan(out[2]))
    assert np.all(np.isnan(out[:, 2]))
