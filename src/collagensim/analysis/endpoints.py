"""Clinical and histological endpoints of courses.

Every endpoint is a name, a unit, a place and a definition in one sentence; `endpoint_arrays` computes them for
many courses at once, `endpoint_values` for one, and `endpoint_table` shows them. An endpoint whose
variables a course does not hold is absent. One that is not reached within the course is NaN, and says so.

Changes are against the baseline, the skin before the first session: with ageing on, they include the loss
that untreated skin would have had. Peaks and recovery times are read on the output grid (linear between its
days), so they are as fine as that grid is after a session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from collagensim.analysis.members import Members
from collagensim.response import Course
from collagensim.response.course import Array

MG_PER_CM2 = 0.1  # mg/mL * mm = 1e-3 mg/mm^3 * mm = 1e-3 mg/mm^2 = 0.1 mg/cm^2
HOURS_PER_DAY = 24.0
RED = 1.1  # fold of the redness index above which skin counts as red
LEAKY = 1.1  # fold of transepidermal water loss above which the barrier counts as open
CLOSED = 0.99  # share of the surface covered at which the epidermis counts as closed


@dataclass(frozen=True)
class Endpoint:
    """One number of a course: ``value(members)`` (n,) in ``unit``, where a member holds ``needs``."""

    name: str
    unit: str
    place: str
    definition: str
    needs: tuple[str, ...]
    value: Callable[[Members], Array]
    needs_session: bool = False
    needs_layers: bool = False
    needs_baseline: bool = True

    def applies(self, members: Members) -> NDArray[np.bool_]:
        """(n,) whether each member holds what this endpoint reads."""
        n, n_times = members.time.shape
        if n_times == 0 or not all(name in members.values for name in self.needs):
            return np.zeros(n, dtype=bool)
        if self.needs_layers and not all(members.layered(name) for name in self.needs):
            return np.zeros(n, dtype=bool)
        found = np.ones(n, dtype=bool)
        if self.needs_session:
            found &= np.any(np.isfinite(members.sessions), axis=1)
        if self.needs_baseline:
            for name in self.needs:
                found &= np.any(members.baseline[name].reshape(n, -1) > 0, axis=1)
        return found


def endpoint_arrays(members: Members) -> dict[str, Array]:
    """Name of every endpoint that some member can answer -> (n,), NaN for the others and where it is not reached."""
    found = {}
    for endpoint in ENDPOINTS:
        where = endpoint.applies(members)
        if np.any(where):
            with np.errstate(divide="ignore", invalid="ignore"):
                found[endpoint.name] = np.where(where, endpoint.value(members), np.nan)
    return found


def endpoint_values(course: Course) -> dict[str, float]:
    """Name of every endpoint that ``course`` can answer -> its value, in the unit of `ENDPOINTS`."""
    return {name: float(values[0]) for name, values in endpoint_arrays(Members.of(course)).items()}


def endpoint_table(course: Course) -> pd.DataFrame:
    """Endpoints of a course as a table indexed by name.

    Columns: ``value``, ``unit``, ``place`` (papillary, dermis, surface), ``note`` and ``definition``.
    """
    values = endpoint_values(course)
    last = f"{course.time[-1]:g}" if course.time.size else ""
    rows = [
        {
            "endpoint": e.name,
            "value": values[e.name],
            "unit": e.unit,
            "place": e.place,
            "note": f"not reached by day {last}" if np.isnan(values[e.name]) else "",
            "definition": e.definition,
        }
        for e in ENDPOINTS
        if e.name in values
    ]
    columns = ["endpoint", "value", "unit", "place", "note", "definition"]
    return pd.DataFrame(rows, columns=columns).set_index("endpoint")


def _top(members: Members, name: str) -> Array:
    """(n, n_times) of ``name`` in the papillary layer, or of the variable itself when it has no layers."""
    values = members.values[name]
    return values[..., 0] if members.layered(name) else values


def _top_baseline(members: Members, name: str) -> Array:
    return members.baseline[name].reshape(members.time.shape[0], -1)[:, 0]


def _top_change(members: Members, name: str) -> Array:
    """(n, n_times) change of ``name`` at the top against baseline [%]."""
    return 100.0 * (_top(members, name) / _top_baseline(members, name)[:, None] - 1.0)


def _last_change(members: Members, name: str) -> Array:
    """(n,) change of ``name`` at the top at the last day against baseline [%]."""
    return 100.0 * (_top(members, name)[:, -1] / _top_baseline(members, name) - 1.0)


def _over_layers(values: Array) -> Array:
    """Sum (n,) of (n, n_layers) values."""
    return np.asarray(values.sum(axis=1))


def _dermal(members: Members, name: str, values: Array) -> Array:
    """Whole-dermis reading of (n, n_layers) values: a sum for lengths, else weighted by layer thickness."""
    if members.units.get(name) in ("mm", "um"):
        return _over_layers(values)
    return _over_layers(values * members.layer_thickness) / _over_layers(members.layer_thickness)


def _dermal_change(members: Members, name: str) -> Array:
    """Change of the whole dermis at the last day against baseline [%]."""
    last = _dermal(members, name, members.values[name][:, -1])
    return 100.0 * (last / _dermal(members, name, members.baseline[name]) - 1.0)


def _dermal_gain(members: Members, name: str) -> Array:
    """Mass gained per skin area at the last day [mg/cm^2]; states [mg/mL] are per baseline volume."""
    gained = members.values[name][:, -1] - members.baseline[name]
    return MG_PER_CM2 * _over_layers(gained * members.layer_thickness)


def _sum_top(members: Members, names: tuple[str, ...]) -> Array:
    total = _top(members, names[0])
    for name in names[1:]:
        total = total + _top(members, name)
    return total


def _since_session(members: Members, places: NDArray[np.int64]) -> Array:
    """Days from the last session before the given outputs to them; from day 0 when there is none."""
    day = members.at(places)
    before = np.where(members.sessions < day[:, None], members.sessions, 0.0)
    return np.asarray(day - np.max(before, axis=1, initial=0.0))


def _settled(members: Members, values: Array, threshold: Array | float, *, falling: bool) -> Array:
    """Days from the last session until ``values`` stays on the good side of ``threshold``; NaN if never.

    0 when it never left the good side. Linear between output days.
    """
    time, last_session = members.time, members.last_session[:, None]
    excess = (values - np.reshape(threshold, (-1, 1))) * (1.0 if falling else -1.0)
    bad = (time >= last_session) & (excess > 0.0)
    i = time.shape[1] - 1 - np.argmax(bad[:, ::-1], axis=1)
    after = np.minimum(i + 1, time.shape[1] - 1)
    rows = np.arange(time.shape[0])
    share = excess[rows, i] / (excess[rows, i] - excess[rows, after])
    day = members.at(i) + share * (members.at(after) - members.at(i)) - members.last_session
    observed = time[:, -1] > members.last_session
    reached = np.where(bad[:, -1], np.nan, np.where(np.any(bad, axis=1), day, 0.0))
    return np.where(observed, reached, np.nan)


def _peaks(label: str, names: tuple[str, ...], unit: str) -> list[Endpoint]:
    """Height, fold and day of the highest papillary value of the sum of ``names``."""

    def baseline(members: Members) -> Array:
        total = _top_baseline(members, names[0])
        for name in names[1:]:
            total = total + _top_baseline(members, name)
        return total

    words = label.replace("_", " ")
    return [
        Endpoint(
            f"{label}_peak", unit, "papillary", f"highest value of {words}", names,
            lambda members: _sum_top(members, names).max(axis=1), needs_baseline=False,
        ),
        Endpoint(
            f"{label}_peak_fold", "1", "papillary", f"highest value of {words} over baseline", names,
            lambda members: _sum_top(members, names).max(axis=1) / baseline(members),
        ),
        Endpoint(
            f"{label}_peak_day", "day", "papillary",
            f"days from the last session before it to the highest value of {words}", names,
            lambda members: _since_session(members, _sum_top(members, names).argmax(axis=1)),
            needs_baseline=False,
        ),
    ]  # fmt: skip


def _share(members: Members) -> Array:
    return _top(members, "collagen_iii")[:, -1] / _top(members, "collagen_total")[:, -1]


def _top_alignment_change(members: Members) -> Array:
    return _top(members, "fibre_alignment")[:, -1] - _top_baseline(members, "fibre_alignment")


_collagen = ("collagen_total",)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "collagen_papillary_change", "%", "papillary", "change of total collagen on the last day", _collagen,
        lambda m: _last_change(m, "collagen_total"),
    ),
    Endpoint(
        "collagen_papillary_change_max", "%", "papillary",
        "largest gain of total collagen, 0 when it never rises", _collagen,
        lambda m: _top_change(m, "collagen_total").max(axis=1),
    ),
    Endpoint(
        "collagen_papillary_change_max_day", "day", "papillary",
        "day of the largest gain of total collagen", _collagen,
        lambda m: m.at(_top_change(m, "collagen_total").argmax(axis=1)),
    ),
    Endpoint(
        "collagen_mass_change", "%", "dermis", "change of collagen mass in the whole dermis on the last day",
        _collagen, lambda m: _dermal_change(m, "collagen_total"), needs_layers=True,
    ),
    Endpoint(
        "collagen_mass_gain", "mg/cm^2", "dermis", "collagen mass gained per skin area by the last day",
        _collagen, lambda m: _dermal_gain(m, "collagen_total"), needs_layers=True,
    ),
    Endpoint(
        "collagen_iii_share", "1", "papillary", "collagen III in total collagen on the last day",
        ("collagen_iii", "collagen_total"), _share,
    ),
    Endpoint(
        "elastin_change", "%", "papillary", "change of elastin on the last day", ("elastin",),
        lambda m: _last_change(m, "elastin"),
    ),
    Endpoint(
        "tensile_strength_change", "%", "dermis", "change of mean tensile strength on the last day",
        ("tensile_strength",), lambda m: _dermal_change(m, "tensile_strength"), needs_layers=True,
    ),
    Endpoint(
        "fibre_alignment_change", "1", "papillary", "change of fibre alignment on the last day",
        ("fibre_alignment",), _top_alignment_change, needs_baseline=False,
    ),
    Endpoint(
        "dermal_thickness_change", "%", "dermis", "change of dermal thickness on the last day",
        ("dermal_thickness",), lambda m: _dermal_change(m, "dermal_thickness"), needs_layers=True,
    ),
    Endpoint(
        "epidermal_thickness_change", "%", "surface", "change of epidermal thickness on the last day",
        ("epidermal_thickness",), lambda m: _last_change(m, "epidermal_thickness"),
    ),
    *_peaks("neutrophils", ("neutrophils",), "cell/mm^3"),
    *_peaks("macrophages", ("macrophages_m1", "macrophages_m2"), "cell/mm^3"),
    *_peaks("fibroblasts", ("fibroblasts",), "cell/mm^3"),
    *_peaks("myofibroblasts", ("myofibroblasts",), "cell/mm^3"),
    *_peaks("capillary_density", ("capillary_density",), "1/mm^2"),
    Endpoint(
        "epidermal_closure", "day", "surface",
        f"days from the last session until {CLOSED:.0%} of the surface is covered", ("epidermal_cover",),
        lambda m: _settled(m, m.values["epidermal_cover"], CLOSED, falling=False),
        needs_session=True,
    ),
    Endpoint(
        "barrier_recovery", "hour", "surface",
        f"hours from the last session until transepidermal water loss stays below {LEAKY:g} of baseline",
        ("barrier",), lambda m: HOURS_PER_DAY * _settled(
            m, m.values["barrier"], LEAKY * _top_baseline(m, "barrier"), falling=True
        ), needs_session=True,
    ),
    Endpoint(
        "erythema_duration", "day", "surface",
        f"days from the last session until redness stays below {RED:g} of baseline", ("erythema",),
        lambda m: _settled(
            m, m.values["erythema"], RED * _top_baseline(m, "erythema"), falling=True
        ), needs_session=True,
    ),
    Endpoint(
        "melanin_peak_fold", "1", "surface", "highest melanin over baseline", ("melanin",),
        lambda m: _top(m, "melanin").max(axis=1) / _top_baseline(m, "melanin"),
    ),
)  # fmt: skip

UNITS = {endpoint.name: endpoint.unit for endpoint in ENDPOINTS}
DEFINITIONS = {endpoint.name: endpoint.definition for endpoint in ENDPOINTS}
