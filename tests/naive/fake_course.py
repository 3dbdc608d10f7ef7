"""A made-up but plausible course: closed formulas, no engine; what reads courses is tested on it."""

from __future__ import annotations

import numpy as np

from collagensim.response import Course, Response, as_dataset
from collagensim.solver.columns import Courses

LAYERS = ("papillary", "upper_reticular", "lower_reticular")
THICKNESS = np.array([0.12, 0.7, 0.7])

# name: (unit, baseline at the top, rise over it, day of the peak after a session, kept share of the rise)
DERMAL = {
    "platelets": ("signal", 0.0, 1.0, 0.1, 0.0),
    "debris": ("signal", 0.0, 1.0, 0.5, 0.0),
    "neutrophils": ("cell/mm^3", 2.0, 900.0, 1.0, 0.0),
    "macrophages_m1": ("cell/mm^3", 5.0, 500.0, 2.2, 0.0),
    "macrophages_m2": ("cell/mm^3", 20.0, 420.0, 4.5, 0.0),
    "fibroblasts": ("cell/mm^3", 2100.0, 900.0, 9.0, 0.02),
    "myofibroblasts": ("cell/mm^3", 0.0, 160.0, 16.0, 0.0),
    "tnf_alpha": ("signal", 0.0, 0.6, 0.7, 0.0),
    "il_1": ("signal", 0.0, 0.5, 0.6, 0.0),
    "il_6": ("signal", 0.0, 0.4, 0.9, 0.0),
    "il_10": ("signal", 0.0, 0.3, 4.0, 0.0),
    "pdgf": ("signal", 0.0, 0.5, 0.3, 0.0),
    "tgf_beta_1": ("signal", 0.02, 0.45, 2.5, 0.0),
    "tgf_beta_3": ("signal", 0.02, 0.2, 8.0, 0.0),
    "vegf": ("signal", 0.02, 0.35, 4.0, 0.0),
    "fgf": ("signal", 0.01, 0.3, 2.0, 0.0),
    "mmp_1": ("signal", 0.02, 0.4, 4.0, 0.0),
    "provisional_matrix": ("1", 0.0, 0.1, 0.5, 0.0),
    "collagen_iii": ("mg/mL", 30.0, 8.0, 14.0, 0.2),
    "collagen_i": ("mg/mL", 8.0, 7.0, 30.0, 0.3),
    "collagen_mature": ("mg/mL", 110.0, 6.0, 80.0, 0.9),
    "collagen_total": ("mg/mL", 148.0, 20.0, 45.0, 0.6),
    "elastin": ("mg/mL", 4.0, 0.2, 40.0, 0.8),
    "fibre_alignment": ("1", 0.3, 0.02, 20.0, 0.1),
    "tensile_strength": ("1", 1.0, 0.1, 60.0, 0.5),
    "dermal_thickness": ("mm", 1.0, 0.06, 40.0, 0.5),
    "oedema": ("1", 0.0, 0.1, 1.0, 0.0),
    "capillary_density": ("1/mm^2", 90.0, 35.0, 10.0, 0.02),
    "oxygen": ("mmHg", 35.0, 4.0, 10.0, 0.0),
}
SURFACE = {
    "epidermal_cover": ("1", 1.0, -0.2, 0.02, 0.0),
    "epidermal_thickness": ("um", 60.0, 16.0, 8.0, 0.2),
    "melanin": ("1", 1.0, 0.15, 12.0, 0.0),
    "barrier": ("1", 1.0, 3.0, 0.02, 0.0),
    "permeability": ("1", 1.0, 20.0, 0.02, 0.0),
    "erythema": ("1", 1.0, 1.2, 1.0, 0.0),
}
DEPTH = np.array([1.0, 0.7, 0.3])


def fake_course(
    days: float = 365.0, session_days: tuple[float, ...] = (0.0, 30.0, 60.0, 90.0, 120.0), gain: float = 1.0
) -> Course:
    """Sum over the sessions of pulses t/p exp(1 - t/p) and of what is kept, scaled by ``gain``."""
    fine = [
        day + step
        for day in session_days
        for step in (0.001, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2)
    ]
    time = np.unique(np.clip([*np.arange(0.0, days + 1.0), *fine, days], 0.0, days))
    values, baseline, units = {}, {}, {}
    for name, (unit, rest, rise, peak, kept) in {**DERMAL, **SURFACE}.items():
        pulse = np.zeros(time.size)
        for day in session_days:
            since = np.maximum(time - day, 0.0)
            pulse += since / peak * np.exp(1.0 - since / peak) + kept * (1.0 - np.exp(-since / peak))
        pulse *= gain * rise / max(1, len(session_days)) ** (0.5 if kept else 0.0)
        layered = name in DERMAL
        share = (
            rest * np.array([1.0, 0.8, 0.6])
            if name in ("fibroblasts", "capillary_density")
            else rest * np.ones(3)
        )
        if name == "dermal_thickness":
            share = THICKNESS
            pulse = pulse * 0.1
        baseline[name] = share if layered else np.array(rest)
        values[name] = baseline[name] + (pulse[:, None] * DEPTH if layered else pulse)
        units[name] = unit
    return Course(time, values, baseline, units, THICKNESS, session_days)


def side_by_side(courses: list[Course]) -> Courses:
    """Courses as the solver hands over many of them: times filled up with inf, values with NaN."""
    length = max(course.time.size for course in courses)

    def filled(values: np.ndarray, by: float) -> np.ndarray:
        return np.pad(
            values,
            [(0, length - values.shape[0]), *[(0, 0)] * (values.ndim - 1)],
            constant_values=by,
        )

    first = courses[0]
    return Courses(
        np.arange(len(courses)),
        np.array([filled(course.time, np.inf) for course in courses]),
        {name: np.array([filled(c.values[name], np.nan) for c in courses]) for name in first.values},
        {name: np.array([c.baseline[name] for c in courses]) for name in first.values},
        first.units,
        np.array([course.layer_thickness for course in courses]),
        [course.session_days for course in courses],
        {},
    )


def fake_response(course: Course | None = None) -> Response:
    """The fake course with labels and a provenance of the shape that a simulation gives."""
    course = fake_course() if course is None else course
    data = as_dataset(course, layers=LAYERS)
    provenance = {
        "model": "fake_healing",
        "model_hash": "0123456789abcdef",
        "parameters": {"rate": 0.1},
        "changed_parameters": {},
        "skin": {"site": "cheek"},
        "protocol": {
            "sessions": [{"day": day, "device": "pen", "depth_mm": 1.5} for day in course.session_days]
        },
        "options": {"days": float(course.time[-1]), "ageing": True},
        "seed": None,
        "versions": {"collagensim": "0"},
        "status": "ok",
        "sources": [{"key": "someone2013", "text": "Someone 2013"}],
        "assumptions": ["the zone radius"],
        "created": "2020-01-01T00:00:00+00:00",
    }
    return Response(data, zone=data.copy(deep=True), between=data.copy(deep=True), provenance=provenance)
