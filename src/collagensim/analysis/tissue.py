"""One tissue with a bar of simulated days, refused before it starts when it cannot fit into memory."""

from __future__ import annotations

import warnings

from collagensim.analysis.day_bar import day_bar, is_shown
from collagensim.analysis.memory import free_bytes, readable
from collagensim.errors import InputError, plain
from collagensim.response import Tissue
from collagensim.solver.tissue.asked import Asked
from collagensim.solver.tissue.course import timetable
from collagensim.solver.tissue.memory import kept_bytes, working_bytes
from collagensim.solver.tissue.probe import seconds_a_step
from collagensim.solver.tissue.run import simulate_tissue
from collagensim.solver.tissue.world import world_of

# Voxels and steps from which a run takes some seconds, so that people are told beforehand without asking.
WORTH_TELLING = 5e6


def simulate_watched(asked: Asked, progress: bool | None) -> Tissue:
    """Return the tissue that was asked for; see `collagensim.simulate_tissue`."""
    ends, statement = forecast(asked, 1)
    statement = told_before(asked, statement, len(ends), progress)
    with day_bar(ends, 1, "tissue", progress, statement) as move:
        found = simulate_tissue(
            asked.model, asked.architecture, asked.skin, asked.protocol, watch=lambda day: move([day]),
            **asked.options,
        )  # fmt: skip
    tell_interrupt(found, asked.days)
    return found


def tell_interrupt(tissue: Tissue, days: float) -> None:
    """Warn the caller's caller's caller of a tissue that an interrupt ended before so many days."""
    status = tissue.provenance["status"]
    if status != "completed":
        text = f"{status} of {plain(days)}: the tissue holds the finished days only"
        warnings.warn(text, RuntimeWarning, stacklevel=4)


def told_before(asked: Asked, statement: str, n_steps: float, progress: bool | None) -> str:
    """Return what a run will need with the time it will take; nothing where it is short and nobody has asked."""
    if progress or (is_shown(progress) and n_steps * asked.block.n_voxels > WORTH_TELLING):
        return statement + duration(asked, n_steps)
    return ""


def duration(asked: Asked, n_steps: float) -> str:
    """Return how long so many steps will take on this machine, in words, from a few that are tried."""
    world = world_of(
        asked.model, asked.skin, asked.block, asked.architecture, 0, ageing=asked.options["ageing"]
    )
    seconds = n_steps * seconds_a_step(world)
    return f", {seconds:.0f} s or somewhat more on this machine, from a few steps that were tried"


def forecast(asked: Asked, at_once: int, n: int = 1) -> tuple[list[float], str]:
    """Return the days on which steps end, and what ``n`` courses will need, in a sentence.

    Raises
    ------
    InputError
        When the tissues, ``at_once`` of them at work, need more memory than is free.
    """
    model, block = asked.model, asked.block
    needed = at_once * working_bytes(model, block) + n * kept_bytes(model, block, len(asked.kept_days) + 1)
    free = free_bytes()
    who = f"{n} tissues, {at_once} at once," if n > 1 else "a tissue"
    size = f"{' x '.join(str(n) for n in block.shape)} voxels"
    if free is not None and needed > free:
        raise InputError(
            f"{who} of {size} {'need' if n > 1 else 'needs'} about {readable(needed)} of memory, and {readable(free)} "
            "are free: give a smaller block, larger voxels or fewer kept_days"
            + (" or processes" if at_once > 1 else "")
        )
    ends = timetable(asked.protocol, asked.days)
    return ends, f"{who} of {size}, {len(ends)} steps each; about {readable(needed)} of memory"
