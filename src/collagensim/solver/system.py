"""A model bound to the values of its members: blocks, inputs, solved basal rates, resting states and scales."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import CollagensimError, InputError, ModelError, nearest
from collagensim.model import Expression, Model, evaluate
from collagensim.solver.compiled import Compiled, compiled
from collagensim.solver.outline import Outline, outline
from collagensim.write.lowering import TOP

Array: TypeAlias = npt.NDArray[Any]  # of floats, or complex where a parameter carries a derivative
Integers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Space:
    """How states are laid out: block b = layer * n_compartments + compartment, ``zone`` before ``between``."""

    n_layers: int = 1
    n_compartments: int = 1
    layers: tuple[str, ...] = ()

    @property
    def n_blocks(self) -> int:
        """Blocks in all."""
        return self.n_layers * self.n_compartments

    def spread(self, value: Any, name: str, place: str) -> Array:
        """Return one value a block (n_blocks,) of an input given per layer or once."""
        given = np.asarray(value, dtype=np.float64)
        if not np.all(np.isfinite(given)):
            raise InputError(f"input {name!r} holds a value that is not finite")
        if given.shape == ():
            return np.full(self.n_blocks, float(given))
        if place == "layer" and given.shape == (self.n_layers,):
            return np.repeat(given, self.n_compartments)
        needed = f"one number or {self.n_layers} values, one a layer" if place == "layer" else "one number"
        raise InputError(f"input {name!r} has shape {given.shape}: needs {needed}")

    def told(self, block: int) -> str:
        """Where a block lies, as the end of a sentence; nothing where there is only one."""
        if self.n_blocks == 1:
            return ""
        layer, compartment = divmod(block, self.n_compartments)
        where = f" in {self.layers[layer]}" if self.layers else f" in layer {layer}"
        return where if self.n_compartments == 1 else f"{where}, {('zone', 'between')[compartment]}"

    @property
    def top(self) -> Array:
        """1 in blocks that carry the surface."""
        return np.where(np.arange(self.n_blocks) < self.n_compartments, 1.0, 0.0)


class Bound:
    """A model with the values of its members set, ready for the kernels; events set inputs anew.

    A member is one parameter set with its inputs. Members never influence each other: what a member gets is the same,
    bit for bit, whoever else is bound with it. One that cannot be bound is told in ``failures``; of a single one the
    error is raised.

    Parameters
    ----------
    model : Model
    space : Space
    given : mapping or sequence of mappings
        Input name -> value (a number, or (n_layers,)), once for all members or one mapping for each.
    parameters : mapping, optional
        Parameter name -> (N,) values where members differ from the model or from each other; complex ones carry a
        derivative into everything that is computed here.

    Attributes
    ----------
    n : members.
    parameters : name -> number, or (N, 1) where members differ; inputs : name -> (N, n_blocks), basal rates included.
    p : (N, n_parameter_slots), u : (N, n_blocks, n_input_slots), what the generated text reads.
    baseline : (N, n_blocks, m) resting state; scales : (N, m) typical magnitudes.
    numbers : (N,) the members' numbers; they stay when some are laid aside by `only`.
    failures : number -> error.
    """

    def __init__(
        self,
        model: Model,
        space: Space,
        given: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.model, self.space = model, space
        self.compiled: Compiled = compiled(model)
        self.outline: Outline = outline(model)
        each = [given] if isinstance(given, Mapping) else list(given)
        own = {name: np.atleast_1d(values) for name, values in (parameters or {}).items()}
        self.n = max([len(each), *(values.size for values in own.values())])
        self.numbers: Integers = np.arange(self.n)
        self.alone = self.n == 1
        self.failures: dict[int, CollagensimError] = {}
        self.parameters = _parameters(model, own)
        self.varied = tuple(own)
        self._shaped: dict[int, dict[str, Any]] = {2: self.parameters}
        self.dtype = np.result_type(np.float64, *(values.dtype for values in own.values()))
        self.inputs: dict[str, Array] = {TOP.name: np.repeat(space.top[None], self.n, axis=0)}
        self._changed: set[str] = set()  # since `u` was computed
        self._has_slots = False
        self.set_inputs(each if len(each) == self.n else each * self.n)
        self._set_defaults()
        formulas = self.compiled.formulas
        slots = np.empty((self.n, 1, self.compiled.n_parameter_slots), self.dtype)
        with _quiet():
            self.p: Array = formulas.parameter_slots(self.parameters, slots)[:, 0]
        self.baseline = self._baseline()
        self.scales = self._scales()
        self.u: Array = np.empty((self.n, space.n_blocks, self.compiled.n_input_slots), self.dtype)

    def only(self, members: Integers) -> Bound:
        """Return a bound of those members alone; they keep their numbers, and failures stay known to both."""
        found = copy.copy(self)
        found.n = members.size
        found.parameters = {
            **self.parameters,
            **{name: self.parameters[name][members] for name in self.varied},
        }
        found._shaped, found._changed = {2: found.parameters}, set(self._changed)
        found.inputs = {name: values[members] for name, values in self.inputs.items()}
        for name in ("numbers", "p", "u", "baseline", "scales"):
            setattr(found, name, getattr(self, name)[members])
        return found

    def copied(self) -> Bound:
        """Return a bound whose inputs can be set without touching this one."""
        found = copy.copy(self)
        found.inputs, found.failures, found._changed = (
            dict(self.inputs),
            dict(self.failures),
            set(self._changed),
        )
        found.u = self.u.copy()
        return found

    def sound(self) -> Integers:
        """Return the places of the members that have not failed."""
        return np.array(
            [k for k, number in enumerate(self.numbers.tolist()) if number not in self.failures],
            dtype=np.int64,
        )

    def fail(self, member: int, error: CollagensimError) -> None:
        """Note that the member at a place cannot go on; raise when it is the only one. Its first error stays."""
        if self.alone:
            raise error
        number = int(self.numbers[member])
        if number not in self.failures:
            error.args = (f"member {number}: {error}",)
            self.failures[number] = error

    def parameters_for(self, n_axes: int) -> dict[str, Any]:
        """Parameters that broadcast against arrays (N, ...) of that many axes."""
        if n_axes not in self._shaped:
            shape = (self.n, *(1,) * (n_axes - 1))
            shaped = {name: self.parameters[name].reshape(shape) for name in self.varied}
            self._shaped[n_axes] = {**self.parameters, **shaped}
        return self._shaped[n_axes]

    def _set_defaults(self) -> None:
        for name, declared in self.model.inputs.items():
            if name in self.inputs:
                continue
            if declared.default is None:
                raise InputError(
                    f"input {name!r} [{declared.unit}] of {self.model.name!r} has no value: bind it"
                )
            row = self.space.spread(declared.default, name, declared.place)
            self.inputs[name] = np.repeat(row[None], self.n, axis=0)

    def set_inputs(
        self, given: Mapping[str, Any] | Sequence[Mapping[str, Any]], who: Integers | None = None
    ) -> None:
        """Set inputs by name, of all members or of those in ``who``, one mapping each; `renew` makes it felt.

        Raises
        ------
        InputError
            For a name that the model does not read.
        """
        members = np.arange(self.n) if who is None else who
        each = [given] * members.size if isinstance(given, Mapping) else given
        for name in dict.fromkeys(name for one in each for name in one):
            declared = self.model.inputs.get(name)
            if declared is None:
                raise InputError(
                    f"{self.model.name!r} reads no input {name!r}{nearest(name, self.model.inputs)}"
                )
            holders = [j for j, one in enumerate(each) if name in one]
            rows = self._rows(name, declared.place, [each[j][name] for j in holders], members[holders])
            if len(holders) < self.n:
                whole = self.rows(name)
                whole[members[holders]] = rows
                rows = whole
            self.inputs[name] = rows
            self._changed.add(name)

    def set_rows(self, rows: Mapping[str, Array], who: Integers) -> None:
        """Set inputs whose values are laid out already: name -> (n, n_blocks) of the members in ``who``."""
        for name, values in rows.items():
            if who.size < self.n:
                whole = self.rows(name)
                whole[who] = values
                self.inputs[name] = whole
            elif name in self.inputs and np.array_equal(self.inputs[name], values):
                continue  # as after an equal session: what follows from it stays
            else:
                self.inputs[name] = values
            self._changed.add(name)

    def rows(self, name: str) -> Array:
        """A copy (n, n_blocks) of an input of all members; its default where it has no value yet."""
        if name in self.inputs:
            return self.inputs[name].copy()
        declared = self.model.inputs[name]
        return np.full(
            (self.n, self.space.n_blocks), np.nan if declared.default is None else declared.default
        )

    def _rows(self, name: str, place: str, values: list[Any], members: Integers) -> Array:
        """Values as (n, n_blocks); a member whose value does not fit fails and gets NaN."""
        try:
            stacked = np.array(values, dtype=np.float64)
        except ValueError:  # of several shapes
            stacked = np.empty(0)
        if np.all(np.isfinite(stacked)):
            if stacked.shape == (len(values),):
                return np.repeat(stacked[:, None], self.space.n_blocks, axis=1)
            if place == "layer" and stacked.shape == (len(values), self.space.n_layers):
                return np.repeat(stacked, self.space.n_compartments, axis=1)
        rows = np.full((len(values), self.space.n_blocks), np.nan)
        for row, value, member in zip(rows, values, members, strict=True):
            try:
                row[:] = self.space.spread(value, name, place)
            except InputError as error:
                self.fail(int(member), error)
        return rows

    def renew(self, who: Integers | None = None) -> None:
        """Compute the input slots ``u`` anew, of all members or of those in ``who``, where inputs changed."""
        some = self if who is None or who.size == self.n else self.only(who)
        rows = self.u.copy() if some is self else some.u
        with _quiet():
            for fill, reads in self.compiled.formulas.INPUT_SLOTS:
                if not self._has_slots or not reads.isdisjoint(self._changed):
                    fill(some.parameters, some.inputs, rows)
        if some is self:
            self.u = rows
        else:
            self.u[who] = rows
        self._changed.clear()
        self._has_slots = True

    def value(self, node: Expression, states: Mapping[str, Any] | None = None) -> Any:
        """Evaluate one formula on parameters, inputs and, where given, states."""
        return evaluate(node, {**self.parameters, **self.inputs, **(states or {})})

    def by_name(self, state: Array) -> dict[str, Array]:
        """Name -> values of a state (..., m), so that formulas can be evaluated on it."""
        return {name: state[..., i] for name, i in self.outline.place.items()}

    def solve_basal(self, drift: Array) -> None:
        """Set every basal rate so that baseline plus ``drift`` [state/time] of transport (N, n_blocks, m) is at rest.

        A member fails with a ModelError when a rate would be negative, or when a species without basal source does
        not rest at its baseline.
        """
        formulas, names, place = self.compiled.formulas, self.outline.basal_inputs, self.outline.basal_place
        known = (self.parameters, {**self.inputs, **dict.fromkeys(names, 0.0)}, self.baseline)
        with _quiet():
            net = formulas.rates(*known, np.empty(self.baseline.shape, self.dtype)) + drift
            acting = self._stacked(formulas.basal(*known))
            source = self._stacked(formulas.basal_source(*known))
            missing = -net[..., place]
            missing[..., self.outline.basal_on_top] *= self.space.top[:, None]
            rates = self._rates(missing, acting, self.scales[:, None, place])
            net[..., place] += rates * source
        for k, name in enumerate(names):
            self.inputs[name] = rates[..., k]
        self._changed.update(names)
        self._check_rest(net)

    def _stacked(self, values: list[Any]) -> Array:
        """Values that broadcast to (N, n_blocks), as (N, n_blocks, how many)."""
        out = np.empty((self.n, self.space.n_blocks, len(values)), self.dtype)
        for k, value in enumerate(values):
            out[..., k] = value
        return out

    def _rates(self, missing: Array, acting: Array, scale: Array) -> Array:
        """Solved rates (N, n_blocks, n_basals); a derivative is kept where the value itself is rounding."""
        needed = missing - np.where(np.abs(missing.real) <= 1e-12 * scale, missing.real, 0.0)
        negative, idle = needed.real < 0, (acting.real <= 0) & (needed.real > 0)
        for member in np.flatnonzero(np.any(negative | idle, axis=(1, 2))):
            k = int(np.argmax(np.any(negative | idle, axis=1)[member]))
            name = self.model.basals[k].species.name
            b = int(np.argmin(needed[member, :, k].real))
            if negative[member, b, k]:
                found = f"{needed[member, b, k].real:.3g}{self.space.told(b)}"
                message = (
                    f"the basal source of {name!r} would be negative ({found}): "
                    f"at rest more is made than is lost, so lower a production or raise a loss"
                )
            else:
                message = f"the basal source of {name!r} has no actor at rest, yet the baseline needs one"
            self.fail(int(member), ModelError(message))
        return np.asarray(np.divide(needed, acting, out=np.zeros_like(needed), where=acting.real > 0))

    def _check_rest(self, net: Array) -> None:
        """Fail the members whose baseline still changes, by ``net`` (N, n_blocks, m) [state/time]."""
        if not self.model.basals:
            return
        largest = np.max(np.abs(net.real), axis=1)
        for member, i in np.argwhere(~(largest <= 1e-9 * self.scales)):
            species = self.model.species[i]
            message = (
                f"{species.name!r} does not rest at its baseline in every layer: it changes by "
                f"{largest[member, i]:.3g} {species.unit} per {self.model.time_unit}"
            )
            self.fail(int(member), ModelError(message))

    def _baseline(self) -> Array:
        """Resting state (N, n_blocks, m)."""
        shape = (self.n, self.space.n_blocks, len(self.model.species))
        with _quiet():
            state: Array = self.compiled.formulas.baseline(
                self.parameters, self.inputs, np.empty(shape, self.dtype)
            )
        bad = ~np.isfinite(state) | ((state.real < 0) & ~self.outline.signed)
        for member in np.flatnonzero(np.any(bad, axis=(1, 2))):
            b, i = np.argwhere(bad[member])[0]
            name, found = self.model.species[int(i)].name, state[member, b, i].real
            self.fail(
                int(member),
                ModelError(f"the baseline of {name!r} is {found:g}: needs a finite value, 0 or more"),
            )
        return state

    def _scales(self) -> Array:
        """Typical magnitude of each state (N, m): the declared one, else the largest baseline."""
        baseline = np.max(np.abs(self.baseline.real), axis=1)
        chosen = np.where(self.outline.scale > 0, self.outline.scale, baseline)
        return np.where(chosen > 0, chosen, 1.0)


def _quiet() -> np.errstate:
    """What these formulas give is checked, or stops the stepper: no warning on the way."""
    return np.errstate(divide="ignore", invalid="ignore", over="ignore")


def _parameters(model: Model, own: Mapping[str, Array]) -> dict[str, Any]:
    """Name -> number, or (N, 1) where values are given for members; NumPy's numbers, which divide as arrays do."""
    values = model.values
    found: dict[str, Any] = dict(zip(values, np.array(list(values.values()), dtype=np.float64), strict=True))
    found.update({name: given[:, None] for name, given in own.items()})
    return found
