"""Where and how the parts of healing skin lie and move; the reactions know no places, the tissue does."""

from __future__ import annotations

import functools
from pathlib import Path

from collagensim.biology.cast import (
    apoptotic_neutrophils,
    debris,
    fgf,
    fibroblasts,
    il_1,
    macrophages_m1,
    macrophages_m2,
    myofibroblasts,
    neutrophils,
    pdgf,
    tgf_beta_1,
)
from collagensim.model import Architecture, Motion, Parameter, Species, read_parameters

P = read_parameters(Path(__file__).with_name("architecture.csv"))

# Macrophages climb what lies in a wound, not the growth factors and cytokines that they make themselves: that would let
# them clump wherever a few of them meet.
_LEUCOCYTES = {debris: P.climbed_debris, il_1: P.climbed_signal}
_MONOCYTES = {debris: P.climbed_debris}
_MITOGENS = dict.fromkeys((pdgf, fgf, tgf_beta_1), P.climbed_signal)


def _leucocyte(species: Species, which: str, climbs: dict[Species, Parameter]) -> Motion:
    speed, persistence, attraction = (
        getattr(P, f"{which}_{name}") for name in ("speed", "persistence", "attraction")
    )
    return Motion(species, speed, persistence, attraction, P.no_guidance, climbs)


@functools.cache
def dermal_architecture() -> Architecture:
    """Return what `dermal_healing` needs to be told of in space: how each cell species moves."""
    persistence, attraction = P.fibroblast_persistence, P.fibroblast_attraction
    guidance = P.fibroblast_guidance
    motions = (
        _leucocyte(neutrophils, "neutrophil", _LEUCOCYTES),
        Motion(
            apoptotic_neutrophils, P.apoptotic_speed, P.neutrophil_persistence, P.neutrophil_attraction,
            P.no_guidance, {},
        ),
        _leucocyte(macrophages_m1, "macrophage", _MONOCYTES),
        _leucocyte(macrophages_m2, "macrophage", _MONOCYTES),
        Motion(fibroblasts, P.fibroblast_speed, persistence, attraction, guidance, _MITOGENS),
        Motion(myofibroblasts, P.myofibroblast_speed, persistence, attraction, guidance, _MITOGENS),
    )  # fmt: skip
    return Architecture(motions, sensing_radius=P.sensing_radius)
