"""A balance taken apart, its tangent, and what a lack leaves: each by its own equation."""

import numpy as np

from collagensim.kernels.balance import part_sides, take_lack, write_tangent

NZ, N = 3, 400


def balances(seed):
    """Shares, supply, use (NZ, N) over many orders of magnitude; rest, source and half-use (NZ,)."""
    random = np.random.default_rng(seed)
    share, supply, use = (random.lognormal(0.0, 3.0, (NZ, N)) for _ in range(3))
    return share, supply, use, *(random.lognormal(1.0, 1.0, NZ) for _ in range(3))


def rate(share, supply, use, source, half):
    return supply * (source[:, None] - share) - use * share / (share + half[:, None])


def slope(share, supply, use, half):
    return supply + use * half[:, None] / (share + half[:, None]) ** 2


def test_supply_and_use_are_told_from_a_rate_and_its_slope():
    share, supply, use, rest, source, half = balances(1)
    share = np.minimum(share, 3.0 * source[:, None])
    net, loss = rate(share, supply, use, source, half), slope(share, supply, use, half)
    found = [np.empty((NZ, N)) for _ in range(3)]
    part_sides(share * rest[:, None], net * rest[:, None], loss, rest, source, half, *found)
    np.testing.assert_allclose(found[0], share, rtol=1e-14)
    # What is told apart are the terms of two sums: rounding is that of their size, times some operations.
    size = supply * (source[:, None] + share) + use
    weight = (share + half[:, None]) ** 2 / (half[:, None] * source[:, None] + share**2)
    close = 1e-14 * weight * (size + loss * (source[:, None] + share)) + 1e-14 * use
    assert np.all(np.abs(found[2] - use) <= close)
    bend = half[:, None] / (share + half[:, None]) ** 2
    assert np.all(np.abs(found[1] - supply) <= close * bend + 1e-14 * loss)
    assert found[1].min() >= 0.0
    assert found[2].min() >= 0.0


def tangent(share, supply, use, source, half, ceiling):
    lack, made, drain = (np.empty((NZ, N), np.float32) for _ in range(3))
    write_tangent(share, supply, use, source, half, ceiling, lack, made, drain)
    return tuple(values.astype(np.float64) for values in (lack, made, drain))


def test_a_tangent_has_the_rate_and_the_slope_where_it_touches_and_no_side_is_negative():
    share, supply, use, _, source, half = balances(2)
    ceiling = float(source.max())
    lack, made, drain = tangent(share, supply, use, source, half, ceiling)
    single = np.finfo(np.float32).eps
    np.testing.assert_allclose(lack, ceiling - share, rtol=single, atol=single)
    np.testing.assert_allclose(drain, slope(share, supply, use, half), rtol=single)
    # What is lacking grows where the level falls.
    found = made - drain * (ceiling - share)
    expected = -rate(share, supply, use, source, half)
    close = 2.0 * single * (made + drain * np.abs(ceiling - share)) + 1e-12 * np.abs(expected)
    assert np.all(np.abs(found - expected) <= close)
    assert made.min() >= 0.0
    assert drain.min() >= 0.0


def test_a_tangent_lies_nowhere_above_the_balance():
    share, supply, use, _, source, half = balances(3)
    ceiling = float(source.max())
    _, made, drain = tangent(share, supply, use, source, half, ceiling)
    level = np.maximum(ceiling - made / drain, 0.0)
    # At a level below its balance a rate is not negative; single precision of the lack apart.
    close = 1e-6 * ceiling * slope(level, supply, use, half)
    assert np.all(rate(level, supply, use, source, half) >= -close)


def test_a_lack_leaves_the_rest_of_the_ceiling_and_never_less_than_nothing():
    lack = np.array([[0.5, 2.5], [1.0, 2.0]], np.float32)
    share = np.array([[1.0, 1.0], [1.0, 0.25]])
    assert take_lack(lack, 2.0, share) == 1.0
    np.testing.assert_array_equal(share, [[1.5, 0.0], [1.0, 0.0]])
