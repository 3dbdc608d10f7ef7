"""From skin and protocol to a response: binds, runs and labels a mean-field course."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.errors import (
    ContraindicationWarning,
    InputError,
    in_range,
    increasing,
    instance,
    one_of,
    plain,
    shown,
)
from collagensim.model import Model
from collagensim.response import Course, Response, as_dataset
from collagensim.skin import LAYERS, Skin
from collagensim.solver.columns import Columns
from collagensim.solver.mean_field import (
    BETWEEN,
    ZONE,
    Happening,
    MeanField,
    Segment,
    run_course,
)  # fmt: skip
from collagensim.solver.provenance import provenance_of
from collagensim.solver.solve import METHODS, limits_of, long_names
from collagensim.treatment import Protocol, aftercare_table, device_table, injure

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
    asked = _Asked(model, skin, protocol, days, ageing, rtol, method, deadline_s)
    grid = None if output_days is None else increasing("output_days", output_days, 0.0, asked.span, "days")
    warn(skin, protocol)
    field, segments, notes = asked.run(grid)
    found = Columns(field, segments, protocol.days)
    names = long_names(model)
    data, zone, between = (
        as_dataset(course, layers=LAYERS, long_names=names)
        for course in (found.tissue(), found.compartment(ZONE), found.compartment(BETWEEN))
    )
    record = provenance_of(
        model,
        {
            "days": asked.span,
            "ageing": asked.ageing,
            "rtol": asked.limits.rtol,
            "method": method,
            "output_days": grid,
        },
        skin=skin.to_dict(),
        protocol=protocol.to_dict(),
        sources=_sources(skin, protocol),
        assumptions=[*protocol.all_assumptions, *notes],
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
    field, segments, _ = _Asked(model, skin, protocol, days, ageing, rtol, "rodas5p", 600.0).run(None)
    return Columns(field, segments, protocol.days).tissue()


def check(model: Model, skin: Skin, protocol: Protocol, *, days: float, ageing: bool, rtol: float) -> float:
    """Return ``days`` [day] as a float when courses can be asked for with these arguments; InputError otherwise."""
    return _Asked(model, skin, protocol, days, ageing, rtol, "rodas5p", 600.0).span


def warn(skin: Skin, protocol: Protocol) -> None:
    """Raise a `ContraindicationWarning` for each reason not to needle this skin, when there is a session."""
    if protocol.events():
        for reason in skin.warnings():
            warnings.warn(reason, ContraindicationWarning, stacklevel=4)


class _Asked:
    """A checked request for one course."""

    def __init__(
        self, model: Model, skin: Skin, protocol: Protocol, days: float, ageing: bool, rtol: float, method: str,
        deadline_s: float,
    ) -> None:  # fmt: skip
        instance("skin", skin, Skin, "for example Skin(site='cheek')")
        instance("protocol", protocol, Protocol, "for example Protocol.series(Session(depth_mm=1.5))")
        instance("model", model, Model, "for example dermal_healing()")
        if not isinstance(ageing, (bool, np.bool_)):
            raise InputError(f"ageing {shown(ageing)} is not True or False")
        self.model, self.skin, self.protocol = model, skin, protocol
        self.ageing = bool(ageing)
        self.method = one_of("method", method, METHODS)
        self.limits = limits_of(rtol, deadline_s)
        self.span = in_range("days", days, 0.0, MAX_DAYS, "days")

    def run(self, output_days: list[float] | None) -> tuple[MeanField, list[Segment], list[str]]:
        """Return the course in segments and what is to be noted of its injuries."""
        rest, drive = {**self.skin.inputs(), "skin.ageing": 0.0}, {"skin.ageing": float(self.ageing)}
        field = MeanField(self.model, rest, self.limits, self.method, drive)
        happenings = _happenings(self.skin, self.protocol, field.radius_um, self.span)
        injuries = [(h.day, h.injury) for h in happenings if h.injury is not None]
        times = _times(output_days, self.span, [day for day, _ in injuries])
        notes = list(dict.fromkeys(text for _, injury in injuries for text in injury.warnings))
        return field, run_course(field, happenings, self.span, times), notes


def _sources(skin: Skin, protocol: Protocol) -> list[dict[str, Any]]:
    """Return the figures of skin, devices and aftercare that a run used, in the columns of the parameters'."""
    devices = dict.fromkeys(session.device for _, session in protocol.events())
    rows = [*skin.table(), *(row for device in devices for row in device_table(device))]
    if protocol.care_changes():
        rows += aftercare_table()
    return [
        {
            "quantity": f"{row.get('of', '')} {row['quantity']}".strip(),
            "value": row["value"],
            "unit": row["unit"],
            "status": row["status"],
            "key": row["source"],
            "where": row.get("evidence", ""),
        }
        for row in rows
    ]


def _happenings(skin: Skin, protocol: Protocol, radius_um: float, days: float) -> list[Happening]:
    late = [day for day, _ in protocol.events() if day > days]
    if late:
        raise InputError(
            f"days {plain(days)} ends before the last session on day {plain(late[-1])}: "
            f"give days of {plain(late[-1])} or more"
        )
    cares = [Happening(day, None, change) for day, change in protocol.care_changes() if day <= days]
    wounds = {
        session: injure(skin, session, zone_radius_um=radius_um)
        for session in {session for _, session in protocol.events()}
    }
    injuries = [Happening(day, wounds[session], {}) for day, session in protocol.events()]
    return cares + injuries


def _times(output_days: list[float] | None, days: float, sessions: list[float]) -> Array:
    """Output days: those asked for, else daily and denser in the two days after each session."""
    if output_days is None:
        daily = np.arange(0.0, np.floor(days) + 1.0)
        dense = [day + hour / 24.0 for day in sessions for hour in AFTER_SESSION_H]
        exact = np.unique(np.concatenate([daily, [0.0, days], sessions]))
        fine = np.setdiff1d(dense, exact)
        # A dense hour may miss a day or a session by rounding only.
        near = np.abs(fine[:, None] - exact).min(axis=1) < 1e-6 if fine.size else np.zeros(0, dtype=bool)
        return np.asarray([day for day in np.union1d(exact, fine[~near]) if day <= days])
    return np.asarray(output_days, dtype=np.float64)
