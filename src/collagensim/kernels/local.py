"""Fields that stay where they are: their reactions, voxel by voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.numbers import kept

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]


@kept
def relax(level: Floats, net: Floats, loss: Floats, dt: float) -> None:
    """Advance levels (n,) by dt with their rate ``net`` (n,) and its slope -``loss`` (n,): linearly implicit Euler.

    Where the slope is a loss, level + dt net / (1 + dt loss); for net = source - loss * level with a source that is
    not negative the level stays so. Of order one.
    """
    for i in range(level.size):
        level[i] += dt * net[i] / (1.0 + dt * max(loss[i], 0.0))


@kept
def split(
    level: Floats, net: Floats, loss: Floats, source: npt.NDArray[np.float32], drain: npt.NDArray[np.float32]
) -> None:
    """Write a rate (n,) and its slope as source - drain * level, drain not negative."""
    for i in range(level.size):
        k = max(loss[i], 0.0)
        drain[i] = k
        source[i] = net[i] + k * level[i]
