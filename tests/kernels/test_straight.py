"""Straight-line text as machine code, against the same text run by Python."""

import ctypes

import numpy as np
import pytest

from collagensim.kernels.numbers import WIDTH
from collagensim.kernels.straight import straight
from collagensim.solver.compiled import machine_code
from naive.generated import functions

# Every construct that straight-line text may hold, with gains and losses that do not cancel.
TEXT = '''
def block_rates(y, p, u, out):
    """A docstring is no statement."""
    a = y[0]
    b = a + p[0] * y[1]
    c = p[1] * y[1] + b
    d = c * 3.0 - p[0] * -0.25
    e = -d
    f = root(y[2]) + c
    g = np.exp(-p[0]) + np.log(f)
    h = smaller(g, f)
    i = p[1] * y[0] + p[0] * y[1]
    j = (a + b) * (c + d) / (1.0 + u[0])
    out[0] = d
    out[1] = e
    out[2] = f
    out[3] = g
    out[4] = h
    out[5] = i - -2
    out[6] = j - 0.5 * a
    b = a
    out[7] = b / 3
    out[8] = abs(e)
'''
N_OUT = 9


def run(address, *arrays):
    """Call machine code as the stepper does, with the addresses of arrays."""
    code = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arrays))(address)
    code(*(array.ctypes.data for array in arrays))


def address(kind, text=TEXT):
    return machine_code("straight_for_a_test", text, kind)["block_rates"]


def given(dtype=float):
    rng = np.random.default_rng(12)
    y, p, u = (rng.uniform(0.5, 2.0, (n, WIDTH)).astype(dtype) for n in (3, 2, 1))
    y[2] *= -1.0  # a rounding-level negative has a root all the same
    return y, p, u


def by_python(y, p, u):
    out = np.zeros(N_OUT, dtype=y.dtype)
    functions(TEXT)["block_rates"](y, p, u, out)
    return out


def lane(arrays, i):
    return tuple(array[:, i].copy() for array in arrays)


def test_floats_are_what_python_makes_of_the_text():
    for i in range(WIDTH):
        out = np.zeros(N_OUT)
        run(address("plain"), *lane(given(), i), out)
        # Ten operations at most, each of them rounded at most once more than here.
        np.testing.assert_allclose(out, by_python(*lane(given(), i)), rtol=20 * np.finfo(float).eps)


def test_lanes_have_the_bits_of_floats():
    lanes, plain = np.zeros((N_OUT, WIDTH)), np.zeros(N_OUT)
    run(address("lanes"), *given(), lanes)
    for i in range(WIDTH):
        run(address("plain"), *lane(given(), i), plain)
        np.testing.assert_array_equal(lanes[:, i], plain)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_complex_step_carries_the_derivative(which):
    arrays, h = lane(given(complex), 0), 1e-6
    arrays[which][0] += 1e-20j
    out = np.zeros(N_OUT, dtype=complex)
    run(address("complex"), *arrays, out)
    up, down = (lane(given(), 0) for _ in range(2))
    up[which][0] += h
    down[which][0] -= h
    # Central differences: truncation h^2 times a third derivative of some tens, rounding eps / h times values of ten.
    differences = (by_python(*up) - by_python(*down)) / (2 * h)
    np.testing.assert_allclose(out.imag / 1e-20, differences, atol=1e-8)
    np.testing.assert_allclose(out.real, by_python(*lane(given(), 0)), rtol=20 * np.finfo(float).eps)


def test_a_product_that_is_added_is_rounded_once():
    # 1 - (1 + e)(1 - e) = e^2, which a product rounded by itself loses.
    text = TEXT.split("    a = y[0]")[0] + "    out[0] = y[0] - y[1] * y[2]\n"
    e, out, none = 2.0**-30, np.zeros(1), np.zeros(1)
    run(address("plain", text), np.array([1.0, 1.0 + e, 1.0 - e]), none, none, out)
    assert out[0] == e * e


# Reciprocals that wait for nothing, for others, and for what was written before; more than go together at once.
DIVIDING = """
def block_rates(y, p, u, out):
    a = 1.0 / (y[0] + p[0])
    b = 1.0 / y[1] + 1.0 / (p[1] + a)
    out[0] = a * b
    c = u[0] * (1.0 / (1.0 + y[0]))
    out[1] = c - 1.0 / (y[2] - 3.0) + 2.0 / p[0]
    d = 1.0 / (out[1] + b)
    out[2] = d
    out[3] = 1.0 / d + 1.0 / (c + 1.0) + 1.0 / p[1]
    out[4] = 1.0 / (out[0] + out[2])
"""


@pytest.mark.parametrize("kind", ["lanes", "plain", "complex"])
def test_reciprocals_found_together_are_those_found_alone(kind):
    y, p, u = given(complex if kind == "complex" else float)
    if kind != "lanes":
        y, p, u = (np.ascontiguousarray(values[:, 0]) for values in (y, p, u))
    out, expected = np.zeros((5, *y.shape[1:]), dtype=y.dtype), np.zeros((5, *y.shape[1:]), dtype=y.dtype)
    run(address(kind, DIVIDING), y, p, u, out)
    functions(DIVIDING)["block_rates"](y, p, u, expected)
    # Some ten operations each, which cancel nothing; fused or not, each rounds by half a unit in the last place.
    np.testing.assert_allclose(out, expected, rtol=8 * np.finfo(float).eps)


def test_reciprocals_of_plain_floats_share_a_division():
    text = straight(DIVIDING, "plain")
    # Five that wait for nothing (four and one), two that wait for those; what reads ``out`` keeps its place.
    assert text.count("fdiv <4 x double>") == 2
    assert "fdiv <4" not in straight(DIVIDING, "lanes")
