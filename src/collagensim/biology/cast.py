"""Who takes part in dermal healing: inputs, species with their resting values, and what is derived from them."""

from __future__ import annotations

from collagensim.biology.inputs import P, skin
from collagensim.model import (
    Derived,
    Expression,
    Operand,
    Settled,
    Species,
    exp,
    hill,
    inhibition,
)


def _cell(name: str, baseline: Operand | float, scale: float, description: str) -> Species:
    return Species(name, "cell/mm^3", "cell", baseline, scale, description=description)


def _signal(name: str, description: str) -> Species:
    return Species(name, "signal", "soluble", getattr(P, f"resting_{name}"), 1.0, description=description)


def _matrix(name: str, baseline: Operand | float, scale: float, description: str) -> Species:
    return Species(name, "mg/mL", "matrix", baseline, scale, description=description)


# Cells, per baseline volume
neutrophils = _cell("neutrophils", P.resting_neutrophils, 1e3, "living neutrophils")
apoptotic_neutrophils = _cell(
    "apoptotic_neutrophils", P.resting_apoptotic_neutrophils, 1e3, "neutrophils awaiting removal"
)
macrophages_m1 = _cell(
    "macrophages_m1", P.resting_macrophages_m1, 1e3, "inflammatory macrophages, fresh from monocytes"
)
macrophages_m2 = _cell(
    "macrophages_m2", skin.resident_macrophage_density, 1e3, "resident and repair macrophages"
)
fibroblasts = _cell("fibroblasts", skin.fibroblast_density, 1e3, "fibroblasts")
myofibroblasts = _cell("myofibroblasts", 0.0, 1e3, "contractile fibroblasts with alpha-smooth muscle actin")

# What an injury leaves behind
platelets = Species(
    "platelets", "1", "matrix", 0.0, 1.0, description="releasing platelets; 1 fills a reference wound"
)
necrotic_tissue = Species(
    "necrotic_tissue",
    "1",
    "matrix",
    0.0,
    0.1,
    description="tissue that a session killed, where it was killed; 1 is all of it",
)
debris = Species(
    "debris",
    "1",
    "matrix",
    P.resting_debris,
    0.1,
    description="what dies anywhere, at rest and by inflammation",
)
dead_tissue = Derived("dead_tissue", necrotic_tissue + debris, "1", "all dead tissue; 1 is all of it dead")
provisional_matrix = _matrix("provisional_matrix", 0.0, 1.0, "fibrin and plasma fibronectin")
cellular_fibronectin = Species(
    "cellular_fibronectin",
    "1",
    "matrix",
    0.0,
    0.1,
    description="ED-A fibronectin; 1 half-supports myofibroblasts",
)

# Signals: 1 is the peak after the reference punch
tnf_alpha = _signal("tnf_alpha", "tumour necrosis factor alpha")
il_1 = _signal("il_1", "interleukin 1, alpha and beta")
il_6 = _signal("il_6", "interleukin 6")
il_10 = _signal("il_10", "interleukin 10")
pdgf = _signal("pdgf", "platelet-derived growth factor")
latent_tgf_beta = _signal("latent_tgf_beta", "latent TGF-beta 1 bound to matrix")
tgf_beta_1 = _signal("tgf_beta_1", "active TGF-beta 1")
tgf_beta_3 = _signal("tgf_beta_3", "active TGF-beta 3")
vegf = _signal("vegf", "vascular endothelial growth factor")
fgf = _signal("fgf", "fibroblast growth factor 2")
mmp_1 = _signal("mmp_1", "collagenase 1")
mmp_9 = _signal("mmp_9", "gelatinase B")
timp_1 = _signal("timp_1", "tissue inhibitor of metalloproteinases 1")

# Lasting matrix, per baseline volume
collagen_iii = _matrix("collagen_iii", skin.collagen_iii_share * skin.collagen_total, 10.0, "collagen III")
_resting_collagen_i = (1.0 - skin.collagen_iii_share) * skin.collagen_total
collagen_i = _matrix(
    "collagen_i", P.resting_new_collagen_share * _resting_collagen_i, 10.0, "new, soluble collagen I"
)
collagen_mature = _matrix(
    "collagen_mature",
    (1.0 - P.resting_new_collagen_share) * _resting_collagen_i,
    100.0,
    "collagen I in mature fibres",
)
collagen_total = Derived(
    "collagen_total", collagen_iii + collagen_i + collagen_mature, "mg/mL", "all collagen I and III"
)
tropoelastin = _matrix(
    "tropoelastin", P.resting_tropoelastin_share * skin.elastin, 0.1, "elastin not yet assembled"
)
elastin = _matrix("elastin", skin.elastin, 5.0, "elastic fibres")
fibre_alignment = Species(
    "fibre_alignment",
    "1",
    "matrix",
    skin.fibre_alignment,
    0.1,
    collagen_total,
    description="order of the fibres, 0 to 1",
)
cross_linking = Species(
    "cross_linking",
    "1",
    "matrix",
    skin.cross_linking,
    1.0,
    collagen_total,
    description="mature cross-links per collagen",
)
dermal_thickness = Species(
    "dermal_thickness", "mm", "matrix", skin.layer_thickness, 0.5, description="thickness of the layer"
)
oedema = Species(
    "oedema", "1", "matrix", P.resting_oedema, 0.1, description="extra fluid per volume of tissue"
)
endothelial_tips = Species("endothelial_tips", "1/mm^2", "matrix", 0.0, 10.0, description="sprouts")
capillary_density = Species(
    "capillary_density",
    "1/mm^2",
    "matrix",
    skin.capillary_density,
    10.0,
    description="capillaries per area of section",
)

# The surface
epidermal_cover = Species(
    "epidermal_cover", "1", "surface", 1.0, 1.0, description="share of the surface under epidermis"
)
barrier_breach = Species(
    "barrier_breach", "1", "surface", 0.0, 0.01, description="share of the surface that leaks water"
)
epidermal_thickness = Species(
    "epidermal_thickness", "um", "surface", skin.epidermal_thickness, 50.0, description="living epidermis"
)
melanin = Species(
    "melanin", "1", "surface", skin.melanin, 1.0, description="melanin, 1 as in phototype III at rest"
)

relative_volume = Derived(
    "relative_volume", dermal_thickness / skin.layer_thickness, "1", "volume now over volume at rest"
)


def now(amount: Operand) -> Expression:
    """Return what cells meet: an amount per baseline volume, read in today's volume."""
    return amount / relative_volume


macrophages = Derived("macrophages", macrophages_m1 + macrophages_m2, "cell/mm^3", "all macrophages")

# A brake on every inflammatory act.
il_10_brake = Derived(
    "il_10_brake", inhibition(now(il_10), P.il_10_half_brake, 2), "1", "1 without IL-10, to 0"
)
_fibronectin = now(cellular_fibronectin)


def wound_cue_of(dead: Operand) -> Expression:
    """Return what wakes resident macrophages, 0 to 1, where there is so much dead tissue.

    The others that do are fibrin, dying neutrophils, and ED-A fibronectin, through which a fibrotic loop can keep them
    awake.
    """
    cue = (
        now(dead)
        + now(provisional_matrix) / P.clot_fibrin
        + now(apoptotic_neutrophils) / P.apoptotic_half_engulfment
        + P.fibronectin_cue * _fibronectin / (1.0 + _fibronectin)
    )
    return hill(cue, P.wound_cue_half, 2)


wound_cue = Derived(
    "wound_cue", wound_cue_of(dead_tissue), "1", "how much tells a macrophage of a wound, 0 to 1"
)

_vessels = capillary_density / skin.capillary_density
perfusion = Derived(
    "perfusion",
    P.edge_supply
    + (1.0 - P.edge_supply) * (1.0 + P.perfusion_reserve) * _vessels / (P.perfusion_reserve + _vessels),
    "1",
    "blood supply over that at rest; neighbours feed a wound without vessels",
)


# Cells that breathe, counted as fibroblasts: at rest, and now.
_others = P.other_cells_oxygen_use * skin.fibroblast_density
_resting = skin.fibroblast_density + _others + P.macrophage_oxygen_use * skin.resident_macrophage_density
_cells = fibroblasts + myofibroblasts + _others + P.macrophage_oxygen_use * (macrophages + neutrophils)
_gap = P.arterial_oxygen - skin.oxygen
_air = P.air_oxygen_share * skin.papillary_character

# Vessels and air supply it. The use at rest is what gives the resting tension.
oxygen = Settled(
    "oxygen",
    "mmHg",
    "oxygen tension, in balance at every moment",
    supply=_air + (1.0 - _air) * perfusion,
    source=P.arterial_oxygen,
    use=_gap * (skin.oxygen + P.oxygen_half_use) / skin.oxygen * _cells / _resting,
    half_use=P.oxygen_half_use,
)
hypoxia = Derived(
    "hypoxia", inhibition(oxygen, P.oxygen_half_hypoxia, 4), "1", "0 in breathing, 1 in airless tissue"
)


def youth(decline: Operand) -> Expression:
    """Return the factor by which age slows a process that declines at ``decline`` [1/year] from the reference age."""
    return exp(-(decline * (skin.age - P.reference_age)))


def between_reticular_and_papillary(ratio: Operand) -> Expression:
    """Return 1 in reticular and ``ratio`` in papillary tissue, linear in the layer's papillary character."""
    factor: Expression = 1.0 + (ratio - 1.0) * skin.papillary_character
    return factor


SPECIES = (
    platelets,
    necrotic_tissue,
    debris,
    neutrophils,
    apoptotic_neutrophils,
    macrophages_m1,
    macrophages_m2,
    fibroblasts,
    myofibroblasts,
    tnf_alpha,
    il_1,
    il_6,
    il_10,
    pdgf,
    latent_tgf_beta,
    tgf_beta_1,
    tgf_beta_3,
    vegf,
    fgf,
    mmp_1,
    mmp_9,
    timp_1,
    provisional_matrix,
    cellular_fibronectin,
    collagen_iii,
    collagen_i,
    collagen_mature,
    tropoelastin,
    elastin,
    fibre_alignment,
    cross_linking,
    dermal_thickness,
    oedema,
    endothelial_tips,
    capillary_density,
    epidermal_cover,
    barrier_breach,
    epidermal_thickness,
    melanin,
)

DERIVED = (
    collagen_total,
    dead_tissue,
    relative_volume,
    macrophages,
    il_10_brake,
    wound_cue,
    perfusion,
    oxygen,
    hypoxia,
)
