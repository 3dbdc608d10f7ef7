"""How many cells of each kind will soon be in each voxel: what laws expect, before chance has its say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collagensim.kernels.numbers import kept

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]

CHUNK = 512  # voxels that are looked at together, so that what is worked on stays in the first cache


@kept
def expect_cells(
    now: Floats, found: Floats, entry_rows: Integers, hazard_row: int, first: Integers, removes: Integers,
    other: Integers, days: float, left: Floats, out: Floats,
) -> None:  # fmt: skip
    """Densities of cells to be expected after some days, by rates that stay as they are: of order one, never negative.

    Of a kind with density n and arrivals a, h being the sum of the hazards h_j that remove its cells::

        n' = n / (1 + h dt) + a dt + sum of h_j dt n_i / (1 + h_i dt)

    over the events of any kind i that make cells of this one.

    Parameters
    ----------
    now : (n_kinds, n_voxels) densities.
    found : (n_out, n_voxels) arrivals in the rows ``entry_rows`` (n_kinds,), -1 for none, and hazards from
        ``hazard_row`` on.
    first : (n_kinds + 1,) events first[k] to first[k + 1] befall cells of kind k.
    removes, other : (n_events,) whether the cell is its kind's no more, 0 or 1, and the kind that appears, -1 for none.
    days : how long they go on.
    left : (CHUNK,) scratch.
    out : (n_kinds, n_voxels) written.
    """
    for begin in range(0, now.shape[1], CHUNK):
        end = min(begin + CHUNK, now.shape[1])
        for k in range(now.shape[0]):
            for v in range(begin, end):
                out[k, v] = days * found[entry_rows[k], v] if entry_rows[k] >= 0 else 0.0
        for k in range(now.shape[0]):
            for v in range(begin, end):
                left[v - begin] = 1.0
            for j in range(first[k], first[k + 1]):
                if removes[j] > 0:
                    for v in range(begin, end):
                        left[v - begin] += days * found[hazard_row + j, v]
            for v in range(begin, end):
                left[v - begin] = now[k, v] / left[v - begin]
                out[k, v] += left[v - begin]
            for j in range(first[k], first[k + 1]):
                if other[j] >= 0:
                    for v in range(begin, end):
                        out[other[j], v] += days * found[hazard_row + j, v] * left[v - begin]
