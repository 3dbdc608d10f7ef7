"""Steps of persistent random walks, up gradients and along fibres; the equations stand in `kernels.cells.move`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import inlined, normals_of_part
from collagensim.kernels.numbers import flat, tail
from collagensim.kernels.places import around, gradient, index_along, reflected

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Indices: TypeAlias = npt.NDArray[np.int64]
    Names: TypeAlias = npt.NDArray[np.uint64]
    Vector: TypeAlias = tuple[float, float, float]

__all__ = [
    "CHUNK",
    "N_NOTED",
    "N_WALK",
    "draw",
    "feel",
    "follow",
    "go",
    "put_down",
    "take_up",
    "turn",
    "walk_of",
]

CHUNK = 256  # cells that are looked at together
# What is noted of each of them: random numbers, slopes of what it climbs and then its path, room, place, direction.
N_NOTED = 16
TURN_Z, STRAY_Z, TURN_X, STRAY_X, TURN_Y, STRAY_Y = range(6)
RISE_Z, RISE_Y, RISE_X, ROOM = range(6, 10)
PLACE_Z, PLACE_Y, PLACE_X, WAY_Z, WAY_Y, WAY_X = range(10, N_NOTED)

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
def take_up(
    who: Indices, position: Floats, direction: Floats, identity: Names, noted: Floats, names: Names
) -> None:  # fmt: skip
    """Note where the cells ``who`` are, which way they go, and their names."""
    for j in range(who.size):
        i = who[j]
        names[j] = identity[i]
        for axis in range(3):
            noted[PLACE_Z + axis, j] = position[i, axis]
            noted[WAY_Z + axis, j] = direction[i, axis]


@inlined
def put_down(who: Indices, position: Floats, direction: Floats, noted: Floats) -> None:
    """Write where they are now, and which way they go."""
    for j in range(who.size):
        i = who[j]
        for axis in range(3):
            position[i, axis] = noted[PLACE_Z + axis, j]
            direction[i, axis] = noted[WAY_Z + axis, j]


@inlined
def draw(seed: int, event: int, tick: int, names: Names, n: int, n_axes: int, noted: Floats) -> None:
    """Note two independent standard normal numbers per cell and axis."""
    turn_z, stray_z, turn_x, stray_x = noted[TURN_Z], noted[STRAY_Z], noted[TURN_X], noted[STRAY_X]
    turn_y, stray_y = noted[TURN_Y], noted[STRAY_Y]
    for j in range(n):
        turn_z[j], stray_z[j], turn_x[j], stray_x[j] = normals_of_part(seed, event, tick, names[j], 0)
    if n_axes == 3:
        for j in range(n):
            turn_y[j], stray_y[j], _, _ = normals_of_part(seed, event, tick, names[j], 1)


@inlined
def feel(
    n: int, climbed: int, attraction: Floats, used: int, room: Floats, per_um: Vector, noted: Floats
) -> None:
    """Note what n cells meet where they are: the slope of what they climb, field number ``climbed``, and room.

    Less than 0 stands for nothing to climb; the room is that of field number ``used``.
    """
    _, nz, ny, nx = room.shape
    place_z, place_y, place_x = noted[PLACE_Z], noted[PLACE_Y], noted[PLACE_X]
    rise_z, rise_y, rise_x, free = noted[RISE_Z], noted[RISE_Y], noted[RISE_X], noted[ROOM]
    if climbed >= 0:
        field = tail(flat(attraction), climbed * (nz * ny * nx))
        for j in range(n):
            rise_z[j], rise_y[j], rise_x[j] = gradient(
                field, (nz, ny, nx), place_z[j], place_y[j], place_x[j], per_um
            )
    else:
        for j in range(n):
            rise_z[j], rise_y[j], rise_x[j] = 0.0, 0.0, 0.0
    for j in range(n):
        z = index_along(place_z[j], per_um[0], nz)
        y = index_along(place_y[j], per_um[1], ny)
        x = index_along(place_x[j], per_um[2], nx)
        free[j] = room[used, z, y, x]


@inlined
def turn(walk: Floats, attraction_strength: float, n: int, n_axes: int, dt: float, noted: Floats) -> None:
    """Turn n cells, and note in place of slopes the paths that they take meanwhile at speed 1 [day]."""
    rise_z, rise_y, rise_x = noted[RISE_Z], noted[RISE_Y], noted[RISE_X]
    way_z, way_y, way_x = noted[WAY_Z], noted[WAY_Y], noted[WAY_X]
    turn_z, stray_z, turn_x, stray_x = noted[TURN_Z], noted[STRAY_Z], noted[TURN_X], noted[STRAY_X]
    turn_y, stray_y = noted[TURN_Y], noted[STRAY_Y]
    for j in range(n):
        rise_z[j], rise_y[j], rise_x[j] = pull((rise_z[j], rise_y[j], rise_x[j]), attraction_strength)
    for j in range(n):
        rise_z[j], way_z[j] = stretch(walk, way_z[j], rise_z[j], turn_z[j], stray_z[j], dt)
        rise_x[j], way_x[j] = stretch(walk, way_x[j], rise_x[j], turn_x[j], stray_x[j], dt)
    if n_axes == 3:
        for j in range(n):
            rise_y[j], way_y[j] = stretch(walk, way_y[j], rise_y[j], turn_y[j], stray_y[j], dt)
    else:
        for j in range(n):
            rise_y[j] = 0.0


@inlined
def follow(guidance: Floats, strength: float, n_axes: int, noted: Floats) -> None:
    """Make of the noted paths those among fibres, ``guidance`` (n, 3) around n cells."""
    rise_z, rise_y, rise_x = noted[RISE_Z], noted[RISE_Y], noted[RISE_X]
    for j in range(guidance.shape[0]):
        fibre = (guidance[j, 0], guidance[j, 1] if n_axes == 3 else 0.0, guidance[j, 2])
        rise_z[j], rise_y[j], rise_x[j] = guided((rise_z[j], rise_y[j], rise_x[j]), fibre, strength, n_axes)


@inlined
def go(speed: float, n: int, size: Vector, noted: Floats) -> None:
    """Bring n cells along the noted paths, and into the box where they leave it."""
    place_z, place_y, place_x = noted[PLACE_Z], noted[PLACE_Y], noted[PLACE_X]
    rise_z, rise_y, rise_x = noted[RISE_Z], noted[RISE_Y], noted[RISE_X]
    free, way_z = noted[ROOM], noted[WAY_Z]
    for j in range(n):
        pace = speed * free[j]
        place_z[j] += pace * rise_z[j]
        place_y[j] += pace * rise_y[j]
        place_x[j] += pace * rise_x[j]
    for j in range(n):
        place_z[j], sign = reflected(place_z[j], size[0])
        place_y[j], place_x[j] = around(place_y[j], size[1]), around(place_x[j], size[2])
        way_z[j] *= sign
