"""How dense vessels are around every place, found anew where they have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.draws import inlined
from collagensim.kernels.numbers import flat, kept, kept_compact
from collagensim.kernels.places import mirrored, wrapped
from collagensim.kernels.smoothing import sight, weigh, weigh_all, weigh_both

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Flags: TypeAlias = npt.NDArray[np.bool_]

__all__ = ["CHUNK", "density", "sight", "smooth_anew"]

CHUNK = 16  # voxels of a row whose means are renewed together


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


@kept_compact
def smooth_anew(
    source: Floats, weights: Floats, before: Floats, rows: Floats, planes: Floats, out: Floats, anew: Flags,
    padded: Floats,
) -> None:  # fmt: skip
    """Renew the mean around every voxel, (nz, ny, nx), where the ``source`` is not what it was ``before``.

    The same weights act along every axis, around the sides, and mirrored at top and bottom; nothing is lost. What is
    left as it was has the bits that it would have anew.

    Parameters
    ----------
    weights : (reach + 1,), as of `sight`
    before : (nz, ny, nx)
        Of when it was last renewed, NaN at first; written.
    rows, planes, out : (nz, ny, nx)
        Means along x, along x and y, and all around; written where they change. Of a slice planes are not used.
    anew : (2, nz, ny, n_chunks)
        Scratch; n_chunks CHUNKs hold a row.
    padded : (nx + 2 reach,)
        Scratch.
    """
    (nz, ny, nx), reach = source.shape, weights.size - 1
    anew[:] = False
    for z in range(nz):
        for y in range(ny):
            if note(source[z, y], before[z, y], reach, anew[0, z, y]):
                pad(source[z, y], padded, reach)
                weigh_all(flat(weights), reach, flat(padded), reach, 1, flat(rows), (z * ny + y) * nx, nx)
    flags, last = anew[0], rows
    if ny > 1:
        smooth_chunks_across(rows, weights, anew[0], anew[1], planes)
        flags, last = anew[1], planes
    spread_down(flags, reach, anew[0] if ny > 1 else anew[1])
    smooth_chunks_down(last, weights, anew[0] if ny > 1 else anew[1], out)


@inlined
def note(source: Floats, before: Floats, reach: int, anew: Flags) -> bool:
    """Note in which chunks of a row (nx,) means change, and what there is now; return whether any does."""
    nx, any_changed = source.size, False
    for x in range(nx):
        if source[x] != before[x]:
            any_changed = True
            before[x] = source[x]
            if 2 * reach >= nx:
                anew[:] = True
                continue
            first, end = x - reach, x + reach
            for chunk in range(max(first, 0) // CHUNK, min(end, nx - 1) // CHUNK + 1):
                anew[chunk] = True
            for chunk in range((first + nx) // CHUNK if first < 0 else anew.size, anew.size):
                anew[chunk] = True
            for chunk in range((end - nx) // CHUNK + 1 if end >= nx else 0):
                anew[chunk] = True
    return any_changed


@inlined
def pad(row: Floats, padded: Floats, reach: int) -> None:
    """Copy a row that repeats itself, with what lies up to ``reach`` beyond its ends."""
    n = row.size
    for x in range(n):
        padded[reach + x] = row[x]
    for x in range(reach):
        padded[reach - 1 - x] = row[wrapped(-1 - x, n)]
        padded[reach + n + x] = row[wrapped(n + x, n)]


@inlined
def smooth_chunks_across(source: Floats, weights: Floats, changed: Flags, anew: Flags, out: Floats) -> None:
    """Renew the means along y, around the sides, of chunks within reach of those that have changed; notes which."""
    nz, ny, nx = out.shape
    reach = weights.size - 1
    anew[:] = False
    for z in range(nz):
        for y in range(ny):
            for chunk in range(changed.shape[2]):
                if changed[z, y, chunk]:
                    for off in range(-min(reach, ny), min(reach, ny) + 1):
                        anew[z, wrapped(y + off, ny), chunk] = True
        for y in range(ny):
            for chunk in range(changed.shape[2]):
                if anew[z, y, chunk]:
                    for x in range(chunk * CHUNK, min((chunk + 1) * CHUNK, nx)):
                        total = weights[0] * source[z, y, x]
                        for j in range(1, weights.size):
                            total += weights[j] * (
                                source[z, wrapped(y - j, ny), x] + source[z, wrapped(y + j, ny), x]
                            )
                        out[z, y, x] = total


@inlined
def spread_down(changed: Flags, reach: int, anew: Flags) -> None:
    """Note the chunks no more than ``reach`` rows above or below those that have changed, mirrors included."""
    nz = changed.shape[0]
    anew[:] = False
    for z in range(nz):
        # What the mirrors show of a row lies nearer to them than the row itself.
        first, end = (max(z - reach, 0), min(z + reach, nz - 1)) if reach < nz else (0, nz - 1)
        for y in range(changed.shape[1]):
            for chunk in range(changed.shape[2]):
                if changed[z, y, chunk]:
                    for row in range(first, end + 1):
                        anew[row, y, chunk] = True


@inlined
def smooth_chunks_down(source: Floats, weights: Floats, anew: Flags, out: Floats) -> None:
    """Renew the means along z, with what lies beyond top and bottom their mirror image, of chunks that say so."""
    nz, ny, nx = out.shape
    reach, plane = weights.size - 1, ny * nx
    for z in range(nz):
        for y in range(ny):
            for chunk in range(anew.shape[2]):
                if not anew[z, y, chunk]:
                    continue
                first, n = chunk * CHUNK, min(CHUNK, nx - chunk * CHUNK)
                at = (z * ny + y) * nx + first
                if reach <= z < nz - reach:
                    weigh_all(flat(weights), reach, flat(source), at, plane, flat(out), at, n)
                    continue
                here = out[z, y, first : first + n]
                weigh(weights[0], source[z, y, first : first + n], here)
                for j in range(1, weights.size):
                    above, below = mirrored(z - j, nz), mirrored(z + j, nz)
                    weigh_both(
                        weights[j], source[above, y, first : first + n], source[below, y, first : first + n], here
                    )  # fmt: skip
