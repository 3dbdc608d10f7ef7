"""Steps of persistent random walks, up gradients and along fibres; the equations stand in `kernels.cells.move`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import inlined, normals_of_part
from collagensim.kernels.numbers import flat, tail
from collagensim.kernels.places import gradient, index_along

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Indices: TypeAlias = npt.NDArray[np.int64]
    Names: TypeAlias = npt.NDArray[np.uint64]
    Vector: TypeAlias = tuple[float, float, float]

__all__ = ["CHUNK", "N_NOISE", "N_WALK", "draw", "feel", "take_step", "walk_of"]

CHUNK = 256  # cells that are looked at together
# What is noted of each of them: random numbers, slopes of what it climbs, and room.
N_NOISE = 10
TURN_Z, STRAY_Z, TURN_X, STRAY_X, TURN_Y, STRAY_Y = range(6)
RISE_Z, RISE_Y, RISE_X, ROOM = range(6, N_NOISE)

N_WALK = 5
MEMORY, TRAVEL, KICK, CARRIED, FREE = range(N_WALK)
# Half a step in units of the persistence below which a difference of close numbers is taken from its series.
NEARLY_STRAIGHT = 0.02


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
    walk[MEMORY] = np.exp(-2.0 * half)
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
    """Note two independent standard normal numbers per cell and axis."""
    turn_z, stray_z, turn_x, stray_x = noise[TURN_Z], noise[STRAY_Z], noise[TURN_X], noise[STRAY_X]
    turn_y, stray_y = noise[TURN_Y], noise[STRAY_Y]
    for j in range(identity.size):
        turn_z[j], stray_z[j], turn_x[j], stray_x[j] = normals_of_part(seed, event, tick, identity[j], 0)
    if n_axes == 3:
        for j in range(identity.size):
            turn_y[j], stray_y[j], _, _ = normals_of_part(seed, event, tick, identity[j], 1)


@inlined
def feel(
    kind: Indices, position: Floats, climbs: Indices, attraction: Floats, attraction_strength: Floats, rooms: Indices,
    room: Floats, per_um: Vector, noise: Floats,
) -> None:  # fmt: skip
    """Note what cells meet where they are: the slope of what they climb, and how much room there is."""
    _, nz, ny, nx = room.shape
    for j in range(kind.size):
        k, rise = kind[j], (0.0, 0.0, 0.0)
        if climbs[k] >= 0 and attraction_strength[k] != 0.0:
            field = tail(flat(attraction), climbs[k] * (nz * ny * nx))
            rise = gradient(field, (nz, ny, nx), position[j, 0], position[j, 1], position[j, 2], per_um)
        noise[RISE_Z, j], noise[RISE_Y, j], noise[RISE_X, j] = rise
    for j in range(kind.size):
        z = index_along(position[j, 0], per_um[0], nz)
        y = index_along(position[j, 1], per_um[1], ny)
        x = index_along(position[j, 2], per_um[2], nx)
        noise[ROOM, j] = room[rooms[kind[j]], z, y, x]


@inlined
def take_step(
    walk: Floats, direction: Floats, noise: Floats, j: int, attraction_strength: float, fibre: Vector,
    guidance_strength: float, n_axes: int, dt: float,
) -> Vector:  # fmt: skip
    """Turn a cell, (3,), and return the path that it takes meanwhile at speed 1 [day]."""
    aim = pull((noise[RISE_Z, j], noise[RISE_Y, j], noise[RISE_X, j]), attraction_strength)
    path_y = 0.0
    path_z, direction[0] = stretch(walk, direction[0], aim[0], noise[TURN_Z, j], noise[STRAY_Z, j], dt)
    path_x, direction[2] = stretch(walk, direction[2], aim[2], noise[TURN_X, j], noise[STRAY_X, j], dt)
    if n_axes == 3:
        path_y, direction[1] = stretch(walk, direction[1], aim[1], noise[TURN_Y, j], noise[STRAY_Y, j], dt)
    step = (path_z, path_y, path_x)
    if guidance_strength <= 0.0:
        return step
    return guided(step, fibre, guidance_strength, n_axes)
