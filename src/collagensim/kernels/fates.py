"""Chance in the life of cells: which event befalls whom, who enters where, who is born."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import child, entrant, exponential, four_uniforms, inlined, uniform
from collagensim.kernels.numbers import kept

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]
    Identities: TypeAlias = npt.NDArray[np.uint64]
    Mask: TypeAlias = npt.NDArray[np.bool_]

# What a draw is for: part of its key, so that no two purposes ever share a number.
FATE, WHICH, GAP, PLACE, TURN, STRUCK, START, WALK = range(1, 9)
SEAT = 40  # of a cell on the surface
SPROUTS, JOINS, PRUNED, SEVERED, BRANCHES = 9, 50, 51, 52, 53  # of vessels; the first is a way to enter too


CHUNK = 256  # cells that are looked at together
# What is noted of each of them: its luck, and the sum of its hazards.
N_NOTED = 2
BLOCK = 64  # voxels that are passed over together where nobody enters


@kept
def choose_fates(
    kind: Integers, voxel: Integers, identity: Identities, hazard: Floats, first: Integers, seed: int, tick: int,
    dt: float, fate: Integers, noted: Floats,
) -> None:  # fmt: skip
    """What happens to each cell within dt: the number of its event, or -1.

    Events ``first[k]`` to ``first[k + 1]`` befall cells of kind k, at rates ``hazard`` (n_events, n_voxels) [1/day].
    One of them happens with probability 1 - exp(-sum h dt), and it is event j with probability h_j / sum h: exact for
    rates that stay as they are during dt and cells to which no more than one thing happens. ``noted`` (N_NOTED, CHUNK)
    is scratch.
    """
    luck, total = noted[0], noted[1]
    for begin in range(0, kind.size, CHUNK):
        # One short loop after the other: luck is drawn for eight cells at once, and the hazards of several are waited
        # for together.
        n = min(CHUNK, kind.size - begin)
        kinds, voxels, who = kind[begin : begin + n], voxel[begin : begin + n], identity[begin : begin + n]
        for i in range(n):
            luck[i] = uniform(seed, FATE, tick, who[i])
        for i in range(n):
            total[i] = 0.0
            for j in range(first[kinds[i]], first[kinds[i] + 1]):
                total[i] += hazard[j, voxels[i]]
        for i in range(n):
            fate[begin + i] = -1
            mean = total[i] * dt
            # The chance is less than the mean: most cells need no exponential.
            if luck[i] < mean and luck[i] < -np.expm1(-mean):
                left = uniform(seed, WHICH, tick, who[i]) * total[i]
                for j in range(first[kinds[i]], first[kinds[i] + 1]):
                    if hazard[j, voxels[i]] > 0.0:
                        fate[begin + i] = j
                        left -= hazard[j, voxels[i]]
                        if left < 0.0:
                            break


@inlined
def sum_of_block(rate: Floats, begin: int) -> float:
    """Sum of a block of elements, as eight sums side by side."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    e, f, g, h = 0.0, 0.0, 0.0, 0.0
    for v in range(begin, begin + BLOCK, 8):
        a, b, c, d = a + rate[v], b + rate[v + 1], c + rate[v + 2], d + rate[v + 3]
        e, f, g, h = e + rate[v + 4], f + rate[v + 5], g + rate[v + 6], h + rate[v + 7]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


@kept
def enter(rate: Floats, share: float, kind: int, seed: int, tick: int, event: int, voxels: Integers) -> int:
    """Voxels (capacity,) into which cells of a kind enter; returns how many do, however many there is room to note.

    ``event`` tells apart the ways in which cells may enter at one tick.

    ``rate`` (n_voxels,) times ``share`` is the mean number of entries of each voxel. The points of one Poisson process
    of rate 1 along the running sum of the means fall on each voxel in numbers that are Poisson and independent.
    """
    n, end, number = 0, 0.0, np.uint64(0)
    point = exponential(seed, (GAP * 16 + event) * 64 + kind, tick, number)
    for begin in range(0, rate.size, BLOCK):
        if begin + BLOCK <= rate.size:
            beyond = end + share * sum_of_block(rate, begin)
            if beyond <= point:  # as nearly everywhere
                end = beyond
                continue
        for v in range(begin, min(begin + BLOCK, rate.size)):
            end += rate[v] * share
            while point < end:
                if n < voxels.size:
                    voxels[n] = v
                n += 1
                number += np.uint64(1)
                point += exponential(seed, (GAP * 16 + event) * 64 + kind, tick, number)
    return n


@kept
def place(
    voxels: Integers, kind: int, seed: int, tick: int, event: int, shape: Integers, edges_um: Floats, position: Floats,
    direction: Floats, identity: Identities,
) -> None:  # fmt: skip
    """Identity, place (n, 3) within its voxel [um] and direction (n, 3) of cells that appear in ``voxels`` (n,).

    ``voxels`` ascend; who else enters elsewhere does not matter to a cell.
    """
    number = 0
    for i in range(voxels.size):
        v = voxels[i]
        number = number + 1 if i > 0 and voxels[i - 1] == v else 0
        own = entrant(v, tick, event * 64 + kind, number)
        identity[i] = own
        a, b, c, turn = four_uniforms(seed, PLACE, tick, own)
        z, rest = v // (shape[1] * shape[2]), v % (shape[1] * shape[2])
        position[i, 0] = (z + a) * edges_um[0]
        position[i, 1] = (rest // shape[2] + b) * edges_um[1]
        position[i, 2] = (rest % shape[2] + c) * edges_um[2]
        direct(turn, uniform_height(seed, tick, own, shape[1]), direction[i])


@kept
def uniform_height(seed: int, tick: int, own: np.uint64, ny: int) -> float:
    """Cosine of a new direction with y: uniform in a block, 0 in a slice, where nothing moves along y."""
    return 0.0 if ny == 1 else 2.0 * uniform(seed, TURN, tick, own) - 1.0


@kept
def direct(turn: float, height: float, out: Floats) -> None:
    """Unit vector (3,) in z, y, x at an angle of ``turn`` circles around y."""
    flat, angle = np.sqrt(1.0 - height * height), 2.0 * np.pi * turn
    out[0], out[1], out[2] = flat * np.cos(angle), height, flat * np.sin(angle)


@kept
def bear(
    parents: Integers, identity: Identities, births: Integers, position: Floats, direction: Floats, seed: int,
    tick: int, ny: int, new_position: Floats, new_direction: Floats, new_identity: Identities,
) -> None:  # fmt: skip
    """Daughters of the cells ``parents`` (n,), where their mothers are, facing anywhere; counts the births."""
    for i in range(parents.size):
        mother = parents[i]
        own = child(identity[mother], births[mother])
        births[mother] += 1
        new_identity[i] = own
        for axis in range(3):
            new_position[i, axis] = position[mother, axis]
        turn = uniform(seed, PLACE, tick, own)
        direct(turn, uniform_height(seed, tick, own, ny), new_direction[i])


@kept
def survive(
    voxel: Integers,
    identity: Identities,
    share: Floats,
    kind: Integers,
    seed: int,
    tick: int,
    alive: npt.NDArray[np.bool_],
) -> None:
    """Which cells (n,) survive a blow that spares the ``share`` (n_kinds, n_voxels) of them."""
    for i in range(voxel.size):
        alive[i] = uniform(seed, STRUCK, tick, identity[i]) < share[kind[i], voxel[i]]
