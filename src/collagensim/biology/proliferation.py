"""Proliferation: fibroblasts divide and immigrate, become myofibroblasts under TGF-beta, and leave."""

from __future__ import annotations

from collagensim.biology.cast import (
    between_reticular_and_papillary,
    cellular_fibronectin,
    fgf,
    fibroblasts,
    il_1,
    myofibroblasts,
    now,
    oxygen,
    pdgf,
    provisional_matrix,
    tgf_beta_1,
    tgf_beta_3,
    tnf_alpha,
    youth,
)
from collagensim.biology.inputs import P, skin
from collagensim.model import Basal, Derived, Reaction, hill, inhibition, saturation

scar_signal = Derived(
    "scar_signal",
    now(tgf_beta_1) / (1.0 + now(tgf_beta_3) / P.tgf_beta_3_half_antagonism),
    "signal",
    "TGF-beta 1 as cells read it beside TGF-beta 3",
)

_mitogens = hill(now(pdgf) + P.fgf_mitogen_weight * now(fgf), P.mitogen_half, 2)
_room = inhibition(now(fibroblasts) + now(myofibroblasts), P.fibroblast_crowding, 4)
_calm = inhibition(now(il_1) + now(tnf_alpha), P.inflammation_half_hold, 2)
_fibronectin = now(cellular_fibronectin) ** 2
_support = _fibronectin / (1.0 + _fibronectin)
_differentiation = (
    hill(scar_signal, P.tgf_beta_half_differentiation, 2)
    * _support
    * _calm
    * between_reticular_and_papillary(P.papillary_contractility)
)

REACTIONS = (
    Reaction(
        "fibroblasts_divide",
        P.fibroblast_mitosis
        * youth(P.fibroblast_age_decline)
        * _mitogens
        * saturation(oxygen, P.oxygen_half_synthesis)
        * _room,
        {fibroblasts: 1},
        actor=fibroblasts,
        description="PDGF and FGF-2 drive mitosis where there is oxygen and room",
    ),
    Reaction(
        "fibroblasts_immigrate",
        P.fibroblast_immigration * skin.fibroblast_density * _mitogens * _room,
        {fibroblasts: 1},
        description="fibroblasts of the neighbourhood crawl in",
    ),
    Reaction(
        "fibroblasts_leave",
        P.fibroblast_turnover,
        {fibroblasts: -1},
        actor=fibroblasts,
        description="death and emigration",
    ),
    Reaction(
        "fibroblasts_become_myofibroblasts",
        P.myofibroblast_differentiation * _differentiation,
        {fibroblasts: -1, myofibroblasts: 1},
        actor=fibroblasts,
        description="TGF-beta 1 on fibronectin, once IL-1 and TNF have gone; reticular cells more readily",
    ),
    Reaction(
        "myofibroblasts_leave",
        P.myofibroblast_loss + P.myofibroblast_release * inhibition(scar_signal, P.tgf_beta_half_survival, 2),
        {myofibroblasts: -1},
        actor=myofibroblasts,
        description="apoptosis as TGF-beta fades",
    ),
    Reaction(
        "fibroblasts_lay_cellular_fibronectin",
        P.fibronectin_deposition
        * hill(scar_signal, P.tgf_beta_half_synthesis, 2)
        * saturation(now(provisional_matrix), P.fibrin_half_support),
        {cellular_fibronectin: 1},
        actor=fibroblasts,
        description="on fibrin and under TGF-beta; it comes before alpha-smooth muscle actin",
    ),
    Reaction(
        "myofibroblasts_lay_cellular_fibronectin",
        P.fibronectin_deposition * skin.scar_tendency * hill(scar_signal, P.tgf_beta_half_synthesis, 2),
        {cellular_fibronectin: 1},
        actor=myofibroblasts,
        description="what they need themselves: the fibrotic loop",
    ),
    Reaction(
        "cellular_fibronectin_is_lost",
        P.fibronectin_loss * cellular_fibronectin,
        {cellular_fibronectin: -1},
        description="replaced as collagen matures",
    ),
)

BASALS = (Basal(fibroblasts),)
DERIVED = (scar_signal,)
