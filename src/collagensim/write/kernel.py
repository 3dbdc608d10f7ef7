"""Kernel source of a model: the text of ``block_rates`` and ``block_jacobian`` that numba compiles.

Formulas that read no state are not part of the loop: the text takes their values from ``p`` (parameters only)
and ``u`` (inputs too), and ``parameter_slots`` and ``input_slots`` say what to put there.
"""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from collagensim.errors import instance, one_of
from collagensim.model import Derived, Expression, Model, Species
from collagensim.model.expression import expanded, text
from collagensim.write.lowering import Lowered, level, lower


@dataclass(frozen=True)
class KernelSource:
    """Generated text and the slots it reads."""

    lowered: Lowered
    rates: str
    jacobian: str
    parameter_slots: tuple[Expression, ...]
    input_slots: tuple[Expression, ...]

    @property
    def text(self) -> str:
        """Both functions."""
        return f"{self.rates}\n\n{self.jacobian}"


def kernel(model: Model, part: str = "rhs") -> str:
    """Return the readable source that numba compiles for a model.

    Parameters
    ----------
    model : Model
    part : {"rhs", "jacobian", "both"}
        Rates of change of one block, their derivatives, or both.

    Raises
    ------
    InputError
        For another ``part``.
    """
    instance("model", model, Model, "for example dermal_healing()")
    one_of("part", part, ("rhs", "jacobian", "both"))
    source = write_kernel(model)
    return {"rhs": source.rates, "jacobian": source.jacobian, "both": source.text}[part]


def write_kernel(model: Model) -> KernelSource:
    """Return the generated text of a model together with the slots it reads."""
    lowered = lower(model)
    slots: tuple[dict[Expression, int], dict[Expression, int]] = ({}, {})
    position = {s: i for i, s in enumerate(model.species)}
    rates = _Writer(position, slots, lowered.rates, model)
    body = [f"    out[{i}] = {_bare(rates.use(node))}" for i, node in enumerate(lowered.rates)]
    rates_text = _function(
        "block_rates(y, p, u, out)", "Rates of change of one block [unit of the state per time unit].",
        rates.lines, body,
    )  # fmt: skip
    slopes = _Writer(position, slots, lowered.jacobian, model)
    names = model.species_names
    body = [
        f"    values[{k}] = {_bare(slopes.use(node))}  # d {names[i]} / d {names[j]}"
        for k, ((i, j), node) in enumerate(zip(lowered.pattern, lowered.jacobian, strict=True))
    ]
    jacobian_text = _function(
        "block_jacobian(y, p, u, values)", "Derivatives of the rates of one block, nonzeros only.",
        slopes.lines, body,
    )  # fmt: skip
    return KernelSource(lowered, rates_text, jacobian_text, tuple(slots[0]), tuple(slots[1]))


def _function(signature: str, doc: str, lines: list[str], body: list[str]) -> str:
    head = [f"def {signature}:", f'    """{doc}"""']
    return "\n".join([*head, *lines, *body, ""])


# Names the text uses itself, or that mean something to Python.
_RESERVED = frozenset({"y", "p", "u", "out", "values", "np", "root", *dir(builtins), *keyword.kwlist})


class _Writer:
    """Turns formulas into statements, naming what is used more than once and what is a law."""

    def __init__(
        self,
        position: dict[Species, int],
        slots: tuple[dict[Expression, int], dict[Expression, int]],
        roots: Iterable[Expression],
        model: Model,
    ) -> None:
        self.position = position
        self.slots = slots
        self.lines: list[str] = []
        self.names: dict[Expression, str] = {}
        self.taken = set(_RESERVED)
        self.taken |= {item.name.replace(".", "_") for item in (*position, *model.derived)}
        self.count = 0
        self.uses = _count_uses(roots)
        self.inverses: dict[Expression, str] = {}
        self.inverted = Counter(node.args[0] for node in self.uses if _is_inverse(node))

    def use(self, node: Expression) -> str:
        """Text that stands for a formula's value, after the statements it needs."""
        if node in self.names:
            return self.names[node]
        if node.op == "const":
            return repr(node.value)
        if level(node) < 3:
            return self._slot(node)
        if node.op == "symbol":
            return self._symbol(node)
        if node.op in ("hill", "inhibition"):
            return self._define(node, f"{node.op}_{_short(node.args[0])}", self.use(expanded(node)))
        if self.uses[node] > 1:
            return self._define(node, "t", self._text(node))
        return f"({self._text(node)})"

    def _symbol(self, node: Expression) -> str:
        declared = node.declared
        if isinstance(declared, Derived):
            value = self.use(declared.expression.node)
        else:
            value = f"y[{self.position[declared]}]"
        return self._define(node, declared.name, value, declared.unit)

    def _slot(self, node: Expression) -> str:
        which = 0 if level(node) == 1 else 1
        index = self.slots[which].setdefault(node, len(self.slots[which]))
        wanted = node.name if node.op == "symbol" else "c"
        comment = node.declared.unit if node.op == "symbol" else text(node)
        return self._define(node, wanted, f"{'pu'[which]}[{index}]", comment)

    def _define(self, node: Expression, wanted: str, value: str, comment: str = "") -> str:
        name = self._free(wanted.replace(".", "_"), owned=isinstance(node.declared, (Species, Derived)))
        self.taken.add(name)
        self.names[node] = name
        shown = f"  # {comment}" if comment and len(comment) < 90 else ""
        self.lines.append(f"    {name} = {_bare(value)}{shown}")
        return name

    def _free(self, wanted: str, *, owned: bool) -> str:
        """Return ``wanted`` or, where it is taken, its next numbered variant; species own their names."""
        if owned and wanted not in _RESERVED:
            return wanted
        name = wanted
        while name in self.taken or name in ("t", "c"):
            self.count += 1
            name = f"{wanted}_{self.count}"
        return name

    def _text(self, node: Expression) -> str:
        if node.op == "add":
            return " + ".join(self._parts(node, "add")).replace("+ -1.0 * ", "- ")
        if node.op == "mul":
            return " * ".join(self._parts(node, "mul"))
        if node.op == "pow" and self.inverted[node.args[0]] > 1 and _is_inverse(node):
            return " * ".join([self._inverse(node.args[0])] * int(-node.value))
        argument = self._named(node.args[0])
        return _power(argument, node.value) if node.op == "pow" else f"np.{node.op}({argument})"

    def _inverse(self, node: Expression) -> str:
        """Name of a value's inverse: a division takes as long as ten products, so powers share it."""
        if node not in self.inverses:
            argument = self._named(node)
            name = self.inverses[node] = self._free("t", owned=False)
            self.taken.add(name)
            self.lines.append(f"    {name} = 1.0 / {argument}")
        return self.inverses[node]

    def _parts(self, node: Expression, op: str) -> list[str]:
        """Operands of a chain of sums or products, those used elsewhere by name."""
        parts: list[str] = []
        for arg in node.args:
            inline = arg.op == op and level(arg) == 3 and self.uses[arg] == 1 and arg not in self.names
            if inline:
                parts += self._parts(arg, op)
            else:
                parts.append(_bare(self.use(arg)) if op == "add" else self.use(arg))
        return parts

    def _named(self, node: Expression) -> str:
        value = self.use(node)
        return self._define(node, "t", value) if value.startswith("(") else value


def _count_uses(roots: Iterable[Expression]) -> Counter[Expression]:
    uses: Counter[Expression] = Counter(roots)
    stack = list(uses)
    while stack:
        node = stack.pop()
        inner = getattr(node.declared, "expression", None)
        for child in (inner.node,) if inner is not None else expanded(node).args:
            uses[child] += 1
            if uses[child] == 1:
                stack.append(child)
    return uses


def _is_inverse(node: Expression) -> bool:
    return node.op == "pow" and node.value < 0 and node.value == int(node.value)


def _bare(text_: str) -> str:
    """Strip one pair of parentheses that encloses the whole text."""
    if not (text_.startswith("(") and text_.endswith(")")):
        return text_
    depth = 0
    for i, character in enumerate(text_):
        depth += (character == "(") - (character == ")")
        if depth == 0 and i < len(text_) - 1:
            return text_
    return text_[1:-1]


def _short(node: Expression) -> str:
    return node.name if node.op == "symbol" else "signal"


def _power(name: str, exponent: float) -> str:
    """Multiplications and roots only: the hot loop needs no power function."""
    if exponent < 0:
        return f"1.0 / ({_power(name, -exponent)})"
    whole, half = int(exponent), exponent != int(exponent)
    # The root of |x|, so that a rounding-level negative stays a number.
    factors = [name] * whole + ([f"root({name})"] if half else [])
    return " * ".join(factors)
