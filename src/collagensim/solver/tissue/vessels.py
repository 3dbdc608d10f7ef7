"""Vessels in a step: tips draw them, join them or end, places that lack them grow twigs, and surplus is pruned.

What the reactions say of the density of vessels is what happens to their length: profiles per area are half the length
per volume. So a tip that makes g profiles per area and day, where tips count T per area, is counted as T = v / (2 g)
for one per volume, v being its speed: then it makes just the length that it walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import ModelError, nearest
from collagensim.model import Architecture, Expression, Model, Network, Reaction, evaluate
from collagensim.model.expression import as_node, multiply, text
from collagensim.solver.compiled import kernels_of
from collagensim.solver.resting import SPACE
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
    lay_lines,
    lengths,
    reachable,
    touching,
)
from collagensim.solver.tissue.plexus import resting_vessels
from collagensim.write.algebra import quotient
from collagensim.write.events import DIES
from collagensim.write.lowering import level, states_read

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
SOUGHT = 64  # nodes among which a tip looks for a vessel that is not its own


@dataclass(frozen=True, eq=False)
class Web:
    """What the vessels of a world follow.

    Attributes
    ----------
    species, place : of their density, in the model's list and among the matrix.
    tips : kind of the cells that draw them, -1 where tips are none; dies : the number of the event by which these end.
    joining : rate at which a tip joins vessels [1/day].
    enters : (n_kinds,) who enters out of vessels, tips among them.
    speed_um : length that a tip draws [um/day].
    weights : of the neighbourhood in which vessels are felt.
    resting : the vessels at rest, which make the density ``level`` (nz, ny, nx) [1/mm^2]; around each voxel there are
        ``length`` (nz, ny, nx) of them [um].
    per_um : density that a um of vessel in each voxel of the neighbourhood is [1/mm^2].
    """

    species: int
    place: int
    tips: int
    dies: int
    joining: Expression | None
    enters: npt.NDArray[np.bool_]
    speed_um: float
    piece_um: float
    reach_um: float
    weights: Floats
    resting: Vessels
    level: Floats
    length: Floats
    per_um: float


def drawn_apart(architecture: Architecture) -> dict[str, tuple[str, ...]]:
    """Return of which density what tips make is to be told apart: they draw it themselves."""
    net = architecture.network
    if net is None:
        return {}
    return {net.vessels.name: (net.drawn_by,) if net.tips in architecture.cells else ()}


def network_told(architecture: Architecture) -> dict[str, Any] | None:
    """Return how vessels lie and are made, as plain values."""
    net = architecture.network
    if net is None:
        return None
    names = {
        "vessels": net.vessels.name,
        "tips": net.tips.name,
        "drawn_by": net.drawn_by,
        "joined_by": net.joined_by,
    }
    values = {name: net.value(name) for name in ("piece", "nearness", "reach", "uprightness")}
    return {**names, "enters": [species.name for species in net.enters], **values}


def tips_per_cell(model: Model, architecture: Architecture, parameters: Any) -> dict[str, float]:
    """Return the density of tips [1/mm^2] that one of them in a mm^3 is, by name: speed / (2 g), in mm."""
    net = architecture.network
    if net is None or net.tips not in architecture.cells:
        return {}
    rate = _of_each(model, net, net.drawn_by, net.vessels.name)
    if level(rate) > 1:
        raise ModelError(
            f"{net.drawn_by!r}: {text(rate)} for each tip is not the same everywhere and at all times"
        )
    speeds = [m.value("speed") for m in architecture.motions if m.species.name == net.tips.name]
    if not speeds:
        raise ModelError(f"{net.tips.name!r} has no motion: a tissue needs one of every cell species")
    speed = speeds[0]
    return {net.tips.name: speed / 1000.0 / (2.0 * float(evaluate(rate, parameters)))}


def web_of(world: World) -> Web | None:
    """Return what the vessels of a world follow; None where they are no network.

    Raises
    ------
    ModelError
        For a network that the model does not bear out.
    """
    net, model, block = world.architecture.network, world.model, world.block
    if net is None:
        return None
    names = [species.name for species in model.species]
    for species in (net.vessels, net.tips, *net.enters):
        if species.name not in names:
            raise ModelError(
                f"the network names {species.name!r}, which {model.name!r} lacks{nearest(species.name, names)}"
            )
    kinds = [names[i] for i in world.cells]
    tips = kinds.index(net.tips.name) if net.tips.name in kinds else -1
    dies = [k for k, e in enumerate(world.laws.plan.events) if e.kind == tips and e.outcome == DIES]
    index = names.index(net.vessels.name)
    density = world.resting[:, index]
    volume = np.bincount(block.layer) * block.shape[1] * block.shape[2] * block.voxel_mm3
    resting = resting_vessels(
        block, 2000.0 * density[: volume.size] * volume, piece_um=net.value("piece"),
        uprightness=net.value("uprightness"), seed=world.seed,
    )  # fmt: skip
    weights = kernels.sight(net.value("nearness") / block.voxel_um, 2 if block.is_slice else 3)
    return Web(
        index, int(np.flatnonzero(world.matrix == index)[0]), tips, dies[0] if dies else -1,
        _of_each(model, net, net.joined_by, net.tips.name) if tips >= 0 else None,
        np.array([name in {s.name for s in (net.tips, *net.enters)} for name in kinds]),
        float(world.gait["speed"][tips]) if tips >= 0 else 0.0, net.value("piece"), net.value("reach"), weights,
        resting, np.broadcast_to(density[block.layer][:, None, None], block.shape).copy(),
        _felt(world, resting, weights), 1.0 / (2000.0 * block.voxel_mm3),
    )  # fmt: skip


def _of_each(model: Model, net: Network, reaction: str, changed: str) -> Expression:
    """What a reaction does to a species for each tip."""
    known: dict[str, Reaction] = {each.name: each for each in model.reactions}
    if reaction not in known:
        raise ModelError(f"no reaction {reaction!r} in {model.name!r}{nearest(reaction, known)}")
    one = known[reaction]
    effect = {species.name: as_node(coefficient) for species, coefficient in one.effect.items()}
    tips = next(species for species in model.species if species.name == net.tips.name)
    rate = as_node(one.rate) if one.actor is tips else quotient(as_node(one.rate), tips)
    if changed not in effect or rate is None:
        raise ModelError(
            f"reaction {reaction!r} does not change {changed!r} in proportion to {net.tips.name!r}"
        )
    return multiply(rate, effect[changed])


def resting_web(world: World, state: State) -> Vessels | None:
    """Return the vessels of a tissue at rest; sets their density to what they make."""
    web = world.web
    if web is None:
        return None
    found = web.resting.copy()
    state.matrix[web.place] = density_of(world, found)
    return found


def density_of(world: World, here: Vessels) -> Floats:
    """Density (nz, ny, nx) of vessels [1/mm^2] as the laws read it.

    Where there is less length around a voxel than at rest, the resting density times its share; where there is more,
    the resting density and what the surplus adds. So vessels at rest make the resting density everywhere, however
    unevenly a small piece of skin has them, no vessels make none, and new length counts in full.
    """
    web = world.web
    assert web is not None
    now, found = _felt(world, here, web.weights).reshape(-1), np.empty(world.block.shape)
    at_rest = float(_lie(world, web.resting)[1].sum())
    whole = float(_lie(world, here)[1].sum()) / at_rest if at_rest > 0.0 else 1.0
    kernels.density(now, web.length.reshape(-1), web.level.reshape(-1), web.per_um, whole, found.reshape(-1))
    return found


def _felt(world: World, here: Vessels, weights: Floats) -> Floats:
    """Mean length (nz, ny, nx) of vessels in the voxels around each [um]."""
    shape = world.block.shape
    own = np.bincount(*_lie(world, here), world.block.n_voxels)
    found, scratch, padded = np.empty(shape), np.empty(shape), np.empty(shape[2] + 2 * weights.size - 2)
    kernels.smooth(own.reshape(shape), weights, found, scratch, padded)
    return found


def _lie(world: World, here: Vessels) -> tuple[Integers, Floats]:
    """In which voxel the middle of each piece lies, and how long it is [um], (m,) each."""

    def found() -> tuple[Integers, Floats]:
        vector = here.vectors(world.block.size_um)
        middles = inside(here.node[here.ends[:, 0]] + 0.5 * vector, world.block.size_um)
        return _voxels(world, middles), lengths(vector)

    return here.once("lie", found)


def _voxels(world: World, places: Floats) -> Integers:
    found = np.empty(places.shape[0], dtype=np.int64)
    agents.voxels_of(np.ascontiguousarray(places), world.block.edges_um, np.array(world.block.shape), found)
    return found


def leave_vessels(
    world: World, state: State, kind: int, position: Floats, identity: Names, event: int
) -> None:
    """Put newcomers of a kind on the nearest vessel, in place, where they enter out of vessels; begin trails of tips.

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
    nearest_nodes = [np.argmin(here.square_gaps(place, world.block.size_um)) for place in position]
    at = np.array(nearest_nodes, dtype=np.int64)
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
    voxel, length = _lie(world, here)
    before, after = density_of(world, here).reshape(-1)[voxel], state.matrix[web.place].reshape(-1)[voxel]
    left = np.empty(voxel.size, dtype=bool)
    kernels.happens(here.number, after / before, world.seed, fates.SEVERED, state.tick, left)
    here.ledger[CUT] += length[~left].sum()
    here.keep(left)
    state.matrix[web.place] = density_of(world, here)


def vessels(world: World, state: State, senses: Senses, days: float) -> None:
    """Let tips that have walked draw vessels, join or end, let twigs grow and branches be pruned."""
    web, here = world.web, state.vessels
    if web is None or here is None:
        return
    plan, before = world.laws.plan, here.ends
    net = senses.found[plan.net_rows[web.species]]
    if web.tips >= 0:
        net = net - senses.found[plan.gain_rows[web.species]]
        _end_trails(world, state, senses, web, here)
        _draw_trails(world, state, web, here, days)
    _grow_twigs(world, state, web, here, np.maximum(net, 0.0), days)
    _prune(world, state, web, here, net, senses.levels[web.species], days)
    same = here.ends is before
    old = senses.levels[web.species].reshape(world.block.shape)
    state.matrix[web.place] = old if same else density_of(world, here)


def _end_trails(world: World, state: State, senses: Senses, web: Web, here: Vessels) -> None:
    """Let tips that are no more join the nearest vessel that is not their own, or end where they are."""
    if here.tip.size == 0:
        return
    alive = np.isin(here.tip, state.identity[state.kind == web.tips])
    if alive.all():
        return
    gone = np.flatnonzero(~alive)
    gone = gone[np.argsort(here.tip[gone])]
    joins = np.empty(gone.size, dtype=bool)
    voxel = _voxels(world, here.tip_place[gone])
    total = senses.found[world.laws.plan.hazard_rows][web.dies, voxel]
    kernels.happens(
        here.tip[gone], _rate(world, senses, web, voxel) / total, world.seed, fates.JOINS, state.tick, joins
    )
    for k, join in zip(gone, joins, strict=True):
        _end(world, web, here, int(k), bool(join))
    here.forget_tips(alive)


def _rate(world: World, senses: Senses, web: Web, voxel: Integers) -> Floats:
    """At which rate tips in some voxels join vessels [1/day], (n,)."""
    assert web.joining is not None
    layer = world.block.layer[voxel // (world.block.shape[1] * world.block.shape[2])]
    inputs = {name: values[0, layer * SPACE.n_compartments] for name, values in world.bound.inputs.items()}
    index, read = world.model.species.index, states_read(web.joining)
    levels = {species.name: senses.levels[index(species)][voxel] for species in read}
    values = {name: np.reshape(value, -1) for name, value in world.bound.parameters.items()}
    # What removes tips is negative in the reaction.
    return -np.broadcast_to(evaluate(web.joining, {**values, **inputs, **levels}), voxel.shape)


def _end(world: World, web: Web, here: Vessels, k: int, join: bool) -> None:
    """Lay what the tip number k has walked since its last node, and join it to a vessel within reach."""
    last, size = int(here.tip_node[k]), world.block.size_um
    gap = lengths(around(here.tip_place[k : k + 1] - here.node[last], size))[0]
    if gap > 0.0:
        end = here.add_nodes(here.tip_place[k : k + 1])
        here.add_pieces(np.array([[last, end[0]]]))
        here.ledger[TRAILED] += gap
        last = int(end[0])
    if not join:
        return
    other = _vessel_beside(world, web, here, last)
    here.met[int(other < 0)] += 1
    if other >= 0:
        here.ledger[JOINED] += lay_lines(here, np.array([[last, other]]), web.piece_um, size).sum()


def _vessel_beside(world: World, web: Web, here: Vessels, last: int) -> int:
    """The nearest node within reach of a trail's end that is no part of the trail or close to its root, or -1."""
    own = reachable(here.ends, here.node.shape[0], last, int(np.ceil(2.0 * web.reach_um / web.piece_um)))
    branch = here.branches()
    mine = np.unique(branch[(here.ends[:, 0] == last) | (here.ends[:, 1] == last)])
    own[here.ends[np.isin(branch, mine)].ravel()] = True
    gap = here.square_gaps(here.node[last], world.block.size_um)
    near = np.flatnonzero(gap < web.reach_um**2)
    near = near[np.argsort(gap[near], kind="stable")][:SOUGHT]
    free = near[~own[near]]
    return int(free[0]) if free.size else -1


def _draw_trails(world: World, state: State, web: Web, here: Vessels, days: float) -> None:
    """Let tips that are a piece away from their last node leave one."""
    if here.tip.size == 0:
        return
    who = np.flatnonzero(state.kind == web.tips)
    order = who[np.argsort(state.identity[who])]
    here.tip_place = state.position[order[np.searchsorted(state.identity[order], here.tip)]]
    here.ledger[ASKED] += here.tip.size * web.speed_um * days
    gap = lengths(around(here.tip_place - here.node[here.tip_node], world.block.size_um))
    far = np.flatnonzero(gap >= web.piece_um)
    far = far[np.argsort(here.tip[far])]
    if far.size:
        new = here.add_nodes(here.tip_place[far])
        here.add_pieces(np.column_stack([here.tip_node[far], new]))
        here.tip_node[far] = new
        here.ledger[TRAILED] += gap[far].sum()


def _grow_twigs(world: World, state: State, web: Web, here: Vessels, gain: Floats, days: float) -> None:
    """Let vessels grow towards places drawn where they increase by more than what tips draw, a piece for each.

    Length that other growth has made more or less than the laws ask for is made less or more here: trails are shorter
    than the walks of tips, and joining takes more.
    """
    if here.node.shape[0] == 0 or not (gain > 0.0).any():
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
    gap = lengths(around(here.tip_place - here.node[here.tip_node], world.block.size_um)).sum()
    return float(here.ledger[ASKED] - here.ledger[[TRAILED, TWIGS, JOINED, SPARED]].sum() - gap)


def _grow(world: World, web: Web, here: Vessels, place: Floats) -> float:
    """Add a piece to the vessel nearest to a place, towards it, and close a loop where it ends beside another."""
    size = world.block.size_um
    gap = here.square_gaps(place, size)
    gap[here.tip_node] = np.inf
    root = int(np.argmin(gap))
    if np.isinf(gap[root]):
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
    world: World, state: State, web: Web, here: Vessels, net: Floats, density: Floats, days: float
) -> None:
    """Let whole branches go, at the mean hazard of their pieces, so that so much length goes as the laws say.

    A branch that a tip is drawing stays, and the others go the more. One that is no longer than twice what growth owes
    stays in its place.
    """
    if here.number.size == 0:
        return
    voxel, length = _lie(world, here)
    # A piece that was drawn just now may lie where none was felt before.
    there = np.maximum(density[voxel], np.finfo(np.float64).tiny)
    loss = np.where(density[voxel] > 0.0, np.maximum(-net[voxel], 0.0) / there * length, 0.0)
    if not loss.any():
        return
    branch = here.branches()
    lost, whole = np.bincount(branch, loss), np.bincount(branch, length)
    drawn = np.zeros(here.node.shape[0], dtype=bool)
    drawn[here.tip_node] = True
    lost[branch[touching(drawn, here.ends)]] = 0.0
    if lost.sum() == 0.0:
        return
    lost *= loss.sum() / lost.sum()
    first = np.full(lost.size, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(first, branch, here.number)
    goes = np.empty(lost.size, dtype=bool)
    kernels.happens(first, -np.expm1(-days * lost / whole), world.seed, fates.PRUNED, state.tick, goes)
    for k in np.flatnonzero(goes)[np.argsort(first[goes])]:
        if _owed(world, here) >= 0.5 * whole[k]:
            here.ledger[SPARED] += whole[k]
            goes[k] = False
    if goes.any():
        here.ledger[PRUNED] += whole[goes].sum()
        here.keep(~goes[branch])
