"""Words of SBML: XML elements, MathML of formulas, and definitions of units."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from collagensim.model import Expression, Species
from collagensim.model.expression import constant, expanded, law, symbol
from collagensim.model.units import DIMENSIONLESS, Unit, unit, unit_text

QUOTIENT = "quotient"  # an operation that only exports know, see `quotient`


def quotient(part: Expression, whole: Expression, otherwise: Expression) -> Expression:
    """Return part / whole where ``whole`` is positive and ``otherwise`` elsewhere: a formula for exports."""
    if whole.op == "const":
        return part / whole if whole.value > 0 else otherwise
    return Expression(QUOTIENT, (part, whole, otherwise), 0.0, None, otherwise.unit)


def element(tag: str, *inside: str, **attributes: object) -> str:
    """Return an XML element; attributes that are None are left out, ``sbml_units`` stands for ``sbml:units``."""
    given = "".join(
        f' {name.replace("sbml_", "sbml:").rstrip("_")}="{html.escape(_attribute(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{given}>{''.join(inside)}</{tag}>" if inside else f"<{tag}{given}/>"


def listed(tag: str, items: Iterable[str]) -> str:
    """Return a list element with one item a line, or nothing when it would be empty."""
    lines = list(items)
    return f"<{tag}>\n" + "\n".join(lines) + f"\n</{tag}>\n" if lines else ""


def _attribute(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else repr(value)
        if isinstance(value, float)
        else str(value)
    )


def plain_id(name: str) -> str:
    """Return a name as SBML allows it."""
    return re.sub(r"\W", "_", name)


class Units:
    """Units that a document uses; each gets a definition under a name made of its text."""

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], tuple[str, Unit]] = {}

    def name(self, of: Unit) -> str:
        """Return the identifier of a unit and remember to define it."""
        if of.same_as(DIMENSIONLESS):
            return "dimensionless"
        key = (of.powers, f"{of.factor:.8e}")
        if key not in self._found:
            self._found[key] = (self._free(_unit_id(of)), of)
        return self._found[key][0]

    def of_text(self, text: str) -> str:
        """Return the identifier of a unit given as text."""
        return self.name(unit(text))

    def _free(self, wanted: str) -> str:
        taken = {name for name, _ in self._found.values()}
        return wanted if wanted not in taken else f"{wanted}_{len(taken)}"

    def definitions(self) -> str:
        """Return the list of definitions."""
        return listed("listOfUnitDefinitions", (_definition(*pair) for pair in self._found.values()))


# What one of our base units is in SBML: (its name there, kind, scale, multiplier).
_IN_SBML = {
    "[length]": ("mm", "metre", -3, 1.0),
    "[time]": ("day", "second", 0, 86400.0),
    "[mass]": ("mg", "gram", -3, 1.0),
    "[pressure]": ("mmHg", "pascal", 0, 133.322387415),
    "[cell]": ("cell", "item", 0, 1.0),
    "[molecule]": ("molecule", "item", 0, 1.0),
    "[signal]": ("signal", "dimensionless", 0, 1.0),
}


def _left_over(of: Unit) -> float:
    """Return the number by which a unit exceeds the product of its bases in SBML."""
    scales = (_IN_SBML[base][2] * float(power) for base, power in of.powers)
    return float(f"{of.factor / math.prod(10.0**scale for scale in scales):.12g}")


def _unit_id(of: Unit) -> str:
    """Return an identifier such as ``unit_of_cell_per_mm3``."""
    words = unit_text(of)
    if re.match(r"[\d.e-]+\*", words) or "(" in words:
        bases = [(_IN_SBML[base][0], power) for base, power in of.powers]
        up = [name if power == 1 else f"{name}{power}" for name, power in bases if power > 0]
        down = [name if power == -1 else f"{name}{-power}" for name, power in bases if power < 0]
        rest = _left_over(of)
        words = "*".join(up if rest == 1.0 else [f"{rest:g}", *up]) + "".join(f"/{name}" for name in down)
    spelled = re.sub(r"^1/|/", " per ", words).replace("^", "").strip()
    return "unit_of_" + re.sub(r"\W+", "_", spelled)


def _definition(name: str, of: Unit) -> str:
    rest, parts = _left_over(of), []
    alone = len(of.powers) == 1
    for base, power in of.powers:
        _, kind, scale, multiplier = _IN_SBML[base]
        own = float(f"{multiplier * rest ** (1 / float(power)):.12g}") if alone else multiplier
        parts.append(_unit_part(kind, power, scale, own))
    if rest != 1.0 and not alone:
        parts.append(_unit_part("dimensionless", Fraction(1), 0, rest))
    return element("unitDefinition", element("listOfUnits", *parts), id=name, name=unit_text(of))


def _unit_part(kind: str, power: Fraction, scale: int, multiplier: float) -> str:
    exponent = int(power) if power.denominator == 1 else float(power)
    return element("unit", kind=kind, exponent=exponent, scale=scale, multiplier=multiplier)


class Mathematics:
    """Formulas as MathML; ``reference`` gives the identifier of what a symbol stands for.

    Laws become calls of functions, whose definitions are collected in ``laws``; ``name`` may give an application of
    a law an identifier of its own, which then stands in the formulas.
    """

    def __init__(
        self,
        units: Units,
        reference: Callable[[Any], str],
        laws: dict[tuple[str, float], str],
        name: Callable[[Expression], str] | None = None,
    ) -> None:
        self.units, self.reference, self.laws, self.name = units, reference, laws, name

    def math(self, node: Expression) -> str:
        """Return a formula as a ``math`` element."""
        return self.whole(self.text(node))

    @staticmethod
    def whole(content: str) -> str:
        """Return content MathML as a ``math`` element."""
        return element("math", content, xmlns="http://www.w3.org/1998/Math/MathML")

    def text(self, node: Expression) -> str:
        """Return a formula as content MathML."""
        if node.op == "const":
            return number(node.value, self.units.name(node.unit))
        if node.op == "symbol":
            return element("ci", self.reference(node.declared))
        if node.op == "add":
            return apply("plus", *(self.text(arg) for arg in _chain(node)))
        if node.op == "mul":
            return self._product(_chain(node))
        if node.op in ("hill", "inhibition"):
            return self.call(node) if self.name is None else element("ci", self.name(node))
        args = [self.text(arg) for arg in node.args]
        if node.op == "pow":
            return _power(args[0], node.value)
        if node.op == QUOTIENT:
            nothing = number(0.0, self.units.name(node.args[1].unit))
            quotient = element("piece", apply("divide", *args[:2]), apply("gt", args[1], nothing))
            return element("piecewise", quotient, element("otherwise", args[2]))
        return apply({"exp": "exp", "log": "ln"}[node.op], args[0])

    def call(self, node: Expression) -> str:
        """Return a law as the call of its function."""
        name = self.laws.setdefault((node.op, node.value), _law_name(node.op, node.value))
        return element("apply", element("ci", name), *(self.text(arg) for arg in node.args))

    def _product(self, factors: list[Expression]) -> str:
        """Return a product, its reciprocals gathered under one line."""
        below = [f.args[0] for f in factors if f.op == "pow" and f.value == -1]
        above = [f for f in factors if not (f.op == "pow" and f.value == -1)] or [constant(1.0)]
        top, bottom = (
            apply("times", *map(self.text, part)) if len(part) > 1 else "".join(map(self.text, part))
            for part in (above, below)
        )
        return apply("divide", top, bottom) if below else top

    def functions(self) -> str:
        """Return the definitions of the laws used."""
        return listed("listOfFunctionDefinitions", (self._function(*key) for key in sorted(self.laws)))

    def _function(self, op: str, n: float) -> str:
        x, half = (symbol(Species(name, "1", "soluble", 0.0, 1.0), DIMENSIONLESS) for name in ("x", "k"))
        body = Mathematics(self.units, lambda declared: str(declared.name), {}).text(
            expanded(law(op, x, half, n))
        )
        names = [element("bvar", element("ci", name)) for name in ("x", "k")]
        top = "x" if op == "hill" else "k"
        return element(
            "functionDefinition", self.whole(element("lambda", *names, body)), id=_law_name(op, n),
            name=f"{top}^{n:g} / (k^{n:g} + x^{n:g})", sboTerm="SBO:0000192" if op == "hill" else None,
        )  # fmt: skip


def apply(operator: str, *args: str) -> str:
    """Return an operator applied to arguments."""
    return element("apply", element(operator), *args)


def number(value: float, units: str | None = None) -> str:
    """Return a number with its unit and every digit."""
    if value == int(value) and abs(value) < 1e9:
        return element("cn", str(int(value)), type="integer", sbml_units=units)
    mantissa, e, exponent = repr(value).partition("e")
    if e:
        return element("cn", f"{mantissa}<sep/>{int(exponent)}", type="e-notation", sbml_units=units)
    return element("cn", mantissa, sbml_units=units)


def _chain(node: Expression) -> list[Expression]:
    """Operands of a chain of sums or products."""
    return [leaf for arg in node.args for leaf in (_chain(arg) if arg.op == node.op else [arg])]


def _power(base: str, exponent: float) -> str:
    """Half exponents take the root of the absolute value, as everywhere in this package."""
    if exponent == -1:
        return apply("divide", number(1.0, "dimensionless"), base)
    if exponent < 0:
        return apply("divide", number(1.0, "dimensionless"), _power(base, -exponent))
    whole = int(exponent)
    if exponent == whole:
        return base if whole == 1 else apply("power", base, number(whole))
    root = apply("root", apply("abs", base))
    return root if whole == 0 else apply("times", root, _power(base, float(whole)))


def _law_name(op: str, n: float) -> str:
    return f"{op}_{n:g}".replace(".", "_")
