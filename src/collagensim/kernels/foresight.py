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
    sensed: Floats, acting: Floats, found: Floats, entry_rows: Integers, hazard_row: int, first: Integers,
    removes: Integers, other: Integers, days: float, work: Floats, sensed_then: Floats, acting_then: Floats,
) -> None:  # fmt: skip
    """Densities of cells to be expected after some days, by rates that stay as they are: of order one, never negative.

    Of a kind with density n and arrivals a, h being the sum of the hazards h_j that remove its cells::

        n' = n / (1 + h dt) + a dt + sum of h_j dt n_i / (1 + h_i dt)

    over the events of any kind i that make cells of this one. Two densities at once: they have the hazards in common.

    Parameters
    ----------
    sensed, acting : (n_kinds, n_voxels) densities, felt from around and in the voxel itself.
    found : (n_out, n_voxels) arrivals in the rows ``entry_rows`` (n_kinds,), -1 for none, and hazards from
        ``hazard_row`` on.
    first : (n_kinds + 1,) events first[k] to first[k + 1] befall cells of kind k.
    removes, other : (n_events,) whether the cell is its kind's no more, 0 or 1, and the kind that appears, -1 for none.
    days : how long they go on.
    work : (3, CHUNK) scratch.
    sensed_then, acting_then : (n_kinds, n_voxels) written.
    """
    for begin in range(0, sensed.shape[1], CHUNK):
        end = min(begin + CHUNK, sensed.shape[1])
        size = end - begin
        share, felt, there = work[0, :size], work[1, :size], work[2, :size]
        for k in range(sensed.shape[0]):
            # Rows are cut out first: an index that may be negative would keep the loops from running in lanes.
            felt_then, there_then = sensed_then[k, begin:end], acting_then[k, begin:end]
            if entry_rows[k] >= 0:
                arrivals = found[entry_rows[k], begin:end]
                for i in range(size):
                    felt_then[i] = there_then[i] = days * arrivals[i]
            else:
                felt_then[:] = 0.0
                there_then[:] = 0.0
        for k in range(sensed.shape[0]):
            felt_now, there_now = sensed[k, begin:end], acting[k, begin:end]
            most = 0.0
            for i in range(size):
                most = max(most, felt_now[i], there_now[i])
            if most == 0.0:  # nobody here, of whom anything could come
                continue
            share[:] = 1.0
            for j in range(first[k], first[k + 1]):
                if removes[j] > 0:
                    hazard = found[hazard_row + j, begin:end]
                    for i in range(size):
                        share[i] += days * hazard[i]
            felt_then, there_then = sensed_then[k, begin:end], acting_then[k, begin:end]
            for i in range(size):
                stay = 1.0 / share[i]
                felt[i], there[i] = felt_now[i] * stay, there_now[i] * stay
            for i in range(size):
                felt_then[i] += felt[i]
                there_then[i] += there[i]
            for j in range(first[k], first[k + 1]):
                if other[j] >= 0:
                    hazard = found[hazard_row + j, begin:end]
                    felt_then, there_then = sensed_then[other[j], begin:end], acting_then[other[j], begin:end]
                    for i in range(size):
                        felt_then[i] += days * hazard[i] * felt[i]
                        there_then[i] += days * hazard[i] * there[i]
