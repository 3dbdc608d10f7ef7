"""Cells that rest where they are until there is more to climb than at rest."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]


def paces(world: World, attraction: Floats) -> list[tuple[Flags, Floats]]:
    """Kinds of cells that share a pace (n_kinds,), and that pace over their speed (nz, ny, nx); each kind once.

    With a = ln(1 + what there is to climb), ``attraction`` (n_kinds, nz, ny, nx), and a_0 the same at rest, a kind that
    rests walks at 1 - exp(a_0 - a) of its speed, and not at all where there is no more than at rest.
    """
    rests = np.array([motion.rests for motion in world.motions], dtype=bool)
    found = [(~rests, world.room)]
    for climbs in dict.fromkeys(c for c, still in zip(world.climbs, rests, strict=True) if still):
        alike = rests & np.array([other == climbs for other in world.climbs])
        levels = sum(weight * world.resting[:, i] for i, weight in climbs)
        resting = np.log1p(levels)[world.block.layer][:, None, None]
        woken = -np.expm1(-np.maximum(attraction[np.argmax(alike)] - resting, 0.0))
        found.append((alike, world.room * woken))
    return [(kinds, pace) for kinds, pace in found if kinds.any()]
