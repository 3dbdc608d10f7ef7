"""Signals: who secretes which cytokine, growth factor and protease, how TGF-beta wakes, how all are cleared."""

from __future__ import annotations

from collagensim.biology.cast import (
    dead_tissue,
    epidermal_cover,
    epidermal_thickness,
    fgf,
    fibroblasts,
    hypoxia,
    il_1,
    il_6,
    il_10,
    il_10_brake,
    latent_tgf_beta,
    macrophages,
    macrophages_m1,
    macrophages_m2,
    mmp_1,
    mmp_9,
    myofibroblasts,
    neutrophils,
    now,
    pdgf,
    platelets,
    tgf_beta_1,
    tgf_beta_3,
    timp_1,
    tnf_alpha,
    vegf,
    wound_cue,
)
from collagensim.biology.inputs import P, care, skin
from collagensim.model import Basal, Reaction, Transport, hill, inhibition, saturation

_inflamed = hill(now(il_1) + now(tnf_alpha), P.fibroblast_half_inflamed, 2)
_healed = epidermal_cover**4 * (epidermal_thickness / skin.epidermal_thickness) ** 2

_SECRETION = (
    Reaction(
        "platelets_release_growth_factors",
        platelets,
        {pdgf: P.platelet_pdgf, latent_tgf_beta: P.platelet_latent_tgf_beta},
        description="alpha granules",
    ),
    Reaction(
        "debris_raises_alarm",
        dead_tissue * il_10_brake,
        {tnf_alpha: P.debris_tnf_alpha, il_1: P.debris_il_1, il_6: P.debris_il_6},
        description="mast and resident cells answer dead tissue at once",
    ),
    Reaction(
        "neutrophils_secrete_cytokines",
        il_10_brake,
        {tnf_alpha: P.neutrophil_tnf_alpha, il_1: P.neutrophil_il_1},
        actor=neutrophils,
        description="inflammatory cytokines, held by IL-10",
    ),
    Reaction(
        "neutrophils_secrete_protease",
        1.0,
        {mmp_9: P.neutrophil_mmp_9},
        actor=neutrophils,
        description="gelatinase granules",
    ),
    Reaction(
        "m1_secrete_cytokines",
        wound_cue * il_10_brake,
        {tnf_alpha: P.m1_tnf_alpha, il_1: P.m1_il_1, il_6: P.m1_il_6},
        actor=macrophages_m1,
        description="inflammatory cytokines, held by IL-10",
    ),
    Reaction(
        "m1_secrete_proteases",
        wound_cue,
        {mmp_1: P.m1_mmp_1, mmp_9: P.m1_mmp_9},
        actor=macrophages_m1,
        description="collagenase and gelatinase",
    ),
    Reaction(
        "macrophages_secrete_repair_signals",
        wound_cue,
        {il_10: P.macrophage_il_10, pdgf: P.macrophage_pdgf, latent_tgf_beta: P.macrophage_latent_tgf_beta},
        actor=macrophages,
        description="only macrophages that meet a wound secrete",
    ),
    Reaction(
        "m2_secrete_vegf",
        wound_cue * (P.vegf_without_hypoxia + hypoxia),
        {vegf: P.m2_vegf},
        actor=macrophages_m2,
        description="hypoxia drives VEGF",
    ),
    Reaction(
        "fibroblasts_secrete_vegf",
        hypoxia,
        {vegf: P.fibroblast_vegf},
        actor=fibroblasts,
        description="hypoxic fibroblasts",
    ),
    Reaction(
        "inflamed_fibroblasts_secrete",
        wound_cue
        * _inflamed
        * (1.0 + P.uv_mmp_1 * care.uv)
        * inhibition(now(tgf_beta_1), P.tgf_beta_half_protease, 1),
        {il_6: P.fibroblast_il_6, mmp_1: P.fibroblast_mmp_1},
        actor=fibroblasts,
        description="IL-1 and TNF make fibroblasts secrete IL-6 and collagenase; TGF-beta stops it, sun adds to it",
    ),
    Reaction(
        "fibroblasts_secrete_inhibitor",
        saturation(now(tgf_beta_1), P.tgf_beta_half_protease),
        {timp_1: P.fibroblast_timp_1},
        actor=fibroblasts,
        description="TGF-beta protects the matrix",
    ),
    Reaction(
        "fibroblasts_store_tgf_beta",
        wound_cue,
        {latent_tgf_beta: P.fibroblast_latent_tgf_beta},
        actor=fibroblasts,
        description="latent TGF-beta laid into wound matrix",
    ),
    Reaction(
        "myofibroblasts_store_tgf_beta",
        1.0,
        {latent_tgf_beta: P.myofibroblast_latent_tgf_beta},
        actor=myofibroblasts,
        description="latent TGF-beta laid into matrix",
    ),
    Reaction(
        "open_epidermis_secretes",
        1.0 - epidermal_cover,
        {il_1: P.open_epidermis_il_1, mmp_1: P.open_epidermis_mmp_1, vegf: P.open_epidermis_vegf},
        description="keratinocytes at the edge of an opening",
    ),
    Reaction(
        "closed_epidermis_secretes_tgf_beta_3",
        _healed,
        {tgf_beta_3: P.epidermis_tgf_beta_3},
        description="closed, thick epidermis makes the anti-scarring isoform",
    ),
    Reaction(
        "m2_protect_matrix",
        wound_cue,
        {tgf_beta_3: P.m2_tgf_beta_3, timp_1: P.m2_timp_1},
        actor=macrophages_m2,
        description="repair macrophages make the anti-scarring isoform and the inhibitor of proteases",
    ),
)

_activation = (
    P.latent_activation
    + P.macrophage_activation * wound_cue * now(macrophages)
    + P.mmp_9_activation * now(mmp_9)
    + P.tension_activation * skin.scar_tendency * now(myofibroblasts)
)

_ACTIVATION = (
    Reaction(
        "latent_tgf_beta_is_activated",
        _activation * latent_tgf_beta,
        {latent_tgf_beta: -1, tgf_beta_1: P.active_yield},
        description="plasmin of macrophages, MMP-9 and the pull of myofibroblasts free TGF-beta 1",
    ),
)

_CLEARANCES = {
    tnf_alpha: P.tnf_alpha_clearance,
    il_1: P.il_1_clearance,
    il_6: P.il_6_clearance,
    il_10: P.il_10_clearance,
    pdgf: P.pdgf_clearance,
    latent_tgf_beta: P.latent_tgf_beta_clearance,
    tgf_beta_1: P.tgf_beta_clearance,
    tgf_beta_3: P.tgf_beta_clearance,
    vegf: P.vegf_clearance,
    fgf: P.fgf_clearance,
    mmp_1: P.mmp_1_clearance,
    mmp_9: P.mmp_9_clearance,
    timp_1: P.timp_1_clearance,
}

_DIFFUSIONS = {
    tnf_alpha: P.cytokine_diffusion,
    il_1: P.cytokine_diffusion,
    il_6: P.cytokine_diffusion,
    il_10: P.cytokine_diffusion,
    pdgf: P.pdgf_diffusion,
    tgf_beta_1: P.tgf_beta_diffusion,
    tgf_beta_3: P.tgf_beta_diffusion,
    vegf: P.vegf_diffusion,
    fgf: P.fgf_diffusion,
    mmp_1: P.protease_diffusion,
    mmp_9: P.protease_diffusion,
    timp_1: P.cytokine_diffusion,
}

REACTIONS = (
    *_SECRETION,
    *_ACTIVATION,
    *(
        Reaction(f"{s.name}_is_cleared", rate * s, {s: -1}, description="first-order clearance")
        for s, rate in _CLEARANCES.items()
    ),
)

BASALS = tuple(Basal(s) for s in _CLEARANCES)

# Latent TGF-beta is bound to matrix and stays where it was laid.
TRANSPORTS = tuple(Transport(s, diffusion, _CLEARANCES[s]) for s, diffusion in _DIFFUSIONS.items())
