"""Random numbers: known answers, the laws they follow, and that nobody's numbers tell of another's.

Statistical bounds are quantiles of the test's own distribution at one in a million; the seeds are fixed, so that a test
passes always or never.
"""

import math

import numpy as np
import pytest
from numba import njit
from scipy import stats

from collagensim.kernels import draws
from naive import draws as plain

RARE = 1e-6
SEED, EVENT, TICK, CELL = 20261121, 7, 1000, 2**40 + 12345
LARGEST = (2**64 - 1, 2**24 - 1, 2**32 - 1, 2**64 - 1)

# Salmon et al. 2011, file kat_vectors of Random123: counter, key, answer of Philox4x32-10.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@njit
def blocks(counters, keys, out):
    for i in range(out.shape[0]):
        c, k = counters[i], keys[i]
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = draws.philox(c[0], c[1], c[2], c[3], k[0], k[1])


@njit
def uniforms(quadruples, out):
    for i in range(out.size):
        seed, event, tick, cell = quadruples[i]
        out[i] = draws.uniform(seed, event, tick, cell)


@njit
def pairs_and_fours(quadruples, pairs, fours, waits):
    for i in range(waits.size):
        seed, event, tick, cell = quadruples[i]
        pairs[i, 0], pairs[i, 1] = draws.normal_pair(seed, event, tick, cell)
        fours[i, 0], fours[i, 1], fours[i, 2], fours[i, 3] = draws.four_normals(seed, event, tick, cell)
        waits[i] = draws.exponential(seed, event, tick, cell)


@njit
def logarithms(x, out):
    for i in range(x.size):
        out[i] = draws.logarithm(x[i])


@njit
def turns(angle, sine, cosine):
    for i in range(angle.size):
        sine[i], cosine[i] = draws.sine_and_cosine(angle[i])


@njit
def ends():
    zero, full = np.uint64(0), np.uint64(0xFFFFFFFF)
    return draws.fine(zero, zero), draws.fine(full, full), draws.coarse(zero), draws.coarse(full)


@njit
def name_of(high, low):
    return draws.name_of(high, low)


@njit
def names(n, out):
    """Children of one mother, a line of first daughters, and entrants that differ in one thing each."""
    mother = np.uint64(CELL)
    heir = mother
    for i in range(n):
        heir = draws.child(heir, 0)
        out[0, i] = draws.child(mother, i + 1)
        out[1, i] = heir
        out[2, i] = draws.entrant(i, TICK, EVENT, 0)
        out[3, i] = draws.entrant(n, TICK + 1 + i, EVENT, 0)
        out[4, i] = draws.entrant(n, TICK, EVENT + 1 + i, 0)
        out[5, i] = draws.entrant(n, TICK, EVENT, i)


def along(which: int, n: int) -> np.ndarray:
    """Quadruples (n, 4) that differ in one of seed, event, tick and cell."""
    quadruples = np.tile(np.array([SEED, EVENT, TICK, CELL], dtype=np.uint64), (n, 1))
    quadruples[:, which] = np.arange(n)
    return quadruples


def drawn(which: int, n: int) -> np.ndarray:
    out = np.empty(n)
    uniforms(along(which, n), out)
    return out


def assert_even(counts: np.ndarray) -> None:
    """Pearson's chi-square of equally likely bins, neither too uneven nor too even."""
    expected = counts.sum() / counts.size
    found = ((counts - expected) ** 2 / expected).sum()
    low, high = stats.chi2.ppf([RARE, 1.0 - RARE], counts.size - 1)
    assert low < found < high


def assert_follows(values: np.ndarray, law) -> None:
    """Kolmogorov's and Smirnov's distance to a continuous law."""
    assert stats.kstest(values, law).pvalue > RARE


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_known_answers(counter: str, key: str, answer: str) -> None:
    out = np.empty((1, 4), dtype=np.uint64)
    blocks(np.array([words(counter)], dtype=np.uint64), np.array([words(key)], dtype=np.uint64), out)
    assert out[0].tolist() == words(answer)
    assert plain.philox(words(counter), words(key)) == words(answer)


@pytest.mark.parametrize("quadruple", [(0, 0, 0, 0), (SEED, EVENT, TICK, CELL), LARGEST])
def test_uniform_numbers_are_those_of_the_plain_twin(quadruple: tuple[int, int, int, int]) -> None:
    a, b, c, d = plain.block(*quadruple)
    given = [np.uint64(number) for number in quadruple]
    assert draws.uniform(*given) == plain.fine(a, b) == plain.uniform(*quadruple)
    assert draws.uniform_pair(*given) == (plain.fine(a, b), plain.fine(c, d))
    assert draws.four_uniforms(*given) == tuple(plain.coarse(word) for word in (a, b, c, d))


@pytest.mark.parametrize("quadruple", [(0, 0, 0, 0), (SEED, EVENT, TICK, CELL), LARGEST])
def test_other_numbers_are_those_of_the_plain_twin(quadruple: tuple[int, int, int, int]) -> None:
    # A sum and a difference of sine and cosine lose up to two bits where one of them is small, the angle being exact
    # to 1e-16: 8 roundings of numbers of the size of the radius, which is below 10.
    near = {"rel": 0, "abs": 8e-15}
    a, b, c, d = plain.block(*quadruple)
    given = [np.uint64(number) for number in quadruple]
    pair = plain.normals(plain.fine(a, b), plain.fine(c, d), d)
    assert draws.normal_pair(*given) == pytest.approx(pair, **near)
    assert draws.four_normals(*given) == pytest.approx(plain.four_normals(*quadruple), **near)
    assert draws.exponential(*given) == pytest.approx(plain.exponential(*quadruple), rel=1e-15)


def test_uniform_numbers_are_never_zero_or_one() -> None:
    lowest_fine, highest_fine, lowest_coarse, highest_coarse = ends()
    assert lowest_fine == 2.0**-53
    assert highest_fine == 1.0 - 2.0**-53
    assert lowest_coarse == 2.0**-33
    assert highest_coarse == 1.0 - 2.0**-33


def test_logarithms_are_right_to_two_roundings() -> None:
    x = np.concatenate(
        [np.random.default_rng(1).random(100_000), 2.0 ** np.arange(-60.0, 60.0), [1.0 - 2.0**-53]]
    )
    out = np.empty_like(x)
    logarithms(x, out)
    assert np.all(np.abs(out - np.log(x)) <= 2.0 * np.spacing(np.abs(np.log(x))))


def test_sines_and_cosines_are_right_to_two_roundings() -> None:
    angle = np.linspace(-math.pi / 4, math.pi / 4, 100_001)
    sine, cosine = np.empty_like(angle), np.empty_like(angle)
    turns(angle, sine, cosine)
    assert np.all(np.abs(sine - np.sin(angle)) <= 2.0 * np.spacing(np.abs(np.sin(angle))))
    assert np.all(np.abs(cosine - np.cos(angle)) <= 2.0 * np.spacing(np.cos(angle)))


@pytest.mark.parametrize("which", range(4), ids=["seed", "event", "tick", "cell"])
def test_numbers_are_evenly_spread_whatever_is_counted(which: int) -> None:
    values = drawn(which, 1 << 18)
    assert_even(np.bincount((values * 1024).astype(int), minlength=1024))
    assert_follows(values, stats.uniform.cdf)


@pytest.mark.parametrize("which", range(4), ids=["seed", "event", "tick", "cell"])
@pytest.mark.parametrize("apart", [1, 2, 256])
def test_neighbours_do_not_tell_of_each_other(which: int, apart: int) -> None:
    bins = (drawn(which, (1 << 18) + apart) * 32).astype(int)
    assert_even(np.bincount(32 * bins[:-apart] + bins[apart:], minlength=32 * 32))


def test_numbers_of_one_block_do_not_tell_of_each_other() -> None:
    fours = np.array([draws.four_uniforms(SEED, EVENT, TICK, i) for i in range(1 << 14)])
    bins = (fours * 4).astype(int)
    assert_even(np.bincount(bins @ [64, 16, 4, 1], minlength=256))


def test_normal_and_exponential_numbers_follow_their_laws() -> None:
    n = 1 << 17
    pairs, fours, waits = np.empty((n, 2)), np.empty((n, 4)), np.empty(n)
    pairs_and_fours(along(3, n), pairs, fours, waits)
    for values in (*pairs.T, *fours.T):
        assert_follows(values, stats.norm.cdf)
    assert_follows(waits, stats.expon.cdf)
    # Of two independent normal numbers the angle and the square of the distance are independent, too.
    for first, second in ((pairs[:, 0], pairs[:, 1]), (fours[:, 0], fours[:, 1]), (fours[:, 0], fours[:, 2])):
        angle = np.arctan2(first, second) / (2.0 * math.pi) + 0.5
        share = np.exp(-0.5 * (first**2 + second**2))
        cells = np.minimum((angle * 32).astype(int), 31) * 32 + (share * 32).astype(int)
        assert_even(np.bincount(cells, minlength=32 * 32))


def test_identities_are_never_shared_and_never_nobody() -> None:
    # 240 000 random 64-bit words share one with a probability of 240 000^2 / 2^65 = 2e-9.
    out = np.empty((6, 40_000), dtype=np.uint64)
    names(out.shape[1], out)
    assert np.unique(out).size == out.size
    assert out.min() > 0
    assert name_of(np.uint64(0), np.uint64(0)) == 1


def test_daughters_draw_numbers_of_their_own() -> None:
    mothers = along(3, 1 << 16)
    daughters = mothers.copy()
    daughters[:, 3] = [draws.child(mother, 0) for mother in mothers[:, 3]]
    hers, theirs = np.empty(len(mothers)), np.empty(len(mothers))
    uniforms(mothers, hers)
    uniforms(daughters, theirs)
    bins = (hers * 16).astype(int) * 16 + (theirs * 16).astype(int)
    assert_even(np.bincount(bins, minlength=256))
