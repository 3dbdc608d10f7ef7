"""Formulas rebuilt with other names in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from collagensim.model.declarations import Derived, Species
from collagensim.model.expression import (
    Expression,
    Operand,
    Operandlike,
    add,
    as_node,
    exp,
    law,
    log,
    multiply,
    power,
)

__all__ = ["Substitution", "rebuilt"]


def rebuilt(node: Expression, args: Sequence[Expression]) -> Expression:
    """Return the operation or law of a node on other arguments."""
    if node.op == "add":
        return add(*args)
    if node.op == "mul":
        return multiply(*args)
    if node.op == "pow":
        return power(args[0], node.value)
    if node.op in ("hill", "inhibition"):
        return law(node.op, args[0], args[1], node.value)
    return exp(args[0]) if node.op == "exp" else log(args[0])


class Substitution:
    """Puts operands in the place of species and derived quantities, in every formula that reads them.

    Parameters
    ----------
    given : mapping
        Species or derived quantity -> what stands for it.
    written_out : bool
        Whether derived quantities give way to their expressions.
    """

    def __init__(
        self,
        given: Mapping[Any, Operandlike],
        *,
        written_out: bool = False,
    ) -> None:
        self.given: dict[Species | Derived, Operandlike] = dict(given)
        self.written_out = written_out
        self._known: dict[Expression, Expression] = {}

    def __call__(self, formula: Operandlike) -> Expression:
        """Return a formula with everything in its place."""
        node = as_node(formula)
        if node not in self._known:
            self._known[node] = self._of(node)
        return self._known[node]

    def derived(self, derived: Derived) -> Derived:
        """Return a derived quantity whose expression reads what stands for others; itself where nothing does."""
        node = derived.expression.node
        found = self(node)
        return derived if found is node else Derived(derived.name, found, derived.unit, derived.description)

    def placed(self, declared: Species | Derived) -> Species:
        """Return the species that stands in the place of another, its own formulas with everything in its place."""
        species = self.given.get(declared, declared)
        assert isinstance(species, Species)
        changed: dict[str, Operand] = {}
        for name in ("baseline", "weight"):
            formula = getattr(species, name)
            if formula is not None and self(formula) is not as_node(formula):
                changed[name] = self(formula)
        return replace(species, **changed) if changed else species  # type: ignore[arg-type]

    def _of(self, node: Expression) -> Expression:
        if node.op == "symbol":
            declared = node.declared
            if declared in self.given:
                return as_node(self.given[declared])
            if isinstance(declared, Derived):
                return self(declared.expression) if self.written_out else self.derived(declared).node
            return node
        args = [self(arg) for arg in node.args]
        same = all(one is other for one, other in zip(args, node.args, strict=True))
        return node if same else rebuilt(node, args)
