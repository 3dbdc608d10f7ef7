"""From skin and protocol to a response: binds, runs and labels a mean-field course."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from collagensim.errors import (
    CollagensimError,
    ContraindicationWarning,
    InputError,
    SolveError,
    SolveInterrupted,
    in_range,
    increasing,
    instance,
    number,
    one_of,
    plain,
    truth,
)
from collagensim.model import Model
from collagensim.response import Course, Response, as_dataset
from collagensim.skin import LAYERS, Skin
from collagensim.solver.columns import Columns, Courses
from collagensim.solver.mean_field import (
    Happening,
    MeanField,
    Record,
    run_course,
)  # fmt: skip
from collagensim.solver.provenance import provenance_of
from collagensim.solver.resting import NobodyLeft, at_rest, one_at_rest
from collagensim.solver.solve import METHODS, limits_of, long_names
from collagensim.solver.status import Status
from collagensim.treatment import Injury, Protocol, Session, aftercare_table, device_table, injure

Array = npt.NDArray[np.float64]

MAX_DAYS = 36525.0
MAX_SECONDS = 3600.0  # of a set of derivatives
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
    field, record, notes = asked.run(grid)
    columns = Columns(field, record, protocol.days)
    label = functools.partial(as_dataset, layers=LAYERS, long_names=long_names(model))
    provenance = provenance_of(
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
        sources=sources_used(skin, protocol),
        assumptions=[*protocol.all_assumptions, *notes],
    )
    return Response(
        label(columns.tissue().course(0)),
        zone=lambda: label(columns.part("zone").course(0)),
        between=lambda: label(columns.part("between").course(0)),
        provenance=provenance,
        statistics=field.engine.statistics(),
    )


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
    field, record, _ = _Asked(model, skin, protocol, days, ageing, rtol, "rodas5p", 600.0).run(None)
    return Columns(field, record, protocol.days).tissue().course(0)


def simulate_courses(
    model: Model,
    skins: Skin | Sequence[Skin],
    protocols: Protocol | Sequence[Protocol],
    parameter_sets: Sequence[Mapping[str, float]] | None = None,
    *,
    days: float = 365.0,
    ageing: bool = True,
    rtol: float = 1e-5,
    grids: Sequence[float] | Sequence[Sequence[float]] | None = None,
    variables: Sequence[str] | None = None,
    threads: int = 1,
    deadline_s: float = 600.0,
) -> Courses:
    """Return the tissue averages of many courses that are advanced together.

    A member's course is the same, bit for bit, as if it were the only one. A member that cannot be bound or whose
    solve ends early is told in ``failures`` of the result and stops nobody.

    Parameters
    ----------
    model : Model
    skins, protocols : one for all members, or one each
    parameter_sets : sequence of mappings, optional
        Of each member, the parameters that differ from the model's, name -> value in the parameter's unit.
    days : float
        Length of every course [day].
    ageing, rtol
        As in `simulate`.
    grids : sequence of float, or one such sequence for each member, optional
        Output days; default as in `simulate`.
    variables : sequence of str, optional
        Species and derived quantities to return; default all.
    threads : int
    deadline_s : float
        Wall seconds allowed for all members together.

    Raises
    ------
    InputError
        For what is wrong with the call itself; of a single member also for what is wrong with that member.
    """
    someone, plans = _listed(skins), _listed(protocols)
    n = max(len(someone), len(plans), len(parameter_sets or ()))
    for what, given in (("skins", someone), ("protocols", plans), ("parameter_sets", parameter_sets or [{}])):
        if len(given) not in (1, n):
            raise InputError(f"{len(given)} {what} for {n} members: give one for all, or one each")
    each = grids if grids is not None and len(grids) and np.ndim(grids[0]) else [grids] * n
    if len(each) != n:
        raise InputError(f"{len(each)} grids for {n} members: give one for all, or one each")
    asked = [
        _Asked(model, skin, protocol, days, ageing, rtol, "rodas5p", deadline_s)
        for skin, protocol in zip(_spread(someone, n), _spread(plans, n), strict=True)
    ]
    checked: dict[int, list[float] | None] = {id(None): None}  # members mostly share one grid
    for grid in each:
        if id(grid) not in checked:
            checked[id(grid)] = increasing("grids", grid, 0.0, asked[0].span, "days")
    output = [checked[id(grid)] for grid in each]
    parameters, failures = _parameters(model, _spread(list(parameter_sets or [{}]), n))
    try:
        field, record, _ = _run(asked, output, parameters, failures, threads)
    except NobodyLeft as nobody:
        return Courses.of_nobody(nobody.failures)
    return Columns(field, record, [one.protocol.days for one in asked], variables).tissue()


STEP = 1e-30  # of a complex step: its square is nothing beside one, so that no digit is lost


def simulate_derivatives(
    model: Model, skin: Skin, protocol: Protocol, names: Sequence[str], *, days: float, ageing: bool,
    grid: Sequence[float], variables: Sequence[str], rtol: float, threads: int = 1,
) -> tuple[Array, dict[str, Array], Mapping[str, str]]:  # fmt: skip
    """Return the derivatives of a course by the logarithms of parameters.

    Every parameter is a member whose value has a tiny imaginary part, which baseline, sessions, formulas and the
    stepper carry along; the steps are those of the course itself. What comes out is the exact derivative of the
    numerical solution, not a difference of two.

    Returns
    -------
    time : (n_times,) [day]
    derivatives : variable -> (n_names, n_times[, layer]) in the variable's unit.
    units : variable -> unit
    """
    asked = _Asked(model, skin, protocol, days, ageing, rtol, "rodas5p", MAX_SECONDS)
    output = increasing("output_days", grid, 0.0, asked.span, "days")
    n = len(names)
    parameters: dict[str, npt.NDArray[Any]] = {}
    for i, name in enumerate(names):
        parameters[name] = np.full(n, model.parameter(name).value, dtype=np.complex128)
        parameters[name][i] *= 1.0 + 1j * STEP
    field, record, _ = _run([asked] * n, [output] * n, parameters, {}, threads)
    found = Columns(field, record, [protocol.days] * n, variables).tissue()
    for member, error in found.failures.items():
        raise SolveError(f"by {names[member]!r}: {error}", getattr(error, "status", Status.NOT_FINITE))
    derivatives = {name: values.imag / STEP for name, values in found.values.items()}
    return np.asarray(output), derivatives, found.units


T = TypeVar("T")


def _listed(given: T | Sequence[T]) -> list[T]:
    return list(given) if isinstance(given, Sequence) else [given]


def _spread(given: list[T], n: int) -> list[T]:
    return given * n if len(given) == 1 else given


def _parameters(
    model: Model, sets: Sequence[Mapping[str, float]]
) -> tuple[dict[str, Array], dict[int, CollagensimError]]:
    """Values of the parameters that differ, name -> (N,), and the members whose values are out of range."""
    found: dict[str, Array] = {}
    failures: dict[int, CollagensimError] = {}
    for name in dict.fromkeys(name for one in sets for name in one):
        declared = model.parameter(name)
        given = [one.get(name, declared.value) for one in sets]
        floats = all(isinstance(value, float) for value in given)
        values = np.array(given) if floats else np.full(len(given), np.nan)
        fits = (values >= declared.low) & (values <= declared.high)
        found[name] = np.where(fits, values + 0.0, declared.value)  # -0.0 becomes 0.0
        # What is no float, or does not fit, is looked at one by one.
        for member in np.flatnonzero(~fits).tolist():
            try:
                value = number(name, given[member])
                in_range(f"parameter {name!r}", value, declared.low, declared.high, declared.unit)
                found[name][member] = value
            except InputError as error:
                failures.setdefault(member, error)
    return found, failures


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
        self.model, self.skin, self.protocol = model, skin, protocol
        self.ageing = truth("ageing", ageing)
        self.method = one_of("method", method, METHODS)
        self.limits = limits_of(rtol, deadline_s)
        self.span = in_range("days", days, 0.0, MAX_DAYS, "days")

    def run(self, output_days: list[float] | None) -> tuple[MeanField, Record, list[str]]:
        """Return what ran, what it left behind, and what is to be noted of its injuries."""
        return _run([self], [output_days], {}, {})


def _run(
    asked: Sequence[_Asked],
    grids: Sequence[list[float] | None],
    parameters: Mapping[str, npt.NDArray[Any]],
    failures: Mapping[int, CollagensimError],
    threads: int = 1,
) -> tuple[MeanField, Record, list[str]]:
    """Run the courses asked for, of one model and one set of limits; see `_Asked.run`."""
    first = asked[0]
    skins, drive = (
        [{**_skin_inputs(one.skin), **_UNDRIVEN} for one in asked],
        {"skin.ageing": float(first.ageing)},
    )
    if len(asked) == 1 and not parameters:
        rest = one_at_rest(first.model, skins[0], drive)
    else:
        rest = at_rest(first.model, skins, drive, parameters, failures)
    field = MeanField.of(rest, first.limits, first.method, threads)
    plans: list[list[Happening]] = [[] for _ in asked]
    known: dict[tuple[int, int, float], list[Happening]] = {}  # members mostly share skin and protocol
    times = [np.empty(0)] * len(asked)
    for place, i in enumerate(field.bound.numbers.tolist()):
        skin, protocol, radius_um = asked[i].skin, asked[i].protocol, float(field.radius_um[place])
        key = (id(skin), id(protocol), radius_um)
        try:
            if key not in known:
                known[key] = happenings(skin, protocol, radius_um, first.span)
            plans[i] = known[key]
        except CollagensimError as error:
            field.stop(place, error)
            continue
        sessions = tuple(h.day for h in plans[i] if h.injury is not None)
        times[i] = daily(first.span, sessions) if grids[i] is None else np.asarray(grids[i], dtype=np.float64)
    injuries = dict.fromkeys(h.injury for plan in plans for h in plan if h.injury is not None)
    notes = list(dict.fromkeys(text for injury in injuries for text in injury.warnings))
    try:
        return field, run_course(field, plans, first.span, times), notes
    except SolveError as error:
        if isinstance(error.finished, Record):
            error.finished = Columns(field, error.finished, first.protocol.days).tissue().course(0)
        raise
    except SolveInterrupted as interrupt:
        if isinstance(interrupt.partial, Record):
            interrupt.partial = Columns(field, interrupt.partial, first.protocol.days).tissue().course(0)
        raise


# Ageing moves a skin that is at rest without it.
_UNDRIVEN = {"skin.ageing": 0.0}


@functools.lru_cache(maxsize=1024)
def _skin_inputs(skin: Skin) -> Mapping[str, Any]:
    """What a skin gives; courses of one skin ask again and again."""
    return MappingProxyType(skin.inputs())


@functools.lru_cache(maxsize=4096)
def _wound(skin: Skin, session: Session, zone_radius_um: float) -> Injury:
    return injure(skin, session, zone_radius_um=zone_radius_um)


def sources_used(skin: Skin, protocol: Protocol) -> list[dict[str, Any]]:
    """Return the figures of skin, devices and aftercare that a run used, in the columns of the parameters'."""
    devices = dict.fromkeys(session.device for _, session in protocol.events())
    used = _figures(skin, tuple(devices), bool(protocol.care_changes()))
    return [dict(row) for row in used]


@functools.lru_cache(maxsize=256)
def _figures(skin: Skin, devices: tuple[str, ...], has_care: bool) -> tuple[dict[str, Any], ...]:
    rows = [*skin.table(), *(row for device in devices for row in device_table(device))]
    if has_care:
        rows += aftercare_table()
    return tuple(
        {
            "quantity": f"{row.get('of', '')} {row['quantity']}".strip(),
            "value": row["value"],
            "unit": row["unit"],
            "status": row["status"],
            "key": row["source"],
            "where": row.get("evidence", ""),
        }
        for row in rows
    )


def happenings(skin: Skin, protocol: Protocol, radius_um: float, days: float) -> list[Happening]:
    """Return what happens to a skin in so many days: changes of care, then injuries."""
    check_sessions(protocol, days)
    cares = [Happening(day, None, change) for day, change in protocol.care_changes() if day <= days]
    injuries = [Happening(day, _wound(skin, session, radius_um), {}) for day, session in protocol.events()]
    return cares + injuries


def check_sessions(protocol: Protocol, days: float) -> None:
    """Refuse a course of so many days that ends before its last session."""
    late = [day for day, _ in protocol.events() if day > days]
    if late:
        raise InputError(
            f"days {plain(days)} ends before the last session on day {plain(late[-1])}: "
            f"give days of {plain(late[-1])} or more"
        )


@functools.lru_cache(maxsize=1024)
def daily(days: float, sessions: tuple[float, ...]) -> Array:
    """Output days when none are asked for: daily and denser in the two days after each session."""
    daily = np.arange(0.0, np.floor(days) + 1.0)
    dense = [day + hour / 24.0 for day in sessions for hour in AFTER_SESSION_H]
    exact = np.unique(np.concatenate([daily, [0.0, days], sessions]))
    fine = np.setdiff1d(dense, exact)
    # A dense hour may miss a day or a session by rounding only.
    near = np.abs(fine[:, None] - exact).min(axis=1) < 1e-6 if fine.size else np.zeros(0, dtype=bool)
    found = np.asarray([day for day in np.union1d(exact, fine[~near]) if day <= days])
    found.flags.writeable = False  # it is shared
    return found
