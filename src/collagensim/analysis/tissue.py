"""One tissue with a bar of simulated days, refused before it starts when it cannot fit into memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collagensim.analysis.day_bar import day_bar
from collagensim.analysis.memory import free_bytes, readable
from collagensim.errors import InputError, in_range, instance
from collagensim.model import Architecture, Model
from collagensim.response import Tissue
from collagensim.skin import Skin
from collagensim.solver.tissue.course import timetable
from collagensim.solver.tissue.fit import check_fit
from collagensim.solver.tissue.memory import kept_bytes, working_bytes
from collagensim.solver.tissue.probe import seconds_a_step
from collagensim.solver.tissue.run import KEPT_DAYS, simulate_tissue
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.world import world_of
from collagensim.treatment import Protocol, injure

BLOCK = ("width_mm", "breadth_mm", "depth_mm", "voxel_um", "slab_um")


def simulate_watched(
    model: Model,
    architecture: Architecture,
    skin: Skin,
    protocol: Protocol,
    *,
    progress: bool | None,
    options: Mapping[str, Any],
) -> Tissue:
    """Return a tissue; see `collagensim.simulate_tissue`, whose other arguments are ``options``."""
    ends, statement = forecast(model, skin, protocol, options, 1)
    if progress:
        statement += duration(model, architecture, skin, options, len(ends))
    with day_bar(ends, 1, "tissue", progress, statement) as move:
        return simulate_tissue(model, architecture, skin, protocol, watch=lambda day: move([day]), **options)


def duration(
    model: Model, architecture: Architecture, skin: Skin, options: Mapping[str, Any], n_steps: float
) -> str:
    """Return how long so many steps will take on this machine, in words, from a few that are tried."""
    block = block_of(skin, **{name: options[name] for name in BLOCK})
    world = world_of(model, skin, block, architecture, 0, ageing=options["ageing"])
    seconds = n_steps * seconds_a_step(world)
    return f", {seconds:.0f} s or somewhat more on this machine, from a few steps that were tried"


def forecast(
    model: Model, skin: Skin, protocol: Protocol, options: Mapping[str, Any], at_once: int, n: int = 1
) -> tuple[list[float], str]:
    """Return the days on which steps end, and what ``n`` courses will need, in a sentence.

    Raises
    ------
    InputError
        When the block cannot hold the injuries, or when the tissues, ``at_once`` of them at work, need more memory than
        is free.
    """
    instance("skin", skin, Skin, "for example Skin(site='cheek')")
    instance("protocol", protocol, Protocol, "for example Protocol.series(Session(depth_mm=1.5))")
    block = block_of(skin, **{name: options[name] for name in BLOCK})
    for _, session in protocol.events():
        check_fit(block, skin, injure(skin, session))
    days = in_range("days", options["days"], 0.0, 3650.0, "days")
    kept = KEPT_DAYS if options["kept_days"] is None else options["kept_days"]
    needed = at_once * working_bytes(model, block) + n * kept_bytes(model, block, len(kept) + 1)
    free = free_bytes()
    who = f"{n} tissues, {at_once} at once," if n > 1 else "a tissue"
    size = f"{' x '.join(str(n) for n in block.shape)} voxels"
    if free is not None and needed > free:
        raise InputError(
            f"{who} of {size} {'need' if n > 1 else 'needs'} about {readable(needed)} of memory, and {readable(free)} "
            "are free: give a smaller block, larger voxels or fewer kept_days"
            + (" or processes" if at_once > 1 else "")
        )
    ends = timetable(protocol, days)
    return ends, f"{who} of {size}, {len(ends)} steps each; about {readable(needed)} of memory"
