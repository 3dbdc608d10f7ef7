"""What is read off a tissue: averages by layer, and snapshots that hold enough to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.model import Architecture
from collagensim.response import Snapshot
from collagensim.solver.columns import derived_values
from collagensim.solver.tissue.epithelium import sheet_told
from collagensim.solver.tissue.fibres import fibres_told
from collagensim.solver.tissue.stages import Senses
from collagensim.solver.tissue.state import STRUCTURES, State
from collagensim.solver.tissue.web import network_told
from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


def averages(world: World, state: State, senses: Senses) -> dict[str, Floats]:
    """Every variable averaged by layer, (3,), or over the surface, ()."""
    model, block = world.model, world.block
    found: dict[str, Floats] = {}
    for i, species in enumerate(model.species):
        if species.kind == "surface":
            k = int(np.flatnonzero(world.surface == i)[0])
            found[species.name] = np.asarray(state.surface[k].mean())
        else:
            values = (
                senses.actors[np.flatnonzero(world.cells == i)[0]] if i in world.cells else senses.levels[i]
            )
            found[species.name] = block.by_layer(values.reshape(block.shape))
    levels = np.stack([senses.levels[i] for i in range(len(model.species))], axis=-1)[None, :, None]
    derived = derived_values(world.bound, [d.name for d in model.derived], world.inputs(), levels)
    on_top = world.surface_names
    for name, values in derived.items():
        at = values.reshape(block.shape)
        found[name] = np.asarray(at[0].mean()) if name in on_top else block.by_layer(at)
    return found


def snapshot(world: World, state: State, inputs: Mapping[str, float]) -> Snapshot:
    """Return cells and fields of this moment by name, as views of one copy of the state.

    ``inputs`` are those that sessions and aftercare have set.
    """
    model, held = world.model, state.copy()
    names = [model.species[i].name for i in world.cells]
    fields = _by_name(world, world.soluble, held.soluble) | _by_name(world, world.matrix, held.matrix)
    units = {species.name: species.unit for species in model.species}
    return Snapshot(
        held.kind, held.position, held.identity, names, fields, _by_name(world, world.surface, held.surface), units,
        world.block.edges_um, world.block.layer, held.direction, held.births, held.made, dict(inputs),
        {name: structure.arrays() for name, structure in held.structures().items()},
    )  # fmt: skip


def state_of(world: World, found: Snapshot, tick: int) -> State:
    """Return the state that a snapshot of that tick was made of, bit for bit."""

    def stacked(which: Integers, values: Mapping[str, Any], like: npt.NDArray[Any]) -> npt.NDArray[Any]:
        rows = [values[world.model.species[i].name] for i in which]
        return np.array(rows, dtype=like.dtype).reshape(which.size, *like.shape[1:])

    shape = world.block.shape
    soluble = stacked(world.soluble, found.fields, np.empty((0, *shape), np.float32))
    matrix = stacked(world.matrix, found.fields, np.empty((0, *shape)))
    surface = stacked(world.surface, found.surface, np.empty((0, *shape[1:])))
    structures: dict[str, Any] = {name: STRUCTURES[name].restored(a) for name, a in found.structures.items()}
    return State(
        tick, soluble, matrix, surface, found.kind.copy(), found.position.copy(), found.direction.copy(),
        found.identity.copy(), found.births.copy(), found.made.copy(),
        **structures,
    )  # fmt: skip


def told(architecture: Architecture) -> dict[str, Any]:
    """Return what lies and moves how, as plain values."""
    motions = {
        motion.species.name: {
            **{name: motion.value(name) for name in ("speed", "persistence", "attraction", "guidance")},
            "climbs": {species.name: weight for species, weight in motion.weights().items()},
            "rests": motion.rests,
        }
        for motion in architecture.motions
    }
    relaxations = {
        r.of.name: {"rate": r.per_day, "diffusion": r.um2_per_day} for r in architecture.relaxations
    }
    return {
        "motions": motions, "sensing_um": architecture.sensing_um, "orientation": fibres_told(architecture),
        "network": network_told(architecture),
        "cells": [species.name for species in architecture.cells], "relaxations": relaxations,
        "sheet": sheet_told(architecture.sheet), "soaked_um": architecture.soaked_um,
    }  # fmt: skip


def _by_name(world: World, which: Integers, values: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    return {world.model.species[i].name: values[k] for k, i in enumerate(which)}
