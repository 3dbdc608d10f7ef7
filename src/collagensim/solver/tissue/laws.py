"""The laws of a model over the voxels of a tissue, as machine code of the plan in `collagensim.write.tissue`."""

from __future__ import annotations

import functools
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, ModelError
from collagensim.kernels.numbers import WIDTH, aligned
from collagensim.model import Expression, Model, evaluate
from collagensim.model.expression import text
from collagensim.solver.compiled import kernels_of, machine_code
from collagensim.solver.system import Bound
from collagensim.write.lowering import TOP
from collagensim.write.tissue import TissuePlan, write_tissue

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

voxels = kernels_of("voxels")

_plans: dict[tuple[object, ...], TissuePlan] = {}


def tissue_plan(model: Model) -> TissuePlan:
    """Return what `write_tissue` makes of a model; parameter values do not enter it."""
    # The hash of the formulas knows the rate of all actors together, not who they are.
    actors = [*(reaction.actor for reaction in model.reactions), *(basal.actor for basal in model.basals)]
    key = (model.structure_hash, *actors, *(species.signed for species in model.species))
    if key not in _plans:
        _plans[key] = write_tissue(model)
    return _plans[key]


class VoxelLaws:
    """Rates of fields, arrivals of cells and hazards of their events in every voxel.

    What the surface makes is stated per volume of the top layer. Here it is made in the uppermost voxels alone, as many
    times faster as the layer is voxels deep: the layer's mean stays what it is in the differential equations. Rates of
    the surface itself are those of the voxel in which they are read.

    It works in memory of its own, so it serves one thread at a time.

    Parameters
    ----------
    model : Model
    bound : Bound
        The model bound for one member, its basal rates solved; a layer's first block is the one that is read.
    layer : (nz,)
        Layer of each horizontal row of voxels, from the top down.
    shape : (nz, ny, nx)

    Attributes
    ----------
    plan : what the elements of ``out`` are; n_out : how many they are.
    version : how often parameters and inputs have been read.
    """

    def __init__(self, model: Model, bound: Bound, layer: Integers, shape: tuple[int, int, int]) -> None:
        if bound.n != 1:
            raise InputError(f"a tissue has the laws of one member, {bound.n} are bound")
        self.bound, self.shape = bound, shape
        self.plan: TissuePlan = tissue_plan(model)
        self.n_out = self.plan.n_out
        self._address = _address(model.name, self.plan.text)
        # Voxels differ by the inputs that they read: those of a layer, of the top one with the surface upon it.
        starts = np.flatnonzero(np.concatenate([[1, 1], np.diff(layer)[1:]])[: layer.size])
        self._first = np.append(starts, layer.size).astype(np.int64) * (shape[1] * shape[2])
        self._block = bound.space.n_compartments * layer[starts]
        self._surface = np.where(starts == 0, float(np.count_nonzero(layer == layer[0])), 0.0)
        self._y, self._n, self._result = (
            aligned(voxels.TILE * size, WIDTH)
            for size in (len(model.species), len(self.plan.cells), self.n_out)
        )
        # Idle lanes calculate too: with ones, harmlessly.
        self._y[:] = self._n[:] = 1.0
        self.version = 0
        self.renew()

    def renew(self) -> None:
        """Read the parameters and inputs of the bound model anew.

        Raises
        ------
        ModelError
            When a factor is negative that makes a hazard negative.
        """
        self.version += 1
        values = {name: np.asarray(value).reshape(-1) for name, value in self.bound.parameters.items()}
        values.update({name: row[0][self._block] for name, row in self.bound.inputs.items()})
        values[TOP.name] = self._surface
        known: dict[Expression, Floats] = {}
        for node in self.plan.trusted:
            if np.any(evaluate(node, values, known) < 0.0):
                raise ModelError(f"{text(node)} is negative, and with it the rate of an event of cells")
        n_kinds = self._block.size
        self._p = aligned(len(self.plan.parameter_slots), WIDTH)
        self._u = aligned(n_kinds, len(self.plan.input_slots), WIDTH)
        for k, node in enumerate(self.plan.parameter_slots):
            self._p[k] = evaluate(node, values, known)
        for k, node in enumerate(self.plan.input_slots):
            self._u[:, k] = np.broadcast_to(evaluate(node, values, known), n_kinds)[:, None]

    def evaluate(self, levels: Floats, actors: Floats, out: Floats, *, constants: bool = True) -> None:
        """Fill ``out`` (n_out, n_voxels) with the rates of every voxel.

        Rows that tell what happens to the surface are filled in the uppermost voxels only.

        Parameters
        ----------
        levels : (m, n_voxels) what is sensed of every species, those of the surface as in the voxel's column.
        actors : (n_cells, n_voxels) density of the cells of each kind that act in the voxel [as the species].
        out : (n_out, n_voxels), ordered as `TissuePlan` says.
        constants : whether to fill rows that are free of state too: they change at `renew` alone, and are left as they
            are otherwise.
        """
        rows = (len(self.bound.model.species), len(self.plan.cells), self.n_out)
        for array, n_rows in zip((levels, actors, out), rows, strict=True):
            # Machine code looks for the rows where they should be, and checks nothing.
            if (
                array.shape != (n_rows, self._first[-1])
                or not array.flags.c_contiguous
                or array.dtype != np.float64
            ):
                raise InputError(
                    f"{array.dtype} {array.shape} is no contiguous array of {n_rows} rows of {self._first[-1]} floats"
                )
        skipped = np.full((self._first.size - 1, 2), [self.plan.n_everywhere, self.plan.n_on_top])
        skipped[0, 0] = self.plan.n_on_top
        if not constants:
            skipped[:, 1] = self.n_out
        voxels.evaluate_voxels(
            self._address, levels, actors, self._p, self._u, self._first, skipped, self._y, self._n, self._result, out
        )  # fmt: skip


@functools.cache
def _address(name: str, text_: str) -> int:
    return machine_code(f"{name}_tissue", text_, "lanes")["voxel_rates"]
