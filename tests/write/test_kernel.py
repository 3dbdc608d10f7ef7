import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import adler_2020, robertson
from collagensim.errors import InputError
from collagensim.solver.mean_field import SPACE
from collagensim.solver.system import Bound
from collagensim.write.kernel import write_kernel
from naive.generated import run_text


@pytest.fixture(scope="module")
def bound():
    given = {**cs.Skin().inputs(), "skin.ageing": 1.0}
    model = cs.dermal_healing()
    found = Bound(model, SPACE, {k: v for k, v in given.items() if k in model.inputs})
    found.inputs.update(
        {
            i.name: np.full((1, SPACE.n_blocks), 0.3)
            for i in found.compiled.source.lowered.basal_inputs.values()
        }
    )
    found.renew()
    return found


@pytest.fixture(scope="module")
def state(bound):
    """Away from rest in every variable, so that no term is hidden by a zero."""
    rng = np.random.default_rng(11)
    return (bound.baseline[0] + 0.3 * bound.scales[0]) * rng.uniform(0.6, 1.4, bound.baseline[0].shape)


def test_the_generated_rates_are_the_formulas(bound, state):
    rates, _ = run_text(bound, state)
    formulas = [bound.value(f, bound.by_name(state[None])) for f in bound.compiled.source.lowered.rates]
    exact = np.array([np.broadcast_to(f, (1, SPACE.n_blocks))[0] for f in formulas]).T
    # The text sums the same terms in another order: some hundred roundings of the largest term.
    scale = np.abs(exact).max(axis=0)
    np.testing.assert_allclose(rates, exact, rtol=1e-12, atol=1e-12 * scale.max())


def test_the_jacobian_is_the_complex_step_derivative_of_the_rates(bound, state):
    _, slopes = run_text(bound, state)
    pattern = np.array(bound.compiled.source.lowered.pattern)
    for block in range(SPACE.n_blocks):
        dense = np.zeros((bound.compiled.m, bound.compiled.m))
        dense[pattern[:, 0], pattern[:, 1]] = slopes[block]
        for column in range(bound.compiled.m):
            step = 1e-30 * bound.scales[0, column]
            shifted = state.astype(complex)
            shifted[block, column] += 1j * step
            exact = run_text(bound, shifted)[0][block].imag / step
            # A complex step has no truncation error; what is left is rounding of sums that may cancel.
            np.testing.assert_allclose(
                dense[:, column], exact, rtol=1e-9, atol=1e-11 * max(np.abs(exact).max(), 1e-300)
            )


def test_the_pattern_has_no_entry_that_is_always_zero(bound, state):
    rng = np.random.default_rng(5)
    seen = np.zeros(len(bound.compiled.source.lowered.pattern), dtype=bool)
    for _ in range(3):
        seen |= np.any(run_text(bound, state * rng.uniform(0.5, 2.0, state.shape))[1] != 0.0, axis=0)
    assert seen.all()


def test_the_text_speaks_the_words_of_the_model():
    text = cs.write.kernel(cs.dermal_healing(), "rhs")
    assert "def block_rates(y, p, u, out):" in text
    assert "fibroblasts = y[" in text
    assert "eval" not in text


def test_writing_is_deterministic():
    assert write_kernel(cs.dermal_healing()).text == write_kernel(cs.dermal_healing()).text


def test_structures_differ_and_parameter_values_do_not_enter_the_text():
    assert cs.write.kernel(robertson()) != cs.write.kernel(adler_2020())
    model = robertson()
    name = next(iter(model.values))
    assert cs.write.kernel(model.with_parameters({name: model.values[name] * 1.01})) == cs.write.kernel(model)


def test_an_unknown_part_is_named():
    with pytest.raises(InputError, match=r"part 'rsh' is not known.*did you mean 'rhs'"):
        cs.write.kernel(robertson(), "rsh")
