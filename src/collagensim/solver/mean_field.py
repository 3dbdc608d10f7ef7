"""The mean-field course of a protocol: layers, each with a zone around the channels and the tissue between them.

At a session both compartments of every layer that is reached start from the layer's mean, because new channels fall
where chance puts them, and then the zone jumps; a layer that is not reached is left alone. Soluble species pass
between compartments and layers at rates that follow from diffusion and clearance (`exchange`); cells stay.
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
from collagensim.solver.engine import Engine, Integers, Limits
from collagensim.solver.system import Bound, Space, input_names
from collagensim.treatment import Injury

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


SPACE = Space(len(LAYERS), 2)
ZONE, BETWEEN = 0, 1
# Before the first session both compartments are one tissue, so any share describes it.
UNDIVIDED = 0.5


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
        self, model: Model, skin: Mapping[str, Any], limits: Limits, method: str = "rodas5p"
    ) -> None:
        known = set(model.inputs)
        self.bound = Bound(model, SPACE, {name: value for name, value in skin.items() if name in known})
        self.thickness = np.asarray(skin["skin.layer_thickness"], dtype=np.float64)
        self.share = np.full(SPACE.n_layers, UNDIVIDED)
        self.layout = ["random"] * SPACE.n_layers
        self.radius_um = _zone_radius(model)
        self.spread = _Spread.of(model)
        to, source, rate = self._links()
        self.bound.solve_basal(_drift(self.bound.baseline, to, source, rate))
        self.engine = _engine(method, self.bound, (to, source, rate), limits)

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
            self.bound.set_inputs({name: value for name, value in given.items() if name in known})
            share = np.asarray(given["injury.zone_fraction"], dtype=np.float64)
            reached = share > 0
            self._merge(reached)
            self._jump(reached)
            self.share = np.where(reached, share, self.share)
            self.layout = [
                injury.layout if hit else old for hit, old in zip(reached, self.layout, strict=True)
            ]
        self.engine.restart(self._links()[2])

    def _merge(self, reached: Flags) -> None:
        """Set both compartments of the layers reached to the layer's mean, by amount."""
        states = self.blocks(self.engine.state)
        means = average(self.bound, states, self.share)
        states[reached] = means[reached][:, None, :]

    def _jump(self, reached: Flags) -> None:
        """Apply the model's jumps to the zones of the layers reached; every jump reads the old state."""
        states = self.blocks(self.engine.state)
        before = self.bound.by_name(self.engine.state.copy())
        nodes = tuple(as_node(jump.new_state) for jump in self.bound.model.jumps)
        top = np.arange(SPACE.n_layers) == 0
        for jump, value in zip(self.bound.model.jumps, self.bound.values(nodes, before), strict=True):
            new = self.blocks(np.broadcast_to(value, (SPACE.n_blocks,)))
            where = reached & top if jump.species.kind == "surface" else reached
            i = self.bound.model.species.index(jump.species)
            states[where, ZONE, i] = new[where, ZONE]

    @staticmethod
    def blocks(values: Array) -> Array:
        """View of values (n_blocks, ...) as (layer, compartment, ...)."""
        return values.reshape(SPACE.n_layers, SPACE.n_compartments, *values.shape[1:])

    def run(self, until: float, times: Array) -> Segment:
        """Integrate to ``until`` and return the states at ``times`` within (now, until]."""
        rows = np.empty((times.size, self.engine.y.size))
        self.engine.run(until, times, rows)
        shape = (times.size, SPACE.n_layers, SPACE.n_compartments, len(self.bound.model.species))
        inputs = {name: self.blocks(value) for name, value in self.bound.inputs.items()}
        return Segment(times, rows.reshape(shape), self.share.copy(), inputs)


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


def average(bound: Bound, states: Array, share: Array) -> Array:
    """Layer means (..., layer, m) of states (..., layer, compartment, m), intensive states by their weight."""
    parts = np.stack([share, 1.0 - share], axis=-1)[..., None]
    means = np.asarray((states * parts).sum(axis=-2))
    names = {name: states[..., i] for i, name in enumerate(bound.model.species_names)}
    inputs = {name: MeanField.blocks(value) for name, value in bound.inputs.items()}
    for i, species in enumerate(bound.model.species):
        if species.weight is not None:
            weights = bound.value(species.weight.node, {**inputs, **names}) * parts[..., 0]
            total = weights.sum(axis=-1)
            mixed = (weights * states[..., i]).sum(axis=-1)
            # Nothing to weigh by (all matrix removed): the mean by volume stands.
            means[..., i] = np.divide(mixed, total, out=means[..., i].copy(), where=total > 0)
    return means


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


def _engine(method: str, bound: Bound, links: tuple[Integers, Integers, Array], limits: Limits) -> Engine:
    if method == "rodas5p":
        return Engine(bound, links, limits)
    from collagensim.solver.scipy_engine import ScipyEngine

    return ScipyEngine(bound, links, limits, method)


def injury_inputs(model: Model) -> set[str]:
    """Names of the injury inputs that the model reads."""
    return set(input_names(model, "injury."))
