"""What the kernels calculate with: plain floats, complex numbers, or eight floats side by side.

A kernel is written once for "a number". Arrays (n,) of floats or complex numbers hold plain ones. An array (n, 8) of
floats, seen through `as_numbers`, holds n numbers of eight lanes each: one instruction then serves eight members of an
ensemble, or the blocks of one course. LLVM lays a lane vector into whatever registers the processor has, and each lane
sees the very operations that a plain float would, in the same order: the bits are the same.

Without numba (``NUMBA_DISABLE_JIT=1``) the same text runs on rows of NumPy arrays.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

__all__ = [
    "WIDTH", "aligned", "as_numbers", "at", "call", "columns", "kept", "kernel", "larger", "less_product",
    "plus_product", "put", "real_part", "root", "segment", "smaller", "where_negative",
]  # fmt: skip

WIDTH = 8

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias, TypeVar

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Number: TypeAlias = Any
    LANES: Any
    Numbers: TypeAlias = Any
    Kernel = TypeVar("Kernel", bound=Callable[..., object])

    def kernel(function: Kernel) -> Kernel:
        """Compile on first use; typed here so that every kernel keeps its own signature."""
        return function

    def kept(function: Kernel) -> Kernel:
        """Compile on first use and keep the machine code on disk: for what Python calls."""
        return function

else:
    from numba import njit

    # No kernel allocates, so none counts owners.
    kept = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
    kernel = njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=False)


def aligned(*shape: int) -> Floats:
    """Zeros of that shape whose first element lies on a 64-byte boundary, as whole lane vectors should."""
    size = int(np.prod(shape))
    raw = np.zeros(size + WIDTH)
    first = (-raw.ctypes.data // raw.itemsize) % WIDTH
    return raw[first : first + size].reshape(shape)


# ---- what each operation does to plain numbers; numba sees the overloads below instead


def as_numbers(array: Numbers) -> Numbers:
    """The numbers of an array: itself when it is (n,), its n rows of lanes when it is (n, 8)."""
    return array


def segment(numbers: Numbers, first: int, size: int) -> Numbers:
    """The ``size`` numbers from ``first`` on, a view; the bounds are not checked."""
    return numbers[first : first + size]


def columns(numbers: Numbers) -> Numbers:
    """What to work on eight at a time: plain floats, a multiple of eight of them, as lanes; other numbers unchanged."""
    return numbers


def at(numbers: Numbers, i: int) -> Number:
    """The number at i >= 0; neither bounds nor sign are looked at, which in a short loop costs more than the work."""
    return numbers[i]


def put(numbers: Numbers, i: int, value: Number) -> None:
    """Set the number at i >= 0, as `at` reads it."""
    numbers[i] = value


def call(address: int, arrays: tuple[Numbers, ...]) -> None:
    """Call the machine code at an address with the addresses of arrays."""
    raise NotImplementedError("machine code has an address only where numba compiles")


def plus_product(total: Number, a: Number, b: Number) -> Number:
    """Return total + a * b, rounded once where the processor can."""
    return total + a * b


def less_product(total: Number, a: Number, b: Number) -> Number:
    """Return total - a * b, rounded once where the processor can."""
    return total - a * b


def larger(a: Number, b: Number) -> Number:
    """The larger of two real numbers, lane by lane."""
    return np.maximum(a, b)


def smaller(a: Number, b: Number) -> Number:
    """The smaller of two real numbers, lane by lane."""
    return np.minimum(a, b)


def where_negative(test: Number, a: Number, b: Number) -> Number:
    """The number a where ``test`` is negative, b elsewhere."""
    return np.where(test < 0.0, a, b)


def real_part(x: Number) -> Number:
    """The real part: what decisions are taken on."""
    return np.real(x)


def root(x: Number) -> Number:
    """sqrt(|x|), so that a rounding-level negative stays a number; of a complex x its analytic continuation."""
    return np.sqrt(np.where(np.real(x) < 0, -x, x))


if not TYPE_CHECKING:
    from llvmlite import ir
    from numba import config, types
    from numba.core import cgutils
    from numba.core.imputils import impl_ret_borrowed, lower_cast
    from numba.core.typeconv import Conversion
    from numba.core.typing.templates import AbstractTemplate, infer_global, signature
    from numba.extending import intrinsic, lower_builtin, models, overload, register_model
    from numba.np.arrayobj import populate_array

    VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
    INDEX = ir.IntType(32)

    class Lanes(types.Type):
        """Eight floats in one register."""

        def __init__(self):
            super().__init__(name=f"Lanes{WIDTH}")

        def can_convert_from(self, typingctx, other):
            """A plain number stands for itself in every lane."""
            return Conversion.safe if isinstance(other, types.Float | types.Integer) else None

    LANES = Lanes()

    @register_model(Lanes)
    class LanesModel(models.PrimitiveModel):
        """Kept in memory as it is in the register."""

        def __init__(self, manager, kind):
            super().__init__(manager, kind, VECTOR)

    def _splat(builder, value):
        undefined = ir.Constant(VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, value, ir.Constant(INDEX, 0))
        return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INDEX, WIDTH), [0] * WIDTH))

    @lower_cast(types.Float, LANES)
    @lower_cast(types.Integer, LANES)
    def _to_lanes(context, builder, source, target, value):
        return _splat(builder, context.cast(builder, value, source, types.float64))

    @lower_cast(LANES, LANES)
    def _same(context, builder, source, target, value):
        return value

    def _binary(operation, instruction):
        @infer_global(operation)
        class _Typing(AbstractTemplate):
            def generic(self, args, keywords):
                plain = (types.Float, types.Integer)
                if len(args) == 2 and LANES in args and all(a == LANES or isinstance(a, plain) for a in args):
                    return signature(LANES, LANES, LANES)
                return None

        @lower_builtin(operation, LANES, LANES)
        def _lower(context, builder, sig, args):
            return getattr(builder, instruction)(*args)

    for _operation, _instruction in (
        (operator.add, "fadd"), (operator.iadd, "fadd"), (operator.sub, "fsub"), (operator.isub, "fsub"),
        (operator.mul, "fmul"), (operator.imul, "fmul"), (operator.truediv, "fdiv"), (operator.itruediv, "fdiv"),
    ):  # fmt: skip
        _binary(_operation, _instruction)

    def _unary(operation, instruction):
        @infer_global(operation)
        class _Typing(AbstractTemplate):
            def generic(self, args, keywords):
                return signature(LANES, LANES) if args == (LANES,) else None

        @lower_builtin(operation, LANES)
        def _lower(context, builder, sig, args):
            return instruction(builder, args[0])

    def _call(builder, name, *values):
        """Call an LLVM intrinsic on lane vectors; on other processors LLVM spells it out in smaller registers."""
        kind = ir.FunctionType(VECTOR, [VECTOR] * len(values))
        return builder.call(
            cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{WIDTH}f64"), values
        )

    _unary(operator.neg, lambda builder, x: builder.fneg(x))
    _unary(abs, lambda builder, x: _call(builder, "llvm.fabs", x))

    @intrinsic
    def _lane_root(context, x):
        def code(context, builder, sig, args):
            return _call(builder, "llvm.sqrt", args[0])

        return LANES(x), code

    def _cast(builder, context, kind, sig, args):
        return [
            context.cast(builder, value, given, kind) for value, given in zip(args, sig.args, strict=True)
        ]

    def _common(*kinds):
        if LANES in kinds:
            return LANES
        return types.complex128 if types.complex128 in kinds else types.float64

    def _fused(negate):
        def fused(context, total, a, b):
            kind = _common(total, a, b)

            def code(context, builder, sig, args):
                last, first, second = _cast(builder, context, kind, sig, args)
                if kind == types.complex128:
                    plain = _complex_less if negate else _complex_plus
                    return context.compile_internal(
                        builder, plain, kind(kind, kind, kind), (last, first, second)
                    )
                first = builder.fneg(first) if negate else first
                if kind == LANES:
                    return _call(builder, "llvm.fma", first, second, last)
                return builder.fma(first, second, last)

            return kind(total, a, b), code

        return fused

    def _complex_plus(total, a, b):
        return total + a * b

    def _complex_less(total, a, b):
        return total - a * b

    def _chosen(comparison):
        def choose(context, a, b):
            kind = _common(a, b)

            def code(context, builder, sig, args):
                x, y = _cast(builder, context, kind, sig, args)
                first, second = x, y
                if kind == types.complex128:
                    first, second = (context.make_complex(builder, kind, value).real for value in (x, y))
                return builder.select(builder.fcmp_ordered(comparison, first, second), x, y)

            return kind(a, b), code

        return choose

    def _where_negative(context, test, a, b):
        kind = _common(a, b)

        def code(context, builder, sig, args):
            zero = (
                ir.Constant(VECTOR, [0.0] * WIDTH)
                if sig.args[0] == LANES
                else ir.Constant(ir.DoubleType(), 0.0)
            )
            chosen = builder.fcmp_ordered("<", args[0], zero)
            x, y = (context.cast(builder, v, t, kind) for v, t in zip(args[1:], sig.args[1:], strict=True))
            return builder.select(chosen, x, y)

        return kind(test, a, b), code

    def _real_part(context, x):
        def code(context, builder, sig, args):
            if sig.args[0] == types.complex128:
                return context.make_complex(builder, types.complex128, args[0]).real
            return args[0]

        return (types.float64 if x == types.complex128 else x)(x), code

    def _array(context, builder, kind, data, size):
        """An array that owns nothing: the caller of the kernel holds the memory, and counting owners costs."""
        view = context.make_array(kind)(context, builder)
        width = ir.Constant(ir.IntType(64), context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        populate_array(view, data=data, shape=[size], strides=[width], itemsize=width, meminfo=None)
        return view._getvalue()

    def _as_numbers(context, array):
        # Not marked as aligned: arrays of callers may start anywhere, and aligned ones lose nothing by it.
        kind = types.Array(LANES, 1, "C", aligned=False) if array.ndim == 2 else array

        def code(context, builder, sig, args):
            if kind == array:
                return impl_ret_borrowed(context, builder, kind, args[0])
            source = context.make_array(sig.args[0])(context, builder, args[0])
            data = builder.bitcast(source.data, VECTOR.as_pointer())
            return _array(context, builder, kind, data, cgutils.unpack_tuple(builder, source.shape)[0])

        return kind(array), code

    def _segment(context, numbers, first, size):
        kind = types.Array(numbers.dtype, 1, "C", aligned=numbers.aligned)

        def code(context, builder, sig, args):
            source = context.make_array(sig.args[0])(context, builder, args[0])
            start, length = (
                context.cast(builder, value, given, types.int64)
                for value, given in zip(args[1:], sig.args[1:], strict=True)
            )
            return _array(context, builder, kind, builder.gep(source.data, [start]), length)

        return kind(numbers, first, size), code

    def _columns(context, numbers):
        if numbers.dtype != types.float64:
            return numbers(numbers), lambda context, builder, sig, args: impl_ret_borrowed(
                context, builder, sig.return_type, args[0]
            )
        kind = types.Array(LANES, 1, "C", aligned=False)

        def code(context, builder, sig, args):
            source = context.make_array(sig.args[0])(context, builder, args[0])
            data = builder.bitcast(source.data, VECTOR.as_pointer())
            size = builder.sdiv(
                cgutils.unpack_tuple(builder, source.shape)[0], ir.Constant(ir.IntType(64), WIDTH)
            )
            return _array(context, builder, kind, data, size)

        return kind(numbers), code

    def _address(context, builder, kind, array, index, index_kind):
        source = context.make_array(kind)(context, builder, array)
        return builder.gep(source.data, [context.cast(builder, index, index_kind, types.int64)])

    def _at(context, numbers, i):
        def code(context, builder, sig, args):
            address = _address(context, builder, sig.args[0], args[0], args[1], sig.args[1])
            return builder.load(address, align=8)

        return numbers.dtype(numbers, i), code

    def _put(context, numbers, i, value):
        def code(context, builder, sig, args):
            address = _address(context, builder, sig.args[0], args[0], args[1], sig.args[1])
            stored = context.cast(builder, args[2], sig.args[2], sig.args[0].dtype)
            builder.store(stored, address, align=8)
            return context.get_dummy_value()

        return types.void(numbers, i, value), code

    def _call_address(context, address, arrays):
        def code(context, builder, sig, args):
            place = context.cast(builder, args[0], sig.args[0], types.int64)
            pointer = ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [pointer] * len(sig.args[1].types))
            given = [
                builder.bitcast(context.make_array(array_kind)(context, builder, array).data, pointer)
                for array_kind, array in zip(
                    sig.args[1].types, cgutils.unpack_tuple(builder, args[1]), strict=True
                )
            ]
            builder.call(builder.inttoptr(place, kind.as_pointer()), given)
            return context.get_dummy_value()

        return types.void(address, arrays), code

    if not config.DISABLE_JIT:
        plus_product, less_product = intrinsic(_fused(False)), intrinsic(_fused(True))
        larger, smaller = intrinsic(_chosen(">")), intrinsic(_chosen("<"))
        where_negative, real_part = intrinsic(_where_negative), intrinsic(_real_part)
        as_numbers, segment, columns = intrinsic(_as_numbers), intrinsic(_segment), intrinsic(_columns)
        at, put = intrinsic(_at), intrinsic(_put)
        call = intrinsic(_call_address)

    @overload(root)
    def _root(x):
        if x == LANES:
            return lambda x: _lane_root(abs(x))
        if isinstance(x, types.Complex):
            return lambda x: np.sqrt(-x) if x.real < 0 else np.sqrt(x)
        return lambda x: np.sqrt(abs(x))

    def _lane_by_lane(function):
        """Apply a function of plain floats to each lane, so that lanes and floats agree in every bit."""

        @intrinsic
        def apply(context, x):
            plain = context.resolve_function_type(function, (types.float64,), {})

            def code(context, builder, sig, args):
                call = context.get_function(function, plain)
                result = ir.Constant(VECTOR, ir.Undefined)
                for i in range(WIDTH):
                    index = ir.Constant(INDEX, i)
                    value = call(builder, [builder.extract_element(args[0], index)])
                    result = builder.insert_element(result, value, index)
                return result

            return LANES(x), code

        @overload(function)
        def _of_lanes(x):
            return (lambda x: apply(x)) if x == LANES else None

    _lane_by_lane(np.exp)
    _lane_by_lane(np.log)
