"""Philox4x32-10 and what is drawn from it, in whole numbers without end and functions of the standard library."""

import math

MASK = 2**32 - 1


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Four words of 32 bits, after the round function and key schedule of Salmon et al. 2011, section 3.3."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (second >> 32) ^ b ^ k, second & MASK, (first >> 32) ^ d ^ m, first & MASK
        k, m = (k + 0x9E3779B9) & MASK, (m + 0xBB67AE85) & MASK
    return [a, b, c, d]


def block(seed: int, event: int, tick: int, cell: int, part: int = 0) -> list[int]:
    return philox([cell & MASK, cell >> 32, tick, (event << 8) + part], [seed & MASK, seed >> 32])


def fine(high: int, low: int) -> float:
    return (((high << 32) + low) // 2**12 + 0.5) / 2**52


def coarse(word: int) -> float:
    return (word + 0.5) / 2**32


def uniform(seed: int, event: int, tick: int, cell: int) -> float:
    return fine(*block(seed, event, tick, cell)[:2])


def exponential(seed: int, event: int, tick: int, cell: int) -> float:
    return -math.log(uniform(seed, event, tick, cell))


def normals(u: float, v: float, bits: int) -> tuple[float, float]:
    """Box and Muller, the quarter of the circle chosen by two bits."""
    radius, angle = math.sqrt(-2.0 * math.log(u)), 0.5 * math.pi * v
    return (-1) ** (bits & 1) * radius * math.cos(angle), (-1) ** (bits >> 1 & 1) * radius * math.sin(angle)


def four_normals(seed: int, event: int, tick: int, cell: int, part: int = 0) -> tuple[float, ...]:
    a, b, c, d = block(seed, event, tick, cell, part)
    return *normals(coarse(a), coarse(b), b), *normals(coarse(c), coarse(d), d)
