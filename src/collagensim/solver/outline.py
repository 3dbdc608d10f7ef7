"""Where things stand in a model's states, looked up once: names, positions, signs, surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.model import Model
from collagensim.model.expression import as_node
from collagensim.model.units import unit
from collagensim.write.lowering import inputs_read, states_read

Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

_known: dict[tuple[object, ...], Outline] = {}


@dataclass(frozen=True, eq=False)
class Spread:
    """What spreads: (n_species,) positions, names of diffusion and clearance and their factors to mm^2/day and 1/day.

    ``radius`` and ``radius_factor`` are the same of the zone around a channel, to um.
    """

    species: Integers
    diffusion: tuple[str, ...]
    decay: tuple[str, ...]
    diffusion_factor: Floats
    decay_factor: Floats
    radius: str
    radius_factor: float


@dataclass(frozen=True, eq=False)
class Outline:
    """Positions and properties of what a model declares, in its own order.

    Attributes
    ----------
    place : species name -> position in the state.
    signed : (m,) whether a state may be negative; scale : (m,) its declared magnitude, 0 where there is none.
    weighted : positions of the intensive states.
    basal_inputs : names of the inputs that carry solved rates.
    basal_place, basal_on_top : (n_basals,) position, and whether it is a state of the surface.
    jump_place, jump_on_top : (n_jumps,) the same of what jumps.
    jump_inputs : names of the inputs that jumps read.
    surface : names of the variables that have no layers.
    spread : what spreads; None without a zone around channels.
    """

    place: dict[str, int]
    signed: Flags
    scale: Floats
    weighted: tuple[int, ...]
    basal_inputs: tuple[str, ...]
    basal_place: Integers
    basal_on_top: Flags
    jump_place: Integers
    jump_on_top: Flags
    jump_inputs: frozenset[str]
    surface: frozenset[str]
    spread: Spread | None


def outline(model: Model) -> Outline:
    """Return the outline of a model; parameter values do not enter it."""
    # The hash of the formulas does not cover what no formula reads.
    radius = None if model.zone_radius is None else model.zone_radius.name
    key = (model.structure_hash, radius, *(species.signed for species in model.species))
    if key not in _known:
        _known[key] = _outline(model)
    return _known[key]


def _outline(model: Model) -> Outline:
    place = {species.name: i for i, species in enumerate(model.species)}
    basals = [basal.species for basal in model.basals]
    jumps = [jump.species for jump in model.jumps]
    variables = (*model.species, *model.derived)
    return Outline(
        place,
        np.array([species.signed for species in model.species], dtype=bool),
        np.array([species.scale or 0.0 for species in model.species]),
        tuple(i for i, species in enumerate(model.species) if species.weight is not None),
        tuple(f"basal.{species.name}" for species in basals),
        np.array([place[species.name] for species in basals], dtype=np.int64),
        np.array([species.kind == "surface" for species in basals], dtype=bool),
        np.array([place[species.name] for species in jumps], dtype=np.int64),
        np.array([species.kind == "surface" for species in jumps], dtype=bool),
        frozenset(name for jump in model.jumps for name in inputs_read(as_node(jump.new_state))),
        # A surface state, or what reads one.
        frozenset(
            item.name
            for item in variables
            if any(state.kind == "surface" for state in states_read(as_node(item)))
        ),
        _spread(model, place),
    )


def _spread(model: Model, place: dict[str, int]) -> Spread | None:
    if model.zone_radius is None:
        return None
    radius, moving = model.zone_radius, model.transports
    day, area = unit("day"), unit("mm^2/day")
    return Spread(
        np.array([place[t.species.name] for t in moving], dtype=np.int64),
        tuple(t.diffusion.name for t in moving),
        tuple(t.decay.name for t in moving),
        np.array([(unit(t.diffusion.unit) / area).factor for t in moving]),
        np.array([(unit(t.decay.unit) * day).factor for t in moving]),
        radius.name,
        (unit(radius.unit) / unit("um")).factor,
    )
