"""What cells climb, and at which pace those walk that rest where they are until there is more of it than at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.solver.compiled import kernels_of

if TYPE_CHECKING:
    from collagensim.solver.tissue.laws import Levels
    from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

climbing = kernels_of("climbing")


@dataclass(frozen=True, eq=False)
class Climbs:
    """What each kind of cells climbs, and memory for it; kinds that climb the same share it.

    Attributes
    ----------
    weights : of each field that is climbed: positions in the model's list and weights.
    field : (n_kinds,) which of these fields each kind climbs, -1 for none.
    resting : (n_fields, nz) what there is of it at rest in each row.
    attraction : (n_fields, nz, ny, nx) written by `sniff`.
    place : (n_kinds,) which row of ``room`` holds for each kind.
    room : (1 + n_fields, nz, ny, nx) what slows cells: crowding alone first, then those that rest and climb each field,
        written by `sniff`.
    """

    weights: tuple[tuple[tuple[int, float], ...], ...]
    field: Integers
    resting: Floats
    attraction: Floats
    place: Integers
    room: Floats


def climbs_of(world: World) -> Climbs:
    """Return what the cells of a world climb."""
    weights = tuple(dict.fromkeys(climbs for climbs in world.climbs if climbs))
    field = np.array([weights.index(c) if c else -1 for c in world.climbs], dtype=np.int64)
    rests = np.array([motion.rests for motion in world.motions], dtype=bool)
    resting = np.zeros((len(weights), world.resting.shape[0]))
    for found, terms in zip(resting, weights, strict=True):
        found[:] = sum(weight * world.resting[:, i] for i, weight in terms)
    room = np.empty((1 + len(weights), *world.block.shape))
    room[0] = world.room
    return Climbs(
        weights, field, np.ascontiguousarray(resting[:, world.block.layer]),
        np.empty((len(weights), *world.block.shape)), np.where(rests, 1 + field, 0), room,
    )  # fmt: skip


def sniff(climbs: Climbs, levels: Levels, present: Integers) -> None:
    """Write what there is to climb for the kinds of which cells are ``present`` (n_kinds,), and the pace of who rests.

    A kind that rests walks at 1 - exp(a_0 - a) of its speed, a = ln(1 + what there is to climb), a_0 the same at rest.
    """
    nz, nobody = climbs.room.shape[1], np.empty((0, 0))
    crowding, *paces = (values.reshape(nz, -1) for values in climbs.room)
    for k, terms in enumerate(climbs.weights):
        if not present[climbs.field == k].any():
            continue
        level = climbs.attraction[k].reshape(nz, -1)
        for j, (i, weight) in enumerate(terms):
            weigh = climbing.weigh_further if j else climbing.weigh_first
            weigh(levels[i], weight, level.reshape(-1))
        pace = paces[k] if np.any(climbs.place == 1 + k) else nobody
        climbing.answer(level, climbs.resting[k], crowding, pace)
