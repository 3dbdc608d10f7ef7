"""Generated modules: written once per model structure, compiled by numba, kept in the user's cache folder."""

from __future__ import annotations

import functools
import hashlib
import sys
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import numpy.typing as npt

from collagensim.kernels import FUNCTIONS, module_text, stepper_text
from collagensim.model import Model
from collagensim.solver.cache import cache_folder, load_module
from collagensim.solver.factorization import Plan, plan
from collagensim.solver.grid import GridPlan, grid_plan
from collagensim.solver.layout import Layout
from collagensim.solver.texts import texts_of, writers_hash
from collagensim.write.kernel import KernelSource, write_kernel

__all__ = ["Compiled", "cache_folder", "compiled", "digest", "stepper"]

Integers = npt.NDArray[np.int64]
_known: dict[str, Compiled] = {}


@dataclass(frozen=True, eq=False)
class Compiled:
    """A model structure ready to run: its texts, its modules and the pattern of its Jacobian."""

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
    _modules: list[ModuleType]

    def functions(self, kind: str) -> Integers:
        """Addresses of the model's machine code for "lanes", "plain" or "complex" numbers; compiled on first use."""
        if kind not in self._functions:
            text = module_text(self.text, kind)
            module = _compiled_module(
                f"collagensim_{self.model.name}_{kind}_{digest(text)}", text, self.model.name
            )
            found = [getattr(module, f"{name}_code", None) for name in FUNCTIONS]
            self._functions[kind] = np.array(
                [0 if code is None else code.address for code in found], dtype=np.int64
            )
            self._modules.append(module)  # the addresses live as long as the code
        return self._functions[kind]

    @functools.cached_property
    def formulas(self) -> ModuleType:
        """The module of the formulas outside the hot loop, see `collagensim.write.formulas.write_formulas`."""
        return load_module(self.formulas_name, self.formulas_text)

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
        key = link_to.tobytes() + link_from.tobytes() + repr(layout).encode()
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
        row, column = (layout.states_of_blocks(local) for local in (self.local_row, self.local_column))
        to, source = layout.index(link_to), layout.index(link_from)
        link_row, link_column = np.repeat(to, 2), np.stack([source, to], axis=1).ravel()
        return np.concatenate([row, link_row]), np.concatenate([column, link_column])


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
            [],
        )
    return _known[key]


def stepper() -> ModuleType:
    """Return the stepper, compiled once for all models."""
    text = stepper_text()
    return _compiled_module(f"collagensim_stepper_{digest(text)}", text, "the solver")


def _compiled_module(name: str, text: str, what: str) -> ModuleType:
    if name not in sys.modules and not any((cache_folder() / "__pycache__").glob(f"{name}.*.nbi")):
        sys.stderr.write(f"collagensim: compiling {what} once (some seconds); later runs start at once\n")
    return load_module(name, text)


def digest(text: str) -> str:
    """Name a text together with all that compiles it."""
    import numba

    return hashlib.sha256(f"{numba.__version__} {sys.version} {writers_hash()}\n{text}".encode()).hexdigest()[
        :20
    ]
