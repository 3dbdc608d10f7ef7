"""The same course up to a day, then another protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from collagensim.errors import InputError, ModelError, in_range, instance
from collagensim.model import Model
from collagensim.response import Response
from collagensim.skin import Skin
from collagensim.treatment import Protocol


def branched(
    response: Response,
    day: float,
    protocol: Protocol | None,
    *,
    days: float | None,
    simulate: Callable[..., Response],
    model: Model,
) -> Response:
    """Return the course of ``response`` until ``day`` [day] and of ``protocol`` from then on.

    Parameters
    ----------
    response : Response
        Made by ``simulate`` with ``model``, or with that model and other parameter values.
    day : float
        On the clock of ``response``; sessions before it are kept, the others dropped.
    protocol : Protocol or None
        Sessions on ``day`` or later, on the same clock; None for no further session.
    days : float or None
        Length of the new course [day]; None for that of ``response``.
    simulate, model
        The engine and the model it knows; a response of another model is refused.

    Raises
    ------
    ModelError
        When the response was made by a model that this version does not know.
    InputError
        When ``day`` lies outside the course or a session of ``protocol`` before ``day``.
    """
    record = response.provenance
    if not record.get("skin") or not record.get("protocol"):
        raise ModelError(
            "this response has no skin and protocol: only a course made by simulate can be branched"
        )
    known = same_model(model, record)
    options = dict(record.get("options", {}))
    length = float(options.pop("days"))
    start = in_range("day", day, 0.0, length, "days")
    end = length if days is None else days
    after = Protocol() if protocol is None else instance("protocol", protocol, Protocol, "a Protocol or None")
    whole = joined(Protocol.from_dict(record["protocol"]), start, after)
    return simulate(Skin.from_dict(record["skin"]), whole, days=end, model=known, **_settings(options))


def joined(before: Protocol, day: float, after: Protocol) -> Protocol:
    """Sessions and aftercare that begin before ``day``, then those of ``after``; begun aftercare runs on.

    Aftercare carried by a dropped session that had begun (care before a session) runs on as well.
    """
    starts = (*after.days, *(course.start_day for course in after.care_courses))
    early = [start for start in starts if start < day]
    if early:
        raise InputError(f"the new protocol begins on day {early[0]:g}: give days from {day:g} on")
    kept = tuple(entry for entry in before.sessions if entry[0] < day)
    dropped = Protocol(tuple(entry for entry in before.sessions if entry[0] >= day))
    begun = [c for c in (*before.aftercare, *dropped.care_courses) if c.start_day < day]
    assumptions = tuple(dict.fromkeys((*before.assumptions, *after.assumptions)))
    name = f"{before.name}, branched on day {day:g}" if before.name else ""
    sessions = (*kept, *after.sessions)
    return Protocol(sessions, aftercare=(*begun, *after.aftercare), name=name, assumptions=assumptions)


def same_model(model: Model, record: Any) -> Model:
    """Return ``model`` with the parameter values of ``record`` when that gives the recorded hash."""
    unknown = ModelError(
        f"this response was made by model {record.get('model')!r} ({record.get('model_hash')}), which this "
        f"version does not know: it has {model.name!r} ({model.hash}); simulate again to branch"
    )
    try:
        same = model.with_parameters(dict(record.get("changed_parameters") or {}))
    except ModelError:
        raise unknown from None
    if same.hash != record.get("model_hash"):
        raise unknown
    return same


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """What ``simulate`` was told and must be told again; the output grid is made anew."""
    return {name: options[name] for name in ("ageing", "rtol", "method") if name in options}
