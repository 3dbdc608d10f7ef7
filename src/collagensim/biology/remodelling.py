"""Remodelling: collagen III and I laid, ripened, aligned, cross-linked and cut; elastin; the thickness they fill."""

from __future__ import annotations

from collagensim.biology.cast import (
    between_reticular_and_papillary,
    cellular_fibronectin,
    collagen_i,
    collagen_iii,
    collagen_mature,
    collagen_total,
    cross_linking,
    dermal_thickness,
    elastin,
    fgf,
    fibre_alignment,
    fibroblasts,
    il_1,
    mmp_1,
    mmp_9,
    myofibroblasts,
    neutrophils,
    now,
    oedema,
    oxygen,
    provisional_matrix,
    tgf_beta_1,
    tgf_beta_3,
    timp_1,
    tnf_alpha,
    tropoelastin,
    youth,
)
from collagensim.biology.inputs import P, care, skin
from collagensim.biology.proliferation import scar_signal
from collagensim.model import Basal, Derived, Reaction, hill, inhibition, saturation

# What every fibroblast's synthesis is held by: crowding by collagen, want of oxygen, inflammation, age.
_conditions = (
    inhibition(now(collagen_total), P.collagen_cap, 4)
    * saturation(oxygen, P.oxygen_half_synthesis)
    * inhibition(now(tnf_alpha) + now(il_1), P.inflammation_half_hold, 1)
)
# TGF-beta raises synthesis only where ED-A fibronectin lies (Serini 1998): nothing of this happens at rest.
_induction = hill(scar_signal, P.tgf_beta_half_synthesis, 1.5) * saturation(
    now(cellular_fibronectin), P.fibronectin_half_synthesis
)
_induced = (
    P.collagen_synthesis
    * _conditions
    * _induction
    * youth(P.fibroblast_age_decline)
    * (1.0 + P.retinoid_synthesis * care.retinoid + P.vitamin_c_synthesis * care.vitamin_c)
    * between_reticular_and_papillary(P.papillary_synthesis)
)
_iii_share = skin.collagen_iii_share + (
    P.wound_collagen_iii_share * between_reticular_and_papillary(P.papillary_iii) - skin.collagen_iii_share
) * hill(now(tgf_beta_1) + now(fgf), P.growth_factor_half_iii, 2)
_protease = (now(mmp_1) + P.mmp_9_collagen_weight * now(mmp_9)) / (
    1.0 + now(timp_1) / P.timp_1_half_inhibition
)
_elastase = (now(mmp_9) + P.neutrophil_elastase * now(neutrophils)) / (
    1.0 + now(timp_1) / P.timp_1_half_inhibition
)

# Who lays it, each weighted by what one cell lays.
layers_of_collagen = fibroblasts + P.myofibroblast_synthesis * myofibroblasts

collagen_deposition = Derived(
    "collagen_deposition",
    _induced * layers_of_collagen,
    "mg/mL/day",
    "collagen newly laid beyond what rest needs",
)
_newness = collagen_deposition / (collagen_total + P.collagen_seed)

_target_alignment = skin.fibre_alignment + (1.0 - skin.fibre_alignment) * P.scar_alignment * hill(
    now(myofibroblasts), P.myofibroblast_half_alignment, 1
) / (1.0 + now(tgf_beta_3) / P.tgf_beta_3_half_antagonism)
_target_thickness = skin.layer_thickness * (
    1.0
    + P.collagen_thickness_share * (collagen_total / skin.collagen_total - 1.0)
    + P.collagen_thickness_share * provisional_matrix / P.clot_fibrin
    + oedema
    - P.resting_oedema
)


def _ageing() -> tuple[Reaction, ...]:
    return tuple(
        Reaction(
            f"{s.name}_ages",
            skin.ageing * P.collagen_ageing * s,
            {s: -1},
            description="about 1 % of collagen is lost each year of adult life",
        )
        for s in (collagen_iii, collagen_i, collagen_mature)
    )


_COLLAGEN = (
    Reaction(
        "fibroblasts_lay_collagen_iii",
        _induced * _iii_share,
        {collagen_iii: 1},
        actor=fibroblasts,
        description="TGF-beta raises synthesis; young wounds lay more type III",
    ),
    Reaction(
        "fibroblasts_lay_collagen_i",
        _induced * (1.0 - _iii_share),
        {collagen_i: 1},
        actor=fibroblasts,
        description="the rest of it is type I",
    ),
    Reaction(
        "myofibroblasts_lay_collagen_iii",
        P.myofibroblast_synthesis * _induced * _iii_share,
        {collagen_iii: 1},
        actor=myofibroblasts,
        description="myofibroblasts lay several times as much",
    ),
    Reaction(
        "myofibroblasts_lay_collagen_i",
        P.myofibroblast_synthesis * _induced * (1.0 - _iii_share),
        {collagen_i: 1},
        actor=myofibroblasts,
        description="myofibroblasts lay several times as much",
    ),
    Reaction(
        "collagen_i_matures",
        P.collagen_maturation * collagen_i,
        {collagen_i: -1, collagen_mature: 1},
        description="fibrils join mature fibres",
    ),
    Reaction(
        "collagen_iii_turns_over",
        P.collagen_iii_turnover * collagen_iii,
        {collagen_iii: -1},
        description="slow turnover of type III",
    ),
    Reaction(
        "new_collagen_i_turns_over",
        P.new_collagen_turnover * collagen_i,
        {collagen_i: -1},
        description="much of what is new is taken away again",
    ),
    Reaction(
        "mature_collagen_turns_over",
        P.mature_collagen_turnover * collagen_mature,
        {collagen_mature: -1},
        description="half-life of about fifteen years",
    ),
    Reaction(
        "proteases_cut_collagen_iii",
        P.new_collagen_proteolysis * _protease * collagen_iii,
        {collagen_iii: -1},
        description="collagenase beyond its inhibitor",
    ),
    Reaction(
        "proteases_cut_new_collagen_i",
        P.new_collagen_proteolysis * _protease * collagen_i,
        {collagen_i: -1},
        description="collagenase beyond its inhibitor",
    ),
    Reaction(
        "proteases_cut_mature_collagen",
        P.mature_collagen_proteolysis * _protease * collagen_mature,
        {collagen_mature: -1},
        description="mature fibres resist collagenase, but not wholly",
    ),
    *_ageing(),
)

_QUALITY = (
    Reaction(
        "deposition_aligns_fibres",
        _newness * (_target_alignment - fibre_alignment),
        {fibre_alignment: 1},
        description="new fibres lie along the pull of myofibroblasts",
    ),
    Reaction(
        "remodelling_restores_alignment",
        P.alignment_recovery * (skin.fibre_alignment - fibre_alignment),
        {fibre_alignment: 1},
        description="slow return of the basket weave",
    ),
    Reaction(
        "new_collagen_dilutes_cross_links",
        _newness * cross_linking,
        {cross_linking: -1},
        description="new collagen comes without mature cross-links",
    ),
    Reaction(
        "collagen_cross_links",
        P.cross_linking_rate * (skin.cross_linking - cross_linking),
        {cross_linking: 1},
        description="cross-links mature over months",
    ),
    Reaction(
        "fibroblasts_secrete_tropoelastin",
        _induction,
        {tropoelastin: P.tropoelastin_synthesis},
        actor=fibroblasts,
        description="TGF-beta raises elastin messages",
    ),
    Reaction(
        "tropoelastin_assembles",
        P.elastin_assembly * tropoelastin,
        {tropoelastin: -1, elastin: 1},
        description="little of it ever joins a fibre",
    ),
    Reaction(
        "tropoelastin_is_lost",
        P.tropoelastin_loss * tropoelastin,
        {tropoelastin: -1},
        description="degradation",
    ),
    Reaction(
        "elastin_turns_over", P.elastin_turnover * elastin, {elastin: -1}, description="half-life of decades"
    ),
    Reaction(
        "elastases_cut_elastin",
        P.elastin_proteolysis * _elastase * elastin,
        {elastin: -1},
        description="MMP-9 and neutrophil elastase",
    ),
    Reaction(
        "tissue_fills_its_thickness",
        P.thickness_adjustment * (_target_thickness - dermal_thickness),
        {dermal_thickness: 1},
        description="thickness follows collagen, provisional matrix and fluid",
    ),
)

REACTIONS = (*_COLLAGEN, *_QUALITY)

BASALS = (
    Basal(collagen_iii, actor=fibroblasts, factor=_conditions),
    Basal(collagen_i, actor=fibroblasts, factor=_conditions),
    Basal(collagen_mature, actor=fibroblasts, factor=_conditions),
    Basal(cross_linking),
    Basal(tropoelastin, actor=fibroblasts),
    Basal(elastin, actor=fibroblasts),
)

tensile_strength = Derived(
    "tensile_strength",
    collagen_total
    / skin.collagen_total
    * (P.strength_without_cross_links + (1.0 - P.strength_without_cross_links) * cross_linking)
    / (P.strength_without_cross_links + (1.0 - P.strength_without_cross_links) * skin.cross_linking)
    / (1.0 + P.alignment_weakness * (fibre_alignment - skin.fibre_alignment)),
    "1",
    "strength over that at rest",
)

DERIVED = (collagen_deposition, tensile_strength)
