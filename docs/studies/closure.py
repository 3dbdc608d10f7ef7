"""How the mean field closes the zone around a channel decides the sign of the collagen gain: three closures compared.

Run with ``python docs/studies/closure.py``; the table of docs/closure.md is its output.
"""

from dataclasses import dataclass

import numpy as np

import collagensim as cs
from collagensim.solver.columns import Columns
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import Happening, MeanField, run_course
from collagensim.treatment import injure

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250)
DAYS = 365.0


@dataclass(frozen=True)
class Spread:
    """An injury spread evenly over its layers: no zone, every cell shares the mean."""

    wound: object
    layout: str = "whole"

    def inputs(self):
        given = dict(self.wound.inputs())
        share = given["injury.zone_fraction"]
        for name in ("kill_fraction", "removed_fraction", "vessel_fraction"):
            given[f"injury.{name}"] = given[f"injury.{name}"] * share
        given["injury.epidermal_opening"] = given["injury.epidermal_opening"] * share[0]
        given["injury.zone_fraction"] = np.ones_like(share)
        return given


class Closed(MeanField):
    """A zone whose signals never leave it: the links between zone and between are cut."""

    def _links(self):
        to, source, rate = super()._links()
        m = len(self.bound.model.species)
        beside = (to // m) // 2 == (source // m) // 2
        return to, source, np.where(beside, 0.0, rate)


def gain(field_class, spacing_days, *, spread=False):
    """Papillary collagen and whole-dermis collagen mass after five sessions, change in per cent at one year."""
    model = cs.dermal_healing()
    field = field_class(model, {**SKIN.inputs(), "skin.ageing": 0.0}, Limits())
    wound = injure(SKIN, SESSION, zone_radius_um=field.radius_um)
    days = [spacing_days * k for k in range(5)]
    happenings = [Happening(day, Spread(wound) if spread else wound, {}) for day in days]
    course = Columns(field, run_course(field, happenings, DAYS, np.array([0.0, DAYS])), days).tissue()
    values = course.values["collagen_total"]
    mass = values @ course.layer_thickness
    return 100 * (values[-1, 0] / values[0, 0] - 1), 100 * (mass[-1] / mass[0] - 1)


def main():
    rows = {
        "zone closed: signals never leave": (Closed, {}),
        "zone and between exchange (shipped)": (MeanField, {}),
        "layer mean: no zone": (MeanField, {"spread": True}),
    }
    print("| closure | spacing | papillary collagen | dermal collagen mass |")
    print("|---|---|---|---|")
    for name, (field_class, options) in rows.items():
        for spacing in (14.0, 30.0):
            papillary, mass = gain(field_class, spacing, **options)
            print(f"| {name} | {spacing:g} d | {papillary:+.1f} % | {mass:+.1f} % |")


if __name__ == "__main__":
    main()
