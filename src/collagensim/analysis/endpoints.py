"""Clinical and histological endpoints of one course.

Every endpoint is a name, a unit, a place and a definition in one sentence; `endpoint_values` computes them
from bare arrays (a fraction of a millisecond, for scans) and `endpoint_table` shows them. An endpoint whose
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

from collagensim.response import Course
from collagensim.response.course import Array

MG_PER_CM2 = 0.1  # mg/mL * mm = 1e-3 mg/mm^3 * mm = 1e-3 mg/mm^2 = 0.1 mg/cm^2
HOURS_PER_DAY = 24.0
RED = 1.1  # fold of the redness index above which skin counts as red
LEAKY = 1.1  # fold of transepidermal water loss above which the barrier counts as open
CLOSED = 0.99  # share of the surface covered at which the epidermis counts as closed


@dataclass(frozen=True)
class Endpoint:
    """One number of a course: ``value(course)`` in ``unit``, when the course holds ``needs``."""

    name: str
    unit: str
    place: str
    definition: str
    needs: tuple[str, ...]
    value: Callable[[Course], float]
    needs_session: bool = False
    needs_layers: bool = False
    needs_baseline: bool = True

    def applies(self, course: Course) -> bool:
        """Whether ``course`` holds what this endpoint reads."""
        if not all(name in course.values for name in self.needs):
            return False
        if (self.needs_session and not course.session_days) or course.time.size == 0:
            return False
        if self.needs_layers and not all(course.values[name].ndim == 2 for name in self.needs):
            return False
        return not self.needs_baseline or all(np.any(np.asarray(course.baseline[n]) > 0) for n in self.needs)


def endpoint_values(course: Course) -> dict[str, float]:
    """Name of every endpoint that ``course`` can answer -> its value, in the unit of `ENDPOINTS`."""
    return {e.name: float(e.value(course)) for e in ENDPOINTS if e.applies(course)}


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


def _top(course: Course, name: str) -> Array:
    """(n,) course of ``name`` in the papillary layer, or of the variable itself when it has no layers."""
    values = course.values[name]
    return values[:, 0] if values.ndim == 2 else values


def _top_baseline(course: Course, name: str) -> float:
    return float(np.ravel(course.baseline[name])[0])


def _top_change(course: Course, name: str) -> Array:
    """(n,) change of ``name`` at the top against baseline [%]."""
    baseline = _top_baseline(course, name)
    return 100.0 * (_top(course, name) / baseline - 1.0)


def _dermal(course: Course, name: str, values: Array) -> float:
    """Whole-dermis reading of (n_layers,) values: a sum for lengths, else weighted by layer thickness."""
    if course.units.get(name) in ("mm", "um"):
        return float(values.sum())
    return float(values @ course.layer_thickness / course.layer_thickness.sum())


def _dermal_change(course: Course, name: str) -> float:
    """Change of the whole dermis at the last day against baseline [%]."""
    last = _dermal(course, name, course.values[name][-1])
    return 100.0 * (last / _dermal(course, name, np.asarray(course.baseline[name])) - 1.0)


def _dermal_gain(course: Course, name: str) -> float:
    """Mass gained per skin area at the last day [mg/cm^2]; states [mg/mL] are per baseline volume."""
    gained = course.values[name][-1] - course.baseline[name]
    return float(MG_PER_CM2 * gained @ course.layer_thickness)


def _sum_top(course: Course, names: tuple[str, ...]) -> Array:
    return np.asarray(np.sum([_top(course, name) for name in names], axis=0), dtype=np.float64)


def _since_session(course: Course, i_time: np.intp) -> float:
    """Days from the last session before output ``i_time`` to it; from day 0 when there is none."""
    day = float(course.time[i_time])
    return day - max((session for session in course.session_days if session < day), default=0.0)


def _settled(course: Course, values: Array, *, threshold: float, falling: bool) -> float:
    """Days from the last session until ``values`` stays on the good side of ``threshold``; NaN if never.

    0 when it never left the good side. Linear between output days.
    """
    last_session = course.session_days[-1] if course.session_days else 0.0
    after = course.time >= last_session
    if not np.any(course.time > last_session):
        return float("nan")  # nothing was observed since
    time, excess = course.time[after], (values[after] - threshold) * (1.0 if falling else -1.0)
    bad = np.flatnonzero(excess > 0.0)
    if bad.size == 0:
        return 0.0
    i = bad[-1]
    if i + 1 == time.size:
        return float("nan")
    share = excess[i] / (excess[i] - excess[i + 1])
    return float(time[i] + share * (time[i + 1] - time[i]) - last_session)


def _peaks(label: str, names: tuple[str, ...], unit: str) -> list[Endpoint]:
    """Height, fold and day of the highest papillary value of the sum of ``names``."""

    def baseline(course: Course) -> float:
        return sum(_top_baseline(course, name) for name in names)

    words = label.replace("_", " ")
    return [
        Endpoint(
            f"{label}_peak", unit, "papillary", f"highest value of {words}", names,
            lambda course: float(_sum_top(course, names).max()), needs_baseline=False,
        ),
        Endpoint(
            f"{label}_peak_fold", "1", "papillary", f"highest value of {words} over baseline", names,
            lambda course: float(_sum_top(course, names).max()) / baseline(course),
        ),
        Endpoint(
            f"{label}_peak_day", "day", "papillary",
            f"days from the last session before it to the highest value of {words}", names,
            lambda course: _since_session(course, _sum_top(course, names).argmax()), needs_baseline=False,
        ),
    ]  # fmt: skip


def _share(course: Course) -> float:
    return float(_top(course, "collagen_iii")[-1] / _top(course, "collagen_total")[-1])


def _top_alignment_change(course: Course) -> float:
    return float(_top(course, "fibre_alignment")[-1] - _top_baseline(course, "fibre_alignment"))


_collagen = ("collagen_total",)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "collagen_papillary_change", "%", "papillary", "change of total collagen on the last day", _collagen,
        lambda c: float(_top_change(c, "collagen_total")[-1]),
    ),
    Endpoint(
        "collagen_papillary_change_max", "%", "papillary",
        "largest gain of total collagen, 0 when it never rises", _collagen,
        lambda c: float(_top_change(c, "collagen_total").max()),
    ),
    Endpoint(
        "collagen_papillary_change_max_day", "day", "papillary",
        "day of the largest gain of total collagen", _collagen,
        lambda c: float(c.time[_top_change(c, "collagen_total").argmax()]),
    ),
    Endpoint(
        "collagen_mass_change", "%", "dermis", "change of collagen mass in the whole dermis on the last day",
        _collagen, lambda c: _dermal_change(c, "collagen_total"), needs_layers=True,
    ),
    Endpoint(
        "collagen_mass_gain", "mg/cm^2", "dermis", "collagen mass gained per skin area by the last day",
        _collagen, lambda c: _dermal_gain(c, "collagen_total"), needs_layers=True,
    ),
    Endpoint(
        "collagen_iii_share", "1", "papillary", "collagen III in total collagen on the last day",
        ("collagen_iii", "collagen_total"), _share,
    ),
    Endpoint(
        "elastin_change", "%", "papillary", "change of elastin on the last day", ("elastin",),
        lambda c: float(_top_change(c, "elastin")[-1]),
    ),
    Endpoint(
        "tensile_strength_change", "%", "dermis", "change of mean tensile strength on the last day",
        ("tensile_strength",), lambda c: _dermal_change(c, "tensile_strength"), needs_layers=True,
    ),
    Endpoint(
        "fibre_alignment_change", "1", "papillary", "change of fibre alignment on the last day",
        ("fibre_alignment",), _top_alignment_change, needs_baseline=False,
    ),
    Endpoint(
        "dermal_thickness_change", "%", "dermis", "change of dermal thickness on the last day",
        ("dermal_thickness",), lambda c: _dermal_change(c, "dermal_thickness"), needs_layers=True,
    ),
    Endpoint(
        "epidermal_thickness_change", "%", "surface", "change of epidermal thickness on the last day",
        ("epidermal_thickness",), lambda c: float(_top_change(c, "epidermal_thickness")[-1]),
    ),
    *_peaks("neutrophils", ("neutrophils",), "cell/mm^3"),
    *_peaks("macrophages", ("macrophages_m1", "macrophages_m2"), "cell/mm^3"),
    *_peaks("fibroblasts", ("fibroblasts",), "cell/mm^3"),
    *_peaks("myofibroblasts", ("myofibroblasts",), "cell/mm^3"),
    *_peaks("capillary_density", ("capillary_density",), "1/mm^2"),
    Endpoint(
        "epidermal_closure", "day", "surface",
        f"days from the last session until {CLOSED:.0%} of the surface is covered", ("epidermal_cover",),
        lambda c: _settled(c, c.values["epidermal_cover"], threshold=CLOSED, falling=False),
        needs_session=True,
    ),
    Endpoint(
        "barrier_recovery", "hour", "surface",
        f"hours from the last session until transepidermal water loss stays below {LEAKY:g} of baseline",
        ("barrier",), lambda c: HOURS_PER_DAY * _settled(
            c, c.values["barrier"], threshold=LEAKY * _top_baseline(c, "barrier"), falling=True
        ), needs_session=True,
    ),
    Endpoint(
        "erythema_duration", "day", "surface",
        f"days from the last session until redness stays below {RED:g} of baseline", ("erythema",),
        lambda c: _settled(
            c, c.values["erythema"], threshold=RED * _top_baseline(c, "erythema"), falling=True
        ), needs_session=True,
    ),
    Endpoint(
        "melanin_peak_fold", "1", "surface", "highest melanin over baseline", ("melanin",),
        lambda c: float(_top(c, "melanin").max() / _top_baseline(c, "melanin")),
    ),
)  # fmt: skip

UNITS = {endpoint.name: endpoint.unit for endpoint in ENDPOINTS}
DEFINITIONS = {endpoint.name: endpoint.definition for endpoint in ENDPOINTS}
