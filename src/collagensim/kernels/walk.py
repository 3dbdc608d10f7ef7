"""Steps of persistent random walks, up gradients and along fibres; the equations stand in `kernels.cells.move`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import inlined, normals_of_part

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Names: TypeAlias = npt.NDArray[np.uint64]
    Vector: TypeAlias = tuple[float, float, float]

__all__ = ["N_WALK", "draw", "guided", "pull", "stretch", "walk_of"]

N_WALK = 5
MEMORY, TRAVEL, KICK, CARRIED, FREE = range(N_WALK)
NEARLY_STRAIGHT = (
    0.02  # half a step in units of the persistence, below which a difference is taken from its series
)


@inlined
def walk_of(persistence: float, n_axes: int, dt: float, walk: Floats) -> None:
    """Coefficients of `move` for one kind, (N_WALK,), each exact for a step of any length.

    With tau = dt / persistence P and s^2 = 1 / n_axes the mean square of one component of the direction::

        MEMORY   exp(-tau)                                       what remains of the direction
        TRAVEL   P (1 - exp(-tau))                               how far it carries
        KICK     s (1 - exp(-2 tau))^(1/2)                       standard deviation of what is new in it
        CARRIED  P s (1 - exp(-tau)) tanh(tau / 2)^(1/2)         how far that carries: its covariance with the path
        FREE     2 P s (tau / 2 - tanh(tau / 2))^(1/2)           what the path has beyond both
    """
    half = 0.5 * dt / persistence
    lost = -np.expm1(-2.0 * half)
    spread = np.sqrt(1.0 / n_axes)
    bend = np.tanh(half)
    square = half * half
    if half < NEARLY_STRAIGHT:
        beyond = half * square * (1.0 / 3.0 - square * (2.0 / 15.0 - square * (17.0 / 315.0)))
    else:
        beyond = half - bend
    walk[MEMORY] = 1.0 - lost
    walk[TRAVEL] = persistence * lost
    walk[KICK] = spread * np.sqrt(lost * (2.0 - lost))
    walk[CARRIED] = persistence * spread * lost * np.sqrt(bend)
    walk[FREE] = 2.0 * persistence * spread * np.sqrt(beyond)


@inlined
def pull(gradient: Vector, strength: float) -> Vector:
    """Mean direction of cells in a gradient, shorter than 1: b / (1 + |b|^2)^(1/2), b = strength * gradient."""
    z, y, x = strength * gradient[0], strength * gradient[1], strength * gradient[2]
    scale = 1.0 / np.sqrt(1.0 + z * z + y * y + x * x)
    return scale * z, scale * y, scale * x


@inlined
def guided(step: Vector, fibre: Vector, strength: float, n_axes: int) -> Vector:
    """A step among fibres: longer along them and shorter across, of the same mean square over all directions.

    With w = strength * order, the length of ``fibre`` being the order: lengths along the fibre are multiplied by
    (1 - w + n_axes w)^(1/2), those across by (1 - w)^(1/2).
    """
    order = np.sqrt(fibre[0] * fibre[0] + fibre[1] * fibre[1] + fibre[2] * fibre[2])
    share = min(strength * order, 1.0)
    if share <= 0.0:
        return step
    across = np.sqrt(1.0 - share)
    along = np.sqrt(1.0 - share + n_axes * share)
    more = (along - across) * (step[0] * fibre[0] + step[1] * fibre[1] + step[2] * fibre[2]) / (order * order)
    return (
        across * step[0] + more * fibre[0],
        across * step[1] + more * fibre[1],
        across * step[2] + more * fibre[2],
    )


@inlined
def stretch(
    walk: Floats, direction: float, aim: float, turn: float, stray: float, dt: float
) -> tuple[float, float]:
    """One component: the path over a step at speed 1 [day], and the direction after it."""
    off = direction - aim
    path = aim * dt + walk[TRAVEL] * off + walk[CARRIED] * turn + walk[FREE] * stray
    return path, aim + walk[MEMORY] * off + walk[KICK] * turn


@inlined
def draw(seed: int, event: int, tick: int, identity: Names, n_axes: int, noise: Floats) -> None:
    """Two independent standard normal numbers per cell and axis (z, x, then y), (6, CHUNK)."""
    n0, n1, n2, n3, n4, n5 = noise[0], noise[1], noise[2], noise[3], noise[4], noise[5]
    for j in range(identity.size):
        n0[j], n1[j], n2[j], n3[j] = normals_of_part(seed, event, tick, identity[j], 0)
    if n_axes == 3:
        for j in range(identity.size):
            n4[j], n5[j], _, _ = normals_of_part(seed, event, tick, identity[j], 1)
