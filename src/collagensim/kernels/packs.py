"""Rows of floats taken 64 bytes at a time: sixteen float32 or eight float64 side by side.

`collagensim.kernels.numbers` puts members of an ensemble side by side; here it is neighbours in a row. Spelling out
what goes into a register spares the compiler to find that out, and the checks at each row whether arrays overlap.
Processors with smaller registers take each operation in parts; the bits are the same. Without numba the same text runs
on NumPy arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

__all__ = [
    "BYTES", "element", "evens", "fill", "first_pairs", "floor_at", "fused", "fused_less", "last_pairs", "load",
    "load_wide", "odds", "put", "store", "turn_over", "wide", "width", "wrap",
]  # fmt: skip

BYTES = 64


def width(row: Any) -> int:
    """How many elements of a row are taken at a time."""
    return int(BYTES // row.itemsize)


def load(row: Any, i: int) -> Any:
    """The pack of elements i, i + 1, ..."""
    return row[i : i + width(row)].copy()


def load_wide(wide_row: Any, i: int, row: Any) -> Any:
    """The elements i, i + 1, ... of a row of float64, as many as a pack of the other row has."""
    return wide_row[i : i + width(row)].copy()


def store(row: Any, i: int, pack: Any) -> None:
    """Write a pack over elements i, i + 1, ..."""
    row[i : i + len(pack)] = pack


def element(row: Any, i: int) -> float:
    """Element i alone, as float64."""
    return float(row[i])


def put(row: Any, i: int, value: Any) -> None:
    """Write element i alone."""
    row[i] = value


def fill(row: Any, value: float) -> Any:
    """A pack of the row's kind that holds ``value`` everywhere."""
    return np.full(width(row), value, row.dtype)


def wide(pack: Any) -> Any:
    """The same numbers as float64."""
    return pack.astype(np.float64)


def evens(a: Any, b: Any) -> Any:
    """Elements 0, 2, ... of two packs in a row."""
    return np.concatenate((a, b))[::2]


def odds(a: Any, b: Any) -> Any:
    """Elements 1, 3, ... of two packs in a row."""
    return np.concatenate((a, b))[1::2]


def first_pairs(a: Any, b: Any) -> Any:
    """a[0], b[0], a[1], b[1], ...: the first half."""
    return np.stack((a, b), axis=1).reshape(-1)[: len(a)]


def last_pairs(a: Any, b: Any) -> Any:
    """The other half of `first_pairs`."""
    return np.stack((a, b), axis=1).reshape(-1)[len(a) :]


def floor_at(a: Any, low: Any) -> Any:
    """The larger of two packs, element by element."""
    return np.where(a < low, low, a)


def fused(total: Any, a: Any, b: Any) -> Any:
    """Return total + a * b, rounded once where it is compiled."""
    return total + a * b


def fused_less(total: Any, a: Any, b: Any) -> Any:
    """Return total - a * b, rounded once where it is compiled."""
    return total - a * b


def turn_over(rows: Any, first: int, apart: int, columns: Any, to: int, away: int) -> None:
    """Write a square of elements with rows and columns exchanged, as many of both as a pack has.

    Its rows begin at ``first`` and every ``apart`` elements from there; they become columns of the square that begins
    at ``to``, whose rows are ``away`` from each other.
    """
    n = width(rows)
    square = np.stack([rows[first + i * apart : first + i * apart + n] for i in range(n)], axis=1)
    for i in range(n):
        columns[to + i * away : to + i * away + n] = square[i]


def wrap(row: Any, first: int, n: int) -> None:
    """Repeat either end of the n elements from ``first`` on beyond the other end."""
    row[first - 1] = row[first + n - 1]
    row[first + n] = row[first]


if not TYPE_CHECKING:
    import operator

    from llvmlite import ir
    from numba import config, types
    from numba.core import cgutils
    from numba.core.typing.templates import AbstractTemplate, infer_global, signature
    from numba.extending import intrinsic, lower_builtin, models, register_model

    FIRST = {
        "target": "cpu"
    }  # tried before what is meant for any processor, see `collagensim.kernels.numbers`

    class Pack(types.Type):
        """Floats of one kind in a register, or in two."""

        def __init__(self, dtype, n):
            self.dtype, self.n = dtype, n
            super().__init__(name=f"Pack({dtype}, {n})")

    def _vector(pack):
        return ir.VectorType(ir.FloatType() if pack.dtype == types.float32 else ir.DoubleType(), pack.n)

    @register_model(Pack)
    class PackModel(models.PrimitiveModel):
        """Kept in memory as it is in the register."""

        def __init__(self, manager, kind):
            super().__init__(manager, kind, _vector(kind))

    def _pack_of(row):
        return Pack(row.dtype, BYTES * 8 // row.dtype.bitwidth)

    def _at(context, builder, kind, value, index, index_kind):
        """The address of an element of an array, or of what `collagensim.kernels.numbers.flat` gives."""
        data = (
            value
            if not isinstance(kind, types.Array)
            else context.make_array(kind)(context, builder, value).data
        )
        return builder.gep(data, [context.cast(builder, index, index_kind, types.int64)])

    def _load(context, row, i):
        pack = _pack_of(row)

        def code(context, builder, sig, args):
            place = _at(context, builder, sig.args[0], args[0], args[1], sig.args[1])
            place = builder.bitcast(place, _vector(pack).as_pointer())
            return builder.load(place, align=pack.dtype.bitwidth // 8)

        return pack(row, i), code

    def _load_wide(context, wide_row, i, row):
        pack = Pack(types.float64, _pack_of(row).n)

        def code(context, builder, sig, args):
            place = _at(context, builder, sig.args[0], args[0], args[1], sig.args[1])
            return builder.load(builder.bitcast(place, _vector(pack).as_pointer()), align=8)

        return pack(wide_row, i, row), code

    def _store(context, row, i, pack):
        def code(context, builder, sig, args):
            place = _at(context, builder, sig.args[0], args[0], args[1], sig.args[1])
            place = builder.bitcast(place, _vector(sig.args[2]).as_pointer())
            builder.store(args[2], place, align=pack.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.none(row, i, pack), code

    def _element(context, row, i):
        def code(context, builder, sig, args):
            place = _at(context, builder, sig.args[0], args[0], args[1], sig.args[1])
            value = builder.load(place, align=row.dtype.bitwidth // 8)
            return context.cast(builder, value, row.dtype, types.float64)

        return types.float64(row, i), code

    def _put(context, row, i, value):
        def code(context, builder, sig, args):
            place = _at(context, builder, sig.args[0], args[0], args[1], sig.args[1])
            value = context.cast(builder, args[2], sig.args[2], row.dtype)
            builder.store(value, place, align=row.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.none(row, i, value), code

    def _fill(context, row, value):
        pack = _pack_of(row)

        def code(context, builder, sig, args):
            scalar = context.cast(builder, args[1], sig.args[1], pack.dtype)
            nothing = ir.Constant(_vector(pack), ir.Undefined)
            one = builder.insert_element(nothing, scalar, ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(one, nothing, _order([0] * pack.n))

        return pack(row, value), code

    def _wide(context, pack):
        result = Pack(types.float64, pack.n)

        def code(context, builder, sig, args):
            return args[0] if pack == result else builder.fpext(args[0], _vector(result))

        return result(pack), code

    def _width(context, row):
        n = _pack_of(row).n

        def code(context, builder, sig, args):
            return context.get_constant(types.int64, n)

        return types.int64(row), code

    def _order(places):
        return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)

    def _shuffled(order):
        def shuffle(context, a, b):
            def code(context, builder, sig, args):
                return builder.shuffle_vector(args[0], args[1], _order(order(a.n)))

            return a(a, b), code

        return shuffle

    def _floor_at(context, a, low):
        def code(context, builder, sig, args):
            return builder.select(builder.fcmp_ordered("<", *args), args[1], args[0])

        return a(a, low), code

    def _fusing(negate):
        def fuse(context, total, a, b):
            def code(context, builder, sig, args):
                kind = _vector(total)
                name = f"llvm.fma.v{total.n}f{total.dtype.bitwidth}"
                function = cgutils.get_or_insert_function(
                    builder.module, ir.FunctionType(kind, [kind] * 3), name
                )
                factor = builder.fneg(args[1]) if negate else args[1]
                return builder.call(function, [factor, args[2], args[0]])

            return total(total, a, b), code

        return fuse

    def _turn_over(context, rows, first, apart, columns, to, away):
        n, size = _pack_of(rows).n, rows.dtype.bitwidth // 8

        def code(context, builder, sig, args):
            whole = [context.cast(builder, args[k], sig.args[k], types.int64) for k in (1, 2, 4, 5)]

            def places(k, begin, step):
                for i in range(n):
                    index = builder.add(begin, builder.mul(step, ir.Constant(ir.IntType(64), i)))
                    place = _at(context, builder, sig.args[k], args[k], index, types.int64)
                    yield builder.bitcast(place, _vector(_pack_of(rows)).as_pointer())

            packs = [builder.load(place, align=size) for place in places(0, *whole[:2])]
            # Each round turns the bits of (row, column), taken as one number, by one place.
            for _ in range(n.bit_length() - 1):
                packs = [
                    builder.shuffle_vector(packs[i], packs[i + n // 2], _order(order))
                    for i in range(n // 2)
                    for order in ([k // 2 + n * (k % 2) for k in range(b * n, (b + 1) * n)] for b in (0, 1))
                ]
            for place, pack in zip(places(3, *whole[2:]), packs, strict=True):
                builder.store(pack, place, align=size)
            return context.get_dummy_value()

        return types.none(rows, first, apart, columns, to, away), code

    def _wrap(context, row, first, n):
        size = row.dtype.bitwidth // 8

        def code(context, builder, sig, args):
            first, n = (
                context.cast(builder, v, t, types.int64) for v, t in zip(args[1:], sig.args[1:], strict=True)
            )
            end = builder.add(first, n)
            one = ir.Constant(ir.IntType(64), 1)

            def place(index):
                return _at(context, builder, sig.args[0], args[0], index, types.int64)

            left, right = (builder.load(place(i), align=size) for i in (first, builder.sub(end, one)))
            builder.store(right, place(builder.sub(first, one)), align=size)
            builder.store(left, place(end), align=size)
            return context.get_dummy_value()

        return types.none(row, first, n), code

    def _pairs(begin):
        return _shuffled(lambda n: [i // 2 + n * (i % 2) for i in range(begin * n, (begin + 1) * n)])

    if not config.DISABLE_JIT:
        load, load_wide, store, element, put = map(intrinsic, (_load, _load_wide, _store, _element, _put))
        fill, wide, width, floor_at, wrap = map(intrinsic, (_fill, _wide, _width, _floor_at, _wrap))
        fused, fused_less, turn_over = map(intrinsic, (_fusing(False), _fusing(True), _turn_over))
        evens, odds = (intrinsic(_shuffled(lambda n, k=k: list(range(k, 2 * n, 2)))) for k in (0, 1))
        first_pairs, last_pairs = intrinsic(_pairs(0)), intrinsic(_pairs(1))

    def _binary(operation, instruction):
        @infer_global(operation)
        class _Typing(AbstractTemplate):
            metadata = FIRST

            def generic(self, args, keywords):
                if len(args) == 2 and isinstance(args[0], Pack) and args[0] == args[1]:
                    return signature(args[0], *args)
                return None

        @lower_builtin(operation, Pack, Pack)
        def _lower(context, builder, sig, args):
            return getattr(builder, instruction)(*args)

    for _operation, _instruction in (
        (operator.add, "fadd"), (operator.iadd, "fadd"), (operator.sub, "fsub"), (operator.isub, "fsub"),
        (operator.mul, "fmul"), (operator.imul, "fmul"), (operator.truediv, "fdiv"), (operator.itruediv, "fdiv"),
    ):  # fmt: skip
        _binary(_operation, _instruction)
