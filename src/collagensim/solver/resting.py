"""Skins at rest: a model bound to layers with two compartments each, its basal rates solved, nothing needled yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import CollagensimError, InputError
from collagensim.model import Model
from collagensim.model.units import unit
from collagensim.skin import LAYERS
from collagensim.solver import exchange
from collagensim.solver.outline import Spread, outline
from collagensim.solver.system import Bound, Space

Array: TypeAlias = npt.NDArray[Any]  # of floats; complex where a parameter carries a derivative
Integers: TypeAlias = npt.NDArray[np.int64]

SPACE = Space(len(LAYERS), 2, tuple(LAYERS))
ZONE, BETWEEN = 0, 1
MEMORY = exchange.Memory()
KEPT = 32  # skins at rest, the last ones asked for

# What skin and treatment give, in the units in which they give it: a model that reads another unit is refused.
INPUT_UNITS = {
    "skin.layer_thickness": "mm",
    "skin.fibroblast_density": "cell/mm^3",
    "skin.resident_macrophage_density": "cell/mm^3",
    "skin.collagen_total": "mg/mL",
    "skin.elastin": "mg/mL",
    "skin.capillary_density": "1/mm^2",
    "skin.oxygen": "mmHg",
    "skin.epidermal_thickness": "um",
    "skin.age": "year",
    "injury.opening_radius": "um",
}


class NobodyLeft(Exception):  # noqa: N818 - what is wrong is told in ``failures``
    """No member can be bound; ``failures``: number -> error."""

    def __init__(self, failures: Mapping[int, CollagensimError]) -> None:
        super().__init__(failures)
        self.failures = dict(failures)


@dataclass(frozen=True, eq=False)
class Resting:
    """Members at rest.

    Attributes
    ----------
    bound : those that could be bound; others are in its ``failures``.
    thickness : (n, layer) [mm]; radius_um : (n,) of the zone around one channel.
    link_to, link_from : (n_links,) states that exchange, see `exchange.link_states`.
    diffusion, decay : (n, n_species) of what spreads [mm^2/day], [1/day].
    """

    bound: Bound
    thickness: Array
    radius_um: Array
    link_to: Integers
    link_from: Integers
    diffusion: Array
    decay: Array


def at_rest(
    model: Model,
    skin: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    drive: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    failures: Mapping[int, CollagensimError] | None = None,
) -> Resting:
    """Bind a model to skins and solve its basal rates.

    Parameters
    ----------
    model : Model
    skin : mapping or sequence of mappings
        Inputs that set the resting state, once for all members or one mapping for each.
    drive : mapping, optional
        Inputs set after the resting state is solved, which move it (ageing).
    parameters : mapping, optional
        Parameter name -> (N,) values, as for `Bound`.
    failures : mapping, optional
        Member -> error, of those that are known to be wrong.
    """
    _check_fit(model)
    spread, known = _spread(model), model.inputs
    skins = [skin] if isinstance(skin, Mapping) else list(skin)
    bound = Bound(
        model, SPACE, [{name: v for name, v in one.items() if name in known} for one in skins], parameters
    )
    for member, error in (failures or {}).items():
        bound.fail(member, error)
    given = np.array([one["skin.layer_thickness"] for one in skins], dtype=np.float64)
    rest = _laid_out(bound, given if len(skins) > 1 else np.repeat(given, bound.n, axis=0), spread)
    if rest.bound.n == 0:
        raise NobodyLeft(rest.bound.failures)
    rate = MEMORY.rates(
        np.zeros(rest.thickness.shape), rest.thickness, rest.diffusion, rest.decay,
        layouts=np.full(rest.thickness.shape, "random", dtype="<U8"), radius_um=rest.radius_um,
    )  # fmt: skip
    rest.bound.solve_basal(_drift(rest.bound.baseline, rest.link_to, rest.link_from, rate))
    if rest.bound.sound().size < rest.bound.n:
        rest = _laid_out(rest.bound, rest.thickness, spread)
        if rest.bound.n == 0:
            raise NobodyLeft(rest.bound.failures)
    rest.bound.set_inputs({name: value for name, value in (drive or {}).items() if name in known})
    rest.bound.renew()
    return rest


_kept: dict[tuple[Any, ...], tuple[Model, Resting]] = {}


def one_at_rest(model: Model, skin: Mapping[str, Any], drive: Mapping[str, Any] | None = None) -> Resting:
    """Return `at_rest` of one skin; those of the last courses are kept, since a scan asks for one again and again."""
    given = [(name, value) for inputs in (skin, drive or {}) for name, value in inputs.items()]
    numbers = [np.asarray(value) for _, value in given]
    if any(values.dtype.kind not in "fiub" for values in numbers):
        return at_rest(model, skin, drive)  # which says what is wrong
    told = tuple(
        (name, v.dtype.str, v.shape, v.tobytes()) for (name, _), v in zip(given, numbers, strict=True)
    )
    key = (id(model), len(skin), told)
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= KEPT:
            _kept.clear()
        # The model is kept too, so that its identity stays its own.
        found = _kept[key] = (model, at_rest(model, skin, drive))
    return found[1]


def forget() -> None:
    """Drop what `one_at_rest` keeps, so that the next course of a skin is timed like its first."""
    _kept.clear()


def _laid_out(bound: Bound, thickness: Array, spread: Spread) -> Resting:
    """The members that have not failed and whose layers have a thickness (n, layer)."""
    for member in np.flatnonzero(~np.all(thickness > 0.0, axis=1)):
        message = f"layer thicknesses {thickness[member].tolist()} mm must be positive"
        bound.fail(int(member), InputError(message))
    sound = bound.sound()
    if sound.size < bound.n:
        bound, thickness = bound.only(sound), thickness[sound]
    to, source = exchange.link_states(spread.species, m=len(bound.model.species), n_layers=SPACE.n_layers)
    # An injury has no derivative to give, so that of the radius is dropped.
    radius = _columns(bound, [spread.radius], np.array([spread.radius_factor]))[:, 0].real.copy()
    return Resting(
        bound, thickness, radius, to, source,
        _columns(bound, spread.diffusion, spread.diffusion_factor),
        _columns(bound, spread.decay, spread.decay_factor),
    )  # fmt: skip


def _check_fit(model: Model) -> None:
    """Refuse a model whose clock or inputs are not those of skin and treatment."""
    if not unit(model.time_unit).same_as(unit("day")):
        raise InputError(f"{model.name!r} counts time in {model.time_unit}s: simulate needs days, use solve")
    for name, declared in model.inputs.items():
        given = INPUT_UNITS.get(name, "1")
        if name.split(".")[0] in ("skin", "injury", "care") and not unit(declared.unit).same_as(unit(given)):
            raise InputError(f"{model.name!r} reads {name} in {declared.unit}, but it is given in {given}")


def _spread(model: Model) -> Spread:
    found = outline(model).spread
    if found is None:
        raise InputError(f"{model.name!r} has no zone_radius: it cannot be needled, use solve")
    return found


def _columns(bound: Bound, names: Sequence[str], factors: Array) -> Array:
    """Parameters as (n, how many), each times a factor."""
    found = np.empty((bound.n, 1, len(names)), bound.dtype)
    for k, name in enumerate(names):
        found[..., k] = bound.parameters[name]
    return np.asarray(found[:, 0] * factors)


def _drift(baseline: Array, to: Integers, source: Integers, rate: Array) -> Array:
    """Rate of change (n, n_blocks, m) that the links cause at rest."""
    flat = baseline.reshape(baseline.shape[0], -1)
    flow = rate * (flat[:, source] - flat[:, to])
    drift = np.zeros(flat.size, flow.dtype)
    np.add.at(drift, (np.arange(flat.shape[0])[:, None] * flat.shape[1] + to).ravel(), flow.ravel())
    return drift.reshape(baseline.shape)
