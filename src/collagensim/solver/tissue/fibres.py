"""The fibres of a tissue as a field of directions: laid along the paths of cells, which they guide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import ModelError
from collagensim.model import Architecture, Orientation, evaluate
from collagensim.model.expression import as_node, text
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.structure import Structure
from collagensim.write.lowering import gradient, level, states_read

if TYPE_CHECKING:
    from collagensim.solver.tissue.state import State
    from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

agents, kernels = kernels_of("cells"), kernels_of("fibres")


@dataclass(eq=False)
class Fibres(Structure):
    """Which way fibres lie.

    Attributes
    ----------
    orientation : (n_parts, nz, ny, nx) tensors as in `collagensim.kernels.fibres`: two numbers in a slice, five in a
        block. Their size is the species of order, to the bit.
    """

    orientation: Floats


@dataclass(frozen=True, eq=False)
class Weave:
    """What the fibres of a world follow, and memory for its steps.

    Attributes
    ----------
    species, place : of the order, in the model's list and among the matrix.
    weight : (n_kinds,) what a cell of each kind lays, against the others.
    rest : (n_parts,) tensor of the direction at rest.
    sensitivity : how much stronger than the order of fibres cells answer to it.
    sums, paths : (n_parts + 1, nz, ny, nx) tensors of the paths in and around each voxel, and the weight of those who
        go there.
    """

    species: int
    place: int
    weight: Floats
    rest: Floats
    sensitivity: float
    sums: Floats
    paths: Floats
    scratch: Floats


def gains_apart(architecture: Architecture) -> dict[str, tuple[str, ...]]:
    """Return of which species the gain by which reactions is to be told apart."""
    lie = architecture.orientation
    return {} if lie is None else {lie.species.name: tuple(lie.laid_by)}


def fibres_told(architecture: Architecture) -> dict[str, Any] | None:
    """Return which way fibres lie and are laid, as plain values."""
    lie = architecture.orientation
    if lie is None:
        return None
    names = {"species": lie.species.name, "layers": text(as_node(lie.layers)), "laid_by": list(lie.laid_by)}
    return {**names, "rest": list(lie.rest), "sensitivity": lie.sensitivity.value}


def weave_of(world: World) -> Weave | None:
    """Return what the fibres of a world follow; None where they have no direction.

    Raises
    ------
    ModelError
        For an orientation that the model does not bear out.
    """
    lie, model, shape = world.architecture.orientation, world.model, world.block.shape
    if lie is None:
        return None
    if lie.species not in model.species:
        raise ModelError(f"the model has no species {lie.species.name!r} whose order could have a direction")
    changing = [reaction.name for reaction in model.reactions if lie.species in reaction.effect]
    for name in lie.laid_by:
        if name not in changing:
            raise ModelError(
                f"{name!r} lays no {lie.species.name!r}: what changes it are {', '.join(changing)}"
            )
    species, n_parts = model.species.index(lie.species), 2 if world.block.is_slice else 5
    return Weave(
        species, int(np.flatnonzero(world.matrix == species)[0]), _weights(world, lie), _tensor(lie.rest, n_parts),
        lie.sensitivity.value,
        np.empty((n_parts + 1, *shape)), np.empty((n_parts + 1, *shape)), np.empty(shape),
    )  # fmt: skip


def _weights(world: World, lie: Orientation) -> Floats:
    """What a cell of each kind lays against the others, (n_kinds,)."""
    node, values = as_node(lie.layers), world.bound.parameters
    kinds = [world.model.species[i] for i in world.cells]
    slopes = [gradient(node, kind) for kind in kinds]
    if any(level(slope) > 1 for slope in slopes) or not states_read(node) <= set(kinds):
        raise ModelError(
            f"layers of {lie.species.name!r}: {text(node)} is no sum of the model's cells with weights"
        )
    found = np.array([float(evaluate(slope, values)) for slope in slopes])
    if np.any(found < 0.0):
        raise ModelError(f"layers of {lie.species.name!r}: a cell lays less than nothing in {text(node)}")
    return found


def _tensor(direction: tuple[float, float, float], n_parts: int) -> Floats:
    """The tensor (n_parts,) of one direction z, y, x."""
    nobody, found = np.zeros(1, dtype=np.int64), np.empty((n_parts + 1, 1))
    way, one, none = np.array([direction]), np.ones(1), np.zeros(1)
    kernels.add_paths(np.zeros((n_parts, 1)), nobody, nobody, way, one, none, 1.0, found, *_scratch())
    parts: Floats = found[:n_parts, 0] / found[n_parts, 0]
    return parts


def resting_fibres(world: World, state: State) -> Fibres | None:
    """Return fibres of the order that a state has, that all lie as they do at rest; sets the order to their size."""
    weave = world.weave
    if weave is None:
        return None
    order = state.matrix[weave.place]
    fibres = Fibres(weave.rest[:, None, None, None] * order)
    _measure(fibres, order)
    return fibres


def feel_paths(world: World, state: State, voxel: Integers) -> None:
    """Note around every voxel along which paths the cells there lay fibres, at the places that they were sensed at."""
    weave, fibres = world.weave, state.fibres
    if weave is None or fibres is None:
        return
    kernels.add_paths(
        _flat(fibres.orientation), state.kind, voxel, state.direction, weave.weight, world.gait["guidance"],
        weave.sensitivity, _flat(weave.sums), *_scratch(),
    )  # fmt: skip
    kernels.spread(weave.sums, world.sight, weave.paths, weave.scratch)


def lay(world: World, state: State, found: Floats, days: float) -> int:
    """Let order be gained and lost; returns its place among the matrix, -1 where fibres have no direction."""
    weave, fibres, plan = world.weave, state.fibres, world.laws.plan
    if weave is None or fibres is None:
        return -1
    rows = plan.net_rows[weave.species], plan.loss_rows[weave.species], plan.gain_rows[weave.species]
    net, loss, gain = (found[row] for row in rows)
    order = state.matrix[weave.place].reshape(-1)
    kernels.lay(_flat(fibres.orientation), order, net, loss, gain, _flat(weave.paths), weave.rest, days)
    return weave.place


def guidance(world: World, state: State, who: Integers | None = None) -> Floats:
    """Directions (n, 3) of the fibres around the cells ``who`` (n,), all when None: as long as they guide.

    Where nobody is guided it may be anything.
    """
    weave, fibres = world.weave, state.fibres
    if weave is None or fibres is None:
        return np.zeros((0, 3))
    kind, position = (state.kind, state.position) if who is None else (state.kind[who], state.position[who])
    voxel, axes = np.empty(kind.size, dtype=np.int64), np.empty((kind.size, 3))
    agents.voxels_of(position, world.block.edges_um, np.array(world.block.shape), voxel)
    strength = world.gait["guidance"]
    tensors = _flat(fibres.orientation)
    kernels.axes_at(tensors, kind, voxel, strength, weave.sensitivity, axes, *_scratch())
    return axes


def follow_jump(world: World, state: State) -> None:
    """Give the tensors the size that a jump has given the order; where there was no direction they lie as at rest."""
    weave, fibres = world.weave, state.fibres
    if weave is None or fibres is None:
        return
    order = state.matrix[weave.place]
    size = np.sqrt((fibres.orientation**2).sum(axis=0))
    way = fibres.orientation / np.where(size > 0.0, size, 1.0)
    fibres.orientation[:] = order * np.where(size > 0.0, way, weave.rest[:, None, None, None])
    _measure(fibres, order)


def _measure(fibres: Fibres, order: Floats) -> None:
    """Set the order to the size of the tensors, to the bit as each step does."""
    order[:] = 0.0
    for part in fibres.orientation:
        order += part**2
    np.sqrt(order, out=order)


def _scratch() -> tuple[Integers, Floats]:
    return np.empty(kernels.CHUNK, dtype=np.int64), np.empty((kernels.N_NOTED, kernels.CHUNK))


def _flat(parts: Floats) -> Floats:
    return parts.reshape(parts.shape[0], -1)
