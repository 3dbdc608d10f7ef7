"""Formulas outside the hot loop as plain NumPy: slots, baselines, jumps, resting rates, weights, derived quantities.

The text is one function per purpose, one operation per statement, each shared part computed once. It reads
``parameters`` and ``inputs`` by name and states by their place on the last axis, all of shapes that broadcast, so that
one call serves any number of members, blocks and times. Every operation acts element by element, hence what one
element gets never depends on the others. The functions are analytic in what they are given: a complex parameter
carries its derivative through them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from collagensim.model import Derived, Expression, Input, Model, Parameter
from collagensim.model.expression import as_node, derivative, expanded
from collagensim.write.lowering import Lowered

_HEAD = '''"""Formulas of a model, written from its definition."""

import numpy as np


def exp(x):
    """The exponential, always computed along contiguous memory: NumPy's bits may depend on the stride."""
    return np.exp(np.asarray(x, order="C"))


def log(x):
    """The natural logarithm, along contiguous memory."""
    return np.log(np.asarray(x, order="C"))


def root(x):
    """The root of |x|, so that a rounding-level negative stays a number; of complex x its own root."""
    return np.sqrt(x) if np.iscomplexobj(x) else np.sqrt(np.abs(x))
'''


def write_formulas(
    lowered: Lowered, parameter_slots: Sequence[Expression], input_slots: Sequence[Expression]
) -> str:
    """Return the text of a module with the formulas of a model that the solver evaluates outside the hot loop.

    It defines ``parameter_slots(parameters, out)``, ``baseline(parameters, inputs, out)`` and ``rates(parameters,
    inputs, y, out)``, which fill the last axis of ``out``; ``INPUT_SLOTS``, pairs of (function of ``(parameters,
    inputs, out)`` that fills some of the slots, names of the inputs it reads), so that an event costs only what it
    changes; ``basal`` and ``basal_source`` (what a solved rate is multiplied by, without and with the rule for the
    surface), ``jumps`` and ``weights``, all ``(parameters, inputs, y)``, which return lists in the order of the model;
    and ``DERIVED``, name -> (function of ``(parameters, inputs, y, derived)``, names of the derived it reads).
    """
    model = lowered.model
    sources = [
        derivative(lowered.rates[model.species.index(b.species)], lowered.basal_inputs[b.species.name].node)
        for b in model.basals
    ]
    weighted = [s.weight.node for s in model.species if s.weight is not None]
    parts = [
        _HEAD,
        _filling(model, "parameter_slots", "parameters", parameter_slots),
        _input_slots(model, input_slots),
        _filling(model, "baseline", "parameters, inputs", [as_node(s.baseline) for s in model.species]),
        _filling(model, "rates", "parameters, inputs, y", lowered.rates),
        _listing(model, "basal", [b.modulation for b in model.basals]),
        _listing(model, "basal_source", sources),
        _listing(model, "jumps", [as_node(jump.new_state) for jump in model.jumps]),
        _listing(model, "weights", weighted),
        *(_one_derived(model, d) for d in model.derived),
        _table(model),
    ]
    return "\n\n".join(parts)


def _input_slots(model: Model, slots: Sequence[Expression]) -> str:
    groups: dict[tuple[str, ...], list[int]] = {}
    for k, node in enumerate(slots):
        groups.setdefault(_inputs_read(node), []).append(k)
    parts = [
        _filling(model, f"input_slots_{i}", "parameters, inputs", [slots[k] for k in places], places)
        for i, places in enumerate(groups.values())
    ]
    rows = [f"    (input_slots_{i}, frozenset({reads!r}))," for i, reads in enumerate(groups)]
    return "\n\n".join([*parts, "\n".join(["INPUT_SLOTS = (", *rows, ")", ""])])


def _inputs_read(node: Expression) -> tuple[str, ...]:
    """Names of the inputs that a formula reads, through derived quantities too."""
    found: set[str] = set()
    for leaf in node.symbols:
        if isinstance(leaf.declared, Input):
            found.add(leaf.name)
        elif isinstance(leaf.declared, Derived):
            found.update(_inputs_read(leaf.declared.expression.node))
    return tuple(sorted(found))


def _filling(
    model: Model, name: str, arguments: str, nodes: Sequence[Expression], places: Sequence[int] | None = None
) -> str:
    lines = _Lines(model, nodes)
    body = [
        f"    out[..., {k}] = {lines.use(node)}"
        for k, node in zip(range(len(nodes)) if places is None else places, nodes, strict=True)
    ]
    return _function(f"{name}({arguments}, out)", [*lines.text, *body, "    return out"])


def _listing(model: Model, name: str, nodes: Sequence[Expression]) -> str:
    lines = _Lines(model, nodes)
    body = [f"        {lines.use(node)}," for node in nodes]
    return _function(f"{name}(parameters, inputs, y)", [*lines.text, "    return [", *body, "    ]"])


def _one_derived(model: Model, derived: Derived) -> str:
    node = derived.expression.node
    lines = _Lines(model, [node], given=_derived_read(node))
    result = lines.use(node)
    return _function(
        f"derived_{_plain(derived.name)}(parameters, inputs, y, derived)",
        [*lines.text, f"    return {result}"],
    )


def _table(model: Model) -> str:
    rows = [
        f"    {d.name!r}: (derived_{_plain(d.name)}, {tuple(x.name for x in _derived_read(d.expression.node))!r}),"
        for d in model.derived
    ]
    return "\n".join(["DERIVED = {", *rows, "}", ""])


def _derived_read(node: Expression) -> list[Derived]:
    found = [leaf.declared for leaf in node.symbols if isinstance(leaf.declared, Derived)]
    return sorted(found, key=lambda d: d.name)


def _function(signature: str, body: Iterable[str]) -> str:
    return "\n".join([f"def {signature}:", *body, ""])


def _plain(name: str) -> str:
    return name.replace(".", "_")


class _Lines:
    """Statements of one function: every leaf read once, every operation a line of its own."""

    def __init__(self, model: Model, roots: Iterable[Expression], given: Iterable[Derived] = ()) -> None:
        self.position = {s: i for i, s in enumerate(model.species)}
        self.given = set(given)
        self.text: list[str] = []
        self.names: dict[Expression, str] = {}
        self.powers: dict[tuple[str, float], str] = {}
        self.uses = self._count(roots)

    def _count(self, roots: Iterable[Expression]) -> Counter[Expression]:
        uses: Counter[Expression] = Counter(roots)
        stack = list(uses)
        while stack:
            for child in self._children(stack.pop()):
                uses[child] += 1
                if uses[child] == 1:
                    stack.append(child)
        return uses

    def _children(self, node: Expression) -> tuple[Expression, ...]:
        inner = node.declared
        if isinstance(inner, Derived):
            return () if inner in self.given else (inner.expression.node,)
        return expanded(node).args

    def use(self, node: Expression) -> str:
        """Name of a formula's value, after the statements it needs."""
        if node.op == "const":
            return repr(node.value) if node.value >= 0 else f"({node.value!r})"
        if node not in self.names:
            self.names[node] = self._symbol(node) if node.op == "symbol" else self._operation(expanded(node))
        return self.names[node]

    def _symbol(self, node: Expression) -> str:
        declared = node.declared
        if isinstance(declared, Derived) and declared not in self.given:
            return self.use(declared.expression.node)
        if isinstance(declared, Parameter):
            return self._line(f"p_{_plain(node.name)}", f"parameters[{node.name!r}]", declared.unit)
        if isinstance(declared, Input):
            return self._line(f"u_{_plain(node.name)}", f"inputs[{node.name!r}]", declared.unit)
        if isinstance(declared, Derived):
            return self._line(f"d_{_plain(node.name)}", f"derived[{node.name!r}]", declared.unit)
        return self._line(f"y_{_plain(node.name)}", f"y[..., {self.position[declared]}]", declared.unit)

    def _operation(self, node: Expression) -> str:
        if node in self.names:
            return self.names[node]
        if node.op == "pow":
            return self._power(self.use(node.args[0]), node.value)
        if node.op in ("add", "mul"):
            return self._step(self._pair(node))
        return self._step(f"{node.op}({self.use(node.args[0])})")

    def _pair(self, node: Expression) -> str:
        """A sum or product of two; differences and quotients where they save an operation."""
        a, b = node.args
        if node.op == "add":
            for one, other in ((a, b), (b, a)):
                if (
                    self._only_here(other, "mul")
                    and other.args[0].op == "const"
                    and other.args[0].value == -1.0
                ):
                    return f"{self.use(one)} - {self.use(other.args[1])}"
            return f"{self.use(a)} + {self.use(b)}"
        for one, other in ((a, b), (b, a)):
            if self._only_here(other, "pow") and other.value < 0:
                return f"{self.use(one)} / {self._power(self.use(other.args[0]), -other.value)}"
        return f"{self.use(a)} * {self.use(b)}"

    def _only_here(self, node: Expression, op: str) -> bool:
        return node.op == op and self.uses[node] == 1 and node not in self.names

    def _power(self, base: str, exponent: float) -> str:
        """Multiplications, one root and one division: no power function, whose bits differ between machines."""
        if exponent == 1.0:
            return base
        key = (base, exponent)
        if key not in self.powers:
            if exponent < 0:
                value = f"1.0 / {self._power(base, -exponent)}"
            elif exponent == 0.5:
                value = f"root({base})"
            elif exponent != int(exponent):
                value = f"{self._power(base, 0.5)} * {self._power(base, exponent - 0.5)}"
            else:
                half = float(int(exponent) // 2)
                value = f"{self._power(base, half)} * {self._power(base, exponent - half)}"
            self.powers[key] = self._step(value)
        return self.powers[key]

    def _step(self, value: str) -> str:
        return self._line(f"t{len(self.text)}", value)

    def _line(self, name: str, value: str, comment: str = "") -> str:
        shown = f"  # {comment}" if comment else ""
        self.text.append(f"    {name} = {value}{shown}")
        return name
