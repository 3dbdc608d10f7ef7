"""Angiogenesis: sprouts follow VEGF and FGF-2, join into capillaries, and the surplus is pruned."""

from __future__ import annotations

from collagensim.biology.cast import capillary_density, endothelial_tips, fgf, now, provisional_matrix, vegf
from collagensim.biology.inputs import P, skin
from collagensim.model import Basal, Reaction, hill, inhibition, saturation

_growth = hill(now(vegf) + P.fgf_angiogenic_weight * now(fgf), P.angiogenic_half, 2)
_room = saturation(now(provisional_matrix), P.fibrin_half_support)
_parents = P.edge_supply * skin.capillary_density + capillary_density
_survival = inhibition(now(vegf), P.vegf_half_survival, 2)

REACTIONS = (
    Reaction(
        "vessels_sprout",
        P.sprouting * _growth * _room * _parents,
        {endothelial_tips: 1},
        description="tips leave capillaries of the tissue and of its edge, into fibrin",
    ),
    Reaction(
        "tips_regress",
        P.tip_regression * endothelial_tips,
        {endothelial_tips: -1},
        description="lost sprouts",
    ),
    Reaction(
        "tips_meet",
        P.anastomosis * capillary_density / skin.capillary_density * endothelial_tips,
        {endothelial_tips: -1},
        description="tips end as they join vessels",
    ),
    Reaction(
        "tips_leave_capillaries",
        P.capillary_growth * endothelial_tips,
        {capillary_density: 1},
        description="a tip draws its capillary behind it",
    ),
    Reaction(
        "capillaries_are_pruned",
        P.pruning * _survival * capillary_density,
        {capillary_density: -1},
        description="capillaries without VEGF regress",
    ),
)

BASALS = (Basal(capillary_density),)
