"""What reading a model by single cells asks of a formula: who acts in it, what is a factor of it, what sign it has."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from collagensim.model import Derived, Expression, Species
from collagensim.model.declarations import Declared
from collagensim.model.expression import add, constant, law_divisor, multiply, power
from collagensim.model.substitution import rebuilt
from collagensim.write.lowering import level, states_read

__all__ = ["Acting", "acted", "doubts", "quotient"]


@dataclass(frozen=True)
class Acting(Declared):
    """The density of a cell species that acts in a voxel, beside the one that its neighbours sense."""

    name: str
    unit: str
    cell: Species
    description: str = ""


def _reads_cells(node: Expression) -> bool:
    return any(state.kind == "cell" for state in states_read(node))


@functools.cache
def acted(node: Expression) -> Expression:
    """Return a formula with every cell species replaced by those of its cells that act."""
    if not _reads_cells(node):
        return node
    if node.op == "symbol":
        declared = node.declared
        if isinstance(declared, Derived):
            return acted(declared.expression.node)
        return Acting(f"acting.{declared.name}", declared.unit, declared).node
    return rebuilt(node, [acted(arg) for arg in node.args])


@functools.cache
def quotient(node: Expression, species: Species) -> Expression | None:
    """Return a formula divided by a species that is a factor of it; None where it is none.

    The quotient holds no division by the species, so it stays finite as the species vanishes.
    """
    if species not in states_read(node):
        return None
    if node.op == "symbol":
        declared = node.declared
        if isinstance(declared, Derived):
            return quotient(declared.expression.node, species)
        return constant(1.0)
    if node.op == "add":
        first, second = (quotient(arg, species) for arg in node.args)
        return None if first is None or second is None else add(first, second)
    if node.op == "mul":
        return _quotient_of_product(node.args[0], node.args[1], species)
    if node.op in ("pow", "hill") and node.value >= 1.0:
        inner = quotient(node.args[0], species)
        if inner is None or (node.op == "hill" and species in states_read(node.args[1])):
            return None
        rest = multiply(inner, power(node.args[0], node.value - 1.0))
        return rest if node.op == "pow" else multiply(rest, law_divisor(node))
    return None


def _quotient_of_product(a: Expression, b: Expression, species: Species) -> Expression | None:
    first = quotient(a, species)
    if first is not None:
        return multiply(first, b)
    second = quotient(b, species)
    return None if second is None else multiply(a, second)


@functools.cache
def doubts(node: Expression) -> frozenset[Expression] | None:
    """Return the formulas free of state that must not be negative for a formula never to be; None if it may be.

    States are taken to be 0 or more unless they are signed.
    """
    if node.op == "const":
        return frozenset() if node.value >= 0.0 else None
    if node.op == "symbol":
        return _doubts_of_symbol(node)
    if node.op == "exp" or (node.op == "mul" and node.args[0] is node.args[1]):
        return frozenset()
    below_root = _below_root(node)
    if below_root is not None:
        return doubts(below_root)
    if level(node) < 3 and node.op in ("add", "log"):
        return frozenset({node})
    if node.op == "log":
        return None
    if node.op == "pow" and (node.value % 2.0 == 0.0 or abs(node.value) == 0.5):
        return frozenset()
    found: set[Expression] = set()
    for arg in node.args:
        more = doubts(arg)
        if more is None:
            return None
        found |= more
    return frozenset(found)


def _doubts_of_symbol(node: Expression) -> frozenset[Expression] | None:
    declared = node.declared
    if isinstance(declared, Derived):
        return doubts(declared.expression.node)
    if isinstance(declared, Species):
        return None if declared.signed else frozenset()
    return frozenset() if isinstance(declared, Acting) else frozenset({node})


def _below_root(node: Expression) -> Expression | None:
    """Return c of a formula x + sqrt(x x + c), which is 0 or more where c is; None of any other."""
    if node.op != "add":
        return None
    for x, root in (node.args, node.args[::-1]):
        if root.op == "pow" and root.value == 0.5 and root.args[0].op == "add":
            square, rest = root.args[0].args
            if square.op == "mul" and square.args == (x, x):
                return rest
    return None
