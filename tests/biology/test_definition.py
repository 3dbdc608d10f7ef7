import re
from pathlib import Path

import numpy as np
import pytest

import collagensim.biology
from collagensim.biology import architecture, dermal_healing
from collagensim.biology.reference import reference_problems
from collagensim.model.expression import as_node, evaluate
from collagensim.skin import Skin
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import MeanField
from naive.machine_code import rates_of

ROOM = Path(collagensim.biology.__file__).parent
MODEL = dermal_healing()
SKINS = [
    Skin(),
    Skin(site="abdomen", age_years=30),
    Skin(site="dorsal_hand", age_years=85, condition="photoaged"),
    Skin(condition="hypertrophic_scar"),
    Skin(condition="atrophic_acne_scar"),
]


def rested(skin, model=MODEL):
    """The course before any session: building it solves every basal source and refuses a negative one."""
    return MeanField(model, {**skin.inputs(), "skin.ageing": 0.0}, Limits(rtol=1e-6, deadline_s=60.0))


def bibliography():
    return set(re.findall(r"^@\w+\{(\w+),", (ROOM / "sources.bib").read_text(encoding="utf-8"), re.MULTILINE))


def test_every_parameter_is_read_by_a_formula():
    assert not [p.name for p in MODEL.parameters.values() if p.inert]
    assert len(MODEL.parameters) == len((ROOM / "parameters.csv").read_text().splitlines()) - 1


def test_every_parameter_has_a_source_in_the_bibliography_and_says_what_it_is():
    known = bibliography()
    for p in MODEL.parameters.values():
        assert p.source.key in known, p.name
        assert p.source.where, p.name
        assert p.description, p.name
        assert p.low < p.value < p.high, p.name


def test_the_bibliography_holds_nothing_that_is_not_cited():
    cited = {p.source.key for p in MODEL.parameters.values()} | {"robertson1966", "waugh2006", "adler2020"}
    cited |= {problem.source.key for problem in reference_problems()}
    cited |= {parameter.source.key for parameter in vars(architecture.P).values()}
    assert bibliography() == cited


def test_measured_and_fitted_numbers_do_not_cite_an_assumption():
    wrong = [
        p.name for p in MODEL.parameters.values() if p.status == "measured" and p.source.key == "assumption"
    ]
    assert not wrong


def test_every_name_is_explained():
    for item in (*MODEL.species, *MODEL.derived, *MODEL.reactions, *MODEL.inputs.values()):
        assert item.description, item.name


def test_every_soluble_signal_spreads_but_the_one_bound_to_matrix():
    spreading = {t.species.name for t in MODEL.transports}
    soluble = {s.name for s in MODEL.species if s.kind == "soluble"}
    assert soluble - spreading == {"latent_tgf_beta"}


@pytest.mark.parametrize("skin", SKINS, ids=lambda s: f"{s.site}-{s.age_years:g}-{s.condition}")
def test_resting_state_is_a_stable_fixed_point(skin):
    field = rested(skin)
    engine = field.engine
    y = engine.state[0].ravel()
    n, scale = y.size, np.tile(field.bound.scales[0], field.bound.space.n_blocks)

    def slope(state):
        return rates_of(engine, state.reshape(-1, engine.m)).ravel() / scale

    # Rounding of terms of up to 1e3 scales a day that cancel.
    assert np.max(np.abs(slope(y))) < 1e-12
    step = 1e-4
    jacobian = np.empty((n, n))
    for i in range(n):
        shift = np.zeros(n)
        shift[i] = step * scale[i]
        jacobian[:, i] = (slope(y + shift) - slope(y - shift)) / (2.0 * step)
    # Surface states exist in the top blocks only: elsewhere their rows and columns are empty. Nothing else may stand
    # still, and the slowest process is collagen's turnover, well above the error of the differences, 1e-8 a day.
    alive = np.any(jacobian != 0.0, axis=1)
    growth = np.linalg.eigvals(jacobian[np.ix_(alive, alive)]).real
    assert growth.max() < -1e-5


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("skin", SKINS[:2], ids=["cheek", "abdomen"])
def test_every_end_of_every_range_leaves_a_resting_state(skin, end):
    for p in MODEL.parameters.values():
        rested(skin, MODEL.with_parameters({p.name: getattr(p, end)}))


ARRIVALS = [r for r in MODEL.reactions if r.name in ("neutrophils_arrive", "monocytes_arrive")]
SHARE, DEAD = "injury.dead_share", ("necrotic_tissue", "platelets")


def drawn_values():
    """Parameters, inputs and states away from rest, by name."""
    rng = np.random.default_rng(21)
    states = {s.name: float(rng.uniform(0.1, 0.9)) * (s.scale or 1.0) for s in MODEL.species}
    inputs = {name: float(rng.uniform(0.5, 2.0)) for name in MODEL.inputs}
    return {**MODEL.values, **inputs, **states}


@pytest.mark.parametrize("arrival", ARRIVALS, ids=lambda r: r.name)
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_leucocytes_come_as_the_mean_of_where_a_session_killed_and_beside_it(arrival, share):
    values = drawn_values()

    def came(share, **amounts):
        return float(evaluate(as_node(arrival.rate), {**values, **amounts, SHARE: share}))

    inside = came(1.0, **{name: values[name] / share for name in DEAD})
    beside = came(1.0, **dict.fromkeys(DEAD, 0.0))
    # Some hundred operations, a rounding of 1e-16 each.
    assert came(share) == pytest.approx(share * inside + (1.0 - share) * beside, rel=1e-13)
    assert inside > beside


def test_whatever_reads_dead_tissue_reads_what_a_session_killed_and_debris_alike():
    values = {**drawn_values(), SHARE: 1.0}
    moved = {**values, "necrotic_tissue": 0.0, "debris": values["debris"] + values["necrotic_tissue"]}
    own = {"necrotic_tissue_is_cleared", "debris_is_cleared"}
    for reaction in MODEL.reactions:
        if reaction.name not in own:
            rates = [float(evaluate(reaction.total, each)) for each in (values, moved)]
            assert rates[0] == pytest.approx(rates[1], rel=1e-13), reaction.name
    cleared = [r.total for r in MODEL.reactions if r.name in own]
    sums = [sum(float(evaluate(total, each)) for total in cleared) for each in (values, moved)]
    assert sums[0] == pytest.approx(sums[1], rel=1e-13)


def test_rest_is_rest_however_little_a_session_killed():
    field = rested(Skin())
    before = rates_of(field.engine, field.engine.state[0]).copy()
    field.bound.set_inputs({SHARE: 1e-3})
    field.bound.renew()
    field.engine.restart()
    scale = field.bound.scales[0]
    # As at rest itself: rounding of terms of up to 1e3 scales a day that cancel.
    assert np.max(np.abs(before / scale)) < 1e-12
    assert np.max(np.abs(rates_of(field.engine, field.engine.state[0]) / scale)) < 1e-12


def test_no_injury_changes_nothing():
    rng = np.random.default_rng(20)
    states = {s.name: float(rng.uniform(0.1, 0.9)) * (s.scale or 1.0) for s in MODEL.species}
    inputs = {i.name: i.default for i in MODEL.inputs.values() if i.default is not None}
    given = {name: 3.0 for name in MODEL.inputs if name not in inputs}
    values = {**MODEL.values, **inputs, **given, **states}
    hurts = {name for name in inputs if name.startswith("injury.")} - {"injury.dead_share"}
    assert all(inputs[name] == 0.0 for name in hurts)
    for jump in MODEL.jumps:
        # One rounding each of a product and a sum.
        assert evaluate(as_node(jump.new_state), values) == pytest.approx(
            states[jump.species.name], rel=1e-15
        )


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_an_injury_kills_cuts_and_opens_and_never_below_zero(share):
    states = {s.name: 0.5 * (s.scale or 1.0) for s in MODEL.species}
    inputs = {name: share if name.startswith("injury.") else 1.0 for name in MODEL.inputs}
    values = {**MODEL.values, **inputs, **states}
    new = {jump.species.name: float(evaluate(as_node(jump.new_state), values)) for jump in MODEL.jumps}
    assert min(new.values()) >= 0.0
    for name in ("fibroblasts", "macrophages_m2", "capillary_density", "collagen_mature", "epidermal_cover"):
        assert new[name] < states[name]
    for name in (
        "platelets",
        "provisional_matrix",
        "necrotic_tissue",
        "fgf",
        "il_1",
        "tnf_alpha",
        "barrier_breach",
    ):
        assert new[name] > states[name]


def test_ageing_takes_about_one_percent_of_collagen_a_year():
    skin = Skin()
    field = MeanField(MODEL, {**skin.inputs(), "skin.ageing": 0.0}, Limits(rtol=1e-8, deadline_s=60.0))
    field.bound.set_inputs({"skin.ageing": 1.0})
    field.bound.renew()
    field.engine.restart()
    start = field.blocks(field.engine.state.copy())
    field.engine.run(np.array([365.25]), np.empty((1, 0)), np.empty((1, 0, start.size)))
    end = field.blocks(field.engine.state)
    columns = [MODEL.species_names.index(name) for name in ("collagen_iii", "collagen_i", "collagen_mature")]
    loss = 1.0 - end[..., columns].sum(axis=-1) / start[..., columns].sum(axis=-1)
    # 1 % a year of what is there, less what synthesis makes good: type III turns over within years.
    assert np.all((loss > 0.006) & (loss < 0.0101))


def test_age_slows_fibroblasts_as_measured():
    slow = MODEL.parameter("fibroblast_age_decline").value
    # Varani 2006: 56 against 82 ng/mL, cells of 80+ (mean taken as 85) against 18-29 years (24).
    assert np.exp(-slow * (85 - 24)) == pytest.approx(56 / 82, abs=0.02)
