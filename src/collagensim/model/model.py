"""The model: species, what changes them, and everything their formulas mention, checked once and never changed."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from collagensim.errors import ModelError, nearest, shown
from collagensim.model import validation
from collagensim.model.declarations import (
    Basal,
    Declared,
    Derived,
    Input,
    Jump,
    Parameter,
    Reaction,
    Species,
    Transport,
)  # fmt: skip
from collagensim.model.expression import Expression, as_node, text

T = TypeVar("T", bound=Declared)


@dataclass(frozen=True)
class Model:
    """One definition of a biology, to be run, printed and exported.

    Parameters and inputs are collected from the formulas; ``parameters`` adds declared ones that no formula reads,
    which must be marked inert. ``zone_radius`` [length] bounds the compartment around an injury.

    Raises
    ------
    ModelError
        For a wrong unit, an unknown or doubled name, or a coefficient that depends on state.
    """

    name: str
    species: Sequence[Species]
    derived: Sequence[Derived] = ()
    reactions: Sequence[Reaction] = ()
    basals: Sequence[Basal] = ()
    jumps: Sequence[Jump] = ()
    transports: Sequence[Transport] = ()
    zone_radius: Parameter | None = None
    parameters: Mapping[str, Parameter] | Iterable[Parameter] | None = None
    time_unit: str = "day"
    title: str = ""
    description: str = ""
    inputs: Mapping[str, Input] = field(init=False)

    def __post_init__(self) -> None:
        for part in ("species", "derived", "reactions", "basals", "jumps", "transports"):
            object.__setattr__(self, part, tuple(getattr(self, part)))
        given = self.parameters
        extra = tuple(given.values() if isinstance(given, Mapping) else given or ())
        mentioned = self._mentioned()
        overridden = {p.name for p in extra} if isinstance(given, Mapping) else set()
        parameters = _by_name(
            "parameter",
            [d for d in mentioned if isinstance(d, Parameter) and d.name not in overridden] + list(extra),
        )
        inputs = _by_name("input", [d for d in mentioned if isinstance(d, Input)])
        object.__setattr__(self, "parameters", MappingProxyType(parameters))
        object.__setattr__(self, "inputs", MappingProxyType(inputs))
        validation.check(self, mentioned)

    def _mentioned(self) -> list[Declared]:
        """Everything the formulas name, in order of first mention, through derived quantities."""
        found: dict[Declared, None] = {}
        stack = self.formulas()[::-1]
        while stack:
            node = stack.pop()
            for leaf in sorted(node.symbols, key=lambda s: s.name):
                if leaf.declared not in found:
                    found[leaf.declared] = None
                    if isinstance(leaf.declared, Derived):
                        stack.append(leaf.declared.expression.node)
        for spread in self.transports:
            found.update({spread.diffusion: None, spread.decay: None})
        if self.zone_radius is not None:
            found[self.zone_radius] = None
        return list(found)

    def formulas(self) -> list[Expression]:
        """Every formula of the model, in the order of its parts."""
        nodes = [as_node(s.baseline) for s in self.species]
        nodes += [s.weight.node for s in self.species if s.weight is not None]
        nodes += [d.node for d in self.derived]
        for reaction in self.reactions:
            nodes += [reaction.total, *(as_node(c) for c in reaction.effect.values())]
        nodes += [basal.modulation for basal in self.basals]
        nodes += [as_node(jump.new_state) for jump in self.jumps]
        return nodes

    @property
    def species_names(self) -> tuple[str, ...]:
        """Names of the states, in the order in which they are stored."""
        return tuple(s.name for s in self.species)

    @property
    def values(self) -> dict[str, float]:
        """Parameter values by name, each in its own unit."""
        return {name: p.value for name, p in self._parameters().items()}

    @functools.cached_property
    def changed(self) -> dict[str, float]:
        """Parameter values that differ from those the formulas were written with."""
        written = {d.name: d.value for d in self._mentioned() if isinstance(d, Parameter)}
        return {
            name: p.value for name, p in self._parameters().items() if written.get(name, p.value) != p.value
        }

    def _parameters(self) -> Mapping[str, Parameter]:
        assert isinstance(self.parameters, Mapping)
        return self.parameters

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of that name.

        Raises
        ------
        ModelError
            When there is none; the message names the nearest with its unit.
        """
        known = self._parameters()
        if name in list(known):  # a list, so that what cannot be hashed is refused in words
            return known[name]
        hint = nearest(name, known)
        close = hint.split("'")[1] if hint else ""
        raise ModelError(f"no parameter {shown(name)}{hint}" + (f" [{known[close].unit}]" if close else ""))

    def with_parameters(self, values: Mapping[str, float] | None = None, /, **named: float) -> Model:
        """Return the same model with other parameter values, each in its parameter's unit.

        Raises
        ------
        ModelError
            For an unknown name or a value outside the parameter's range.
        """
        given = {**validation.named_values(values), **named}
        changed = {
            name: replace(self.parameter(name), value=validation.number(name, value))
            for name, value in given.items()
        }
        return replace(self, parameters={**self._parameters(), **changed})

    @functools.cached_property
    def structure_hash(self) -> str:
        """Hash of the formulas, without parameter values: what compiled code depends on."""
        return hashlib.sha256("\n".join(self._lines()).encode()).hexdigest()[:16]

    @functools.cached_property
    def hash(self) -> str:
        """Hash of the formulas and the parameter values: what results depend on."""
        values = "\n".join(f"{name}={value!r}" for name, value in sorted(self.values.items()))
        return hashlib.sha256(("\n".join(self._lines()) + values).encode()).hexdigest()[:16]

    def _lines(self) -> list[str]:
        lines = [self.name, self.time_unit]
        lines += [
            f"species {s.name} {s.unit} {s.kind} {s.scale} {as_node(s.baseline)} {s.weight!r}"
            for s in self.species
        ]
        lines += [f"input {i.name} {i.unit} {i.place} {i.default}" for i in self.inputs.values()]
        lines += [f"parameter {p.name} {p.unit}" for p in self._parameters().values()]
        lines += [f"derived {d.name} = {text(d.expression.node)}" for d in self.derived]
        for r in self.reactions:
            effect = ", ".join(f"{s.name}: {text(as_node(c))}" for s, c in r.effect.items())
            lines.append(f"reaction {r.name}: {text(r.total)} -> {effect}")
        lines += [f"basal {b.species.name}: {text(b.modulation)}" for b in self.basals]
        lines += [f"jump {j.species.name} = {text(as_node(j.new_state))}" for j in self.jumps]
        lines += [f"transport {t.species.name} {t.diffusion.name} {t.decay.name}" for t in self.transports]
        return lines

    def __repr__(self) -> str:
        return (
            f"<Model {self.name}: {len(self.species)} species, {len(self.reactions)} reactions, "
            f"{len(self._parameters())} parameters, {self.hash}>"
        )


def _by_name(what: str, items: Iterable[T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for item in items:
        if found.setdefault(item.name, item) != item:
            raise ModelError(f"{what} {item.name!r} is declared twice with different contents")
    return found
