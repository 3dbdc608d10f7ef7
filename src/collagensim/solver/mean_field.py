"""The mean-field course of a protocol: layers, each with a zone around the channels and the tissue between them.

New channels fall where chance puts them, so what a session hits is the layer's mean, and then jumps. The new zone is
what was hit, and of the old zone as much as the new one is smaller than it: an equal or larger session divides the
layer anew, a vanishing one leaves it as it was. Soluble species pass between compartments and layers at rates that
follow from diffusion and clearance (`exchange`); cells stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, SolveError
from collagensim.model import Model
from collagensim.model.expression import as_node
from collagensim.model.units import unit
from collagensim.skin import LAYERS
from collagensim.solver import exchange
from collagensim.solver.engine import Integers, Limits, make_engine
from collagensim.solver.status import Status
from collagensim.solver.system import Bound, Space
from collagensim.treatment import Injury

Array = npt.NDArray[np.float64]


SPACE = Space(len(LAYERS), 2)
ZONE, BETWEEN = 0, 1

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


@dataclass(frozen=True)
class Happening:
    """Something done on a day: an injury, or a change of inputs that lasts until the next."""

    day: float
    injury: Injury | None
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Segment:
    """Output between two happenings: ``time`` (n,), ``states`` (n, layer, compartment, m), weights, inputs."""

    time: Array
    states: Array
    share: Array
    inputs: Mapping[str, Array]


class MeanField:
    """One course in progress.

    Attributes
    ----------
    share : (n_layers,) the zone's share of each layer's volume.
    """

    def __init__(
        self,
        model: Model,
        skin: Mapping[str, Any],
        limits: Limits,
        method: str = "rodas5p",
        drive: Mapping[str, Any] | None = None,
    ) -> None:
        """``skin`` sets the resting state; ``drive`` are inputs set after that is solved, which move it (ageing)."""
        _check_fit(model)
        known = set(model.inputs)
        self.bound = Bound(model, SPACE, {name: value for name, value in skin.items() if name in known})
        self.thickness = np.asarray(skin["skin.layer_thickness"], dtype=np.float64)
        self.share = np.zeros(SPACE.n_layers)
        self.layout = ["random"] * SPACE.n_layers
        self.radius_um = _zone_radius(model)
        self.spread = _Spread.of(model)
        links = self._links()
        self.bound.solve_basal(_drift(self.bound.baseline, *links))
        self.bound.set_inputs({name: value for name, value in (drive or {}).items() if name in known})
        self.inputs_at_rest = self.inputs()
        self.engine = make_engine(method, self.bound, links, limits)

    def inputs(self) -> dict[str, Array]:
        """Current inputs by name as (layer, compartment)."""
        return {name: self.blocks(value) for name, value in self.bound.inputs.items()}

    def _links(self) -> tuple[Integers, Integers, Array]:
        return exchange.links(
            self.share, self.thickness, self.spread.diffusion, self.spread.decay, self.spread.species,
            layouts=self.layout, radius_um=self.radius_um, m=len(self.bound.model.species),
        )  # fmt: skip

    def happen(self, happening: Happening) -> None:
        """Apply an injury or a change of inputs at the current time."""
        known = self.bound.model.inputs
        self.bound.set_inputs({name: value for name, value in happening.inputs.items() if name in known})
        injury = happening.injury
        if injury is not None:
            given = injury.inputs()
            hit_share = np.asarray(given["injury.zone_fraction"], dtype=np.float64)
            if np.any(hit_share > 0):
                self.bound.set_inputs({name: value for name, value in given.items() if name in known})
                self._strike(hit_share, injury.layout)
        self.engine.restart(self._links()[2])

    def _strike(self, hit_share: Array, layout: str) -> None:
        """Divide each layer that is hit into its new zone and the tissue between."""
        states = self.blocks(self.engine.state)
        zone, between, old = states[:, ZONE], states[:, BETWEEN], self.share
        inputs = self.inputs()
        mean = blend(self.bound, states, np.stack([old, 1.0 - old], axis=-1), inputs)
        hit = self._jumped(mean)
        # Of the old zone outside the new channels, this part stays zone.
        replaced = np.divide(hit_share, old, out=np.ones_like(old), where=old > 0)
        kept = 1.0 - np.minimum(replaced, 1.0)
        missed = 1.0 - hit_share
        stays, leaves = kept * missed * old, (1.0 - kept) * missed * old
        new_zone = blend(self.bound, np.stack([hit, zone], 1), np.stack([hit_share, stays], -1), inputs)
        rest = np.stack([leaves, missed * (1.0 - old)], axis=-1)
        new_between = blend(self.bound, np.stack([zone, between], 1), rest, inputs)
        struck = hit_share > 0
        states[struck, ZONE] = new_zone[struck]
        states[struck, BETWEEN] = np.where(rest.sum(axis=-1, keepdims=True) > 0, new_between, mean)[struck]
        larger = hit_share >= old
        self.layout = [
            layout if new else name for new, name in zip(struck & larger, self.layout, strict=True)
        ]
        self.share = np.where(struck, hit_share + stays, old)

    def _jumped(self, mean: Array) -> Array:
        """State (layer, m) of tissue that was at ``mean`` and is hit; every jump reads the old state."""
        model = self.bound.model
        before = np.repeat(mean, SPACE.n_compartments, axis=0)
        nodes = tuple(as_node(jump.new_state) for jump in model.jumps)
        hit = mean.copy()
        for jump, value in zip(
            model.jumps, self.bound.values(nodes, self.bound.by_name(before)), strict=True
        ):
            new = self.blocks(np.broadcast_to(value, (SPACE.n_blocks,)))[:, ZONE]
            if not np.all(np.isfinite(new)) or (np.any(new < 0) and not jump.species.signed):
                raise SolveError(
                    f"the session on day {self.engine.time:g} would set {jump.species.name} to {new.tolist()} "
                    f"{jump.species.unit}: look at its jump", Status.NOT_FINITE,
                )  # fmt: skip
            where = slice(0, 1) if jump.species.kind == "surface" else slice(None)
            hit[where, model.species.index(jump.species)] = new[where]
        return hit

    @staticmethod
    def blocks(values: Array) -> Array:
        """View of values (n_blocks, ...) as (layer, compartment, ...)."""
        return values.reshape(SPACE.n_layers, SPACE.n_compartments, *values.shape[1:])

    def run(self, until: float, times: Array) -> Segment:
        """Integrate to ``until`` and return the states at ``times`` within (now, until]."""
        rows = np.empty((times.size, self.engine.y.size))
        self.engine.run(until, times, rows)
        shape = (times.size, SPACE.n_layers, SPACE.n_compartments, len(self.bound.model.species))
        return Segment(times, rows.reshape(shape), self.share.copy(), self.inputs())


def run_course(field: MeanField, happenings: Iterable[Happening], days: float, times: Array) -> list[Segment]:
    """Return the segments of a course of ``days`` with output at ``times``; the baseline is the first."""
    segments = [field.run(0.0, times[times <= 0.0])]
    number = 0
    for happening in sorted(happenings, key=lambda h: h.day):
        segments.append(_span(field, happening.day, times, number))
        field.happen(happening)
        number += happening.injury is not None
    segments.append(_span(field, days, times, number))
    return [segment for segment in segments if segment.time.size]


def _span(field: MeanField, until: float, times: Array, session: int) -> Segment:
    now = field.engine.time
    inside = times[(times > now) & (times <= until)]
    try:
        return field.run(max(until, now), inside)
    except SolveError as error:
        raise SolveError(f"after session {session}: {error}", error.status) from None


def blend(bound: Bound, states: Array, volumes: Array, inputs: Mapping[str, Array]) -> Array:
    """Mean (..., layer, m) of parts (..., layer, part, m) of given volumes (layer, part).

    Amounts are averaged by volume, intensive states by their weight. Where there is no volume the result is zero.
    """
    total = volumes.sum(axis=-1, keepdims=True)
    parts = np.divide(volumes, total, out=np.zeros_like(volumes), where=total > 0)[..., None]
    means = np.asarray((states * parts).sum(axis=-2))
    values = {name: states[..., i] for i, name in enumerate(bound.model.species_names)}
    values.update({name: value[:, :1] for name, value in inputs.items()})
    for i, species in enumerate(bound.model.species):
        if species.weight is not None:
            weights = bound.value(species.weight.node, values) * parts[..., 0]
            whole = weights.sum(axis=-1)
            mixed = (weights * states[..., i]).sum(axis=-1)
            # Nothing to weigh by (all matrix removed): the mean by volume stands.
            means[..., i] = np.divide(mixed, whole, out=means[..., i].copy(), where=whole > 0)
    return means


def _check_fit(model: Model) -> None:
    """Refuse a model whose clock or inputs are not those of skin and treatment."""
    if not unit(model.time_unit).same_as(unit("day")):
        raise InputError(f"{model.name!r} counts time in {model.time_unit}s: simulate needs days, use solve")
    for name, declared in model.inputs.items():
        given = INPUT_UNITS.get(name, "1")
        if name.split(".")[0] in ("skin", "injury", "care") and not unit(declared.unit).same_as(unit(given)):
            raise InputError(f"{model.name!r} reads {name} in {declared.unit}, but it is given in {given}")


@dataclass(frozen=True)
class _Spread:
    """What spreads: positions of the species, diffusion [mm^2/day], clearance [1/day]."""

    species: Integers
    diffusion: Array
    decay: Array

    @classmethod
    def of(cls, model: Model) -> _Spread:
        moving = model.transports
        values = model.values
        day = unit("day")
        per_day = [unit(t.decay.unit) * day for t in moving]
        area = unit("mm^2/day")
        return cls(
            np.array([model.species.index(t.species) for t in moving], dtype=np.int64),
            np.array([values[t.diffusion.name] * (unit(t.diffusion.unit) / area).factor for t in moving]),
            np.array([values[t.decay.name] * u.factor for t, u in zip(moving, per_day, strict=True)]),
        )


def _zone_radius(model: Model) -> float:
    if model.zone_radius is None:
        raise InputError(f"{model.name!r} has no zone_radius: it cannot be needled, use solve")
    radius = model.parameter(model.zone_radius.name)
    return radius.value * (unit(radius.unit) / unit("um")).factor


def _drift(baseline: Array, to: Integers, source: Integers, rate: Array) -> Array:
    """Rate of change (n_blocks, m) that the links cause at rest."""
    flat = baseline.ravel()
    drift = np.zeros_like(flat)
    np.add.at(drift, to, rate * (flat[source] - flat[to]))
    return drift.reshape(baseline.shape)
