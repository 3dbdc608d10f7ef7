"""From LLVM's language to machine code that can be kept in a file, and from there to addresses that can be called.

LLVM is spoken to directly: numba would first get ready to compile any Python, which takes longer than a whole course.
"""

from __future__ import annotations

import contextlib
import functools
import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm

__all__ = ["Loaded", "assemble", "load", "processor", "uncollected"]

# Of 0 to 3. Straight-line text has no loops to work on: level 3 gives code as fast in twice the time, level 0 code that
# is a third slower.
LEVEL = 1


@dataclass(frozen=True, eq=False)
class Loaded:
    """Machine code in memory; it stays there as long as this object does.

    Attributes
    ----------
    addresses : name -> address of each function.
    engine : what owns the memory.
    """

    addresses: dict[str, int]
    engine: Any


@functools.cache
def processor() -> str:
    """Return what machine code depends on besides its text: kind of system, processor, its abilities, LLVM."""
    version = ".".join(map(str, llvm.llvm_version_info))
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {_features()} {version}"


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Search for no garbage meanwhile: what a compiler makes it keeps, and to look through it takes a seventh."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def assemble(text: str) -> bytes:
    """Return the object file of a module in LLVM's language, for this very processor."""
    target = _target_machine()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target.triple, str(target.target_data)
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=LEVEL))
    builder.getModulePassManager().run(module, builder)
    code: bytes = target.emit_object(module)
    return code


def load(code: bytes, names: Iterable[str]) -> Loaded:
    """Load an object file; every name must be one of its functions."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Loaded({name: engine.get_function_address(name) for name in names}, engine)


def _target_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=_features(),
        opt=LEVEL,
        # Code that is loaded anywhere must reach the mathematical library wherever that is.
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )


def _features() -> str:
    try:
        features: str = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM cannot ask every kind of processor
        return ""
    return features
