"""Vessels as pieces in space: which follow each other, what happens to them, how dense they are around a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.draws import inlined, uniform
from collagensim.kernels.numbers import kept
from collagensim.kernels.smoothing import sight, smooth_across, smooth_down, smooth_rows

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]
    Names: TypeAlias = npt.NDArray[np.uint64]
    Mask: TypeAlias = npt.NDArray[np.bool_]

__all__ = ["branches", "density", "happens", "sight", "smooth", "square_gaps"]


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


@kept
def density(length: Floats, rest: Floats, level: Floats, per_um: float, whole: float, out: Floats) -> None:
    """Density that a length of vessels in the neighbourhood is, (n_voxels,) each.

    Where there is less of it than at ``rest``, its share of the resting ``level``; where there is more, the level and
    ``per_um`` for each um of the surplus. Where none is in reach at rest, those further off feed it: of its level there
    is the share ``whole`` of all length that is left.
    """
    for i in range(out.size):
        if rest[i] == 0.0:
            out[i] = level[i] * min(whole, 1.0) + per_um * length[i]
        elif length[i] < rest[i]:
            out[i] = level[i] * (length[i] / rest[i])
        else:
            out[i] = level[i] + per_um * (length[i] - rest[i])


@kept
def smooth(source: Floats, weights: Floats, out: Floats, scratch: Floats, padded: Floats) -> None:
    """Mean around every voxel with the same weights along every axis, (nz, ny, nx); nothing is lost.

    Around the sides, and mirrored at top and bottom. ``weights`` (reach + 1,) as of `sight`, ``scratch`` (nz, ny, nx),
    ``padded`` (nx + 2 reach,).
    """
    if source.shape[1] == 1:
        smooth_rows(source, weights, padded, scratch)
    else:
        smooth_rows(source, weights, padded, out)
        smooth_across(out, weights, scratch)
    smooth_down(scratch, weights, out)
