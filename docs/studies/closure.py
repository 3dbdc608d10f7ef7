"""How the mean field closes the zone around a channel decides the sign of the collagen gain: closures compared.

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

What a session kills does not spread: it lies, with its platelets, in the killed share f of the zone
(`injury.dead_share`), at 1 / f of its mean. Neutrophils and monocytes answer steeply to it, and vessels deliver them
by volume, so they come at f times what its full strength calls plus 1 - f times what is called where there is none. All
else that reads dead tissue is proportional to it, or belongs to cells whose places the mean field does not know, and
reads the zone's mean. What dies later (`debris`) may lie anywhere. In the tissue a voxel reads what it holds.

That choice is science, not bookkeeping: it decides the size, and for the mass of the dermis the sign, of the gain. Five
sessions with a pen at 1.5 mm and 250 channels/cm2, default skin, ageing off, change at one year against day 0:
"""

AFTER = """
A closed zone keeps every signal where it was made, and so does a layer that is all one: both gain most. The shipped
closure gains less because signals leave the zone while its injured cells stay there. With dead tissue mixed into its
zone it gains least: what lies together calls more leucocytes than its mean where channels are few, as here, and fewer
at 1000 channels/cm2, where their answer saturates.
The rule of random re-hits is held against every history of hits and misses of a small model, one by one
(`tests/agreement/test_hit_histories.py`): its error is about a fifth of that of hitting one zone over and over.
[The tissue of single cells](tissue_and_mean_field.md) judges: of a session with 1000 channels/cm2 it makes good 0.6 to
0.8 of the collagen that the shipped closure makes good in four weeks, of one with 250 more, though little either way;
cells, signals and fibronectin lie nearer. Read every collagen gain with this table beside it.
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
        for name in ("kill_fraction", "dead_share", "removed_fraction", "vessel_fraction"):
            given[f"injury.{name}"] = given[f"injury.{name}"] * share
        given["injury.epidermal_opening"] = given["injury.epidermal_opening"] * share[0]
        given["injury.zone_fraction"] = np.ones_like(share)
        return given


@dataclass(frozen=True)
class Mixed:
    """An injury whose dead tissue and platelets are read as if they lay all over the zone."""

    wound: object

    @property
    def layout(self):
        return self.wound.layout

    def inputs(self):
        given = self.wound.inputs()
        return {**given, "injury.dead_share": np.ones_like(given["injury.dead_share"])}


class Closed(MeanField):
    """A zone whose signals never leave it: the links between zone and between are cut."""

    def link_rates(self, *who):
        m = len(self.bound.model.species)
        beside = (self.rest.link_to // m) // 2 == (self.rest.link_from // m) // 2
        return np.where(beside, 0.0, super().link_rates(*who))


def gain(field_class, spacing_days, read=lambda wound: wound):
    """Papillary collagen and whole-dermis collagen mass after five sessions, change in per cent at one year."""
    model = cs.dermal_healing()
    field = field_class(model, {**SKIN.inputs(), "skin.ageing": 0.0}, Limits())
    wound = injure(SKIN, SESSION, zone_radius_um=float(field.radius_um[0]))
    days = [spacing_days * k for k in range(5)]
    happenings = [Happening(day, read(wound), {}) for day in days]
    course = (
        Columns(field, run_course(field, happenings, DAYS, np.array([0.0, DAYS])), days).tissue().course(0)
    )
    values = course.values["collagen_total"]
    mass = values @ course.layer_thickness
    return 100 * (values[-1, 0] / values[0, 0] - 1), 100 * (mass[-1] / mass[0] - 1)


def main():
    rows = {
        "zone closed: signals never leave": (Closed,),
        "zone and between exchange (shipped)": (MeanField,),
        "the same, dead tissue mixed into its zone": (MeanField, Mixed),
        "layer mean: no zone": (MeanField, Spread),
    }
    print(PAGE)
    print("| closure | spacing | papillary collagen | dermal collagen mass |")
    print("|---|---|---|---|")
    for name, (field_class, *read) in rows.items():
        for spacing in (14.0, 30.0):
            papillary, mass = gain(field_class, spacing, *read)
            print(f"| {name} | {spacing:g} d | {papillary:+.1f} % | {mass:+.1f} % |")
    print(AFTER, end="")


if __name__ == "__main__":
    main()
