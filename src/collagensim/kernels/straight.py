"""Straight-line functions (assignments only) in LLVM's language: no way through numba's inference, which takes longer.

A model's rates and derivatives are hundreds of assignments in which every variable is set once. There is nothing to
infer in them, so they go to LLVM as they stand: each name becomes a value, each ``a + b * c`` one fused operation.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from collagensim.kernels.numbers import WIDTH
from collagensim.kernels.reciprocals import side_by_side

__all__ = ["MANY", "straight"]

MANY = "_many"  # what the name of a loop over a function ends with

_DOUBLE = ir.DoubleType()
_LANES = ir.VectorType(_DOUBLE, WIDTH)


def straight(text: str, kind: str, *, many: bool = False) -> str:
    """Return a module in LLVM's language of the straight-line functions in a text, called with addresses of arrays.

    Arguments are arrays (n,) of numbers of one kind ("lanes", "plain" or "complex"). An element is read as ``y[3]`` and
    written as ``out[3] = ...``; no element that is written may be read or written through another argument.
    Expressions hold names, elements, constants, + - * /, ``root(x)``, ``abs(x)``, ``smaller(a, b)``,
    ``where_positive(test, a, b)``, ``np.exp(x)`` and ``np.log(x)``. Indices are not checked.

    With ``many`` each function f(a, b) gets a loop beside it, f_many(n, steps, a, b), which calls it n times, every
    argument ``steps`` (how many arguments,) numbers further each time.
    """
    module = ir.Module()
    compiler = _DualCompiler if kind == "complex" else _Compiler
    for definition in ast.parse(text).body:
        if isinstance(definition, ast.FunctionDef):
            one = compiler(module, _LANES if kind == "lanes" else _DOUBLE)
            one.run(definition)
            if kind == "plain":
                side_by_side(one.builder.block)
            if many:
                _add_loop(module, one.builder.function, 2 if kind == "complex" else 1)
    return str(module)


def _add_loop(module: Any, function: Any, size: int) -> None:
    """Add to the module the loop over a function whose numbers take ``size`` places each."""
    whole, kinds = ir.IntType(64), [argument.type for argument in function.args]
    loop = ir.Function(
        module, ir.FunctionType(ir.VoidType(), [whole, whole.as_pointer(), *kinds]), function.name + MANY
    )
    begin, body, end = (loop.append_basic_block() for _ in range(3))
    builder = ir.IRBuilder(begin)
    steps = [
        builder.mul(
            builder.load(builder.gep(loop.args[1], [ir.Constant(whole, k)])), ir.Constant(whole, size)
        )
        for k in range(len(kinds))
    ]
    builder.cbranch(builder.icmp_signed(">", loop.args[0], ir.Constant(whole, 0)), body, end)
    builder.position_at_end(body)
    turn = builder.phi(whole)
    places = [
        builder.gep(given, [builder.mul(turn, step)])
        for given, step in zip(loop.args[2:], steps, strict=True)
    ]
    builder.call(function, places)
    following = builder.add(turn, ir.Constant(whole, 1))
    turn.add_incoming(ir.Constant(whole, 0), begin)
    turn.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, loop.args[0]), body, end)
    builder.position_at_end(end)
    builder.ret_void()


class _Compiler:
    """Walks the statements of one function and builds their values."""

    def __init__(self, module: Any, vector: Any) -> None:
        self.module, self.vector = module, vector
        self.builder: Any = ir.IRBuilder()
        self.pointers: dict[str, Any] = {}
        self.values: dict[str, Any] = {}

    def run(self, definition: ast.FunctionDef) -> None:
        """Compile the function's statements in order."""
        names = [argument.arg for argument in definition.args.args]
        kind = ir.FunctionType(ir.VoidType(), [self.vector.as_pointer()] * len(names))
        function = ir.Function(self.module, kind, definition.name)
        function.attributes.add("nounwind")
        for argument in function.args:
            # Reads may then pass writes: the elimination of a large block takes a fifth less.
            argument.add_attribute("noalias")
        self.builder = ir.IRBuilder(function.append_basic_block())
        self.pointers = dict(zip(names, function.args, strict=True))
        for statement in definition.body:
            if isinstance(statement, ast.Assign):
                self.assign(statement.targets[0], self.value(statement.value))
        self.builder.ret_void()

    def assign(self, target: ast.expr, value: Any) -> None:
        """Name a value, or store it."""
        if isinstance(target, ast.Name):
            self.values[target.id] = value
        else:
            self.store(value, self.place(target))

    def store(self, value: Any, address: Any) -> None:
        """Write one number."""
        self.builder.store(value, address, align=8)

    def load(self, address: Any) -> Any:
        """Read one number."""
        return self.builder.load(address, align=8)

    def place(self, node: Any) -> Any:
        """Address of an element."""
        index = ir.Constant(ir.IntType(64), node.slice.value)
        return self.builder.gep(self.pointers[node.value.id], [index])

    def value(self, node: Any) -> Any:
        """The value of an expression."""
        if isinstance(node, ast.Name):
            return self.values[node.id]
        if isinstance(node, ast.Subscript):
            return self.load(self.place(node))
        if isinstance(node, ast.Constant):
            return self.constant(node.value)
        if isinstance(node, ast.UnaryOp):
            return self.negative(node.operand)
        if isinstance(node, ast.Call):
            return self.call(node)
        return self.binary(node)

    def constant(self, value: Any, sign: float = 1.0) -> Any:
        """A plain number in every lane."""
        plain = ir.Constant(_DOUBLE, sign * float(value))
        return plain if self.vector is _DOUBLE else ir.Constant(_LANES, [plain] * WIDTH)

    def negative(self, operand: Any) -> Any:
        """-x; of a constant, the negative constant."""
        if isinstance(operand, ast.Constant):
            return self.constant(operand.value, -1.0)
        return self.minus(self.value(operand))

    def minus(self, value: Any) -> Any:
        """-x."""
        return self.builder.fneg(value)

    def binary(self, node: Any) -> Any:
        """An operation on two values; a product that is added or subtracted is fused with that."""
        left, right, kind = node.left, node.right, type(node.op)
        if kind is ast.Add and _is_product(right):
            return self.fused(self.value(left), self.value(right.left), self.value(right.right))
        if kind is ast.Add and _is_product(left):
            return self.fused(self.value(right), self.value(left.left), self.value(left.right))
        if kind is ast.Sub and _is_product(right):
            return self.fused(self.value(left), self.minus(self.value(right.left)), self.value(right.right))
        return self.operate(kind, self.value(left), self.value(right))

    def operate(self, kind: type, a: Any, b: Any) -> Any:
        """Return a + b, a - b, a * b or a / b."""
        return _INSTRUCTIONS[kind](self.builder, a, b)

    def call(self, node: Any) -> Any:
        """A call of one of the functions allowed."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        return self.apply(name, [self.value(argument) for argument in node.args])

    def apply(self, name: str, given: list[Any]) -> Any:
        """A function of values."""
        if name == "abs":
            return self.intrinsic("llvm.fabs", *given)
        if name == "smaller":
            return self.builder.select(self.builder.fcmp_ordered("<", *given), *given)
        if name == "where_positive":
            return self.builder.select(
                self.builder.fcmp_ordered(">", given[0], self.constant(0.0)), *given[1:]
            )
        if name == "root":
            return self.intrinsic("llvm.sqrt", self.intrinsic("llvm.fabs", *given))
        return self.by_lane(f"llvm.{name}", *given)

    def fused(self, total: Any, a: Any, b: Any) -> Any:
        """Return total + a * b, rounded once."""
        return self.intrinsic("llvm.fma", a, b, total)

    def intrinsic(self, name: str, *values: Any) -> Any:
        """Call an intrinsic of LLVM for plain floats or for lanes."""
        suffix = "f64" if self.vector is _DOUBLE else f"v{WIDTH}f64"
        return self.called(f"{name}.{suffix}", self.vector, values)

    def by_lane(self, name: str, value: Any) -> Any:
        """Apply a function of plain floats, lane by lane: its bits shall not depend on the kind of number."""
        if self.vector is _DOUBLE:
            return self.called(f"{name}.f64", _DOUBLE, [value])
        result = ir.Constant(_LANES, ir.Undefined)
        for i in range(WIDTH):
            index = ir.Constant(ir.IntType(32), i)
            lane = self.called(f"{name}.f64", _DOUBLE, [self.builder.extract_element(value, index)])
            result = self.builder.insert_element(result, lane, index)
        return result

    def called(self, name: str, kind: Any, values: Sequence[Any]) -> Any:
        """Call one of LLVM's functions, declared on first use."""
        function = self.module.globals.get(name)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(kind, [kind] * len(values)), name)
        return self.builder.call(function, values)


class _DualCompiler(_Compiler):
    """Numbers with a derivative: in memory complex numbers, whose imaginary part is the derivative times a tiny factor.

    To first order in that factor complex arithmetic is that of derivatives, and the value is computed as a plain float
    would be, bit for bit.
    """

    def place(self, node: Any) -> Any:
        """Address of an element's value; its derivative follows."""
        index = ir.Constant(ir.IntType(64), 2 * node.slice.value)
        return self.builder.gep(self.pointers[node.value.id], [index])

    def store(self, value: Any, address: Any) -> None:
        """Write value and derivative."""
        second = self.builder.gep(address, [ir.Constant(ir.IntType(64), 1)])
        super().store(value[0], address)
        super().store(value[1], second)

    def load(self, address: Any) -> Any:
        """Read value and derivative."""
        second = self.builder.gep(address, [ir.Constant(ir.IntType(64), 1)])
        return super().load(address), super().load(second)

    def constant(self, value: Any, sign: float = 1.0) -> Any:
        """A number that does not change."""
        return super().constant(value, sign), super().constant(0.0)

    def minus(self, value: Any) -> Any:
        """-x, -dx."""
        return self.builder.fneg(value[0]), self.builder.fneg(value[1])

    def fused(self, total: Any, a: Any, b: Any) -> Any:
        """Return t + a b with dt + a db + b da."""
        inner = super().fused(total[1], a[1], b[0])
        return super().fused(total[0], a[0], b[0]), super().fused(inner, a[0], b[1])

    def operate(self, kind: type, a: Any, b: Any) -> Any:
        """The rules of sum, product and quotient."""
        value = super().operate(kind, a[0], b[0])
        if kind in (ast.Add, ast.Sub):
            return value, super().operate(kind, a[1], b[1])
        if kind is ast.Mult:
            return value, super().fused(self.builder.fmul(a[0], b[1]), a[1], b[0])
        change = super().fused(a[1], self.builder.fneg(value), b[1])
        return value, self.builder.fdiv(change, b[0])

    def apply(self, name: str, given: list[Any]) -> Any:
        """Functions by the chain rule."""
        x, dx = given[0]
        if name == "smaller":
            first = self.builder.fcmp_ordered("<", x, given[1][0])
            pairs = zip(given[0], given[1], strict=True)
            return tuple(self.builder.select(first, one, other) for one, other in pairs)
        if name == "where_positive":
            first = self.builder.fcmp_ordered(">", x, ir.Constant(_DOUBLE, 0.0))
            pairs = zip(given[1], given[2], strict=True)
            return tuple(self.builder.select(first, one, other) for one, other in pairs)
        value = super().apply(name, [x])
        if name in ("abs", "root"):
            zero = ir.Constant(_DOUBLE, 0.0)
            change = self.builder.select(self.builder.fcmp_ordered("<", x, zero), self.builder.fneg(dx), dx)
            if name == "root":
                change = self.builder.fdiv(change, self.builder.fadd(value, value))
            return value, change
        return value, self.builder.fmul(value, dx) if name == "exp" else self.builder.fdiv(dx, x)


def _is_product(node: Any) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


_INSTRUCTIONS: dict[type, Callable[..., Any]] = {
    ast.Add: lambda builder, a, b: builder.fadd(a, b),
    ast.Sub: lambda builder, a, b: builder.fsub(a, b),
    ast.Mult: lambda builder, a, b: builder.fmul(a, b),
    ast.Div: lambda builder, a, b: builder.fdiv(a, b),
}
