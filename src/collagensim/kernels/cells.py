"""Cells one by one: where they are, how many, what they sense, how they wander and push each other aside.

Cells are arrays: ``kind`` (n,) int64, ``position`` (n, 3) [um], ``direction`` (n, 3) [1], ``identity`` (n,) uint64.
Components are in z, y, x order; z = 0 is the top. The tissue is a box of ``shape`` = (nz, ny, nx) voxels with edges
``voxel_um`` (3,) [um], voxel number (z * ny + y) * nx + x. It repeats itself in y and x; top and bottom reflect. With
ny = 1 it is a slice: cells keep their y.

Every sum is taken in one order and every random number belongs to a cell, so results have the same bits wherever and
beside whatever they are computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import inlined
from collagensim.kernels.numbers import kept, kept_compact
from collagensim.kernels.places import index_along, inverse, nearest_image, put_back, wrapped
from collagensim.kernels.smoothing import few_around, others_around, sight, smooth_across, smooth_rows
from collagensim.kernels.walk import (
    CHUNK,
    N_NOTED,
    N_WALK,
    draw,
    feel,
    follow,
    go,
    put_down,
    take_up,
    turn,
    walk_of,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Indices: TypeAlias = npt.NDArray[np.int64]
    Names: TypeAlias = npt.NDArray[np.uint64]
    Edges: TypeAlias = Floats | tuple[float, float, float]
    Shape: TypeAlias = Indices | tuple[int, int, int]
    Vector: TypeAlias = tuple[float, float, float]

__all__ = [
    "CHUNK",
    "N_NOTED",
    "N_WALK",
    "count",
    "displace",
    "move",
    "pick",
    "repel",
    "sense",
    "sight",
    "sort_cells",
    "voxels_of",
]


@kept
def voxels_of(position: Floats, voxel_um: Edges, shape: Shape, out: Indices) -> None:
    """Number of the voxel in which each cell lies.

    Parameters
    ----------
    position : array (n, 3), [um]
    voxel_um : array or tuple (3,), [um]
    shape : array or tuple (3,)
    out : int64 array (n,)
    """
    nz, ny, nx = shape[0], shape[1], shape[2]
    per_um = inverse(voxel_um)
    for i in range(out.size):
        z = index_along(position[i, 0], per_um[0], nz)
        y = index_along(position[i, 1], per_um[1], ny)
        x = index_along(position[i, 2], per_um[2], nx)
        out[i] = (z * ny + y) * nx + x


@kept
def sort_cells(voxel: Indices, n_voxels: int, start: Indices, order: Indices) -> None:
    """List the cells of each voxel, those of voxel v as order[start[v] : start[v + 1]], in the order of the arrays.

    Parameters
    ----------
    voxel : int64 array (n,)
        As of `voxels_of`.
    n_voxels : int
    start : int64 array (n_voxels + 1,)
        Written.
    order : int64 array (n,)
        Written.
    """
    start[:] = 0
    for i in range(voxel.size):
        start[voxel[i]] += 1
    before = 0
    for v in range(n_voxels):
        before += start[v]
        start[v] = before
    start[n_voxels] = before
    # Filled from behind, each list comes out in order and its end moves down to its start.
    for i in range(voxel.size - 1, -1, -1):
        place = start[voxel[i]] - 1
        start[voxel[i]] = place
        order[place] = i


@kept
def count(kind: Indices, voxel: Indices, n_kinds: int, out: Floats) -> None:
    """Number of cells of each kind in each voxel, as floats.

    Parameters
    ----------
    kind, voxel : int64 arrays (n,)
    n_kinds : int
    out : array (n_kinds, n_voxels)
        Written.
    """
    for k in range(n_kinds):
        out[k, :] = 0.0
    for i in range(kind.size):
        out[kind[i], voxel[i]] += 1.0


@kept
def pick(
    which: Indices, kind: Indices, position: Floats, direction: Floats, identity: Names, births: Indices,
    new_kind: Indices, new_position: Floats, new_direction: Floats, new_identity: Names, new_births: Indices,
) -> None:  # fmt: skip
    """Copy the cells ``which`` (n,), in that order, to the first n places of other arrays."""
    for i in range(which.size):
        j = which[i]
        new_kind[i], new_identity[i], new_births[i] = kind[j], identity[j], births[j]
        for axis in range(3):
            new_position[i, axis] = position[j, axis]
            new_direction[i, axis] = direction[j, axis]


@kept
def displace(position: Floats, direction: Floats, shift: Floats, voxel_um: Edges, shape: Shape) -> None:
    """Move every cell by its shift, around the sides, and back from top and bottom.

    Parameters
    ----------
    position, direction : arrays (n, 3), [um] and [1]
        Changed in place.
    shift : array (n, 3), [um]
    voxel_um : array or tuple (3,), [um]
    shape : array or tuple (3,)
    """
    for i in range(position.shape[0]):
        for axis in range(3):
            position[i, axis] += shift[i, axis]
        put_back(position, direction, i, voxel_um, shape[0], shape[1], shape[2])


@kept_compact
def sense(
    counts: Floats, present: Indices, per: Floats, weights: Floats, out: Floats, scratch: Floats, padded: Floats
) -> None:  # fmt: skip
    """Mean density of cells that a cell in each voxel feels around it, itself left out.

    With W = W_z W_y W_x and (W_x c)[i] = w[0] c[i] + sum over j of w[j] (c[i - j] + c[i + j]) along each axis that has
    cells on it (not y in a slice), around the sides, and mirrored at top and bottom::

        out = (W c - o c) / (1 - o)       c = counts / per,       o = W[v, v], the weight of a voxel for itself

    Cells strewn at random are then felt, on average, as dense as they are: at a place without a cell and at a cell's
    own place, of which what it would feel of itself is left out. With weights of a single voxel it feels that.

    Parameters
    ----------
    counts : array (n_kinds, nz, ny, nx)
        Changed into densities c.
    present : int64 array (n_kinds,)
        How many cells there are of each kind: of none nothing is felt.
    per : array (n_kinds,)
        How many in a voxel are a density of 1.
    weights : array (reach + 1,)
        Of `sight`.
    out : array (n_kinds, nz, ny, nx)
        Written; another array than ``counts``.
    scratch : array (nz, ny, nx)
    padded : array (nx + 2 reach,)
        Scratch too.
    """
    for k in range(counts.shape[0]):
        if present[k] == 0:
            out[k] = 0.0
            continue
        cells = counts[k].reshape(-1)
        # What one cell costs that adds itself to all around, in voxels that ask around.
        if present[k] * 4 * (2 * weights.size - 1) ** (1 if counts.shape[2] == 1 else 2) < cells.size:
            few_around(counts[k], per[k], weights, padded, out[k])
            continue
        for v in range(cells.size):
            cells[v] /= per[k]
        if counts.shape[2] == 1:
            smooth_rows(counts[k], weights, padded, scratch)
        else:
            smooth_rows(counts[k], weights, padded, out[k])
            smooth_across(out[k], weights, scratch)
        others_around(scratch, counts[k], weights, out[k])


@kept
def move(
    who: Indices, position: Floats, direction: Floats, identity: Names, speed: float, persistence: float, climbs: int,
    attraction: Floats, attraction_strength: float, guidance: Floats, guidance_strength: float, rooms: int,
    room: Floats, dt: float, n_steps: int, seed: int, event: int, tick: int, ticks: int, voxel_um: Edges, walk: Floats,
    noted: Floats, names: Names,
) -> None:  # fmt: skip
    """Let the cells ``who``, of one kind, wander some steps: a persistent random walk, up gradients and along fibres.

    The direction V of a cell is its velocity in units of its kind's speed S, not of length 1 at each moment but in the
    mean square. It forgets itself within the persistence P, and is drawn to an aim u (Ornstein and Uhlenbeck)::

        dV = (u - V) dt / P + (2 / (P n_axes))^(1/2) dW
        dX = room S M V dt

    with u = b / (1 + |b|^2)^(1/2), b = attraction_strength grad(attraction), so that cells climb at room S |u| in the
    mean, less than their speed; and M what fibres make of a step: factor (1 - w + n_axes w)^(1/2) along them and
    (1 - w)^(1/2) across, w = guidance_strength |guidance|. M does not change the mean square speed.

    V and X are drawn together from their exact joint law over the step, u, M and room held at their values in the
    place where it begins. So the mean square displacement of undisturbed cells is Fürth's at every step length::

        <|X(t) - X(0)|^2> = 2 S^2 P (t - P (1 - exp(-t / P)))

    and mean displacement in a uniform gradient is S u t. Steps longer than the way on which gradients or fibres change
    see too little of these.

    Parameters
    ----------
    who : int64 array (m,)
        Which of the n cells, each once.
    position : array (n, 3), [um]
        In the box; changed.
    direction : array (n, 3), [1]
        Changed; its y component is ignored in a slice. A new cell may start with any vector of length 1.
    identity : uint64 array (n,)
    speed : float, [um/day]
        Root mean square speed S. With 0 cells stay as they are.
    persistence : float, [day]
        More than 0.
    climbs : int
        Which field of ``attraction`` they climb, less than 0 for none.
    attraction : array (n_fields, nz, ny, nx)
        What cells climb, at the voxels' centres; its gradient is taken by central differences.
    attraction_strength : float, [um]
        Per unit of ``attraction``; negative to flee.
    guidance : array (m, 3), [1]
        Axis of the fibres around each of them, its length their order from 0 to 1; what of it points out of a slice
        guides nobody. It holds for all the steps. An array of size 0 stands for no fibres.
    guidance_strength : float, [1]
        0 to 1.
    rooms : int
        Which field of ``room`` holds for them.
    room : array (n_rooms, nz, ny, nx), [1]
        By what crowding, or rest, slows cells, 0 to 1.
    dt : float, [day]
        Length of one step.
    n_steps : int
    seed, event, tick : int
        As in `collagensim.kernels.draws`.
    ticks : int
        By how much the tick of a step is later than that of the step before it.
    voxel_um : array or tuple (3,), [um]
    walk : array (N_WALK,)
        Scratch.
    noted : array (N_NOTED, CHUNK)
        Scratch: what is noted of some cells at a time.
    names : uint64 array (CHUNK,)
        Scratch too.

    Notes
    -----
    Sources: Uhlenbeck and Ornstein 1930, doi:10.1103/PhysRev.36.823; Fürth 1920, doi:10.1007/BF01328731; for cells
    Dunn and Brown 1987, doi:10.1242/jcs.1987.supplement_8.5; with chemotaxis Stokes and Lauffenburger 1991,
    doi:10.1016/S0022-5193(05)80201-2; reviewed by Codling, Plank and Benhamou 2008, doi:10.1098/rsif.2008.0014. That
    fibroblasts turn to the fibres around them: Dallon, Sherratt and Maini 1999, doi:10.1006/jtbi.1999.0971.
    """
    if speed <= 0.0:
        return
    _, nz, ny, nx = room.shape
    n_axes = 2 if ny == 1 else 3
    per_um, size = inverse(voxel_um), (nz * voxel_um[0], ny * voxel_um[1], nx * voxel_um[2])
    climbed = climbs if attraction_strength != 0.0 else -1
    walk_of(persistence, n_axes, dt, walk)
    for first in range(0, who.size, CHUNK):
        # One short loop after the other: luck and paths are taken for several cells at once, and the fields around
        # them waited for together. Some cells walk all their steps, while what they need is at hand; then the next.
        some = who[first : min(first + CHUNK, who.size)]
        take_up(some, position, direction, identity, noted, names)
        for step in range(n_steps):
            draw(seed, event, tick + step * ticks, names, some.size, n_axes, noted)
            feel(some.size, climbed, attraction, rooms, room, per_um, noted)
            turn(walk, attraction_strength, some.size, n_axes, dt, noted)
            if guidance.size > 0 and guidance_strength > 0.0:
                follow(guidance[first : first + some.size], guidance_strength, n_axes, noted)
            go(speed, some.size, size, noted)
        put_down(some, position, direction, noted)


@inlined
def push(
    position: Floats, order: Indices, first: int, last: int, i: int, contact: float, length_y: float,
    length_x: float, shift: Vector,
) -> Vector:  # fmt: skip
    """Add to a cell's shift how those listed at order[first:last] push it: by their overlap, straight away."""
    z, y, x = shift
    for place in range(first, last):
        j = order[place]
        apart_z = position[i, 0] - position[j, 0]
        apart_y = nearest_image(position[i, 1] - position[j, 1], length_y)
        apart_x = nearest_image(position[i, 2] - position[j, 2], length_x)
        square = apart_z * apart_z + apart_y * apart_y + apart_x * apart_x
        if 0.0 < square < contact * contact:
            share = contact / np.sqrt(square) - 1.0
            z += share * apart_z
            y += share * apart_y
            x += share * apart_x
    return z, y, x


@kept
def repel(
    position: Floats, start: Indices, order: Indices, radius_um: float, strength: float, max_step_um: float,
    voxel_um: Edges, shape: Shape, out: Floats,
) -> None:  # fmt: skip
    """How far cells that overlap push each other apart in one step, [um].

    Cells are soft balls in a viscous medium: of the overlap 2 R - |X_i - X_j| with each neighbour a cell gives way by
    strength / 2, along the line of centres; in all by no more than ``max_step_um``. With strength 1 two cells alone
    are just apart after the step. Cells in the very same place do not push, for want of a direction.

    Parameters
    ----------
    position : array (n, 3), [um]
    start : int64 array (n_voxels + 1,)
    order : int64 array (n,)
        Of `sort_cells`, for these very positions.
    radius_um, strength, max_step_um : float
        R [um], share of the overlap [1], longest shift [um].
    voxel_um : array or tuple (3,), [um]
    shape : array or tuple (3,)
    out : array (n, 3), [um]
        Written; what `displace` takes. 0 along y in a slice.

    Notes
    -----
    Source: overlapping spheres, Osborne et al. 2017, doi:10.1371/journal.pcbi.1005387.
    """
    nz, ny, nx = shape[0], shape[1], shape[2]
    contact = 2.0 * radius_um
    per_um = inverse(voxel_um)
    reach_z = int(np.ceil(contact / voxel_um[0]))
    reach_y = int(np.ceil(contact / voxel_um[1]))
    reach_x = int(np.ceil(contact / voxel_um[2]))
    length_y, length_x = ny * voxel_um[1], nx * voxel_um[2]
    for place in range(order.size):
        i = order[place]  # neighbours are looked at one after the other: what they need is at hand
        iz = index_along(position[i, 0], per_um[0], nz)
        iy = index_along(position[i, 1], per_um[1], ny)
        ix = index_along(position[i, 2], per_um[2], nx)
        first_y, n_rows = (iy - reach_y, 2 * reach_y + 1) if 2 * reach_y + 1 < ny else (0, ny)
        first_x, n_columns = (ix - reach_x, 2 * reach_x + 1) if 2 * reach_x + 1 < nx else (0, nx)
        first_x = wrapped(first_x, nx)
        beyond = max(first_x + n_columns - nx, 0)  # voxels of a row that lie around the side
        shift = (0.0, 0.0, 0.0)
        for z in range(max(iz - reach_z, 0), min(iz + reach_z + 1, nz)):
            for y in range(first_y, first_y + n_rows):
                row = (z * ny + wrapped(y, ny)) * nx
                first, last = start[row + first_x], start[row + first_x + n_columns - beyond]
                shift = push(position, order, first, last, i, contact, length_y, length_x, shift)
                if beyond > 0:
                    first, last = start[row], start[row + beyond]
                    shift = push(position, order, first, last, i, contact, length_y, length_x, shift)
        scale = 0.5 * strength
        length = scale * np.sqrt(shift[0] * shift[0] + shift[1] * shift[1] + shift[2] * shift[2])
        if length > max_step_um:
            scale *= max_step_um / length
        out[i, 0] = scale * shift[0]
        out[i, 1] = scale * shift[1] if ny > 1 else 0.0
        out[i, 2] = scale * shift[2]
