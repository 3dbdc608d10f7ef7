"""Vessels in a step: tips draw them, join them or end, places that lack them grow twigs, and surplus is pruned.

What the reactions say of the density of vessels is what happens to their length: profiles per area are half the length
per volume. So a tip that makes g profiles per area and day, where tips count T per area, is counted as T = v / (2 g)
for one per volume, v being its speed: then it makes just the length that it walks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.network import (
    ASKED,
    CUT,
    JOINED,
    PRUNED,
    SPARED,
    TRAILED,
    TWIGS,
    Vessels,
    around,
    inside,
    lengths,
    reachable,
    touching,
)
from collagensim.solver.tissue.trails import splitting_tips, walk_trails
from collagensim.solver.tissue.web import Web, density_of, lie

if TYPE_CHECKING:
    from collagensim.solver.tissue.stages import Senses
    from collagensim.solver.tissue.state import State
    from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Names: TypeAlias = npt.NDArray[np.uint64]

agents, fates, kernels = kernels_of("cells"), kernels_of("fates"), kernels_of("network")

LOOP = 6  # pieces that a loop closed by a twig has at the least
TAKEN = 1e-3  # of a piece: a node that near is where a twig would end


def leave_vessels(
    world: World, state: State, kind: int, position: Floats, identity: Names, event: int
) -> None:
    """Put newcomers of a kind on the nearest vessel, in place, where they enter out of vessels; begin trails of tips.

    Some of the tips split off others, at the ends of their trails.

    Who is there at the start has come long before, and may be anywhere.
    """
    web, here = world.web, state.vessels
    if web is None or here is None or not web.enters[kind] or (event == fates.START and kind != web.tips):
        return
    if world.block.is_slice:
        position[:, 1] = 0.5 * world.block.size_um[1]
    if here.node.shape[0] == 0:
        if kind == web.tips:
            here.begin_trails(identity, here.add_nodes(position), position)
        return
    at = here.nearest_to_each(position, world.block.size_um)
    if kind == web.tips and event != fates.START:
        split = splitting_tips(world, state, web, here, position, identity)
        at = np.where(split >= 0, split, at)
    position[:] = here.node[at]
    if kind == web.tips:
        here.begin_trails(identity, at, position)


def sever(world: World, state: State) -> None:
    """Cut the pieces that a session strikes: each is spared with the share that the jump of their density leaves there.

    Tips that it killed have ended with it.
    """
    web, here = world.web, state.vessels
    if web is None or here is None:
        return
    here.forget_tips(np.isin(here.tip, state.identity[state.kind == web.tips]))
    voxel, length = lie(world, here)
    before, after = density_of(world, here).reshape(-1)[voxel], state.matrix[web.place].reshape(-1)[voxel]
    left = np.empty(voxel.size, dtype=bool)
    kernels.happens(here.number, after / before, world.seed, fates.SEVERED, state.tick, left)
    here.ledger[CUT] += length[~left].sum()
    here.keep(left)
    density_of(world, here, state.matrix[web.place])


def vessels(world: World, state: State, senses: Senses, days: float) -> None:
    """Let tips that have walked draw vessels, join or end, let twigs grow and branches be pruned."""
    web, here = world.web, state.vessels
    if web is None or here is None:
        return
    plan, before = world.laws.plan, here.ends
    # What there was before the step stands where `deposit` has put it aside.
    net, old = senses.found[plan.net_rows[web.species]], senses.acts.matrix[web.place]
    drawn = senses.found[plan.gain_rows[web.species]] if web.tips >= 0 else web.nothing
    if web.tips >= 0:
        walk_trails(world, state, senses, web, here, days)
    _grow_twigs(world, state, web, here, net, drawn, days)
    _prune(world, state, web, here, net, drawn, old, days)
    now = state.matrix[web.place]
    if here.ends is before:
        now[:] = old.reshape(now.shape)
    else:
        density_of(world, here, now)


def _grow_twigs(
    world: World, state: State, web: Web, here: Vessels, net: Floats, drawn: Floats, days: float
) -> None:
    """Let vessels grow towards places drawn where they increase by more than what tips draw, a piece for each.

    Length that other growth has made more or less than the laws ask for is made less or more here: trails are shorter
    than the walks of tips, and joining takes more.
    """
    gain = np.empty(net.size)
    if here.node.shape[0] == 0 or not kernels.gains(net, drawn, gain):
        return
    for place in _wanting(world, state, gain, days / (web.per_um * web.piece_um)):
        here.ledger[ASKED] += web.piece_um
        for _ in range(2):
            if _owed(world, here) < 0.5 * web.piece_um:
                break
            here.ledger[TWIGS] += _grow(world, web, here, place)


def _wanting(world: World, state: State, rate: Floats, share: float) -> Floats:
    """Places (n, 3), drawn as those of newcomers that are nobody: on average rate times share in each voxel."""
    block, voxels = world.block, np.empty(256, dtype=np.int64)
    drawn = (world.seed, state.tick, fates.SPROUTS)
    n = fates.enter(rate, share, 0, *drawn, voxels)
    if n > voxels.size:
        voxels = np.empty(n, dtype=np.int64)
        fates.enter(rate, share, 0, *drawn, voxels)
    places = np.empty((n, 3))
    fates.place(
        voxels[:n], 0, *drawn, np.array(block.shape), block.edges_um, places, np.empty((n, 3)),
        np.empty(n, dtype=np.uint64),
    )  # fmt: skip
    if block.is_slice:
        places[:, 1] = 0.5 * block.size_um[1]
    return places


def _owed(world: World, here: Vessels) -> float:
    """Length that the laws have asked for and that was neither drawn nor spared, nor is being drawn [um]."""
    gap = here.walked(world.block.size_um).sum()
    return float(here.ledger[ASKED] - here.ledger[[TRAILED, TWIGS, JOINED, SPARED]].sum() - gap)


def _grow(world: World, web: Web, here: Vessels, place: Floats) -> float:
    """Add a piece to the vessel nearest to a place, towards it, and close a loop where it ends beside another."""
    size = world.block.size_um
    root = here.nearest(place, size, here.tip_node)
    if root < 0:
        return 0.0
    way = around((place - here.node[root])[None], size)
    way *= web.piece_um / max(lengths(way)[0], 1e-300)
    for _ in range(LOOP):
        end = inside(here.node[root] + way, size)
        gap = here.square_gaps(end[0], size)
        gap[here.tip_node] = np.inf
        nearest_node = int(np.argmin(gap))
        if gap[nearest_node] > (TAKEN * web.piece_um) ** 2:
            break
        root = nearest_node  # a piece goes there already: on from its end
    else:
        return 0.0
    beside = np.flatnonzero(gap <= web.piece_um**2)
    if beside.size:
        beside = beside[~reachable(here.ends, here.node.shape[0], root, LOOP - 1)[beside]]
    if beside.size:
        gaps = lengths(around(here.node[beside] - end, size))
        pair = np.array([[root, int(beside[np.argmin(gaps)])]])
    else:
        pair = np.array([[root, int(here.add_nodes(end)[0])]])
    here.add_pieces(pair)
    return float(lengths(around(here.node[pair[:, 1]] - here.node[pair[:, 0]], size))[0])


def _prune(
    world: World, state: State, web: Web, here: Vessels, net: Floats, drawn: Floats, density: Floats, days: float
) -> None:  # fmt: skip
    """Let whole branches go, at the mean hazard of their pieces, so that so much length goes as the laws say.

    A branch that a tip is drawing stays, and the others go the more. One that is no longer than twice what growth owes
    stays in its place.
    """
    if here.number.size == 0:
        return
    voxel, length = lie(world, here)
    loss, branch = np.empty(voxel.size), here.branches()
    kernels.losses(voxel, length, net, drawn, density, loss)
    all_lost = loss.sum()
    if all_lost == 0.0:
        return
    n = int(branch.max()) + 1
    lost, whole, first = np.empty(n), np.empty(n), np.empty(n, dtype=np.uint64)
    kernels.of_branches(branch, loss, length, here.number, lost, whole, first)
    held = np.zeros(here.node.shape[0], dtype=bool)
    held[here.tip_node] = True
    lost[branch[touching(held, here.ends)]] = 0.0
    if lost.sum() == 0.0:
        return
    lost *= all_lost / lost.sum()
    goes = np.empty(lost.size, dtype=bool)
    kernels.happens(first, -np.expm1(-days * lost / whole), world.seed, fates.PRUNED, state.tick, goes)
    for k in np.flatnonzero(goes)[np.argsort(first[goes])]:
        if _owed(world, here) >= 0.5 * whole[k]:
            here.ledger[SPARED] += whole[k]
            goes[k] = False
    if goes.any():
        here.ledger[PRUNED] += whole[goes].sum()
        here.keep(~goes[branch])
