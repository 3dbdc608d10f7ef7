"""collagensim: how skin heals after microneedling, and what depth, density and spacing do to its collagen.

A research and teaching model; not medical advice. Everything public is loaded on first use, so that
``import collagensim`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collagensim import model, plot, write
    from collagensim.analysis.compare import compare
    from collagensim.biology import dermal_healing
    from collagensim.errors import (
        CollagensimError,
        ContraindicationWarning,
        FileError,
        InputError,
        ModelError,
        SolveError,
    )  # fmt: skip
    from collagensim.face import (
        cite,
        scan,
        sensitivities,
        simulate,
        simulate_many,
        simulate_tissue,
        simulate_tissues,
    )  # fmt: skip
    from collagensim.response import Ensemble, Replicates, Response, Tissue, load
    from collagensim.skin import Skin
    from collagensim.solver.solve import solve
    from collagensim.solver.status import Status
    from collagensim.treatment import Aftercare, Protocol, Session

__version__ = "0.1.0"

_HOME = {
    "Skin": "skin",
    "Session": "treatment",
    "Protocol": "treatment",
    "Aftercare": "treatment",
    "simulate": "face",
    "simulate_many": "face",
    "simulate_tissue": "face",
    "simulate_tissues": "face",
    "cite": "face",
    "scan": "face",
    "sensitivities": "face",
    "compare": "analysis.compare",
    "solve": "solver.solve",
    "Status": "solver.status",
    "Response": "response",
    "Ensemble": "response",
    "Replicates": "response",
    "Tissue": "response",
    "load": "response",
    "dermal_healing": "biology",
    "CollagensimError": "errors",
    "ContraindicationWarning": "errors",
    "FileError": "errors",
    "InputError": "errors",
    "ModelError": "errors",
    "SolveError": "errors",
}
_ROOMS = ("model", "plot", "write")

__all__ = [
    "Aftercare", "CollagensimError", "ContraindicationWarning", "Ensemble", "FileError", "InputError", "ModelError",
    "Protocol", "Replicates", "Response", "Session", "Skin", "SolveError", "Status", "Tissue", "cite", "compare",
    "dermal_healing", "load", "model", "plot", "scan", "sensitivities", "simulate", "simulate_many", "simulate_tissue",
    "simulate_tissues", "solve", "write",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        found = getattr(importlib.import_module(f"collagensim.{_HOME[name]}"), name)
        globals()[name] = found
        return found
    if name in _ROOMS:
        return importlib.import_module(f"collagensim.{name}")
    raise AttributeError(f"module 'collagensim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
