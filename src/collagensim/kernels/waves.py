"""Fourier transforms in place, of as many lines side by side as a pack of `collagensim.kernels.packs` has elements.

A line of n complex numbers is kept as two rows of packs, real and imaginary parts. It is split by one factor of n after
the other (Cooley and Tukey 1965), first halves of the work first: what comes out lies in the order of `order_of`, and
the way back begins from there, so that nothing is ever sorted. With real and imaginary parts exchanged the same steps
transform back: exp(+i x) of exchanged parts is exp(-i x).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.numbers import driver, tail
from collagensim.kernels.packs import element, fill, fused, fused_less, load, store, width

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[Any]
    Integers: TypeAlias = npt.NDArray[np.int64]

__all__ = ["factors_of", "order_of", "transform", "transform_back", "turns_of"]


def factors_of(n: int) -> list[int]:
    """Return the factors by which a line of n is split: fours, a two, odd primes."""
    found = []
    for p in (4, 2):
        while n % p == 0:
            found.append(p)
            n //= p
    p = 3
    while n > 1:
        while n % p == 0:
            found.append(p)
            n //= p
        p += 2
    return found


def order_of(n: int) -> Integers:
    """Return where each wave (n,) lies after `transform`."""
    place, part = np.zeros(n, dtype=np.int64), n
    wave = np.arange(n)
    for p in factors_of(n):
        part //= p
        place += wave % p * part
        wave = wave // p
    return place


def turns_of(n: int, dtype: np.dtype[Any]) -> tuple[Floats, Integers]:
    """Return the turns (2, m), cosines and sines, and the table of steps (n_steps, 4) that transforms of n read.

    A row of the table is the factor, the distance of what is split, and where its turns within the parts and its turns
    between them begin.
    """
    angles: list[Floats] = []
    table, part, first = [], n, 0
    for p in factors_of(n):
        part //= p
        within = np.outer(np.arange(part), np.arange(1, p)).reshape(-1) % (p * part) / (p * part)
        between = np.outer(np.arange(1, p // 2 + 1), np.arange(1, p // 2 + 1)).reshape(-1) % p / p
        table.append((p, part, first, first + within.size))
        angles += [within, between if p % 2 else between[:0]]
        first += angles[-1].size + within.size
    whole = 2.0 * np.pi * np.concatenate([*angles, np.zeros(1)])
    return np.stack([np.cos(whole), np.sin(whole)]).astype(dtype), np.array(table, dtype=np.int64).reshape(
        -1, 4
    )


@driver
def turned(a: Any, b: Any, cosines: Floats, sines: Floats, k: int) -> Any:
    """Return (a + ib) exp(-i angle k)."""
    c, s = fill(cosines, element(cosines, k)), fill(sines, element(sines, k))
    return fused(a * c, b, s), fused_less(b * c, a, s)


@driver
def split_two(
    re: Floats, im: Floats, o: int, q: int, cosines: Floats, sines: Floats, k: int, turns: int
) -> None:
    """Two elements q apart; ``turns``: 1 to turn them afterwards, 2 before, 0 not at all."""
    ar, ai, br, bi = load(re, o), load(im, o), load(re, o + q), load(im, o + q)
    if turns == 2:
        br, bi = turned(br, bi, cosines, sines, k)
    store(re, o, ar + br)
    store(im, o, ai + bi)
    br, bi = ar - br, ai - bi
    if turns == 1:
        br, bi = turned(br, bi, cosines, sines, k)
    store(re, o + q, br)
    store(im, o + q, bi)


@driver
def split_four(
    re: Floats, im: Floats, o: int, q: int, cosines: Floats, sines: Floats, k: int, turns: int
) -> None:
    """As `split_two` of four."""
    ar, ai, br, bi = load(re, o), load(im, o), load(re, o + q), load(im, o + q)
    cr, ci, dr, di = load(re, o + 2 * q), load(im, o + 2 * q), load(re, o + 3 * q), load(im, o + 3 * q)
    if turns == 2:
        br, bi = turned(br, bi, cosines, sines, k)
        cr, ci = turned(cr, ci, cosines, sines, k + 1)
        dr, di = turned(dr, di, cosines, sines, k + 2)
    er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
    gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
    store(re, o, er + gr)
    store(im, o, ei + gi)
    br, bi, cr, ci, dr, di = fr + hi, fi - hr, er - gr, ei - gi, fr - hi, fi + hr
    if turns == 1:
        br, bi = turned(br, bi, cosines, sines, k)
        cr, ci = turned(cr, ci, cosines, sines, k + 1)
        dr, di = turned(dr, di, cosines, sines, k + 2)
    store(re, o + q, br)
    store(im, o + q, bi)
    store(re, o + 2 * q, cr)
    store(im, o + 2 * q, ci)
    store(re, o + 3 * q, dr)
    store(im, o + 3 * q, di)


@driver
def split_odd(
    re: Floats, im: Floats, o: int, q: int, p: int, cosines: Floats, sines: Floats, k: int, between: int, turns: int,
    t: Floats,
) -> None:  # fmt: skip
    """As `split_two` of an odd number p; t is scratch of 2 p packs."""
    n, half = width(re), p // 2
    first_r, first_i = load(re, o), load(im, o)
    sum_r, sum_i = first_r, first_i
    for j in range(half):
        one, other = o + (j + 1) * q, o + (p - 1 - j) * q
        ar, ai, br, bi = load(re, one), load(im, one), load(re, other), load(im, other)
        if turns == 2:
            ar, ai = turned(ar, ai, cosines, sines, k + j)
            br, bi = turned(br, bi, cosines, sines, k + p - 2 - j)
        cr, ci = ar + br, ai + bi
        sum_r, sum_i = sum_r + cr, sum_i + ci
        store(t, 4 * j * n, cr)
        store(t, (4 * j + 1) * n, ci)
        store(t, (4 * j + 2) * n, ar - br)
        store(t, (4 * j + 3) * n, ai - bi)
    store(re, o, sum_r)
    store(im, o, sum_i)
    for i in range(half):
        ar, ai, br, bi = first_r, first_i, fill(t, 0.0), fill(t, 0.0)
        for j in range(half):
            at = between + i * half + j
            c, s = fill(cosines, element(cosines, at)), fill(sines, element(sines, at))
            ar = fused(ar, c, load(t, 4 * j * n))
            ai = fused(ai, c, load(t, (4 * j + 1) * n))
            br = fused(br, s, load(t, (4 * j + 2) * n))
            bi = fused(bi, s, load(t, (4 * j + 3) * n))
        cr, ci, dr, di = ar + bi, ai - br, ar - bi, ai + br
        if turns == 1:
            cr, ci = turned(cr, ci, cosines, sines, k + i)
            dr, di = turned(dr, di, cosines, sines, k + p - 2 - i)
        one, other = o + (i + 1) * q, o + (p - 1 - i) * q
        store(re, one, cr)
        store(im, one, ci)
        store(re, other, dr)
        store(im, other, di)


@driver
def step(
    re: Floats, im: Floats, first: int, apart: int, n: int, cosines: Floats, sines: Floats, row: Integers, turns: int,
    t: Floats,
) -> None:  # fmt: skip
    """Split all parts of a line by one factor, the elements of which lie ``apart``."""
    p, part, within, between = row[0], row[1], row[2], row[3]
    for begin in range(0, n, p * part):
        for j in range(part):
            o, q, k = first + (begin + j) * apart, part * apart, within + j * (p - 1)
            how = 0 if j == 0 else turns
            if p == 4:
                split_four(re, im, o, q, cosines, sines, k, how)
            elif p == 2:
                split_two(re, im, o, q, cosines, sines, k, how)
            else:
                split_odd(re, im, o, q, p, cosines, sines, k, between, how, t)


@driver
def transform(re: Floats, im: Floats, first: int, apart: int, n: int, turns: Any, t: Floats) -> None:
    """Replace lines of n by their waves, in the order of `order_of`: sum over j of z_j exp(-2 pi i j k / n).

    Parameters
    ----------
    re, im : real and imaginary parts; a line's elements, packs, begin at ``first`` and lie ``apart``.
    turns : cosines, sines, the table of steps as of `turns_of`, and how many steps there are.
    t : scratch of twice as many packs as the largest odd factor.
    """
    cosines, sines, table, n_steps = turns
    for i in range(n_steps):
        step(re, im, first, apart, n, cosines, sines, tail(table, 4 * i), 1, t)


@driver
def transform_back(re: Floats, im: Floats, first: int, apart: int, n: int, turns: Any, t: Floats) -> None:
    """Undo `transform`, but for a factor n."""
    cosines, sines, table, n_steps = turns
    for i in range(n_steps - 1, -1, -1):
        step(im, re, first, apart, n, cosines, sines, tail(table, 4 * i), 2, t)
