"""What the vessels of a world follow, and how dense they are: the declared network, read for a block of tissue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import ModelError, nearest
from collagensim.model import Architecture, Expression, Model, Network, Reaction, evaluate
from collagensim.model.expression import as_node, multiply, text
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.network import OF_PIECES, Vessels
from collagensim.solver.tissue.plexus import resting_vessels
from collagensim.write.algebra import quotient
from collagensim.write.events import DIES
from collagensim.write.lowering import level

if TYPE_CHECKING:
    from collagensim.solver.tissue.state import State
    from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

around, pieces = kernels_of("nearness"), kernels_of("network")


@dataclass(frozen=True, eq=False)
class Memory:
    """What was last felt of vessels, so that only what has changed is felt again.

    Attributes
    ----------
    weights : of the neighbourhood in which vessels are felt.
    own : (nz, ny, nx) length in each voxel [um]; rows, planes, around : its means along x, along x and y, all around.
    chunks : (2, nz, ny, n) of the flags that say where these are to be renewed.
    """

    weights: Floats
    own: Floats
    rows: Floats
    planes: Floats
    around: Floats
    chunks: tuple[int, int, int, int]


def nothing_felt(weights: Floats, shape: tuple[int, int, int]) -> Memory:
    """Return the memory of a tissue in which nothing has been felt yet."""
    own, chunks = np.full(shape, np.nan), (2, shape[0], shape[1], -(-shape[2] // around.CHUNK))
    return Memory(weights, own, np.empty(shape), np.empty(shape), np.empty(shape), chunks)


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
    piece_um, reach_um, contact_um, nearness_um : lengths of the network [um].
    splitting : share of new tips that split off a tip that has drawn ``splitting_um`` [um].
    memory : of what was felt of them.
    resting : the vessels at rest, which make the density ``level`` (nz, ny, nx) [1/mm^2]; around each voxel there are
        ``length`` (nz, ny, nx) of them [um].
    per_um : density that a um of vessel in each voxel of the neighbourhood is [1/mm^2].
    nothing : (n_voxels,) zeros, what tips draw where there are none.
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
    contact_um: float
    nearness_um: float
    splitting: float
    splitting_um: float
    memory: Memory
    resting: Vessels
    level: Floats
    length: Floats
    per_um: float
    nothing: Floats


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
    values = {
        name: net.value(name)
        for name in (
            "piece",
            "nearness",
            "reach",
            "contact",
            "uprightness",
            "branching_share",
            "branching_length",
        )
    }
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
    _only_arrive_and_die(world, tips)
    index = names.index(net.vessels.name)
    density = world.resting[:, index]
    volume = np.bincount(block.layer) * block.shape[1] * block.shape[2] * block.voxel_mm3
    resting = resting_vessels(
        block, 2000.0 * density[: volume.size] * volume, piece_um=net.value("piece"),
        uprightness=net.value("uprightness"), seed=world.seed,
    )  # fmt: skip
    weights = around.sight(net.value("nearness") / block.voxel_um, 2 if block.is_slice else 3)
    memory = nothing_felt(weights, block.shape)
    return Web(
        index, int(np.flatnonzero(world.matrix == index)[0]), tips, dies[0] if dies else -1,
        _of_each(model, net, net.joined_by, net.tips.name) if tips >= 0 else None,
        np.array([name in {s.name for s in (net.tips, *net.enters)} for name in kinds]),
        float(world.gait["speed"][tips]) if tips >= 0 else 0.0, net.value("piece"), net.value("reach"),
        net.value("contact"), net.value("nearness"), net.value("branching_share"), net.value("branching_length"),
        memory, resting, np.broadcast_to(density[block.layer][:, None, None], block.shape).copy(),
        felt(world, resting, memory).copy(), 1.0 / (2000.0 * block.voxel_mm3), np.zeros(block.n_voxels),
    )  # fmt: skip


def _only_arrive_and_die(world: World, tips: int) -> None:
    """Refuse tips that divide, become or make others, or that others become: each is the end of a trail of its own."""
    for event in world.laws.plan.events:
        if (event.kind == tips and event.outcome != DIES) or (event.other == tips and tips >= 0):
            raise ModelError(
                "tips of a network arrive and die: no reaction may turn them into other cells, or others into them"
            )


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
    density_of(world, found, state.matrix[web.place])
    return found


def density_of(world: World, here: Vessels, out: Floats | None = None) -> Floats:
    """Density (nz, ny, nx) of vessels [1/mm^2] as the laws read it, written to ``out`` where that is given.

    Where there is less length around a voxel than at rest, the resting density times its share; where there is more,
    the resting density and what the surplus adds. So vessels at rest make the resting density everywhere, however
    unevenly a small piece of skin has them, no vessels make none, and new length counts in full.
    """
    web = world.web
    assert web is not None
    now = felt(world, here, web.memory).reshape(-1)
    at_rest = float(lie(world, web.resting)[1].sum())
    whole = float(lie(world, here)[1].sum()) / at_rest if at_rest > 0.0 else 1.0
    found = np.empty(world.block.shape) if out is None else out
    around.density(now, web.length.reshape(-1), web.level.reshape(-1), web.per_um, whole, found.reshape(-1))
    return found


def felt(world: World, here: Vessels, memory: Memory) -> Floats:
    """Mean length (nz, ny, nx) of vessels in the voxels around each [um]; it is found anew where it has changed.

    What is returned belongs to the memory, and is only good until that is asked again.
    """
    shape = world.block.shape
    own = np.bincount(*lie(world, here), world.block.n_voxels).reshape(shape)
    around.smooth_anew(
        own, memory.weights, memory.own, memory.rows, memory.planes, memory.around, np.empty(memory.chunks, dtype=bool),
        np.empty(shape[2] + 2 * memory.weights.size - 2),
    )  # fmt: skip
    return memory.around


def lie(world: World, here: Vessels) -> tuple[Integers, Floats]:
    """In which voxel the middle of each piece lies, and how long it is [um], (m,) each."""

    def found() -> tuple[Integers, Floats]:
        block, n = world.block, here.ends.shape[0]
        voxel, length = np.empty(n, dtype=np.int64), np.empty(n)
        pieces.lie(here.node, here.ends, block.size_um, block.edges_um, np.array(block.shape), voxel, length)
        return voxel, length

    return here.once(OF_PIECES, found)
