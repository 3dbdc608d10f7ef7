"""Expressions: small immutable trees that know their unit, differentiate themselves and evaluate on arrays.

Equal trees are one object, so identity is equality and common subexpressions are found for free.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from collagensim.errors import ModelError
from collagensim.model.units import DIMENSIONLESS, Unit, unit_text

Array = npt.NDArray[np.float64]
Operandlike = Union["Operand", float, int]


class Operand:
    """Anything that may stand in a formula: declared names and what arithmetic makes of them."""

    __slots__ = ()

    @property
    def node(self) -> Expression:
        """The tree of this operand."""
        raise NotImplementedError

    def __add__(self, other: Operandlike) -> Expression:
        return add(self, other)

    def __radd__(self, other: Operandlike) -> Expression:
        return add(other, self)

    def __sub__(self, other: Operandlike) -> Expression:
        return add(self, multiply(-1.0, other))

    def __rsub__(self, other: Operandlike) -> Expression:
        return add(other, multiply(-1.0, self))

    def __mul__(self, other: Operandlike) -> Expression:
        return multiply(self, other)

    def __rmul__(self, other: Operandlike) -> Expression:
        return multiply(other, self)

    def __truediv__(self, other: Operandlike) -> Expression:
        return multiply(self, power(other, -1))

    def __rtruediv__(self, other: Operandlike) -> Expression:
        return multiply(other, power(self, -1))

    def __pow__(self, exponent: float) -> Expression:
        return power(self, exponent)

    def __neg__(self) -> Expression:
        return multiply(-1.0, self)

    def __pos__(self) -> Expression:
        return as_node(self)

    def __bool__(self) -> bool:
        raise ModelError(
            "a formula has no truth value: a rate must be smooth, write it with hill or smooth_positive"
        )


class Expression(Operand):
    """One node: ``op`` is const, symbol, add, mul, pow, exp, log, hill or inhibition.

    ``value`` is the constant, or the exponent of pow, hill and inhibition; ``declared`` is what a symbol stands for.
    """

    __slots__ = ("__weakref__", "args", "declared", "op", "symbols", "unit", "value")

    op: str
    args: tuple[Expression, ...]
    value: float
    declared: Any
    unit: Unit
    symbols: frozenset[Expression]

    def __init__(
        self, op: str, args: tuple[Expression, ...], value: float, declared: Any, unit: Unit
    ) -> None:
        for name, content in (
            ("op", op),
            ("args", args),
            ("value", value),
            ("declared", declared),
            ("unit", unit),
        ):
            object.__setattr__(self, name, content)
        own = frozenset({self}) if op == "symbol" else frozenset().union(*(a.symbols for a in args))
        object.__setattr__(self, "symbols", own)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("expressions are immutable")

    @property
    def node(self) -> Expression:
        """The tree itself."""
        return self

    @property
    def name(self) -> str:
        """The declared name of a symbol."""
        return str(self.declared.name)

    def __repr__(self) -> str:
        return text(self)


_nodes: weakref.WeakValueDictionary[tuple[Any, ...], Expression] = weakref.WeakValueDictionary()


def _make(
    op: str, args: tuple[Expression, ...], unit: Unit, value: float = 0.0, declared: Any = None
) -> Expression:
    key = (op, tuple(id(a) for a in args), value, declared)
    found = _nodes.get(key)
    if found is None:
        found = _nodes[key] = Expression(op, args, value, declared, unit)
    return found


def constant(value: float, unit: Unit = DIMENSIONLESS) -> Expression:
    """Return a number, dimensionless unless told."""
    return _make("const", (), unit, float(value), unit)


def symbol(declared: Any, unit: Unit) -> Expression:
    """Return the node that stands for a declared name."""
    return _make("symbol", (), unit, declared=declared)


def as_node(x: object) -> Expression:
    """Return the tree of an operand or a number."""
    if isinstance(x, Operand):
        return x.node
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        raise ModelError(f"{x!r} cannot stand in a formula: use declared names and numbers")
    return constant(float(x))


def is_number(node: Expression, value: float) -> bool:
    """Tell whether a node is the constant ``value``."""
    return node.op == "const" and node.value == value


def add(a: Operandlike, b: Operandlike) -> Expression:
    """Return a + b; both must have one unit."""
    left, right = as_node(a), as_node(b)
    if is_number(left, 0.0):
        return right
    if is_number(right, 0.0):
        return left
    if not left.unit.same_as(right.unit):
        raise ModelError(
            f"cannot add {text(left)} in {unit_text(left.unit)} and {text(right)} in {unit_text(right.unit)}"
        )
    if left.op == right.op == "const":
        return constant(left.value + right.value, left.unit)
    return _make("add", (left, right), left.unit)


def multiply(a: Operandlike, b: Operandlike) -> Expression:
    """Return a * b; constants move to the front and are folded."""
    left, right = as_node(a), as_node(b)
    if right.op == "const" and left.op != "const":
        left, right = right, left
    unit = left.unit * right.unit
    if left.op == "const":
        if right.op == "const":
            return constant(left.value * right.value, unit)
        if left.value == 0.0:
            return constant(0.0, unit)
        if left.value == 1.0 and left.unit == DIMENSIONLESS:
            return right
        if right.op == "mul" and right.args[0].op == "const":
            first = multiply(left, right.args[0])
            return multiply(first, right.args[1])
    elif right.op == "mul" and right.args[0].op == "const":
        return multiply(right.args[0], multiply(left, right.args[1]))
    elif left.op == "mul" and left.args[0].op == "const":
        return multiply(left.args[0], multiply(left.args[1], right))
    return _make("mul", (left, right), unit)


def power(base: Operandlike, exponent: object) -> Expression:
    """Return base ** exponent for a whole or half exponent."""
    node = as_node(base)
    if not isinstance(exponent, (int, float)) or 2 * exponent != int(2 * exponent):
        raise ModelError(f"exponent {exponent!r} of {text(node)} must be a whole or half number")
    if exponent == 0:
        return constant(1.0)
    if exponent == 1:
        return node
    unit = node.unit ** Fraction(exponent)
    if node.op == "const":
        return constant(node.value**exponent, unit)
    if node.op == "pow" and float(exponent).is_integer() and float(node.value).is_integer():
        return power(node.args[0], node.value * exponent)
    return _make("pow", (node,), unit, float(exponent))


def _function(op: str, x: Operandlike) -> Expression:
    node = as_node(x)
    if not node.unit.same_as(DIMENSIONLESS):
        raise ModelError(f"{op} needs a dimensionless argument, {text(node)} is in {unit_text(node.unit)}")
    return _make(op, (node,), DIMENSIONLESS)


def exp(x: Operandlike) -> Expression:
    """Return the exponential of a dimensionless argument."""
    return _function("exp", x)


def log(x: Operandlike) -> Expression:
    """Return the natural logarithm of a dimensionless argument."""
    return _function("log", x)


def sqrt(x: Operandlike) -> Expression:
    """Return the square root."""
    return power(x, 0.5)


def law(op: str, x: Operandlike, half: Operandlike, n: float) -> Expression:
    """Return a Hill-type law node (``hill`` or ``inhibition``) of x about ``half`` with exponent n."""
    signal, middle = as_node(x), as_node(half)
    if not signal.unit.same_as(middle.unit):
        raise ModelError(
            f"{op} compares {text(signal)} in {unit_text(signal.unit)} with {text(middle)} in {unit_text(middle.unit)}"
        )
    if 2 * n != int(2 * n) or n <= 0:
        raise ModelError(f"{op} of {text(signal)}: exponent {n!r} must be a positive whole or half number")
    return _make(op, (signal, middle), DIMENSIONLESS, float(n))


def expanded(node: Expression) -> Expression:
    """Return a law written out in powers: x^n / (k^n + x^n), or k^n / (k^n + x^n)."""
    if node.op not in ("hill", "inhibition"):
        return node
    x, half = node.args
    top = power(x if node.op == "hill" else half, node.value)
    return multiply(top, law_divisor(node))


def law_divisor(node: Expression) -> Expression:
    """Return 1 / (k^n + x^n) of a law."""
    x, half = node.args
    return power(add(power(half, node.value), power(x, node.value)), -1)


@functools.cache
def derivative(node: Expression, by: Expression) -> Expression:
    """Return the partial derivative of a tree by one symbol; other symbols are held."""
    if node is by:
        return constant(1.0)
    unit = node.unit / by.unit
    if by not in node.symbols:
        return constant(0.0, unit)
    if node.op == "add":
        return add(derivative(node.args[0], by), derivative(node.args[1], by))
    if node.op == "mul":
        a, b = node.args
        return add(multiply(derivative(a, by), b), multiply(a, derivative(b, by)))
    return _chain(node, by)


def _chain(node: Expression, by: Expression) -> Expression:
    x = node.args[0]
    inner = derivative(x, by)
    if node.op == "pow":
        return multiply(multiply(node.value, power(x, node.value - 1)), inner)
    if node.op == "exp":
        return multiply(node, inner)
    if node.op == "log":
        return multiply(power(x, -1), inner)
    half, n, divisor = node.args[1], node.value, law_divisor(node)
    square = multiply(divisor, divisor)
    slope_x = multiply(multiply(n, power(half, n)), multiply(power(x, n - 1), square))
    slope_half = multiply(multiply(-n, power(x, n)), multiply(power(half, n - 1), square))
    slope = add(multiply(slope_x, inner), multiply(slope_half, derivative(half, by)))
    return slope if node.op == "hill" else multiply(-1.0, slope)


def half_power(base: Array, exponent: float) -> Array:
    """Return base ** exponent; half exponents take the root of |base|, so a rounding-level negative stays a number."""
    if float(exponent).is_integer():
        return np.asarray(base ** int(exponent) if exponent >= 0 else 1.0 / base ** int(-exponent))
    if exponent < 0:
        return np.asarray(1.0 / half_power(base, -exponent))
    return np.asarray(np.sqrt(np.abs(base)) * base ** int(exponent))


_EVALUATE: dict[str, Callable[[float, list[Array]], Array]] = {
    "add": lambda v, a: a[0] + a[1],
    "mul": lambda v, a: a[0] * a[1],
    "pow": lambda v, a: half_power(a[0], v),
    "exp": lambda v, a: np.exp(a[0]),
    "log": lambda v, a: np.log(a[0]),
    "hill": lambda v, a: half_power(a[0], v) / (half_power(a[1], v) + half_power(a[0], v)),
    "inhibition": lambda v, a: half_power(a[1], v) / (half_power(a[1], v) + half_power(a[0], v)),
}


def evaluate(node: Expression, values: Mapping[str, Any], known: dict[Expression, Any] | None = None) -> Any:
    """Value of a tree on numbers or arrays given by symbol name; ``known`` keeps shared parts between calls."""
    seen = {} if known is None else known
    if node in seen:
        return seen[node]
    if node.op == "const":
        result: Any = node.value
    elif node.op == "symbol":
        inner = getattr(node.declared, "expression", None)
        result = (
            values[node.name] if inner is None or node.name in values else evaluate(inner.node, values, seen)
        )
    else:
        result = _EVALUATE[node.op](node.value, [evaluate(a, values, seen) for a in node.args])
    seen[node] = result
    return result


def text(node: Expression) -> str:
    """Return the tree as plain text, names in full; equal trees give equal texts."""
    if node.op == "const":
        # Every digit: hashes are made of this text, and two constants must never share one.
        whole = node.value == int(node.value) if np.isfinite(node.value) else False
        return str(int(node.value)) if whole and abs(node.value) < 1e15 else repr(node.value)
    if node.op == "symbol":
        return node.name
    args = [text(a) for a in node.args]
    if node.op == "add":
        return f"({args[0]} + {args[1]})"
    if node.op == "mul":
        return f"{args[0]}*{args[1]}"
    if node.op == "pow":
        return f"({args[0]})^{node.value:g}"
    power_text = f", {node.value:g}" if node.op in ("hill", "inhibition") else ""
    return f"{node.op}({', '.join(args)}{power_text})"
