"""The tissue's reading of a model is the model: fluxes and events of a uniform tissue are the equations' right side."""

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture, small
from collagensim.errors import InputError, ModelError
from collagensim.model import Model, Parameter, Reaction, Source, Species, evaluate, in_space
from collagensim.model.expression import as_node
from collagensim.solver.resting import at_rest
from collagensim.solver.system import Bound, Space
from collagensim.solver.tissue.laws import VoxelLaws
from collagensim.solver.tissue.rest import bound_in_space

N_STATES = 51  # the resting state and fifty others; no multiple of eight
# A rate is a sum of at most 10 terms of at most 40 operations each: 400 roundings of 1.1e-16 of the sum of the terms'
# sizes, on either side.
CLOSE = 1e-13


def dermal() -> Bound:
    return at_rest(cs.dermal_healing(), cs.Skin().inputs(), {"skin.ageing": 1.0}).bound


def dermal_in_space() -> Bound:
    model = cs.dermal_healing()
    return bound_in_space(dermal(), in_space(model, dermal_architecture()))


BOUNDS = {
    "dermal_healing": dermal,
    "dermal_healing_in_space": dermal_in_space,
    **{
        build.__name__: lambda build=build: Bound(build(), Space(), {})
        for build in (small.reynolds_2006, small.waugh_sherratt_2006, small.adler_2020)
    },
}


@pytest.fixture(scope="module", params=BOUNDS)
def bound(request):
    return BOUNDS[request.param]()


def uniform_states(bound, seed):
    """(N_STATES, n_layers, m): the resting state, then others of like size."""
    rest = bound.baseline[0].reshape(bound.space.n_layers, bound.space.n_compartments, -1)[:, 0]
    size = np.maximum(rest, 0.1 * bound.scales[0])
    factors = np.random.default_rng(seed).lognormal(0.0, 1.5, (N_STATES - 1, *rest.shape))
    return np.concatenate([rest[None], size * factors])


def right_side(bound, states):
    """(N_STATES, n_layers, m) rates of change of the differential equations."""
    n = bound.space.n_compartments
    y = np.repeat(states, n, axis=1)
    rates = bound.compiled.formulas.rates(bound.parameters, bound.inputs, y, np.empty_like(y))
    return rates[:, ::n]


def evaluated(bound, states, rows_of_layers=1, acting=None):
    """Plan, levels (m, nz, N_STATES) and rates (n_out, nz, N_STATES) of a tissue with a state in each column.

    Those who act are of the densities that are sensed, or of ``acting`` (n_cells, nz, N_STATES).
    """
    layer = np.repeat(np.arange(states.shape[1]), rows_of_layers)
    levels = np.ascontiguousarray(states.transpose(2, 1, 0)[:, layer])
    laws = VoxelLaws(bound.model, bound, layer, (layer.size, 1, N_STATES))
    flat = levels.reshape(levels.shape[0], -1)
    out = np.full((laws.n_out, flat.shape[1]), np.nan)
    actors = flat[list(laws.plan.cells)] if acting is None else acting.reshape(-1, flat.shape[1])
    laws.evaluate(flat, np.ascontiguousarray(actors), out)
    return laws.plan, levels, out.reshape(-1, *levels.shape[1:])


def summed(plan, levels, out):
    """Rates of change (m, nz, N_STATES) that fluxes and events add up to, and what they are sums of."""
    net, gross = np.zeros_like(levels), np.zeros_like(levels)

    def happen(i, rate):
        net[i] += rate
        gross[i] += np.abs(rate)

    for i in np.flatnonzero(plan.net_rows >= 0):
        happen(i, out[plan.net_rows[i]])
        gross[i] += np.abs(out[plan.loss_rows[i]] * levels[i])
    for i, row in zip(plan.cells, plan.entry_rows, strict=True):
        if row >= 0:
            happen(i, out[row])
    for event, hazard in zip(plan.events, out[plan.hazard_rows], strict=True):
        rate = hazard * levels[plan.cells[event.kind]]
        if event.outcome in ("dies", "becomes"):
            happen(plan.cells[event.kind], -rate)
        if event.other >= 0:
            happen(plan.cells[event.other], rate)
    return net, gross


def test_fluxes_and_events_of_a_uniform_tissue_are_the_right_side(bound):
    states = uniform_states(bound, seed=1)
    plan, levels, out = evaluated(bound, states)
    found, gross = summed(plan, levels, out)
    expected = right_side(bound, states).transpose(2, 1, 0)
    for i, species in enumerate(bound.model.species):
        # What lies on top is read off the uppermost row; below there is none.
        rows = slice(0, 1) if species.kind == "surface" else slice(None)
        error = np.abs(found[i, rows] - expected[i, rows])
        assert np.all(error <= CLOSE * gross[i, rows]), species.name


def test_fluxes_are_rates_of_what_is_sensed_times_those_who_act(bound):
    model = bound.model
    states = uniform_states(bound, seed=6)[:, :1]
    cells = [s for s in model.species if s.kind == "cell"]
    acting = states.transpose(2, 1, 0)[[model.species.index(s) for s in cells]]
    acting = acting * np.random.default_rng(7).uniform(0.0, 3.0, acting.shape)
    plan, levels, out = evaluated(bound, states, acting=acting)
    known = {name: float(np.ravel(value)[0]) for name, value in bound.parameters.items()}
    known |= {name: value[0, 0] for name, value in bound.inputs.items()}
    sensed = known | {s.name: levels[i, 0] for i, s in enumerate(model.species)}
    actual = sensed | {s.name: acting[k, 0] for k, s in enumerate(cells)}
    flows = [(r.rate, r.actor, r.effect) for r in model.reactions]
    flows += [(b.factor * known[f"basal.{b.species.name}"], b.actor, {b.species: 1.0}) for b in model.basals]
    for i in np.flatnonzero(plan.net_rows >= 0):
        expected, gross = np.zeros(N_STATES), np.zeros(N_STATES)
        for rate, actor, effect in flows:
            if model.species[i] in effect:
                share = 1.0 if actor is None else evaluate(actor.node, actual)
                term = (
                    evaluate(as_node(effect[model.species[i]]), known)
                    * share
                    * evaluate(as_node(rate), sensed)
                )
                expected, gross = expected + term, gross + np.abs(term)
        assert np.all(np.abs(out[plan.net_rows[i], 0] - expected) <= CLOSE * gross), model.species[i].name


def test_losses_are_the_derivatives_of_the_right_side(bound):
    states = uniform_states(bound, seed=2)
    plan, _, out = evaluated(bound, states)
    for i in np.flatnonzero(plan.net_rows >= 0):
        step = 1e-30 * bound.scales[0, i]
        shifted = states.astype(complex)
        shifted[..., i] += 1j * step
        slope = right_side(bound, shifted)[..., i].imag.T / step
        rows = slice(0, 1) if bound.model.species[i].kind == "surface" else slice(None)
        # A slope is a sum of at most 10 terms, which may cancel to a tenth of the largest.
        np.testing.assert_allclose(-out[plan.loss_rows[i]][rows], slope[rows], rtol=10 * CLOSE, atol=1e-300)


def test_no_event_has_a_negative_hazard_and_nobody_enters_at_a_negative_rate(bound):
    plan, _, out = evaluated(bound, uniform_states(bound, seed=3))
    assert np.all(out[plan.hazard_rows] >= 0.0)
    assert np.all(out[plan.entry_rows[plan.entry_rows >= 0]] >= 0.0)


def test_tissue_without_cells_has_finite_rates(bound):
    states = uniform_states(bound, seed=4)
    states[:, :, [s.kind == "cell" for s in bound.model.species]] = 0.0
    plan, _, out = evaluated(bound, states)
    # What happens to the surface is told in the uppermost row alone.
    below = out[plan.n_everywhere : plan.n_on_top, 1:]
    assert np.all(np.isnan(below))
    assert np.isnan(out).sum() == below.size


def test_what_the_surface_makes_is_that_of_the_equations_in_the_mean_of_the_layer():
    bound = dermal()
    states = uniform_states(bound, seed=5)
    plan, levels, out = evaluated(bound, states, rows_of_layers=4)
    found, gross = summed(plan, levels, out)
    mean, size = (values.reshape(-1, 3, 4, N_STATES).mean(axis=2) for values in (found, gross))
    expected = right_side(bound, states).transpose(2, 1, 0)
    for i, species in enumerate(bound.model.species):
        if species.kind != "surface":
            assert np.all(np.abs(mean[i] - expected[i]) <= CLOSE * size[i]), species.name
    i = plan.net_rows[bound.model.species_names.index("il_1")]
    assert np.any(out[i, 0] != out[i, 1])
    np.testing.assert_array_equal(out[i, 1], out[i, 3])


def test_rows_free_of_state_are_left_as_they_are_on_request():
    bound = dermal()
    levels = np.ones((len(bound.model.species), 24))
    laws = VoxelLaws(bound.model, bound, np.zeros(3, dtype=np.int64), (3, 1, 8))
    out = np.full((laws.n_out, 24), np.nan)
    laws.evaluate(levels, np.ones((len(laws.plan.cells), 24)), out, constants=False)
    constant = laws.plan.constant
    assert constant[laws.plan.n_on_top :].all()
    assert np.all(np.isnan(out[constant]))
    assert np.all(np.isfinite(out[: laws.plan.n_everywhere][~constant[: laws.plan.n_everywhere]]))


def small_tissue(reaction):
    """Laws of two cell species over a row of nine voxels, and their rates where both are of density 2 and 3 act."""
    model = Model("pair", [FIRST, SECOND], reactions=[reaction])
    laws = VoxelLaws(model, Bound(model, Space(), {}), np.zeros(1, dtype=np.int64), (1, 3, 3))
    out = np.full((laws.n_out, 9), np.nan)
    laws.evaluate(np.full((2, 9), 2.0), np.full((2, 9), 3.0), out)
    return laws, out


GUESS = Source("", kind="assumed")
PACE = Parameter("pace", 2.0, "1/day", -9.0, 9.0, GUESS, "assumed")
FIRST = Species("first", "cell/mm^3", "cell", 10.0)
SECOND = Species("second", "cell/mm^3", "cell", 10.0)


def test_who_acts_is_known_although_the_equations_are_the_same():
    own, out_own = small_tissue(Reaction("they_make", PACE, {SECOND: 1}, actor=FIRST))
    arriving, out_arriving = small_tissue(Reaction("they_make", FIRST * PACE, {SECOND: 1}))
    assert own.bound.model.structure_hash == arriving.bound.model.structure_hash
    np.testing.assert_array_equal(out_own, np.full((1, 9), 2.0))  # per cell
    np.testing.assert_array_equal(out_arriving, np.full((1, 9), 4.0))  # per volume


def test_a_hazard_that_a_parameter_makes_negative_is_refused_by_name():
    model = Model("pair", [FIRST, SECOND], reactions=[Reaction("they_die", PACE, {FIRST: -1}, actor=FIRST)])
    negative = model.with_parameters(pace=-1.0)
    with pytest.raises(ModelError, match="pace is negative, and with it the rate of an event of cells"):
        VoxelLaws(negative, Bound(negative, Space(), {}), np.zeros(1, dtype=np.int64), (1, 1, 8))


def test_arrays_of_other_shapes_are_refused():
    laws, out = small_tissue(Reaction("they_make", PACE, {SECOND: 1}, actor=FIRST))
    levels = np.ones((2, 9))
    for wrong in (np.ones((3, 9)), np.ones((2, 8)), np.ones((9, 2))):
        with pytest.raises(InputError, match="is not 2 rows of 9 floats"):
            laws.evaluate(wrong, levels, out)
