"""Inflammation: debris, neutrophils, macrophages that switch as they clear, and the fluid that vessels leak."""

from __future__ import annotations

from collections.abc import Callable

from collagensim.biology.cast import (
    apoptotic_neutrophils,
    dead_tissue,
    debris,
    il_1,
    il_6,
    il_10,
    il_10_brake,
    macrophages,
    macrophages_m1,
    macrophages_m2,
    myofibroblasts,
    necrotic_tissue,
    neutrophils,
    now,
    oedema,
    pdgf,
    perfusion,
    platelets,
    provisional_matrix,
    tgf_beta_1,
    tnf_alpha,
    wound_cue_of,
)
from collagensim.biology.inputs import P, injury, skin
from collagensim.model import Basal, Expression, Operand, Reaction, hill, inhibition, saturation


def _neutrophils_called(dead: Operand, platelets: Operand) -> Expression:
    attraction = (
        now(dead)
        + P.platelet_attraction * now(platelets)
        + P.cytokine_attraction * wound_cue_of(dead) * (now(il_1) + now(il_6))
    )
    return hill(attraction, P.neutrophil_attraction_half, 2)


def _monocytes_called(dead: Operand, _platelets: Operand) -> Expression:
    attraction = (
        P.monocyte_debris_attraction * now(dead)
        + P.apoptotic_attraction * now(apoptotic_neutrophils)
        + P.cytokine_attraction * wound_cue_of(dead) * (now(tnf_alpha) + now(il_6))
        + P.growth_factor_attraction * (now(tgf_beta_1) + now(pdgf))
    )
    return hill(attraction, P.monocyte_attraction_half, 2)


def _in_two_parts(called: Callable[[Operand, Operand], Expression]) -> Expression:
    """Return the mean of what calls cells out of vessels where a session killed, and beside it.

    It answers steeply, and what was killed lies together with its platelets in a share of the tissue; vessels deliver
    by volume. In a voxel of a tissue that share is 1.
    """
    share = injury.dead_share
    inside = called(debris + necrotic_tissue / share, platelets / share)
    mean: Expression = share * inside + (1.0 - share) * called(debris, 0.0 * platelets)
    return mean


_clearance = (
    P.debris_clearance
    + P.neutrophil_phagocytosis * now(neutrophils)
    + P.macrophage_phagocytosis * now(macrophages)
)
_engulfing = saturation(now(apoptotic_neutrophils), P.apoptotic_half_engulfment)
_room = inhibition(now(macrophages), P.macrophage_crowding, 2)
_switching = hill(_engulfing + P.il_10_switch * now(il_10), P.switch_half, 2)

REACTIONS = (
    Reaction(
        "platelets_are_spent",
        P.platelet_clearance * platelets,
        {platelets: -1},
        description="degranulated platelets stop releasing",
    ),
    Reaction(
        "plasmin_dissolves_provisional_matrix",
        P.provisional_matrix_lysis * provisional_matrix,
        {provisional_matrix: -1},
        description="fibrin and fibronectin are dissolved",
    ),
    Reaction(
        "necrotic_tissue_is_cleared",
        _clearance * necrotic_tissue,
        {necrotic_tissue: -1},
        description="enzymes, neutrophils and macrophages remove what a session killed",
    ),
    Reaction(
        "debris_is_cleared",
        _clearance * debris,
        {debris: -1},
        description="enzymes, neutrophils and macrophages remove what died otherwise",
    ),
    Reaction(
        "neutrophils_harm_their_host",
        P.collateral_damage
        * hill(now(neutrophils) + now(macrophages_m1), P.collateral_half, 4)
        * il_10_brake,
        {debris: 1},
        description="crowds of neutrophils and M1 macrophages kill bystanders (the damage loop of Reynolds 2006)",
    ),
    Reaction(
        "neutrophils_arrive",
        P.neutrophil_influx * perfusion * _in_two_parts(_neutrophils_called) * il_10_brake,
        {neutrophils: 1},
        description="vessels deliver neutrophils to dead tissue, platelets, TNF and IL-1",
    ),
    Reaction(
        "neutrophils_die",
        P.neutrophil_apoptosis,
        {neutrophils: -1, apoptotic_neutrophils: 1},
        actor=neutrophils,
        description="apoptosis",
    ),
    Reaction(
        "macrophages_engulf_neutrophils",
        P.engulfment * _engulfing,
        {apoptotic_neutrophils: -1},
        actor=macrophages,
        description="removal of apoptotic neutrophils",
    ),
    Reaction(
        "uncleared_neutrophils_burst",
        P.secondary_necrosis,
        {apoptotic_neutrophils: -1, debris: P.debris_per_neutrophil},
        actor=apoptotic_neutrophils,
        description="apoptotic cells that nobody removes become debris",
    ),
    Reaction(
        "monocytes_arrive",
        P.monocyte_influx * perfusion * _in_two_parts(_monocytes_called) * _room,
        {macrophages_m1: 1},
        description="vessels deliver monocytes, which start as M1",
    ),
    Reaction(
        "clearing_turns_m1_into_m2",
        P.switch_spontaneous
        + P.switch_rate * _switching * inhibition(now(dead_tissue), P.debris_half_switch_block, 2),
        {macrophages_m1: -1, macrophages_m2: 1},
        actor=macrophages_m1,
        description="engulfing dying neutrophils and IL-10 switch M1 to M2; dead tissue holds them back",
    ),
    Reaction(
        "m1_leave",
        P.macrophage_exit,
        {macrophages_m1: -1},
        actor=macrophages_m1,
        description="exit and death",
    ),
    Reaction(
        "m2_leave",
        P.macrophage_exit,
        {macrophages_m2: -1},
        actor=macrophages_m2,
        description="exit and death",
    ),
    Reaction(
        "myofibroblasts_keep_macrophages",
        P.csf_1_support * skin.scar_tendency * hill(now(myofibroblasts), P.csf_1_half, 2) * _room,
        {macrophages_m2: 1},
        actor=macrophages_m2,
        description="colony-stimulating factor 1 of myofibroblasts lets macrophages divide (the circuit of Adler 2020)",
    ),
    Reaction(
        "vessels_leak",
        P.oedema_leak * (now(tnf_alpha) + now(il_6)),
        {oedema: 1},
        description="inflamed vessels leak fluid",
    ),
    Reaction(
        "oedema_drains",
        P.oedema_drainage * oedema,
        {oedema: -1},
        description="veins and lymphatics take fluid back",
    ),
)

BASALS = (
    Basal(debris),
    Basal(neutrophils),
    Basal(apoptotic_neutrophils),
    Basal(macrophages_m1),
    Basal(macrophages_m2),
    Basal(oedema),
)
