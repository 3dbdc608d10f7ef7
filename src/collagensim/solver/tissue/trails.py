"""Tips that draw vessels behind them: they leave nodes as they walk, and where they end they join a vessel or none."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.model import Derived, Expression, evaluate
from collagensim.solver.compiled import kernels_of
from collagensim.solver.resting import SPACE
from collagensim.solver.tissue.network import (
    ASKED,
    JOINED,
    TRAILED,
    Vessels,
    around,
    lay_lines,
    lengths,
    reachable,
)
from collagensim.write.lowering import states_read

if TYPE_CHECKING:
    from collagensim.solver.tissue.stages import Senses
    from collagensim.solver.tissue.state import State
    from collagensim.solver.tissue.web import Web
    from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Names: TypeAlias = npt.NDArray[np.uint64]

agents, fates, kernels = kernels_of("cells"), kernels_of("fates"), kernels_of("network")

SOUGHT = 64  # nodes among which a tip looks for a vessel that is not its own


def walk_trails(world: World, state: State, senses: Senses, web: Web, here: Vessels, days: float) -> None:
    """Let tips that are no more join a vessel or end, and others draw what they have walked."""
    if here.tip.size == 0:
        return
    at = _cells(state, web, here)
    if (at < 0).any():
        at = end_trails(world, state, senses, web, here, at)
    draw_trails(world, state, web, here, at, days)


def _cells(state: State, web: Web, here: Vessels) -> Integers:
    """Number of the cell that each tip (k,) is, -1 where it is no more."""
    who = np.flatnonzero(state.kind == web.tips)
    names = state.identity[who]
    order = np.argsort(names)
    place = np.searchsorted(names[order], here.tip)
    known = place < who.size
    known[known] = names[order[place[known]]] == here.tip[known]
    found = np.full(here.tip.size, -1, dtype=np.int64)
    found[known] = who[order[place[known]]]
    return found


def end_trails(world: World, state: State, senses: Senses, web: Web, here: Vessels, at: Integers) -> Integers:
    """Let tips that are no more (``at`` < 0) join the nearest vessel that is not their own, or end where they are.

    The reaction says how many join; who does is who touches a vessel: another tip around may do so in the place of one
    that touches none and lives on. Returns the cells ``at`` of those that are left.
    """
    gone = np.flatnonzero(at < 0)
    gone = gone[np.argsort(here.tip[gone])]
    joins = np.empty(gone.size, dtype=bool)
    voxel = voxels_of(world, here.tip_place[gone])
    total = senses.found[world.laws.plan.hazard_rows][web.dies, voxel]
    kernels.happens(
        here.tip[gone], _rate(world, senses, web, voxel) / total, world.seed, fates.JOINS, state.tick, joins
    )
    for k, join in zip(gone.tolist(), joins, strict=True):
        other = _who_touches(world, web, here, k, at) if join else k
        if other != k:
            state.identity[at[other]], state.position[at[other]] = here.tip[k], here.tip_place[k]
            at[k], at[other] = at[other], -1
        _end(world, web, here, other, bool(join))
    here.forget_tips(at >= 0)
    return at[at >= 0]


def _who_touches(world: World, web: Web, here: Vessels, k: int, at: Integers) -> int:
    """The tip k if it touches a vessel, else the nearest living one around that does, else k."""
    gap = lengths(around(here.tip_place - here.tip_place[k], world.block.size_um))
    near = np.flatnonzero((at >= 0) & (gap < web.nearness_um))
    for other in (k, *near[np.argsort(gap[near], kind="stable")].tolist()):
        place = here.tip_place[other]
        if _vessel_beside(world, web, here, int(here.tip_node[other]), place, web.contact_um) >= 0:
            return int(other)
    return k


def splitting_tips(
    world: World, state: State, web: Web, here: Vessels, places: Floats, identity: Names
) -> Integers:
    """Nodes (n,) at which tips split into themselves and new ones, -1 for those that leave the wall of a vessel.

    A new tip at a place (n, 3) splits off the nearest tip around that has drawn enough since it began or split; where
    there is none it leaves a wall.
    """
    found = np.full(identity.size, -1, dtype=np.int64)
    splits, chance = np.empty(identity.size, dtype=bool), np.full(identity.size, web.splitting)
    kernels.happens(identity, chance, world.seed, fates.BRANCHES, state.tick, splits)
    if here.tip.size == 0 or not splits.any():
        return found
    ripe = here.tip_node[_ripe(world, web, here)]
    for i in np.flatnonzero(splits):
        gap = lengths(around(here.node[ripe] - places[i], world.block.size_um))
        if gap.size and gap.min() < web.nearness_um:
            found[i] = ripe[np.argmin(gap)]
            ripe = ripe[ripe != found[i]]
    return found


def _ripe(world: World, web: Web, here: Vessels) -> Integers:
    """Tips that have drawn enough since they began or split, alone at the end of their trail."""
    degree = np.bincount(here.ends.ravel(), minlength=here.node.shape[0])
    piece = np.zeros(degree.size, dtype=np.int64)
    piece[here.ends.ravel()] = np.repeat(np.arange(here.ends.shape[0]), 2)
    alone = np.bincount(here.tip_node, minlength=degree.size)[here.tip_node] == 1
    branch = here.branches()
    length = np.bincount(branch, lengths(here.vectors(world.block.size_um)))
    drawn = (degree[here.tip_node] == 1) & alone
    drawn[drawn] = length[branch[piece[here.tip_node[drawn]]]] >= web.splitting_um * (1.0 - 1e-9)
    return np.flatnonzero(drawn)


def _rate(world: World, senses: Senses, web: Web, voxel: Integers) -> Floats:
    """At which rate tips in some voxels join vessels [1/day], (n,)."""
    assert web.joining is not None
    layer = world.block.layer[voxel // (world.block.shape[1] * world.block.shape[2])]
    index, bound, names = world.model.species.index, world.bound, _names(web.joining)
    values = {name: np.reshape(bound.parameters[name], -1) for name in names & bound.parameters.keys()}
    for name in names & bound.inputs.keys():
        values[name] = bound.inputs[name][0, layer * SPACE.n_compartments]
    for species in states_read(web.joining):
        values[species.name] = senses.levels[index(species)][voxel]
    # What removes tips is negative in the reaction.
    return -np.broadcast_to(evaluate(web.joining, values), voxel.shape)


@functools.cache
def _names(node: Expression) -> frozenset[str]:
    """Names of all that a formula reads, through derived quantities too."""
    inner = (leaf.declared for leaf in node.symbols)
    within = [_names(each.expression.node) for each in inner if isinstance(each, Derived)]
    return frozenset({leaf.name for leaf in node.symbols}.union(*within))


def _end(world: World, web: Web, here: Vessels, k: int, join: bool) -> None:
    """Lay what the tip number k has walked since its last node, and join it to a vessel within reach.

    Where another has joined the end of its trail already it stops there.
    """
    last, size, place = int(here.tip_node[k]), world.block.size_um, here.tip_place[k]
    other = _vessel_beside(world, web, here, last, place, web.reach_um) if join else -1
    if join:
        stands = other < 0 and np.count_nonzero(here.ends == last) > 1
        here.met[int(other < 0 and not stands)] += 1
        if stands:
            return
    gap = lengths(around((place - here.node[last])[None], size))[0]
    if gap > 0.0:
        end = here.add_nodes(place[None])
        here.add_pieces(np.array([[last, end[0]]]))
        here.ledger[TRAILED] += gap
        last = int(end[0])
    if other >= 0:
        here.ledger[JOINED] += lay_lines(here, np.array([[last, other]]), web.piece_um, size).sum()


def _vessel_beside(world: World, web: Web, here: Vessels, last: int, place: Floats, reach_um: float) -> int:
    """The nearest node within reach of a place that is no part of the trail that ends at ``last`` or close to its root.

    -1 where there is none.
    """
    own = reachable(here.ends, here.node.shape[0], last, int(np.ceil(2.0 * reach_um / web.piece_um)))
    branch = here.branches()
    mine = np.unique(branch[(here.ends[:, 0] == last) | (here.ends[:, 1] == last)])
    own[here.ends[np.isin(branch, mine)].ravel()] = True
    gap = here.square_gaps(place, world.block.size_um)
    near = np.flatnonzero(gap < reach_um**2)
    near = near[np.argsort(gap[near], kind="stable")][:SOUGHT]
    free = near[~own[near]]
    return int(free[0]) if free.size else -1


def draw_trails(world: World, state: State, web: Web, here: Vessels, at: Integers, days: float) -> None:
    """Let tips, the cells ``at`` (k,), that are a piece away from their last node leave one."""
    if here.tip.size == 0:
        return
    here.tip_place = state.position[at]
    here.ledger[ASKED] += here.tip.size * web.speed_um * days
    gap = here.walked(world.block.size_um)
    far = np.flatnonzero(gap >= web.piece_um)
    far = far[np.argsort(here.tip[far])]
    if far.size:
        new = here.add_nodes(here.tip_place[far])
        here.add_pieces(np.column_stack([here.tip_node[far], new]))
        here.tip_node[far] = new
        here.ledger[TRAILED] += gap[far].sum()


def voxels_of(world: World, places: Floats) -> Integers:
    """Number of the voxel in which each of those places (n, 3) lies."""
    found = np.empty(places.shape[0], dtype=np.int64)
    agents.voxels_of(np.ascontiguousarray(places), world.block.edges_um, np.array(world.block.shape), found)
    return found
