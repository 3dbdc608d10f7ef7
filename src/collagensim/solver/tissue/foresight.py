"""What laws let expect in the middle of a step: there they are read again, so that the step is of order two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.write.events import BECOMES, DIES

if TYPE_CHECKING:
    from collagensim.solver.tissue.stages import Senses
    from collagensim.solver.tissue.state import State
    from collagensim.solver.tissue.world import World
    from collagensim.write.tissue import CellEvent, TissuePlan

Integers: TypeAlias = npt.NDArray[np.int64]


def foresee(world: World, state: State, senses: Senses, days: float) -> None:
    """Write what there will be to sense after some days; what becomes of all that stays the laws have said.

    Soluble fields spread; those in balance are in that of now. The order of fibres that have a direction stays, as
    numbers tell nothing of it.
    """
    begun, middle, shape = senses.levels, senses.middle, state.soluble.shape
    soluble, source, drain = (a.reshape(shape) for a in (middle.soluble, senses.source, senses.drain))
    world.diffuser.step(
        state.soluble, source, drain, days, which=world.spreading, out=soluble, one_loss=senses.acts.one_drain
    )  # fmt: skip
    for each in world.settlings:
        soluble[each.field] = state.soluble[each.field]
    if world.weave is not None:
        middle.matrix[world.weave.place] = begun.matrix[world.weave.place]


def who_leaves(plan: TissuePlan) -> Integers:
    """Rows of the hazards that remove cells of each kind, for `collagensim.kernels.foresight.expect_cells`."""
    removing = [(e.kind, j) for j, e in _events(plan) if e.outcome in (DIES, BECOMES)]
    return _filled([[j for kind, j in removing if kind == k] for k in range(len(plan.cells))], ())


def who_makes(plan: TissuePlan) -> Integers:
    """What cells of each kind come from, for `collagensim.kernels.foresight.expect_cells`."""
    stay = [(k, -1, k) for k in range(len(plan.cells))]
    every = sorted([*stay, *((e.kind, j, e.other) for j, e in _events(plan))])
    return _filled([[(i, j) for i, j, other in every if other == k] for k in range(len(plan.cells))], (2,))


def _events(plan: TissuePlan) -> list[tuple[int, CellEvent]]:
    return list(enumerate(plan.events, plan.hazard_rows.start))


def _filled(rows: Sequence[Sequence[Any]], each: tuple[int, ...]) -> Integers:
    """Rows of numbers or of so many numbers each, the shorter ones filled up with -1."""
    most = max([1, *map(len, rows)])
    found = np.full((len(rows), most, *each), -1, dtype=np.int64)
    for k, row in enumerate(rows):
        for j, value in enumerate(row):
            found[k, j] = value
    return found
