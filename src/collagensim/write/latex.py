"""A model as equations for a paper, through sympy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collagensim.errors import instance
from collagensim.model import Derived, Expression, Model, Species
from collagensim.model.expression import as_node, expanded

if TYPE_CHECKING:
    import sympy


def latex(model: Model) -> str:
    r"""Return the model's equations as a LaTeX ``align*`` environment: derived quantities, reactions, balances.

    Each reaction is one named rate :math:`v_i`; the balance of a species sums the rates that change it and, where
    there is one, its basal source :math:`b`.
    """
    instance("model", model, Model, "for example dermal_healing()")
    lines = [
        rf"{_name(d.name)} &= {_tex(d.expression.node)}  && \text{{{_plain(d.description or d.name)}}}"
        for d in model.derived
    ]
    lines += [
        rf"v_{{{i}}} &= {_tex(reaction.total)}  && \text{{{_plain(reaction.description or reaction.name)}}}"
        for i, reaction in enumerate(model.reactions, 1)
    ]
    lines += [rf"\frac{{d {_name(s.name)}}}{{dt}} &= {_balance(model, s)}" for s in model.species]
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}\n"


def _balance(model: Model, species: Species) -> str:
    terms: list[str] = []
    for i, reaction in enumerate(model.reactions, 1):
        if species in reaction.effect:
            terms.append(_term(as_node(reaction.effect[species]), rf"v_{{{i}}}"))
    for basal in model.basals:
        if basal.species == species:
            factor = "" if basal.modulation.op == "const" else rf"\,{_tex(basal.modulation, group=True)}"
            terms.append(rf"+ b_{{{_words(species.name)}}}{factor}")
    text = " ".join(terms) or "0"
    return text.removeprefix("+ ")


def _term(coefficient: Expression, rate: str) -> str:
    if coefficient.op != "const":
        return rf"+ {_tex(coefficient, group=True)}\,{rate}"
    sign = "-" if coefficient.value < 0 else "+"
    size = abs(coefficient.value)
    return f"{sign} {rate}" if size == 1 else rf"{sign} {size:g}\,{rate}"


def _tex(node: Expression, *, group: bool = False) -> str:
    import sympy

    formula = to_sympy(node)
    text = str(sympy.latex(formula, mul_symbol=r"\,"))
    return rf"\left({text}\right)" if group and isinstance(formula, sympy.Add) else text


def to_sympy(node: Expression) -> sympy.Expr:
    """Return a formula as a sympy expression whose symbols print as LaTeX names."""
    import sympy

    if node.op == "const":
        return sympy.nsimplify(node.value) if float(node.value).is_integer() else sympy.Float(node.value, 6)
    if node.op == "symbol":
        return sympy.Symbol(_symbol(node.declared), positive=True)
    if node.op in ("hill", "inhibition"):
        return to_sympy(expanded(node))
    args: list[Any] = [to_sympy(a) for a in node.args]
    if node.op == "add":
        return sympy.Add(*args)
    if node.op == "mul":
        return sympy.Mul(*args)
    if node.op == "pow":
        return sympy.Pow(args[0], sympy.Rational(node.value))
    return getattr(sympy, node.op)(*args)


def _symbol(declared: Any) -> str:
    given = "" if isinstance(declared, Derived) else getattr(declared, "symbol", "")
    return given or _name(declared.name)


def _name(name: str) -> str:
    return rf"\mathrm{{{_words(name)}}}"


def _words(name: str) -> str:
    return name.replace("_", r"\ ").replace(".", r"\ ")


def _plain(text: str) -> str:
    for character in "\\{}$&#_%^~":
        text = text.replace(character, " ")
    return text
