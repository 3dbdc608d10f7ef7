"""The laws of a model over the voxels of a tissue, as machine code of the plan in `collagensim.write.tissue`."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, ModelError
from collagensim.kernels.numbers import WIDTH, aligned
from collagensim.model import Expression, Model, evaluate
from collagensim.model.expression import text
from collagensim.solver.compiled import kernels_of, machine_code
from collagensim.solver.system import Bound
from collagensim.solver.tissue.foresight import who_leaves, who_makes
from collagensim.solver.tissue.workers import Workers
from collagensim.write.lowering import TOP
from collagensim.write.tissue import TissuePlan, write_tissue

Floats: TypeAlias = npt.NDArray[np.float64]
Singles: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.int64]

voxels = kernels_of("voxels")

_plans: dict[tuple[object, ...], TissuePlan] = {}


def tissue_plan(model: Model, apart: Mapping[str, Collection[str]] | None = None) -> TissuePlan:
    """Return what `write_tissue` makes of a model; parameter values do not enter it."""
    # The hash of the formulas knows the rate of all actors together, not who they are.
    actors = [*(reaction.actor for reaction in model.reactions), *(basal.actor for basal in model.basals)]
    told = tuple((species, *sorted(names)) for species, names in sorted((apart or {}).items()))
    key = (model.structure_hash, *actors, *(species.signed for species in model.species), told)
    if key not in _plans:
        _plans[key] = write_tissue(model, apart)
    return _plans[key]


@dataclass(frozen=True, eq=False)
class Levels:
    """What there is to sense.

    ``levels[i]`` are those of species i of the model in every voxel (n_voxels,).

    Attributes
    ----------
    cells, matrix, soluble : (n_species of that place, n_voxels); surface : (n_species, n_columns).
    order : the species in these, one place after the other.
    """

    cells: Floats
    matrix: Floats
    soluble: Singles
    surface: Floats
    order: Integers

    def arrays(self) -> tuple[Any, ...]:
        """The arrays, in their order."""
        return self.cells, self.matrix, self.soluble, self.surface

    def __getitem__(self, species: int) -> npt.NDArray[Any]:
        row = self.row(species)
        return row if row.size == self.cells.shape[1] else np.resize(row, self.cells.shape[1])

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return (self[species] for species in range(self.order.size))

    def row(self, species: int) -> npt.NDArray[Any]:
        """Those of a species where it is: in every voxel, or in every column of the surface."""
        k = self.order.tolist().index(species)
        for rows in self.arrays():
            if k < rows.shape[0]:
                found: npt.NDArray[Any] = rows[k]
                return found
            k -= rows.shape[0]
        raise IndexError(species)


@dataclass(eq=False)
class Acts:
    """What the laws say.

    Attributes
    ----------
    source, drain : as the soluble fields: rate = source - drain * level, neither of them negative.
    one_drain : (n_soluble,) the drain of each field where that is one number everywhere and free of state, else NaN.
    cells, actors : what is to be expected of cells after the step; (0, n_voxels) where chance is to have its say.
    matrix, surface : what they are after the step.
    found : (n_out, n_voxels), of which the rows `VoxelLaws.told` are written, or `VoxelLaws.told_ahead` where cells are
        expected.
    version : of the laws whose rows free of state stand in these.
    """

    source: Singles
    drain: Singles
    one_drain: Floats
    cells: Floats
    actors: Floats
    matrix: Floats
    surface: Floats
    found: Floats
    version: int = -1

    def arrays(self) -> tuple[Any, ...]:
        """What is written of voxels and columns."""
        return self.source, self.drain, self.cells, self.actors, self.matrix, self.surface, self.found


class VoxelLaws:
    """Rates of fields, arrivals of cells and hazards of their events in every voxel.

    What the surface makes is stated per volume of the top layer. Here it is made in the uppermost voxels alone, as many
    times faster as the layer is voxels deep: the layer's mean stays what it is in the differential equations. Rates of
    the surface itself are those of the voxel in which they are read.

    It works in memory of its own, so it serves one caller at a time.

    Parameters
    ----------
    model : Model
    bound : Bound
        The model bound for one member, its basal rates solved; a layer's first block is the one that is read.
    layer : (nz,)
        Layer of each horizontal row of voxels, from the top down.
    shape : (nz, ny, nx)
    apart : species -> reactions whose gain is told apart; may be none.
    ahead : species of these whose rates are asked for already where cells are but expected.
    workers : threads that share the voxels; one when None.

    Attributes
    ----------
    plan : what the elements of ``out`` are; n_out : how many they are.
    told : which of these `act` writes down: arrivals, hazards, and all of the species that are named ``apart``;
        told_ahead : all of the species that are named ``ahead``, where cells are but expected.
    version : how often parameters and inputs have been read.
    """

    def __init__(
        self,
        model: Model,
        bound: Bound,
        layer: Integers,
        shape: tuple[int, int, int],
        apart: Mapping[str, Collection[str]] | None = None,
        ahead: Collection[str] = (),
        workers: Workers | None = None,
    ) -> None:
        if bound.n != 1:
            raise InputError(f"a tissue has the laws of one member, {bound.n} are bound")
        self.bound, self.shape = bound, shape
        self.plan: TissuePlan = tissue_plan(model, apart)
        self.n_out = self.plan.n_out
        self._address = _address(model.name, self.plan.text)
        # Voxels differ by the inputs that they read: those of a layer, of the top one with the surface upon it.
        starts = np.flatnonzero(np.concatenate([[1, 1], np.diff(layer)[1:]])[: layer.size])
        self._first = np.append(starts, layer.size).astype(np.int64) * (shape[1] * shape[2])
        self._block = bound.space.n_compartments * layer[starts]
        self._surface = np.where(starts == 0, float(np.count_nonzero(layer == layer[0])), 0.0)
        changes = ("changes", "is lost")
        kept = [r.what not in changes or r.species in (apart or {}) for r in self.plan.results]
        self.told = np.flatnonzero(kept)
        self.told_ahead = np.flatnonzero([r.species in ahead for r in self.plan.results])
        self._leaves, self._makes = who_leaves(self.plan), who_makes(self.plan)
        sizes = (len(model.species), len(self.plan.cells), self.n_out)
        self.workers = workers or Workers()
        self._work = [
            tuple(aligned(voxels.TILE * size, WIDTH) for size in sizes) for _ in range(self.workers.threads)
        ]
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

    def act(
        self, levels: Levels, actors: Floats, days: float, acts: Acts, *, begun: Levels | None = None
    ) -> None:  # fmt: skip
        """Write what the laws say of every voxel; what is free of state only where it stands there no more.

        Parameters
        ----------
        levels : what there is to sense.
        actors : (n_cells, n_voxels) density of the cells of each kind that act in the voxel [as the species].
        days : length of the step.
        acts : written.
        begun : levels before the step, where these are not what is sensed: what stays goes on from them.
        """
        if self.shape[1] * self.shape[2] % WIDTH:
            raise InputError(f"a block of {self.shape} voxels: give rows of a multiple of {WIDTH}")
        fields = levels.order[levels.cells.shape[0] :]
        exchanged = np.stack([self.plan.net_rows[fields], self.plan.loss_rows[fields]], axis=1)
        stale, told = acts.version != self.version, self.told_ahead if acts.cells.shape[0] else self.told
        if stale:
            acts.one_drain[:] = np.nan
        unknown = np.isnan(acts.one_drain)
        self._run(self._first, levels, begun or levels, actors, told, acts, exchanged, days, stale)
        acts.version = self.version
        losses = self.plan.loss_rows[fields[levels.matrix.shape[0] :]]
        for k in np.flatnonzero(unknown & self.plan.constant[losses[: unknown.size]]):
            drain = acts.drain[k]
            acts.one_drain[k] = drain[0] if drain.min() == drain.max() else np.nan

    def evaluate(self, levels: Floats, actors: Floats, out: Floats, *, constants: bool = True) -> None:
        """Fill ``out`` (n_out, n_voxels) with the rates of every voxel.

        Rows that tell what happens to the surface are filled in the uppermost voxels only.

        Parameters
        ----------
        levels : (m, n_voxels) what is sensed of every species, those of the surface as in the voxel's column.
        actors : (n_cells, n_voxels) density of the cells of each kind that act in the voxel [as the species].
        out : (n_out, n_voxels), ordered as `TissuePlan` says.
        constants : whether to write rows that are free of state too: they change at `renew` alone, and are left as they
            are otherwise.
        """
        rows = (len(self.bound.model.species), len(self.plan.cells), self.n_out)
        for array, n_rows in zip((levels, actors, out), rows, strict=True):
            if array.shape != (n_rows, self._first[-1]):
                raise InputError(f"{array.shape} is not {n_rows} rows of {self._first[-1]} floats")
        # Spans are filled up to whole groups of lanes: with ones, harmlessly.
        sizes = np.diff(self._first)
        first = np.concatenate([[0], np.cumsum(-(-sizes // WIDTH) * WIDTH)])
        place = np.concatenate([np.arange(size) + begin for size, begin in zip(sizes, first, strict=False)])
        filled = [np.ones((n_rows, int(first[-1]))) for n_rows in rows]
        for array, copy in zip((levels, actors, out), filled, strict=True):
            copy[:, place] = array
        none = np.empty((0, int(first[-1])))
        empty = none.astype(np.float32)
        read = Levels(filled[0], none, empty, none, np.arange(rows[0]))
        self._run(
            first, read, read, filled[1], np.arange(self.n_out),
            Acts(empty, empty, np.empty(0), none, none, none, none, filled[2]), np.empty((0, 2), dtype=np.int64), 0.0,
            constants,
        )  # fmt: skip
        out[:] = filled[2][:, place]

    def _run(
        self, first: Integers, levels: Levels, begun: Levels, actors: Floats, told: Integers, acts: Acts,
        exchanged: Integers, days: float, constants: bool,
    ) -> None:  # fmt: skip
        plan, everywhere = self.plan, first.size - 1
        on_top = (told >= plan.n_everywhere) & (told < plan.n_on_top)
        spans = np.where(on_top, 1, np.where(plan.constant[told] & (not constants), 0, everywhere))
        for array in (*levels.arrays(), begun.matrix, begun.surface, actors, *acts.arrays()):
            # Machine code looks for the rows where they should be, and checks nothing.
            if not array.flags.c_contiguous or array.ctypes.data % 16:
                raise InputError(
                    "an array of the tissue is not contiguous or begins within 16 bytes: give numpy.ascontiguousarray"
                    " of a copy"
                )
        rows, n = np.stack([told, spans], axis=1), self.workers.threads
        bounds = int(first[-1]) // WIDTH * np.arange(n + 1) // n * WIDTH
        one_drain = np.tile(acts.one_drain, (n, 1))  # one for each thread: where a law bends, it changes

        def act(k: int) -> None:
            voxels.evaluate_voxels(
                self._address, *levels.arrays(), levels.order, actors, self._p, self._u, first, bounds[k],
                bounds[k + 1], rows, acts.found, exchanged, days, begun.matrix, begun.surface, acts.source, acts.drain,
                one_drain[k], acts.matrix, acts.surface, self.plan.entry_rows, self._leaves, self._makes, acts.cells,
                acts.actors, *self._work[k],
            )  # fmt: skip

        self.workers.each(act, range(n))
        acts.one_drain[np.isnan(one_drain).any(axis=0)] = np.nan


@functools.cache
def _address(name: str, text_: str) -> int:
    return machine_code(f"{name}_tissue", text_, "lanes")["voxel_rates"]
