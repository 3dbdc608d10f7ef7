"""Machine code of models and of the stepper: compiled once on a machine, kept in the user's cache folder."""

from __future__ import annotations

import functools
import hashlib
import re
import sys
import threading
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.kernels import FUNCTIONS, kernel_text
from collagensim.kernels.machine_code import Loaded, assemble, load, processor, uncollected
from collagensim.kernels.straight import MANY, straight
from collagensim.model import Model
from collagensim.solver.averages import AverageCode, average_text
from collagensim.solver.cache import cache_folder, keep_code, kept_code, load_module
from collagensim.solver.factorization import Plan, plan
from collagensim.solver.grid import GridPlan, grid_plan
from collagensim.solver.layout import Layout
from collagensim.solver.outline import outline
from collagensim.solver.striking import NAME, StrikeCode, strike_text
from collagensim.solver.texts import texts_of, writers_hash
from collagensim.write.kernel import KernelSource, write_kernel

__all__ = ["Compiled", "cache_folder", "compiled", "digest", "kernels_of", "machine_code", "stepper"]

Integers = npt.NDArray[np.int64]
_known: dict[str, Compiled] = {}
_loaded: dict[str, Loaded] = {}  # machine code stays where it is until the process ends
_loading = threading.Lock()


@dataclass(frozen=True, eq=False)
class Compiled:
    """A model structure ready to run: its texts, its machine code and the pattern of its Jacobian."""

    model: Model
    text: str
    formulas_text: str
    formulas_name: str
    local_row: Integers
    local_column: Integers
    n_parameter_slots: int
    n_input_slots: int
    joined: tuple[int, ...]
    n_factors: int
    _plans: dict[bytes, Plan | GridPlan | None]
    _functions: dict[str, Integers]
    _averages: dict[tuple[int, int], AverageCode] = field(default_factory=dict)
    _terms: dict[bytes, tuple[Integers, Integers]] = field(default_factory=dict)

    def functions(self, kind: str) -> Integers:
        """Addresses of the model's machine code for "lanes", "plain" or "complex" numbers; compiled on first use."""
        if kind not in self._functions:
            addresses = machine_code(self.model.name, self.text, kind)
            self._functions[kind] = np.array([addresses.get(name, 0) for name in FUNCTIONS], dtype=np.int64)
        return self._functions[kind]

    @functools.cached_property
    def formulas(self) -> ModuleType:
        """The module of the formulas outside the hot loop, see `collagensim.write.formulas.write_formulas`."""
        return load_module(self.formulas_name, self.formulas_text)

    @functools.cached_property
    def strike(self) -> StrikeCode:
        """What a session does to layers as machine code."""
        written = strike_text(self.formulas, outline(self.model))
        return StrikeCode(written, machine_code(self.model.name, written.text, "lanes", quietly=True)[NAME])

    def averages(self, step: int, beside: int) -> AverageCode:
        """The tissue's averages of all species and derived quantities as machine code, see `average_text`."""
        key = (step, beside)
        if key not in self._averages:
            written = average_text(self.formulas, outline(self.model), step, beside)
            code = machine_code(self.model.name, written.text, "plain", many=True, quietly=True)
            n_found = self.m + len(self.model.derived)
            self._averages[key] = AverageCode(written, code, n_found)
        return self._averages[key]

    @functools.cached_property
    def source(self) -> KernelSource:
        """The formulas behind the text: rates, Jacobian and slots; written on first use."""
        return write_kernel(self.model)

    @property
    def m(self) -> int:
        """States of one block."""
        return len(self.model.species)

    def plan(self, link_to: Integers, link_from: Integers, layout: Layout) -> Plan | GridPlan | None:
        """Elimination plan for the blocks of a layout with those links."""
        key = _key(link_to, link_from, layout)
        if key not in self._plans:
            self._plans[key] = self._find_plan(link_to, link_from, layout)
        return self._plans[key]

    def _find_plan(self, link_to: Integers, link_from: Integers, layout: Layout) -> Plan | GridPlan | None:
        if self.n_factors and not self.joined and layout.n_blocks == 1:
            return None  # the elimination of one block is all there is
        if self.n_factors and self.joined:
            return grid_plan(
                link_to,
                link_from,
                layout,
                n_terms=self.local_row.size,
                n_factors=self.n_factors,
                joined=self.joined,
            )
        return plan(self.local_row, self.local_column, link_to, link_from, m=self.m, n_blocks=layout.n_blocks)

    def terms(self, link_to: Integers, link_from: Integers, layout: Layout) -> tuple[Integers, Integers]:
        """Row and column of each term of the Jacobian, those of the links last."""
        key = _key(link_to, link_from, layout)
        if key not in self._terms:
            self._terms[key] = self._find_terms(link_to, link_from, layout)
        return self._terms[key]

    def _find_terms(
        self, link_to: Integers, link_from: Integers, layout: Layout
    ) -> tuple[Integers, Integers]:
        row, column = (layout.states_of_blocks(local) for local in (self.local_row, self.local_column))
        to, source = layout.index(link_to), layout.index(link_from)
        link_row, link_column = np.repeat(to, 2), np.stack([source, to], axis=1).ravel()
        return np.concatenate([row, link_row]), np.concatenate([column, link_column])


def _key(link_to: Integers, link_from: Integers, layout: Layout) -> bytes:
    return link_to.tobytes() + link_from.tobytes() + repr(layout).encode()


def compiled(model: Model) -> Compiled:
    """Return the compiled form of a model's structure; parameter values do not enter it."""
    key = model.structure_hash
    if key not in _known:
        texts = texts_of(model)
        pattern = np.array(texts.pattern, dtype=np.int64).reshape(-1, 2)
        _known[key] = Compiled(
            model,
            texts.kernel,
            texts.formulas,
            f"collagensim_{model.name}_formulas_{digest(texts.formulas)}",
            pattern[:, 0].copy(),
            pattern[:, 1].copy(),
            texts.n_parameter_slots,
            texts.n_input_slots,
            texts.joined,
            texts.n_factors,
            {},
            {},
        )
    return _known[key]


def machine_code(
    name: str, text: str, kind: str, *, many: bool = False, quietly: bool = False
) -> dict[str, int]:
    """Return the addresses of the functions that a text defines, for one kind of numbers, by name.

    Parameters
    ----------
    name : of the model, for the file's name.
    text : straight-line functions, see `collagensim.kernels.straight`.
    kind : {"lanes", "plain", "complex"}
    many : whether each function gets a loop beside it.
    quietly : whether to say nothing: of what takes no time worth a word.
    """
    key = f"collagensim_{name}_{kind}{MANY if many else ''}_{digest(f'{processor()} {text}')}"
    with _loading:
        if key not in _loaded:
            path = cache_folder() / f"{key}.o"
            code = kept_code(path)
            if code is None:
                if not quietly:
                    _tell(name)
                with uncollected():
                    code = assemble(straight(text, kind, many=many))
                keep_code(path, code)
            names = re.findall(r"^def (\w+)\(", text, re.MULTILINE)
            _loaded[key] = load(code, [*names, *(f"{name}{MANY}" for name in names if many)])
    return _loaded[key].addresses


@functools.cache
def kernels_of(name: str) -> ModuleType:
    """Return a file of kernels whose entries are compiled on first use and kept."""
    text = kernel_text(name)
    full = f"collagensim_{name}_{digest(text)}"
    if not any((cache_folder() / "__pycache__").glob(f"{full}.*.nbi")):
        _tell("the solver" if name == "stepper" else f"the tissue's {name}")
    module = load_module(full, text)
    for function in vars(module).values():
        _load_at_once(function)
    return module


def stepper() -> ModuleType:
    """Return the stepper, compiled once for all models."""
    return kernels_of("stepper")


def _load_at_once(function: Any) -> None:
    """Let numba load what it kept of a function without getting ready to compile others: that takes half a second."""
    cache: Any = getattr(function, "_cache", None)
    if not hasattr(cache, "_load_overload"):
        return  # nothing is kept of it, or this numba keeps it in another way

    def load_overload(signature: Any, context: Any) -> Any:
        with cache._guard_against_spurious_io_errors():
            return cache._load_overload(signature, context)

    cache.load_overload = load_overload


def _tell(what: str) -> None:
    sys.stderr.write(f"collagensim: compiling {what} once (some seconds); later runs start at once\n")


def digest(text: str) -> str:
    """Name a text together with all that compiles it."""
    import numba

    return hashlib.sha256(f"{numba.__version__} {sys.version} {writers_hash()}\n{text}".encode()).hexdigest()[
        :20
    ]
