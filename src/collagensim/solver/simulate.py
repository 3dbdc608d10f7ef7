"""From skin and protocol to a response: binds, runs and labels a mean-field course."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from collagensim.errors import ContraindicationWarning, InputError, in_range, one_of
from collagensim.model import Model
from collagensim.response import Course, Response, as_dataset
from collagensim.skin import LAYERS, Skin
from collagensim.solver.columns import Columns
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import (
    BETWEEN,
    ZONE,
    Happening,
    MeanField,
    Segment,
    run_course,
)  # fmt: skip
from collagensim.solver.provenance import provenance_of
from collagensim.solver.solve import METHODS, long_names
from collagensim.treatment import Protocol, injure

Array = npt.NDArray[np.float64]

MAX_DAYS = 36525.0
# Hours after a session at which the output is denser than daily: inflammation moves within hours.
AFTER_SESSION_H = (0.5, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 30, 36, 42)


def simulate(
    model: Model,
    skin: Skin,
    protocol: Protocol,
    *,
    days: float = 365.0,
    ageing: bool = True,
    output_days: Iterable[float] | None = None,
    rtol: float = 1e-6,
    method: str = "rodas5p",
    deadline_s: float = 600.0,
) -> Response:
    """Return the mean-field response of ``skin`` to ``protocol``; see `collagensim.simulate`."""
    warn(skin, protocol)
    field, segments, span = _run(model, skin, protocol, days, ageing, output_days, rtol, method, deadline_s)
    found = Columns(field, segments, protocol.days)
    names = long_names(model)
    data, zone, between = (
        as_dataset(course, layers=LAYERS, long_names=names)
        for course in (found.tissue(), found.compartment(ZONE), found.compartment(BETWEEN))
    )
    record = provenance_of(
        model,
        {"days": span, "ageing": bool(ageing), "rtol": rtol, "method": method},
        skin=skin.to_dict(),
        protocol=protocol.to_dict(),
        sources=[dict(row) for row in skin.table()],
        assumptions=list(protocol.all_assumptions),
    )
    return Response(data, zone=zone, between=between, provenance=record, statistics=field.engine.statistics())


def simulate_course(
    model: Model,
    skin: Skin,
    protocol: Protocol,
    *,
    days: float = 365.0,
    ageing: bool = True,
    rtol: float = 1e-5,
) -> Course:
    """Return the tissue averages of a course as bare arrays: what a scan needs, without labels."""
    field, segments, _ = _run(model, skin, protocol, days, ageing, None, rtol, "rodas5p", 600.0)
    return Columns(field, segments, protocol.days).tissue()


def warn(skin: Skin, protocol: Protocol) -> None:
    """Raise a `ContraindicationWarning` for each reason not to needle this skin, when there is a session."""
    if protocol.events():
        for reason in skin.warnings():
            warnings.warn(reason, ContraindicationWarning, stacklevel=4)


def _run(
    model: Model, skin: Skin, protocol: Protocol, days: float, ageing: bool, output_days: Iterable[float] | None,
    rtol: float, method: str, deadline_s: float,
) -> tuple[MeanField, list[Segment], float]:  # fmt: skip
    for what, value, kind in (("skin", skin, Skin), ("protocol", protocol, Protocol)):
        if not isinstance(value, kind):
            raise InputError(f"{what} is {type(value).__name__} {value!r}: give a {kind.__name__}")
    if not isinstance(ageing, (bool, np.bool_)):
        raise InputError(f"ageing {ageing!r} is not True or False")
    one_of("method", method, METHODS)
    limits = Limits(rtol=in_range("rtol", rtol, 1e-12, 1e-2), deadline_s=deadline_s)
    span = in_range("days", days, 0.0, MAX_DAYS, "day")
    field = MeanField(model, {**skin.inputs(), "skin.ageing": float(ageing)}, limits, method)
    happenings = _happenings(skin, protocol, field.radius_um, span)
    times = _times(output_days, span, [h.day for h in happenings if h.injury is not None])
    return field, run_course(field, happenings, span, times), span


def _happenings(skin: Skin, protocol: Protocol, radius_um: float, days: float) -> list[Happening]:
    late = [day for day, _ in protocol.events() if day > days]
    if late:
        raise InputError(
            f"days {days:g} ends before the last session on day {late[-1]:g}: give days of at least that"
        )
    cares = [Happening(day, None, change) for day, change in protocol.care_changes() if day <= days]
    injuries = [
        Happening(day, injure(skin, session, zone_radius_um=radius_um), {})
        for day, session in protocol.events()
    ]
    return cares + injuries


def _times(output_days: Iterable[float] | None, days: float, sessions: list[float]) -> Array:
    """Output days: those asked for, else daily and denser in the two days after each session."""
    if output_days is None:
        daily = np.arange(0.0, np.floor(days) + 1.0)
        dense = [day + hour / 24.0 for day in sessions for hour in AFTER_SESSION_H]
        grid = np.unique(np.concatenate([daily, [0.0, days], dense]))
        # A session's day and a dense hour of another may differ by rounding only.
        grid = grid[np.append(True, np.diff(grid) > 1e-6)]
        return np.asarray(grid[grid <= days])
    grid = np.asarray(list(output_days), dtype=np.float64)
    if grid.ndim != 1 or not grid.size or not np.all(np.isfinite(grid)) or np.any(np.diff(grid) <= 0):
        raise InputError("output_days must be increasing finite numbers")
    if grid[0] < 0 or grid[-1] > days:
        raise InputError(f"output_days run from {grid[0]:g} to {grid[-1]:g}: keep them within 0 to {days:g}")
    return grid
