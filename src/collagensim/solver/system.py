"""A model bound to values: blocks, inputs, solved basal rates, resting state and scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, ModelError, nearest
from collagensim.model import Expression, Model, evaluate
from collagensim.model.expression import as_node
from collagensim.solver.compiled import Compiled, compiled
from collagensim.write.lowering import TOP

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """How states are laid out: block b = layer * n_compartments + compartment, ``zone`` before ``between``."""

    n_layers: int = 1
    n_compartments: int = 1

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

    @property
    def top(self) -> Array:
        """1 in blocks that carry the surface."""
        return np.where(np.arange(self.n_blocks) < self.n_compartments, 1.0, 0.0)


class Bound:
    """A model with its inputs set, ready for the kernels; events set inputs anew.

    Attributes
    ----------
    inputs : dict
        Name -> (n_blocks,) in the input's unit, solved basal rates included.
    baseline : (n_blocks, m) resting state; scales : (m,) typical magnitudes.
    p : (n_parameter_slots,), u : (n_blocks, n_input_slots)
        What the generated text reads.
    """

    def __init__(self, model: Model, space: Space, given: Mapping[str, Any]) -> None:
        self.model, self.space = model, space
        self.compiled: Compiled = compiled(model)
        self.parameters: dict[str, float] = model.values
        self.inputs: dict[str, Array] = {TOP.name: space.top}
        self._set_defaults(given)
        self.set_inputs(given)
        self.p = np.array(
            [self.value(node) for node in self.compiled.source.parameter_slots], dtype=np.float64
        )
        self.baseline = self._baseline()
        self.scales = self._scales()

    def _set_defaults(self, given: Mapping[str, Any]) -> None:
        for name, declared in self.model.inputs.items():
            if name in given:
                continue
            if declared.default is None:
                raise InputError(
                    f"input {name!r} [{declared.unit}] of {self.model.name!r} has no value: bind it"
                )
            self.inputs[name] = self.space.spread(declared.default, name, declared.place)

    def set_inputs(self, given: Mapping[str, Any]) -> None:
        """Set inputs by name; those the model does not read are an error."""
        for name, value in given.items():
            declared = self.model.inputs.get(name)
            if declared is None:
                raise InputError(
                    f"{self.model.name!r} reads no input {name!r}{nearest(name, self.model.inputs)}"
                )
            self.inputs[name] = self.space.spread(value, name, declared.place)

    def value(self, node: Expression, states: Mapping[str, Any] | None = None) -> Any:
        """Evaluate a formula on parameters, inputs and, where given, states."""
        return evaluate(node, {**self.parameters, **self.inputs, **(states or {})})

    def values(self, nodes: tuple[Expression, ...], states: Mapping[str, Any]) -> list[Any]:
        """Evaluate several formulas that share parts."""
        values, known = {**self.parameters, **self.inputs, **states}, {}  # type: dict[str, Any], dict[Expression, Any]
        return [evaluate(node, values, known) for node in nodes]

    def u(self) -> Array:
        """Input slots of every block (n_blocks, n_slots)."""
        slots = self.values(self.compiled.source.input_slots, {})
        rows = np.empty((self.space.n_blocks, len(slots)))
        for k, value in enumerate(slots):
            rows[:, k] = value
        return rows

    def _baseline(self) -> Array:
        """Resting state (n_blocks, m)."""
        state = np.empty((self.space.n_blocks, len(self.model.species)))
        for i, species in enumerate(self.model.species):
            state[:, i] = self.value(as_node(species.baseline))
        signed = np.array([species.signed for species in self.model.species])
        bad = np.argwhere(~np.isfinite(state) | ((state < 0) & ~signed))
        if bad.size:
            name = self.model.species[int(bad[0][1])].name
            raise ModelError(
                f"the baseline of {name!r} is {state[tuple(bad[0])]:g}: needs a finite value, 0 or more"
            )
        return state

    def by_name(self, state: Array) -> dict[str, Array]:
        """Name -> values of a state (..., m), so that formulas can be evaluated on it."""
        return {name: state[..., i] for i, name in enumerate(self.model.species_names)}

    def solve_basal(self, drift: Array) -> None:
        """Set every basal rate so that baseline plus ``drift`` [state/time] of transport (n_blocks, m) is at rest.

        Raises
        ------
        ModelError
            When a rate would be negative, or a species without basal source does not rest at its baseline.
        """
        lowered = self.compiled.source.lowered
        for declared in lowered.basal_inputs.values():
            self.inputs[declared.name] = np.zeros(self.space.n_blocks)
        states = self.by_name(self.baseline)
        rates = np.array(
            [np.broadcast_to(r, (self.space.n_blocks,)) for r in self.values(lowered.rates, states)]
        )
        missing = -(rates.T + drift)
        for basal in self.model.basals:
            i = self.model.species.index(basal.species)
            if basal.species.kind == "surface":
                missing[:, i] *= self.space.top
            unit_rate = np.broadcast_to(self.value(basal.modulation, states), (self.space.n_blocks,))
            self.inputs[lowered.basal_inputs[basal.species.name].name] = self._rate(
                basal.species.name, missing[:, i], unit_rate
            )
        self._check_rest(drift)

    def _rate(self, name: str, missing: Array, unit_rate: Array) -> Array:
        scale = self.scales[self.model.species_names.index(name)]
        small = np.abs(missing) <= 1e-12 * scale
        needed = np.where(small, 0.0, missing)
        if np.any(needed < 0):
            b = int(np.argmin(needed))
            raise ModelError(
                f"the basal source of {name!r} would be negative ({needed[b]:.3g} in block {b}): at rest more is "
                f"made than is lost, so lower a production or raise a loss"
            )
        if np.any((unit_rate <= 0) & (needed > 0)):
            raise ModelError(f"the basal source of {name!r} has no actor at rest, yet the baseline needs one")
        return np.divide(needed, unit_rate, out=np.zeros_like(needed), where=unit_rate > 0)

    def _check_rest(self, drift: Array) -> None:
        states = self.by_name(self.baseline)
        rates = self.values(self.compiled.source.lowered.rates, states)
        for i, species in enumerate(self.model.species):
            net = np.max(np.abs(np.asarray(rates[i]) + drift[:, i]))
            if self.model.basals and net > 1e-9 * self.scales[i]:
                raise ModelError(
                    f"{species.name!r} does not rest at its baseline in every layer: it changes by {net:.3g} "
                    f"{species.unit} per {self.model.time_unit}"
                )

    def _scales(self) -> Array:
        """Typical magnitude of each state (m,): the declared one, else the largest baseline."""
        baseline = np.max(np.abs(self.baseline), axis=0)
        declared = [s.scale if s.scale is not None else 0.0 for s in self.model.species]
        chosen = np.where(np.array(declared) > 0, declared, baseline)
        return np.where(chosen > 0, chosen, 1.0)
