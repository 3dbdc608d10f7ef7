import numpy as np
import pytest

import collagensim as cs
from collagensim.errors import InputError
from collagensim.model import Derived, Expression, Input, Species, evaluate, exp, hill, log, sqrt
from collagensim.model.expression import as_node
from collagensim.solver import interchange
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import Happening, MeanField
from collagensim.solver.strike import Division, blend, strike
from collagensim.treatment import injure
from collagensim.write.sbml_system import Placed
from collagensim.write.sbml_text import quotient

MODEL = cs.dermal_healing()
SKIN = cs.Skin(site="cheek", age_years=45)
DEEP = cs.Session(device="pen", depth_mm=2.0, density_per_cm2=400)
SHALLOW = cs.Session(device="pen", depth_mm=0.5, density_per_cm2=100)
PUNCH = cs.Session(device="punch", diameter_mm=4.0)
SERIES = {
    "first": [DEEP],
    "equal": [DEEP, DEEP],
    "shallow after deep": [DEEP, SHALLOW],
    "deep after shallow": [SHALLOW, DEEP],
    "punch": [PUNCH],
    "needles after punch": [PUNCH, SHALLOW],
}
M = len(MODEL.species)


def course(sessions, **options):
    protocol = cs.Protocol([(7.0 * i, session) for i, session in enumerate(sessions)])
    return interchange.course(MODEL, SKIN, protocol, **{"days": 60.0, "ageing": True, **options})


def struck_field(sessions):
    """A field with random states just before the last session, those states, and the field after it."""
    field = MeanField(MODEL, {**SKIN.inputs(), "skin.ageing": 0.0}, Limits())
    wounds = [injure(SKIN, session, zone_radius_um=float(field.radius_um[0])) for session in sessions]
    for wound in wounds[:-1]:
        field.happen({0: Happening(0.0, wound, {})})
    rng = np.random.default_rng(3)
    field.engine.state[...] = field.bound.baseline * rng.uniform(0.3, 1.7, field.bound.baseline.shape)
    before, old = field.blocks(field.engine.state)[0].copy(), field.share[0].copy()
    field.happen({0: Happening(0.0, wounds[-1], {})})
    return field, before, old, wounds[-1].inputs()["injury.zone_fraction"]


def weights(field):
    """Weights of intensive states as the field itself reads them."""
    inputs = {name: field.blocks(value)[0, :, :1] for name, value in field.bound.inputs.items()}

    def weigh(node):
        return lambda states: field.bound.value(node, {**inputs, **field.bound.by_name(states)})

    return {i: weigh(s.weight.node) for i, s in enumerate(MODEL.species) if s.weight is not None}


def jumped(field):
    """States of tissue that is hit, each jump read as a tree."""
    inputs = {name: field.blocks(value)[0, :, 0] for name, value in field.bound.inputs.items()}

    def after(mean):
        values = {**field.bound.parameters, **inputs, **field.bound.by_name(mean)}
        hit = mean.copy()
        for jump in MODEL.jumps:
            where = slice(0, 1) if jump.species.kind == "surface" else slice(None)
            new = np.broadcast_to(evaluate(as_node(jump.new_state), values), mean.shape[:1])
            hit[where, MODEL.species.index(jump.species)] = new[where]
        return hit

    return after


@pytest.mark.parametrize("kind", SERIES)
def test_the_rule_of_a_session_on_numbers_is_that_of_the_mean_field(kind):
    field, before, old, hit = struck_field(SERIES[kind])
    after = strike(before, old, hit, weights(field), jumped(field))
    # The written formulas divide where the tree multiplies by a reciprocal: a few roundings.
    np.testing.assert_allclose(after, field.blocks(field.engine.state)[0], rtol=1e-14)
    struck = np.where(hit > 0, Division.of(old, hit).share, old)
    np.testing.assert_array_equal(struck, field.share[0])


def value_of(node, values):
    """Value of a formula of an event, quotients included."""
    if node.op != "quotient":
        if not any(arg.op == "quotient" or arg.args for arg in node.args):
            return evaluate(node, values)
        args = [value_of(arg, values) for arg in node.args]
        if node.op == "add":
            return args[0] + args[1]
        return args[0] * args[1] if node.op == "mul" else args[0] ** node.value
    part, whole, otherwise = (value_of(arg, values) for arg in node.args)
    return part / whole if whole > 0 else otherwise


@pytest.mark.parametrize("kind", SERIES)
def test_the_rule_of_a_session_on_formulas_gives_the_same_states(kind):
    field, before, _, _ = struck_field(SERIES[kind])
    event = course(SERIES[kind]).events[-1]
    after = field.blocks(field.engine.state).reshape(-1, M)
    values = dict(MODEL.values)
    for block, states in zip(interchange.BLOCKS, before.reshape(-1, M), strict=True):
        values |= {Placed(s, block).name: x for s, x in zip(MODEL.species, states, strict=True)}
    assert event.states
    for i, block in enumerate(interchange.BLOCKS):
        for j, species in enumerate(MODEL.species):
            if species.kind == "surface" and not block.startswith("papillary"):
                continue
            place = Placed(species, block)
            found = value_of(event.states[place], values) if place in event.states else values[place.name]
            # A few sums and products of numbers of one sign: some ten roundings.
            assert found == pytest.approx(after[i, j], rel=1e-13, abs=1e-15), place.name


def test_parameters_stay_symbols_in_the_formulas_of_events():
    event = course([PUNCH]).events[0]
    named = {leaf.name for node in event.states.values() for leaf in node.symbols}
    assert {"clot_fibrin", "stored_il_1", "rim_debris"} <= named
    assert not any(name.startswith("injury.") for name in named)


@pytest.mark.parametrize(
    ("old", "hit"), [(0.0, 0.3), (0.3, 0.3), (0.5, 0.1), (0.1, 0.5), (0.4, 0.0), (1.0, 1.0)]
)
def test_a_session_divides_the_whole_layer(old, hit):
    part = Division.of(np.array([old]), np.array([hit]))
    total = part.hit + part.stays + part.leaves + part.spared
    assert total[0] == pytest.approx(1.0, abs=1e-15)


def test_blending_without_anything_to_weigh_by_is_by_volume():
    states = np.array([[[2.0, 0.0], [4.0, 0.0]]])
    mixed = blend(states, np.array([[0.25, 0.75]]), {0: lambda x: x[..., 1]})
    assert mixed.tolist() == [[3.5, 0.0]]


def test_means_by_several_volumes_are_those_by_each():
    generator = np.random.default_rng(4)
    states, volumes = generator.uniform(0.1, 2.0, (5, 3, 2, 4)), generator.uniform(0.0, 1.0, (2, 5, 3, 2))
    weigh = {1: lambda x: x[..., 3], 2: lambda x: x[..., 3]}
    together = blend(states, volumes, weigh)
    for mean, volume in zip(together, volumes, strict=True):
        out = np.full((4, 5, 3), np.nan)
        np.testing.assert_array_equal(mean, blend(states, volume, weigh, out))
        np.testing.assert_array_equal(mean, np.moveaxis(out, 0, -1))


def test_an_event_sets_shares_rates_and_inputs_as_the_mean_field_does():
    field, *_ = struck_field(SERIES["shallow after deep"])
    system = course(SERIES["shallow after deep"])
    shares = dict(system.shares)
    rates = [link.rate for link in system.links]
    inputs = {(b.name, name): x for b in system.blocks for name, x in b.inputs.items()}
    inputs |= {("", name): x for name, x in system.body.items()}
    for event in system.events:
        shares |= event.shares
        inputs |= event.inputs
        for k, rate in event.links.items():
            rates[k] = rate
    np.testing.assert_array_equal([shares[b] for b in interchange.BLOCKS[::2]], field.share[0])
    found = field.link_rates()[0]
    assert sorted(rate for rate in rates if rate) == sorted(found[found > 0].tolist())
    for name, values in field.bound.inputs.items():
        declared = MODEL.inputs.get(name)
        if declared is None or name == "skin.ageing":
            continue
        for block, x in zip(interchange.BLOCKS, values.ravel(), strict=True):
            assert inputs["" if declared.place == "body" else block, name] == x, (block, name)


def test_what_passes_along_links_is_not_lost():
    system = course([DEEP, SHALLOW])
    shares = dict(system.shares)
    for event in system.events:
        shares |= event.shares
    thickness = dict(zip(interchange.LAYERS, SKIN.inputs()["skin.layer_thickness"], strict=True))
    last = [link.rate for link in system.links]
    for event in system.events:
        for k, rate in event.links.items():
            last[k] = rate
    flow = {
        (link.to, link.source): rate * shares[link.to.block] * thickness[link.to.block.rsplit("_", 1)[0]]
        for link, rate in zip(system.links, last, strict=True)
    }
    assert flow
    for (to, source), amount in flow.items():
        assert amount == pytest.approx(flow.get((source, to), 0.0), rel=1e-12, abs=1e-15)


def test_a_session_that_hits_nothing_is_no_event():
    idle = cs.Session(device="pen", depth_mm=1.0, density_per_cm2=0.0)
    assert course([idle]).events == ()


def test_aftercare_and_session_of_one_day_are_one_event():
    platelets = cs.Protocol([(3.0, DEEP)], aftercare=[cs.Aftercare("platelet_rich_plasma", 3, 2)])
    found = interchange.course(MODEL, SKIN, platelets, days=30.0, ageing=False)
    assert [event.day for event in found.events] == [3.0, 5.0]
    assert found.events[0].inputs["", "care.platelet_rich_plasma"] == 1.0
    # The jump of platelets reads the dose that begins with it.
    place = next(p for p in found.events[0].states if p.species.name == "platelets")
    assert "platelet_rich_plasma_dose" in {leaf.name for leaf in found.events[0].states[place].symbols}


def test_a_published_protocol_brings_its_skin():
    name = cs.Protocol.published_ids()[0]
    protocol = cs.Protocol.published(name)
    own = interchange.course(MODEL, None, protocol, days=365.0, ageing=True)
    given = interchange.course(MODEL, protocol.skin, protocol, days=365.0, ageing=True)
    assert own.blocks == given.blocks


def test_a_session_after_the_end_is_refused():
    with pytest.raises(InputError, match="before the last session on day 7"):
        course([DEEP, DEEP], days=5.0)


def test_formulas_are_substituted_through_every_operation():
    x, y = (Species(name, "1", "cell", 1.0) for name in ("xx", "yy"))
    shift = Input("shift", "1", "body", 0.0)
    twice = Derived("twice", x + x)
    node = exp(-x) + log(twice) * sqrt(y) ** 3 + hill(x, y, 2.5) + quotient(x.node, y.node, shift.node)
    values = {"xx": y.node * 2.0, "shift": shift.node}
    found = interchange.substituted(node, values)
    assert {leaf.name for leaf in found.symbols} == {"yy", "shift"}
    assert isinstance(found, Expression)
    plain = {"xx": 1.4, "yy": 0.7, "shift": 0.0}
    without = exp(-x) + log(twice) * sqrt(y) ** 3 + hill(x, y, 2.5)
    exact = evaluate(without, plain)
    assert evaluate(interchange.substituted(without, values), plain) == pytest.approx(exact, rel=1e-14)
