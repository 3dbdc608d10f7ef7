"""How long a step takes on this machine, before a course begins."""

from __future__ import annotations

import time

from collagensim.solver.tissue.stages import new_senses, step
from collagensim.solver.tissue.world import TICKS, World, resting_state

N_STEPS = 3
HOUR = TICKS // 24


def seconds_a_step(world: World) -> float:
    """Return the seconds that a step of an hour takes in resting tissue, but for the first, which may compile.

    Later steps take longer as cells gather, by a third or so in a wound.
    """
    state, senses = resting_state(world), new_senses(world)
    step(world, state, senses, HOUR)
    begun = time.perf_counter()
    for _ in range(N_STEPS):
        step(world, state, senses, HOUR)
    return (time.perf_counter() - begun) / N_STEPS
