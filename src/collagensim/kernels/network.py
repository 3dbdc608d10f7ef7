"""Vessels as pieces in space: where they lie, which follow each other, and what happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import inlined, uniform
from collagensim.kernels.numbers import kept
from collagensim.kernels.places import around, index_along, inverse, reflected

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]
    Names: TypeAlias = npt.NDArray[np.uint64]
    Mask: TypeAlias = npt.NDArray[np.bool_]

__all__ = [
    "branches", "gains", "happens", "keep", "lie", "losses", "nearest", "nearest_to_each", "of_branches",
    "reachable", "square_gaps", "walked",
]  # fmt: skip

FAR = np.int64(2**40)  # more pieces away than there are
LEAST = float(np.finfo(np.float64).tiny)


@kept
def happens(number: Names, chance: Floats, seed: int, event: int, tick: int, out: Mask) -> None:
    """Whether something happens to each of those (n,) that bear a number, with probability ``chance`` (n,)."""
    for i in range(number.size):
        out[i] = uniform(seed, event, tick, number[i]) < chance[i]


@kept
def square_gaps(place: Floats, node: Floats, size_um: Floats, out: Floats) -> None:
    """Squares of the distances of nodes (n, 3) from a place (3,), all of them in the block [um^2], (n,).

    The short way around the sides; z does not repeat itself.
    """
    for i in range(out.size):
        z, y, x = node[i, 0] - place[0], abs(node[i, 1] - place[1]), abs(node[i, 2] - place[2])
        y, x = min(y, size_um[1] - y), min(x, size_um[2] - x)
        out[i] = z * z + y * y + x * x


@inlined
def nearest_node(place: Floats, node: Floats, size_um: Floats, barred: Integers) -> int:
    """As `nearest`."""
    best, found = np.inf, -1
    for i in range(node.shape[0]):
        z, y, x = node[i, 0] - place[0], abs(node[i, 1] - place[1]), abs(node[i, 2] - place[2])
        y, x = min(y, size_um[1] - y), min(x, size_um[2] - x)
        gap = z * z + y * y + x * x
        if gap < best and not holds(barred, i):
            best, found = gap, i
    return found


@kept
def nearest(place: Floats, node: Floats, size_um: Floats, barred: Integers) -> int:
    """The node (n, 3) nearest to a place (3,) of a block of ``size_um``, none of ``barred`` (k,); -1 where all are."""
    return nearest_node(place, node, size_um, barred)


@kept
def nearest_to_each(place: Floats, node: Floats, size_um: Floats, barred: Integers, out: Integers) -> None:
    """The `nearest` node to each of several places (m, 3), (m,)."""
    for k in range(out.size):
        out[k] = nearest_node(place[k], node, size_um, barred)


@inlined
def holds(numbers: Integers, i: int) -> bool:
    """Whether a number is among those (k,)."""
    found = False
    for k in range(numbers.size):
        found |= numbers[k] == i
    return found


@kept
def walked(place: Floats, node: Floats, last: Integers, size_um: Floats, out: Floats) -> None:
    """How far places (k, 3) are from the nodes (n, 3) that are their ``last`` (k,) [um], (k,), the short way around."""
    for k in range(out.size):
        z = place[k, 0] - node[last[k], 0]
        y = short_way(place[k, 1] - node[last[k], 1], size_um[1])
        x = short_way(place[k, 2] - node[last[k], 2], size_um[2])
        out[k] = np.sqrt(z * z + y * y + x * x)


@inlined
def short_way(gap: float, length: float) -> float:
    """The short way along a line that repeats itself, for things any number of times around."""
    return gap if abs(gap) <= 0.5 * length else gap - length * float(np.rint(gap / length))


@kept
def lie(
    node: Floats, ends: Integers, size_um: Floats, edges_um: Floats, shape: Integers, voxel: Integers, length: Floats
) -> None:  # fmt: skip
    """Number of the voxel in which the middle of each piece (m, 2) lies, (m,), and how long it is [um], (m,).

    Pieces are straight and run the short way around the sides, between nodes (n, 3) [um] of a block of ``size_um``
    (3,); z does not repeat itself.
    """
    per_um = inverse(edges_um)
    for i in range(voxel.size):
        one, other = ends[i, 0], ends[i, 1]
        z = node[other, 0] - node[one, 0]
        y = short_way(node[other, 1] - node[one, 1], size_um[1])
        x = short_way(node[other, 2] - node[one, 2], size_um[2])
        length[i] = np.sqrt(z * z + y * y + x * x)
        down = reflected(node[one, 0] + 0.5 * z, size_um[0])[0]
        row = index_along(down, per_um[0], shape[0])
        across = index_along(around(node[one, 1] + 0.5 * y, size_um[1]), per_um[1], shape[1])
        along = index_along(around(node[one, 2] + 0.5 * x, size_um[2]), per_um[2], shape[2])
        voxel[i] = (row * shape[1] + across) * shape[2] + along


@kept
def keep(
    left: Mask, node: Floats, ends: Integers, number: Names, tip_node: Integers, new: Integers, nodes: Floats,
    pieces: Integers, numbers: Names,
) -> int:  # fmt: skip
    """Move those pieces (m, 2) that are ``left`` (m,), and the nodes (n, 3) that they or tips (k,) need, together.

    All keep their order. ``pieces`` and ``numbers`` (of pieces left) and ``nodes`` (n, 3) are written, ``new`` (n,) is
    left with the new number of each node or -1. Returns how many nodes there are; those of tips are told anew.
    """
    new[:] = -1
    for k in range(tip_node.size):
        new[tip_node[k]] = 0
    for i in range(left.size):
        if left[i]:
            new[ends[i, 0]] = 0
            new[ends[i, 1]] = 0
    n = 0
    for i in range(new.size):
        if new[i] == 0:
            new[i] = n
            for axis in range(3):
                nodes[n, axis] = node[i, axis]
            n += 1
    m = 0
    for i in range(left.size):
        if left[i]:
            pieces[m, 0], pieces[m, 1], numbers[m] = new[ends[i, 0]], new[ends[i, 1]], number[i]
            m += 1
    for k in range(tip_node.size):
        tip_node[k] = new[tip_node[k]]
    return n


@kept
def gains(net: Floats, drawn: Floats, out: Floats) -> bool:
    """How fast the density grows otherwise than it is drawn (n_voxels,), 0 where it does not; whether it does anywhere.

    ``net`` is the rate of its change, ``drawn`` what of it tips draw.
    """
    grows = False
    for v in range(out.size):
        out[v] = max(net[v] - drawn[v], 0.0)
        grows |= out[v] > 0.0
    return grows


@kept
def losses(voxel: Integers, length: Floats, net: Floats, drawn: Floats, density: Floats, out: Floats) -> None:
    """Length of each piece (m,) that is lost per time, where less of the density is made than what tips draw of it.

    ``net`` is the rate of its change, ``drawn`` what of it tips draw, (n_voxels,).
    """
    for i in range(out.size):
        v = voxel[i]
        # A piece that was drawn just now may lie where none was felt before.
        out[i] = max(drawn[v] - net[v], 0.0) / max(density[v], LEAST) * length[i] if density[v] > 0.0 else 0.0


@kept
def of_branches(
    branch: Integers, loss: Floats, length: Floats, number: Names, lost: Floats, whole: Floats, first: Names
) -> None:  # fmt: skip
    """Sums over the pieces (m,) of each branch (n,) of what they lose and how long they are, and their least number."""
    lost[:], whole[:], first[:] = 0.0, 0.0, ~np.uint64(0)
    for i in range(branch.size):
        k = branch[i]
        lost[k] += loss[i]
        whole[k] += length[i]
        first[k] = min(first[k], number[i])


@kept
def reachable(ends: Integers, start: int, steps: int, away: Integers, out: Mask) -> None:
    """Which nodes (n,) are no more than so many pieces, given by their ends (m, 2), away from one.

    ``away`` (n,): scratch.
    """
    away[:] = FAR
    away[start] = 0
    for step in range(steps):
        for i in range(ends.shape[0]):
            one, other = ends[i, 0], ends[i, 1]
            if away[one] == step and away[other] > step:
                away[other] = step + 1
            if away[other] == step and away[one] > step:
                away[one] = step + 1
    for i in range(out.size):
        out[i] = away[i] <= steps


@inlined
def root_of(first: Integers, i: int) -> int:
    """The piece that a branch is known by, on the way to which each piece knows another of its branch."""
    while first[i] != i:
        first[i] = first[first[i]]
        i = first[i]
    return i


@kept
def branches(ends: Integers, degree: Integers, beside: Integers, out: Integers) -> None:
    """Number of the branch of each piece (m,), from 0 in the order of their first pieces.

    Pieces, given by the nodes at their ends (m, 2), belong to one branch where they meet at a node that has no third.
    ``degree``, ``beside`` (n_nodes,): scratch, which is left with the number of pieces and the last of them.
    """
    for i in range(out.size):
        out[i] = i
    degree[:] = 0
    for i in range(out.size):
        for side in range(2):
            degree[ends[i, side]] += 1
    beside[:] = -1
    for i in range(out.size):
        for side in range(2):
            node = ends[i, side]
            if degree[node] == 2 and beside[node] >= 0:
                one, other = root_of(out, beside[node]), root_of(out, i)
                out[max(one, other)] = min(one, other)
            beside[node] = i
    # A piece knows none that comes after it, so that what it knows is numbered before it.
    n = 0
    for i in range(out.size):
        if out[i] == i:
            out[i] = n
            n += 1
        else:
            out[i] = out[out[i]]
