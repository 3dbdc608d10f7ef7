"""Functions that only compiled code calls: no machine code of their own, and no entrance from Python.

Numba makes machine code of every function that it compiles, although one that others call is compiled once more as part
of each of them. Left out, this halves the time that a nest of small functions takes. Loops of few passes may be left as
they stand: unrolled they are twice the code, which takes a quarter more time to compile and is no faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba.core import config
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering

__all__ = ["Compact", "inner"]


class _Entry:
    """Stands for a function's machine code where numba wants something to know it by."""


def _compact_library(state: Any) -> Any:
    """A library whose loops are not unrolled. No kernel counts references, which numba would optimise in between."""
    library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
    library.enable_object_caching()
    codegen = library.codegen

    def lay_out(module: Any) -> None:
        module.data_layout = codegen._data_layout

    def optimise() -> None:
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_unrolling = options.loop_interleaving = False
        builder = llvm.create_pass_builder(codegen._tm, options)
        builder.getModulePassManager().run(library._final_module, builder)

    library._optimize_functions, library._optimize_final_module = lay_out, optimise
    return library


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerCompact(NativeLowering):
    """As numba's own, with loops as they stand."""

    _name = "lower_compact"

    def run_pass(self, state: Any) -> bool:
        """As numba's own."""
        state.library = _compact_library(state)
        return bool(super().run_pass(state))


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerOnly(NativeLowering):
    """Write a function in LLVM's language, to be linked into its callers."""

    _name = "lower_only"

    def run_pass(self, state: Any) -> bool:
        """As numba's own, which leaves out the machine code where the flag says so."""
        state.flags.no_compile = True
        super().run_pass(state)
        known_by = _Entry()
        state.targetctx.insert_user_function(known_by, state["cr"].fndesc, [state.library])
        state["cr"] = state["cr"]._replace(cfunc=known_by)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerOnlyCompact(_LowerOnly):
    """The same with loops as they stand."""

    _name = "lower_only_compact"

    def run_pass(self, state: Any) -> bool:
        """As above."""
        state.library = _compact_library(state)
        return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerRaw(_LowerOnly):
    """The same, not yet optimised: that is done once, with the caller."""

    _name = "lower_raw"

    def run_pass(self, state: Any) -> bool:
        """As above."""
        state.library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
        state.library._optimize_final_module = lambda: None
        return super().run_pass(state)


class _Compiler(CompilerBase):
    """Numba's own passes but for the last."""

    lower: Any = _LowerOnly

    def define_pipelines(self) -> list[Any]:
        """Numba's own, with another last step."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [
            (self.lower if step is NativeLowering else step, what) for step, what in passes.passes
        ]
        passes.finalize()
        return [passes]


class _RawCompiler(_Compiler):
    """The same for functions that are optimised with their callers."""

    lower = _LowerRaw


class _CompactCompiler(_Compiler):
    """The same with loops as they stand."""

    lower = _LowerOnlyCompact


class Compact(_Compiler):
    """For functions that Python calls, loops as they stand: a ``pipeline_class`` for ``numba.njit``."""

    lower = _LowerCompact


class _Inner(CPUDispatcher):
    """A function that Python cannot call."""

    def add_overload(self, cres: Any) -> None:
        """Remember a variant for callers."""
        self.overloads[tuple(cres.signature.args)] = cres

    def __call__(self, *_args: Any, **_keywords: Any) -> None:
        raise TypeError(
            f"{self.py_func.__name__} is called by compiled code only: compile a function that calls it"
        )


def inner(*, optimised: bool, unrolled: bool = True, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator like ``numba.njit(**options)`` for functions that only compiled code calls.

    What is ``optimised`` on its own runs fastest, and costs time again in each function around it; then its loops may
    be ``unrolled``.
    """
    compiler = _RawCompiler if not optimised else _Compiler if unrolled else _CompactCompiler

    def decorate(function: Callable[..., Any]) -> Any:
        if config.DISABLE_JIT:  # type: ignore[attr-defined]  # set while numba is imported
            return function
        chosen = {"nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, **options}
        return _Inner(function, targetoptions=chosen, pipeline_class=compiler)

    return decorate
