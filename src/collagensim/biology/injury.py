"""What a session does at once, in the zone around channels: every new value is read from the state just before."""

from __future__ import annotations

from collagensim.biology.cast import (
    apoptotic_neutrophils,
    barrier_breach,
    capillary_density,
    cellular_fibronectin,
    collagen_i,
    collagen_iii,
    collagen_mature,
    debris,
    elastin,
    endothelial_tips,
    epidermal_cover,
    fgf,
    fibroblasts,
    il_1,
    latent_tgf_beta,
    macrophages_m1,
    macrophages_m2,
    myofibroblasts,
    necrotic_tissue,
    neutrophils,
    platelets,
    provisional_matrix,
    tnf_alpha,
    tropoelastin,
)
from collagensim.biology.inputs import P, care, injury
from collagensim.model import Jump

_alive = 1.0 - injury.kill_fraction
_left = 1.0 - injury.removed_fraction
# A hole fills with clot; tissue left in place bleeds as the capillaries struck at its depth.
_bleeding = injury.vessel_fraction * capillary_density / P.reference_capillary_density
_clot = injury.removed_fraction + _left * _bleeding
# The killed share counts what is taken away; dead tissue and torn matrix are what is killed and stays.
_killed_in_place = injury.kill_fraction - injury.removed_fraction
_dead = _killed_in_place + P.rim_debris * injury.removed_fraction
_whole = _left - P.matrix_fragmentation * _killed_in_place

_CELLS = (
    neutrophils,
    apoptotic_neutrophils,
    macrophages_m1,
    macrophages_m2,
    fibroblasts,
    myofibroblasts,
    endothelial_tips,
)
_MATRIX = (cellular_fibronectin, collagen_iii, collagen_i, collagen_mature, tropoelastin, elastin)

JUMPS = (
    *(Jump(s, s * _alive) for s in _CELLS),
    *(Jump(s, s * _whole) for s in _MATRIX),
    Jump(capillary_density, capillary_density * (1.0 - injury.vessel_fraction)),
    Jump(latent_tgf_beta, latent_tgf_beta * _left),
    Jump(necrotic_tissue, necrotic_tissue * _left + _dead),
    Jump(debris, debris * _left),
    Jump(
        platelets,
        platelets * _left
        + _clot
        + P.platelet_rich_plasma_dose * care.platelet_rich_plasma * injury.kill_fraction,
    ),
    Jump(provisional_matrix, provisional_matrix * _left + P.clot_fibrin * _clot),
    # Stores that need no synthesis: mast cells' TNF, IL-1 alpha and FGF-2 of broken cells and matrix
    Jump(tnf_alpha, tnf_alpha + P.stored_tnf_alpha * _dead),
    Jump(il_1, il_1 + P.stored_il_1 * _dead),
    Jump(fgf, fgf + P.stored_fgf * _dead),
    Jump(epidermal_cover, epidermal_cover * (1.0 - injury.epidermal_opening)),
    Jump(barrier_breach, barrier_breach + (1.0 - barrier_breach) * injury.epidermal_opening),
)
