"""A model's rates over all voxels of a tissue, eight voxels side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.numbers import WIDTH, as_numbers, call, columns, flat, kept, tail

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]

__all__ = ["TILE", "evaluate_voxels"]

# Groups of eight voxels that are copied at once: rows are read and written in whole stretches of memory, and what is
# worked on stays in the second cache.
TILE = 32


@kept
def evaluate_voxels(
    address: int, levels: Floats, actors: Floats, p: Floats, u: Floats, first: Integers, skipped: Integers, y: Floats,
    n: Floats, result: Floats, out: Floats,
) -> None:  # fmt: skip
    """Call ``voxel_rates(y, n, p, u, out)`` at an address for every voxel.

    ``levels`` (m, n_voxels), ``actors`` (n_cells, n_voxels) and ``out`` (n_out, n_voxels) have the voxels along memory;
    voxels first[k] to first[k + 1] read the slots ``p`` (n_p, 8) and ``u[k]`` (n_u, 8), the same in every lane, and of
    their results those from skipped[k, 0] to skipped[k, 1] are not written. ``y`` (TILE m, 8), ``n`` (TILE n_cells, 8)
    and ``result`` (TILE n_out, 8) are working memory.
    """
    m, n_cells, n_out, n_voxels = levels.shape[0], actors.shape[0], out.shape[0], levels.shape[1]
    for k in range(first.size - 1):
        slots = as_numbers(u[k])
        end = first[k] + (first[k + 1] - first[k]) // WIDTH * WIDTH
        for start in range(first[k], end, WIDTH * TILE):
            n_groups = min(TILE, (end - start) // WIDTH)
            for i in range(m):
                row = columns(tail(flat(levels), i * n_voxels + start))
                for g in range(n_groups):
                    as_numbers(y)[g * m + i] = row[g]
            for i in range(n_cells):
                row = columns(tail(flat(actors), i * n_voxels + start))
                for g in range(n_groups):
                    as_numbers(n)[g * n_cells + i] = row[g]
            for g in range(n_groups):
                group = (tail(as_numbers(y), g * m), tail(as_numbers(n), g * n_cells))
                call(address, (*group, as_numbers(p), slots, tail(as_numbers(result), g * n_out)))
            for i in range(n_out):
                if skipped[k, 0] <= i < skipped[k, 1]:
                    continue
                row = columns(tail(flat(out), i * n_voxels + start))
                for g in range(n_groups):
                    row[g] = as_numbers(result)[g * n_out + i]
        # The last voxels may not fill the lanes; the others calculate too, with what they held before.
        n_left = first[k + 1] - end
        if n_left > 0:
            for lane in range(n_left):
                for i in range(m):
                    y[i, lane] = levels[i, end + lane]
                for i in range(n_cells):
                    n[i, lane] = actors[i, end + lane]
            call(address, (as_numbers(y), as_numbers(n), as_numbers(p), slots, as_numbers(result)))
            for i in range(n_out):
                if skipped[k, 0] <= i < skipped[k, 1]:
                    continue
                for lane in range(n_left):
                    out[i, end + lane] = result[i, lane]
