import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.linalg import expm

from collagensim.errors import InputError
from collagensim.kernels import packs, waves
from collagensim.kernels.numbers import flat, kept
from collagensim.solver.tissue.diffusion import Diffuser
from collagensim.solver.tissue.spreading import Waves

STEP = 5 / 1440
SLOW, FAST = 600 * 1440.0, 6000 * 1440.0
SLICE, BLOCK = (48, 1, 80), (16, 6, 16)
LANES = {np.float32: 16, np.float64: 8}


@kept
def there(re, im, n, cosines, sines, table, t, back):
    turns = (flat(cosines), flat(sines), flat(table), table.shape[0])
    if back:
        waves.transform_back(flat(re), flat(im), 0, packs.width(flat(t)), n, turns, flat(t))
    else:
        waves.transform(flat(re), flat(im), 0, packs.width(flat(t)), n, turns, flat(t))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 16, 30, 49, 208, 304])
def test_waves_are_those_of_numpy_and_lead_back(n, dtype):
    random = np.random.default_rng(n)
    line = random.standard_normal((n, LANES[dtype])) + 1j * random.standard_normal((n, LANES[dtype]))
    re, im = (np.ascontiguousarray(values, dtype=dtype) for values in (line.real, line.imag))
    (cosines, sines), table = waves.turns_of(n, np.dtype(dtype))
    given = (n, cosines, sines, table, np.zeros(2 * n * LANES[dtype] + 64, dtype))
    there(re, im, *given, False)
    expected = np.fft.fft(line, axis=0)
    # Each of at most nine steps rounds a sum of up to nineteen numbers: far less than 100 roundings of the largest.
    close = 100 * np.finfo(dtype).eps
    found = (re + 1j * im)[waves.order_of(n)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=close * np.abs(expected).max())
    there(re, im, *given, True)
    np.testing.assert_allclose((re + 1j * im) / n, line, rtol=0, atol=close * np.abs(line).max())


@kept
def exchanged(square, out, sums):
    rows, columns, total = flat(square), flat(out), flat(sums)
    n = packs.width(rows)
    packs.turn_over(rows, 0, 2 * n, columns, n, n)
    a, b, c = packs.load(rows, 0), packs.load(rows, 2 * n), packs.load(rows, 4 * n)
    packs.store(total, 0, packs.fused(a, b, c))
    packs.store(total, n, packs.fused_less(a, b, c))


@pytest.mark.parametrize(("dtype", "n"), [(np.float32, 16), (np.float64, 8)])
def test_squares_are_turned_over_and_products_rounded_with_their_sum(dtype, n):
    square = np.random.default_rng(1).integers(-99, 99, (n, 2 * n)).astype(dtype)
    out, sums = np.zeros((n + 1, n), dtype), np.zeros((2, n), dtype)
    exchanged(square, out, sums)
    np.testing.assert_array_equal(out[1:], square[:, :n].T)
    a, b, c = square[:3, :n]  # whole numbers: no rounding
    np.testing.assert_array_equal(sums, [a + b * c, a - b * c])


def given(shape, seed, dtype=np.float64, loss=40.0):
    """Field, source and loss (1, *shape): spots of source, one loss everywhere."""
    random = np.random.default_rng(seed)
    field = random.uniform(0, 2, (1, *shape)).astype(dtype)
    source = (100 * (random.random((1, *shape)) < 0.02)).astype(dtype)
    return field, source, np.full_like(field, loss)


def laplacian(shape):
    """Differences to the neighbours, as a matrix."""
    found = np.zeros((1, 1))
    for n, periodic in zip(shape, (False, True, True), strict=True):
        line = np.diag(np.full(n, -2.0)) + np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
        line[0, 0 if not periodic else -1] += 1.0
        line[-1, -1 if not periodic else 0] += 1.0
        found = np.kron(found, np.eye(n)) + np.kron(np.eye(len(found)), line if n > 1 else np.zeros((1, 1)))
    return found


@pytest.mark.parametrize("loss", [0.0, 3.0, 5000.0])
@pytest.mark.parametrize("shape", [(8, 1, 16), (8, 4, 8), (24, 1, 8)])
def test_a_step_is_the_exponential_of_the_seven_point_laplacian(shape, loss):
    field, source, taken = given(shape, 1, loss=loss)
    n = field.size
    both = np.zeros((2 * n, 2 * n))  # of the field, and of a source that stays
    both[:n, :n] = FAST / 10.0**2 * laplacian(shape) - loss * np.eye(n)
    both[:n, n:] = np.eye(n)
    expected = (expm(STEP * both) @ np.concatenate([field.reshape(-1), source.reshape(-1)]))[:n]
    Diffuser(shape, 10.0, [FAST], np.float64).step(field, source, taken, STEP)
    # The reference squares a matrix of up to 4e3 twelve times, and doubles its rounding of 2e-16 each time.
    np.testing.assert_allclose(field.reshape(-1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [SLICE, BLOCK])
def test_two_steps_are_one_of_twice_the_length(shape):
    once, source, loss = given(shape, 2)
    twice = once.copy()
    diffuser = Diffuser(shape, 10.0, [FAST], np.float64)
    lost = diffuser.step(once, source, loss, 0.5)
    halves = [diffuser.step(twice, source, loss, 0.25) for _ in range(2)]
    np.testing.assert_allclose(twice, once, rtol=1e-11)
    np.testing.assert_allclose(sum(halves), lost, rtol=1e-12)


@pytest.mark.parametrize("shape", [SLICE, BLOCK])
def test_in_single_precision_it_is_the_same_to_the_rounding(shape):
    exact, *others = given(shape, 3)
    found, *rounded = (array.astype(np.float32) for array in (exact, *others))
    Diffuser(shape, 10.0, [FAST], np.float64).step(exact, *others, STEP)
    Diffuser(shape, 10.0, [FAST]).step(found, *rounded, STEP)
    # The field itself is of order 1, and so is what waves add: some tens of roundings of that.
    np.testing.assert_allclose(found, exact, rtol=0, atol=50 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("shape", [SLICE, BLOCK])
def test_what_is_made_and_not_lost_is_there(shape):
    field, source, loss = given(shape, 4, np.float32)
    diffuser = Diffuser(shape, 10.0, [FAST])
    for _ in range(20):
        before = field.sum(dtype=np.float64)
        lost = diffuser.step(field, source, loss, STEP)
        made = STEP * source.sum(dtype=np.float64)
        # Each voxel is rounded once, to 6e-8 of itself, and a step moves about a tenth of the field.
        assert abs(field.sum(dtype=np.float64) - before - made + lost[0]) < 1e-7 * (made + lost[0])


@pytest.mark.parametrize("shape", [SLICE, BLOCK])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_falls_below_zero(shape, seed):
    """Needles of field and source, losses from none to thousands of what a step resolves, long and short steps."""
    random, size = np.random.default_rng(seed), (4, *shape)
    field = np.where(random.random(size) < 0.05, random.lognormal(0, 3, size), 0).astype(np.float32)
    source = np.where(random.random(size) < 0.05, random.lognormal(0, 3, size), 0).astype(np.float32)
    loss = np.empty(size, np.float32)
    loss[:] = np.array([0.0, 1e-3, 30.0, 1e7])[:, None, None, None]
    diffuser = Diffuser(shape, 10.0, [1.0, 1e3, SLOW, FAST])
    for days in (1.0, STEP, STEP, 1e-5):
        diffuser.step(field, source, loss, days)
        assert field.min() >= 0
        assert np.all(np.isfinite(field))


def test_a_field_at_rest_stays_to_the_bit():
    field = np.full((1, *SLICE), 1.7, np.float32)
    nothing = np.zeros_like(field)
    lost = Diffuser(SLICE, 10.0, [FAST]).step(field, nothing, nothing, STEP)
    assert lost[0] == 0
    assert np.all(field == np.float32(1.7))


def test_it_may_be_written_elsewhere_and_over_itself():
    field, source, loss = given(BLOCK, 5, np.float32)
    before, out = field.copy(), np.full_like(field, np.nan)
    diffuser = Diffuser(BLOCK, 10.0, [FAST])
    diffuser.step(field, source, loss, STEP, out=out)
    np.testing.assert_array_equal(field, before)
    diffuser.step(field, source, loss, STEP)
    np.testing.assert_array_equal(field, out)


@pytest.mark.parametrize("spoilt", ["loss", "grid", "cycles"])
def test_other_steps_are_taken_by_cycles_and_come_close(spoilt):
    shape = (50, 1, 80) if spoilt == "grid" else SLICE
    exact, source, loss = given(shape, 6)
    start = exact.copy()
    fine = Diffuser(shape, 10.0, [FAST], np.float64, cycles=12)
    for _ in range(200):
        fine.step(exact, source, loss, STEP / 10)
    found = start.copy()
    if spoilt == "loss":
        loss[0, 3, 0, 5] *= 1.0 + 1e-9
    coarse = Diffuser(shape, 10.0, [FAST], np.float64, cycles=12 if spoilt == "cycles" else None)
    assert Waves.fits(shape, np.dtype(np.float64)) == (spoilt != "grid")
    for _ in range(20):
        coarse.step(found, source, loss, STEP)
    difference = np.abs(found / exact - 1).max()
    # Steps of a loss of 0.14: second order leaves parts in a thousand, and it is not exact.
    assert 1e-6 < difference < 1e-2


@pytest.mark.parametrize(
    ("which", "value", "words"),
    [
        (0, -1.0, r"fields\[0\] holds -1"),
        (1, -2.0, r"source\[0\] holds -2"),
        (0, np.inf, "not finite"),
        (1, np.nan, "not finite"),
        (2, np.inf, "not finite"),
    ],
)
def test_bad_values_are_refused_before_anything_is_written(which, value, words):
    arrays = given(SLICE, 7, np.float32)
    arrays[which][0, 3, 0, 5] = value
    if which == 2:
        arrays[which][:] = value
    before = arrays[0].copy()
    with pytest.raises(InputError, match=words):
        Diffuser(SLICE, 10.0, [FAST]).step(*arrays, STEP)
    np.testing.assert_array_equal(arrays[0], before)


ONE_STEP = """
import sys
import numpy as np
from collagensim.solver.tissue.diffusion import Diffuser
field, source, loss = np.load(sys.argv[1])
Diffuser(field.shape[1:], 10.0, [8e6], field.dtype).step(field, source, loss, 0.004)
np.save(sys.argv[2], field)
"""


def test_a_step_without_numba_is_the_same_to_the_rounding(tmp_path):
    arrays = np.stack(given((8, 2, 24), 8))
    np.save(tmp_path / "given.npy", arrays)
    subprocess.run(
        [sys.executable, "-c", ONE_STEP, str(tmp_path / "given.npy"), str(tmp_path / "found.npy")],
        check=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    Diffuser((8, 2, 24), 10.0, [8e6], np.float64).step(*arrays, 0.004)
    # A product and its sum are rounded together only where they are compiled.
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), arrays[0], rtol=1e-12)
