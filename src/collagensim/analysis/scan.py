"""Every endpoint over a grid of protocols: depth, density, spacing, number of sessions."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from collagensim.analysis.endpoints import DEFINITIONS, UNITS
from collagensim.analysis.many import run_members
from collagensim.analysis.memory import planned
from collagensim.analysis.pairing import Pairs
from collagensim.analysis.reduction import Found
from collagensim.analysis.request import asked_for
from collagensim.errors import InputError, SolveError, increasing, plain, whole
from collagensim.model import Model
from collagensim.notice import NOTICE
from collagensim.skin import Skin
from collagensim.treatment import Protocol, Session

AXES = {
    "depth_mm": ("mm", "needle length or depth setting"),
    "density_per_cm2": ("1/cm^2", "channels per skin area and session"),
    "spacing_days": ("day", "days between sessions"),
    "sessions": ("1", "number of sessions"),
}
MAX_POINTS = 100_000  # at about 2 ms a course some minutes on one core, and 0.2 GB of protocols


class ScanInterrupted(KeyboardInterrupt):
    """Ctrl-C during a scan; ``partial`` holds the finished points, the others NaN with status "not run"."""

    def __init__(self, partial: xr.Dataset) -> None:
        super().__init__("the scan was interrupted; the finished points are in .partial")
        self.partial = partial


@dataclass(frozen=True, eq=False)
class _Grid:
    """The points of a scan and the protocol at each."""

    axes: dict[str, list[float]]
    protocols: list[Protocol]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.axes.values())

    def label(self, index: int) -> str:
        place = np.unravel_index(index, self.shape)
        return ", ".join(
            f"{name}={values[i]:g}" for (name, values), i in zip(self.axes.items(), place, strict=True)
        )


def scan(
    model: Model,
    skin: Skin,
    protocol: Protocol,
    *,
    days: float,
    ageing: bool = True,
    rtol: float = 1e-5,
    depth_mm: Sequence[float] | None = None,
    density_per_cm2: Sequence[float] | None = None,
    spacing_days: Sequence[float] | None = None,
    sessions: Sequence[int] | None = None,
    progress: bool = True,
    threads: int | None = None,
) -> xr.Dataset:
    """Endpoints of a course at every point of a grid of protocols.

    Parameters
    ----------
    model : Model
    skin : Skin
    protocol : Protocol
        Its sessions are changed in depth and density; its first session is repeated when spacing or number
        are scanned, with its own spacing and number where only one of them is.
    days : float
        Length of every course [day]; no session may come later.
    ageing, rtol
        As in `collagensim.simulate`.
    depth_mm, density_per_cm2, spacing_days, sessions : increasing numbers
        What to scan [mm, 1/cm^2, day, 1]; at least one. Only those given become dimensions.
    progress : bool
        Whether to draw a bar on stderr.
    threads : int or None
        None for all cores this process may use.

    Returns
    -------
    xarray.Dataset
        One variable an endpoint (see `collagensim.analysis.endpoints`) with ``units`` and ``long_name``, and
        ``status``: "ok", or why that point failed. A failed point is NaN and raises a warning.

    Raises
    ------
    InputError
        For an empty, unsorted or non-finite grid, or a protocol that cannot be made.
    SolveError
        When every point failed.
    ScanInterrupted
        On Ctrl-C; it carries what was finished.
    """
    grid = _grid(protocol, days, depth_mm, density_per_cm2, spacing_days, sessions)
    n = len(grid.protocols)
    asked = asked_for(
        model, Pairs(n, [skin], grid.protocols, {}), days=days, ageing=ageing, output="summary", output_days=[days],
        endpoints=True, variables=(), rtol=rtol, threads=threads,
    )  # fmt: skip
    found = Found.nothing(asked)
    try:
        run_members(asked, planned(asked), found, title="scan", progress=bool(progress))
    except KeyboardInterrupt:
        raise ScanInterrupted(_dataset(grid, found, _reasons(found), skin, protocol, days)) from None
    reasons = _reasons(found)
    _report_failures(grid, reasons)
    return _dataset(grid, found, reasons, skin, protocol, days)


def _reasons(found: Found) -> list[str]:
    """How each point ended."""
    ended = ["ok" if done else "not run" for done in found.done]
    for i, (_, message) in found.failures.items():
        ended[i] = message
    return ended


def _report_failures(grid: _Grid, reasons: list[str]) -> None:
    failed = [index for index, reason in enumerate(reasons) if reason != "ok"]
    if not failed:
        return
    first = f"{grid.label(failed[0])}: {reasons[failed[0]]}"
    if len(failed) == len(reasons):
        raise SolveError(f"every point of the scan failed; the first, {first}")
    text = f"{len(failed)} of {len(reasons)} points failed and are NaN (see .status); the first, {first}"
    warnings.warn(text, RuntimeWarning, stacklevel=3)


def _dataset(
    grid: _Grid, found: Found, reasons: list[str], skin: Skin, protocol: Protocol, days: float
) -> xr.Dataset:
    dims = tuple(grid.axes)
    variables: dict[str, xr.Variable] = {}
    for name, values in found.answered_endpoints().items():
        attributes = {
            "units": UNITS[name],
            "long_name": name.replace("_", " "),
            "definition": DEFINITIONS[name],
        }
        variables[name] = xr.Variable(dims, np.reshape(values, grid.shape), attributes)
    status = np.reshape(np.array(reasons, dtype=object), grid.shape)
    variables["status"] = xr.Variable(dims, status, {"long_name": "how the point ended"})
    coordinates = {
        name: xr.Variable(name, np.array(values), {"units": AXES[name][0], "long_name": AXES[name][1]})
        for name, values in grid.axes.items()
    }
    about = {
        "days": float(days),
        "skin": json.dumps(skin.to_dict()),
        "protocol": json.dumps(protocol.to_dict()),
        "failed_points": sum(reason != "ok" for reason in reasons),
        "notice": NOTICE,
    }
    return xr.Dataset(variables, coords=coordinates, attrs=about)


def _grid(
    protocol: Protocol,
    days: float,
    depth_mm: Sequence[float] | None,
    density_per_cm2: Sequence[float] | None,
    spacing_days: Sequence[float] | None,
    sessions: Sequence[int] | None,
) -> _Grid:
    given = {
        "depth_mm": depth_mm,
        "density_per_cm2": density_per_cm2,
        "spacing_days": spacing_days,
        "sessions": sessions,
    }
    axes = {name: _axis(name, values) for name, values in given.items() if values is not None}
    if not axes:
        raise InputError(f"nothing to scan: give one or more of {', '.join(AXES)}")
    n_points = math.prod(len(values) for values in axes.values())
    if n_points > MAX_POINTS:
        raise InputError(f"the scan has {n_points} points: give at most {MAX_POINTS}, or scan in parts")
    if not protocol.sessions:
        raise InputError("the protocol has no session to vary: give one with at least one session")
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    protocols = [_protocol_at(protocol, point) for point in points]
    for point, made in zip(points, protocols, strict=True):
        last = made.last_day
        if last > days:
            where = ", ".join(f"{name}={plain(value)}" for name, value in point.items())
            raise InputError(
                f"days {plain(days)} ends before the last session at {where} on day {plain(last)}: "
                f"give days of {plain(last)} or more"
            )
    return _Grid(axes, protocols)


def _axis(name: str, values: object) -> list[float]:
    """Return the values of one axis as increasing finite numbers."""
    axis = increasing(name, values)
    if name != "sessions":
        return axis
    return [whole(f"sessions[{i}]", value, 1, 1000) for i, value in enumerate(axis)]


def _protocol_at(protocol: Protocol, point: Mapping[str, float]) -> Protocol:
    """``protocol`` with what ``point`` names changed."""
    if "spacing_days" not in point and "sessions" not in point:
        dated = tuple((day, _session_at(session, point)) for day, session in protocol.sessions)
        return replace(protocol, sessions=dated)
    session = _session_at(protocol.sessions[0][1], point)
    number = int(point.get("sessions", len(protocol.sessions)))
    first = protocol.days[0]
    if number == 1:
        return replace(protocol, sessions=((first, session),))
    spacing = point["spacing_days"] if "spacing_days" in point else _spacing(protocol)
    made = Protocol.series(session, sessions=number, spacing_days=spacing, start_day=first)
    return replace(protocol, sessions=made.sessions)


def _session_at(session: Session, point: Mapping[str, float]) -> Session:
    if session.is_punch and point.keys() & {"depth_mm", "density_per_cm2"}:
        raise InputError("a punch goes through the whole dermis: depth and density cannot be scanned")
    if "depth_mm" in point:
        if session.depth_reached_mm is not None:
            raise InputError(
                "depth_mm cannot be scanned while depth_reached_mm is set: leave depth_reached_mm out"
            )
        session = replace(session, depth_mm=point["depth_mm"])
    if "density_per_cm2" in point:
        session = replace(session, density_per_cm2=point["density_per_cm2"], passes=None)
    return session


def _spacing(protocol: Protocol) -> float:
    """The one spacing of ``protocol`` [day]."""
    gaps = np.diff(protocol.days)
    if gaps.size == 0 or np.ptp(gaps) > 1e-9 * gaps[0]:
        raise InputError(
            "the protocol has no single spacing to scan sessions with: give spacing_days as well"
        )
    return float(gaps[0])
