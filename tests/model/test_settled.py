"""A settled quantity: one definition, read as a closed form and as two reactions."""

import dataclasses

import numpy as np
import pytest

from collagensim.errors import ModelError
from collagensim.model import Derived, Parameter, Relaxation, Settled, Source, Species, evaluate

GUESS = Source("", kind="assumed")


def parameter(name, unit, value=1.0, low=0.0):
    return Parameter(name, value, unit, low, 1e6, GUESS, "assumed")


VESSELS = Species("vessels", "1", "matrix", 1.0)
EATERS = Species("eaters", "cell/mm^3", "cell", 100.0)
SOURCE, HALF = parameter("in_blood", "mmHg", 95.0), parameter("half", "mmHg")
USE = parameter("use_of_one", "mmHg*mm^3/cell", 0.6)
RATE, DIFFUSION = parameter("pace", "1/second", 0.1), parameter("spread", "um^2/second", 1000.0)


def settled(**changes):
    parts = {"supply": VESSELS, "source": SOURCE, "use": USE * EATERS, "half_use": HALF}
    return Settled("gas", "mmHg", "a gas", **{**parts, **changes})


def random_values(n=50):
    random = np.random.default_rng(3)
    spans = {"vessels": 1.0, "eaters": 2.0, "in_blood": 1.0, "half": 2.0, "use_of_one": 2.0, "pace": 1.0}
    # Over many orders of magnitude each: plenty and want, saturated and linear use.
    return {name: random.lognormal(0.0, 2.0 * spread, n) for name, spread in spans.items()}


def test_the_closed_form_solves_the_balance():
    values = random_values()
    level = evaluate(settled().expression.node, values)
    supplied = values["vessels"] * (values["in_blood"] - level)
    used = values["eaters"] * values["use_of_one"] * level / (level + values["half"])
    assert np.all(level > 0.0)
    assert np.all(level < values["in_blood"])
    # The root of b + sqrt(b b + c) loses at most half of its digits where b is negative and c small; of the supply, the
    # difference of two like levels, what rounding leaves of them.
    close = 1e-13 * np.maximum(values["vessels"] * values["in_blood"], used) + 1e-7 * used
    assert np.all(np.abs(supplied - used) < close)


def test_its_reactions_are_in_balance_at_the_closed_form_and_lead_there():
    values, gas = random_values(), settled()
    relaxation, species = Relaxation(gas, RATE, DIFFUSION), Species("gas", "mmHg", "soluble", 1.0)
    supply, use = relaxation.reactions(species, "day")
    level = evaluate(gas.expression.node, values)
    day = 86400.0 * values["pace"]
    for share in (1.0, 0.5, 1.5):
        known = values | {"gas": share * level}
        got, spent = evaluate(supply.total, known), evaluate(use.total, known)
        # What the parts say, per day though the rate is told per second.
        np.testing.assert_allclose(
            got, day * values["vessels"] * (values["in_blood"] - share * level), rtol=1e-12, atol=1e-12
        )
        if share == 1.0:
            close = 1e-13 * day * np.maximum(values["vessels"] * values["in_blood"], spent) + 1e-7 * spent
            assert np.all(np.abs(got - spent) < close)
        else:
            assert np.all((got > spent) == (share < 1.0))
    assert supply.effect == {species: 1}
    assert use.effect == {species: -1}
    # Who uses it is around, not in one voxel.
    assert use.actor is None
    assert relaxation.transport(species).decay == RATE


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"supply": SOURCE}, "supply of 'gas' is in mmHg, needs 1"),
        ({"source": VESSELS}, "source of 'gas' is in 1, needs mmHg"),
        ({"use": USE}, r"use of 'gas' is in .*, needs mmHg"),
        ({"half_use": USE}, r"half-use of 'gas' is in .*, needs mmHg"),
        ({"source": SOURCE * VESSELS}, "reads 'vessels', but may read parameters and inputs only"),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ModelError, match=sentence):
        settled(**changes)


def test_a_relaxation_is_of_something_settled_at_a_rate_above_0():
    with pytest.raises(ModelError, match="'double' cannot relax"):
        Relaxation(Derived("double", 2.0 * SOURCE, "mmHg"), RATE, DIFFUSION)
    with pytest.raises(ModelError, match="diffusion 'pace' is in 1/second, needs an area per time"):
        Relaxation(settled(), RATE, RATE)
    with pytest.raises(ModelError, match=r"'pace' of 'gas' is 0\.0: give more than 0"):
        Relaxation(settled(), dataclasses.replace(RATE, value=0.0), DIFFUSION)
