"""What laws let expect in the middle of a step: there they are read again, so that the step is of order two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.solver.compiled import kernels_of
from collagensim.write.events import BECOMES, DIES

if TYPE_CHECKING:
    from collagensim.solver.tissue.stages import Senses
    from collagensim.solver.tissue.state import State
    from collagensim.solver.tissue.world import World

kernels = kernels_of("foresight")


def foresee(world: World, state: State, senses: Senses, days: float) -> None:
    """Write what there will be to sense after some days, and who will act; what stays where it is stands there already.

    Soluble fields spread; those in balance are in that of now. Cells stay where they are, and become in numbers what
    is to be expected of them; so does the order of fibres that have a direction, of which numbers tell nothing.
    """
    begun, middle, shape = senses.levels, senses.middle, state.soluble.shape
    soluble, source, drain = (a.reshape(shape) for a in (middle.soluble, senses.source, senses.drain))
    world.diffuser.step(state.soluble, source, drain, days, which=world.spreading, out=soluble)
    for each in world.settlings:
        soluble[each.field] = state.soluble[each.field]
    if world.weave is not None:
        middle.matrix[world.weave.place] = begun.matrix[world.weave.place]
    plan = world.laws.plan
    removes = np.array([event.outcome in (DIES, BECOMES) for event in plan.events], dtype=np.int64)
    other = np.array([event.other for event in plan.events], dtype=np.int64)
    kernels.expect_cells(
        begun.cells, senses.actors, senses.found, plan.entry_rows, plan.hazard_rows.start, plan.first_event, removes,
        other, days, np.empty((3, kernels.CHUNK)), middle.cells, senses.middle_actors,
    )  # fmt: skip
