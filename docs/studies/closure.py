"""How the mean field closes the zone around a channel decides the sign of the collagen gain: three closures compared.

``python docs/studies/closure.py > docs/closure.md`` makes the page.
"""

from dataclasses import dataclass

import numpy as np

import collagensim as cs
from collagensim.solver.columns import Columns
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import Happening, MeanField, run_course
from collagensim.treatment import injure

PAGE = """# The closure of the mean field

A mean-field model of needling has to say what an injured cell's neighbour feels. Signals spread some 400 um
(sqrt(D / k) of TGF-beta), channels at 250 per cm2 stand some 640 um apart, so neither "every channel for itself" nor
"all one tissue" is right. The model holds two compartments a layer: the *zone* within 250 um of a channel and the
tissue *between*, exchanging soluble species at a rate that follows from diffusion, clearance and the channels' layout
([derivation](derivations/exchange.md)); nothing in it is fitted. Cells do not cross. At each session both start from
the layer's mean, because new channels fall where chance puts them.

That choice is science, not bookkeeping: it decides the size, and for the mass of the dermis the sign, of the gain. Five
sessions with a pen at 1.5 mm and 250 channels/cm2, default skin, ageing off, change at one year against day 0:
"""

AFTER = """
A closed zone keeps every signal where it was made and so gains most. Spread over the whole layer, the same injury is a
weak one everywhere. The shipped closure lies lowest because signals leave the zone while its injured cells stay there.
The rule of random re-hits is held against every history of hits and misses of a small model, one by one
(`tests/agreement/test_hit_histories.py`): its error is about a fifth of that of hitting one zone over and over.
[The tissue of single cells](tissue_and_mean_field.md) judges: of a session with 1000 channels/cm2 it makes good some
0.6 of the collagen that the shipped closure makes good in four weeks, of one with 250 more, though little either way;
cells, signals and fibronectin lie nearer. The zone is two reaches in one: that of dead tissue and platelets, which lie
in the channel, and that of the clot, which soaks the dermis around. Read every collagen gain with this table beside it.
Its radius is a parameter (`zone_radius`, 250 um, range 100-500, assumed).
Made by `docs/studies/closure.py`.
"""

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

    def link_rates(self, *who):
        m = len(self.bound.model.species)
        beside = (self.rest.link_to // m) // 2 == (self.rest.link_from // m) // 2
        return np.where(beside, 0.0, super().link_rates(*who))


def gain(field_class, spacing_days, *, spread=False):
    """Papillary collagen and whole-dermis collagen mass after five sessions, change in per cent at one year."""
    model = cs.dermal_healing()
    field = field_class(model, {**SKIN.inputs(), "skin.ageing": 0.0}, Limits())
    wound = injure(SKIN, SESSION, zone_radius_um=float(field.radius_um[0]))
    days = [spacing_days * k for k in range(5)]
    happenings = [Happening(day, Spread(wound) if spread else wound, {}) for day in days]
    course = (
        Columns(field, run_course(field, happenings, DAYS, np.array([0.0, DAYS])), days).tissue().course(0)
    )
    values = course.values["collagen_total"]
    mass = values @ course.layer_thickness
    return 100 * (values[-1, 0] / values[0, 0] - 1), 100 * (mass[-1] / mass[0] - 1)


def main():
    rows = {
        "zone closed: signals never leave": (Closed, {}),
        "zone and between exchange (shipped)": (MeanField, {}),
        "layer mean: no zone": (MeanField, {"spread": True}),
    }
    print(PAGE)
    print("| closure | spacing | papillary collagen | dermal collagen mass |")
    print("|---|---|---|---|")
    for name, (field_class, options) in rows.items():
        for spacing in (14.0, 30.0):
            papillary, mass = gain(field_class, spacing, **options)
            print(f"| {name} | {spacing:g} d | {papillary:+.1f} % | {mass:+.1f} % |")
    print(AFTER, end="")


if __name__ == "__main__":
    main()
