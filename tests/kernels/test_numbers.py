"""Lanes, floats and complex numbers: one text, the same bits."""

from fractions import Fraction

import numpy as np
import pytest
from numba import njit

from collagensim.kernels import numbers
from collagensim.kernels.numbers import (
    WIDTH,
    aligned,
    all_above,
    as_numbers,
    columns,
    fetch,
    fetch_far,
    larger,
    less_product,
    n_columns,
    partners,
    picked,
    plus_product,
    plus_products,
    real_part,
    root,
    smaller,
    sum_of_products,
    tail,
    where_negative,
)

# In the order of `apply_all`; what NumPy makes of the same numbers, where that is the same rounding.
OPERATIONS = {
    "sum": lambda a, b, c: a + b,
    "difference": lambda a, b, c: a - b,
    "product": lambda a, b, c: a * b,
    "quotient": lambda a, b, c: a / b,
    "negative": lambda a, b, c: -a,
    "modulus": lambda a, b, c: np.abs(a),
    "larger": lambda a, b, c: np.where(a > b, a, b),
    "smaller": lambda a, b, c: np.where(a < b, a, b),
    "choice": lambda a, b, c: np.where(a < 0, b, c),
    "root": lambda a, b, c: np.sqrt(np.abs(a)),
    "real_part": lambda a, b, c: a,
    "with_plain": lambda a, b, c: (2 * a - 1.0) / 3.0,
    "in_place": lambda a, b, c: (a + b - c) * b / c,
}
OTHERS = ("plus_product", "less_product", "exponential", "logarithm")
NAMES = [*OPERATIONS, *OTHERS]


@njit(error_model="numpy")
def apply_all(a, b, c, out):
    x, y, z, found = as_numbers(a), as_numbers(b), as_numbers(c), as_numbers(out)
    n = a.shape[0]
    for i in range(n):
        p, q, r = x[i], y[i], z[i]
        found[i] = p + q
        found[n + i] = p - q
        found[2 * n + i] = p * q
        found[3 * n + i] = p / q
        found[4 * n + i] = -p
        found[5 * n + i] = abs(p)
        found[6 * n + i] = larger(p, q)
        found[7 * n + i] = smaller(p, q)
        found[8 * n + i] = where_negative(p, q, r)
        found[9 * n + i] = root(p)
        found[10 * n + i] = real_part(p)
        found[11 * n + i] = (2 * p - 1.0) / 3.0
        total = p
        total += q
        total -= r
        total *= q
        total /= r
        found[12 * n + i] = total
        found[13 * n + i] = plus_product(p, q, r)
        found[14 * n + i] = less_product(p, q, r)
        found[15 * n + i] = np.exp(q)
        found[16 * n + i] = np.log(abs(p))


def given():
    """Numbers of all sizes and signs in every lane, then each pair of the numbers that rounding does not know."""
    rng = np.random.default_rng(4)
    usual = rng.normal(size=(3, 40, WIDTH)) * 10.0 ** rng.integers(-3, 3, (3, 40, WIDTH))
    odd = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324])
    pairs = np.stack([np.repeat(odd, 8), np.tile(odd, 8), np.roll(np.tile(odd, 8), 3)]).reshape(3, 8, WIDTH)
    return np.concatenate([usual, pairs], axis=1)


@pytest.fixture(scope="module")
def found():
    """Name -> results as lanes and as floats, each (n, 8)."""
    a, b, c = given()
    n = len(a)
    lanes, floats = aligned(len(NAMES) * n, WIDTH), np.empty((len(NAMES) * n, WIDTH))
    apply_all(a, b, c, lanes)
    for i in range(WIDTH):
        column = np.empty(len(NAMES) * n)
        apply_all(a[:, i].copy(), b[:, i].copy(), c[:, i].copy(), column)
        floats[:, i] = column
    return {name: (lanes[k * n : (k + 1) * n], floats[k * n : (k + 1) * n]) for k, name in enumerate(NAMES)}


def same(one, other):
    """Every bit, but which of the NaNs it is."""
    np.testing.assert_array_equal(one, other)
    known = ~np.isnan(one)
    np.testing.assert_array_equal(np.signbit(one[known]), np.signbit(other[known]))


@pytest.mark.parametrize("name", NAMES)
def test_lanes_have_the_bits_of_floats(found, name):
    same(*found[name])


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_those_of_ieee_arithmetic(found, name):
    with np.errstate(all="ignore"):
        same(found[name][0], OPERATIONS[name](*given()))


@pytest.mark.parametrize(("name", "sign"), [("plus_product", 1), ("less_product", -1)])
def test_a_product_that_is_added_is_rounded_once(found, name, sign):
    values = given().reshape(3, -1)
    finite = np.all(np.isfinite(values), axis=0)
    total, a, b = ([Fraction(x) for x in row] for row in values[:, finite])
    exact = [float(t + sign * x * y) for t, x, y in zip(total, a, b, strict=True)]
    np.testing.assert_array_equal(found[name][0].ravel()[finite], exact)


@pytest.mark.parametrize(
    ("name", "which", "function"), [("exponential", 1, np.exp), ("logarithm", 0, np.log)]
)
def test_transcendental_functions_are_good_to_a_rounding(found, name, which, function):
    values = given()[which]
    with np.errstate(all="ignore"):
        exact = function(np.abs(values) if name == "logarithm" else values)
    # Both libraries promise less than one unit in the last place.
    np.testing.assert_allclose(found[name][0], exact, rtol=2 * np.finfo(float).eps)


@njit(error_model="numpy")
def shift_by_one(array, first, size):
    part = tail(as_numbers(array), first)
    for i in range(size):
        part[i] = part[i] + 1.0


def test_numbers_and_tails_are_views():
    lanes, plain = aligned(6, WIDTH), np.zeros(6)
    for array in (lanes, plain):
        shift_by_one(array, 2, 3)
    expected = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(plain, expected)
    np.testing.assert_array_equal(lanes, np.repeat(expected[:, None], WIDTH, axis=1))


@njit(error_model="numpy")
def double_columns(array):
    numbers = as_numbers(array)
    wide, n = columns(numbers), n_columns(numbers, array.shape[0])
    for i in range(n):
        wide[i] = wide[i] * 2.0
    return n


@pytest.mark.parametrize(
    ("array", "size"),
    [
        (np.arange(24.0), 3),
        (np.arange(25.0)[1:], 3),  # from any address
        (np.arange(24.0).reshape(3, WIDTH), 3),
        (np.arange(5) + 1j, 5),
    ],
    ids=["floats", "floats_anywhere", "lanes", "complex"],
)
def test_columns_are_lanes_of_floats_and_other_numbers_themselves(array, size):
    before = array.copy()
    assert double_columns(array) == size
    np.testing.assert_array_equal(array, 2 * before)


@njit(error_model="numpy")
def read_partners(array, out):
    numbers, found = as_numbers(array), columns(as_numbers(out))
    for i in range(n_columns(numbers, array.shape[0])):
        found[i] = partners(numbers, i)


@pytest.mark.parametrize(
    "array",
    [np.arange(24.0), np.arange(25.0)[1:], np.arange(32.0).reshape(4, WIDTH), np.arange(6) + 1j],
    ids=["floats", "floats_anywhere", "lanes", "complex"],
)
def test_partners_are_two_by_two_wherever_numbers_lie(array):
    out = np.zeros_like(array)
    read_partners(array, out)
    np.testing.assert_array_equal(out, array.reshape(-1, 2, *array.shape[1:])[:, ::-1].reshape(array.shape))


@njit(error_model="numpy")
def complex_operations(x, y, out):
    out[0] = plus_product(x[0], y[0], y[1])
    out[1] = less_product(x[0], y[0], y[1])
    out[2] = plus_product(x[0], 2.0, y[1])
    out[3] = root(x[1])
    out[4] = where_negative(real_part(x[1]), x[0], y[0])
    out[5] = real_part(x[0])


def test_complex_numbers_keep_their_analytic_meaning():
    x, y = np.array([0.3 + 1e-20j, -4.0 + 1e-20j]), np.array([2.0 - 3e-20j, 0.5 + 1e-20j])
    out = np.zeros(6, dtype=complex)
    complex_operations(x, y, out)
    expected = [
        x[0] + y[0] * y[1],
        x[0] - y[0] * y[1],
        x[0] + 2.0 * y[1],
        # d sqrt(-x) / dx = -1 / (2 sqrt(-x)).
        2.0 - 0.25e-20j,
        x[0],
        0.3,
    ]
    np.testing.assert_allclose(out.real, np.real(expected), rtol=1e-15)
    np.testing.assert_allclose(out.imag, np.imag(expected), rtol=1e-15)


@pytest.mark.parametrize("shape", [(1, WIDTH), (3, WIDTH), (1000, WIDTH), (5,)])
def test_aligned_memory_begins_at_a_whole_vector(shape):
    array = aligned(*shape)
    assert array.ctypes.data % 64 == 0
    assert array.shape == shape
    assert not array.any()


@njit(error_model="numpy")
def add_products(total, numbers, out):
    row, given = as_numbers(numbers), as_numbers(total)
    found = as_numbers(out)
    for i in range(2):
        rows = (row, tail(row, 2), tail(row, 4))
        found[i] = plus_products(given[i], (0.1, 0.2, 0.3), rows, i)


def test_products_are_added_one_after_the_other_each_rounded_once():
    values = given()[:, :6]
    total, numbers, lanes, plain = values[0, :2].copy(), values[1].copy(), aligned(2, WIDTH), np.empty(2)
    add_products(total, numbers, lanes)
    for lane in range(WIDTH):
        add_products(total[:, lane].copy(), numbers[:, lane].copy(), plain)
        np.testing.assert_array_equal(plain, lanes[:, lane])
        for i in range(2):
            expected = total[i, lane]
            for j, factor in enumerate((0.1, 0.2, 0.3)):
                expected = float(Fraction(expected) + Fraction(factor) * Fraction(numbers[2 * j + i, lane]))
            assert plain[i] == expected


@njit
def pick_all(numbers, lanes, out):
    x, order, found = as_numbers(numbers), as_numbers(lanes), as_numbers(out)
    for i in range(numbers.shape[0]):
        found[i] = picked(x, i, order[i])


@pytest.mark.parametrize("features", ["host", "generic"])
def test_lanes_are_picked_in_any_order(features, monkeypatch):
    if features == "generic":
        # Where a processor has no instruction for it, lanes are read one by one.
        monkeypatch.setattr(numbers, "reorders_lanes", lambda context: False)
    rng = np.random.default_rng(12)
    given, lanes, found = aligned(50, WIDTH), aligned(50, WIDTH), aligned(50, WIDTH)
    given[:], lanes[:] = rng.normal(size=(50, WIDTH)), rng.integers(0, WIDTH, (50, WIDTH))
    njit(pick_all.py_func)(given, lanes, found)
    np.testing.assert_array_equal(found, np.take_along_axis(given, lanes.astype(int), axis=1))


@njit
def compare_all(one, other, out):
    x, y = as_numbers(one), as_numbers(other)
    for i in range(one.shape[0]):
        out[i] = all_above(x[i], y[i])


@pytest.mark.parametrize("wide", [True, False])
def test_all_lanes_are_above_only_if_each_is(wide):
    # One lane at a time is below, equal, or no number.
    pairs = [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (np.nan, 0.0), (1.0, np.nan), (np.inf, 1.0), (-0.0, 0.0)]
    one, other = np.full((len(pairs) * WIDTH, WIDTH), 2.0), np.full((len(pairs) * WIDTH, WIDTH), 1.0)
    for k, (x, y) in enumerate(pairs):
        for lane in range(WIDTH):
            one[k * WIDTH + lane, lane], other[k * WIDTH + lane, lane] = x, y
    if not wide:
        one, other = one.ravel(), other.ravel()
    found = np.zeros(len(one), dtype=bool)
    compare_all(one, other, found)
    np.testing.assert_array_equal(found, np.all(one > other, axis=1) if wide else one > other)


@njit
def sum_all(numbers, out):
    x, found = as_numbers(numbers), as_numbers(out)
    for i in range(numbers.shape[0] - 2):
        fetch(x, i + 1)
        fetch_far(x, i + 100_000)
        rows = x, tail(x, 1), tail(x, 2)
        found[i] = sum_of_products((0.3, -1.7, 2.1), rows, i)


@pytest.mark.parametrize("kind", ["lanes", "floats", "complex"])
def test_a_sum_of_products_begins_with_the_first(kind):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20, WIDTH) if kind == "lanes" else 20) + (
        1j * rng.normal(size=20) if kind == "complex" else 0
    )
    found = np.zeros_like(x)
    # Lines that are fetched on the way, here or beyond the end, change nothing.
    sum_all(x, found)
    # Fused sums: two roundings fewer than here.
    terms = 0.3 * x[:-2], -1.7 * x[1:-1], 2.1 * x[2:]
    size = sum(np.abs(term) for term in terms)
    assert np.all(np.abs(found[:-2] - sum(terms)) <= 3 * np.finfo(float).eps * size)
    assert np.all(found[-2:] == 0.0)
