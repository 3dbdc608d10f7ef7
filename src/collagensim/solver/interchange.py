"""A mean-field course as a system that other simulators can be given: formulas and numbers, nothing integrated.

Shares, exchange rates and inputs do not depend on the state, so a `MeanField` that stands still at rest gives them;
what a session does to the states is `strike`, read on formulas.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, plain
from collagensim.model import Expression, Model, exp, log
from collagensim.model.expression import add, as_node, constant, law, multiply, power
from collagensim.model.units import unit
from collagensim.skin import LAYERS, Skin
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import Happening, MeanField
from collagensim.solver.resting import SPACE, ZONE
from collagensim.solver.simulate import _Asked, happenings
from collagensim.solver.strike import Values, strike
from collagensim.treatment import Protocol
from collagensim.write.sbml_system import Block, Event, Link, Placed, System
from collagensim.write.sbml_text import quotient

Array = npt.NDArray[np.float64]
_COMPARTMENTS = ("zone", "between")
_MEANS = (
    "Amounts are per volume of tissue at rest. A layer's mean is that of its zone and the tissue between, by "
    "volume_share; a state that is averaged by a weight, by that weight times volume_share."
)
BLOCKS = tuple(f"{layer}_{part}" for layer in LAYERS for part in _COMPARTMENTS)


def course(
    model: Model, skin: Skin | None, protocol: Protocol | None, *, days: float, ageing: bool
) -> System:
    """Return the course that `collagensim.simulate` would run with these arguments.

    ``protocol`` None is no session, ``skin`` None the one that the protocol was done on.

    Raises
    ------
    InputError
        As `collagensim.simulate`, and without any skin.
    """
    protocol = Protocol.none() if protocol is None else protocol
    skin = getattr(protocol, "skin", None) if skin is None else skin
    if skin is None:
        raise InputError("a course needs a skin: give for example skin=Skin(site='cheek')")
    asked = _Asked(model, skin, protocol, days, ageing, 1e-6, "rodas5p", 600.0)
    rest = {**skin.inputs(), "skin.ageing": 0.0}
    field = MeanField(model, rest, Limits(), drive={"skin.ageing": float(asked.ageing)})
    plan = happenings(skin, protocol, float(field.radius_um[0]), asked.span)
    told = f"Mean-field course of {plain(asked.span)} days, {'with' if asked.ageing else 'without'} ageing."
    return _Recorder(field).system(plan, (told, f"{skin!r}.", f"{protocol!r}."))


class _Recorder:
    """Lets a field pass through its happenings and writes down what each changes."""

    def __init__(self, field: MeanField) -> None:
        self.field, self.model = field, field.bound.model
        self.symbols = _objects(
            [[Placed(species, block).node for species in self.model.species] for block in BLOCKS]
        ).reshape(SPACE.n_layers, SPACE.n_compartments, -1)

    def system(self, happenings: Iterable[Happening], remarks: tuple[str, ...]) -> System:
        """Return the course of these happenings as a system."""
        field, model = self.field, self.model
        shares, inputs, rates = [field.share[0].copy()], [self._inputs()], [field.link_rates()[0]]
        found: list[tuple[float, str, Values]] = []
        by_day = itertools.groupby(sorted(happenings, key=lambda h: h.day), key=lambda h: h.day)
        for day, group in by_day:
            states, titles = self.symbols, []
            for happening in group:
                states, told = self._happen(happening, states)
                titles.append(told)
            found.append((day, " and ".join(dict.fromkeys(titles)), states))
            shares.append(field.share[0].copy())
            inputs.append(self._inputs())
            rates.append(field.link_rates()[0])
        used = np.flatnonzero(np.any(rates, axis=0))
        events = [
            Event(
                day, told, self._changed(states), _differences(inputs[k], inputs[k + 1]),
                _differences(_numbered(rates[k], used), _numbered(rates[k + 1], used)),
                _differences(_by_block(shares[k]), _by_block(shares[k + 1])),
            )
            for k, (day, told, states) in enumerate(found)
        ]  # fmt: skip
        body = {name: value for (block, name), value in inputs[0].items() if not block}
        return System(
            model, tuple(self._block(i, inputs[0]) for i in range(SPACE.n_blocks)), model.title or model.name, body,
            self._links(used, rates[0]), tuple(e for e in events if e.is_felt), _by_block(shares[0]),
            (*remarks, _MEANS),
        )  # fmt: skip

    def _happen(self, happening: Happening, states: Values) -> tuple[Values, str]:
        """Let the field pass a happening; return the states' formulas after it and its title."""
        old = self.field.share[0].copy()
        self.field.happen({0: happening})
        if happening.injury is None:
            return states, "change of aftercare"
        hit = np.asarray(happening.injury.inputs()["injury.zone_fraction"], dtype=np.float64)
        reading = _Reading(self.field)
        return strike(states, old, hit, reading.weights(), reading.jumped), "session"

    def _inputs(self) -> dict[tuple[str, str], float]:
        """Current inputs of the model by (block, name), those of the body by ("", name)."""
        found: dict[tuple[str, str], float] = {}
        for name, values in self.field.bound.inputs.items():
            declared = self.model.inputs.get(name)
            if declared is not None:
                everywhere = declared.place == "body"
                blocks = ("",) if everywhere else BLOCKS
                found.update(zip(((b, name) for b in blocks), values.ravel().tolist(), strict=False))
        return found

    def _block(self, i: int, inputs: Mapping[tuple[str, str], float]) -> Block:
        bound, name = self.field.bound, BLOCKS[i]
        layer, part = divmod(i, SPACE.n_compartments)
        return Block(
            name,
            f"{LAYERS[layer]} dermis, {'zone around channels' if part == ZONE else 'tissue between'}".replace("_", " "),
            has_surface=layer == 0,
            inputs={key: value for (block, key), value in inputs.items() if block == name},
            initial=dict(zip(self.model.species_names, bound.baseline[0, i].tolist(), strict=True)),
            basal={b.species.name: float(bound.inputs[f"basal.{b.species.name}"][0, i]) for b in self.model.basals},
        )  # fmt: skip

    def _links(self, used: npt.NDArray[np.intp], rate: Array) -> tuple[Link, ...]:
        to, source = self.field.rest.link_to, self.field.rest.link_from
        flat = [symbol.declared for symbol in self.symbols.ravel()]
        return tuple(Link(flat[to[k]], flat[source[k]], float(rate[k])) for k in used)

    def _changed(self, states: Values) -> dict[Placed, Expression]:
        """Return the new formulas of the states that exist and do not stay as they are."""
        pairs = zip(self.symbols.ravel(), states.ravel(), strict=True)
        surface = BLOCKS[: SPACE.n_compartments]
        return {
            old.declared: new
            for old, new in pairs
            if new is not old and (old.declared.species.kind != "surface" or old.declared.block in surface)
        }


class _Reading:
    """Formulas of a model read on formulas of states, with the inputs of each layer as they are now."""

    def __init__(self, field: MeanField) -> None:
        self.model = field.bound.model
        declared = self.model.inputs
        self.inputs = [
            {name: constant(float(field.blocks(values)[0, layer, ZONE]), unit(declared[name].unit))
             for name, values in field.bound.inputs.items() if name in declared}
            for layer in range(SPACE.n_layers)
        ]  # fmt: skip

    def jumped(self, mean: Values) -> Values:
        """States (layer, m) of tissue that was at ``mean`` and is hit; every jump reads the old state."""
        hit = mean.copy()
        for jump in self.model.jumps:
            i = self.model.species.index(jump.species)
            for layer in range(1 if jump.species.kind == "surface" else SPACE.n_layers):
                new = self._read(as_node(jump.new_state), mean[layer], layer)
                # A jump to a plain number means the species' unit.
                hit[layer, i] = constant(new.value, unit(jump.species.unit)) if new.op == "const" else new
        return hit

    def weights(self) -> dict[int, Any]:
        """Position of an intensive state -> its weights (layer, part) from states (layer, part, m)."""
        return {
            i: self._weigh(as_node(species.weight))
            for i, species in enumerate(self.model.species)
            if species.weight is not None
        }

    def _weigh(self, node: Expression) -> Any:
        return lambda states: _objects(
            [[self._read(node, part, layer) for part in parts] for layer, parts in enumerate(states)]
        )

    def _read(self, node: Expression, state: Values, layer: int) -> Expression:
        by_name = dict(zip(self.model.species_names, state, strict=True))
        return substituted(node, {**self.inputs[layer], **by_name})


def substituted(node: Expression, values: Mapping[str, Expression]) -> Expression:
    """Return a formula with other formulas in place of the symbols that ``values`` names."""
    if node.op == "const":
        return node
    if node.op == "symbol":
        inner = getattr(node.declared, "expression", None)
        if node.name in values or inner is None:
            return values.get(node.name, node)
        return substituted(inner.node, values)
    args = [substituted(arg, values) for arg in node.args]
    if node.op == "add":
        return add(*args)
    if node.op == "mul":
        return multiply(*args)
    if node.op == "pow":
        return power(args[0], node.value)
    if node.op == "quotient":
        return quotient(*args)
    if node.op in ("exp", "log"):
        return exp(args[0]) if node.op == "exp" else log(args[0])
    return law(node.op, args[0], args[1], node.value)


def _objects(rows: list[list[Expression]]) -> Values:
    """Return formulas as an array of objects."""
    found = np.empty((len(rows), len(rows[0])), dtype=object)
    for i, row in enumerate(rows):
        for j, item in enumerate(row):
            found[i, j] = item
    return found


def _by_block(share: Array) -> dict[str, float]:
    """Zone and between's shares of the layer's volume by block."""
    return dict(zip(BLOCKS, np.stack([share, 1.0 - share], axis=-1).ravel().tolist(), strict=True))


def _numbered(rates: Array, used: npt.NDArray[np.intp]) -> dict[int, float]:
    return dict(enumerate(rates[used].tolist()))


def _differences(old: Mapping[Any, float], new: Mapping[Any, float]) -> dict[Any, float]:
    return {key: value for key, value in new.items() if value != old[key]}
