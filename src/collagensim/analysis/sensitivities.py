"""How much every variable of a course moves with every parameter, exactly and not by differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from collagensim.errors import InputError, ModelError, increasing, names_in, one_of, whole
from collagensim.model import Model
from collagensim.skin import LAYERS, Skin
from collagensim.solver.simulate import check, simulate_derivatives
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

    span = check(model, skin, protocol, days=days, ageing=ageing, rtol=rtol)
    names = list(model.values) if parameters is None else _parameters(model, parameters)
    radius = model.zone_radius.name if model.zone_radius is not None else None
    if parameters is None:
        names = [name for name in names if name != radius]
    elif radius in names:
        raise InputError(
            f"{radius!r} shapes the zones themselves: vary it by a few percent with simulate_many instead"
        )
    if not names:
        raise InputError("no parameter is given: name at least one, or leave them out for all")
    usual = [*(day for day in DEFAULT_DAYS if day < span), span]
    grid = usual if output_days is None else increasing("output_days", output_days, 0.0, span, "days")
    wanted = _variables(model) if variables is None else _chosen(model, variables)
    time, found, units = simulate_derivatives(
        model,
        skin,
        protocol,
        names,
        days=span,
        ageing=ageing,
        grid=grid,
        variables=wanted,
        rtol=rtol,
        threads=whole("threads", threads, 1, 1024),
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


def _parameters(model: Model, given: object) -> list[str]:
    """Return the parameters named, each of which the model has."""
    names = names_in("parameters", given)
    try:
        return [model.parameter(name).name for name in names]
    except ModelError as error:
        raise InputError(str(error)) from None


def _chosen(model: Model, given: object) -> list[str]:
    """Return the variables named, each of which the model has."""
    known = [item.name for item in (*model.species, *model.derived)]
    return [one_of("variable", name, known) for name in names_in("variables", given)]


def _variables(model: Model) -> list[str]:
    known = {*model.species_names, *(derived.name for derived in model.derived)}
    chosen = [name for name in DEFAULT_VARIABLES if name in known]
    return chosen or list(model.species_names)
