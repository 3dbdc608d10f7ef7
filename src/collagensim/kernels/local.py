"""Fields that stay where they are: their reactions, voxel by voxel."""

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
def relax(level: Floats, net: Floats, loss: Floats, dt: float) -> None:
    """Advance levels (n,) by dt with their rate ``net`` (n,) and its slope -``loss`` (n,): linearly implicit Euler.

    Where the slope is a loss, level + dt net / (1 + dt loss); for net = source - loss * level with a source that is
    not negative the level stays so. Of order one.
    """
    for i in range(level.size):
        level[i] += dt * net[i] / (1.0 + dt * max(loss[i], 0.0))


@kept
def split(level: Floats, net: Floats, loss: Floats, source: Singles, drain: Singles) -> None:
    """Write a rate (n,) and its slope -``loss`` (n,) as source - drain * level, neither of them negative.

    The drain is the loss where that leaves a source. Where it would leave less than none, as it may for a law that
    bends, the drain is all there is: -net / level, with the same rate now. A law that takes from an empty voxel, which
    none should, finds nothing there.
    """
    for i in range(level.size):
        k = max(loss[i], 0.0)
        made = net[i] + k * level[i]
        if made < 0.0:
            k = -net[i] / level[i] if level[i] > 0.0 else 0.0
            made = 0.0
        drain[i] = k
        source[i] = made
