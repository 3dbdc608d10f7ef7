"""Epidermis: openings close from their edges, the barrier closes sooner, and thickness is kept up by fibroblasts."""

from __future__ import annotations

from collagensim.biology.cast import (
    barrier_breach,
    epidermal_cover,
    epidermal_thickness,
    fibroblasts,
    il_1,
    now,
    youth,
)
from collagensim.biology.inputs import P, care, injury, skin
from collagensim.model import Basal, Derived, Front, Reaction, hill

_distance = injury.opening_radius + P.closure_distance
_quiet_care = 1.0 + P.nsaid_delay * care.nsaid
_relative_thickness = epidermal_thickness / skin.epidermal_thickness
# What reaches the epidermis is what the layer makes per area: the amount of fibroblasts, not their density.
_loop = hill(_relative_thickness * fibroblasts / skin.fibroblast_density, P.loop_half, 2)

FRONT = Front(
    epidermal_cover,
    speed=P.keratinocyte_speed
    * youth(P.keratinocyte_age_decline)
    / (1.0 + P.occlusion_cover_delay * care.occlusion)
    / _quiet_care,
    distance=_distance,
)

REACTIONS = (
    Reaction(
        "keratinocytes_close_openings",
        FRONT.rate,
        {epidermal_cover: 1},
        description="a front crawls in from the edge: small openings close sooner",
    ),
    Reaction(
        "barrier_closes",
        P.barrier_speed
        * youth(P.barrier_age_decline)
        / _distance
        / (1.0 + P.occlusion_barrier_delay * care.occlusion)
        / _quiet_care
        * epidermal_cover**2
        * barrier_breach,
        {barrier_breach: -1},
        description="lipids and recoil stop water loss before cells cover; occlusion delays it",
    ),
    Reaction(
        "epidermis_thickens",
        P.injury_thickening * skin.epidermal_thickness * hill(now(il_1), P.thickening_half, 2),
        {epidermal_thickness: 1},
        description="hyperplasia under IL-1",
    ),
    Reaction(
        "fibroblasts_thicken_epidermis",
        P.epidermal_turnover * P.loop_gain * skin.epidermal_thickness * _loop,
        {epidermal_thickness: 1},
        description="thick epidermis and fibroblasts keep each other active (IL-1 one way, KGF back)",
    ),
    Reaction(
        "epidermis_sheds",
        P.epidermal_turnover * epidermal_thickness,
        {epidermal_thickness: -1},
        description="turnover",
    ),
)

BASALS = (Basal(epidermal_thickness),)

barrier = Derived(
    "barrier", 1.0 + P.open_water_loss * barrier_breach, "1", "transepidermal water loss over that at rest"
)
permeability = Derived(
    "permeability",
    1.0 + P.open_permeability * (1.0 - epidermal_cover),
    "1",
    "topical uptake over that of closed skin",
)

DERIVED = (barrier, permeability)
