"""A model as a tissue in space reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from collagensim.errors import ModelError, nearest
from collagensim.model.declarations import Basal, Derived, Jump, Reaction, Species
from collagensim.model.expression import Expression, as_node, constant
from collagensim.model.settled import Relaxation, Settled
from collagensim.model.substitution import Substitution
from collagensim.model.units import unit

if TYPE_CHECKING:
    from collagensim.model.architecture import Architecture
    from collagensim.model.model import Model

__all__ = ["as_cell", "in_space"]


def as_cell(species: Species) -> Species:
    """Return a species as the cells that it consists of in space."""
    return replace(species, kind="cell")


def in_space(model: Model, architecture: Architecture) -> Model:
    """Return a model as a tissue of that architecture reads it; the same one where nothing is read otherwise.

    What the architecture counts as single cells becomes a species of kind cell. Every Settled quantity becomes a
    soluble species that is supplied, used and diffuses; it rests at its closed form. Formulas read the species that
    stand for others. All else is as it was, parameter values included.

    Raises
    ------
    ModelError
        When the architecture names what the model lacks, or does not say how a settled quantity diffuses.
    """
    relaxations = _relaxations(model, architecture)
    given: dict[Species | Derived, Species] = {s: as_cell(s) for s in _cells(model, architecture)}
    if not given and not relaxations:
        return model
    at_rest = Substitution({species: _baseline(species) for species in model.species}, written_out=True)
    settled = [
        Species(r.of.name, r.of.unit, "soluble", at_rest(r.of.expression), description=r.of.description)
        for r in relaxations
    ]
    given |= {r.of: species for r, species in zip(relaxations, settled, strict=True)}
    put = Substitution(given)
    unfolded = [r.reactions(s, model.time_unit) for r, s in zip(relaxations, settled, strict=True)]
    return replace(
        model,
        species=[*(put.placed(s) for s in model.species), *settled],
        derived=[put.derived(d) for d in model.derived if d not in given],
        reactions=[_reaction(put, r) for r in (*model.reactions, *(r for pair in unfolded for r in pair))],
        basals=[_basal(put, b) for b in model.basals],
        jumps=[Jump(put.placed(j.species), put(j.new_state)) for j in model.jumps],
        transports=[
            *(replace(t, species=put.placed(t.species)) for t in model.transports),
            *(r.transport(s) for r, s in zip(relaxations, settled, strict=True)),
        ],
        # As a mapping, so that values that were changed go before those the formulas were written with.
        parameters={
            **{p.name: p for r in relaxations for p in (r.rate, r.diffusion)},
            **model._parameters(),
        },
    )


def _relaxations(model: Model, architecture: Architecture) -> Sequence[Relaxation]:
    """How each settled quantity relaxes, in the order of the model."""
    known = {relaxation.of.name: relaxation for relaxation in architecture.relaxations}
    settled = [derived for derived in model.derived if isinstance(derived, Settled)]
    for name, relaxation in known.items():
        if relaxation.of not in settled:
            raise ModelError(
                f"the architecture relaxes {name!r}, which is not settled in {model.name!r}"
                f"{nearest(name, [d.name for d in settled])}"
            )
    for quantity in settled:
        if quantity.name not in known:
            raise ModelError(
                f"{quantity.name!r} is settled in {model.name!r}, but the architecture does not say how it diffuses: "
                f"give it a Relaxation"
            )
    return [known[quantity.name] for quantity in settled]


def _cells(model: Model, architecture: Architecture) -> Sequence[Species]:
    for species in architecture.cells:
        if species not in model.species:
            raise ModelError(
                f"the architecture counts cells of {species.name!r}, which {model.name!r} lacks"
                f"{nearest(species.name, model.species_names)}"
            )
        if species.kind == "surface":
            raise ModelError(f"{species.name!r} lies on the surface: cells of a tissue are in it")
    return [species for species in architecture.cells if species.kind != "cell"]


def _baseline(species: Species) -> Expression:
    """The level at rest; a plain number is in the unit of the species."""
    node = as_node(species.baseline)
    return constant(node.value, unit(species.unit)) if node.op == "const" else node


def _reaction(put: Substitution, reaction: Reaction) -> Reaction:
    effect = {put.placed(species): put(coefficient) for species, coefficient in reaction.effect.items()}
    return replace(reaction, rate=put(reaction.rate), effect=effect, actor=_actor(put, reaction.actor))


def _basal(put: Substitution, basal: Basal) -> Basal:
    return Basal(put.placed(basal.species), _actor(put, basal.actor), put(basal.factor))


def _actor(put: Substitution, actor: Species | Derived | None) -> Species | Derived | None:
    if isinstance(actor, Derived) and actor not in put.given:
        return put.derived(actor)
    return None if actor is None else put.placed(actor)
