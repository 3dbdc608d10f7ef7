"""States of a course as named columns: every species and derived quantity, by compartment and averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.model import Expression, Operand, evaluate
from collagensim.model.expression import as_node
from collagensim.response import Course
from collagensim.solver.mean_field import SPACE, MeanField, Segment, blend
from collagensim.write.lowering import states_read

Array = npt.NDArray[np.float64]


class Columns:
    """The variables of a course's segments, evaluated once."""

    def __init__(self, field: MeanField, segments: Sequence[Segment], sessions: Sequence[float]) -> None:
        self.field, self.sessions = field, tuple(sessions)
        model = field.bound.model
        self.items: tuple[Operand, ...] = (*model.species, *model.derived)
        self.names = [item.name for item in (*model.species, *model.derived)]
        self.surface = {name: _at_surface(item) for name, item in zip(self.names, self.items, strict=True)}
        self.segments = segments
        self.values = [self._evaluate(segment) for segment in segments]
        rest = MeanField.blocks(field.bound.baseline)[None]
        self.rest = Segment(np.zeros(1), rest, field.share, field.inputs_at_rest)
        self.rest_values = self._evaluate(self.rest)

    def tissue(self) -> Course:
        """Averages over zone and between."""
        parts = [self._average(*pair) for pair in zip(self.segments, self.values, strict=True)]
        return self._course(parts, self._average(self.rest, self.rest_values))

    def compartment(self, which: int) -> Course:
        """The zone alone, or the tissue between alone."""
        parts = [{name: v[..., which] for name, v in values.items()} for values in self.values]
        return self._course(parts, {name: v[..., which] for name, v in self.rest_values.items()})

    def _evaluate(self, segment: Segment) -> dict[str, Array]:
        """Name -> (n, layer, compartment)."""
        bound = self.field.bound
        states = bound.by_name(segment.states)
        shape = (segment.time.size, SPACE.n_layers, SPACE.n_compartments)
        known: dict[Expression, Any] = {}
        values: Mapping[str, Any] = {**bound.parameters, **segment.inputs, **states}
        derived = {
            d.name: np.broadcast_to(evaluate(d.expression.node, values, known), shape)
            for d in bound.model.derived
        }
        return {**states, **derived}

    def _average(self, segment: Segment, values: Mapping[str, Array]) -> dict[str, Array]:
        bound = self.field.bound
        parts = np.stack([segment.share, 1.0 - segment.share], axis=-1)
        means = blend(bound, segment.states, parts, segment.inputs)
        found = {name: means[..., i] for i, name in enumerate(bound.model.species_names)}
        found.update({d.name: (values[d.name] * parts).sum(axis=-1) for d in bound.model.derived})
        return found

    def _course(self, parts: Sequence[Mapping[str, Array]], rest: Mapping[str, Array]) -> Course:
        model = self.field.bound.model
        return Course(
            np.concatenate([segment.time for segment in self.segments]),
            {name: self._placed(name, np.concatenate([part[name] for part in parts])) for name in self.names},
            {name: self._placed(name, rest[name])[0] for name in self.names},
            {item.name: item.unit for item in (*model.species, *model.derived)},
            self.field.thickness,
            self.sessions,
        )

    def _placed(self, name: str, values: Array) -> Array:
        return np.ascontiguousarray(values[..., 0] if self.surface[name] else values)


def _at_surface(item: Operand) -> bool:
    """Whether a variable belongs to the surface: a surface state, or what reads one."""
    return any(state.kind == "surface" for state in states_read(as_node(item)))
