"""A tissue that goes on from a kept day: with the same protocol, or with another from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from collagensim.analysis.branch import joined, same_model
from collagensim.analysis.tissue import tell_interrupt
from collagensim.errors import InputError, ModelError, in_range, instance, plain
from collagensim.model import Architecture, Model
from collagensim.response import Tissue
from collagensim.skin import Skin
from collagensim.solver.tissue.course import SLOWEST, tick_of
from collagensim.solver.tissue.record import told
from collagensim.solver.tissue.run import simulate_tissue
from collagensim.solver.tissue.world import TICKS
from collagensim.treatment import Protocol

SETTINGS = ("seed", "ageing", "width_mm", "breadth_mm", "depth_mm", "voxel_um", "slab_um")


def branched(
    tissue: Tissue,
    day: float,
    protocol: Protocol | None,
    *,
    days: float | None,
    model: Model,
    architecture: Architecture,
) -> Tissue:
    """Return the course of ``tissue`` until the kept ``day`` [day], then of ``protocol``; see `Tissue.branch`.

    Parameters
    ----------
    tissue : Tissue
        Made with ``model``, or that model with other parameter values, and ``architecture``.
    day, protocol, days
        As in `Tissue.branch`.
    model, architecture
        The biology that is known; a tissue of another is refused.
    """
    record, options = tissue.provenance, tissue.provenance["options"]
    known = same_model(model, record)
    if told(architecture) != options["architecture"]:
        raise ModelError(
            "the architecture of this tissue was told otherwise than this version knows it: simulate again to branch"
        )
    begin = _kept(tissue, day)
    before = Protocol.from_dict(record["protocol"])
    after = before if protocol is None else _after(before, begin, instance("protocol", protocol, Protocol))
    end = in_range("days", options["days"] if days is None else days, begin, 3650.0, "days")
    kept = options["kept_days"]
    found = simulate_tissue(
        known, architecture, Skin.from_dict(record["skin"]), after, days=end, past=tissue, begin=begin,
        output_days=_output_days(options, end), kept_days=kept and [day for day in kept if day <= end],
        **{name: options[name] for name in SETTINGS},
    )  # fmt: skip
    tell_interrupt(found, end)
    return found


def _kept(tissue: Tissue, day: float) -> float:
    """Return a day whose state can be gone on from: only where the longest step may end does no step get cut."""
    usable = [kept for kept in tissue.snapshots if tick_of(kept) % SLOWEST == 0]
    given = in_range("day", day, 0.0, 3650.0, "days")
    found = next((kept for kept in usable if abs(kept - given) < 0.5 / TICKS), None)
    if found is None:
        listed = ", ".join(map(plain, usable)) or "none"
        raise InputError(
            f"a course cannot go on from day {plain(given)}: this tissue was kept on days {listed}; give kept_days, "
            f"in multiples of {plain(24.0 * SLOWEST / TICKS)} hours, to keep others"
        )
    return found


def _after(before: Protocol, day: float, after: Protocol) -> Protocol:
    """Return the past of one protocol with what another holds from ``day`` on."""
    if not after.days or after.days[0] >= day:
        return joined(before, day, after)
    if _until(before, day) != _until(after, day):
        raise InputError(
            f"what comes before day {plain(day)} is past: leave it out of the protocol, or give the sessions and "
            "aftercare that this tissue had"
        )
    return after


def _until(protocol: Protocol, day: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    sessions = [{"day": at, **session.to_dict()} for at, session in protocol.sessions if at < day]
    return sessions, [care.to_dict() for care in protocol.care_courses if care.start_day < day]


def _output_days(options: Mapping[str, Any], end: float) -> list[float] | None:
    """Return the output days that were asked for, and whole days where a course goes on longer."""
    length = float(options["days"])
    asked = [day for day in options["output_days"] if day <= end]
    more = [day for day in np.arange(np.floor(end) + 1.0).tolist() if day > length]
    return [*asked, *more] or None
