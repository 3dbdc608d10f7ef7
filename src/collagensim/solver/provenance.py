"""What a run rests on, as plain values that fit in a file."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from collagensim.model import Model, Parameter
from collagensim.solver.status import Status


def provenance_of(
    model: Model,
    options: Mapping[str, Any],
    *,
    skin: Mapping[str, Any] | None = None,
    protocol: Mapping[str, Any] | None = None,
    sources: Sequence[Mapping[str, Any]] = (),
    assumptions: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the record of a run: model and hash, parameter values, skin, protocol, options, versions."""
    assert isinstance(model.parameters, Mapping)
    return {
        "model": model.name,
        "model_hash": model.hash,
        "parameters": model.values,
        "changed_parameters": dict(model.changed),
        "skin": skin,
        "protocol": protocol,
        "options": dict(options),
        "seed": None,
        "versions": dict(versions()),
        "status": Status.COMPLETED.value,
        "sources": [*parameter_sources(model.parameters), *sources],
        "assumptions": list(assumptions),
    }


@functools.cache
def versions() -> Mapping[str, str]:
    """Return versions of this package, of what it computes with and of the platform."""
    names = ("collagensim", "numpy", "scipy", "numba", "xarray")
    found = {name: _version(name) for name in names}
    return {**found, "python": platform.python_version(), "platform": platform.platform()}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def parameter_sources(parameters: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """Return one entry for each parameter: name, value, unit, status, source."""
    return [
        {"quantity": p.name, "value": p.value, "unit": p.unit, "status": p.status, "key": p.source.key,
         "where": p.source.where}
        for p in parameters.values()
    ]  # fmt: skip
