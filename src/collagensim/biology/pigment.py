"""Colour: melanin that inflammation and sun leave behind, and the redness of dilated and new vessels."""

from __future__ import annotations

from collagensim.biology.cast import capillary_density, il_1, il_6, melanin, now, tnf_alpha
from collagensim.biology.inputs import P, care, skin
from collagensim.model import Basal, Derived, Reaction

_inflammation = now(tnf_alpha) + now(il_1) + now(il_6)

REACTIONS = (
    Reaction(
        "inflammation_darkens",
        P.melanin_synthesis * skin.pigment_reactivity * _inflammation * (1.0 + P.uv_melanin * care.uv),
        {melanin: 1},
        description="melanocytes answer cytokines, the more so in sun and in dark skin",
    ),
    Reaction(
        "melanin_fades", P.melanin_clearance * melanin, {melanin: -1}, description="shed with the epidermis"
    ),
)

BASALS = (Basal(melanin),)

_resting_inflammation = P.resting_tnf_alpha + P.resting_il_1 + P.resting_il_6
erythema = Derived(
    "erythema",
    1.0
    + (
        P.vasodilation * (_inflammation - _resting_inflammation)
        + P.vessel_redness * (capillary_density / skin.capillary_density - 1.0)
    )
    / (1.0 + P.melanin_masking * melanin),
    "1",
    "redness over that at rest, as seen through melanin",
)

DERIVED = (erythema,)
