"""What a tissue is asked for: checked before anything runs, and before any kernel is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from collagensim.errors import in_range, increasing, instance, truth, whole
from collagensim.model import Architecture, Model
from collagensim.skin import Skin
from collagensim.solver.simulate import check_sessions
from collagensim.solver.tissue.fit import check_fit
from collagensim.solver.tissue.space import Block, block_of
from collagensim.treatment import Protocol, injure

KEPT_DAYS = (1.0, 3.0, 7.0, 14.0, 28.0)


@dataclass(frozen=True, eq=False)
class Asked:
    """What a course is asked for, checked.

    Attributes
    ----------
    model, architecture, skin, protocol : as given.
    block : the piece of skin.
    days : of the course [day].
    kept_days : of which everything is kept, the usual ones where none were chosen.
    options : the arguments of `simulate_tissue` by name; lists that can be read once only were read here.
    """

    model: Model
    architecture: Architecture
    skin: Skin
    protocol: Protocol
    block: Block
    days: float
    kept_days: list[float]
    options: Mapping[str, Any]


def check_biology(model: Model, architecture: Architecture) -> None:
    """Refuse what is no model or no architecture."""
    instance("model", model, Model, "for example dermal_healing()")
    instance("architecture", architecture, Architecture, "for example that of dermal_healing()")


def asked_for(
    model: Model,
    architecture: Architecture,
    skin: Skin,
    protocol: Protocol,
    *,
    days: float = 28.0,
    seed: int = 1,
    ageing: bool = True,
    output_days: Iterable[float] | None = None,
    kept_days: Iterable[float] | None = None,
    **lengths: float | None,
) -> Asked:
    """Return a request for a course, checked before anything runs; ``lengths`` are those of `block_of`.

    Raises
    ------
    InputError
        For what is not valid, for a course that ends before its last session, and for a block that cannot hold the
        injuries.
    """
    instance("skin", skin, Skin, "for example Skin(site='cheek')")
    instance("protocol", protocol, Protocol, "for example Protocol.series(Session(depth_mm=1.5))")
    check_biology(model, architecture)
    span = in_range("days", days, 0.0, 3650.0, "days")
    grid = np.arange(np.floor(span) + 1.0) if output_days is None else output_days
    output = increasing("output_days", grid, 0.0, span, "days")
    chosen = None if kept_days is None else increasing("kept_days", kept_days, 0.0, span, "days")
    kept = [day for day in KEPT_DAYS if day <= span] if chosen is None else chosen
    block = block_of(skin, **lengths)  # type: ignore[arg-type]  # it checks them
    check_sessions(protocol, span)
    for _, session in protocol.events():
        check_fit(block, skin, injure(skin, session))
    options = {
        "days": span, "seed": whole("seed", seed, 0, 2**63 - 1), "ageing": truth("ageing", ageing),
        "output_days": output, "kept_days": chosen, **lengths,
    }  # fmt: skip
    return Asked(model, architecture, skin, protocol, block, span, kept, options)
