"""Functions that only compiled code calls: no machine code of their own, and no entrance from Python.

Numba makes machine code of every function that it compiles, although one that others call is compiled once more as part
of each of them. Left out, this halves the time that a nest of small functions takes. Loops of few passes may be left as
they stand: unrolled they are twice the code, which takes a quarter more time to compile and is no faster.

What numba does besides is for code of another kind, and left out too: what `collagensim.kernels.lowering` tells, an
optimisation of its reference counts, a second search for what an operator means, a variant for each constant that
stands in a call, and a first optimisation of each function for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba import njit
from numba.core import config, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering

from collagensim.kernels.lowering import INSTEAD, NEEDLESS, LeanLower
from collagensim.kernels.machine_code import uncollected

__all__ = ["Compact", "Whole", "inner", "open_inner"]

_CLOSED = {"nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class _Entry:
    """Stands for a function's machine code where numba wants something to know it by."""


def _library(state: Any, *, optimised: bool, unrolled: bool, entered: bool) -> Any:
    """A library that is optimised at most once, and becomes machine code only where Python enters."""
    library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
    library.enable_object_caching()
    codegen = library.codegen

    def lay_out(module: Any) -> None:
        module.data_layout = codegen._data_layout

    def optimise() -> None:
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_unrolling = options.loop_interleaving = unrolled
        builder = llvm.create_pass_builder(codegen._tm, options)
        builder.getModulePassManager().run(library._final_module, builder)

    def finish() -> None:
        library._finalized = True

    library._optimize_functions = lay_out
    library._optimize_final_module = optimise if optimised else lambda: None
    if not entered:
        library._finalize_final_module = finish
    return library


class _Lower(NativeLowering):
    """As numba's own, into a library of ours."""

    _name: Any = "lower"
    optimised, unrolled = True, True

    @property
    def lowering_class(self) -> Any:
        """What writes it."""
        return LeanLower

    def run_pass(self, state: Any) -> bool:
        """As numba's own."""
        state.library = _library(state, optimised=self.optimised, unrolled=self.unrolled, entered=True)
        return bool(super().run_pass(state))


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerWhole(_Lower):
    """For functions that Python calls."""

    _name = "lower_whole"


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerCompact(_Lower):
    """The same with loops as they stand."""

    _name, unrolled = "lower_compact", False


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerOnly(_Lower):
    """Write a function in LLVM's language, to be linked into its callers."""

    _name = "lower_only"

    def run_pass(self, state: Any) -> bool:
        """As numba's own, which leaves out the machine code where the flag says so."""
        state.library = _library(state, optimised=self.optimised, unrolled=self.unrolled, entered=False)
        state.flags.no_compile = True
        NativeLowering.run_pass(self, state)
        known_by = _Entry()
        state.targetctx.insert_user_function(known_by, state["cr"].fndesc, [state.library])
        state["cr"] = state["cr"]._replace(cfunc=known_by)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerOnlyCompact(_LowerOnly):
    """The same with loops as they stand."""

    _name, unrolled = "lower_only_compact", False


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerRaw(_LowerOnly):
    """The same, not yet optimised: that is done once, with the caller."""

    _name, optimised = "lower_raw", False


class _Remembering:
    """Numba's knowledge of types, which remembers what operators and built-in functions were found to mean.

    Numba tries some forty meanings of ``a[i]`` or ``a + b`` each time it meets one.
    """

    _found: dict[Any, Any] = {}  # noqa: RUF012 - shared by all

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        """Everything else as numba does."""
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, given: Any, keywords: Any) -> Any:
        """The signature of a function for arguments of those types."""
        if not isinstance(function, types.Function) or keywords:
            return self._context.resolve_function_type(function, given, keywords)
        key = function, given
        found = self._found.get(key)
        if found is None:
            found = self._context.resolve_function_type(function, given, keywords)
            if found is not None:
                self._found[key] = found
        return found


class _Compiler(CompilerBase):
    """Numba's own passes but for the last and for those that find nothing to do."""

    lower: Any = _LowerOnly

    def __init__(self, context: Any, *others: Any) -> None:
        """Numba's own, whose knowledge of types remembers."""
        with uncollected():  # the first of a process has numba read all that it knows
            super().__init__(context, *others)
        self.state.typingctx = _Remembering(context)

    def compile_extra(self, func: Any) -> Any:
        """As numba's own."""
        with uncollected():
            return super().compile_extra(func)

    def define_pipelines(self) -> list[Any]:
        """Numba's own, with another last step."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [
            (self.lower if step is NativeLowering else INSTEAD.get(step, step), what)
            for step, what in passes.passes
            if step not in NEEDLESS
        ]
        passes.finalize()
        return [passes]


class _RawCompiler(_Compiler):
    """The same for functions that are optimised with their callers."""

    lower = _LowerRaw


class _CompactCompiler(_Compiler):
    """The same with loops as they stand."""

    lower = _LowerOnlyCompact


class Whole(_Compiler):
    """For functions that Python calls: a ``pipeline_class`` for ``numba.njit``."""

    lower = _LowerWhole


class Compact(_Compiler):
    """The same with loops as they stand."""

    lower = _LowerCompact


class _Inner(CPUDispatcher):
    """A function that Python cannot call."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """As numba's own, one variant for all constants: where it becomes part of a caller it knows them."""
        return super().get_call_template([types.unliteral(kind) for kind in args], kws)

    def add_overload(self, cres: Any) -> None:
        """Remember a variant for callers."""
        self.overloads[tuple(cres.signature.args)] = cres

    def __call__(self, *_args: Any, **_keywords: Any) -> Any:
        raise TypeError(
            f"{self.py_func.__name__} is called by compiled code only: compile a function that calls it"
        )


class _OpenInner(_Inner):
    """The same, but for Python there is an entrance, which is built when Python first calls."""

    _entrance: Any = None

    def __call__(self, *given: Any, **keywords: Any) -> Any:
        if self._entrance is None:
            options = {name: value for name, value in self.targetoptions.items() if name not in _CLOSED}
            self._entrance = njit(**options)(self.py_func)
        return self._entrance(*given, **keywords)


def inner(*, optimised: bool, unrolled: bool = True, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator like ``numba.njit(**options)`` for functions that only compiled code calls.

    What is ``optimised`` on its own runs fastest, and costs time again in each function around it; then its loops may
    be ``unrolled``.
    """
    compiler = _RawCompiler if not optimised else _Compiler if unrolled else _CompactCompiler
    return _decorator(_Inner, compiler, options)


def open_inner(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator like ``inner(optimised=False, **options)`` for functions that Python may call too."""
    return _decorator(_OpenInner, _RawCompiler, options)


def _decorator(kind: Any, compiler: Any, options: dict[str, Any]) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        if config.DISABLE_JIT:  # type: ignore[attr-defined]  # set while numba is imported
            return function
        return kind(function, targetoptions={**_CLOSED, **options}, pipeline_class=compiler)

    return decorate
