"""Random numbers without a state: each is a pure function of who asks, when, and what for.

A generator of the usual kind hands out numbers in the order in which they are asked for, so that results depend on
the order of cells and on the number of threads. Here a number is computed from a seed, an event (what is being
decided), a tick (the number of the step) and a cell's identity: Philox4x32-10, a bijection of 128-bit counters for
every 64-bit key.

    key      seed
    counter  cell (64 bits) | tick (32 bits) | event (24 bits), part (8 bits)

Two different (seed, event, tick, cell, part) never share key and counter both. Events run from 0 to 2^24 - 1, ticks
from 0 to 2^32 - 1; beyond them the numbers repeat. An event that needs more than one block of 128 bits takes further
parts.

Python hands over numbers from 2^63 on as numpy.uint64.

Logarithm, sine and cosine are written out here in sums, products and quotients, which every processor rounds alike:
normal and exponential numbers have the same bits on each. A loop over cells computes them eight at a time.

Sources: Salmon, Moraes, Dror and Shaw 2011 (Parallel random numbers: as easy as 1, 2, 3), doi:10.1145/2063384.2063405;
Box and Muller 1958, doi:10.1214/aoms/1177706645.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias, TypeVar

    Kernel = TypeVar("Kernel", bound=Callable[..., object])

    Word: TypeAlias = np.uint64
    Whole: TypeAlias = int | np.int64 | np.uint64

    def inlined(function: Kernel) -> Kernel:
        """Make part of whatever compiled code calls it; typed here so that every kernel keeps its own signature."""
        return function

    def drawn(function: Kernel) -> Kernel:
        """As `inlined`, and Python can call it too."""
        return function

else:
    from collagensim.kernels.inner import inner, open_inner

    # Left to itself the compiler calls what is long, and a loop with a call in it takes cells one at a time.
    options = {"nogil": True, "error_model": "numpy", "_nrt": False, "forceinline": True}
    inlined, drawn = inner(optimised=False, **options), open_inner(**options)

__all__ = [
    "block", "child", "entrant", "exponential", "four_normals", "four_uniforms", "inlined", "normal_pair",
    "normals_of_part", "philox", "uniform", "uniform_pair",
]  # fmt: skip

# Every constant is a 64-bit word: numba makes a float of a word and a signed integer.
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
FIRST_FACTOR, SECOND_FACTOR = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
FIRST_STEP, SECOND_STEP = 0x9E3779B9, 0xBB67AE85
KEY_STEPS = tuple(
    (np.uint64(i * FIRST_STEP & 0xFFFFFFFF), np.uint64(i * SECOND_STEP & 0xFFFFFFFF)) for i in range(10)
)

EVENT_SHIFT = np.uint64(8)
DROPPED = np.uint64(12)  # of 64 bits, so that the middle of the last interval is still a float
FINE, COARSE = 2.0**-52, 2.0**-32
ONE, TWO = np.uint64(1), np.uint64(2)

MANTISSA = np.int64(52)
ROOT_HALF = np.int64(0x3FE6A09E667F3BCD)  # the bits of the square root of 1/2
LOG_TWO = float(np.log(2.0))
EIGHTH_TURN = np.pi / 4.0

NOBODY = np.uint64(0)
CHILD, ENTRANT = np.uint64(0x6368696C), np.uint64(0x656E7472)  # keys; any two different words would do


@inlined
def mixed(
    words: tuple[Word, Word, Word, Word], first_key: Word, second_key: Word, steps: tuple[Word, Word]
) -> tuple[Word, Word, Word, Word]:
    """One round of `philox`."""
    first, second = FIRST_FACTOR * words[0], SECOND_FACTOR * words[2]
    return (
        (second >> HALF) ^ words[1] ^ ((first_key + steps[0]) & LOW),
        second & LOW,
        (first >> HALF) ^ words[3] ^ ((second_key + steps[1]) & LOW),
        first & LOW,
    )


@inlined
def philox(
    a: Word, b: Word, c: Word, d: Word, first_key: Word, second_key: Word
) -> tuple[Word, Word, Word, Word]:
    """Philox4x32-10 of the counter (a, b, c, d) under a key: four random 32-bit words, each in a 64-bit one.

    A round multiplies two of the words into 64 bits and mixes high and low halves with the others and the key:
    (a, b, c, d) becomes (high(M2 c) ^ b ^ k1, low(M2 c), high(M1 a) ^ d ^ k2, low(M1 a)); the key then moves on by a
    constant. All arguments are 64-bit words that hold 32 bits.
    """
    # Not a loop: a loop within the loop over cells would keep the compiler from taking eight cells at once.
    words = mixed((a, b, c, d), first_key, second_key, KEY_STEPS[0])
    words = mixed(words, first_key, second_key, KEY_STEPS[1])
    words = mixed(words, first_key, second_key, KEY_STEPS[2])
    words = mixed(words, first_key, second_key, KEY_STEPS[3])
    words = mixed(words, first_key, second_key, KEY_STEPS[4])
    words = mixed(words, first_key, second_key, KEY_STEPS[5])
    words = mixed(words, first_key, second_key, KEY_STEPS[6])
    words = mixed(words, first_key, second_key, KEY_STEPS[7])
    words = mixed(words, first_key, second_key, KEY_STEPS[8])
    return mixed(words, first_key, second_key, KEY_STEPS[9])


@inlined
def block(seed: Whole, event: Whole, tick: Whole, cell: Whole, part: Whole) -> tuple[Word, Word, Word, Word]:
    """Four random 32-bit words of one (seed, event, tick, cell) and one part (0 to 255) of it."""
    seed, cell, tick = np.uint64(seed), np.uint64(cell), np.uint64(tick)
    purpose = (np.uint64(event) << EVENT_SHIFT) | np.uint64(part)
    return philox(cell & LOW, cell >> HALF, tick & LOW, purpose & LOW, seed & LOW, seed >> HALF)


@inlined
def fine(high: Word, low: Word) -> float:
    """The middle of one of 2^52 intervals of (0, 1); two random words choose it."""
    return (np.float64(np.int64(((high << HALF) | low) >> DROPPED)) + 0.5) * FINE


@inlined
def coarse(word: Word) -> float:
    """The middle of one of 2^32 intervals of (0, 1); a random word chooses it."""
    return (np.float64(np.int64(word)) + 0.5) * COARSE


@inlined
def logarithm(x: float) -> float:
    """log(x) of a normal positive float, within two roundings.

    With x = 2^e m, m from sqrt(1/2) to sqrt(2), and s = (m - 1) / (m + 1): e log 2 + 2 (s + s^3 / 3 + s^5 / 5 + ...);
    s^2 < 0.03, so that the first term left out is less than 10^-17 of the sum.
    """
    bits = np.float64(x).view(np.int64)
    power = (bits - ROOT_HALF) >> MANTISSA
    rest = np.int64(bits - (power << MANTISSA)).view(np.float64)
    s = (rest - 1.0) / (rest + 1.0)
    q = s * s
    tail = 1.0 / 15.0 + q * (1.0 / 17.0 + q * (1.0 / 19.0 + q * (1.0 / 21.0)))
    tail = 1.0 / 3.0 + q * (
        1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q * tail))))
    )
    return np.float64(power) * LOG_TWO + 2.0 * (s + s * q * tail)


@inlined
def sine_and_cosine(angle: float) -> tuple[float, float]:
    """Of an angle from -pi/4 to pi/4, within 2e-16: Taylor's series up to the 17th and 16th power."""
    q = angle * angle
    sine = 1.0 / 362880.0 - q * (
        1.0 / 39916800.0
        - q * (1.0 / 6227020800.0 - q * (1.0 / 1307674368000.0 - q * (1.0 / 355687428096000.0)))
    )
    sine = 1.0 - q * (1.0 / 6.0 - q * (1.0 / 120.0 - q * (1.0 / 5040.0 - q * sine)))
    cosine = 1.0 / 40320.0 - q * (
        1.0 / 3628800.0 - q * (1.0 / 479001600.0 - q * (1.0 / 87178291200.0 - q * (1.0 / 20922789888000.0)))
    )
    cosine = 1.0 - q * (0.5 - q * (1.0 / 24.0 - q * (1.0 / 720.0 - q * cosine)))
    return angle * sine, cosine


@inlined
def normals(u: float, v: float, signs: Word) -> tuple[float, float]:
    """Two independent standard normal numbers of two uniform ones and two random bits.

    (-2 log u)^(1/2) times cosine and sine of an angle: pi v / 2 in the first quarter of the circle, moved to one of
    the four quarters by a random sign for each. An angle around pi/4 spares telling cases apart.
    """
    radius = np.sqrt(-logarithm(u))
    sine, cosine = sine_and_cosine(EIGHTH_TURN * (2.0 * v - 1.0))
    first = 1.0 - 2.0 * np.float64(np.int64(signs & ONE))
    second = 1.0 - np.float64(np.int64(signs & TWO))
    return first * radius * (cosine - sine), second * radius * (cosine + sine)


@inlined
def normals_of_part(
    seed: Whole, event: Whole, tick: Whole, cell: Whole, part: Whole
) -> tuple[float, float, float, float]:
    """Four independent standard normal numbers of one part; none lies beyond 6.8, as 1 in 10^11 would."""
    a, b, c, d = block(seed, event, tick, cell, part)
    one, two = normals(coarse(a), coarse(b), b)
    three, four = normals(coarse(c), coarse(d), d)
    return one, two, three, four


@drawn
def uniform(seed: Whole, event: Whole, tick: Whole, cell: Whole) -> float:
    """A number between 0 and 1, both excluded, uniform to 52 bits.

    Parameters
    ----------
    seed : int
        0 to 2^64 - 1: which of the possible courses.
    event : int
        0 to 2^24 - 1: what is decided.
    tick : int
        0 to 2^32 - 1: the number of the step.
    cell : uint64
        Who decides.
    """
    a, b, _, _ = block(seed, event, tick, cell, 0)
    return fine(a, b)


@drawn
def uniform_pair(seed: Whole, event: Whole, tick: Whole, cell: Whole) -> tuple[float, float]:
    """Two independent numbers as `uniform`, the first of them the same, at the price of one."""
    a, b, c, d = block(seed, event, tick, cell, 0)
    return fine(a, b), fine(c, d)


@drawn
def four_uniforms(seed: Whole, event: Whole, tick: Whole, cell: Whole) -> tuple[float, float, float, float]:
    """Four independent numbers between 0 and 1, both excluded, uniform to 32 bits, at the price of one `uniform`."""
    a, b, c, d = block(seed, event, tick, cell, 0)
    return coarse(a), coarse(b), coarse(c), coarse(d)


@drawn
def normal_pair(seed: Whole, event: Whole, tick: Whole, cell: Whole) -> tuple[float, float]:
    """Two independent numbers of mean 0 and variance 1, normally distributed."""
    a, b, c, d = block(seed, event, tick, cell, 0)
    return normals(fine(a, b), fine(c, d), d)


@drawn
def four_normals(seed: Whole, event: Whole, tick: Whole, cell: Whole) -> tuple[float, float, float, float]:
    """Four independent numbers of mean 0 and variance 1, normally distributed; none lies beyond 6.8."""
    return normals_of_part(seed, event, tick, cell, 0)


@drawn
def exponential(seed: Whole, event: Whole, tick: Whole, cell: Whole) -> float:
    """A waiting time of mean 1, exponentially distributed: -log u."""
    a, b, _, _ = block(seed, event, tick, cell, 0)
    return -logarithm(fine(a, b))


@inlined
def name_of(high: Word, low: Word) -> Word:
    """The 64 bits of two words, but never 0, which stands for no cell."""
    name = (high << HALF) | low
    return name if name != NOBODY else ONE


@drawn
def child(parent: Whole, birth: Whole) -> Word:
    """The identity of a daughter: never 0, and the same in every course in which this division happens.

    Identities are random 64-bit words. Among n cells that ever lived two share one with probability n^2 / 2^65: 3e-8
    for a million. They would then draw the same numbers, nothing worse.

    Parameters
    ----------
    parent : uint64
        Identity of the mother.
    birth : int
        How many daughters she had before, 0 or more.

    Returns
    -------
    uint64
    """
    parent, birth = np.uint64(parent), np.uint64(birth)
    a, b, _, _ = philox(parent & LOW, parent >> HALF, birth & LOW, birth >> HALF, CHILD, NOBODY)
    return name_of(a, b)


@drawn
def entrant(place: Whole, tick: Whole, event: Whole, number: Whole) -> Word:
    """The identity of a cell that enters the tissue: never 0; for how often two agree see `child`.

    Parameters
    ----------
    place : int
        Index of the voxel where it enters, 0 to 2^64 - 1.
    tick : int
        The number of the step, 0 to 2^32 - 1.
    event : int
        By what it enters, 0 to 2^32 - 1.
    number : int
        How many entered before it by this event at this place in this step, 0 to 2^32 - 1.

    Returns
    -------
    uint64
    """
    place, tick = np.uint64(place), np.uint64(tick) & LOW
    a, b, _, _ = philox(
        place & LOW, place >> HALF, tick, np.uint64(number) & LOW, ENTRANT, np.uint64(event) & LOW
    )
    return name_of(a, b)
