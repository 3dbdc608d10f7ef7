"""What is read off a tissue: averages by layer, and snapshots that hold enough to go on from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.model import Architecture
from collagensim.response import Snapshot
from collagensim.solver.columns import derived_values
from collagensim.solver.resting import SPACE
from collagensim.solver.tissue.epithelium import sheet_told
from collagensim.solver.tissue.fibres import fibres_told
from collagensim.solver.tissue.stages import Senses
from collagensim.solver.tissue.state import STRUCTURES, State
from collagensim.solver.tissue.web import network_told
from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

# Horizontal rows of voxels whose derived quantities are found together: what is worked on stays in the second cache.
BAND = 32


def averages(world: World, state: State, senses: Senses) -> dict[str, Floats]:
    """Every variable averaged by layer, (3,), or over the surface, ()."""
    model, block, found = world.model, world.block, dict[str, Floats]()
    counted = senses.actors.reshape(world.n_kinds, *block.shape)
    for which, rows in ((world.cells, counted), (world.soluble, state.soluble), (world.matrix, state.matrix)):
        found |= _by_name(world, which, block.by_layer(rows))
    found |= _by_name(world, world.surface, state.surface.mean(axis=(-2, -1)))
    found = {species.name: np.asarray(found[species.name]) for species in model.species}
    sensed = {i: senses.levels.row(i) for i in world.read_by_derived}
    in_rows = [_derived_in(world, sensed, rows) for rows in bands(block.layer)]
    for derived in model.derived:
        means = np.concatenate([row[derived.name] for row in in_rows])
        on_top = derived.name in world.surface_names
        found[derived.name] = np.asarray(means[0]) if on_top else block.mean_of_rows(means)
    return found


def bands(layer: Integers) -> list[slice]:
    """Horizontal rows of voxels that are worked on together: of one layer each, and `BAND` at most."""
    edges = [0, *(np.flatnonzero(np.diff(layer)) + 1).tolist(), layer.size]
    layers = itertools.pairwise(edges)
    return [slice(k, min(k + BAND, end)) for begin, end in layers for k in range(begin, end, BAND)]


def _derived_in(world: World, sensed: Mapping[int, Floats], rows: slice) -> dict[str, Floats]:
    """Derived quantities averaged over each of some horizontal rows of voxels of one layer, by name."""
    model, (nz, ny, nx) = world.model, world.block.shape
    n = rows.stop - rows.start
    # One species after the other, so that formulas go along memory.
    levels = np.empty((len(model.species), n, ny * nx))
    for i, values in sensed.items():
        levels[i] = values.reshape(nz, -1)[rows] if values.size == nz * ny * nx else values
    block = world.block.layer[rows.start] * SPACE.n_compartments
    inputs = {name: values[:1, block, None] for name, values in world.bound.inputs.items()}
    states = np.moveaxis(levels.reshape(1, len(levels), -1), 1, -1)
    found = derived_values(world.bound, [d.name for d in model.derived], inputs, states)
    return {name: values.reshape(n, ny, nx).mean(axis=(-2, -1)) for name, values in found.items()}


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
