"""A model as numbers see it: rates of change, their exact derivatives, and what is computed beforehand."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from collagensim.model import Derived, Expression, Input, Model, Parameter, Species
from collagensim.model.declarations import Declared
from collagensim.model.expression import add, as_node, constant, derivative, is_number, multiply
from collagensim.model.units import unit, unit_text

TOP = Input("surface.present", "1", "layer", 1.0, "1 in blocks that carry the surface, 0 below")


@dataclass(frozen=True)
class Lowered:
    """Rates of one block and their Jacobian as formulas.

    ``rates[i]`` is d species[i]/dt; ``pattern`` lists (row, column) of the Jacobian's nonzeros, ``jacobian``
    their formulas; ``basal_inputs[species]`` is the input that carries a solved basal rate.
    """

    model: Model
    rates: tuple[Expression, ...]
    pattern: tuple[tuple[int, int], ...]
    jacobian: tuple[Expression, ...]
    basal_inputs: dict[str, Input]


def lower(model: Model) -> Lowered:
    """Return the formulas of a model's rates of change and of their derivatives by every state."""
    position = {s: i for i, s in enumerate(model.species)}
    time = unit(model.time_unit)
    rates = [constant(0.0, unit(s.unit) / time) for s in model.species]
    slopes: dict[tuple[int, int], Expression] = {}
    basal_inputs = {
        b.species.name: Input(f"basal.{b.species.name}", unit_text(b.rate_unit(time)), "layer")
        for b in model.basals
    }
    flows = [(r.total, dict(r.effect)) for r in model.reactions]
    flows += [(multiply(basal_inputs[b.species.name], b.modulation), {b.species: 1.0}) for b in model.basals]
    for total, effect in flows:
        rate = multiply(total, TOP) if _touches_surface(total, effect) else total
        by_state = {j: gradient(rate, s) for s, j in position.items() if s in states_read(rate)}
        for species, coefficient in effect.items():
            row, factor = position[species], as_node(coefficient)
            rates[row] = add(rates[row], multiply(factor, rate))
            for column, slope in by_state.items():
                if not is_number(slope, 0.0):
                    term = multiply(factor, slope)
                    old = slopes.get((row, column))
                    slopes[row, column] = term if old is None else add(old, term)
    pattern = tuple(sorted(slopes))
    return Lowered(model, tuple(rates), pattern, tuple(slopes[place] for place in pattern), basal_inputs)


@functools.cache
def states_read(node: Expression) -> frozenset[Species]:
    """Return every state a formula depends on, through derived quantities too."""
    return frozenset(leaf for leaf in _leaves(node) if isinstance(leaf, Species))


def inputs_read(node: Expression) -> frozenset[str]:
    """Return the names of the inputs a formula depends on, through derived quantities too."""
    return frozenset(leaf.name for leaf in _leaves(node) if isinstance(leaf, Input))


@functools.cache
def _leaves(node: Expression) -> frozenset[Declared]:
    found: set[Declared] = set()
    for leaf in node.symbols:
        inner = leaf.declared
        found |= _leaves(inner.expression.node) if isinstance(inner, Derived) else {inner}
    return frozenset(found)


@functools.cache
def gradient(node: Expression, state: Species) -> Expression:
    """Return the derivative of a formula by a state, through derived quantities by the chain rule."""
    result = derivative(node, state.node)
    for leaf in sorted(node.symbols, key=lambda s: s.name):
        inner = leaf.declared
        if isinstance(inner, Derived) and state in states_read(inner.expression.node):
            result = add(result, multiply(derivative(node, leaf), gradient(inner.expression.node, state)))
    return result


def _touches_surface(total: Expression, effect: Mapping[Species, object]) -> bool:
    involved = set(effect) | set(states_read(total))
    return any(s.kind == "surface" for s in involved)


_LEVELS = {Parameter: 1, Input: 2}


@functools.cache
def level(node: Expression) -> int:
    """0 for plain numbers, 1 where parameters enter, 2 where inputs do, 3 where the state does."""
    highest = 0
    for leaf in node.symbols:
        declared = leaf.declared
        if isinstance(declared, Derived):
            highest = max(highest, level(declared.expression.node))
        else:
            highest = max(highest, _LEVELS.get(type(declared), 3))
    return highest
