"""What the kernels calculate with: plain floats, complex numbers, or eight floats side by side.

A kernel is written once for "a number". Arrays (n,) of floats or complex numbers hold plain ones. An array (n, 8) of
floats, seen through `as_numbers`, holds n numbers of eight lanes each: one instruction then serves eight members of an
ensemble, or the blocks of one course. LLVM lays a lane vector into whatever registers the processor has, and each lane
sees the very operations that a plain float would, in the same order: the bits are the same.

Kernels hand each other addresses of numbers, not arrays: an array is nine words, an address one, and between small
functions that is what time goes into, when they are compiled and when they run. An index is therefore not checked, and
counts from the address on. Without numba (``NUMBA_DISABLE_JIT=1``) the same text runs on NumPy arrays.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

__all__ = [
    "WIDTH", "aligned", "all_above", "all_written", "any_negative", "as_numbers", "call", "columns",
    "compact", "driver", "fetch", "fetch_far", "flat", "kept", "kept_compact", "kernel", "larger",
    "less_product", "n_columns", "partners", "picked", "plus_product", "plus_products", "put_past",
    "real_part", "root", "rough_inverse_tenth_root", "smaller", "sum_of_products", "tail", "where_negative",
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
        """Compile where compiled code calls it first; typed here so that every kernel keeps its own signature."""
        return function

    def driver(function: Kernel) -> Kernel:
        """As `kernel`, optimised with its callers alone: half the time to compile."""
        return function

    def compact(function: Kernel) -> Kernel:
        """As `kernel`, for loops of few passes or of much in each: they are not unrolled."""
        return function

    def kept(function: Kernel) -> Kernel:
        """Compile on first use and keep the machine code on disk: for what Python calls."""
        return function

    def kept_compact(function: Kernel) -> Kernel:
        """As `kept`, of `compact` kernels."""
        return function

else:
    from numba import njit

    from collagensim.kernels.inner import Compact, Whole, inner

    # No kernel allocates, so none counts owners; none is called from C.
    options = {"nogil": True, "error_model": "numpy", "_nrt": False}
    kept = njit(cache=True, no_cfunc_wrapper=True, pipeline_class=Whole, **options)
    kept_compact = njit(cache=True, no_cfunc_wrapper=True, pipeline_class=Compact, **options)
    kernel, compact = inner(optimised=True, **options), inner(optimised=True, unrolled=False, **options)
    driver = inner(optimised=False, **options)


def aligned(*shape: int) -> Floats:
    """Zeros of that shape whose first element lies on a 64-byte boundary, as whole lane vectors should."""
    size = int(np.prod(shape))
    raw = np.zeros(size + WIDTH)
    first = (-raw.ctypes.data // raw.itemsize) % WIDTH
    return raw[first : first + size].reshape(shape)


# ---- what each operation does to plain numbers; numba sees the overloads below instead


def as_numbers(array: Numbers) -> Numbers:
    """The numbers of an array: plain ones when it is (n,), n rows of lanes when it is (n, 8)."""
    return array


def flat(array: Numbers) -> Numbers:
    """The elements of an array of any shape, the last axis running fastest."""
    return array.reshape(-1)


def tail(numbers: Numbers, first: int) -> Numbers:
    """The numbers from ``first`` on, a view; how many there are is for the caller to know."""
    return numbers[first:]


def columns(numbers: Numbers) -> Numbers:
    """What to work on eight at a time: plain floats, a multiple of eight of them, as lanes; other numbers unchanged.

    Floats of 32 bits are widened when they are read and rounded when they are written.
    """
    return numbers.reshape(-1, WIDTH) if numbers.ndim == 1 and numbers.dtype.kind == "f" else numbers


def n_columns(numbers: Numbers, n: int) -> int:
    """How many there are in `columns` of the first ``n`` numbers."""
    return n // WIDTH if numbers.ndim == 1 and numbers.dtype == np.float64 else n


def partners(numbers: Numbers, i: int) -> Number:
    """Number i of the `columns` of float64 or other numbers, every number from the place of its partner.

    Numbers 2 k and 2 k + 1 are partners.
    """
    if numbers.ndim == 1 and numbers.dtype == np.float64:
        return numbers.reshape(-1, 2)[:, ::-1].reshape(-1, WIDTH)[i]
    return numbers[i ^ 1]


def call(address: int, arrays: tuple[Numbers, ...]) -> None:
    """Call the machine code at an address with the addresses of arrays."""
    raise NotImplementedError("machine code has an address only where numba compiles")


def put_past(numbers: Numbers, i: int, value: Number) -> None:
    """Write lanes past the caches, where nobody reads them before much else; of memory that begins at 16 bytes.

    What is written over whole is then not fetched first: half the traffic.
    """
    numbers[i] = value


def fetch(numbers: Numbers, i: int) -> None:
    """Have the line of memory that holds number i brought next to the processor: it will be written, or read, soon.

    It may lie anywhere, past the end too.
    """


def fetch_far(numbers: Numbers, i: int) -> None:
    """As `fetch`, for later: into a cache further away, where it is in nobody's way."""


def all_written() -> None:
    """Wait until other threads see what `put_past` has written."""


def plus_product(total: Number, a: Number, b: Number) -> Number:
    """Return total + a * b, rounded once where the processor can."""
    return total + a * b


def less_product(total: Number, a: Number, b: Number) -> Number:
    """Return total - a * b, rounded once where the processor can."""
    return total - a * b


def plus_products(total: Number, factors: tuple[Number, ...], rows: tuple[Numbers, ...], i: int) -> Number:
    """Return total + sum_j factors[j] * rows[j][i], each product rounded once with its sum; written out."""
    for factor, row in zip(factors, rows, strict=True):
        total = plus_product(total, factor, row[i])
    return total


def sum_of_products(factors: tuple[Number, ...], rows: tuple[Numbers, ...], i: int) -> Number:
    """Return sum_j factors[j] * rows[j][i], as `plus_products` would."""
    return plus_products(factors[0] * rows[0][i], factors[1:], rows[1:], i)


def larger(a: Number, b: Number) -> Number:
    """The larger of two real numbers, lane by lane."""
    return np.maximum(a, b)


def smaller(a: Number, b: Number) -> Number:
    """The smaller of two real numbers, lane by lane."""
    return np.minimum(a, b)


def where_negative(test: Number, a: Number, b: Number) -> Number:
    """The number a where ``test`` is negative, b elsewhere."""
    return np.where(test < 0.0, a, b)


def all_above(x: Number, y: Number) -> bool:
    """Whether x is above y in every lane; what is no number is not."""
    return bool(np.all(np.greater(x, y)))


def picked(numbers: Numbers, i: int, lanes: Number) -> Number:
    """Number i with its lanes in another order: ``lanes`` says which, as whole numbers; one may come twice."""
    return numbers[i][lanes.astype(np.int64)]


def any_negative(x: Number) -> bool:
    """Whether the number is below zero in any lane."""
    return bool(np.any(np.less(x, 0.0)))


def real_part(x: Number) -> Number:
    """The real part: what decisions are taken on."""
    return np.real(x)


def root(x: Number) -> Number:
    """sqrt(|x|), so that a rounding-level negative stays a number; of a complex x its analytic continuation."""
    return np.sqrt(np.where(np.real(x) < 0, -x, x))


# What the bits of x^-0.1, read as an integer, are short of a tenth of those of x, taken negative: 1.1 times the bits of
# 1.0, less what makes 1 - x w^10 of the guess w as large upwards as downwards, 0.32 at most.
_ROUGH = 1.1 * (1023 - 0.05) * 2.0**52


def rough_inverse_tenth_root(x: Number) -> Number:
    """x^-0.1 of a positive real number to 4 %: bits read as an integer are close to a logarithm."""
    bits = np.asarray(x, dtype=np.float64).view(np.int64).astype(np.float64)
    return np.asarray(_ROUGH - 0.1 * bits).astype(np.int64).view(np.float64)[()]


if not TYPE_CHECKING:
    from llvmlite import ir
    from numba import config, types
    from numba.core import cgutils
    from numba.core.imputils import lower_cast
    from numba.core.typeconv import Conversion
    from numba.core.typing.templates import AbstractTemplate, infer_global, signature
    from numba.extending import intrinsic, lower_builtin, models, overload, register_model

    # Numba tries what is meant for this kind of processor before what is meant for any: it has forty other meanings.
    FIRST = {"target": "cpu"}
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

    class Singles(types.Type):
        """Eight floats of 32 bits in memory, lanes wherever they are worked on."""

        def __init__(self):
            super().__init__(name=f"Singles{WIDTH}")

    SINGLES = Singles()

    @register_model(Singles)
    class SinglesModel(models.PrimitiveModel):
        """Half the size of lanes."""

        def __init__(self, manager, kind):
            super().__init__(manager, kind, ir.VectorType(ir.FloatType(), WIDTH))

    class Address(types.Type):
        """Where numbers begin; ``x[i]`` reads and writes them."""

        def __init__(self, dtype):
            self.dtype = dtype
            super().__init__(name=f"Address({dtype})")

    @register_model(Address)
    class AddressModel(models.PrimitiveModel):
        """A pointer to numbers as they lie in memory."""

        def __init__(self, manager, kind):
            super().__init__(manager, kind, manager[kind.dtype].get_data_type().as_pointer())

    def _worked_on(address):
        return LANES if address.dtype == SINGLES else address.dtype

    @infer_global(operator.getitem)
    class _Read(AbstractTemplate):
        metadata = FIRST

        def generic(self, args, keywords):
            if isinstance(args[0], Address) and isinstance(args[1], types.Integer):
                return signature(_worked_on(args[0]), *args)
            return None

    @infer_global(operator.setitem)
    class _Write(AbstractTemplate):
        metadata = FIRST

        def generic(self, args, keywords):
            if isinstance(args[0], Address) and isinstance(args[1], types.Integer):
                return signature(types.none, args[0], args[1], _worked_on(args[0]))
            return None

    @lower_builtin(operator.getitem, Address, types.Integer)
    def _read(context, builder, sig, args):
        # Aligned as single floats are: arrays of callers may start anywhere, and aligned ones lose nothing by it.
        kind, place = sig.args[0], _place(context, builder, sig.args[0], args[0], args[1], sig.args[1])
        if kind.dtype == SINGLES:
            return builder.fpext(builder.load(place, align=4), VECTOR)
        return context.data_model_manager[kind.dtype].load_from_data_pointer(builder, place, align=8)

    @lower_builtin(operator.setitem, Address, types.Integer, types.Any)
    def _write(context, builder, sig, args):
        kind, place = sig.args[0], _place(context, builder, sig.args[0], args[0], args[1], sig.args[1])
        value = context.cast(builder, args[2], sig.args[2], _worked_on(kind))
        if kind.dtype == SINGLES:
            builder.store(builder.fptrunc(value, context.get_value_type(SINGLES)), place, align=4)
            return context.get_dummy_value()
        builder.store(context.data_model_manager[kind.dtype].as_data(builder, value), place, align=8)
        return context.get_dummy_value()

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
            metadata = FIRST

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
            metadata = FIRST

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

    def _plus_products(context, total, factors, rows, i):
        return _chain(_common(total, factors.dtype, rows.dtype.dtype), (total, factors, rows, i))

    def _sum_of_products(context, factors, rows, i):
        return _chain(_common(factors.dtype, rows.dtype.dtype), (factors, rows, i))

    def _chain(kind, given):
        """Fused sums of products, one after the other, onto a total if one is given."""
        factor, row = given[-3].dtype, given[-2].dtype
        read, one = row.dtype(row, given[-1]), kind(kind, factor, row.dtype)
        fused = _fused(False)(None, *one.args)[1]

        def code(context, builder, sig, args):
            pairs = [*zip(*(cgutils.unpack_tuple(builder, part) for part in args[-3:-1]), strict=True)]
            if len(args) == 4:
                result = context.cast(builder, args[0], sig.args[0], kind)
            elif kind == types.complex128:
                result = context.get_constant(kind, 0j)
            else:
                weight, numbers = pairs.pop(0)
                parts = weight, _read(context, builder, read, (numbers, args[-1]))
                result = builder.fmul(*_cast(builder, context, kind, kind(factor, row.dtype), parts))
            for weight, numbers in pairs:
                number = _read(context, builder, read, (numbers, args[-1]))
                result = fused(context, builder, one, (result, weight, number))
            return result

        return kind(*given), code

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

    def _all_above(context, x, y):
        kind = _common(x, y)

        def code(context, builder, sig, args):
            above = builder.fcmp_ordered(">", *_cast(builder, context, kind, sig, args))
            if kind != LANES:
                return above
            bits = builder.bitcast(above, ir.IntType(WIDTH))
            return builder.icmp_unsigned("==", bits, ir.Constant(ir.IntType(WIDTH), 2**WIDTH - 1))

        return types.boolean(x, y), code

    def reorders_lanes(context):
        """Whether the processor has the instruction for it that LLVM does not find by itself."""
        return "+avx512f" in (getattr(context.codegen(), "_tm_features", None) or "")

    def _picked(context, numbers, i, lanes):
        whole = ir.VectorType(ir.IntType(64), WIDTH)

        def code(context, builder, sig, args):
            place = _place(context, builder, sig.args[0], args[0], args[1], sig.args[1])
            order = builder.fptosi(args[2], whole)
            if reorders_lanes(context):
                kind = ir.FunctionType(VECTOR, [VECTOR, whole])
                name = "llvm.x86.avx512.permvar.df.512"
                permute = cgutils.get_or_insert_function(builder.module, kind, name)
                return builder.call(permute, [builder.load(place, align=8), order])
            result, first = (
                ir.Constant(VECTOR, ir.Undefined),
                builder.bitcast(place, ir.DoubleType().as_pointer()),
            )
            for k in range(WIDTH):
                index = ir.Constant(INDEX, k)
                lane = builder.gep(first, [builder.extract_element(order, index)])
                result = builder.insert_element(result, builder.load(lane, align=8), index)
            return result

        return LANES(numbers, i, lanes), code

    def _any_negative(context, x):
        def code(context, builder, sig, args):
            if sig.args[0] != LANES:
                return builder.fcmp_ordered("<", args[0], ir.Constant(ir.DoubleType(), 0.0))
            below = builder.fcmp_ordered("<", args[0], ir.Constant(VECTOR, [0.0] * WIDTH))
            bits = builder.bitcast(below, ir.IntType(WIDTH))
            return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(WIDTH), 0))

        return types.boolean(x), code

    def _rough_inverse_tenth_root(context, x):
        kind = LANES if x == LANES else types.float64

        def code(context, builder, sig, args):
            value = context.cast(builder, args[0], sig.args[0], kind)
            floats = value.type
            whole = ir.VectorType(ir.IntType(64), WIDTH) if kind == LANES else ir.IntType(64)
            tenth, rough = (ir.Constant(floats, [c] * WIDTH if kind == LANES else c) for c in (-0.1, _ROUGH))
            bits = builder.sitofp(builder.bitcast(value, whole), floats)
            guess = builder.fadd(builder.fmul(bits, tenth), rough)
            return builder.bitcast(builder.fptosi(guess, whole), floats)

        return kind(x), code

    def _data(context, builder, kind, value):
        """The address of an array's first number, or the address itself."""
        return value if isinstance(kind, Address) else context.make_array(kind)(context, builder, value).data

    def _put_past(context, numbers, index, value):
        def code(context, builder, sig, args):
            kind = sig.args[0]
            place = _place(context, builder, kind, args[0], args[1], sig.args[1])
            value = context.cast(builder, args[2], sig.args[2], LANES)
            if kind.dtype == SINGLES:
                value = builder.fptrunc(value, context.get_value_type(SINGLES))
            past = builder.module.add_metadata([ir.Constant(INDEX, 1)])
            builder.store(value, place, align=16).set_metadata("nontemporal", past)
            return context.get_dummy_value()

        return types.none(numbers, index, value), code

    def _fetching(written, near):
        def fetch(context, numbers, index):
            def code(context, builder, sig, args):
                place = _place(context, builder, sig.args[0], args[0], args[1], sig.args[1])
                pointer = ir.IntType(8).as_pointer()
                kind = ir.FunctionType(ir.VoidType(), [pointer, INDEX, INDEX, INDEX])
                function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
                # The last says that it is data.
                builder.call(
                    function, [builder.bitcast(place, pointer), INDEX(written), INDEX(near), INDEX(1)]
                )
                return context.get_dummy_value()

            return types.none(numbers, index), code

        return fetch

    def _all_written(context):
        def code(context, builder, sig, args):
            builder.fence("seq_cst")
            return context.get_dummy_value()

        return types.none(), code

    def _view(context, numbers, kind):
        def code(context, builder, sig, args):
            data = _data(context, builder, sig.args[0], args[0])
            return builder.bitcast(data, context.get_value_type(sig.return_type))

        return kind(numbers), code

    def _as_numbers(context, array):
        if isinstance(array, types.Array) and array.ndim == 2:
            return _view(context, array, Address(LANES))
        return _view(context, array, Address(array.dtype))

    def _flat(context, array):
        return _view(context, array, Address(array.dtype))

    def _columns(context, numbers):
        kind = {types.float64: LANES, types.float32: SINGLES}.get(numbers.dtype, numbers.dtype)
        return _view(context, numbers, Address(kind))

    def _n_columns(context, numbers, n):
        def code(context, builder, sig, args):
            count = context.cast(builder, args[1], sig.args[1], types.int64)
            wide = sig.args[0].dtype == types.float64
            return builder.sdiv(count, ir.Constant(ir.IntType(64), WIDTH)) if wide else count

        return types.int64(numbers, n), code

    def _place(context, builder, kind, value, index, index_kind):
        index = context.cast(builder, index, index_kind, types.int64)
        return builder.gep(_data(context, builder, kind, value), [index])

    def _tail(context, numbers, first):
        def code(context, builder, sig, args):
            return _place(context, builder, sig.args[0], args[0], args[1], sig.args[1])

        return Address(numbers.dtype)(numbers, first), code

    def _partners(context, numbers, i):
        wide = numbers.dtype == types.float64
        kind = LANES if wide else numbers.dtype

        def code(context, builder, sig, args):
            index = context.cast(builder, args[1], sig.args[1], types.int64)
            if not wide:
                index = builder.xor(index, ir.Constant(ir.IntType(64), 1))
                return _read(context, builder, numbers.dtype(sig.args[0], types.int64), (args[0], index))
            place = builder.gep(args[0], [builder.mul(index, ir.Constant(ir.IntType(64), WIDTH))])
            lanes = builder.load(builder.bitcast(place, VECTOR.as_pointer()), align=8)
            turned = ir.Constant(ir.VectorType(INDEX, WIDTH), [k ^ 1 for k in range(WIDTH)])
            return builder.shuffle_vector(lanes, lanes, turned)

        return kind(numbers, i), code

    def _call_address(context, address, arrays):
        def code(context, builder, sig, args):
            place = context.cast(builder, args[0], sig.args[0], types.int64)
            pointer = ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [pointer] * len(sig.args[1].types))
            given = [
                builder.bitcast(_data(context, builder, array_kind, array), pointer)
                for array_kind, array in zip(
                    sig.args[1].types, cgutils.unpack_tuple(builder, args[1]), strict=True
                )
            ]
            builder.call(builder.inttoptr(place, kind.as_pointer()), given)
            return context.get_dummy_value()

        return types.void(address, arrays), code

    if not config.DISABLE_JIT:
        plus_product, less_product = intrinsic(_fused(False)), intrinsic(_fused(True))
        plus_products, sum_of_products = intrinsic(_plus_products), intrinsic(_sum_of_products)
        larger, smaller = intrinsic(_chosen(">")), intrinsic(_chosen("<"))
        where_negative, real_part = intrinsic(_where_negative), intrinsic(_real_part)
        any_negative, all_above, picked = map(intrinsic, (_any_negative, _all_above, _picked))
        rough_inverse_tenth_root = intrinsic(_rough_inverse_tenth_root)
        as_numbers, flat, tail = intrinsic(_as_numbers), intrinsic(_flat), intrinsic(_tail)
        columns, n_columns, partners = intrinsic(_columns), intrinsic(_n_columns), intrinsic(_partners)
        call, put_past, all_written = map(intrinsic, (_call_address, _put_past, _all_written))
        fetch, fetch_far = intrinsic(_fetching(1, 3)), intrinsic(_fetching(0, 2))

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
