"""How much every variable of a course moves with every parameter, exactly and not by differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from collagensim.errors import InputError
from collagensim.model import Model
from collagensim.skin import LAYERS, Skin
from collagensim.solver.simulate import simulate_derivatives
from collagensim.treatment import Protocol

if TYPE_CHECKING:
    import xarray

DEFAULT_DAYS = (1.0, 3.0, 7.0, 14.0, 28.0, 56.0, 90.0, 180.0, 365.0)
DEFAULT_VARIABLES = (
    "collagen_total", "collagen_i", "collagen_iii", "elastin", "fibroblasts", "myofibroblasts", "capillary_density",
    "erythema", "epidermal_thickness",
)  # fmt: skip


def sensitivities(
    model: Model,
    skin: Skin,
    protocol: Protocol,
    parameters: Sequence[str] | None = None,
    *,
    days: float = 365.0,
    ageing: bool = True,
    variables: Sequence[str] | None = None,
    output_days: Sequence[float] | None = None,
    rtol: float = 1e-6,
    threads: int = 1,
) -> xarray.Dataset:
    """Return d variable / d ln parameter; see `collagensim.sensitivities`."""
    import xarray as xr

    names = list(model.values) if parameters is None else list(parameters)
    radius = model.zone_radius.name if model.zone_radius is not None else None
    if parameters is None:
        names = [name for name in names if name != radius]
    elif radius in names:
        raise InputError(
            f"{radius!r} shapes the zones themselves: vary it by a few percent with simulate_many instead"
        )
    if not names:
        raise InputError("no parameter is given: name at least one, or leave them out for all")
    grid = [day for day in DEFAULT_DAYS if day <= days] if output_days is None else list(output_days)
    wanted = _variables(model) if variables is None else list(variables)
    time, found, units = simulate_derivatives(
        model,
        skin,
        protocol,
        names,
        days=days,
        ageing=ageing,
        grid=grid,
        variables=wanted,
        rtol=rtol,
        threads=threads,
    )
    data = {
        name: xr.DataArray(
            values, dims=("parameter", "time", "layer")[: values.ndim],
            attrs={"units": units[name], "long_name": f"d {name} / d ln parameter"},
        )
        for name, values in found.items()
    }  # fmt: skip
    coordinates = {"parameter": names, "time": ("time", time, {"units": "day"}), "layer": list(LAYERS)}
    return xr.Dataset(data, coords=coordinates, attrs={"model": model.name, "model_hash": model.hash})


def _variables(model: Model) -> list[str]:
    known = {*model.species_names, *(derived.name for derived in model.derived)}
    chosen = [name for name in DEFAULT_VARIABLES if name in known]
    return chosen or list(model.species_names)
