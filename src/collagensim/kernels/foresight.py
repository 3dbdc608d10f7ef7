"""How many cells of each kind will soon be in each voxel: what laws expect, before chance has its say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collagensim.kernels.numbers import (
    any_negative,
    columns,
    flat,
    kernel,
    larger,
    put_past,
    tail,
    where_negative,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Integers: TypeAlias = npt.NDArray[np.int64]

__all__ = ["expect_cells"]


@kernel
def is_there(cells: Any, size: int, slot: int, n_groups: int) -> bool:
    """Whether any of some groups of voxels has anybody in a slot."""
    most = cells[slot]
    for g in range(1, n_groups):
        most = larger(most, cells[g * size + slot])
    return any_negative(0.0 - most)


@kernel
def let_leave(
    leaves: Integers, days: float, result: Any, n_out: int, n_groups: int, sensed: Any, size: int, slot: int,
    acting: Any, n_kinds: int, k: int,
) -> None:  # fmt: skip
    """Leave of the cells of kind k, n, who stays what they are: n / (1 + h dt), h all hazards that remove them."""
    for g in range(n_groups):
        share = 1.0 + days * result[g * n_out + leaves[0]]
        for j in range(1, leaves.size):
            if leaves[j] >= 0:
                share = share + days * result[g * n_out + leaves[j]]
        stay = 1.0 / share
        sensed[g * size + slot] = sensed[g * size + slot] * stay
        acting[g * n_kinds + k] = acting[g * n_kinds + k] * stay


@kernel
def expect_cells(
    result: Any, n_out: int, entry_rows: Integers, leaves: Integers, makes: Integers, days: float, sensed: Any,
    size: int, slots: Integers, acting: Any, n_groups: int, begin: int, sensed_then: Any, acting_then: Any,
) -> None:  # fmt: skip
    """Densities of cells to be expected after some days, by rates that stay as they are: of order one, never negative.

    Of a kind with density n and arrivals a, h being the sum of the hazards h_j that remove its cells::

        n' = n / (1 + h dt) + a dt + sum of h_j dt n_i / (1 + h_i dt)

    over the events of any kind i that make cells of this one. Two densities at once: they have the hazards in common.

    Parameters
    ----------
    result : ``n_out`` rates in each of some groups of voxels: arrivals in the rows ``entry_rows`` (n_kinds,), -1 for
        none, and hazards.
    leaves : (n_kinds, any) rows of the hazards that remove cells of each kind, then -1.
    makes : (n_kinds, any, 2) what cells of each kind come from: kind, and row of the hazard by which it makes them, or
        -1 for those who stay what they are; then -1, -1.
    days : how long they go on.
    sensed : densities felt from around, those of kind k in slot slots[k] of the ``size`` of each group; acting : those
        in the voxel itself, n_kinds a group. Both are changed.
    begin : the first of these voxels.
    sensed_then, acting_then : (n_kinds, n_voxels) written.
    """
    n_kinds = entry_rows.size
    for k in range(n_kinds):
        # Of nobody nothing can come. One may be felt who is nowhere near, and be there who does not feel himself.
        if leaves[k, 0] >= 0 and (
            is_there(sensed, size, slots[k], n_groups) or is_there(acting, n_kinds, k, n_groups)
        ):
            let_leave(leaves[k], days, result, n_out, n_groups, sensed, size, slots[k], acting, n_kinds, k)
    for k in range(n_kinds):
        felt_then = columns(tail(flat(sensed_then), k * sensed_then.shape[1] + begin))
        there_then = columns(tail(flat(acting_then), k * acting_then.shape[1] + begin))
        for g in range(n_groups):
            felt = where_negative(1.0 * entry_rows[k], 0.0, days * result[g * n_out + max(entry_rows[k], 0)])
            there = felt
            for j in range(makes.shape[1]):
                i, row = makes[k, j, 0], makes[k, j, 1]
                if i < 0:
                    break
                felt_now, there_now = sensed[g * size + slots[i]], acting[g * n_kinds + i]
                if row >= 0:
                    share = days * result[g * n_out + row]
                    felt_now, there_now = share * felt_now, share * there_now
                felt, there = felt + felt_now, there + there_now
            put_past(felt_then, g, felt)
            put_past(there_then, g, there)
