"""Fields in balance at every moment: what supplies and uses them, and the tangent by which their level is found.

With the level f as a share of that at rest, source l and half-use k as such shares, supply s and use v [1/day]::

    D laplace(f) + s (l - f) - v f / (f + k) = 0

The use is concave. In e = c - f, what is lacking to a ceiling c >= l, its tangent at g makes the equation
D laplace(e) - d e + m = 0 with d = s + v k / (g + k)^2 and m = s (c - l) + v (g^2 + c k) / (g + k)^2, neither of them
ever negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.numbers import kept

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Singles: TypeAlias = npt.NDArray[np.float32]


@kept
def part_sides(
    level: Floats, net: Floats, loss: Floats, rest: Floats, source: Floats, half: Floats, share: Floats,
    supply: Floats, use: Floats,
) -> None:  # fmt: skip
    """Tell supply and use of a balance from its rate and the slope of that.

    Parameters
    ----------
    level, net, loss : (nz, n) the level, its rate s (L - O) - u O / (O + K), and minus the slope of that.
    rest, source, half : (nz,) level at rest, source and half-use as shares of it.
    share, supply, use : (nz, n) written: the level as a share of that at rest, s and v.
    """
    for z in range(level.shape[0]):
        r, high, k = rest[z], source[z], half[z]
        for i in range(level.shape[1]):
            f = level[z, i] / r
            # Two equations for two unknowns; rounding alone could make one of them negative.
            v = (loss[z, i] * (high - f) - net[z, i] / r) * (f + k) ** 2 / (k * high + f * f)
            share[z, i] = f
            use[z, i] = max(v, 0.0)
            supply[z, i] = max(loss[z, i] - v * k / (f + k) ** 2, 0.0)


@kept
def write_tangent(
    share: Floats, supply: Floats, use: Floats, source: Floats, half: Floats, ceiling: float, lack: Singles,
    made: Singles, drain: Singles,
) -> None:  # fmt: skip
    """Write what is lacking to the ceiling, and the source and drain of it that the tangent at ``share`` gives.

    Parameters
    ----------
    share, supply, use : (nz, n); source, half : (nz,), as of `part_sides`.
    ceiling : as much as the highest source.
    lack, made, drain : (nz, n) written.
    """
    for z in range(share.shape[0]):
        high, k = source[z], half[z]
        for i in range(share.shape[1]):
            f, s = share[z, i], supply[z, i]
            bend = use[z, i] / (f + k) ** 2
            lack[z, i] = ceiling - f
            drain[z, i] = s + bend * k
            made[z, i] = s * (ceiling - high) + bend * (f * f + ceiling * k)


@kept
def take_lack(lack: Singles, ceiling: float, share: Floats) -> float:
    """Set the level (nz, n) to what a lack leaves of the ceiling, never below 0; return by how much it changed at most.

    A level that solves a tangent is nowhere above the balance, and nor is 0: so neither is the higher of the two.
    """
    most = 0.0
    for z in range(share.shape[0]):
        for i in range(share.shape[1]):
            f = max(ceiling - lack[z, i], 0.0)
            most = max(most, abs(f - share[z, i]))
            share[z, i] = f
    return most
