"""A model's rates over all voxels of a tissue, eight voxels side by side, and what becomes of its fields by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from collagensim.kernels.foresight import expect_cells
from collagensim.kernels.numbers import (
    WIDTH,
    all_written,
    any_negative,
    as_numbers,
    call,
    columns,
    flat,
    kept,
    kernel,
    larger,
    put_past,
    tail,
    where_negative,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Singles: TypeAlias = npt.NDArray[np.float32]
    Integers: TypeAlias = npt.NDArray[np.int64]

__all__ = ["TILE", "evaluate_voxels"]

# Groups of eight voxels that are copied at once: rows are read and written in whole stretches of memory, and what is
# worked on stays in the second cache.
TILE = 32


@kernel
def gather(rows: Any, slots: Integers, skip: int, y: Any, size: int, first: int, n_groups: int) -> None:
    """Copy rows (n_rows, n_voxels) to the slots of groups of numbers, ``size`` slots a group."""
    for k in range(rows.shape[0]):
        row, slot = columns(tail(flat(rows), k * rows.shape[1] + first)), slots[skip + k]
        for g in range(n_groups):
            y[g * size + slot] = row[g]


@kernel
def gather_columns(
    rows: Any, slots: Integers, skip: int, y: Any, size: int, first: int, n_groups: int
) -> None:
    """As `gather` of what every voxel below a column of the surface reads, (n_rows, n_columns)."""
    if rows.shape[0] == 0:
        return
    values, n_around = columns(flat(rows)), rows.shape[1] // WIDTH
    for g in range(n_groups):
        at = (first // WIDTH + g) % n_around
        for k in range(rows.shape[0]):
            y[g * size + slots[skip + k]] = values[k * n_around + at]


@kernel
def part_rates(
    soluble: Any, rows: Integers, skip: int, result: Any, n_out: int, first: int, n_groups: int, source: Any,
    drain: Any, one_drain: Floats,
) -> None:  # fmt: skip
    """Write a rate and its slope -loss as source - drain * level, neither of them negative.

    The drain is the loss where that leaves a source. Where it would leave less than none, as it may for a law that
    bends, the drain is all there is: -net / level, with the same rate now. A law that takes from an empty voxel, which
    none should, finds nothing there.

    A drain that is ``one_drain`` everywhere stands there already, unless this is NaN; it becomes so where a law bends.
    """
    for k in range(soluble.shape[0]):
        stands = one_drain[k] == one_drain[k]
        begin, net_row, loss_row = k * soluble.shape[1] + first, rows[skip + k, 0], rows[skip + k, 1]
        levels, made_of, lost_of = (
            columns(tail(flat(soluble), begin)),
            columns(tail(flat(source), begin)),
            columns(tail(flat(drain), begin)),
        )
        for g in range(n_groups):
            level, net = levels[g], result[g * n_out + net_row]
            loss = larger(result[g * n_out + loss_row], 0.0)
            made = net + loss * level
            if any_negative(made):
                bent = where_negative(0.0 - level, (0.0 - net) / level, 0.0)
                loss = where_negative(made, bent, loss)
                made = where_negative(made, 0.0, made)
                put_past(lost_of, g, loss)
                one_drain[k] = np.nan
            elif not stands:
                put_past(lost_of, g, loss)
            put_past(made_of, g, made)


@kernel
def relax_rates(
    rows_now: Any, rows_begun: Any, rows: Integers, skip: int, result: Any, n_out: int, first: int, n_groups: int,
    days: float, rows_next: Any,
) -> None:  # fmt: skip
    """Write what the levels ``rows_begun`` become in some days, by the rate that holds at ``rows_now``.

    Where its slope is a loss, with x = dt loss and the rate net' = net - loss (begun - now) at the former::

        begun + dt net' (1 + x / 2) / (1 + x + x^2 / 2)

    which is of order two where the rate is linear in the level, and goes to the balance in a long step. Where net is a
    source that is not negative less loss * level, the level stays so, in a step of any length.
    """
    for k in range(rows_now.shape[0]):
        begin, net_row, loss_row = k * rows_now.shape[1] + first, rows[skip + k, 0], rows[skip + k, 1]
        levels, found = columns(tail(flat(rows_now), begin)), columns(tail(flat(rows_next), begin))
        begun = columns(tail(flat(rows_begun), begin))
        for g in range(n_groups):
            net, loss = result[g * n_out + net_row], larger(result[g * n_out + loss_row], 0.0)
            x, before = days * loss, begun[g]
            here = days * (net - loss * (before - levels[g]))
            put_past(found, g, before + here * (1.0 + 0.5 * x) / (1.0 + x + 0.5 * x * x))


@kept
def evaluate_voxels(
    address: int, cells: Floats, matrix: Floats, soluble: Singles, surface: Floats, slots: Integers, actors: Floats,
    p: Floats, u: Floats, first: Integers, begin: int, end: int, told: Integers, found: Floats, exchanged: Integers,
    days: float, matrix_begun: Floats, surface_begun: Floats, source: Singles, drain: Singles, one_drain: Floats,
    matrix_next: Floats, surface_next: Floats, entry_rows: Integers, leaves: Integers, makes: Integers,
    cells_next: Floats, actors_next: Floats, y: Floats, n: Floats, result: Floats,
) -> None:  # fmt: skip
    """Call ``voxel_rates(y, n, p, u, out)`` at an address for voxels ``begin`` to ``end``, and act on what it says.

    Voxels first[k] to first[k + 1] read the slots ``p`` (n_p, 8) and ``u[k]`` (n_u, 8), the same in every lane. All of
    these bounds are multiples of eight. What is written begins at multiples of 16 bytes, and goes past the caches: a
    step of a large tissue is more than they hold.

    Parameters
    ----------
    cells, matrix, soluble : (n_rows, n_voxels) what is sensed; surface : (n_rows, n_columns), the columns of the
        uppermost voxels, repeated downwards.
    slots : (m,) where in ``y`` the rows of cells, matrix, soluble and surface go, one after the other.
    actors : (n_cells, n_voxels), in the order of ``n``.
    told : (n_told, 2) elements of ``out`` that are written to ``found`` (n_out, n_voxels), and in how many spans.
    exchanged : (n_fields, 2) elements of ``out``: net rate and loss of each row of matrix, soluble and surface.
    days : length of the step.
    matrix_begun, surface_begun : as ``matrix`` and ``surface``: what they are before the step.
    source, drain : as ``soluble``, its rates written as source - drain * level, neither of them negative.
    one_drain : (n_soluble,) what stands in all of a drain already and is its loss, else NaN; changed, see `part_rates`.
    matrix_next, surface_next : as ``matrix`` and ``surface``, written: what they are after the step.
    entry_rows, leaves, makes : of `expect_cells`.
    cells_next, actors_next : as ``cells`` and ``actors``, written: what is to be expected of them after the step;
        nothing where they have no rows.
    y, n, result : (TILE m, 8), (TILE n_cells, 8), (TILE n_out, 8) working memory.
    """
    m, n_cells, n_out = slots.size, actors.shape[0], result.shape[0] // TILE
    n_matrix, n_soluble, n_columns = matrix.shape[0], soluble.shape[0], surface.shape[1]
    y_, n_, result_ = as_numbers(y), as_numbers(n), as_numbers(result)
    for k in range(first.size - 1):
        span_begin, span_end = max(first[k], begin), min(first[k + 1], end)
        for start in range(span_begin, span_end, WIDTH * TILE):
            n_groups = min(TILE, (span_end - start) // WIDTH)
            gather(cells, slots, 0, y_, m, start, n_groups)
            gather(matrix, slots, cells.shape[0], y_, m, start, n_groups)
            gather(soluble, slots, cells.shape[0] + n_matrix, y_, m, start, n_groups)
            gather_columns(surface, slots, cells.shape[0] + n_matrix + n_soluble, y_, m, start, n_groups)
            for i in range(n_cells):
                row = columns(tail(flat(actors), i * actors.shape[1] + start))
                for g in range(n_groups):
                    n_[g * n_cells + i] = row[g]
            for g in range(n_groups):
                group = (tail(y_, g * m), tail(n_, g * n_cells))
                call(address, (*group, as_numbers(p), as_numbers(u[k]), tail(result_, g * n_out)))
            for i in range(told.shape[0]):
                if k < told[i, 1]:
                    row = columns(tail(flat(found), told[i, 0] * found.shape[1] + start))
                    for g in range(n_groups):
                        put_past(row, g, result_[g * n_out + told[i, 0]])
            relax_rates(
                matrix, matrix_begun, exchanged, 0, result_, n_out, start, n_groups, days, matrix_next
            )
            part_rates(
                soluble, exchanged, n_matrix, result_, n_out, start, n_groups, source, drain, one_drain
            )
            n_above = min(n_groups, (n_columns - start) // WIDTH)
            if n_above > 0:
                skip = n_matrix + n_soluble
                relax_rates(
                    surface,
                    surface_begun,
                    exchanged,
                    skip,
                    result_,
                    n_out,
                    start,
                    n_above,
                    days,
                    surface_next,
                )
            if cells_next.shape[0] > 0:
                expect_cells(
                    result_, n_out, entry_rows, leaves, makes, days, y_, m, slots, n_, n_groups, start, cells_next,
                    actors_next,
                )  # fmt: skip
    all_written()
