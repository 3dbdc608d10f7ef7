import os
import subprocess
import sys

import numpy as np
import pytest

from collagensim.errors import InputError
from collagensim.kernels import colours, packs
from collagensim.kernels.numbers import flat, kept
from collagensim.solver.tissue.diffusion import Diffuser, _Workspace, depth, levels_of

MINUTE = 1 / 1440
STEP = 5 * MINUTE
# The range of cytokines in tissue, 600 and 6000 um2/min.
SLOW, FAST = 600 * 1440.0, 6000 * 1440.0
SLICE, BLOCK = (48, 1, 64), (16, 16, 32)


def fields(shape, seed, n=1, dtype=np.float64):
    """Field, source and loss (n, *shape): spots of source, a loss that varies from voxel to voxel."""
    random = np.random.default_rng(seed)
    field = random.uniform(0, 2, (n, *shape)).astype(dtype)
    source = (100 * (random.random((n, *shape)) < 0.02)).astype(dtype)
    loss = random.uniform(10, 150, (n, *shape)).astype(dtype)
    return field, source, loss


def laplacian(field):
    """Differences to the neighbours, (nz, ny, nx): the slow twin of what the kernels do in two colours."""
    found = np.zeros_like(field)
    found[1:] += field[:-1] - field[1:]
    found[:-1] += field[1:] - field[:-1]
    for axis in (1, 2):
        if field.shape[axis] > 1:
            found += np.roll(field, 1, axis) + np.roll(field, -1, axis) - 2 * field
    return found


def matrix(shape):
    unit = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.stack([laplacian(column).reshape(-1) for column in unit], axis=1)


@kept
def parted(row, out):
    row, out = flat(row), flat(out)
    n = packs.width(row)
    a, b = packs.load(row, 0), packs.load(row, n)
    even, odd = packs.evens(a, b), packs.odds(a, b)
    packs.store(out, 0, even)
    packs.store(out, n, odd)
    packs.store(out, 2 * n, packs.first_pairs(even, odd))
    packs.store(out, 3 * n, packs.last_pairs(even, odd))
    packs.store(out, 4 * n, packs.floor_at(a - b, packs.fill(row, 3.0)) * a / packs.fill(row, 2.0))
    packs.wrap(out, 4 * n + 1, n - 2)


@pytest.mark.parametrize(("dtype", "n"), [(np.float32, 16), (np.float64, 8)])
def test_packs_do_to_a_row_what_numpy_does(dtype, n):
    row = np.arange(2 * n, dtype=dtype)[::-1].copy()
    out = np.zeros(5 * n, dtype)
    parted(row, out)
    a, b = row[:n], row[n:]
    last = np.maximum(a - b, 3) * a / 2
    last[0], last[-1] = last[-2], last[1]
    np.testing.assert_array_equal(out, np.concatenate((row[::2], row[1::2], row, last)))


ONE_STEP = """
import sys
import numpy as np
from collagensim.solver.tissue.diffusion import Diffuser
field, source, loss = np.load(sys.argv[1])
Diffuser(field.shape[1:], 10.0, [8e6], field.dtype).step(field, source, loss, 0.004)
np.save(sys.argv[2], field)
"""


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_without_numba_has_the_same_bits(dtype, tmp_path):
    given = np.stack(fields((4, 1, 12), 12, dtype=dtype))
    np.save(tmp_path / "given.npy", given)
    subprocess.run(
        [sys.executable, "-c", ONE_STEP, str(tmp_path / "given.npy"), str(tmp_path / "found.npy")],
        check=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    Diffuser((4, 1, 12), 10.0, [8e6], dtype).step(*given, 0.004)
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), given[0])


def in_colours(voxels, levels, fill=0.0):
    """Red and black (2, elements) of voxels (nz, ny, nx), voxel by voxel: the slow twin of `colours.prepare`."""
    _, ny, _, stride, first = levels[0]
    found = np.full((2, first + (voxels.shape[0] + 1) * ny * stride + 16), fill)
    for z, y, i in np.ndindex(voxels.shape):
        found[(z + y + i) % 2, first + (z * ny + y) * stride + i // 2] = voxels[z, y, i]
    return found


@pytest.mark.parametrize("shape", [(6, 1, 12), (4, 4, 40)])
def test_prepared_equations_are_those_of_the_laplacian_and_solve_stages_solves_them(shape):
    field, source, loss = (array[0] for array in fields(shape, 13))
    work, unit, sigma = _Workspace(levels_of(shape), np.dtype(np.float64)), 0.01, 0.1
    sums = work.prepare(*(array.reshape(-1) for array in (field, source, loss)), unit, sigma)
    np.testing.assert_allclose(sums, [field.sum(), source.sum(), (loss * field).sum(), 0, 0, 0], rtol=1e-14)
    right = unit * (source - loss * field) + laplacian(field)
    voxels = in_colours(np.ones(shape), work.levels) == 1
    size = voxels.shape[1]
    np.testing.assert_allclose(
        work.b[:, :size][voxels], in_colours(right, work.levels)[voxels], rtol=1e-12, atol=1e-13
    )
    work.advance(30)
    # What colours.gather writes after multigrid.solve_stages is field + change.
    found = np.zeros(field.size)
    work.write(found, 0.0)
    change = found.reshape(shape) - field
    np.testing.assert_allclose((sigma + unit * loss) * change - laplacian(change), right, atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 1, 12), (4, 4, 12), (2, 2, 8)])
def test_a_step_is_sdirk2_of_the_seven_point_laplacian(shape):
    field, source, loss = fields(shape, 1)
    gamma, n = 1 - np.sqrt(0.5), int(np.prod(shape))
    operator = FAST / 10.0**2 * matrix(shape) - np.diag(loss[0].reshape(-1))
    implicit = np.eye(n) - gamma * STEP * operator
    c, s = field[0].reshape(-1), source[0].reshape(-1)
    first = np.linalg.solve(implicit, c + gamma * STEP * s)
    rest = c + (1 - gamma) * STEP * (operator @ first + s)
    expected = np.linalg.solve(implicit, rest + gamma * STEP * s)
    Diffuser(shape, 10.0, [FAST], np.float64, cycles=20).step(field, source, loss, STEP)
    # A cycle leaves less than a third of the error even on grids as small as these: 20 leave 3e-10.
    np.testing.assert_allclose(field[0].reshape(-1), expected, rtol=1e-8)


@pytest.mark.parametrize(("shape", "factor"), [(SLICE, 7), (BLOCK, 4)])
def test_a_cycle_divides_the_error_of_a_slice_by_seven_and_of_a_block_by_four(shape, factor):
    exact, source, loss = fields(shape, 2)
    start = exact.copy()
    Diffuser(shape, 10.0, [FAST], np.float64, cycles=15).step(exact, source, loss, STEP)
    errors = []
    for cycles in (1, 2, 3, 4):
        found = start.copy()
        Diffuser(shape, 10.0, [FAST], np.float64, cycles=cycles).step(found, source, loss, STEP)
        errors.append(np.linalg.norm(found - exact))
    assert np.all(np.diff(np.log(errors)) < np.log(1 / factor))


@pytest.mark.parametrize("shape", [SLICE, BLOCK])
def test_what_is_made_and_not_lost_is_there(shape):
    field, source, loss = fields(shape, 3, dtype=np.float32)
    diffuser = Diffuser(shape, 10.0, [FAST])
    for _ in range(10):
        before = field.sum(dtype=np.float64)
        lost = diffuser.step(field, source, loss, STEP)
        made = STEP * source.sum(dtype=np.float64)
        # Each voxel is rounded once, to 6e-8 of itself, and a step moves about a tenth of the field.
        assert abs(field.sum(dtype=np.float64) - before - made + lost[0]) < 1e-6 * (made + lost[0])


def test_without_source_and_loss_the_total_stays():
    field, *_ = fields(SLICE, 4, dtype=np.float32)
    nothing, before = np.zeros_like(field), field.sum(dtype=np.float64)
    diffuser = Diffuser(SLICE, 10.0, [FAST])
    for _ in range(20):
        assert diffuser.step(field, nothing, nothing, STEP)[0] == 0
    # Twenty roundings of each voxel to 6e-8, in either direction.
    assert abs(field.sum(dtype=np.float64) / before - 1) < 1e-7


def test_a_field_at_rest_stays_to_the_bit():
    field = np.full((1, *SLICE), 1.7, np.float32)
    nothing = np.zeros_like(field)
    Diffuser(SLICE, 10.0, [FAST]).step(field, nothing, nothing, STEP)
    assert np.all(field == np.float32(1.7))


@pytest.mark.parametrize("shape", [SLICE, BLOCK])
@pytest.mark.parametrize("seed", range(4))
def test_nothing_falls_below_zero(shape, seed):
    """Needles of field and source, losses up to thousands of times what a step resolves, long and short steps."""
    random = np.random.default_rng(seed)
    size = (4, *shape)
    field = np.where(random.random(size) < 0.05, random.lognormal(0, 3, size), 0).astype(np.float32)
    source = np.where(random.random(size) < 0.05, random.lognormal(0, 3, size), 0).astype(np.float32)
    loss = np.where(random.random(size) < 0.3, random.lognormal(5, 4, size), 0).astype(np.float32)
    diffuser = Diffuser(shape, 10.0, [1.0, 1e3, SLOW, FAST])
    for days in (1.0, STEP, STEP, 1e-5):
        diffuser.step(field, source, loss, days)
        assert field.min() >= 0
        assert np.all(np.isfinite(field))


def test_a_step_too_long_for_second_order_is_taken_by_two_of_first_order():
    # A loss of 3 in a step is past where the stability function of SDIRK2 turns negative, 1 + sqrt 2.
    field = np.ones((1, *SLICE))
    loss, nothing = np.full_like(field, 3.0), np.zeros_like(field)
    diffuser = Diffuser(SLICE, 10.0, [FAST], np.float64, cycles=20)
    lost = diffuser.step(field, nothing, loss, 1.0)
    np.testing.assert_allclose(field, 1 / 2.5**2, rtol=1e-12)
    np.testing.assert_allclose(lost, SLICE[0] * SLICE[2] * (1 - 1 / 2.5**2), rtol=1e-12)
    assert diffuser.first_order.tolist() == [1]


def test_ordinary_steps_are_of_second_order():
    field, source, loss = fields((96, 1, 96), 5, n=2, dtype=np.float32)
    field[:] = 0
    diffuser = Diffuser((96, 1, 96), 10.0, [SLOW, FAST])
    for _ in range(20):
        diffuser.step(field, source, loss, STEP)
    assert diffuser.first_order.tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(33, 1, 32), (9, 8, 8), (32, 1, 32)])
def test_a_point_source_stays_symmetric(shape):
    field = np.zeros((1, *shape))
    source, loss = np.zeros_like(field), np.full_like(field, 30.0)
    source[0, shape[0] // 2, 0, 0] = 1.0
    diffuser = Diffuser(shape, 10.0, [FAST], np.float64, cycles=12)
    for _ in range(3):
        diffuser.step(field, source, loss, STEP)
    for axis in (2, 3):
        mirrored = np.roll(np.flip(field, axis), 1, axis)
        # Twelve cycles leave 1e-9 of the error.
        np.testing.assert_allclose(field, mirrored, rtol=1e-7)
    if shape[0] % 2:
        np.testing.assert_allclose(field, np.flip(field, 1), rtol=1e-7)
    if shape[1] == shape[2]:
        np.testing.assert_allclose(field, field.swapaxes(2, 3), rtol=1e-7)


def test_a_slice_is_a_block_that_is_the_same_all_along_y():
    field, source, loss = fields((32, 1, 32), 6)
    block = [np.repeat(array, 8, axis=2) for array in (field, source, loss)]
    Diffuser((32, 1, 32), 10.0, [FAST], np.float64, cycles=12).step(field, source, loss, STEP)
    Diffuser((32, 8, 32), 10.0, [FAST], np.float64, cycles=12).step(*block, STEP)
    np.testing.assert_allclose(block[0], np.repeat(field, 8, axis=2), rtol=1e-7)


def test_fields_together_are_fields_alone_to_the_bit():
    coefficients = [SLOW, FAST, 2 * SLOW]
    together, source, loss = fields(SLICE, 7, n=3, dtype=np.float32)
    alone = together.copy()
    lost = Diffuser(SLICE, 10.0, coefficients).step(together, source, loss, STEP)
    for i, coefficient in enumerate(coefficients):
        one = slice(i, i + 1)
        assert (
            Diffuser(SLICE, 10.0, [coefficient]).step(alone[one], source[one], loss[one], STEP)[0] == lost[i]
        )
    np.testing.assert_array_equal(together, alone)


def test_only_the_chosen_fields_are_stepped():
    field, source, loss = fields(SLICE, 8, n=2, dtype=np.float32)
    before = field.copy()
    lost = Diffuser(SLICE, 10.0, [SLOW, FAST]).step(field, source, loss, STEP, which=[1])
    assert lost[0] == 0
    np.testing.assert_array_equal(field[0], before[0])
    assert np.all(field[1] != before[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_steady_state_is_the_exact_cosh(dtype):
    # A source in the lowest plane only: above it c'' = (k / D) c without flux at the top.
    shape, edge, k = (128, 1, 8), 10.0, 72.0
    field, source = np.zeros((1, *shape), dtype), np.zeros((1, *shape), dtype)
    source[0, -1] = 1.0
    loss = np.full_like(source, k)
    Diffuser(shape, edge, [FAST], dtype).steady(field, source, loss)
    # On the grid itself, too, the solution is a cosh, with 2 cosh(q h) - 2 = k h2 / D.
    q = np.arccosh(1 + k * edge**2 / FAST / 2)
    profile = np.cosh(q * (np.arange(shape[0]) + 0.5))
    profile *= 1 / (k * profile.sum())
    # `steady` promises 1e-5 in the mean; the profile's ends differ by a factor of 20, and so may relative errors.
    np.testing.assert_allclose(field[0, :, 0, 3], profile, rtol=2e-4)


def test_where_nothing_is_lost_there_is_no_steady_state():
    field, source, _ = fields(SLICE, 9)
    with pytest.raises(InputError, match=r"loss\[0\] is zero everywhere"):
        Diffuser(SLICE, 10.0, [FAST], np.float64).steady(field, source, np.zeros_like(field))


@pytest.mark.parametrize(
    ("shape", "edge", "coefficients", "words"),
    [
        ((48, 1, 64), 0.0, [1.0], "voxel_um 0 is not a length"),
        ((48, 1, 64), -10.0, [1.0], "voxel_um -10 is not a length"),
        ((48, 1, 64), 10.0, [0.0], "coefficient that is not positive"),
        ((48, 1, 64), 10.0, [np.nan], "coefficient that is not positive"),
        ((1, 1, 64), 10.0, [1.0], "give nz of 2 or more"),
        ((48, 1, 2), 10.0, [1.0], "an even nx of 4 or more"),
        ((48, 3, 64), 10.0, [1.0], "ny 1 or even"),
        ((48, 64), 10.0, [1.0], "not three whole numbers"),
        ((250, 1, 250), 10.0, [1.0], r"as \(256, 1, 256\)"),
    ],
)
def test_bad_grids_are_refused_in_a_sentence(shape, edge, coefficients, words):
    with pytest.raises(InputError, match=words):
        Diffuser(shape, edge, coefficients)


@pytest.mark.parametrize(
    ("which", "value", "words"),
    [
        (0, -1.0, r"fields\[0\] holds -1"),
        (1, -2.0, r"source\[0\] holds -2"),
        (2, -3.0, r"loss\[0\] holds -3"),
        (1, np.nan, "not finite"),
        (2, np.inf, "not finite"),
    ],
)
def test_bad_values_are_refused_before_anything_is_written(which, value, words):
    arrays = fields(SLICE, 10, dtype=np.float32)
    arrays[which][0, 3, 0, 5] = value
    before = arrays[0].copy()
    with pytest.raises(InputError, match=words):
        Diffuser(SLICE, 10.0, [FAST]).step(*arrays, STEP)
    np.testing.assert_array_equal(arrays[0], before)


def test_bad_arrays_and_steps_are_refused():
    field, source, loss = fields(SLICE, 11, dtype=np.float32)
    diffuser = Diffuser(SLICE, 10.0, [FAST])
    with pytest.raises(InputError, match="source has shape"):
        diffuser.step(field, source[:, 1:], loss, STEP)
    with pytest.raises(InputError, match="loss is float64"):
        diffuser.step(field, source, loss.astype(np.float64), STEP)
    with pytest.raises(InputError, match="no length of a step"):
        diffuser.step(field, source, loss, 0.0)


def test_levels_are_halved_as_long_as_they_are_even_and_used_as_long_as_they_help():
    levels = levels_of((320, 1, 192))
    assert levels.shape[1] == colours.N_COLUMNS
    assert levels[:, colours.NZ].tolist() == [320, 160, 80, 40, 20, 10]
    assert (2 * levels[:, colours.HALF]).tolist() == [192, 96, 48, 24, 12, 6]
    # A short step is nearly diagonal; a steady state needs them all.
    assert depth(levels, 10.0)[0] == 1
    assert depth(levels, 0.0)[0] == 6
