"""A model as tables: parameters with pedigree, species, reactions."""

from __future__ import annotations

from collagensim.errors import instance
from collagensim.model import Model
from collagensim.model.expression import as_node, text

Row = dict[str, str | float]


def parameter_table(model: Model) -> list[Row]:
    """Return one row a parameter: name, symbol, value, unit, low, high, status, source, where, description."""
    instance("model", model, Model, "for example dermal_healing()")
    found = (model.parameter(name) for name in model.values)
    return [
        {
            "name": p.name,
            "symbol": p.symbol,
            "value": p.value,
            "unit": p.unit,
            "low": p.low,
            "high": p.high,
            "status": p.status,
            "source": p.source.key,
            "where": p.source.where,
            "description": p.description,
        }
        for p in found
    ]


def species_table(model: Model) -> list[Row]:
    """Return one row a species: name, unit, kind, baseline, description."""
    instance("model", model, Model, "for example dermal_healing()")
    return [
        {
            "name": s.name,
            "unit": s.unit,
            "kind": s.kind,
            "baseline": text(as_node(s.baseline)),
            "description": s.description,
        }
        for s in model.species
    ]


def reaction_table(model: Model) -> list[Row]:
    """Return one row a reaction: name, actor, rate per actor, effect, description, source."""
    instance("model", model, Model, "for example dermal_healing()")
    return [
        {
            "name": r.name,
            "actor": r.actor.name if r.actor is not None else "",
            "rate": text(as_node(r.rate)),
            "effect": ", ".join(f"{s.name}: {text(as_node(c))}" for s, c in r.effect.items()),
            "description": r.description,
            "source": r.source.key if r.source is not None else "",
        }
        for r in model.reactions
    ]
