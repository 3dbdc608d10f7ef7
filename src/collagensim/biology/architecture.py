"""Where and how the parts of healing skin lie and move; the reactions know no places, the tissue does."""

from __future__ import annotations

import functools
from pathlib import Path

from collagensim.biology.cast import (
    apoptotic_neutrophils,
    capillary_density,
    debris,
    endothelial_tips,
    fgf,
    fibre_alignment,
    fibroblasts,
    il_1,
    macrophages_m1,
    macrophages_m2,
    myofibroblasts,
    necrotic_tissue,
    neutrophils,
    oxygen,
    pdgf,
    provisional_matrix,
    tgf_beta_1,
    vegf,
)
from collagensim.biology.epidermis import FRONT
from collagensim.biology.remodelling import layers_of_collagen
from collagensim.model import (
    Architecture,
    Motion,
    Network,
    Orientation,
    Parameter,
    Relaxation,
    Sheet,
    Species,
    as_cell,
    read_parameters,
)

P = read_parameters(Path(__file__).with_name("architecture.csv"))

# Macrophages climb what lies in a wound, not the growth factors and cytokines that they make themselves: that would let
# them clump wherever a few of them meet.
_MONOCYTES = dict.fromkeys((necrotic_tissue, debris), P.climbed_debris)
_LEUCOCYTES = {**_MONOCYTES, il_1: P.climbed_signal}
_MITOGENS = dict.fromkeys((pdgf, fgf, tgf_beta_1), P.climbed_signal)


def _leucocyte(
    species: Species, which: str, climbs: dict[Species, Parameter], *, rests: bool = False
) -> Motion:
    speed, persistence, attraction = (
        getattr(P, f"{which}_{name}") for name in ("speed", "persistence", "attraction")
    )
    return Motion(species, speed, persistence, attraction, P.no_guidance, climbs, rests)


@functools.cache
def dermal_architecture() -> Architecture:
    """Return how the parts of `dermal_healing` lie and move: cells, fibres, vessels, epidermis, oxygen, clot."""
    persistence, attraction = P.fibroblast_persistence, P.fibroblast_attraction
    guidance = P.fibroblast_guidance
    motions = (
        _leucocyte(neutrophils, "neutrophil", _LEUCOCYTES),
        Motion(
            apoptotic_neutrophils, P.apoptotic_speed, P.neutrophil_persistence, P.neutrophil_attraction,
            P.no_guidance, {},
        ),
        # Those of resting tissue stay and reach for a dying cell with processes (Uderhardt 2019).
        _leucocyte(macrophages_m1, "macrophage", _MONOCYTES, rests=True),
        _leucocyte(macrophages_m2, "macrophage", _MONOCYTES, rests=True),
        # Skin keeps its architecture at rest without any walk of fibroblasts, and heals by it (Rognoni 2018).
        Motion(fibroblasts, P.fibroblast_speed, persistence, attraction, guidance, _MITOGENS, rests=True),
        Motion(myofibroblasts, P.myofibroblast_speed, persistence, attraction, guidance, _MITOGENS, rests=True),
        Motion(
            as_cell(endothelial_tips), P.tip_speed, P.tip_persistence, P.tip_attraction, P.no_guidance,
            {vegf: P.climbed_signal},
        ),
    )  # fmt: skip
    orientation = Orientation(
        fibre_alignment,
        layers_of_collagen,
        ["deposition_aligns_fibres"],
        P.resting_fibre_slope,
        P.guidance_sensitivity,
    )
    sheet = Sheet(FRONT, P.keratinocyte_width, P.keratinocyte_lag)
    relaxations = (Relaxation(oxygen, P.oxygen_relaxation, P.oxygen_diffusion),)
    # Blood brings neutrophils and monocytes; fibroblasts come along fibrin, not out of vessels.
    network = Network(
        capillary_density, endothelial_tips, "tips_leave_capillaries", "tips_meet", (neutrophils, macrophages_m1),
        P.vessel_piece, P.vessel_nearness, P.anastomosis_reach, P.loop_uprightness, P.filopodium_reach,
        P.branching_share, P.branching_length,
    )  # fmt: skip
    return Architecture(
        motions, P.sensing_radius, (endothelial_tips,), relaxations, sheet, orientation, network,
        {provisional_matrix: P.plasma_reach},
    )  # fmt: skip
