"""Small published models in the same language: for teaching, and as figures to test the engine against."""

from __future__ import annotations

from types import SimpleNamespace

from collagensim.model import (
    Expression,
    Input,
    Model,
    Operand,
    Parameter,
    Reaction,
    Source,
    Species,
    hill,
    saturation,
)

_DECADE = 10.0


def _published(source: Source, **rows: tuple[float, str, str]) -> SimpleNamespace:
    """Return parameters by name from (value, unit, description), free within a decade of the published value."""
    return SimpleNamespace(
        **{
            name: Parameter(
                name, value, unit, min(value / _DECADE, value * _DECADE), max(value / _DECADE, value * _DECADE), source,
                "measured", description=description,
            )
            for name, (value, unit, description) in rows.items()
        }
    )  # fmt: skip


def robertson() -> Model:
    """Return Robertson's autocatalytic kinetics, the classical test of a stiff solver; time in seconds.

    The sum of its three species is conserved.

    Examples
    --------
    >>> robertson().species_names
    ('aa', 'bb', 'cc')
    """
    p = _published(
        Source("robertson1966"),
        slow_conversion=(0.04, "1/second", "aa becomes bb"),
        fast_conversion=(1e4, "1/second", "bb and cc give aa and cc"),
        very_fast_conversion=(3e7, "1/second", "two bb give bb and cc"),
    )
    aa = Species("aa", "1", "soluble", 1.0, 1.0, description="reactant")
    bb = Species("bb", "1", "soluble", 0.0, 1e-4, description="intermediate, ever rare")
    cc = Species("cc", "1", "soluble", 0.0, 1.0, description="product")
    return Model(
        "robertson",
        species=[aa, bb, cc],
        reactions=[
            Reaction("aa_converts", p.slow_conversion * aa, {aa: -1, bb: 1}),
            Reaction("bb_and_cc_react", p.fast_conversion * bb * cc, {bb: -1, aa: 1}),
            Reaction("bb_converts", p.very_fast_conversion * bb**2, {bb: -1, cc: 1}),
        ],
        time_unit="second",
        title="Robertson's kinetics",
        description="Three reactions over nine orders of magnitude in rate.",
    )


def reynolds_2006() -> Model:
    """Return the model of acute inflammation of Reynolds and others (2006); time in hours, arbitrary units.

    It starts with one unit of pathogen and heals. More damage than 3.712 at once never heals; two hits of 3 heal when
    two days apart and not when one day apart.

    Examples
    --------
    >>> reynolds_2006().time_unit
    'hour'
    """
    p = _published(
        Source("reynolds2006", "BIOMD0000000714"),
        pathogen_growth_rate=(0.3, "1/hour", "growth of the pathogen"),
        pathogen_capacity=(20.0, "1", "greatest pathogen"),
        local_killing=(0.6, "1/hour", "killing by the local response"),
        local_source=(0.005, "1/hour", "source of the local response"),
        local_decay=(0.002, "1/hour", "loss of the local response"),
        local_consumption=(0.01, "1/hour", "local response used up by pathogen"),
        phagocyte_killing=(1.8, "1/hour", "killing by phagocytes"),
        activation_by_phagocytes=(0.01, "1/hour", "activation by active phagocytes"),
        activation_by_pathogen=(0.1, "1/hour", "activation by pathogen"),
        activation_by_damage=(0.02, "1/hour", "activation by damage"),
        phagocyte_source=(0.08, "1/hour", "source of resting phagocytes"),
        resting_decay=(0.12, "1/hour", "loss of resting phagocytes"),
        phagocyte_decay=(0.05, "1/hour", "loss of active phagocytes"),
        damage_rate=(0.35, "1/hour", "greatest damage by phagocytes"),
        damage_half=(0.06, "1", "phagocytes at half of it"),
        damage_decay=(0.02, "1/hour", "repair"),
        inhibition_half=(0.28, "1", "anti-inflammatory mediator that halves an action"),
        mediator_source=(0.0125, "1/hour", "resting source of the mediator"),
        mediator_production=(0.04, "1/hour", "greatest production"),
        damage_weight=(48.0, "1", "damage against phagocytes in that production"),
        mediator_decay=(0.1, "1/hour", "loss of the mediator"),
    )
    pathogen = Species("pathogen", "1", "cell", 1.0, 1.0, description="pathogen")
    phagocytes = Species("phagocytes", "1", "cell", 0.0, 0.1, description="active phagocytes")
    damage = Species("damage", "1", "matrix", 0.0, 1.0, description="damaged tissue")
    mediator = Species(
        "anti_inflammatory", "1", "soluble", 0.125, 0.1, description="anti-inflammatory mediator"
    )

    def held(action: Operand) -> Expression:
        result: Expression = action / (1.0 + (mediator / p.inhibition_half) ** 2)
        return result

    alarm = held(
        p.activation_by_phagocytes * phagocytes
        + p.activation_by_pathogen * pathogen
        + p.activation_by_damage * damage
    )
    local = p.local_source * pathogen / (p.local_decay + p.local_consumption * pathogen)
    answer = held(phagocytes + p.damage_weight * damage)
    return Model(
        "reynolds_2006",
        species=[pathogen, phagocytes, damage, mediator],
        reactions=[
            Reaction(
                "pathogen_grows",
                p.pathogen_growth_rate * pathogen * (1.0 - pathogen / p.pathogen_capacity),
                {pathogen: 1},
            ),
            Reaction("local_response_kills", p.local_killing * local, {pathogen: -1}),
            Reaction("phagocytes_kill", p.phagocyte_killing * held(phagocytes) * pathogen, {pathogen: -1}),
            Reaction(
                "phagocytes_awake", p.phagocyte_source * alarm / (p.resting_decay + alarm), {phagocytes: 1}
            ),
            Reaction("phagocytes_die", p.phagocyte_decay * phagocytes, {phagocytes: -1}),
            Reaction(
                "phagocytes_damage", p.damage_rate * hill(held(phagocytes), p.damage_half, 6), {damage: 1}
            ),
            Reaction("damage_is_repaired", p.damage_decay * damage, {damage: -1}),
            Reaction(
                "mediator_is_made",
                p.mediator_source + p.mediator_production * answer / (1.0 + answer),
                {mediator: 1},
            ),
            Reaction("mediator_decays", p.mediator_decay * mediator, {mediator: -1}),
        ],
        time_unit="hour",
        title="Acute inflammation (Reynolds and others 2006)",
        description="Pathogen, phagocytes, damage and an anti-inflammatory mediator.",
    )


def waugh_sherratt_2006() -> Model:
    """Return the macrophage model of Waugh and Sherratt (2006); time in days, from day 0 of a wound.

    With half of the monocytes becoming inflammatory it resolves, with 0.8 (diabetes) it stays chronic.

    Examples
    --------
    >>> waugh_sherratt_2006().with_parameters(inflammatory_share=0.8).values["inflammatory_share"]
    0.8
    """
    p = _published(
        Source("waugh2006", "BIOMD0000000680"),
        division_share=(0.05, "1", "share of macrophages that divide"),
        division_rate=(0.693, "1/day", "division"),
        crowding=(0.002, "mm^3/cell", "crowding of macrophages"),
        tgf_beta_production=(0.07, "pg/(cell*day)", "TGF-beta of an inflammatory macrophage"),
        exit_rate=(0.2, "1/day", "exit and death"),
        tgf_beta_decay=(9.1, "1/day", "clearance of TGF-beta"),
        influx_at_rest=(1.75, "cell/(mm^3*day)", "monocyte influx without TGF-beta"),
        influx_linear=(6.41, "cell/(pg*day)", "monocyte influx, first order in TGF-beta"),
        influx_quadratic=(21.94, "cell*mm^3/(pg^2*day)", "second order"),
        influx_cubic=(2.47, "cell*mm^6/(pg^3*day)", "third order, negative"),
    )
    share = Parameter(
        "inflammatory_share", 0.5, "1", 0.0, 1.0, Source("waugh2006", "0.5 normal, 0.8 diabetic"), "measured",
        description="share of monocytes that become inflammatory",
    )  # fmt: skip
    inflammatory = Species(
        "inflammatory", "cell/mm^3", "cell", 200.0, 10.0, description="inflammatory macrophages"
    )
    repair = Species("repair", "cell/mm^3", "cell", 200.0, 10.0, description="repair macrophages")
    tgf_beta = Species("tgf_beta", "pg/mm^3", "soluble", 6.0, 0.1, description="TGF-beta")
    influx = (
        p.influx_at_rest
        + p.influx_linear * tgf_beta
        + p.influx_quadratic * tgf_beta**2
        - p.influx_cubic * tgf_beta**3
    )
    division = p.division_share * p.division_rate * (1.0 - p.crowding * (inflammatory + repair))
    return Model(
        "waugh_sherratt_2006",
        species=[inflammatory, repair, tgf_beta],
        reactions=[
            Reaction("monocytes_turn_inflammatory", share * influx, {inflammatory: 1}),
            Reaction("monocytes_turn_to_repair", (1.0 - share) * influx, {repair: 1}),
            Reaction("inflammatory_divide", division, {inflammatory: 1}, actor=inflammatory),
            Reaction("repair_divide", division, {repair: 1}, actor=repair),
            Reaction("inflammatory_leave", p.exit_rate, {inflammatory: -1}, actor=inflammatory),
            Reaction("repair_leave", p.exit_rate, {repair: -1}, actor=repair),
            Reaction("inflammatory_secrete", 1.0, {tgf_beta: p.tgf_beta_production}, actor=inflammatory),
            Reaction("tgf_beta_decays", p.tgf_beta_decay * tgf_beta, {tgf_beta: -1}),
        ],
        title="Macrophages in wounds (Waugh and Sherratt 2006)",
        description="Inflammatory and repair macrophages and TGF-beta.",
    )


def adler_2020() -> Model:
    """Return the macrophage-myofibroblast circuit of Adler and others (2020); time in days.

    Input ``inflammation`` [cell/day] is the influx of monocytes; a pulse long enough ends in lasting fibrosis, and so
    do two short ones that follow too closely.

    Examples
    --------
    >>> adler_2020().species_names
    ('myofibroblasts', 'macrophages', 'csf_1', 'pdgf')
    """
    per_day = 1440.0
    p = _published(
        Source("adler2020"),
        myofibroblast_growth=(0.9, "1/day", "greatest growth of myofibroblasts"),
        macrophage_growth=(0.8, "1/day", "greatest growth of macrophages"),
        removal=(0.3, "1/day", "loss of either cell"),
        capacity=(1e6, "cell", "greatest number of myofibroblasts"),
        factor_decay=(2.0, "1/day", "loss of either growth factor"),
        csf_1_secretion=(470.0 * per_day, "molecule/(cell*day)", "CSF-1 of a myofibroblast"),
        macrophage_pdgf=(70.0 * per_day, "molecule/(cell*day)", "PDGF of a macrophage"),
        myofibroblast_pdgf=(240.0 * per_day, "molecule/(cell*day)", "PDGF of a myofibroblast"),
        csf_1_uptake=(940.0 * per_day, "molecule/(cell*day)", "greatest uptake of CSF-1"),
        pdgf_uptake=(510.0 * per_day, "molecule/(cell*day)", "greatest uptake of PDGF"),
        pdgf_half=(6e8, "molecule", "PDGF at half of growth and uptake"),
        csf_1_half=(6e8, "molecule", "CSF-1 at half of growth and uptake"),
        resting_influx=(0.01 * per_day, "cell/day", "cells that arrive without inflammation"),
    )
    inflammation = Input("inflammation", "cell/day", "body", 0.0, "influx of monocytes")
    myofibroblasts = Species("myofibroblasts", "cell", "cell", 50.7, 100.0, description="myofibroblasts")
    macrophages = Species("macrophages", "cell", "cell", 51.6, 100.0, description="macrophages")
    csf_1 = Species("csf_1", "molecule", "soluble", 1.1e7, 1e7, description="colony-stimulating factor 1")
    pdgf = Species("pdgf", "molecule", "soluble", 1.1e7, 1e7, description="platelet-derived growth factor")
    fed_by_pdgf, fed_by_csf_1 = saturation(pdgf, p.pdgf_half), saturation(csf_1, p.csf_1_half)
    return Model(
        "adler_2020",
        species=[myofibroblasts, macrophages, csf_1, pdgf],
        reactions=[
            Reaction(
                "myofibroblasts_grow", p.myofibroblast_growth * fed_by_pdgf * (1.0 - myofibroblasts / p.capacity),
                {myofibroblasts: 1}, actor=myofibroblasts,
            ),
            Reaction("myofibroblasts_leave", p.removal, {myofibroblasts: -1}, actor=myofibroblasts),
            Reaction("macrophages_grow", p.macrophage_growth * fed_by_csf_1, {macrophages: 1}, actor=macrophages),
            Reaction("macrophages_leave", p.removal, {macrophages: -1}, actor=macrophages),
            Reaction("monocytes_arrive", inflammation + p.resting_influx, {macrophages: 1}),
            Reaction("fibroblasts_arrive", p.resting_influx, {myofibroblasts: 1}),
            Reaction("myofibroblasts_secrete", 1.0, {csf_1: p.csf_1_secretion, pdgf: p.myofibroblast_pdgf},
                     actor=myofibroblasts),
            Reaction("macrophages_secrete", 1.0, {pdgf: p.macrophage_pdgf}, actor=macrophages),
            Reaction("macrophages_take_up_csf_1", p.csf_1_uptake * fed_by_csf_1, {csf_1: -1}, actor=macrophages),
            Reaction("myofibroblasts_take_up_pdgf", p.pdgf_uptake * fed_by_pdgf, {pdgf: -1}, actor=myofibroblasts),
            Reaction("csf_1_decays", p.factor_decay * csf_1, {csf_1: -1}),
            Reaction("pdgf_decays", p.factor_decay * pdgf, {pdgf: -1}),
        ],
        title="Macrophage-myofibroblast circuit (Adler and others 2020)",
        description="Two cells that keep each other alive through CSF-1 and PDGF.",
    )  # fmt: skip
