"""The written formulas against the trees they were written from, and against complex steps."""

import gc
import tracemalloc

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import adler_2020, robertson
from collagensim.model import evaluate
from collagensim.model.expression import as_node
from collagensim.solver.mean_field import weighing
from collagensim.solver.resting import MEMORY, SPACE, at_rest
from collagensim.solver.system import Bound, Space

MODEL = cs.dermal_healing()
SKIN = {**cs.Skin().inputs(), "skin.ageing": 1.0}
# Sums and products of some ten terms in another order, divisions for reciprocals: some ten roundings each.
SAME = {"rtol": 1e-13, "atol": 0.0}


@pytest.fixture(scope="module")
def bound():
    found = Bound(MODEL, SPACE, {name: value for name, value in SKIN.items() if name in MODEL.inputs})
    rng = np.random.default_rng(3)
    for declared in found.compiled.source.lowered.basal_inputs.values():
        found.inputs[declared.name] = rng.uniform(0.1, 0.5, (1, SPACE.n_blocks))
    for name in ("injury.kill_fraction", "injury.removed_fraction", "injury.vessel_fraction", "care.uv"):
        found.inputs[name] = rng.uniform(0.1, 0.4, (1, SPACE.n_blocks))
    return found


@pytest.fixture(scope="module", params=[1, 2])
def state(bound, request):
    """Away from rest in every variable, so that no term is hidden by a zero."""
    rng = np.random.default_rng(request.param)
    return (bound.baseline + 0.3 * bound.scales[:, None]) * rng.uniform(0.6, 1.4, bound.baseline.shape)


def trees(bound, nodes, state):
    values = {**bound.parameters, **bound.inputs, **bound.by_name(state)}
    return [np.broadcast_to(evaluate(as_node(node), values, {}), (1, SPACE.n_blocks)) for node in nodes]


def test_slots_and_baseline_are_the_formulas(bound, state):
    formulas, source = bound.compiled.formulas, bound.compiled.source
    p = formulas.parameter_slots(bound.parameters, np.empty((1, 1, len(source.parameter_slots))))
    exact = [evaluate(node, bound.parameters) for node in source.parameter_slots]
    np.testing.assert_allclose(p[0, 0], exact, **SAME)
    u = np.full((1, SPACE.n_blocks, len(source.input_slots)), np.nan)
    for fill, _ in formulas.INPUT_SLOTS:
        fill(bound.parameters, bound.inputs, u)
    np.testing.assert_allclose(u, np.stack(trees(bound, source.input_slots, state), axis=-1), **SAME)
    rest = trees(bound, [species.baseline for species in MODEL.species], state)
    np.testing.assert_allclose(bound.baseline, np.stack(rest, axis=-1), **SAME)


def test_rates_are_the_formulas(bound, state):
    found = bound.compiled.formulas.rates(bound.parameters, bound.inputs, state, np.empty(state.shape))
    exact = np.stack(trees(bound, bound.compiled.source.lowered.rates, state), axis=-1)
    # Gains and losses may cancel, so rounding is measured by the largest of a state's rates.
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-12 * np.abs(exact).max())


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("jumps", [jump.new_state for jump in MODEL.jumps]),
        ("basal", [basal.modulation for basal in MODEL.basals]),
        ("weights", [species.weight for species in MODEL.species if species.weight is not None]),
    ],
)
def test_lists_are_the_formulas(bound, state, name, nodes):
    found = getattr(bound.compiled.formulas, name)(bound.parameters, bound.inputs, state)
    for value, exact in zip(found, trees(bound, nodes, state), strict=True):
        np.testing.assert_allclose(np.broadcast_to(value, exact.shape), exact, **SAME)


def test_basal_sources_are_what_the_rates_gain_from_them(bound, state):
    formulas = bound.compiled.formulas
    with_source = formulas.rates(bound.parameters, bound.inputs, state, np.empty(state.shape))
    names = bound.outline.basal_inputs
    none = {**bound.inputs, **dict.fromkeys(names, 0.0)}
    without = formulas.rates(bound.parameters, none, state, np.empty(state.shape))
    found = formulas.basal_source(bound.parameters, bound.inputs, state)
    for name, i, source in zip(names, bound.outline.basal_place, found, strict=True):
        gained = with_source[..., i] - without[..., i]
        np.testing.assert_allclose(
            bound.inputs[name] * source, gained, rtol=1e-12, atol=1e-13 * np.abs(with_source[..., i]).max()
        )


def test_derived_quantities_are_the_formulas(bound, state):
    from collagensim.solver.columns import derived_values

    names = [derived.name for derived in MODEL.derived]
    found = derived_values(bound, names, bound.inputs, state)
    exact = trees(bound, [derived.expression for derived in MODEL.derived], state)
    for name, value in zip(names, exact, strict=True):
        np.testing.assert_allclose(found[name], value, **SAME)


def test_one_derived_quantity_may_be_asked_for_alone(bound, state):
    from collagensim.solver.columns import derived_values

    every = derived_values(bound, [derived.name for derived in MODEL.derived], bound.inputs, state)
    for name, values in every.items():
        np.testing.assert_array_equal(derived_values(bound, [name], bound.inputs, state)[name], values)


def test_derived_quantities_leave_nothing_behind(bound, state):
    """What they were made of goes at once, and does not wait for a search for cycles: in a tissue it is megabytes."""
    from collagensim.solver.columns import derived_values

    names = [derived.name for derived in MODEL.derived]
    many = np.repeat(state, 200, axis=0)
    derived_values(bound, names, bound.inputs, many)
    gc.disable()
    try:
        tracemalloc.start()
        for _ in range(3):
            derived_values(bound, names, bound.inputs, many)
        left, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    # One call's arrays are the most that there ever was; three calls that keep theirs would leave more than that.
    assert left < 0.1 * most


@pytest.mark.parametrize("model", [robertson(), adler_2020()], ids=lambda m: m.name)
def test_other_models_are_written_too(model):
    bound = Bound(model, Space(), {})
    state = bound.baseline + bound.scales[:, None]
    found = bound.compiled.formulas.rates(bound.parameters, bound.inputs, state, np.empty(state.shape))
    exact = [bound.value(node, bound.by_name(state)) for node in bound.compiled.source.lowered.rates]
    np.testing.assert_allclose(found[0, 0], np.array(exact).ravel(), rtol=1e-13)


def outcome(parameters):
    """Everything that binding computes from parameters, and a strike's formulas, flat."""
    rest = at_rest(MODEL, SKIN, {"skin.ageing": 1.0}, parameters)
    bound = rest.bound
    state = bound.baseline + 0.3 * bound.scales[:, None]
    inputs = {**bound.inputs, "injury.kill_fraction": np.full((1, SPACE.n_blocks), 0.4)}
    jumps = bound.compiled.formulas.jumps(bound.parameters_for(2), inputs, state)
    weights = weighing(bound, bound.inputs)
    rate = MEMORY.rates(
        np.full((1, 3), 0.3), rest.thickness, rest.diffusion, rest.decay,
        layouts=np.array([["random", "lattice", "whole"]]), radius_um=rest.radius_um,
    )  # fmt: skip
    parts = [
        bound.p,
        bound.u,
        bound.baseline,
        rate,
        *jumps,
        *(weigh(state[:, :, None]) for weigh in weights.values()),
    ]
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.parametrize(
    "name",
    [
        "fibroblast_mitosis",
        "tgf_beta_clearance",
        "cytokine_diffusion",
        "arterial_oxygen",
        "reference_age",
        "clot_fibrin",
    ],
)
def test_a_complex_parameter_carries_its_derivative_through_everything_outside_the_stepper(name):
    value = MODEL.values[name]
    h = 1e-5 * value
    carried = outcome({name: np.array([value + 1e-20j * value])}).imag / (1e-20 * value)
    up, down = (outcome({name: np.array([value + sign * h])}) for sign in (1.0, -1.0))
    differences = (up - down) / (2.0 * h)
    size = np.abs(outcome({name: np.array([value])}))
    # Central differences: truncation (1e-5)^2 of the value over the parameter, rounding 1e-16 / 1e-5 of it, and in
    # the rates solved from sums that cancel some hundred times that.
    tolerance = 3e-9 * (size + np.median(size)) / value
    assert np.any(carried != 0.0)
    assert np.all(np.abs(carried - differences) <= 1e-6 * np.abs(differences) + tolerance)
