"""What a model must satisfy before it may be run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from collagensim.errors import InputError, ModelError, nearest, shown
from collagensim.errors import number as finite_number
from collagensim.model.declarations import Declared, Derived, Input, Parameter, Reaction, Species
from collagensim.model.expression import Expression, as_node
from collagensim.model.units import unit, unit_text

if TYPE_CHECKING:
    from collagensim.model.model import Model


def check(model: Model, mentioned: Iterable[Declared]) -> None:
    """Raise ModelError for the first thing that is wrong."""
    unit(model.time_unit)
    _check_unique("species", [s.name for s in model.species])
    _check_unique("reaction", [r.name for r in model.reactions])
    _check_unique("jump of", [j.species.name for j in model.jumps])
    _check_unique("basal source of", [b.species.name for b in model.basals])
    names = [*model.species_names, *(d.name for d in model.derived), *model.values, *model.inputs]
    _check_unique("name", names)
    _check_unique("transport of", [t.species.name for t in model.transports])
    known = set(model.species)
    _check_known(model, mentioned, known)
    _check_inert(model, mentioned)
    for reaction in model.reactions:
        _check_reaction(reaction, model.time_unit)
    for species in model.species:
        _check_free_of_state(f"baseline of {species.name!r}", as_node(species.baseline))
    changed = [*(j.species for j in model.jumps), *(b.species for b in model.basals)]
    for species in [*changed, *(t.species for t in model.transports)]:
        if species not in known:
            raise ModelError(
                f"a jump, basal source or transport names {species.name!r}, which the model lacks"
            )
    for transport in model.transports:
        if transport.species.kind == "surface":
            raise ModelError(
                f"transport of {transport.species.name!r}: surface species do not spread in the dermis"
            )


def named_values(given: object) -> Mapping[str, float]:
    """Return names with values, none when nothing is given, or say that it is something else."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ModelError(
            f"parameters {shown(given)} are not names with values: give for example {{'name': 1.0}}"
        )
    return given


def number(name: str, value: object) -> float:
    """Return a finite float, or say that it is none."""
    try:
        return finite_number(f"parameter {name!r}", value)
    except InputError as error:
        raise ModelError(str(error)) from None


def _check_unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"{what} {name!r} is declared twice")


def _check_known(model: Model, mentioned: Iterable[Declared], known: set[Species]) -> None:
    for item in mentioned:
        if isinstance(item, Species) and item not in known:
            raise ModelError(f"a formula reads {item.name!r}, which is no species of {model.name!r}"
                             f"{nearest(item.name, model.species_names)}")  # fmt: skip
        if isinstance(item, Derived) and item not in model.derived:
            raise ModelError(
                f"a formula reads {item.name!r}, which is not among the derived of {model.name!r}"
            )


def _check_inert(model: Model, mentioned: Iterable[Declared]) -> None:
    used = {item.name for item in mentioned if isinstance(item, Parameter)}
    for name in model.values:
        if name not in used and not model.parameter(name).inert:
            raise ModelError(f"parameter {name!r} is read by no formula: use it or declare it inert")


def _check_reaction(reaction: Reaction, time_unit: str) -> None:
    rate = reaction.total.unit
    for species, coefficient in reaction.effect.items():
        node = as_node(coefficient)
        _check_free_of_state(f"effect of {reaction.name!r} on {species.name!r}", node)
        given, needed = node.unit * rate, unit(species.unit) / unit(time_unit)
        if not given.same_as(needed):
            raise ModelError(
                f"reaction {reaction.name!r} changes {species.name} in {unit_text(given)}, needs {unit_text(needed)}"
            )


def _check_free_of_state(what: str, node: Expression) -> None:
    for leaf in node.symbols:
        if not isinstance(leaf.declared, (Parameter, Input)):
            raise ModelError(f"{what} reads {leaf.name!r}, but may read parameters and inputs only")
