"""What bleeds out of struck vessels soaks the tissue beside them before it clots."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import ModelError, nearest
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.state import State
from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]

agents = kernels_of("cells")


def unsoaked(world: World, state: State) -> dict[str, Floats]:
    """Return what there is, before a session, of the species that will soak the tissue (nz, ny, nx)."""
    return {name: state.matrix[k].copy() for name, k in _places(world).items()}


def soak(world: World, state: State, before: dict[str, Floats]) -> None:
    """Spread what a session has added to ``before``; its amount in every row of voxels stays what it is.

    Along a channel as much is bled above as below, so that what spreads downwards comes back from there.
    """
    places, reaches = _places(world), world.architecture.soaked_um
    for name, field in before.items():
        new = state.matrix[places[name]]
        gain = np.maximum(new - field, 0.0)
        # Weights as of what cells feel, of variance radius^2 / 4 on two axes.
        weights = agents.sight(2.0 * reaches[name] / world.block.voxel_um, 2)
        spread = gain
        for axis in (2,) if world.block.is_slice else (1, 2):
            spread = _smoothed(spread, weights, axis)
        new += spread - gain


def _places(world: World) -> dict[str, int]:
    names = [world.model.species[i].name for i in world.matrix]
    for name in world.architecture.soaked_um:
        if name not in names:
            raise ModelError(
                f"{name!r} cannot soak a tissue: it is no matrix of the model{nearest(name, names)}"
            )
    return {name: names.index(name) for name in world.architecture.soaked_um}


def _smoothed(values: Floats, weights: Floats, axis: int) -> Floats:
    """Values smoothed along an axis that repeats itself."""
    found = weights[0] * values
    for j, weight in enumerate(weights[1:], start=1):
        found += weight * (np.roll(values, j, axis) + np.roll(values, -j, axis))
    return np.asarray(found)
