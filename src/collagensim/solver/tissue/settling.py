"""Soluble fields that are in balance at every moment: the steady level that supply, use and diffusion agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import SolveError
from collagensim.model import Operand, Settled
from collagensim.solver.compiled import kernels_of
from collagensim.solver.resting import SPACE
from collagensim.solver.system import Bound

if TYPE_CHECKING:
    from collagensim.solver.tissue.stages import Senses
    from collagensim.solver.tissue.state import State
    from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

balance = kernels_of("balance")

# Of the level at rest: what the last tangent may leave to go, nowhere more. It leaves less than half of what it has
# changed, and less than a quarter where changes shrink to a fifth, as cycles let them.
CLOSE = 0.0015
FIFTH = 0.2
MOST_TANGENTS = 100


@dataclass(frozen=True, eq=False)
class Settling:
    """A soluble field that a settled quantity has become.

    Attributes
    ----------
    field : its place among the soluble fields; species : its position in the model.
    of : Settled
        What it is where there are no places.
    rest : (nz,) level at rest in each row.
    """

    field: int
    species: int
    of: Settled
    rest: Floats


def settlings_of(world: World) -> tuple[Settling, ...]:
    """Return the fields of a tissue that are in balance at every moment."""
    names, found = list(world.model.species_names), []
    for relaxation in world.architecture.relaxations:
        species = names.index(relaxation.of.name)
        field = int(np.flatnonzero(world.soluble == species)[0])
        found.append(Settling(field, species, relaxation.of, world.resting[world.block.layer, species]))
    return tuple(found)


def settle_fields(world: World, state: State, senses: Senses) -> None:
    """Bring fields to the balance of what was sensed: each as a share of its level at rest, so that rest is rest.

    What keeps the resting levels of two layers apart, which the model does not say, goes on to do so in proportion: it
    is the share of rest that diffusion evens out. Newton's method; after a first tangent it climbs to the balance from
    below (see `collagensim.kernels.balance`), and where it starts near it, as from step to step, one or two do.

    Raises
    ------
    SolveError
        When it does not come near, which no model with a use that saturates has made happen.
    """
    for each in world.settlings:
        _settle(world, state, senses, each)


def _settle(world: World, state: State, senses: Senses, each: Settling) -> None:
    nz, plan, rest = world.block.shape[0], world.laws.plan, each.rest
    source, half = (_by_row(world, node) / rest for node in (each.of.source, each.of.half_use))
    share, supply, use = (np.empty((nz, world.block.n_voxels // nz)) for _ in range(3))
    rows = (
        senses.levels[each.species],
        *(senses.found[which[each.species]] for which in (plan.net_rows, plan.loss_rows)),
    )
    balance.part_sides(*(row.reshape(nz, -1) for row in rows), rest, source, half, share, supply, use)
    made, drain = senses.source.reshape(state.soluble.shape), senses.drain.reshape(state.soluble.shape)
    lack, ceiling = state.soluble[each.field].reshape(nz, -1), float(source.max())
    sides = [values[each.field].reshape(nz, -1) for values in (made, drain)]
    last = 0.0
    for _ in range(MOST_TANGENTS):
        balance.write_tangent(share, supply, use, source, half, ceiling, lack, *sides)
        world.diffuser.approach(state.soluble, made, drain, which=[each.field])
        change = balance.take_lack(lack, ceiling, share)
        if change <= (4.0 if change <= FIFTH * last else 2.0) * CLOSE:
            lack[:] = share * rest[:, None]
            return
        last = change
    raise SolveError(f"{each.of.name!r} has found no balance in {MOST_TANGENTS} tangents")


def _by_row(world: World, operand: Operand) -> Floats:
    """A formula free of state, in each row (nz,)."""
    bound: Bound = world.bound
    by_block = np.broadcast_to(bound.value(operand.node), (1, SPACE.n_blocks))[0]
    return np.asarray(by_block[world.block.layer * SPACE.n_compartments], dtype=np.float64)
