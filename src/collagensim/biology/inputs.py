"""What dermal healing is given: the parameter table, the skin, the injury of a session and the care after it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from collagensim.model import Input, read_parameters

P = read_parameters(Path(__file__).with_name("parameters.csv"))


def _skin(
    name: str, unit: str, place: str = "layer", default: float | None = None, *, description: str
) -> Input:
    return Input(f"skin.{name}", unit, place, default, description)


def _none_unless_given(name: str, place: str, description: str, unit: str = "1") -> Input:
    return Input(name, unit, place, 0.0, description)


skin = SimpleNamespace(
    layer_thickness=_skin("layer_thickness", "mm", description="thickness of the layer at rest"),
    fibroblast_density=_skin("fibroblast_density", "cell/mm^3", description="fibroblasts at rest"),
    resident_macrophage_density=_skin(
        "resident_macrophage_density", "cell/mm^3", description="macrophages at rest"
    ),
    collagen_total=_skin("collagen_total", "mg/mL", description="collagen I and III at rest"),
    collagen_iii_share=_skin("collagen_iii_share", "1", description="share of type III in collagen at rest"),
    elastin=_skin("elastin", "mg/mL", description="elastin at rest"),
    capillary_density=_skin(
        "capillary_density", "1/mm^2", description="capillaries per area of section at rest"
    ),
    oxygen=_skin("oxygen", "mmHg", description="oxygen tension of the tissue at rest"),
    fibre_alignment=_skin(
        "fibre_alignment", "1", description="order of collagen fibres: 0 random, 1 parallel"
    ),
    cross_linking=_skin("cross_linking", "1", description="mature cross-links: 1 as in healthy young skin"),
    papillary_character=_skin(
        "papillary_character", "1", description="fibroblasts: 1 papillary, 0 reticular"
    ),
    epidermal_thickness=_skin("epidermal_thickness", "um", "body", description="living epidermis at rest"),
    melanin=_skin("melanin", "1", "body", description="melanin, 1 as in phototype III"),
    pigment_reactivity=_skin(
        "pigment_reactivity", "1", "body", description="melanocytes' answer, 1 as in phototype III"
    ),
    scar_tendency=_skin(
        "scar_tendency", "1", "body", description="gain of the fibrotic loop, 1 as in most people"
    ),
    age=_skin("age", "year", "body", description="age of the person"),
    ageing=_skin("ageing", "1", "body", 0.0, description="1 lets collagen age, 0 holds the resting state"),
)

injury = SimpleNamespace(
    kill_fraction=_none_unless_given("injury.kill_fraction", "layer", "share of the zone's cells killed"),
    removed_fraction=_none_unless_given(
        "injury.removed_fraction", "layer", "share of the zone's tissue taken away"
    ),
    vessel_fraction=_none_unless_given(
        "injury.vessel_fraction", "layer", "share of the zone's capillaries struck"
    ),
    epidermal_opening=_none_unless_given(
        "injury.epidermal_opening", "body", "share of the zone's surface opened"
    ),
    dead_share=Input(
        "injury.dead_share",
        "1",
        "layer",
        1.0,
        "share of the zone in which its necrotic tissue and platelets lie",
    ),
    opening_radius=_none_unless_given(
        "injury.opening_radius", "body", "radius of one opening after recoil", "um"
    ),
)

care = SimpleNamespace(
    uv=_none_unless_given("care.uv", "body", "sun on the healing skin, 1 = one erythemal dose a day"),
    occlusion=_none_unless_given("care.occlusion", "body", "occlusive cover, 1 = as in the micropore trials"),
    retinoid=_none_unless_given("care.retinoid", "body", "topical retinoid, 1 = the trial's dose"),
    vitamin_c=_none_unless_given("care.vitamin_c", "body", "topical vitamin C, 1 = the trial's dose"),
    nsaid=_none_unless_given("care.nsaid", "body", "topical anti-inflammatory, 1 = the trial's dose"),
    platelet_rich_plasma=_none_unless_given(
        "care.platelet_rich_plasma", "body", "platelet-rich plasma at the session"
    ),
)
